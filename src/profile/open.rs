//! A request in the making: it lies wherever its owner puts it, and allocates nothing.
//!
//! Its phases may be begun and ended by several threads. Each word of a phase has one writer at a time, and who finishes the profile has
//! waited for those threads, or does without what they were about to write.
//!
//! # Orderings
//!
//! All are Relaxed but those of `innermost`: whoever finds a phase there takes a later place than that one has, and so a phase stands
//! after its parent.

mod guard;
#[cfg(feature = "tracing")]
mod span;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub use guard::{OwnedPhase, Phase};

use super::id::{self, Generated, LONGEST_ID};
use super::share::Share;
use super::words::{self, DURATION, FIRST_PHASE, HEAD, Head, ID, PHASES, PhaseHead, SIZES, STARTED, TRACE, WORDS, Words};
use super::{ABORTED, PhaseTiming, Profiler, TraceId};
use crate::http::Method;
use crate::metric::histogram::nanoseconds;
use crate::sync::{AtomicBool, AtomicU32, AtomicU64, Ordering};

/// From here on it stands for the duration of a phase that goes on; this is that of a guard's.
const OPEN: u64 = u64::MAX - 1;

/// Phases that are counted, those without a place among them.
const MOST_COUNTED: u32 = PHASES as u32 + u8::MAX as u32;

/// Bytes of the two bodies of a request.
///
/// # Examples
///
/// ```
/// use tachograph::http::Method;
/// use tachograph::profile::{ProfileOptions, Profiler, Sizes};
///
/// let profiler = Profiler::new(ProfileOptions::default());
/// profiler.start("/scene", Method::Get).finish(200, Sizes { request_bytes: 0, response_bytes: 512 });
/// assert_eq!(profiler.profiles()[0].response_bytes, 512);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Of the request.
    pub request_bytes: u64,
    /// Of the response.
    pub response_bytes: u64,
}

/// A request whose profile is being made. Made by [`Profiler::start`].
///
/// It may be shared: phases may be begun on any thread. Whoever drops it unfinished has it recorded as aborted.
///
/// # Examples
///
/// ```
/// use tachograph::http::Method;
/// use tachograph::profile::{ProfileOptions, Profiler, TraceId};
///
/// let trace = TraceId::new(7);
/// let profiler = Profiler::new(ProfileOptions::default());
/// let profile = profiler.start("/scene", Method::Get).with_request_id("r1").with_trace_id(trace);
/// assert_eq!((profile.method(), profile.endpoint(), profile.trace_id()), (Method::Get, "/scene", trace));
/// assert!(profile.elapsed() <= profile.finish(200, Default::default()));
/// ```
#[derive(Debug)]
#[must_use = "the profile of a request is recorded as aborted when this is dropped unfinished"]
pub struct OpenProfile {
    /// In the store; `None` of one that goes nowhere.
    share: Option<Arc<Share>>,
    started: Instant,
    /// Nanoseconds since 1970.
    started_at: u64,
    endpoint: u8,
    method: Method,
    /// In its id.
    number: u32,
    trace_id: Option<TraceId>,
    /// The caller's own id, and how many bytes it has; 0 for none.
    id: [u8; LONGEST_ID],
    id_len: u8,
    finished: AtomicBool,
    /// Phases begun, at most `MOST_COUNTED`.
    begun: AtomicU32,
    /// The phase that began last, or one that it is a part of once it has ended; counted from 1, 0 for none. It may have ended too.
    innermost: AtomicU32,
    phases: [PhaseWords; PHASES],
}

#[derive(Debug)]
struct PhaseWords {
    /// [`PhaseHead`]; 0 before it is there.
    head: AtomicU64,
    /// Nanoseconds, or from `OPEN` on.
    duration: AtomicU64,
}

impl OpenProfile {
    pub(super) fn start(profiler: &Profiler, endpoint: &str, method: Method) -> Self {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut profile = Self::disabled(method);
        profile.started_at = u64::try_from(since_1970.as_nanos()).unwrap_or(u64::MAX);
        profile.endpoint = profiler.store().names.number(endpoint);
        profile.number = id::next();
        profile.share = Some(profiler.0.of(profile.number));
        profile
    }

    /// A profile that goes nowhere: its phases cost nothing, and nobody sees it.
    ///
    /// # Examples
    ///
    /// ```
    /// use tachograph::{http::Method, profile::OpenProfile};
    ///
    /// let profile = OpenProfile::disabled(Method::Get);
    /// let _phase = profile.phase("nowhere");
    /// assert_eq!(profile.request_id().to_string(), "");
    /// ```
    pub fn disabled(method: Method) -> Self {
        Self {
            share: None,
            started: Instant::now(),
            started_at: 0,
            endpoint: super::name::OTHER_NAME,
            method,
            number: 0,
            trace_id: None,
            id: [0; LONGEST_ID],
            id_len: 0,
            finished: AtomicBool::new(false),
            begun: AtomicU32::new(0),
            innermost: AtomicU32::new(0),
            phases: std::array::from_fn(|_| PhaseWords { head: AtomicU64::new(0), duration: AtomicU64::new(OPEN) }),
        }
    }

