//! The demo's engine: a frame loop on a thread of its own, as a game has one, at 60 frames a second unless set otherwise.
//!
//! A frame moves a body for each node of the current scene. The thread sleeps from one frame to the next. With the largest
//! scene of the demo, of 629 nodes, all of it takes some 0.2 % of a core, most of that for waking up.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tachograph::health::checks::FrameClock;
use tachograph::{Buckets, Counter, Gauge, Histogram, RegisterError, Registry};

/// The fastest screens.
pub(crate) const MAX_FPS: u32 = 240;
/// Bodies of a frame at most: a scene of any size leaves time for its frame.
const MAX_BODIES: usize = 4_096;
/// Bodies while no scene is loaded.
const BODIES: usize = 64;

/// A tenth of a millisecond is what the demo's own frames stay below. 16.7 and 33.4 ms are what 60 and 30 frames a second leave
/// for one.
const BOUNDS: [f64; 10] = [0.0001, 0.001, 0.002, 0.004, 0.008, 0.0167, 0.0334, 0.05, 0.1, 0.25];

/// How the loop is to run. What a setting leaves out is as at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Setting {
    /// Whether no frames are drawn.
    pub(crate) paused: bool,
    /// Frames a second, 1 to [`MAX_FPS`].
    pub(crate) fps: u32,
}

impl Default for Setting {
    fn default() -> Self {
        Self { paused: false, fps: 60 }
    }
}

/// The engine, for the others. Its thread ends at [`Engine::end`].
pub(crate) struct Engine {
    shared: Arc<Shared>,
    clock: FrameClock,
    /// None once it has been waited for.
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    orders: Mutex<Orders>,
    /// Wakes the thread for new orders.
    changed: Condvar,
}

/// What the thread is to do. A mutex is enough: others hold it to copy a word or two, and the thread waits for the next frame
/// by it.
#[derive(Clone, Copy, Default)]
struct Orders {
    setting: Setting,
    bodies: usize,
    ended: bool,
}

struct Metrics {
    frames: Counter,
    duration: Histogram,
    paused: Gauge,
}

impl Metrics {
    fn register(registry: &Registry) -> Result<Self, RegisterError> {
        let buckets = Buckets::seconds(&BOUNDS).expect("the bounds are whole nanoseconds in rising order");
        Ok(Self {
            frames: registry.counter("engine_frames_total", "Frames that the engine has drawn.")?,
            duration: registry.histogram("engine_frame_duration_seconds", "Time that the work of a frame takes.", buckets)?,
            paused: registry.gauge("engine_paused", "Whether the engine is paused, 0 or 1.")?,
        })
    }
}

impl Engine {
    /// Starts the loop.
    pub(crate) fn start(registry: &Registry) -> Result<Self, Box<dyn std::error::Error>> {
        let metrics = Metrics::register(registry)?;
        let orders = Mutex::new(Orders { bodies: BODIES, ..Orders::default() });
        let shared = Arc::new(Shared { orders, changed: Condvar::new() });
        let clock = FrameClock::new();
        let thread = spawn(Arc::clone(&shared), clock.clone(), metrics)
            .map_err(|cause| format!("there is no thread for the engine: {cause}"))?;
        Ok(Self { shared, clock, thread: Mutex::new(Some(thread)) })
    }

    /// What a check looks at.
    pub(crate) fn clock(&self) -> FrameClock {
        self.clock.clone()
    }

    pub(crate) fn setting(&self) -> Setting {
        self.shared.orders().setting
    }

    /// Sets how the loop is to run, at once: a long wait for the next frame is cut short.
    pub(crate) fn apply(&self, setting: Setting) {
        self.shared.order(|orders| orders.setting = setting);
    }

    /// Shows a scene of so many nodes.
    pub(crate) fn show(&self, nodes: usize) {
        self.shared.order(|orders| orders.bodies = nodes.min(MAX_BODIES));
    }

    /// Ends the loop and waits for the frame that is being drawn.
    pub(crate) fn end(&self) {
        self.shared.order(|orders| orders.ended = true);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Err(_panic)) = thread.map(JoinHandle::join) {
            tracing::error!("the engine's thread had panicked");
        }
    }
}

impl Shared {
    fn orders(&self) -> MutexGuard<'_, Orders> {
        // Nothing under the lock can panic half way.
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn order(&self, change: impl FnOnce(&mut Orders)) {
        change(&mut self.orders());
        self.changed.notify_all();
    }

