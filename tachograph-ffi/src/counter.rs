//! Counters.

use tachograph::Counter;

use crate::borrowed::{cloned, freed, handle, text};
use crate::failure::{made, status, told};
use crate::family::{AnyFamily, registered, with_values};
use crate::{TachographFamilyOptions, TachographRegistry, TachographStatus, TachographStr};

/// A number that only rises. Each thread counts in memory that it alone writes, so one handle serves all of them. Free it with
/// `tachograph_counter_free`.
#[derive(Clone, Debug)]
pub struct TachographCounter(Counter);

/// Counters of one name that differ by the values of labels. Free it with `tachograph_counter_family_free`.
#[derive(Debug)]
pub struct TachographCounterFamily(Box<dyn AnyFamily<Counter>>);

/// Registers a counter without labels. Its name ends in `_total`.
///
/// Threads: any.
/// Lifetimes: the texts are read before it returns.
/// Errors: NULL when `registry` is, a text is not UTF-8, or the name is refused or taken.
///
/// # Safety
///
/// `registry` is NULL or a handle that is not freed; each text is as long as it says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_counter_new(
    registry: *const TachographRegistry,
    name: TachographStr,
    help: TachographStr,
) -> *mut TachographCounter {
    made(|| {
        // SAFETY: as the caller promises.
        let (registry, name, help) = unsafe { (handle(registry, "registry")?, text(name, "name")?, text(help, "help")?) };
        Ok(TachographCounter(registry.0.counter(name, help)?))
    })
}

/// Adds one. Of NULL nothing is counted.
///
/// Threads: any, at once; none waits for another. Not in a signal handler. The first time on a thread may allocate, unless
/// `tachograph_counter_prepare` has done so.
///
/// # Safety
///
/// `counter` is NULL or a handle that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_counter_inc(counter: *const TachographCounter) {
    // SAFETY: as the caller promises.
    if let Some(counter) = unsafe { counter.as_ref() } {
        told((), || counter.0.inc());
    }
}

/// Adds `n`. Past 2^64 the sum starts again from 0. Of NULL nothing is counted.
///
/// Threads: as `tachograph_counter_inc`.
///
/// # Safety
///
/// `counter` is NULL or a handle that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_counter_inc_by(counter: *const TachographCounter, n: u64) {
    // SAFETY: as the caller promises.
    if let Some(counter) = unsafe { counter.as_ref() } {
        told((), || counter.0.inc_by(n));
    }
}

/// Tells the sum of all threads now; 0 of NULL. For tests and the curious: it looks at each thread's memory.
///
/// Threads: any.
///
/// # Safety
///
/// `counter` is NULL or a handle that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_counter_value(counter: *const TachographCounter) -> u64 {
    // SAFETY: as the caller promises.
    unsafe { counter.as_ref() }.map_or(0, |counter| told(0, || counter.0.value()))
}

/// Allocates the calling thread's memory for it, so that counting on this thread allocates nothing from now on: call it on the
/// thread of the frames before the first one. NULL is nothing.
///
/// Threads: the one that will count.
///
/// # Safety
///
/// `counter` is NULL or a handle that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_counter_prepare(counter: *const TachographCounter) {
    // SAFETY: as the caller promises.
    if let Some(counter) = unsafe { counter.as_ref() } {
        told((), || counter.0.prepare());
    }
}

/// Makes another handle of the same counter; NULL of NULL.
///
/// Threads: any.
///
/// # Safety
///
/// `counter` is NULL or a handle that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_counter_clone(counter: *const TachographCounter) -> *mut TachographCounter {
    // SAFETY: as the caller promises.
    unsafe { cloned(counter) }
}

/// Frees a handle to a counter; NULL is nothing. What was counted stays in the scrapes of the registry.
///
/// Threads: any.
///
/// # Safety
///
/// `counter` is NULL or a handle that is not freed, and nobody uses it now or later.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_counter_free(counter: *mut TachographCounter) {
    // SAFETY: as the caller promises.
    unsafe { freed(counter) }
}

/// Registers counters with 1 to 8 labels. The name ends in `_total`; `options` may be NULL.
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
pub unsafe extern "C" fn tachograph_counter_family_new(
    registry: *const TachographRegistry,
    name: TachographStr,
    help: TachographStr,
    labels: *const TachographStr,
    label_count: usize,
    options: *const TachographFamilyOptions,
) -> *mut TachographCounterFamily {
    // SAFETY: as the caller promises.
    made(|| unsafe { registered(registry, (name, help), (labels, label_count), options, ()) }.map(TachographCounterFamily))
}

/// Finds the counter with these values of the labels, in their order, made at 0 if there is none: a handle that needs no
/// look-up, which is the fast way. Past the family's limit it is the counter whose values are all `other`. What is not UTF-8 in
/// a value becomes U+FFFD.
///
/// Threads: any.
/// Lifetimes: the texts are read before it returns. The counter goes on when the family's handle is freed.
/// Errors: NULL when `family` is, or there are not as many values as labels.
///
/// # Safety
///
/// `family` is NULL or a handle that is not freed; `values` is an array of `value_count`; each text is as long as it says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_counter_family_handle(
    family: *const TachographCounterFamily,
    values: *const TachographStr,
    value_count: usize,
) -> *mut TachographCounter {
    made(|| {
        // SAFETY: as the caller promises.
        let family = unsafe { handle(family, "family") }?;
        // SAFETY: as the caller promises.
        unsafe { with_values(values, value_count, |values| family.0.handle(values)) }.map(TachographCounter)
    })
}

/// Adds `n` to the counter with these values, for values that are known only at run time: without a lock, and without an
/// allocation once the counter is there. Past the family's limit, and of what is not UTF-8, as
/// `tachograph_counter_family_handle`.
///
/// Threads: any, at once. Not in a signal handler.
/// Errors: `TACHOGRAPH_STATUS_NULL_POINTER`; `TACHOGRAPH_STATUS_INVALID_ARGUMENT` when there are not as many values as labels.
///
/// # Safety
///
/// As `tachograph_counter_family_handle`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_counter_family_inc_by(
    family: *const TachographCounterFamily,
    values: *const TachographStr,
    value_count: usize,
    n: u64,
) -> TachographStatus {
    status(|| {
        // SAFETY: as the caller promises.
        let family = unsafe { handle(family, "family") }?;
        // SAFETY: as the caller promises.
        unsafe { with_values(values, value_count, |values| family.0.write(values, n)) }
    })
}

/// Takes the counter with these values out of the scrapes, if there is one. Handles to it stay valid, but what they count is
/// shown no more. Remove a counter only when what it counts is gone for good: its return looks like a restart.
///
/// Threads: any.
/// Errors: `TACHOGRAPH_STATUS_NULL_POINTER`; `TACHOGRAPH_STATUS_INVALID_ARGUMENT` when there are not as many values as labels.
///
/// # Safety
///
/// As `tachograph_counter_family_handle`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_counter_family_remove(
    family: *const TachographCounterFamily,
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

/// Frees a handle to a family; NULL is nothing. Its counters stay in the scrapes of the registry.
///
/// Threads: any.
///
/// # Safety
///
/// `family` is NULL or a handle that is not freed, and nobody uses it now or later.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_counter_family_free(family: *mut TachographCounterFamily) {
    // SAFETY: as the caller promises.
    unsafe { freed(family) }
}
