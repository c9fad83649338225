//! The pusher's thread: takes a snapshot at each interval, and sends what has become of them, one request after the other.
//!
//! Both go on side by side on a runtime of one thread, so that a receiver that hangs delays no snapshot. It is a thread of its own, and
//! no task of the caller's runtime: many who push have none, encoding is work that would keep such a runtime from others', and the last
//! snapshot must get out when that runtime has ended. What this thread shares with those who count and with the snapshot thread is one
//! channel for each snapshot, through which it gets an `Arc`: nobody waits for it.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::{oneshot, watch};
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::backoff::Backoff;
use super::metrics::Metrics;
use super::options::Options;
use super::post::{Outcome, Poster};
use super::queue::{Queue, Queued, Request};
use super::{Ended, Protocol};
use crate::panic::caught;
use crate::{Registry, Snapshot};

/// Within this a wall clock that has not gone on is taken for one that is coarse; beyond, it has been set back.
const COARSE: Duration = Duration::from_millis(100);

pub(super) struct Pushing {
    pub(super) registry: Registry,
    pub(super) options: Options,
    pub(super) poster: Poster,
    pub(super) metrics: Metrics,
    pub(super) protocol: RefCell<Box<dyn Protocol>>,
    pub(super) queue: Queue,
    /// Where it goes to, for the log.
    pub(super) url: String,
    pub(super) told: RefCell<Told>,
    pub(super) last_time: Cell<Duration>,
    pub(super) dropped: Cell<u64>,
}

/// What has been said in the log already.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// That requests fail; until one does not.
    failing: bool,
    /// That samples are given up; until a request goes through.
    full: bool,
    /// Statuses that refuse.
    refusals: HashSet<u16>,
}

impl Pushing {
    /// Pushes until it is to stop, and then what is left, for as long as it may.
    pub(super) async fn run(self, stop: watch::Receiver<bool>) -> Ended {
        let time_is_up = async {
            stopped(stop.clone()).await;
            sleep(self.options.shutdown_timeout).await;
        };
        let work = async { tokio::join!(self.take_all(stop.clone()), self.send_all(stop.clone())) };
        tokio::select! {
            biased;
            _ = work => {}
            () = time_is_up => {}
        }
        self.give_up(self.queue.give_up(), "the time for the end was up");
        self.metrics.queued(self.queue.size());
        Ended { dropped: self.dropped.get() }
    }