    /// Takes over the caller's own id, cut at 64 bytes. Of an empty one there is nothing to take.
    pub fn with_request_id(mut self, id: &str) -> Self {
        if let Some(id) = id::cut(id) {
            self.id[..id.len()].copy_from_slice(id.as_bytes());
            self.id_len = id.len() as u8;
        }
        self
    }

    /// Says which trace the request belongs to; see [`TraceId::from_traceparent`].
    pub fn with_trace_id(mut self, trace_id: Option<TraceId>) -> Self {
        self.trace_id = trace_id;
        self
    }

    /// The request's method.
    pub fn method(&self) -> Method {
        self.method
    }

    /// The route, as it is kept: `other` past the limit of names.
    pub fn endpoint(&self) -> &str {
        self.share.as_ref().map_or("", |share| share.store().names.name(self.endpoint))
    }

    /// The trace that the caller said it belongs to.
    pub fn trace_id(&self) -> Option<TraceId> {
        self.trace_id
    }

    /// The id under which it will be found, for logs and headers.
    pub fn request_id(&self) -> impl fmt::Display {
        std::fmt::from_fn(|f| {
            if self.id_len > 0 {
                return f.write_str(&String::from_utf8_lossy(&self.id[..self.id_len.into()]));
            }
            match &self.share {
                Some(_) => {
                    let second = self.started_at / 1_000_000_000;
                    write!(f, "{}", Generated { endpoint: self.endpoint(), second, number: self.number })
                }
                None => Ok(()),
            }
        })
    }

    /// How long it has gone on.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// The phases that there are by now, in the order in which they began; those that are open as long as they have gone on.
    ///
    /// # Examples
    ///
    /// ```
    /// use tachograph::http::Method;
    /// use tachograph::profile::{ProfileOptions, Profiler};
    ///
    /// let profile = Profiler::new(ProfileOptions::default()).start("/scene", Method::Get);
    /// let open = profile.phase("file_io");
    /// assert_eq!(&*profile.phases()[0].name, "file_io");
    /// ```
    pub fn phases(&self) -> Vec<PhaseTiming> {
        let Some(share) = &self.share else { return Vec::new() };
        let mut words: Words = [0; WORDS];
        let phases = self.write_phases(nanoseconds(self.elapsed()), &mut words);
        words::phases(&words, phases, &share.store().names)
    }

    /// Whether anybody will see it.
    #[cfg(any(feature = "server", feature = "tower"))]
    pub(crate) fn is_enabled(&self) -> bool {
        self.share.is_some()
    }

    /// The same, begun at this instant.
    #[cfg(any(feature = "server", feature = "tower"))]
    pub(crate) fn begun_at(mut self, started: Instant) -> Self {
        self.started = started;
        self
    }

    /// Ends the profile and keeps it, and tells how long the request took. Phases that are open end here. Only the first call counts.
    pub fn finish(&self, status: u16, sizes: Sizes) -> Duration {
        let duration = self.elapsed();
        self.complete(status, sizes, duration, false);
        duration
    }

