//! Are frames drawn, and fast enough? The host's frame loop tells a [`FrameClock`] of each frame; a [`FrameCheck`] looks at it.
//!
//! The loop writes: it takes a number for the frame and writes the frame where the number says, into a ring of the last ones;
//! the check reads the ring. Neither waits for the other, nor do loops on several threads for each other.
//!
//! # Orderings
//!
//! A frame is written and read whole, by the protocol of `seqlock`. Everything else is one word that means the same whatever
//! else is seen: Relaxed.

mod pace;

use std::time::{Duration, Instant};

use crate::health::{CheckResult, HealthCheck, HealthStatus, told};
use crate::metric::histogram::nanoseconds;
use crate::seqlock::SeqLock;
use crate::sync::{Arc, AtomicU64, Ordering};
use pace::{Frame, Pace};

/// Frames that are kept: a second of the fastest screens (240 Hz), in 6 KB.
const KEPT: usize = 256;
const _: () = assert!(KEPT.is_power_of_two());

/// The span that rates are told of.
const WINDOW: Duration = Duration::from_secs(1);
/// Frames that the span must have room for when they come as slowly as they may.
const FEWEST: f64 = 2.0;

/// What a frame loop tells of itself: each frame, and when it pauses. Cloning is cheap, and clones are the same clock.
///
/// To tell it never locks, waits or allocates. Frames of several threads add up; none is lost.
///
/// # Examples
///
/// ```
/// use std::time::{Duration, Instant};
/// use tachograph::health::checks::FrameClock;
///
/// let clock = FrameClock::new();
/// for _ in 0..3 {
///     let _frame = clock.start_frame();
///     // Simulate, draw.
/// }
/// // An engine that times its frames anyway tells what it knows, and no clock is read again.
/// clock.observe(Instant::now(), Duration::from_micros(400));
/// assert_eq!(clock.frames(), 4);
/// ```
///
/// A game that is paused draws nothing, and is well:
///
/// ```
/// use tachograph::health::checks::FrameClock;
///
/// let clock = FrameClock::new();
/// clock.pause();
/// assert!(clock.is_paused());
/// clock.resume();
/// assert!(!clock.is_paused());
/// ```
#[derive(Clone, Debug)]
pub struct FrameClock(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// What all instants here count from.
    epoch: Instant,
    /// Frames so far, which is the number of the next one.
    frames: AtomicU64,
    /// Since when it runs or is paused, and which of them: nanoseconds since the epoch (a century has room), times two, and one
    /// more while it is paused. One word, so that the two agree.
    state: AtomicU64,
    /// The last frames, each where its number modulo the length says: when it started and how long its work took, in
    /// nanoseconds.
    ring: [SeqLock<2>; KEPT],
}

/// A frame that is being drawn. It is told when this is dropped: at the end of the scope, or where the scope is left by `?` or
/// a panic.
#[derive(Debug)]
#[must_use = "a frame that is not kept ends at once"]
pub struct OpenFrame<'a> {
    clock: &'a FrameClock,
    started: Instant,
}

impl Drop for OpenFrame<'_> {
    fn drop(&mut self) {
        self.clock.observe(self.started, self.started.elapsed());
    }
}

impl Default for FrameClock {
    fn default() -> Self {
        Self::new()
    }
}

impl FrameClock {
    /// A clock of a loop that is about to begin.
    pub fn new() -> Self {
        Self::made(Instant::now())
    }

    fn made(epoch: Instant) -> Self {
        let ring = std::array::from_fn(|_| SeqLock::new());
        Self(Arc::new(Shared { epoch, frames: AtomicU64::new(0), state: AtomicU64::new(0), ring }))
    }

    /// Starts a frame, which ends when what is returned is dropped. That reads the system's clock twice.
    pub fn start_frame(&self) -> OpenFrame<'_> {
        OpenFrame { clock: self, started: Instant::now() }
    }

    /// Tells of a frame that has ended: when it started, and how long its work took, without the wait for the next one.
    pub fn observe(&self, started: Instant, work: Duration) {
        // Relaxed: each frame has a number of its own, and their total is exact, whatever else is seen.
        let number = self.0.frames.fetch_add(1, Ordering::Relaxed);
        let place = &self.0.ring[number as usize % KEPT];
        // Without a claim the frame is counted and not kept: a whole round of others has come between the two lines.
        if let Some(claim) = place.claim(number * 2 + 1) {
            claim.write(&[self.at(started), nanoseconds(work)]);
        }
    }

    /// Says that no frames are to be expected until [`resume`](Self::resume).
    pub fn pause(&self) {
        self.set(true, Instant::now());
    }

    /// Says that frames are to be expected again. The time of the pause is held against nobody.
    pub fn resume(&self) {
        self.set(false, Instant::now());
    }

    /// Whether it is paused.
    pub fn is_paused(&self) -> bool {
        self.state().0
    }

    /// Frames so far.
    pub fn frames(&self) -> u64 {
        // Relaxed: a total that stands alone.
        self.0.frames.load(Ordering::Relaxed)
    }

    /// Keeps since when it is so if it is so already.
    fn set(&self, paused: bool, now: Instant) {
        let state = self.at(now) << 1 | u64::from(paused);
        let changed = |before: u64| (before & 1 != u64::from(paused)).then_some(state);
        // Relaxed: a word that stands alone. Nothing is changed if another has set the same first.
        let _unchanged = self.0.state.fetch_update(Ordering::Relaxed, Ordering::Relaxed, changed);
    }

    /// Whether it is paused, and since when it is so.
    fn state(&self) -> (bool, u64) {
        // Relaxed: as in `set`.
        let state = self.0.state.load(Ordering::Relaxed);
        (state & 1 == 1, state >> 1)
    }

    /// Nanoseconds since the epoch.
    fn at(&self, instant: Instant) -> u64 {
        nanoseconds(instant.saturating_duration_since(self.0.epoch))
    }

    fn kept(&self) -> impl Iterator<Item = Frame> {
        self.0.ring.iter().filter_map(SeqLock::read).map(|[started, work]| Frame { started, work })
    }
}

