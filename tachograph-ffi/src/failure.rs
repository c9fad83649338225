//! What goes wrong: a status, a message for the thread that it happened on, and no panic that leaves Rust.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null_mut;

use tachograph::profile::query::QueryError;
use tachograph::{BucketError, RegisterError};

use crate::TachographStr;

/// How a call ended. Later versions may add to these.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TachographStatus {
    /// All is done.
    Ok = 0,
    /// A pointer is NULL that must not be; nothing has happened. A handle is NULL when what should have made it failed.
    NullPointer = 1,
    /// A text of the program's own is not UTF-8; nothing has happened.
    InvalidUtf8 = 2,
    /// A value makes no sense, or an options struct has a wrong `size`; nothing has happened.
    InvalidArgument = 3,
    /// The registry refuses a name, a label or a unit, or has no room; nothing has happened.
    Refused = 4,
    /// The system refuses: an address that cannot be bound, a thread that cannot be made.
    System = 5,
    /// The handle is of a process that this one was forked from: its threads are not here.
    OtherProcess = 6,
    /// The library has a bug: a panic was caught, and the call was left in its middle. What it was to make or count is not
    /// there, or is there in part; other handles stay usable.
    Panic = 7,
}

/// Why a call failed.
pub(crate) struct Failure {
    status: TachographStatus,
    message: String,
}

impl Failure {
    pub(crate) fn new(status: TachographStatus, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    #[cold]
    pub(crate) fn null(what: &str) -> Self {
        Self::new(TachographStatus::NullPointer, format!("{what} is NULL"))
    }

    /// More than memory has room for, or not where such may lie.
    #[cold]
    pub(crate) fn too_many(what: &str, count: usize) -> Self {
        Self::argument(format!("{what} cannot be {count} of them"))
    }

    #[cold]
    pub(crate) fn labels(expected: usize, given: usize) -> Self {
        Self::argument(format!("the family has {expected} labels, not {given}"))
    }

    #[cold]
    pub(crate) fn argument(message: impl ToString) -> Self {
        Self::new(TachographStatus::InvalidArgument, message.to_string())
    }

    pub(crate) fn is(&self, status: TachographStatus) -> bool {
        self.status == status
    }

    pub(crate) fn system(message: impl ToString) -> Self {
        Self::new(TachographStatus::System, message.to_string())
    }
}

impl From<RegisterError> for Failure {
    fn from(error: RegisterError) -> Self {
        Self::new(TachographStatus::Refused, error.to_string())
    }
}

impl From<BucketError> for Failure {
    fn from(error: BucketError) -> Self {
        Self::argument(error)
    }
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        Self::argument(error)
    }
}

thread_local! {
    // Two of them: the status needs no destructor, so it can still be told when the message is gone.
    static STATUS: Cell<TachographStatus> = const { Cell::new(TachographStatus::Ok) };
    static MESSAGE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Keeps a failure for this thread to ask for.
#[cold]
fn keep(failure: Failure) -> TachographStatus {
    STATUS.set(failure.status);
    // Refused in the destructors of a thread, after that of the message has run: then there is only the status.
    let _ = MESSAGE.try_with(|message| message.replace(failure.message));
    failure.status
}

/// Calls `f`; a panic in it is a failure. What `f` shares with others must be whole wherever it could panic, which is what the
/// engine promises of itself.
#[inline]
fn caught<T>(f: impl FnOnce() -> Result<T, Failure>) -> Result<T, TachographStatus> {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(done) => done.map_err(keep),
        Err(payload) => Err(keep(panicked(payload))),
    }
}

#[cold]
fn panicked(payload: Box<dyn std::any::Any + Send>) -> Failure {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message");
    let failure = Failure::new(TachographStatus::Panic, format!("a bug in tachograph, please report it: {text}"));
    // Dropping what somebody panicked with could panic again.
    std::mem::forget(payload);
    failure
}

/// The status of what `f` does.
#[inline]
pub(crate) fn status(f: impl FnOnce() -> Result<(), Failure>) -> TachographStatus {
    caught(f).err().unwrap_or(TachographStatus::Ok)
}

/// A handle of what `f` makes, NULL if it fails.
#[inline]
pub(crate) fn made<T>(f: impl FnOnce() -> Result<T, Failure>) -> *mut T {
    caught(|| f().map(|made| Box::into_raw(Box::new(made)))).unwrap_or(null_mut())
}

/// What `f` tells, `otherwise` if it cannot.
#[inline]
pub(crate) fn told<T>(otherwise: T, f: impl FnOnce() -> T) -> T {
    caught(|| Ok(f())).unwrap_or(otherwise)
}

/// Tells what went wrong with the last call on this thread that failed; empty if none has. A call that succeeds leaves it as it
/// is.
///
/// Threads: each has its own.
/// Lifetimes: the text stays until the next call on this thread that fails, or until the thread ends. It does not end in a zero
/// byte.
/// Errors: none. In the destructors of a thread that is ending it may be empty.
#[unsafe(no_mangle)]
pub extern "C" fn tachograph_last_error() -> TachographStr {
    // No call that fails has ended before the borrow does, so nobody else borrows it.
    MESSAGE.try_with(|message| TachographStr::of(&message.borrow())).unwrap_or(TachographStr::of(""))
}

/// Tells the status of the last call on this thread that failed; `TACHOGRAPH_STATUS_OK` if none has. A call that succeeds
/// leaves it as it is.
///
/// Threads: each has its own.
#[unsafe(no_mangle)]
pub extern "C" fn tachograph_last_status() -> TachographStatus {
    STATUS.get()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last() -> String {
        let text = tachograph_last_error();
        // SAFETY: no call fails on this thread before it is copied.
        unsafe { crate::borrowed::text(text, "it") }.map(str::to_owned).unwrap_or_default()
    }

    #[test]
    fn a_panic_is_a_status_and_its_message() {
        assert_eq!(status(|| panic!("cell {} is gone", 7)), TachographStatus::Panic);
        assert_eq!(last(), "a bug in tachograph, please report it: cell 7 is gone");
        assert_eq!(tachograph_last_status(), TachographStatus::Panic);
        assert!(made::<u8>(|| panic!("no box")).is_null());
        assert_eq!(last(), "a bug in tachograph, please report it: no box");
        assert_eq!(told(3, || std::panic::panic_any(4)), 3);
        assert_eq!(last(), "a bug in tachograph, please report it: without a message");
    }

    #[test]
    fn a_failure_is_told_until_the_next_one_and_to_its_thread_alone() {
        assert_eq!(status(|| Err(Failure::null("counter"))), TachographStatus::NullPointer);
        assert_eq!(status(|| Ok(())), TachographStatus::Ok);
        assert_eq!((tachograph_last_status(), &*last()), (TachographStatus::NullPointer, "counter is NULL"));
        let elsewhere = std::thread::spawn(|| (tachograph_last_status(), last()));
        assert_eq!(elsewhere.join().unwrap(), (TachographStatus::Ok, String::new()));
    }

    #[test]
    fn a_payload_that_panics_when_it_is_dropped_is_let_go_of() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("again");
            }
        }
        assert_eq!(status(|| std::panic::panic_any(Bomb)), TachographStatus::Panic);
    }
}