    /// Waits until a frame is due, and tells of how many bodies; none when there are to be no more. A pause is told to `pause`,
    /// as it begins and as it ends.
    fn wait(&self, beat: &mut Beat, mut pause: impl FnMut(bool)) -> Option<usize> {
        let mut orders = self.orders();
        let mut paused = false;
        loop {
            if orders.ended {
                return None;
            }
            if orders.setting.paused != paused {
                paused = orders.setting.paused;
                pause(paused);
                beat.restart(Instant::now(), orders.setting.fps);
            }
            if paused {
                orders = self.changed.wait(orders).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let now = Instant::now();
            if beat.fps != orders.setting.fps {
                beat.restart(now, orders.setting.fps);
            }
            let left = beat.next().saturating_duration_since(now);
            if left.is_zero() {
                beat.struck(now);
                return Some(orders.bodies);
            }
            orders = self.changed.wait_timeout(orders, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

fn spawn(shared: Arc<Shared>, clock: FrameClock, metrics: Metrics) -> io::Result<JoinHandle<()>> {
    let draw = move || {
        // From here on counting touches no new memory.
        metrics.frames.prepare();
        metrics.duration.prepare();
        metrics.paused.set(0.0);
        let mut world = World::new();
        let mut beat = Beat::new(Instant::now(), Setting::default().fps);
        let pause = |paused: bool| {
            if paused {
                clock.pause()
            } else {
                clock.resume()
            }
            metrics.paused.set(f64::from(u8::from(paused)));
        };
        while let Some(bodies) = shared.wait(&mut beat, pause) {
            let started = Instant::now();
            world.step(bodies, beat.interval());
            let work = started.elapsed();
            clock.observe(started, work);
            metrics.frames.inc();
            metrics.duration.observe_duration(work);
        }
    };
    std::thread::Builder::new().name("tachograph-eng".into()).spawn(draw)
}

/// When frames are due: the n-th so many whole frames after the first, so that neither rounding nor late wake-ups add up.
struct Beat {
    first: Instant,
    /// The number of the next frame.
    number: u64,
    fps: u32,
}

impl Beat {
    fn new(first: Instant, fps: u32) -> Self {
        Self { first, number: 0, fps }
    }

    fn restart(&mut self, first: Instant, fps: u32) {
        *self = Self::new(first, fps);
    }

    fn next(&self) -> Instant {
        // In 64 bits, the product would have room for the frames of two and a half years at the highest rate.
        let nanoseconds = u128::from(self.number) * 1_000_000_000 / u128::from(self.fps);
        self.first + Duration::from_nanos(nanoseconds as u64)
    }

    /// Goes on to the first frame that is not due yet. Those that were missed are not made up for: that would only make the
    /// next ones late.
    fn struck(&mut self, now: Instant) {
        let nanoseconds = now.saturating_duration_since(self.first).as_nanos();
        let due = nanoseconds * u128::from(self.fps) / 1_000_000_000;
        self.number = (due as u64).max(self.number) + 1;
    }

    /// Seconds from a frame to the next.
    fn interval(&self) -> f32 {
        1.0 / self.fps as f32
    }
}

/// Bodies that fall and bounce.
struct World {
    bodies: Vec<Body>,
}

#[derive(Clone, Copy)]
struct Body {
    height: f32,
    speed: f32,
}

impl World {
    const GRAVITY: f32 = -9.81;
    /// What is left of the speed after a bounce.
    const BOUNCE: f32 = 0.8;

    fn new() -> Self {
        // All that there can be, so that no frame allocates.
        Self { bodies: (0..MAX_BODIES).map(|at| Body { height: 1.0 + at as f32 / 100.0, speed: 0.0 }).collect() }
    }

    /// Moves the first `count` bodies on by so many seconds.
    fn step(&mut self, count: usize, seconds: f32) {
        for body in &mut self.bodies[..count] {
            body.speed += Self::GRAVITY * seconds;
            body.height += body.speed * seconds;
            if body.height < 0.0 {
                body.height = -body.height;
                body.speed = -body.speed * Self::BOUNCE;
            }
        }
        // Nobody looks at them, and the compiler would notice.
        std::hint::black_box(&mut self.bodies);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn no_drift_adds_up_and_late_wake_ups_delay_no_other_frame() {
        let first = Instant::now();
        let mut beat = Beat::new(first, 60);
        for frame in 0..216_000u64 {
            assert_eq!(beat.next(), first + Duration::from_nanos(frame * 1_000_000_000 / 60));
            // Each one comes a little late, by another time.
            beat.struck(beat.next() + MS * (frame % 16) as u32);
        }
        assert_eq!(beat.next(), first + Duration::from_secs(3_600));
    }

    #[test]
    fn missed_frames_are_left_out() {
        let first = Instant::now();
        let mut beat = Beat::new(first, 10);
        beat.struck(first + MS * 50);
        beat.struck(first + MS * 1_730);
        assert_eq!(beat.next(), first + MS * 1_800);
        beat.struck(first + MS * 1_900);
        assert_eq!(beat.next(), first + MS * 2_000, "the one at 1900 has just been struck");
    }

    #[test]
    fn after_a_century_frames_are_still_due_in_turn() {
        let first = Instant::now();
        let century = Duration::from_secs(100 * 365 * 86_400);
        let mut beat = Beat::new(first, MAX_FPS);
        beat.struck(first + century);
        assert_eq!(beat.next(), first + century + Duration::from_nanos(1_000_000_000 / 240));
    }

    #[test]
    fn a_wait_ends_at_a_new_rate_a_pause_and_the_end() {
        let shared = Shared { orders: Mutex::default(), changed: Condvar::new() };
        let mut beat = Beat::new(Instant::now() + Duration::from_secs(3_600), 60);
        shared.order(|orders| (orders.setting.fps, orders.bodies) = (240, 7));
        assert_eq!(shared.wait(&mut beat, |_| panic!("no pause")), Some(7), "the hour is not waited for");
        shared.order(|orders| orders.setting.paused = true);
        let (mut pauses, begun) = (Vec::new(), std::sync::Barrier::new(2));
        let resume = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                let told = |paused| {
                    pauses.push(paused);
                    if paused {
                        begun.wait();
                    }
                };
                shared.wait(&mut beat, told)
            });
            begun.wait();
            shared.order(|orders| orders.setting.paused = false);
            waiting.join().unwrap()
        });
        assert_eq!((resume, pauses), (Some(7), vec![true, false]));
        shared.order(|orders| orders.ended = true);
        assert_eq!(shared.wait(&mut beat, |_| ()), None);
    }

    #[test]
    fn bodies_stay_above_the_floor_and_come_to_rest() {
        let mut world = World::new();
        for _ in 0..60 * 60 {
            world.step(BODIES, 1.0 / 60.0);
        }
        assert!(world.bodies[..BODIES].iter().all(|body| (0.0..0.5).contains(&body.height)), "{}", world.bodies[0].height);
        assert_eq!(world.bodies[BODIES].height, 1.0 + BODIES as f32 / 100.0, "only so many are moved");
    }
}
