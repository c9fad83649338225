//! The thread that takes a tick a second, whether somebody looks or not.
//!
//! It waits for nothing but its time and its snapshot. What cannot be had is told to those who look, and tried again.

use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use serde::Serialize;

use super::endpoints::Endpoints;
use super::events::{Figures, Hub};
use super::latency::Latency;
use super::read::{self, MOST_CHECKS, Totals};
use super::tables::{CheckTimes, MOST_ROWS, Tables};
use super::tick::{Parts, Row, Tick};
use super::wire::{Event, append};
use crate::http::DURATION_BOUNDS;
use crate::panic::caught;
use crate::{Registry, Snapshot};

/// Ticks that a snapshot may be late. What lies further back than that is no tick but a gap: the process was stopped, or
/// starved.
const LATE: u32 = 3;

/// Told to the thread when it is to end.
#[derive(Debug, Default)]
pub(super) struct Stop {
    stopped: Mutex<bool>,
    told: Condvar,
}

impl Stop {
    pub(super) fn stop(&self) {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.told.notify_all();
    }

    /// Waits until then; says whether it is time to end.
    fn wait_until(&self, due: Instant) -> bool {
        let mut stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        while !*stopped {
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            stopped = self.told.wait_timeout(stopped, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        *stopped
    }

    fn has_come(&self) -> bool {
        self.wait_until(Instant::now())
    }
}

/// What stays the same from tick to tick.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) registry: Registry,
    pub(super) tick: Duration,
    pub(super) history: Duration,
    pub(super) profiles: bool,
}

/// The event `hello`.
#[derive(Serialize)]
struct Hello<'a> {
    v: u32,
    tick_ms: u64,
    history_s: u64,
    bounds: [f64; DURATION_BOUNDS.len()],
    checks: Vec<&'a str>,
    started: u64,
    build: Build,
    profiles: bool,
    frames: bool,
}

#[derive(Serialize)]
struct Build {
    version: &'static str,
}

#[derive(Serialize)]
struct Trouble<'a> {
    t: u64,
    text: &'a str,
}

/// Ticks until it is to stop.
pub(super) fn run(mut ticker: Ticker, stop: &Stop) {
    let mut due = Instant::now();
    while !stop.wait_until(due) {
        // Those that were missed are not made up for.
        let now = Instant::now();
        while due <= now {
            due += ticker.setting.tick;
        }
        ticker.tick(stop);
    }
}

#[derive(Debug)]
pub(super) struct Ticker {
    hub: Arc<Hub>,
    setting: Setting,
    started: u64,
    /// Of the last snapshot; none before the first, and after what went wrong.
    before: Option<Totals>,
    latency: Latency,
    endpoints: Endpoints,
    times: CheckTimes,
    /// The checks of health, in the order in which they were first seen.
    checks: Vec<Box<str>>,
    /// Whether the service draws frames.
    frames: bool,
    in_trouble: bool,
}

impl Ticker {
    /// Greets already, so that nobody can come before.
    pub(super) fn new(hub: Arc<Hub>, setting: Setting) -> Self {
        let mut ticker = Self {
            hub,
            setting,
            started: unix_milliseconds(),
            before: None,
            latency: Latency::new(),
            endpoints: Endpoints::new(),
            times: CheckTimes::default(),
            checks: Vec::new(),
            frames: false,
            in_trouble: false,
        };
        ticker.greet();
        ticker
    }

    fn tick(&mut self, stop: &Stop) {
        let told = match self.snapshot(stop) {
            Ok(Some(snapshot)) => caught(|| self.advance(&snapshot)).map_err(|message| format!("the page failed: {message}")),
            Ok(None) => return,
            Err(told) => Err(told),
        };
        match told {
            Ok(()) => self.in_trouble = false,
            Err(told) => {
                self.before = None;
                self.trouble(told);
            }
        }
    }