    async fn take_all(&self, stop: watch::Receiver<bool>) {
        let mut ticks = interval(self.options.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut stopped = std::pin::pin!(stopped(stop));
        loop {
            let goes_on = tokio::select! {
                biased;
                () = &mut stopped => false,
                _ = ticks.tick() => true,
            };
            if let Some(snapshot) = self.snapshot().await {
                let time = self.time_of(&snapshot);
                self.enqueue(|protocol, most| protocol.snapshot(snapshot, time, most));
            }
            if !goes_on {
                break;
            }
        }
        let time = self.next_time();
        self.enqueue(|protocol, most| protocol.end(time, most));
        self.queue.close();
    }

    async fn snapshot(&self) -> Option<Arc<Snapshot>> {
        let (give, take) = oneshot::channel();
        self.registry.snapshot_with(move |snapshot| _ = give.send(snapshot));
        let snapshot = take.await;
        if snapshot.is_err() {
            tracing::warn!(url = self.url, "no snapshot could be taken to be pushed, which is a defect of the engine");
        }
        snapshot.ok()
    }

    /// When a snapshot was taken, by the clock on the wall, in whole milliseconds since 1970.
    fn time_of(&self, snapshot: &Snapshot) -> Duration {
        let taken = SystemTime::now().checked_sub(snapshot.taken_at().elapsed()).unwrap_or(SystemTime::UNIX_EPOCH);
        let taken = taken.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let time = Duration::from_millis(u64::try_from(taken.as_millis()).unwrap_or(u64::MAX));
        let last = self.last_time.get();
        // Two samples of a series cannot be of the same moment.
        if time <= last && last - time < COARSE {
            return self.next_time();
        }
        self.last_time.set(time);
        time
    }

    /// A moment after the last one.
    fn next_time(&self) -> Duration {
        self.last_time.set(self.last_time.get() + Duration::from_millis(1));
        self.last_time.get()
    }

    fn enqueue(&self, encode: impl FnOnce(&mut dyn Protocol, usize) -> Vec<Request>) {
        let requests = caught(|| encode(&mut **self.protocol.borrow_mut(), self.options.max_samples));
        let requests = requests.unwrap_or_else(|message| {
            tracing::error!(url = self.url, "a snapshot could not be encoded, which is a defect of the engine: {message}");
            Vec::new()
        });
        self.give_up(self.queue.push(requests), "the queue was full");
        self.metrics.queued(self.queue.size());
    }

    async fn send_all(&self, stop: watch::Receiver<bool>) {
        let mut backoff = Backoff::new(self.options.shortest_pause, self.options.longest_pause);
        let mut again = false;
        while let Some(taken) = self.queue.take().await {
            if std::mem::take(&mut again) {
                self.metrics.retries.inc();
            }
            match self.poster.post(taken.request.body.clone()).await {
                Outcome::Accepted(answer) => {
                    backoff.reset();
                    self.accepted(taken.request.samples, &answer);
                }
                Outcome::Refused { status, told } => {
                    backoff.reset();
                    self.queue.done();
                    self.refused(taken.request.samples, status.as_u16(), &told);
                }
                Outcome::Again { reason, told, after } => {
                    self.failed(taken, reason, &told);
                    again = true;
                    self.pause(backoff.pause(), after, stop.clone()).await;
                }
            }
            self.metrics.queued(self.queue.size());
        }
    }

    /// Waits for the next try. Who ends has no time for pauses but those that the receiver has asked for: it tries once more at once.
    async fn pause(&self, pause: Duration, after: Option<Duration>, stop: watch::Receiver<bool>) {
        let already = *stop.borrow();
        tokio::select! {
            () = sleep(after.unwrap_or(pause)) => {}
            () = stopped(stop), if after.is_none() && !already => {}
        }
    }

    fn accepted(&self, samples: u64, answer: &[u8]) {
        self.queue.done();
        self.metrics.succeeded();
        let mut told = self.told.borrow_mut();
        if std::mem::take(&mut told.failing) {
            tracing::info!(url = self.url, "pushes go through again");
        }
        told.full = false;
        drop(told);
        let rejected = self.protocol.borrow().rejected(answer);
        let (rejected, why) = rejected.unwrap_or_default();
        let rejected = rejected.min(samples);
        self.metrics.sent.inc_by(samples - rejected);
        if rejected > 0 || !why.is_empty() {
            self.refused(rejected, 200, &format!("of {samples} samples {rejected} were refused: {why:?}"));
        }
    }

    fn refused(&self, samples: u64, status: u16, told: &str) {
        self.metrics.refused.inc_by(samples);
        if self.told.borrow_mut().refusals.insert(status) {
            tracing::warn!(url = self.url, status, samples, "a push was refused, and is given up: {told}");
        }
    }

    fn failed(&self, taken: Queued, reason: &'static str, told: &str) {
        self.metrics.failed(reason);
        if !std::mem::replace(&mut self.told.borrow_mut().failing, true) {
            tracing::warn!(url = self.url, reason, "a push failed, and is tried again: {told}");
        }
        self.give_up(self.queue.put_back(taken), "the queue was full");
    }

    fn give_up(&self, samples: u64, why: &str) {
        if samples == 0 {
            return;
        }
        self.metrics.dropped.inc_by(samples);
        self.dropped.set(self.dropped.get() + samples);
        if !std::mem::replace(&mut self.told.borrow_mut().full, true) {
            tracing::warn!(url = self.url, samples, "samples were given up unsent: {why}");
        }
    }
}

/// Waits until it is to stop; who forgets the pusher stops it too.
async fn stopped(mut stop: watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}
