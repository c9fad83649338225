//! Memory whose address the loop knows, one for each thread of the harness: less than the work of a handle, which must find its
//! thread's memory first. What is left of a counter is one `incq`.

use std::hint::black_box;
use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_utils::CachePadded;

use super::{line, number, write_histogram};
use crate::inputs::inputs;
use crate::work::{JOBS, NANOSECONDS, SECONDS, WAIT, Work};
use crate::{Case, MAX_THREADS, Role};

const ALONE: (&str, Role) = ("incq, address known", Role::Floor);
const HISTOGRAM: (&str, Role) = ("address known", Role::Floor);

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

pub(super) fn counters<const N: usize>(work: Work) -> Case {
    private(
        work,
        ALONE,
        [0u64; N],
        // Through memory each time: else the compiler would add the whole run up in a register.
        |cells, i| black_box(&mut *cells)[i % N] += 1,
        |cells, out| cells.iter().enumerate().for_each(|(at, cell)| line(out, JOBS, &number::<N>(at), cell)),
    )
}

pub(super) fn histogram() -> Case {
    let inputs = inputs();
    private(
        Work::Histogram,
        HISTOGRAM,
        ([0u64; 16], 0u64),
        move |(counts, sum), i| {
            let value = inputs.duration(i).0;
            let bucket = NANOSECONDS.iter().position(|bound| value <= *bound).unwrap_or(NANOSECONDS.len());
            counts[bucket % 16] += 1;
            *sum += value;
        },
        |(counts, sum), out| {
            write_histogram(out, WAIT, "", &SECONDS, (&counts[..=SECONDS.len()], *sum as f64 / 1e9));
        },
    )
}