    /// Takes a snapshot; `None` when it is time to end.
    fn snapshot(&mut self, stop: &Stop) -> Result<Option<Arc<Snapshot>>, String> {
        let (give, take) = sync_channel(1);
        self.setting.registry.snapshot_with(move |snapshot| _ = give.send(snapshot));
        let begun = Instant::now();
        loop {
            match take.recv_timeout(self.setting.tick) {
                Ok(snapshot) => return Ok(Some(snapshot)),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err("no snapshot could be taken, which is a defect of the engine: see the log".into());
                }
                Err(RecvTimeoutError::Timeout) if stop.has_come() => return Ok(None),
                // Not asked for again: the next one would wait behind it.
                Err(RecvTimeoutError::Timeout) if begun.elapsed() >= self.setting.tick * LATE => {
                    self.trouble("a snapshot takes longer than it should: see tachograph_snapshot_duration_seconds".into());
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// Publishes what came since the last snapshot.
    fn advance(&mut self, snapshot: &Snapshot) {
        let totals = Totals::of(snapshot);
        let checks = self.checks_of(snapshot, totals.frames.is_some());
        let before = self.before.take().filter(|before| {
            let passed = totals.taken_at.saturating_duration_since(before.taken_at);
            !passed.is_zero() && passed <= self.setting.tick * LATE
        });
        let since = before.as_ref().map(|before| before.taken_at);
        let window = self.setting.registry.latency();
        self.latency.advance(window.as_deref(), since, totals.taken_at);
        let buckets = self.endpoints.advance(snapshot, since);
        let time = self.time();
        let tables = Tables::of(snapshot, self.endpoints.slowest(MOST_ROWS), &checks, &mut self.times, time as f64 / 1e3);
        if let Some(before) = &before {
            let statuses: Vec<Option<u8>> = checks.iter().map(|(_, status)| *status).collect();
            let latency = self.latency.quantiles();
            let row = Row::between(before, &totals, &Parts { time, latency, buckets, checks: &statuses });
            let mut events = Vec::with_capacity(4096);
            append(&mut events, "tick", &Tick { row: &row, checks: checks.len() });
            append(&mut events, "now", &tables);
            self.hub.publish(row, Event::new(events), Figures { row: Some(row), tables, trouble: None });
        }
        self.before = Some(totals);
    }

    /// The checks with their status, in the order in which they are told; new ones come last, and are told to all who look.
    fn checks_of(&mut self, snapshot: &Snapshot, frames: bool) -> Vec<(Box<str>, Option<u8>)> {
        let found = read::checks(snapshot);
        let known = self.checks.len();
        for (name, _) in &found {
            if self.checks.len() < MOST_CHECKS && !self.checks.iter().any(|known| **known == **name) {
                self.checks.push((&**name).into());
            }
        }
        let changed = self.checks.len() > known || frames != self.frames;
        self.frames = frames;
        if changed {
            self.greet();
        }
        let status = |check: &str| found.iter().find(|(name, _)| name == check).and_then(|(_, status)| *status);
        self.checks.iter().map(|check| (check.clone(), status(check))).collect()
    }

    fn greet(&mut self) {
        let hello = Hello {
            v: 1,
            tick_ms: self.setting.tick.as_millis() as u64,
            history_s: self.setting.history.as_secs(),
            bounds: DURATION_BOUNDS,
            checks: self.checks.iter().map(|name| &**name).collect(),
            started: self.started,
            build: Build { version: env!("CARGO_PKG_VERSION") },
            profiles: self.setting.profiles,
            frames: self.frames,
        };
        let mut bytes = b"retry: 1000\n\n".to_vec();
        append(&mut bytes, "hello", &hello);
        self.hub.greet(Event::first(bytes), self.checks.len());
    }

    /// The wall clock, of this tick. Should it have been set back, the past is moved before it, and told anew.
    fn time(&mut self) -> u64 {
        let time = unix_milliseconds();
        let last = self.hub.history().last_time().unwrap_or(0);
        if time <= last {
            let back = last - time + self.setting.tick.as_millis() as u64;
            self.hub.history().shift_back(back);
            self.started = self.started.saturating_sub(back);
            self.greet();
        }
        time
    }

    /// Says what is wrong: in the log once, until all is well again.
    fn trouble(&mut self, text: String) {
        if !self.in_trouble {
            tracing::warn!("{text}");
            let told = Event::of("trouble", &Trouble { t: unix_milliseconds(), text: &text });
            self.hub.publish_trouble(text, told);
        }
        self.in_trouble = true;
    }
}

fn unix_milliseconds() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_millis() as u64)
}

#[cfg(test)]
mod tests {
    use super::super::history::History;
    use super::*;
    use crate::metric::descriptor::{Descriptor, Kind};
    use crate::snapshot::{CollectedSeries, CollectedValue, FamilySnapshot, OwnedLabels};

    /// A snapshot that was taken then, of a service that had loaded so many scenes.
    fn snapshot(taken_at: Instant, loads: u64, checks: &[&str]) -> Snapshot {
        let family = |name, kind, series| FamilySnapshot::collected(Arc::new(Descriptor::new(name, kind, "").unwrap()), series);
        let loads = CollectedSeries { labels: OwnedLabels::none(), value: CollectedValue::Counter(loads) };
        let check = |name: &&str| CollectedSeries {
            labels: OwnedLabels::new(&["check", "status"], &[name, "degraded"]),
            value: CollectedValue::Gauge(1.0),
        };
        let families = [
            family("scene_loads_total", Kind::Counter, vec![loads]),
            family("health_check_status", Kind::Gauge, checks.iter().map(check).collect()),
        ];
        Snapshot::new(families.into_iter(), OwnedLabels::none(), taken_at)
    }

    fn hub() -> Arc<Hub> {
        Arc::new(Hub::new(History::new(100), 10))
    }

