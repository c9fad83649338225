//! What a tokio runtime does: its workers, its tasks, and the share of the time that it is busy.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use tokio::runtime::{Handle, RuntimeMetrics};

use crate::metric::descriptor::{Descriptor, Kind};
use crate::registry::{Collector, RegisterError, Registry, Sink};
use crate::sync::{Mutex, lock};

const WORKERS: &str = "tokio_workers";
const ALIVE_TASKS: &str = "tokio_alive_tasks";
const GLOBAL_QUEUE_DEPTH: &str = "tokio_global_queue_depth";
const WORKER_BUSY: &str = "tokio_worker_busy_seconds_total";
const WORKER_PARKS: &str = "tokio_worker_parks_total";
const BUSY_RATIO: &str = "tokio_busy_ratio";

/// The busy ratio is of the time since the last reading that is as old as this: of 5 to 10 seconds, if one looks that often.
const SPAN: Duration = Duration::from_secs(5);
/// The shortest span that has a busy ratio: in less a single poll would be all of it.
const SHORTEST_SPAN: Duration = Duration::from_millis(10);
/// The age of a reading before the next one is kept, however often one looks: seven of them are enough.
const SPACING: Duration = Duration::from_secs(1);

/// How long all workers together had been busy at some time.
#[derive(Clone, Copy, Debug)]
struct Reading {
    at: Instant,
    busy: Duration,
}

/// The readings that the busy ratio is told from, the oldest first, at least one. Were it told from the last one alone, a
/// second scraper would cut the first one's span short.
#[derive(Debug)]
struct Anchors(VecDeque<Reading>);

impl Anchors {
    fn new(first: Reading) -> Self {
        Self(VecDeque::from([first]))
    }

    /// The share of the workers' time that was busy, over `SPAN` or more. `None` when the first reading is too young to tell.
    fn busy_ratio(&mut self, now: Reading, workers: usize) -> Option<f64> {
        let age = |reading: &Reading| now.at.saturating_duration_since(reading.at);
        while self.0.get(1).is_some_and(|next| age(next) >= SPAN) {
            self.0.pop_front();
        }
        let from = *self.0.front()?;
        if self.0.back().is_some_and(|last| age(last) >= SPACING) {
            self.0.push_back(now);
        }
        if age(&from) < SHORTEST_SPAN || workers == 0 {
            return None;
        }
        // A worker tells of a long poll when it has ended, so that more may come to light than there was time.
        let busy = now.busy.saturating_sub(from.busy);
        Some((busy.as_secs_f64() / age(&from).as_secs_f64() / workers as f64).min(1.0))
    }
}

struct RuntimeCollector {
    metrics: RuntimeMetrics,
    /// A mutex is enough: one collection at a time enters it.
    anchors: Mutex<Anchors>,
}

impl RuntimeCollector {
    fn new(metrics: RuntimeMetrics) -> Self {
        let first = Reading { at: Instant::now(), busy: busy(&metrics) };
        Self { anchors: Mutex::new(Anchors::new(first)), metrics }
    }
}

fn busy(metrics: &RuntimeMetrics) -> Duration {
    (0..metrics.num_workers()).map(|worker| metrics.worker_total_busy_duration(worker)).sum()
}

impl Collector for RuntimeCollector {
    fn describe(&self) -> Result<Vec<Descriptor>, RegisterError> {
        Ok(vec![
            Descriptor::new(WORKERS, Kind::Gauge, "Worker threads of the runtime.")?,
            Descriptor::new(ALIVE_TASKS, Kind::Gauge, "Tasks that have been spawned and have not ended.")?,
            Descriptor::new(GLOBAL_QUEUE_DEPTH, Kind::Gauge, "Tasks in the queue that all workers share.")?,
            Descriptor::new(WORKER_BUSY, Kind::Counter, "Time that a worker was not idle, told when it looks for more to do.")?
                .with_unit("seconds")?,
            Descriptor::new(WORKER_PARKS, Kind::Counter, "Times that a worker found nothing to do and went to sleep.")?,
            Descriptor::new(
                BUSY_RATIO,
                Kind::Gauge,
                "Share of the workers' time that was busy, over the last 5 to 10 seconds.",
            )?
            .with_unit("ratio")?,
        ])
    }

    fn collect(&self, sink: &mut Sink<'_>) {
        let metrics = &self.metrics;
        let workers = metrics.num_workers();
        sink.gauge(WORKERS, &[], workers as f64);
        sink.gauge(ALIVE_TASKS, &[], metrics.num_alive_tasks() as f64);
        sink.gauge(GLOBAL_QUEUE_DEPTH, &[], metrics.global_queue_depth() as f64);
        let mut number = itoa::Buffer::new();
        for worker in 0..workers {
            let labels = [("worker", number.format(worker))];
            sink.counter_f64(WORKER_BUSY, &labels, metrics.worker_total_busy_duration(worker).as_secs_f64());
            sink.counter(WORKER_PARKS, &labels, metrics.worker_park_count(worker));
        }
        let now = Reading { at: Instant::now(), busy: busy(metrics) };
        let mut anchors = lock(&self.anchors);
        if let Some(ratio) = anchors.busy_ratio(now, workers) {
            sink.gauge(BUSY_RATIO, &[], ratio);
        }
    }
}