/// Looks at a [`FrameClock`]: degraded below 10 frames a second, settable, and while the loop is paused.
///
/// Rates and times are those of the frames that began within the last second (with a limit of less than two frames a second:
/// within the time of two frames), at most of the last 256. A rate and its limit are compared as they are told, to a tenth.
/// A gap counts for as long as the window reaches over it: after a suspension of the process the loop is degraded for a second,
/// and until the next run of the check. The details tell `fps`, `frame_time_ms` and `worst_frame_ms` (of the work, without the
/// wait), `frames`, `paused`, and `since_last_frame_ms`.
///
/// # Examples
///
/// ```
/// use tachograph::health::checks::{FrameCheck, FrameClock};
/// use tachograph::health::{HealthCheck, HealthStatus};
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// let clock = FrameClock::new();
/// let check = FrameCheck::new(clock.clone()).with_min_fps(30.0);
/// assert_eq!(check.check().await.status(), HealthStatus::Healthy, "it has just begun");
///
/// clock.pause();
/// let result = check.check().await;
/// assert_eq!((result.status(), result.message()), (HealthStatus::Degraded, "paused for 0.0 s"));
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct FrameCheck {
    clock: FrameClock,
    /// Frames a second; 0 or more.
    min_fps: f64,
}

impl FrameCheck {
    /// Frames a second below which it is degraded, unless set otherwise.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(tachograph::health::checks::FrameCheck::MIN_FPS, 10.0);
    /// ```
    pub const MIN_FPS: f64 = 10.0;

    /// A check of the loop that tells this clock.
    pub fn new(clock: FrameClock) -> Self {
        Self { clock, min_fps: Self::MIN_FPS }
    }

    /// The same with another limit. With 0 (or less, or NaN) no rate is too low, and that no frame comes is no fault.
    pub fn with_min_fps(mut self, min_fps: f64) -> Self {
        self.min_fps = min_fps.max(0.0);
        self
    }

    fn window(&self) -> u64 {
        let needed = if self.min_fps > 0.0 { FEWEST * 1e9 / self.min_fps } else { 0.0 };
        // Beyond the range it is all that there is.
        nanoseconds(WINDOW).max(needed as u64)
    }

    fn look(&self, now: Instant) -> CheckResult {
        let (paused, since) = self.clock.state();
        let now = self.clock.at(now);
        // While it is paused, the last frames are those before the pause.
        let begun = if paused { 0 } else { since };
        let pace = Pace::of(self.clock.kept(), begun, now, self.window());
        let fps = pace.fps.map(tenths);
        let status = match fps {
            _ if paused => HealthStatus::Degraded,
            Some(fps) if fps < tenths(self.min_fps) => HealthStatus::Degraded,
            _ => HealthStatus::Healthy,
        };
        let message = match (fps, pace.since_last) {
            _ if paused => format!("paused for {}", told::seconds(Duration::from_nanos(now.saturating_sub(since)))),
            (None, _) => "it has just begun to draw".to_owned(),
            (Some(0.0), None) => "no frame has been drawn yet".to_owned(),
            (Some(0.0), Some(last)) => format!("no frame for {}", told::seconds(last)),
            (Some(fps), _) if status == HealthStatus::Degraded => {
                format!("{fps:.1} frames a second, fewer than {}", tenths(self.min_fps))
            }
            (Some(fps), _) => format!("{fps:.1} frames a second"),
        };
        let details = [
            ("fps", fps),
            ("frame_time_ms", pace.work.map(|(mean, _)| told::milliseconds(mean))),
            ("worst_frame_ms", pace.work.map(|(_, worst)| told::milliseconds(worst))),
            ("since_last_frame_ms", pace.since_last.map(told::milliseconds)),
        ];
        let result = CheckResult::new(status, message).detail("paused", paused).detail("frames", self.clock.frames());
        let known = details.into_iter().filter_map(|(name, value)| Some((name, value?)));
        known.fold(result, |result, (name, value)| result.detail(name, value))
    }
}

impl HealthCheck for FrameCheck {
    async fn check(&self) -> CheckResult {
        self.look(Instant::now())
    }
}

/// What is told of a rate: the scheduler's jitter moves a loop of 10 frames a second by less.
fn tenths(rate: f64) -> f64 {
    (rate * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests;
