//! Which request the calling thread works for.
//!
//! Written by [`OpenProfile::scope`] and [`OpenProfile::in_scope`] of the thread itself, read by `layer`. Entering and
//! leaving are the same swap, so scopes nest, and one that is left by a panic has put back what was there before.

use std::cell::RefCell;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::OpenProfile;
use crate::sync::thread_locals;

thread_locals! {
    /// Never borrowed while anything runs that is not of this file.
    static CURRENT: RefCell<Option<Arc<OpenProfile>>> = RefCell::new(None);
}

/// The profile whose scope the calling thread is in. A thread whose thread-locals are being destroyed is in none.
pub(super) fn current() -> Option<Arc<OpenProfile>> {
    CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
}

/// Being in a scope; what was there before is kept in `place` meanwhile.
struct Inside<'a> {
    place: &'a mut Option<Arc<OpenProfile>>,
}

impl<'a> Inside<'a> {
    fn enter(place: &'a mut Option<Arc<OpenProfile>>) -> Self {
        swap(place);
        Self { place }
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        swap(self.place);
    }
}

fn swap(place: &mut Option<Arc<OpenProfile>>) {
    let _ = CURRENT.try_with(|current| mem::swap(&mut *current.borrow_mut(), place));
}

impl OpenProfile {
    /// Calls `f` in the scope of this profile: the spans that it makes on this thread become phases, if there is a
    /// [`ProfileLayer`](super::ProfileLayer). Of what it gives to other threads and tasks, only the spans do that have
    /// a parent here.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use tachograph::http::Method;
    /// # use tachograph::profile::{ProfileLayer, ProfileOptions, Profiler, Sizes};
    /// # use tracing_subscriber::prelude::*;
    /// # tracing_subscriber::registry().with(ProfileLayer::new()).init();
    /// # let profiler = Profiler::new(ProfileOptions::default());
    /// let profile = Arc::new(profiler.start("/scene", Method::Get));
    /// let sum = profile.in_scope(|| {
    ///     let _adding = tracing::info_span!("adding").entered();
    ///     1 + 1
    /// });
    /// profile.finish(200, Sizes::default());
    ///
    /// assert_eq!(sum, 2);
    /// assert_eq!(&*profiler.profiles()[0].phases[0].name, "adding");
    /// ```
    pub fn in_scope<R>(self: &Arc<Self>, f: impl FnOnce() -> R) -> R {
        let mut place = Some(Arc::clone(self));
        let _inside = Inside::enter(&mut place);
        f()
    }

    /// Puts a future into the scope of this profile: the spans that it makes while it is polled become phases, on
    /// whichever thread that is. See [`ProfileLayer`](super::ProfileLayer).
    ///
    /// The future shares the profile, as every scope does: a request that is given up is kept as aborted when the last
    /// of those who share it are gone.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use tachograph::http::Method;
    /// # use tachograph::profile::{ProfileLayer, ProfileOptions, Profiler, Sizes};
    /// # use tracing_subscriber::prelude::*;
    /// # tracing_subscriber::registry().with(ProfileLayer::new()).init();
    /// # let profiler = Profiler::new(ProfileOptions::default());
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// let profile = Arc::new(profiler.start("/scene", Method::Get));
    /// runtime.block_on(Arc::clone(&profile).scope(async {
    ///     let _loading = tracing::info_span!("loading").entered();
    /// }));
    /// profile.finish(200, Sizes::default());
    /// assert_eq!(&*profiler.profiles()[0].phases[0].name, "loading");
    /// ```
    pub fn scope<F: Future>(self: Arc<Self>, future: F) -> Scoped<F> {
        Scoped { future: Some(future), profile: Some(self) }
    }
}

pin_project_lite::pin_project! {
    /// A future in the scope of a profile, made by [`OpenProfile::scope`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless they are polled"]
    pub struct Scoped<F> {
        // `None` from the drop on: what the future leaves behind is dropped in the scope too.
        #[pin]
        future: Option<F>,
        profile: Option<Arc<OpenProfile>>,
    }

    impl<F> PinnedDrop for Scoped<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _inside = Inside::enter(this.profile);
            this.future.set(None);
        }
    }
}

impl<F: Future> Future for Scoped<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _inside = Inside::enter(this.profile);
        this.future.as_pin_mut().expect("the future is there until the drop").poll(cx)
    }
}
