//! Histograms.

use tachograph::{Buckets, Histogram, Resolution};

use crate::borrowed::{Options, array, cloned, freed, handle, options, text};
use crate::failure::{Failure, made, status, told};
use crate::family::{AnyFamily, registered, with_values};
use crate::{TachographFamilyOptions, TachographRegistry, TachographStatus, TachographStr};

/// What the values of a histogram are, and so what its base unit is.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TachographUnit {
    /// Seconds, counted in nanoseconds.
    Seconds = 0,
    /// Bytes.
    Bytes = 1,
    /// Whole numbers.
    Whole = 2,
    /// Fractions without a unit, counted in decimals that fit the bounds: observe them with `tachograph_histogram_observe_f64`.
    Decimal = 3,
}

/// How finely a histogram tells values apart.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TachographResolution {
    /// By its bounds alone: what labelled families should have.
    Classic = 0,
    /// Also by the buckets of Prometheus' native histograms, schema 3.
    Native = 1,
    /// Also by two significant digits, for the few series whose quantiles matter: up to 30 KB a thread.
    Hdr = 2,
}

/// The buckets of a histogram. Set all of it to 0, then `size` and the bounds; what else is 0 is left to the library.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct TachographBuckets {
    /// `sizeof(TachographBuckets)`.
    pub size: usize,
    /// The upper bounds, in the unit that a scrape shows (seconds, bytes), above 0 and rising; each is a whole number of base
    /// units.
    pub bounds: *const f64,
    /// How many there are, 1 to 126.
    pub count: usize,
    /// A `TachographUnit`.
    pub unit: u32,
    /// A `TachographResolution`.
    pub resolution: u32,
    /// The highest value in base units that is told from higher ones; 0 is 2^44, at `TACHOGRAPH_RESOLUTION_HDR` 2^34.
    pub highest_trackable: u64,
}

// SAFETY: it is `repr(C)`, its size comes first, and all else are integers and a pointer.
unsafe impl Options for TachographBuckets {
    const DEFAULT: Self =
        Self { size: size_of::<Self>(), bounds: std::ptr::null(), count: 0, unit: 0, resolution: 0, highest_trackable: 0 };
}

/// The buckets that a caller means.
///
/// # Safety
///
/// `given` is NULL, or as large as its `size` says and with as many bounds as its `count` says.
unsafe fn buckets(given: *const TachographBuckets) -> Result<Buckets, Failure> {
    // SAFETY: as the caller promises.
    let given = unsafe { options(given, "buckets") }?;
    // SAFETY: as the caller promises.
    let bounds = unsafe { array(given.bounds, given.count, "bounds") }?;
    let whole = || {
        let whole = |&bound: &f64| (bound >= 0.0 && bound.fract() == 0.0).then_some(bound as u64);
        let bounds: Option<Vec<u64>> = bounds.iter().map(whole).collect();
        bounds.ok_or_else(|| Failure::argument("a bound of bytes or whole numbers is no whole number"))
    };
    let buckets = match given.unit {
        unit if unit == TachographUnit::Seconds as u32 => Buckets::seconds(bounds)?,
        unit if unit == TachographUnit::Bytes as u32 => Buckets::bytes(&whole()?)?,
        unit if unit == TachographUnit::Whole as u32 => Buckets::whole(&whole()?)?,
        unit if unit == TachographUnit::Decimal as u32 => Buckets::decimal(bounds)?,
        unit => return Err(Failure::argument(format!("{unit} is no TachographUnit"))),
    };
    let buckets = match given.resolution {
        resolution if resolution == TachographResolution::Classic as u32 => buckets,
        resolution if resolution == TachographResolution::Native as u32 => buckets.resolution(Resolution::Native),
        resolution if resolution == TachographResolution::Hdr as u32 => buckets.resolution(Resolution::Hdr),
        resolution => return Err(Failure::argument(format!("{resolution} is no TachographResolution"))),
    };
    match given.highest_trackable {
        0 => Ok(buckets),
        highest => Ok(buckets.highest_trackable(highest)?),
    }
}

/// Counts of observations by size, and their sum: latencies, sizes. Free it with `tachograph_histogram_free`.
#[derive(Clone, Debug)]
pub struct TachographHistogram(Histogram);

