//! The hand-written minimum for each work, out of the package `floor`: cells that each thread has for itself, found through a
//! thread-local, so that a handle works on any thread. Beside it, so that nothing is hidden, two things that are not the floor of
//! the work:
//!
//! - *address known* is less than the work: it adds to memory that it holds, which no handle on a service's threads can.
//! - *fetch_add, shared* is what most crates do: one atomic for all threads.

mod alone;
mod held;
mod request;
mod text;

use std::fmt::Write;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ::floor::{Histogram, Slot, Slots, Table};

use crate::inputs::inputs;
use crate::typed::{self, Typed};
use crate::work::{JOBS, LABELS, NANOSECONDS, SECONDS, Shape, WAIT, Work};
use crate::{Case, Held, Role, Scrape, Subject};
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
            Work::Counter => vec![counters::<1>(work), alone::counters::<1>(work), shared_counters::<1>(work)],
            Work::RotatingCounters => vec![counters::<64>(work), alone::counters::<64>(work), shared_counters::<64>(work)],
            Work::TypedLabels => vec![typed_labels()],
            Work::Labels => vec![labels()],
            Work::Histogram => vec![histogram(), alone::histogram()],
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

    fn held(&self, shape: Shape) -> Option<Held> {
        Some((FLOOR.0, Box::new(held::Held::filled(shape))))
    }
}

fn line(out: &mut String, name: &str, labels: &str, value: impl std::fmt::Display) {
    writeln!(out, "{name}{{{labels}}} {value}").expect("a String takes everything");
}

/// The label under which counter `at` of `N` is shown.
fn number<const N: usize>(at: usize) -> String {
    if N == 1 { String::new() } else { format!("n=\"{at}\"") }
}

/// As the handles of the crates are called: out of memory that the compiler may not know, so that it looks the thread's cells up
/// anew each time, as a program does that does something else between two calls.
fn counters<const N: usize>(work: Work) -> Case {
    let slots = Slots::take(N);
    let held: [Slot; N] = std::array::from_fn(|at| slots.slot(at));
    let text = move || {
        let mut out = String::new();
        (0..N).for_each(|at| line(&mut out, JOBS, &number::<N>(at), slots.total(at)));
        out
    };
    Case::new(work, FLOOR, move |i| black_box(&held)[i % N].add(1), text)
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

fn typed_labels() -> Case {
    let (inputs, slots) = (inputs(), Slots::take(typed::SERIES));
    let held: [Slot; typed::SERIES] = std::array::from_fn(|at| slots.slot(at));
    let text = move || {
        let mut out = String::new();
        for at in 0..typed::SERIES {
            line(&mut out, JOBS, &spell(typed::NAMES, &Typed::nth(at).spell()), slots.total(at));
        }
        out
    };
    Case::new(Work::TypedLabels, FLOOR, move |i| black_box(&held)[inputs.typed(i).index()].add(1), text)
}

fn labels() -> Case {
    let inputs = inputs();
    let table = Arc::new(Table::new(inputs.all_labels()));
    let slots = Slots::take(table.keys().len());
    let held: Vec<Slot> = (0..table.keys().len()).map(|at| slots.slot(at)).collect();
    let read = Arc::clone(&table);
    let text = move || {
        let mut out = String::new();
        for (at, values) in read.keys().iter().enumerate() {
            line(&mut out, JOBS, &spell(LABELS, values), slots.total(at));
        }
        out
    };
    let operation = move |i| {
        let found = black_box(&table).number(inputs.labels(i)).expect("the table holds all labels");
        held[found].add(1);
    };
    Case::new(Work::Labels, FLOOR, operation, text)
}

fn spell(names: [&str; 3], values: &[impl AsRef<str>; 3]) -> String {
    let labels: Vec<String> = names.iter().zip(values).map(|(name, value)| format!("{name}=\"{}\"", value.as_ref())).collect();
    labels.join(",")
}

fn histogram() -> Case {
    let inputs = inputs();
    let histogram = Arc::new(Histogram::new(NANOSECONDS));
    let read = Arc::clone(&histogram);
    let text = move || {
        let mut out = String::new();
        write_histogram(&mut out, WAIT, "", &SECONDS, (&read.counts(), read.sum() as f64 / 1e9));
        out
    };
    Case::new(Work::Histogram, FLOOR, move |i| black_box(&histogram).observe(inputs.duration(i).0), text)
}

/// Writes counts by bucket and a sum.
fn write_histogram(out: &mut String, name: &str, labels: &str, bounds: &[f64], (counts, sum): (&[u64], f64)) {
    let comma = if labels.is_empty() { "" } else { "," };
    let mut upto = 0;
    for (count, bound) in counts.iter().zip(bounds.iter().chain([&f64::INFINITY])) {
        upto += count;
        line(out, &format!("{name}_bucket"), &format!("{labels}{comma}le=\"{bound}\""), upto);
    }
    line(out, &format!("{name}_sum"), labels, sum);
    line(out, &format!("{name}_count"), labels, upto);
}