    fn ticker(hub: &Arc<Hub>) -> Ticker {
        let setting = Setting {
            registry: Registry::new(),
            tick: Duration::from_secs(1),
            history: Duration::from_secs(100),
            profiles: false,
        };
        Ticker::new(Arc::clone(hub), setting)
    }

    fn loads(hub: &Hub) -> Option<f64> {
        hub.figures().1.row.and_then(|row| row.number("sok"))
    }

    #[test]
    fn a_late_snapshot_is_no_spike_and_a_stopped_process_a_gap() {
        let hub = hub();
        let mut ticker = ticker(&hub);
        let start = Instant::now();
        let mut at = |milliseconds, count| {
            ticker.advance(&snapshot(start + Duration::from_millis(milliseconds), count, &[]));
            (hub.figures().0, loads(&hub))
        };
        assert_eq!(at(0, 1_000), (0, None));
        assert_eq!(at(1_000, 1_010), (1, Some(10.0)));
        assert_eq!(at(3_500, 1_035), (2, Some(10.0)), "late, and of its time");
        assert_eq!(at(4_000, 1_040), (3, Some(10.0)), "the next is early");
        assert_eq!(at(64_000, 900_000), (3, Some(10.0)), "a minute later there is nothing to tell");
        assert_eq!(at(64_000, 900_000), (3, Some(10.0)), "nor after no time at all");
        assert_eq!(at(65_000, 900_020), (4, Some(20.0)));
        assert_eq!(at(66_000, 900_050), (5, Some(30.0)));
    }

    #[test]
    fn a_check_that_comes_later_is_told_last_and_anew() {
        let hub = hub();
        let mut ticker = ticker(&hub);
        let start = Instant::now();
        let mut at = |seconds, checks: &[&str]| {
            ticker.advance(&snapshot(start + Duration::from_secs(seconds), 0, checks));
            ticker.checks.iter().map(|name| name.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(at(0, &["m"]), ["m"]);
        assert_eq!(at(1, &["m"]), ["m"]);
        let mut viewer = hub.view(false).unwrap();
        assert_eq!(at(2, &["a", "m"]), ["m", "a"]);
        // What has been said to the viewer no longer holds.
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        let mut frames = std::iter::from_fn(|| match hyper::body::Body::poll_frame(std::pin::Pin::new(&mut viewer), &mut cx) {
            std::task::Poll::Ready(frame) => Some(frame.is_some()),
            std::task::Poll::Pending => None,
        });
        assert!(frames.any(|goes_on| !goes_on), "its stream has ended");
        assert_eq!(hub.figures().1.tables.checks.iter().map(|check| &*check.name).collect::<Vec<_>>(), ["m", "a"]);
        // One that is gone is unknown, and keeps its place.
        assert_eq!(at(3, &["a"]), ["m", "a"]);
        assert_eq!(hub.figures().1.tables.checks[0].status, None);
    }

    #[test]
    fn a_clock_that_is_set_back_moves_the_past() {
        let hub = hub();
        let mut ticker = ticker(&hub);
        let start = Instant::now();
        (0..3).for_each(|seconds| ticker.advance(&snapshot(start + Duration::from_secs(seconds), 0, &[])));
        let last = hub.history().last_time().unwrap();
        let started = ticker.started;
        // As if the clock had been an hour ahead until now.
        let ahead = super::super::tick::tests::row(last + 3_600_000);
        hub.publish(ahead, Event::new(""), Figures::default());
        ticker.advance(&snapshot(start + Duration::from_secs(3), 0, &[]));
        let event = hub.history().event(0).1.text();
        let times = event.split("\"t\":[").nth(1).unwrap().split(']').next().unwrap();
        let times: Vec<u64> = times.split(',').map(|time| time.parse().unwrap()).collect();
        assert!(times.is_sorted_by(|a, b| a < b) && times.last().unwrap() - last < 3_600_000, "{times:?}");
        // The service has run for no longer than before.
        assert!(ticker.started < started && ticker.started <= times[0], "{} {times:?}", ticker.started);
    }

    #[test]
    fn a_snapshot_that_fails_is_told_once_and_got_over() {
        let hub = hub();
        let mut ticker = ticker(&hub);
        ticker.trouble("no snapshot".into());
        ticker.trouble("no snapshot".into());
        assert_eq!((hub.figures().0, hub.figures().1.trouble.as_deref()), (1, Some("no snapshot")));
        ticker.tick(&Stop::default());
        ticker.tick(&Stop::default());
        assert_eq!((hub.figures().0, &hub.figures().1.trouble), (2, &None));
    }

    #[test]
    fn who_stops_is_not_waited_for() {
        let stop = Stop::default();
        assert!(!stop.has_come());
        stop.stop();
        assert!(stop.wait_until(Instant::now() + Duration::from_secs(3_600)));
    }
}