/// Histograms of one name and the same buckets that differ by the values of labels. Free it with
/// `tachograph_histogram_family_free`.
#[derive(Debug)]
pub struct TachographHistogramFamily(Box<dyn AnyFamily<Histogram>>);

/// Registers a histogram without labels.
///
/// Threads: any.
/// Lifetimes: the texts and the buckets are read before it returns.
/// Errors: NULL when `registry` is, a text is not UTF-8, the buckets make no sense, or the name is refused or taken.
///
/// # Safety
///
/// `registry` is NULL or a handle that is not freed; each text is as long as it says; `buckets` is NULL, which is refused, or
/// as large as its `size` says, with as many bounds as its `count` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_histogram_new(
    registry: *const TachographRegistry,
    name: TachographStr,
    help: TachographStr,
    buckets: *const TachographBuckets,
) -> *mut TachographHistogram {
    made(|| {
        // SAFETY: as the caller promises.
        let (registry, name, help) = unsafe { (handle(registry, "registry")?, text(name, "name")?, text(help, "help")?) };
        // SAFETY: as the caller promises.
        let buckets = unsafe { self::buckets(buckets) }?;
        Ok(TachographHistogram(registry.0.histogram(name, help, buckets)?))
    })
}

/// Counts a value in base units: nanoseconds, bytes. Of NULL nothing is counted.
///
/// Threads: any, at once; none waits for another. Not in a signal handler. The first time on a thread may allocate, unless
/// `tachograph_histogram_prepare` has done so.
///
/// # Safety
///
/// `histogram` is NULL or a handle that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_histogram_observe(histogram: *const TachographHistogram, value: u64) {
    // SAFETY: as the caller promises.
    if let Some(histogram) = unsafe { histogram.as_ref() } {
        told((), || histogram.0.observe(value));
    }
}

/// Counts a value in the unit that a scrape shows: seconds, bytes. NaN, infinite and negative values are refused, and counted
/// in `tachograph_observations_refused_total`. Of NULL nothing is counted.
///
/// Threads: as `tachograph_histogram_observe`.
///
/// # Safety
///
/// `histogram` is NULL or a handle that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_histogram_observe_f64(histogram: *const TachographHistogram, value: f64) {
    // SAFETY: as the caller promises.
    if let Some(histogram) = unsafe { histogram.as_ref() } {
        told((), || histogram.0.observe_f64(value));
    }
}

/// Tells how many observations there are; 0 of NULL. For tests and the curious: it looks at each thread's memory.
///
/// Threads: any.
///
/// # Safety
///
/// `histogram` is NULL or a handle that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_histogram_count(histogram: *const TachographHistogram) -> u64 {
    // SAFETY: as the caller promises.
    unsafe { histogram.as_ref() }.map_or(0, |histogram| told(0, || histogram.0.count()))
}

/// Tells the sum of the observations, in the unit that a scrape shows; 0 of NULL.
///
/// Threads: any.
///
/// # Safety
///
/// `histogram` is NULL or a handle that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_histogram_sum(histogram: *const TachographHistogram) -> f64 {
    // SAFETY: as the caller promises.
    unsafe { histogram.as_ref() }.map_or(0.0, |histogram| told(0.0, || histogram.0.sum()))
}

/// Allocates the calling thread's memory for it, so that observing on this thread allocates nothing from now on. NULL is
/// nothing.
///
/// Threads: the one that will observe.
///
/// # Safety
///
/// `histogram` is NULL or a handle that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_histogram_prepare(histogram: *const TachographHistogram) {
    // SAFETY: as the caller promises.
    if let Some(histogram) = unsafe { histogram.as_ref() } {
        told((), || histogram.0.prepare());
    }
}

/// Makes another handle of the same histogram; NULL of NULL.
///
/// Threads: any.
///
/// # Safety
///
/// `histogram` is NULL or a handle that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_histogram_clone(histogram: *const TachographHistogram) -> *mut TachographHistogram {
    // SAFETY: as the caller promises.
    unsafe { cloned(histogram) }
}

/// Frees a handle to a histogram; NULL is nothing. What it says stays in the scrapes of the registry.
///
/// Threads: any.
///
/// # Safety
///
/// `histogram` is NULL or a handle that is not freed, and nobody uses it now or later.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_histogram_free(histogram: *mut TachographHistogram) {
    // SAFETY: as the caller promises.
    unsafe { freed(histogram) }
}

