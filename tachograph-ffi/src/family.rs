//! Families of metrics with labels, whose number is known only at run time.

use std::fmt::Debug;

use tachograph::{Buckets, Counter, Family, Gauge, Histogram, Instrument, Labels, RegisterError, Registry};

use crate::borrowed::{Options, array, handle, kept, lossy, options, text};
use crate::failure::Failure;
use crate::{TachographRegistry, TachographStatus, TachographStr};

/// What a family with labels may be told. Set all of it to 0 and then `size`; what is 0 is left to the library.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct TachographFamilyOptions {
    /// `sizeof(TachographFamilyOptions)`.
    pub size: usize,
    /// Series that there may be before new ones count as `other`; 0 is 1000.
    pub limit: usize,
    /// A base unit, such as `bytes`, in which the family's name must end; empty for none. A histogram knows its own.
    pub unit: TachographStr,
}

// SAFETY: it is `repr(C)`, its size comes first, and all else are integers and a pointer.
unsafe impl Options for TachographFamilyOptions {
    const DEFAULT: Self = Self { size: size_of::<Self>(), limit: 0, unit: TachographStr { data: std::ptr::null(), len: 0 } };
}

/// What can be in a family, and how one that is looked up is written.
pub(crate) trait Metric: Instrument + Sized {
    /// What is said at registration beside the labels.
    type Form;
    type Step;

    fn register<const N: usize>(
        registry: &Registry,
        texts: (&str, &str),
        labels: Labels<N>,
        form: Self::Form,
    ) -> Result<Family<Self, N>, RegisterError>;
    fn write<const N: usize>(family: &Family<Self, N>, values: [&str; N], step: Self::Step);
}

macro_rules! metric {
    ($metric:ident, $register:ident($($form:ident: $Form:ty)?), $write:ident($Step:ty)) => {
        impl Metric for $metric {
            type Form = ($($Form,)?);
            type Step = $Step;

            fn register<const N: usize>(
                registry: &Registry,
                (name, help): (&str, &str),
                labels: Labels<N>,
                ($($form,)?): Self::Form,
            ) -> Result<Family<Self, N>, RegisterError> {
                registry.$register(name, help, labels, $($form)?)
            }

            #[inline]
            fn write<const N: usize>(family: &Family<Self, N>, values: [&str; N], step: $Step) {
                family.$write(values, step);
            }
        }
    };
}

metric!(Counter, counter_family(), inc_by(u64));
metric!(Gauge, gauge_family(), set(f64));
metric!(Histogram, histogram_family(buckets: Buckets), observe(u64));

/// A family, whatever the number of its labels.
pub(crate) trait AnyFamily<M: Metric>: Debug + Send + Sync {
    fn handle(&self, values: &[&str]) -> Result<M, Failure>;
    fn write(&self, values: &[&str], step: M::Step) -> Result<(), Failure>;
    fn remove(&self, values: &[&str]) -> Result<(), Failure>;
}

#[inline]
fn values_of<'a, const N: usize>(values: &[&'a str]) -> Result<[&'a str; N], Failure> {
    values.try_into().map_err(|_| Failure::labels(N, values.len()))
}

impl<M: Metric, const N: usize> AnyFamily<M> for Family<M, N>
where
    Self: Send + Sync,
{
    fn handle(&self, values: &[&str]) -> Result<M, Failure> {
        Ok(self.handle(values_of(values)?))
    }

    #[inline]
    fn write(&self, values: &[&str], step: M::Step) -> Result<(), Failure> {
        M::write(self, values_of(values)?, step);
        Ok(())
    }

    fn remove(&self, values: &[&str]) -> Result<(), Failure> {
        self.remove(values_of(values)?);
        Ok(())
    }
}

/// Labels that a family may have here.
const MOST_LABELS: usize = 8;

/// Registers a family.
///
/// # Safety
///
/// `registry` and `given` are NULL or alive, `labels` are as many as `count` says, each text is as long as it says.
pub(crate) unsafe fn registered<M: Metric + Send + Sync>(
    registry: *const TachographRegistry,
    (name, help): (TachographStr, TachographStr),
    (labels, count): (*const TachographStr, usize),
    given: *const TachographFamilyOptions,
    form: M::Form,
) -> Result<Box<dyn AnyFamily<M>>, Failure> {
    // SAFETY: as the caller promises.
    let (registry, given) = unsafe { (handle(registry, "registry")?, options(given, "options")?) };
    // SAFETY: as the caller promises.
    let (name, help, unit) = unsafe { (text(name, "name")?, text(help, "help")?, text(given.unit, "unit")?) };
    if !(1..=MOST_LABELS).contains(&count) {
        return Err(Failure::argument(format!("a family has 1 to {MOST_LABELS} labels, not {count}")));
    }
    let mut names = [""; MOST_LABELS];
    // SAFETY: as the caller promises.
    for (kept_name, &label) in names.iter_mut().zip(unsafe { array(labels, count, "labels") }?) {
        // SAFETY: as the caller promises.
        *kept_name = kept(unsafe { text(label, "a label's name") }?);
    }
    macro_rules! of_so_many {
        ($($many:literal)*) => {
            match count {
                $($many => {
                    let mut labels = Labels::<$many>::new(std::array::from_fn(|at| names[at]));
                    if given.limit > 0 {
                        labels = labels.limit(given.limit);
                    }
                    if !unit.is_empty() {
                        labels = labels.unit(kept(unit));
                    }
                    Ok(Box::new(M::register::<$many>(&registry.0, (name, help), labels, form)?))
                })*
                _ => unreachable!("the number of labels is checked"),
            }
        };
    }
    of_so_many!(1 2 3 4 5 6 7 8)
}

/// Calls `f` with the values of labels.
///
/// # Safety
///
/// `values` are as many as `count` says, each text is as long as it says.
#[inline]
pub(crate) unsafe fn with_values<T>(
    values: *const TachographStr,
    count: usize,
    f: impl FnOnce(&[&str]) -> Result<T, Failure>,
) -> Result<T, Failure> {
    // First: a count that cannot be meant is not of an array that is there.
    if count > MOST_LABELS {
        return Err(Failure::argument(format!("a family has {MOST_LABELS} labels at most, not {count}")));
    }
    // SAFETY: as the caller promises.
    let values = unsafe { array(values, count, "values") }?;
    let mut texts = [""; MOST_LABELS];
    for (known, &value) in texts.iter_mut().zip(values) {
        // SAFETY: as the caller promises.
        match unsafe { text(value, "a label's value") } {
            Ok(text) => *known = text,
            // SAFETY: as the caller promises.
            Err(failure) if failure.is(TachographStatus::InvalidUtf8) => return unsafe { with_lossy(values, f) },
            Err(failure) => return Err(failure),
        }
    }
    f(&texts[..values.len()])
}

/// The same, where one of them is not UTF-8.
///
/// # Safety
///
/// As [`with_values`].
#[cold]
unsafe fn with_lossy<T>(values: &[TachographStr], f: impl FnOnce(&[&str]) -> Result<T, Failure>) -> Result<T, Failure> {
    // SAFETY: as the caller promises.
    let texts = values.iter().map(|&value| unsafe { lossy(value, "a label's value") }).collect::<Result<Vec<_>, _>>()?;
    f(&texts.iter().map(|text| &**text).collect::<Vec<_>>())
}
