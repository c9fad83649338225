//! Looks every second at what the server holds, writes how it goes, and judges at the end whether anything has grown.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::demo::{Allocator, Demo, Held};
use crate::load::Load;
use crate::trend::Trend;
use crate::wire;

const EACH: Duration = Duration::from_secs(1);
/// A line of progress comes after so many looks.
const TOLD_EVERY: usize = 10;

/// Memory that may be more at the end than after the warm-up, in MiB. The program itself needs less than one for the rows of
/// the page that an hour brings; the rest is what the allocator keeps of bodies of 16 MiB that come and go, which is more where
/// it keeps what it wants.
const ROOM: f64 = 8.0;
const ROOM_OF_KEPT: f64 = 16.0;
/// Threads that there may be beside those of before: one that blocks for each request that may be under way at once, with a
/// burst of scrapes. They come when the machine is busy, and go ten seconds after their last work, which is what the end of the
/// run asserts.
const BLOCKING: f64 = 100.0;

/// What the server held, by seconds since the load began.
#[derive(Debug, Default)]
pub(crate) struct Watched(Vec<(f64, Held)>);

/// What became of memory, threads and descriptors after the warm-up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trends {
    pub(crate) memory: Trend,
    pub(crate) threads: Trend,
    pub(crate) descriptors: Trend,
}

/// Looks until the load is over.
pub(crate) async fn watch(load: &Load, demo: &Demo) -> Watched {
    let begun = Instant::now();
    let (mut watched, mut before) = (Vec::new(), 0);
    while !load.is_over() {
        load.pause(EACH).await;
        let Some(held) = demo.held() else {
            load.findings.tell(format!("the server has ended: {}", demo.log()));
            break;
        };
        let seconds = begun.elapsed().as_secs_f64();
        watched.push((seconds, held));
        if watched.len() % TOLD_EVERY == 0 {
            let answers = load.ledger.now().answers();
            let rate = (answers - before) as f64 / TOLD_EVERY as f64;
            before = answers;
            let (scrapes, findings) = (load.scrapes.load(Ordering::Relaxed), load.findings.count());
            let Held { mebibytes, threads, descriptors } = held;
            println!(
                "{seconds:6.0} s  {answers:>10} answers  {rate:>7.0}/s  {scrapes:>6} scrapes  {mebibytes:>6.1} MiB  \
                 {descriptors:>4} descriptors  {threads:>3} threads  {findings} findings"
            );
        }
    }
    Watched(watched)
}

impl Watched {
    /// What came after the first third; `None` of a run of seconds.
    pub(crate) fn trends(&self) -> Option<Trends> {
        let warm = &self.0[self.0.len() / 3..];
        let of =
            |value: fn(&Held) -> f64| Trend::of(&warm.iter().map(|(second, held)| (*second, value(held))).collect::<Vec<_>>());
        Some(Trends {
            memory: of(|held| held.mebibytes)?,
            threads: of(|held| held.threads as f64)?,
            descriptors: of(|held| held.descriptors as f64)?,
        })
    }
}

impl Trends {
    /// What has grown that should not. `room` is how much the memory may.
    pub(crate) fn grown(&self, before: Held, room: f64) -> Vec<String> {
        let mut grown = Vec::new();
        let Trend { first, last, .. } = self.memory;
        if self.memory.growth() > room {
            grown.push(format!("the resident set grew from {first:.1} to {last:.1} MiB, {room} more are allowed"));
        }
        if self.threads.most > before.threads as f64 + BLOCKING {
            grown.push(format!("there were {} threads, {} before the load", self.threads.most, before.threads));
        }
        grown
    }
}

/// How many MiB the memory may grow after the warm-up.
pub(crate) fn room(allocator: Allocator) -> f64 {
    match allocator {
        Allocator::GivesBack => ROOM,
        Allocator::AsItIs => ROOM_OF_KEPT,
    }
}

/// Waits until the server holds no more descriptors and threads than before the load.
pub(crate) async fn back(demo: &Demo, before: Held, limit: Duration) -> Result<Held, String> {
    let begun = Instant::now();
    loop {
        let held = demo.held().ok_or("the server has ended")?;
        if held.descriptors <= before.descriptors && held.threads <= before.threads {
            return Ok(held);
        }
        if begun.elapsed() > limit {
            let Held { threads, descriptors, .. } = before;
            return Err(format!(
                "{limit:?} after the load it holds {held:?}; before there were {descriptors} descriptors, {threads} threads"
            ));
        }
        sleep(Duration::from_millis(200)).await;
    }
}

/// Bytes that the clients have sent and received.
pub(crate) fn bytes() -> (u64, u64) {
    (wire::SENT.load(Ordering::Relaxed), wire::RECEIVED.load(Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLAT: Held = Held { mebibytes: 40.0, threads: 20, descriptors: 60 };

    fn grown(held: impl Fn(u32) -> Held) -> Vec<String> {
        let watched = Watched((0..120).map(|second| (f64::from(second), held(second))).collect());
        watched.trends().unwrap().grown(FLAT, room(Allocator::GivesBack))
    }

    #[test]
    fn a_server_that_warms_up_has_not_grown() {
        assert_eq!(grown(|_| FLAT), [""; 0]);
        assert_eq!(grown(|second| Held { mebibytes: f64::from(second.min(40)), ..FLAT }), [""; 0]);
        assert_eq!(grown(|second| Held { threads: 20 + u64::from(second) / 4, ..FLAT }), [""; 0]);
    }

    #[test]
    fn a_leak_is_told() {
        let told = grown(|second| Held { mebibytes: 40.0 + f64::from(second) / 5.0, ..FLAT });
        assert_eq!(told, ["the resident set grew from 50.0 to 62.0 MiB, 8 more are allowed"]);
        assert_eq!(grown(|second| Held { threads: 20 + u64::from(second), ..FLAT }).len(), 1);
    }

    #[test]
    fn a_run_of_seconds_has_no_trend() {
        assert!(Watched(vec![(0.0, FLAT); 3]).trends().is_none());
        assert!(Watched::default().trends().is_none());
    }
}
