//! Gauges.

use tachograph::Gauge;

use crate::borrowed::{cloned, freed, handle, text};
use crate::failure::{made, status, told};
use crate::family::{AnyFamily, registered, with_values};
use crate::{TachographFamilyOptions, TachographRegistry, TachographStatus, TachographStr};

/// A value that is set: a temperature, the length of a queue. Free it with `tachograph_gauge_free`.
#[derive(Clone, Debug)]
pub struct TachographGauge(Gauge);

/// Gauges of one name that differ by the values of labels. Free it with `tachograph_gauge_family_free`.
#[derive(Debug)]
pub struct TachographGaugeFamily(Box<dyn AnyFamily<Gauge>>);

/// Registers a gauge without labels.
///
/// Threads: any.
/// Lifetimes: the texts are read before it returns.
/// Errors: NULL when `registry` is, a text is not UTF-8, or the name is refused or taken.
///
/// # Safety
///
/// `registry` is NULL or a handle that is not freed; each text is as long as it says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_gauge_new(
    registry: *const TachographRegistry,
    name: TachographStr,
    help: TachographStr,
) -> *mut TachographGauge {
    made(|| {
        // SAFETY: as the caller promises.
        let (registry, name, help) = unsafe { (handle(registry, "registry")?, text(name, "name")?, text(help, "help")?) };
        Ok(TachographGauge(registry.0.gauge(name, help)?))
    })
}

/// Sets the value. Any double will do, NaN and the infinities too. Of NULL nothing is set.
///
/// Threads: any, at once; the last one wins. Not in a signal handler.
///
/// # Safety
///
/// `gauge` is NULL or a handle that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_gauge_set(gauge: *const TachographGauge, value: f64) {
    // SAFETY: as the caller promises.
    if let Some(gauge) = unsafe { gauge.as_ref() } {
        told((), || gauge.0.set(value));
    }
}

/// Adds `n`, which may be negative, as one atomic step. Of NULL nothing is set.
///
/// Threads: as `tachograph_gauge_set`.
///
/// # Safety
///
/// `gauge` is NULL or a handle that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_gauge_inc_by(gauge: *const TachographGauge, n: f64) {
    // SAFETY: as the caller promises.
    if let Some(gauge) = unsafe { gauge.as_ref() } {
        told((), || gauge.0.inc_by(n));
    }
}

/// Tells the value now; 0 of NULL.
///
/// Threads: any.
///
/// # Safety
///
/// `gauge` is NULL or a handle that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_gauge_value(gauge: *const TachographGauge) -> f64 {
    // SAFETY: as the caller promises.
    unsafe { gauge.as_ref() }.map_or(0.0, |gauge| told(0.0, || gauge.0.value()))
}

/// Makes another handle of the same gauge; NULL of NULL.
///
/// Threads: any.
///
/// # Safety
///
/// `gauge` is NULL or a handle that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_gauge_clone(gauge: *const TachographGauge) -> *mut TachographGauge {
    // SAFETY: as the caller promises.
    unsafe { cloned(gauge) }
}

/// Frees a handle to a gauge; NULL is nothing. What it says stays in the scrapes of the registry.
///
/// Threads: any.
///
/// # Safety
///
/// `gauge` is NULL or a handle that is not freed, and nobody uses it now or later.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_gauge_free(gauge: *mut TachographGauge) {
    // SAFETY: as the caller promises.
    unsafe { freed(gauge) }
}

/// Registers gauges with 1 to 8 labels; `options` may be NULL.
///
/// Threads: any.
/// Lifetimes: the texts are read before it returns. The names of labels are kept once each for as long as the process.
/// Errors: NULL when `registry` is, a text is not UTF-8, or a name, a label or the unit is refused, or the name is taken.
///
/// # Safety
///
/// `registry` is NULL or a handle that is not freed; `labels` is an array of `label_count`; each text is as long as it says;
/// `options` is NULL or as large as its `size` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_gauge_family_new(
    registry: *const TachographRegistry,
    name: TachographStr,
    help: TachographStr,
    labels: *const TachographStr,
    label_count: usize,
    options: *const TachographFamilyOptions,
) -> *mut TachographGaugeFamily {
    made(|| {
        // SAFETY: as the caller promises.
        unsafe { registered(registry, (name, help), (labels, label_count), options, ()) }.map(TachographGaugeFamily)
    })
}

/// Finds the gauge with these values of the labels, in their order, made at 0 if there is none: a handle that needs no look-up,
/// which is the fast way. Past the family's limit it is the gauge whose values are all `other`. What is not UTF-8 in a value
/// becomes U+FFFD.
///
/// Threads: any.
/// Lifetimes: the texts are read before it returns. The gauge goes on when the family's handle is freed.
/// Errors: NULL when `family` is, or there are not as many values as labels.
///
/// # Safety
///
/// `family` is NULL or a handle that is not freed; `values` is an array of `value_count`; each text is as long as it says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_gauge_family_handle(
    family: *const TachographGaugeFamily,
    values: *const TachographStr,
    value_count: usize,
) -> *mut TachographGauge {
    made(|| {
        // SAFETY: as the caller promises.
        let family = unsafe { handle(family, "family") }?;
        // SAFETY: as the caller promises.
        unsafe { with_values(values, value_count, |values| family.0.handle(values)) }.map(TachographGauge)
    })
}

/// Sets the gauge with these values, for values that are known only at run time: without a lock, and without an allocation once
/// the gauge is there. Past the family's limit, and of what is not UTF-8, as `tachograph_gauge_family_handle`.
///
/// Threads: any, at once. Not in a signal handler.
/// Errors: `TACHOGRAPH_STATUS_NULL_POINTER`; `TACHOGRAPH_STATUS_INVALID_ARGUMENT` when there are not as many values as labels.
///
/// # Safety
///
/// As `tachograph_gauge_family_handle`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_gauge_family_set(
    family: *const TachographGaugeFamily,
    values: *const TachographStr,
    value_count: usize,
    value: f64,
) -> TachographStatus {
    status(|| {
        // SAFETY: as the caller promises.
        let family = unsafe { handle(family, "family") }?;
        // SAFETY: as the caller promises.
        unsafe { with_values(values, value_count, |values| family.0.write(values, value)) }
    })
}

/// Takes the gauge with these values out of the scrapes, if there is one. Handles to it stay valid, but what they say is shown
/// no more.
///
/// Threads: any.
/// Errors: `TACHOGRAPH_STATUS_NULL_POINTER`; `TACHOGRAPH_STATUS_INVALID_ARGUMENT` when there are not as many values as labels.
///
/// # Safety
///
/// As `tachograph_gauge_family_handle`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_gauge_family_remove(
    family: *const TachographGaugeFamily,
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

/// Frees a handle to a family; NULL is nothing. Its gauges stay in the scrapes of the registry.
///
/// Threads: any.
///
/// # Safety
///
/// `family` is NULL or a handle that is not freed, and nobody uses it now or later.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_gauge_family_free(family: *mut TachographGaugeFamily) {
    // SAFETY: as the caller promises.
    unsafe { freed(family) }
}
