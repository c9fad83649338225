//! The hand-written minimum for each work: plain memory of the thread's own, no registry, no handles. And, for the counters, what most
//! crates do instead: one atomic that all threads share.

mod request;
mod text;

use std::fmt::Write;
use std::hash::{BuildHasher, Hash, Hasher};
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_utils::CachePadded;
use foldhash::fast::RandomState;

use crate::inputs::inputs;
use crate::work::{JOBS, LABELS, NANOSECONDS, SECONDS, Shape, WAIT, Work};
use crate::{Case, MAX_THREADS, Role, Scrape, Subject};
use request::{FOUR, HELD, LookUp, request};
use text::Cells;

/// The floor.
#[derive(Debug)]
pub(super) struct Floor;

const FLOOR: (&str, Role) = ("floor", Role::Floor);
const SHARED: (&str, Role) = ("fetch_add, shared", Role::Floor);

impl Subject for Floor {
    fn cases(&self, work: Work) -> Vec<Case> {
        match work {
            Work::Counter => vec![counters::<1>(work), shared_counters::<1>(work)],
            Work::RotatingCounters => vec![counters::<64>(work), shared_counters::<64>(work)],
            Work::Labels => vec![labels()],
            Work::Histogram => vec![histogram()],
            Work::HttpRequest => {
                vec![request(FLOOR, LookUp::Endpoint), request(HELD, LookUp::None), request(FOUR, LookUp::Each)]
            }
        }
    }

    fn scrapes(&self, shape: Shape) -> Vec<Scrape> {
        let mut cells = Cells::filled(shape);
        let read = Cells::filled(shape);
        vec![Scrape::new(FLOOR, move || cells.render().len(), move || read.clone().render().to_owned())]
    }
}

/// A case whose every thread has a `T` of its own; the mutex is taken once a run. `write` writes one thread's text.
fn private<T: Clone + Send + 'static>(
    work: Work,
    name: (&'static str, Role),
    new: T,
    operation: impl Fn(&mut T, usize) + Send + Sync + 'static,
    write: impl Fn(&T, &mut String) + Send + Sync + 'static,
) -> Case {
    let states: Arc<Vec<_>> = Arc::new((0..MAX_THREADS).map(|_| CachePadded::new(Mutex::new(new.clone()))).collect());
    let read = Arc::clone(&states);
    let run = move |thread: usize, first: usize, n: usize| {
        let mut state = states[thread].lock().unwrap_or_else(PoisonError::into_inner);
        (first..first + n).for_each(|i| operation(&mut state, i));
    };
    let text = move || {
        let mut out = String::new();
        read.iter().for_each(|state| write(&state.lock().unwrap_or_else(PoisonError::into_inner), &mut out));
        out
    };
    Case::batched(work, name, run, text)
}

fn line(out: &mut String, name: &str, labels: &str, value: impl std::fmt::Display) {
    writeln!(out, "{name}{{{labels}}} {value}").expect("a String takes everything");
}

/// The label under which counter `at` of `N` is shown.
fn number<const N: usize>(at: usize) -> String {
    if N == 1 { String::new() } else { format!("n=\"{at}\"") }
}

fn counters<const N: usize>(work: Work) -> Case {
    private(
        work,
        FLOOR,
        [0u64; N],
        // Through memory each time: else the compiler would add the whole run up in a register.
        |cells, i| black_box(&mut *cells)[i % N] += 1,
        |cells, out| cells.iter().enumerate().for_each(|(at, cell)| line(out, JOBS, &number::<N>(at), cell)),
    )
}

fn shared_counters<const N: usize>(work: Work) -> Case {
    let cells: Arc<[AtomicU64; N]> = Arc::new(std::array::from_fn(|_| AtomicU64::new(0)));
    let read = Arc::clone(&cells);
    let text = move || {
        let mut out = String::new();
        read.iter().enumerate().for_each(|(at, cell)| line(&mut out, JOBS, &number::<N>(at), cell.load(Ordering::Relaxed)));
        out
    };
    Case::new(work, SHARED, move |i| _ = black_box(&cells)[i % N].fetch_add(1, Ordering::Relaxed), text)
}

/// A hash table from label values to a number: open addressing, full comparison.
#[derive(Clone)]
struct Table<const N: usize> {
    hasher: RandomState,
    places: Vec<Option<(u64, u32)>>,
    keys: Vec<[Box<str>; N]>,
}

impl<const N: usize> Table<N> {
    /// Room for a thousand keys.
    fn new() -> Self {
        Self { hasher: RandomState::default(), places: vec![None; 2_048], keys: Vec::new() }
    }

    /// The number of these values, the next one if they are new.
    #[inline]
    fn number(&mut self, values: [&str; N]) -> usize {
        let mut hasher = self.hasher.build_hasher();
        values.iter().for_each(|value| value.hash(&mut hasher));
        let hash = hasher.finish();
        let mask = self.places.len() - 1;
        let mut place = hash as usize & mask;
        while let Some((known, number)) = self.places[place & mask] {
            if known == hash && self.keys[number as usize].iter().zip(values).all(|(key, value)| **key == *value) {
                return number as usize;
            }
            place += 1;
        }
        assert!(self.keys.len() < self.places.len() / 2, "the floor's table has no room for so many series");
        self.places[place & mask] = Some((hash, self.keys.len() as u32));
        self.keys.push(values.map(Box::from));
        self.keys.len() - 1
    }
}

fn labels() -> Case {
    let inputs = inputs();
    private(
        Work::Labels,
        FLOOR,
        (Table::new(), vec![0u64; 1_024]),
        move |(table, counts), i| counts[table.number(inputs.labels(i))] += 1,
        |(table, counts), out| {
            for (values, count) in table.keys.iter().zip(counts) {
                line(out, JOBS, &spell(values), count);
            }
        },
    )
}

fn spell(values: &[impl AsRef<str>; 3]) -> String {
    let [endpoint, method, status] = values.each_ref().map(AsRef::as_ref);
    format!("{}=\"{endpoint}\",{}=\"{method}\",{}=\"{status}\"", LABELS[0], LABELS[1], LABELS[2])
}

/// Counts by bucket, the bucket found by linear search, and the sum.
#[derive(Clone, Default)]
struct Buckets {
    counts: [u64; 16],
    sum: u64,
}

impl Buckets {
    #[inline]
    fn observe<const N: usize>(&mut self, value: u64, bounds: &[u64; N]) {
        let bucket = bounds.iter().position(|bound| value <= *bound).unwrap_or(N);
        self.counts[bucket % 16] += 1;
        self.sum += value;
    }

    fn write<const N: usize>(&self, out: &mut String, name: &str, labels: &str, bounds: &[f64; N], unit: f64) {
        let comma = if labels.is_empty() { "" } else { "," };
        let mut upto = 0;
        for (count, bound) in self.counts.iter().zip(bounds.iter().chain([&f64::INFINITY])) {
            upto += count;
            line(out, &format!("{name}_bucket"), &format!("{labels}{comma}le=\"{bound}\""), upto);
        }
        line(out, &format!("{name}_sum"), labels, self.sum as f64 / unit);
        line(out, &format!("{name}_count"), labels, upto);
    }
}

fn histogram() -> Case {
    let inputs = inputs();
    private(
        Work::Histogram,
        FLOOR,
        Buckets::default(),
        move |buckets, i| buckets.observe(inputs.duration(i).0, &NANOSECONDS),
        |buckets, out| buckets.write(out, WAIT, "", &SECONDS, 1e9),
    )
}