/// Registers histograms with 1 to 8 labels, all with the same buckets; `options` may be NULL.
///
/// Threads: any.
/// Lifetimes: the texts are read before it returns. The names of labels are kept once each for as long as the process.
/// Errors: NULL when `registry` is, a text is not UTF-8, or a name, a label or the unit is refused, or the name is taken.
///
/// # Safety
///
/// `registry` is NULL or a handle that is not freed; `labels` is an array of `label_count`; each text is as long as it says;
/// `options` is NULL or as large as its `size` says, and so is `buckets`, with as many bounds as its `count` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_histogram_family_new(
    registry: *const TachographRegistry,
    name: TachographStr,
    help: TachographStr,
    labels: *const TachographStr,
    label_count: usize,
    buckets: *const TachographBuckets,
    options: *const TachographFamilyOptions,
) -> *mut TachographHistogramFamily {
    made(|| {
        // SAFETY: as the caller promises.
        let buckets = unsafe { self::buckets(buckets) }?;
        // SAFETY: as the caller promises.
        unsafe { registered(registry, (name, help), (labels, label_count), options, (buckets,)) }.map(TachographHistogramFamily)
    })
}

/// Finds the histogram with these values of the labels, in their order, made at 0 if there is none: a handle that needs no
/// look-up, which is the fast way. Past the family's limit it is the histogram whose values are all `other`. What is not UTF-8
/// in a value becomes U+FFFD.
///
/// Threads: any.
/// Lifetimes: the texts are read before it returns. The histogram goes on when the family's handle is freed.
/// Errors: NULL when `family` is, or there are not as many values as labels.
///
/// # Safety
///
/// `family` is NULL or a handle that is not freed; `values` is an array of `value_count`; each text is as long as it says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_histogram_family_handle(
    family: *const TachographHistogramFamily,
    values: *const TachographStr,
    value_count: usize,
) -> *mut TachographHistogram {
    made(|| {
        // SAFETY: as the caller promises.
        let family = unsafe { handle(family, "family") }?;
        // SAFETY: as the caller promises.
        unsafe { with_values(values, value_count, |values| family.0.handle(values)) }.map(TachographHistogram)
    })
}

/// Counts a value in base units in the histogram with these values, for values that are known only at run time: without a lock,
/// and without an allocation once the histogram is there. Past the family's limit, and of what is not UTF-8, as
/// `tachograph_histogram_family_handle`.
///
/// Threads: any, at once. Not in a signal handler.
/// Errors: `TACHOGRAPH_STATUS_NULL_POINTER`; `TACHOGRAPH_STATUS_INVALID_ARGUMENT` when there are not as many values as labels.
///
/// # Safety
///
/// As `tachograph_histogram_family_handle`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_histogram_family_observe(
    family: *const TachographHistogramFamily,
    values: *const TachographStr,
    value_count: usize,
    value: u64,
) -> TachographStatus {
    status(|| {
        // SAFETY: as the caller promises.
        let family = unsafe { handle(family, "family") }?;
        // SAFETY: as the caller promises.
        unsafe { with_values(values, value_count, |values| family.0.write(values, value)) }
    })
}

/// Takes the histogram with these values out of the scrapes, if there is one. Handles to it stay valid, but what they say is
/// shown no more.
///
/// Threads: any.
/// Errors: `TACHOGRAPH_STATUS_NULL_POINTER`; `TACHOGRAPH_STATUS_INVALID_ARGUMENT` when there are not as many values as labels.
///
/// # Safety
///
/// As `tachograph_histogram_family_handle`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_histogram_family_remove(
    family: *const TachographHistogramFamily,
    values: *const TachographStr,
    value_count: usize,
) -> TachographStatus {
    status(|| {
        // SAFETY: as the caller promises.
        let family = unsafe { handle(family, "family") }?;
        // SAFETY: as the caller promises.
        unsafe { with_values(values, value_count, |values| family.0.remove(values)) }
    })
}

/// Frees a handle to a family; NULL is nothing. Its histograms stay in the scrapes of the registry.
///
/// Threads: any.
///
/// # Safety
///
/// `family` is NULL or a handle that is not freed, and nobody uses it now or later.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_histogram_family_free(family: *mut TachographHistogramFamily) {
    // SAFETY: as the caller promises.
    unsafe { freed(family) }
}
