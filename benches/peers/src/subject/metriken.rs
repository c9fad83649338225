//! `metriken`, in two ways: one atomic for all threads, and *sharded* by thread.
//!
//! It has no look-up by labels and no text format: a group's members are numbered by its user, who numbers typed labels here as the
//! floor does. Its histograms are log-linear, without bounds of one's own and without a sum, so what they show is their count alone.

use std::hint::black_box;
use std::sync::Arc;

use ::metriken::{AtomicCounterHistogram, Counter, CounterGroup, ShardedCounterGroup, ShardedCounterHistogram};

use crate::inputs::inputs;
use crate::typed::{self, Typed};
use crate::work::{JOBS, Shape, WAIT, Work};
use crate::{Case, Held, Role, Scrape, Subject};

/// The crate.
#[derive(Debug)]
pub(super) struct Metriken;

const NAME: (&str, Role) = ("metriken", Role::Peer);
const SHARDED: (&str, Role) = ("metriken, sharded", Role::Peer);
const NO_SUM: (&str, Role) = ("metriken, no sum", Role::Lesser);
const SHARDED_NO_SUM: (&str, Role) = ("metriken, sharded, no sum", Role::Lesser);

/// Sub-buckets as a power of two, and the range as one: what the crate's documentation uses.
const RESOLUTION: (u8, u8) = (7, 64);

impl Subject for Metriken {
    fn cases(&self, work: Work) -> Vec<Case> {
        let inputs = inputs();
        match work {
            Work::Counter => {
                let counter = Arc::new(Counter::new());
                let (read, sharded) = (Arc::clone(&counter), sharded(1));
                vec![
                    Case::new(
                        work,
                        NAME,
                        move |_| _ = black_box(&counter).increment(),
                        move || format!("{JOBS} {}\n", read.value()),
                    ),
                    Case::new(work, SHARDED, increment(&sharded, |_| 0), text(&sharded, |_| JOBS.to_owned())),
                ]
            }
            Work::RotatingCounters => {
                let counters: Arc<[Counter; 64]> = Arc::new(std::array::from_fn(|_| Counter::new()));
                let (read, sharded) = (Arc::clone(&counters), sharded(64));
                let name = |n| format!("{JOBS}{{n=\"{n}\"}}");
                vec![
                    Case::new(
                        work,
                        NAME,
                        move |i| _ = black_box(&counters)[i % 64].increment(),
                        move || (0..64).map(|n| format!("{} {}\n", name(n), read[n].value())).collect(),
                    ),
                    Case::new(work, SHARDED, increment(&sharded, |i| i % 64), text(&sharded, name)),
                ]
            }
            Work::TypedLabels => {
                let (group, sharded) = (Arc::new(CounterGroup::new(typed::SERIES)), sharded(typed::SERIES));
                let read = Arc::clone(&group);
                let index = |i| inputs.typed(i).index();
                vec![
                    Case::new(
                        work,
                        NAME,
                        move |i| _ = black_box(&group).increment(index(i)),
                        move || {
                            (0..typed::SERIES).map(|at| format!("{} {}\n", series(at), read.value(at).unwrap_or(0))).collect()
                        },
                    ),
                    Case::new(work, SHARDED, increment(&sharded, index), text(&sharded, series)),
                ]
            }
            Work::Labels | Work::HttpRequest => Vec::new(),
            Work::Histogram => {
                let (one, many) = (
                    Arc::new(AtomicCounterHistogram::new(RESOLUTION.0, RESOLUTION.1)),
                    Arc::new(ShardedCounterHistogram::new(RESOLUTION.0, RESOLUTION.1)),
                );
                let (read_one, read_many) = (Arc::clone(&one), Arc::clone(&many));
                let count = |loaded: Option<::metriken::histogram::Histogram>| {
                    let count: u64 = loaded.map_or(0, |histogram| histogram.as_slice().iter().sum());
                    format!("{WAIT}_count {count}\n")
                };
                const IN_RANGE: &str = "the range is that of the values";
                let observe = move |i| black_box(&one).increment(inputs.duration(i).0).expect(IN_RANGE);
                let observe_sharded = move |i| black_box(&many).increment(inputs.duration(i).0).expect(IN_RANGE);
                vec![
                    Case::new(work, NO_SUM, observe, move || count(read_one.load())),
                    Case::new(work, SHARDED_NO_SUM, observe_sharded, move || count(read_many.load())),
                ]
            }
        }
    }

    fn scrapes(&self, _: Shape) -> Vec<Scrape> {
        Vec::new()
    }

    fn held(&self, _: Shape) -> Option<Held> {
        None
    }
}

fn sharded(series: usize) -> Arc<ShardedCounterGroup> {
    Arc::new(ShardedCounterGroup::new(series))
}

fn increment(
    group: &Arc<ShardedCounterGroup>,
    index: impl Fn(usize) -> usize + Send + Sync + 'static,
) -> impl Fn(usize) + Send + Sync + 'static {
    let group = Arc::clone(group);
    move |i| _ = black_box(&group).increment(index(i))
}

/// What a group counted, by name and labels.
fn text(
    group: &Arc<ShardedCounterGroup>,
    series: impl Fn(usize) -> String + Send + Sync + 'static,
) -> impl Fn() -> String + Send + Sync + 'static {
    let group = Arc::clone(group);
    move || (0..group.entries()).map(|at| format!("{} {}\n", series(at), group.value(at).unwrap_or(0))).collect()
}

fn series(at: usize) -> String {
    let [verb, outcome, cached] = Typed::nth(at).spell();
    let [first, second, third] = typed::NAMES;
    format!("{JOBS}{{{first}=\"{verb}\",{second}=\"{outcome}\",{third}=\"{cached}\"}}")
}