impl Registry {
    /// Adds `tokio_*` to this registry's scrapes: workers, tasks and the global queue of a runtime, how long each worker was
    /// busy and how often it went to sleep, and `tokio_busy_ratio`, the share of their time that was busy over the last 5 to
    /// 10 seconds. (Over the time between two scrapes, when they come more rarely.)
    ///
    /// All that tokio tells without `tokio_unstable`. It tells of a poll when that has ended: a worker that is blocked looks
    /// idle till then, and the ratio is 1 at most. After the runtime has shut down the values stay as they are.
    ///
    /// # Errors
    ///
    /// [`RegisterError::Clash`] when one of the names is taken: by another runtime, say, which needs a registry of its own
    /// ([`with_labels`](Self::with_labels) tells the two apart).
    ///
    /// # Examples
    ///
    /// ```
    /// let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    /// let registry = tachograph::Registry::new();
    /// registry.register_runtime_metrics(runtime.handle())?;
    /// let task = runtime.spawn(std::future::pending::<()>());
    /// assert!(registry.snapshot().text().contains("\ntokio_alive_tasks 1\n"));
    /// # drop(task);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn register_runtime_metrics(&self, runtime: &Handle) -> Result<(), RegisterError> {
        self.register_collector("tokio", RuntimeCollector::new(runtime.metrics()))
    }
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use super::*;

    /// Anchors made now, and readings by seconds since then.
    fn start() -> (Anchors, impl Fn(f64, f64) -> Reading) {
        let start = Instant::now();
        let reading =
            move |at, busy| Reading { at: start + Duration::from_secs_f64(at), busy: Duration::from_secs_f64(1000.0 + busy) };
        (Anchors::new(reading(0.0, 0.0)), reading)
    }

    #[test]
    fn there_is_no_ratio_before_there_is_a_span() {
        let (mut anchors, reading) = start();
        assert_eq!(anchors.busy_ratio(reading(0.0, 0.0), 1), None);
        assert_eq!(anchors.busy_ratio(reading(0.009, 0.009), 1), None);
        assert_eq!(anchors.busy_ratio(reading(0.5, 0.25), 1), Some(0.5));
        assert_eq!(anchors.busy_ratio(reading(1.0, 1.0), 0), None);
    }

    #[test]
    fn the_ratio_is_of_all_workers_and_never_beyond_one() {
        let (mut anchors, reading) = start();
        assert_eq!(anchors.busy_ratio(reading(1.0, 1.0), 4), Some(0.25));
        assert_eq!(anchors.busy_ratio(reading(2.0, 9.0), 4), Some(1.0), "a long poll has ended");
        let before = Reading { busy: Duration::ZERO, ..reading(3.0, 0.0) };
        assert_eq!(anchors.busy_ratio(before, 4), Some(0.0), "time that was taken back is none");
    }

    #[test]
    fn the_span_is_of_five_to_ten_seconds_however_often_one_looks() {
        for every in [0.01, 0.1, 0.7, 1.0, 2.5, 4.9] {
            let (mut anchors, reading) = start();
            // Ever busier, so that each span has a ratio of its own.
            let busy_at = |at: f64| at * at / 100.0;
            for step in 1..=(40.0 / every) as u32 {
                let at = f64::from(step) * every;
                let ratio = anchors.busy_ratio(reading(at, busy_at(at)), 1).unwrap();
                let of = |span: f64| (busy_at(at) - busy_at(at - span)) / span;
                let (least, most) = (of(at.min(10.0)), of(at.min(5.0)));
                assert!((least - 1e-6..=most + 1e-6).contains(&ratio), "{ratio} at {at}, every {every}");
                assert!(anchors.0.len() <= 7, "{}", anchors.0.len());
            }
        }
    }

    #[test]
    fn rare_scrapes_see_all_of_the_time_between_them() {
        let (mut anchors, reading) = start();
        assert_eq!(anchors.busy_ratio(reading(15.0, 3.0), 1), Some(0.2));
        assert_eq!(anchors.busy_ratio(reading(30.0, 18.0), 1), Some(1.0));
        assert_eq!(anchors.busy_ratio(reading(45.0, 18.0), 1), Some(0.0));
    }

    #[test]
    fn two_scrapers_do_not_cut_each_others_spans() {
        let (mut anchors, reading) = start();
        // Every 15 seconds one, a second later the other; busy in that second alone.
        for round in 1..10 {
            let at = f64::from(round) * 15.0;
            let (one, other) = (reading(at, f64::from(round) - 1.0), reading(at + 1.0, f64::from(round)));
            assert!(anchors.busy_ratio(one, 1).unwrap() <= 1.0 / 14.0);
            let ratio = anchors.busy_ratio(other, 1).unwrap();
            assert!((1.0 / 16.0..=1.0 / 15.0).contains(&ratio), "{ratio}");
        }
    }
}
