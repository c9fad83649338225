//! Catching the panics of code that is not ours.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// What `f` returns, or `None` when it panics. Whatever `f` shares with others must be whole at each point where it could panic.
pub(crate) fn caught<T>(f: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(value) => Some(value),
        Err(payload) => {
            // The payload is a value of their making, so dropping it may panic too; the payload of that is let go of undropped.
            if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
                std::mem::forget(again);
            }
            None
        }
    }
}