    /// The same with a duration that was read before.
    pub(crate) fn complete(&self, status: u16, sizes: Sizes, duration: Duration, aborted: bool) {
        let Some(share) = &self.share else { return };
        // Relaxed: one of them is the first.
        if self.finished.swap(true, Ordering::Relaxed) {
            return;
        }
        let mut words: Words = [0; WORDS];
        let nanos = nanoseconds(duration);
        let phases = self.write_phases(nanos, &mut words);
        // Relaxed: a phase that begins now is dropped, or comes too late to be counted.
        let begun = self.begun.load(Ordering::Relaxed);
        let head = Head {
            endpoint: self.endpoint,
            method: self.method,
            status,
            aborted,
            phases: phases as u8,
            phases_dropped: begun.saturating_sub(phases as u32).min(u8::MAX.into()) as u8,
            id_len: self.id_len,
        };
        words[HEAD] = head.word();
        let trace = self.trace_id.map_or(0, TraceId::bits);
        words[TRACE..STARTED].copy_from_slice(&[(trace >> 64) as u64, trace as u64]);
        words[STARTED] = self.started_at;
        words[DURATION] = nanos;
        words[SIZES..ID].copy_from_slice(&words::sizes(sizes.request_bytes, sizes.response_bytes, self.number));
        for (word, bytes) in words[ID..FIRST_PHASE].iter_mut().zip(self.id.as_chunks().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        // It only says how old the profile is: a duration beyond all clocks must not be the end of the request.
        let ended = self.started.checked_add(duration).unwrap_or(self.started);
        share.store().insert(&mut words[..FIRST_PHASE + 2 * phases], ended);
    }

    /// Writes the phases that there are, and tells how many.
    fn write_phases(&self, nanos: u64, words: &mut Words) -> usize {
        let (pairs, _) = words[FIRST_PHASE..].as_chunks_mut::<2>();
        for (at, (pair, phase)) in pairs.iter_mut().zip(&self.phases).enumerate() {
            // Relaxed, both: who wrote them has been waited for, or they come too late.
            let head = phase.head.load(Ordering::Relaxed);
            if head == 0 {
                return at;
            }
            let duration = phase.duration.load(Ordering::Relaxed);
            let left = nanos.saturating_sub(PhaseHead::of(head).start);
            *pair = [head, if duration >= OPEN { left } else { duration }];
        }
        PHASES
    }

    /// The phase that began last, or a phase that it is a part of once it has ended.
    fn innermost(&self) -> Option<u8> {
        // Acquire: pairs with the store in `take_place`. If we see it, our own place will be a later one.
        (self.innermost.load(Ordering::Acquire) as u8).checked_sub(1)
    }

    /// Begins a phase and tells its place; `None` when there is no room, or nobody to see it. `open` stands for its duration
    /// as long as it goes on.
    fn begin(&self, name: &str, parent: Option<u8>, open: u64) -> Option<u8> {
        let share = self.share.as_ref()?;
        // Relaxed, both: hints. Who begins a phase beside the end of the profile may be too late.
        if self.finished.load(Ordering::Relaxed) || self.begun.load(Ordering::Relaxed) >= MOST_COUNTED {
            return None;
        }
        let name = share.store().names.number(name);
        self.take_place(name, parent, open)
    }

    fn take_place(&self, name: u8, parent: Option<u8>, open: u64) -> Option<u8> {
        // Relaxed: each has a place of its own.
        let at = self.begun.fetch_add(1, Ordering::Relaxed);
        let phase = self.phases.get(at as usize)?;
        let head = PhaseHead { name, parent, start: nanoseconds(self.elapsed()) };
        // Relaxed, both: as in `write_phases`, and for others the store to `innermost` orders them.
        phase.duration.store(open, Ordering::Relaxed);
        phase.head.store(head.word(), Ordering::Relaxed);
        // Release: pairs with the load in `innermost`.
        self.innermost.store(at + 1, Ordering::Release);
        Some(at as u8)
    }

    /// Ends the phase at this place.
    pub(crate) fn end(&self, at: u8) {
        let phase = &self.phases[usize::from(at)];
        // Relaxed: whoever ends a phase has it from who began it.
        let head = PhaseHead::of(phase.head.load(Ordering::Relaxed));
        let duration = nanoseconds(self.elapsed()).saturating_sub(head.start);
        // Relaxed: as in `write_phases`.
        phase.duration.store(duration, Ordering::Relaxed);
        if self.innermost() == Some(at) {
            // Release: as in `take_place`. One that began on another thread just now may be passed over.
            self.innermost.store(head.parent.map_or(0, |parent| u32::from(parent) + 1), Ordering::Release);
        }
    }

    /// A phase, or the nearest of those that it is a part of, that is open.
    fn nearest_open(&self, mut at: Option<u8>) -> Option<u8> {
        while let Some(place) = at {
            let phase = &self.phases[usize::from(place)];
            // Relaxed: a phase that ends on another thread just now is open or not.
            if phase.duration.load(Ordering::Relaxed) >= OPEN {
                break;
            }
            // Relaxed: the load in `innermost` orders it.
            at = PhaseHead::of(phase.head.load(Ordering::Relaxed)).parent;
        }
        at
    }
}

impl Drop for OpenProfile {
    fn drop(&mut self) {
        // Relaxed: nobody else has it any more. Asked here too, for the sake of the clock.
        if self.share.is_some() && !self.finished.load(Ordering::Relaxed) {
            self.complete(ABORTED, Sizes::default(), self.elapsed(), true);
        }
    }
}

#[cfg(all(test, tachograph_loom))]
mod models {
    //! Covers: the places of phases that two threads begin and end. Does not cover: the end of the profile beside them, which does without
    //! what it does not see.

    use loom::thread;

    use super::*;

    #[test]
    fn loom_a_phase_stands_after_its_parent() {
        loom::model(|| {
            let profile = loom::sync::Arc::new(OpenProfile::disabled(Method::Get));
            let begin = |profile: &OpenProfile| profile.take_place(1, profile.nearest_open(profile.innermost()), OPEN).unwrap();
            let threads = [(); 2].map(|()| {
                let profile = profile.clone();
                thread::spawn(move || {
                    let outer = begin(&profile);
                    let inner = begin(&profile);
                    profile.end(outer);
                    profile.end(inner);
                })
            });
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            let mut words = [0; WORDS];
            assert_eq!(profile.write_phases(1, &mut words), 4);
            let heads = words[FIRST_PHASE..].as_chunks::<2>().0[..4].iter().map(|[head, _]| PhaseHead::of(*head));
            heads.enumerate().for_each(|(at, head)| assert!(head.parent.is_none_or(|parent| usize::from(parent) < at)));
            // All have ended, in whatever order.
            assert_eq!(profile.nearest_open(profile.innermost()), None);
        });
    }
}
