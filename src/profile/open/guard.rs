//! The guards of phases: a phase goes on until its guard is dropped.

use std::sync::Arc;

use super::{OPEN, OpenProfile};

/// A phase that goes on until this is dropped.
///
/// # Examples
///
/// ```
/// use tachograph::http::Method;
/// use tachograph::profile::{ProfileOptions, Profiler};
///
/// let profile = Profiler::new(ProfileOptions::default()).start("/scene", Method::Get);
/// let reading = profile.phase("file_io");
/// drop(reading.phase("decode"));
/// assert_eq!(profile.phases()[1].parent, Some(0));
/// ```
#[derive(Debug)]
#[must_use = "the phase ends when this is dropped"]
pub struct Phase<'a> {
    profile: &'a OpenProfile,
    /// `None` of one that there was no room for.
    at: Option<u8>,
}

/// A phase that goes on until this is dropped, wherever that is: on another thread, in another task.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use tachograph::http::Method;
/// use tachograph::profile::{ProfileOptions, Profiler};
///
/// let profile = Arc::new(Profiler::new(ProfileOptions::default()).start("/scene", Method::Get));
/// let reading = profile.phase_owned("file_io");
/// let decoding = reading.phase("decode");
/// std::thread::spawn(move || drop(decoding)).join().unwrap();
/// assert_eq!(profile.phases()[1].parent, Some(0));
/// ```
#[derive(Debug)]
#[must_use = "the phase ends when this is dropped"]
pub struct OwnedPhase {
    profile: Arc<OpenProfile>,
    /// `None` of one that there was no room for.
    at: Option<u8>,
}

impl OpenProfile {
    /// Begins a phase, a part of the innermost one that is open. It ends when what is returned is dropped, also across an `await`, by an
    /// early return, or by a panic. So it needs a name: `let _ = profile.phase("file_io")` ends it at once.
    ///
    /// Innermost is meant of the request, not of a thread or task: of two phases that are begun side by side the second would be a part of
    /// the first. Say whose parts such are, by [`Phase::phase`], or by [`OwnedPhase::phase`] where they go to other tasks.
    ///
    /// There is room for sixteen phases; more are counted as dropped. So are those that are begun on another thread while the profile ends.
    ///
    /// # Examples
    ///
    /// ```
    /// use tachograph::http::Method;
    /// use tachograph::profile::{ProfileOptions, Profiler};
    ///
    /// let profile = Profiler::new(ProfileOptions::default()).start("/scene", Method::Get);
    /// let both = profile.phase("queries");
    /// let (left, right) = (both.phase("left"), both.phase("right"));
    /// drop((left, right, both));
    /// let parents: Vec<_> = profile.phases().iter().map(|phase| phase.parent).collect();
    /// assert_eq!(parents, [None, Some(0), Some(0)]);
    /// ```
    pub fn phase(&self, name: &str) -> Phase<'_> {
        Phase { profile: self, at: self.begin_innermost(name) }
    }

    /// The same with a guard that shares the profile, and so goes wherever it is wanted.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use tachograph::http::Method;
    /// use tachograph::profile::{ProfileOptions, Profiler};
    ///
    /// let profile = Arc::new(Profiler::new(ProfileOptions::default()).start("/scene", Method::Get));
    /// let queries = profile.phase_owned("queries");
    /// let threads = ["left", "right"].map(|name| {
    ///     let query = queries.phase(name);
    ///     std::thread::spawn(move || drop(query))
    /// });
    /// threads.into_iter().for_each(|thread| thread.join().unwrap());
    /// assert_eq!(profile.phases()[2].parent, Some(0));
    /// ```
    pub fn phase_owned(self: &Arc<Self>, name: &str) -> OwnedPhase {
        OwnedPhase { at: self.begin_innermost(name), profile: Arc::clone(self) }
    }

    fn begin_innermost(&self, name: &str) -> Option<u8> {
        self.begin(name, self.nearest_open(self.innermost()), OPEN)
    }

    fn end_if_begun(&self, at: Option<u8>) {
        if let Some(at) = at {
            self.end(at);
        }
    }
}

impl Phase<'_> {
    /// Begins a phase that is a part of this one, whichever others are open.
    pub fn phase(&self, name: &str) -> Self {
        Self { profile: self.profile, at: self.profile.begin(name, self.at, OPEN) }
    }
}

impl OwnedPhase {
    /// Begins a phase that is a part of this one, whichever others are open.
    pub fn phase(&self, name: &str) -> Self {
        Self { profile: Arc::clone(&self.profile), at: self.profile.begin(name, self.at, OPEN) }
    }
}

impl Drop for Phase<'_> {
    fn drop(&mut self) {
        self.profile.end_if_begun(self.at);
    }
}

impl Drop for OwnedPhase {
    fn drop(&mut self) {
        self.profile.end_if_begun(self.at);
    }
}
