//! The seam between the real primitives and the model checker: the only file that names atomics, or what the models run on.
//!
//! Under `--cfg tachograph_loom` the models run on loom's primitives. Loom knows neither [`OnceLock`] nor [`ArcSwap`]: the
//! stand-ins below give both their documented ordering (a `get` or `load` that sees a value synchronises with the `set` or
//! `store` that put it there); the one for `ArcSwap` is a mutex, and so orders loads among each other too. The models cover our
//! protocols, not the insides of those two types.

#[cfg(not(tachograph_loom))]
mod imp {
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU32, AtomicU64, Ordering, fence};
    pub(crate) use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock};
    pub(crate) use std::thread::yield_now;

    pub(crate) use arc_swap::ArcSwap;
    pub(crate) use triomphe::ThinArc;

    /// Seeds of a label table's hash: other ones for each table, so that nobody can choose labels that collide.
    pub(crate) type HashSeeds = foldhash::fast::RandomState;

    /// Declares a process-wide value that is made on first use.
    macro_rules! process_wide {
        ($(#[$attr:meta])* static $name:ident: $type:ty = $init:expr;) => {
            $(#[$attr])*
            pub(crate) static $name: std::sync::LazyLock<$type> = std::sync::LazyLock::new(|| $init);
        };
    }
    pub(crate) use process_wide;

    /// Declares thread-locals that are made at compile time: reading one costs no check.
    macro_rules! thread_locals {
        ($($(#[$attr:meta])* static $name:ident: $type:ty = $init:expr;)*) => {
            std::thread_local! { $($(#[$attr])* static $name: $type = const { $init };)* }
        };
    }
    pub(crate) use thread_locals;
}

#[cfg(tachograph_loom)]
mod imp {
    pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU16, AtomicU32, AtomicU64, Ordering, fence};
    pub(crate) use loom::sync::{Arc, Condvar, Mutex, MutexGuard};
    pub(crate) use loom::thread::yield_now;

    /// Always the same: a model must run the same way each time.
    pub(crate) type HashSeeds = foldhash::fast::FixedState;

    macro_rules! process_wide {
        ($(#[$attr:meta])* static $name:ident: $type:ty = $init:expr;) => {
            loom::lazy_static! { $(#[$attr])* pub(crate) static ref $name: $type = $init; }
        };
    }
    pub(crate) use process_wide;

    macro_rules! thread_locals {
        ($($(#[$attr:meta])* static $name:ident: $type:ty = $init:expr;)*) => {
            loom::thread_local! { $($(#[$attr])* static $name: $type = $init;)* }
        };
    }
    pub(crate) use thread_locals;

    /// Stand-in for `std::sync::OnceLock`: a flag that loom sees, beside a cell that it does not.
    #[derive(Debug)]
    pub(crate) struct OnceLock<T> {
        ready: AtomicBool,
        value: std::sync::OnceLock<T>,
    }

    impl<T> OnceLock<T> {
        pub(crate) fn new() -> Self {
            Self { ready: AtomicBool::new(false), value: std::sync::OnceLock::new() }
        }

        pub(crate) fn get(&self) -> Option<&T> {
            // Acquire: pairs with the Release in `set`; whoever sees the flag sees the value.
            if self.ready.load(Ordering::Acquire) { self.value.get() } else { None }
        }

        pub(crate) fn set(&self, value: T) -> Result<(), T> {
            if let Err(value) = self.value.set(value) {
                // Whoever was first has not raised the flag yet, perhaps; a real `OnceLock` waits here too.
                while self.get().is_none() {
                    loom::thread::yield_now();
                }
                return Err(value);
            }
            // Release: pairs with the Acquire in `get`.
            self.ready.store(true, Ordering::Release);
            Ok(())
        }
    }

    /// Stand-in for `triomphe::ThinArc`.
    #[derive(Debug)]
    pub(crate) struct ThinArc<H, T>(Arc<HeaderSlice<H, T>>);

    #[derive(Debug)]
    pub(crate) struct HeaderSlice<H, T> {
        pub(crate) header: Header<H>,
        pub(crate) slice: Box<[T]>,
    }

    #[derive(Debug)]
    pub(crate) struct Header<H> {
        pub(crate) header: H,
    }

    impl<H, T: Copy> ThinArc<H, T> {
        pub(crate) fn from_header_and_slice(header: H, slice: &[T]) -> Self {
            Self(Arc::new(HeaderSlice { header: Header { header }, slice: slice.into() }))
        }
    }

    impl<H, T> Clone for ThinArc<H, T> {
        fn clone(&self) -> Self {
            Self(self.0.clone())
        }
    }

    impl<H, T> std::ops::Deref for ThinArc<H, T> {
        type Target = HeaderSlice<H, T>;

        fn deref(&self) -> &HeaderSlice<H, T> {
            &self.0
        }
    }

    /// Stand-in for `arc_swap::ArcSwap`.
    #[derive(Debug)]
    pub(crate) struct ArcSwap<T>(Mutex<Arc<T>>);

    /// Stand-in for `arc_swap::Guard`: keeps what was loaded alive.
    #[derive(Debug)]
    pub(crate) struct Guard<T>(T);

    impl<T> std::ops::Deref for Guard<T> {
        type Target = T;

        fn deref(&self) -> &T {
            &self.0
        }
    }

    impl<T> ArcSwap<T> {
        pub(crate) fn new(value: Arc<T>) -> Self {
            Self(Mutex::new(value))
        }

        pub(crate) fn from_pointee(value: T) -> Self {
            Self::new(Arc::new(value))
        }

        pub(crate) fn load(&self) -> Guard<Arc<T>> {
            Guard(lock(&self.0).clone())
        }

        pub(crate) fn store(&self, value: Arc<T>) {
            let old = std::mem::replace(&mut *lock(&self.0), value);
            drop(old);
        }
    }

    fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
        super::lock(mutex)
    }
}

pub(crate) use imp::*;

/// Locks a mutex whose data stays right when a holder panics: every critical section of this crate leaves its data whole at
/// each point where it could panic, so poison says nothing.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// What the lock holds, made now if it is empty. Two threads may both make one; the loser's is dropped.
pub(crate) fn filled<T>(lock: &OnceLock<T>, make: impl FnOnce() -> T) -> &T {
    if lock.get().is_none() {
        let _ = lock.set(make());
    }
    lock.get().expect("the lock was filled above, by us or by another")
}
