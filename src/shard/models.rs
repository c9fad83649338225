//! Loom models of the shards. They run the very functions that callers run, thread-locals and their destructors included.
//!
//! Cover: single writer across hand-over and adoption; *free means unreachable* with recycled slots, for held handles and for
//! look-ups in flight beside a removal, and for a typed family's places; blocks read whole beside their writer, its end and its
//! successor; the fold beside all of it. Do not cover: the insides of arc-swap and `OnceLock`, for which `sync` has stand-ins of the
//! same ordering, nor the order in which a real platform destroys thread-locals (`tests/threads.rs` does, with destructors that
//! count after the hand-over). Pages are of four cells here, so that the models reach further pages too.

use std::convert::Infallible;

use loom::thread;

use super::*;
use crate::metric::counter::Counter;
use crate::metric::series::Series;
use crate::metric::table::LabelTable;
use crate::metric::typed::place::{Place, SlotPlace};
use crate::sync::Arc;

/// Runs a model, and lets its threads hand their shards back before loom takes the cell space away. The model's first thread must
/// not count: its thread-locals outlive the cell space.
fn model(body: impl Fn() + Send + Sync + 'static) {
    loom::model(move || {
        body();
        while engine_stats().free_shards < engine_stats().shards {
            thread::yield_now();
        }
    });
}

/// Counts on a thread of its own.
fn count(run: &Arc<SlotRun>, n: u64) -> thread::JoinHandle<()> {
    let run = run.clone();
    thread::spawn(move || inc_by(run.first(), n))
}

/// The totals by a fold of now.
fn folded(run: &SlotRun) -> u64 {
    let mut totals = Totals::default();
    totals.fold();
    run.total(&totals, 0)
}

#[test]
fn loom_a_shard_changes_hands_without_losing_an_increment() {
    model(|| {
        let run = Arc::new(SlotRun::cell().unwrap());
        // The second one adopts the first one's shard if that has ended by then, and goes on on top.
        let threads = [count(&run, 1), count(&run, 2)];
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(folded(&run), 3);
    });
}

#[test]
fn loom_a_later_fold_never_sees_less() {
    model(|| {
        let run = Arc::new(SlotRun::cell().unwrap());
        let counting = thread::spawn({
            let run = run.clone();
            move || {
                inc_by(run.first(), 1);
                inc_by(run.first(), 1);
            }
        });
        let (first, second) = (folded(&run), folded(&run));
        assert!(first <= second && second <= 2);
        counting.join().unwrap();
        assert_eq!(folded(&run), 2);
    });
}

#[test]
fn loom_a_recycled_slot_starts_at_zero_whoever_counted_in_it() {
    model(|| {
        let run = Arc::new(SlotRun::cell().unwrap());
        let counting = count(&run, 1);
        // The last to let go gives the slot back, here or there.
        drop(run);
        let next = Arc::new(SlotRun::cell().unwrap());
        count(&next, 10).join().unwrap();
        counting.join().unwrap();
        assert_eq!(folded(&next), 10);
    });
}

/// Looks a series up and counts in it beside its removal, in a table that this makes.
fn look_up_beside_removal(table: fn(&[&str]) -> LabelTable<SlotRun>) {
    model(move || {
        let make = || Ok::<_, Infallible>(SlotRun::cell().unwrap());
        let table = Arc::new(table(&["a"]));
        drop(table.insert(&["x"], 9, make).unwrap());
        let looking_up = thread::spawn({
            let table = table.clone();
            move || _ = table.look_up(&["x"], |series| inc_by(series.value.first(), 1))
        });
        assert!(table.remove(&["x"]));
        let next = SlotRun::cell().unwrap();
        looking_up.join().unwrap();
        assert_eq!(folded(&next), 0);
    });
}

#[test]
fn loom_a_look_up_beside_the_first_removal_never_writes_into_the_next_owners_slot() {
    look_up_beside_removal(LabelTable::new);
}

#[test]
fn loom_a_look_up_in_flight_never_writes_into_the_next_owners_slot() {
    look_up_beside_removal(LabelTable::guarded);
}

/// Two threads count one label each in a table that holds `x` and has no place for a second series.
fn counted(labels: [&'static str; 2]) -> Vec<(String, u64)> {
    let make = || Ok::<_, Infallible>(SlotRun::cell().unwrap());
    let table = Arc::new(LabelTable::new(&["a"]));
    drop(table.insert(&["x"], 9, make).unwrap());
    let threads = labels.map(|label| {
        let table = table.clone();
        thread::spawn(move || {
            let inc = |run: &SlotRun| inc_by(run.first(), 1);
            if table.look_up(&[label], |series| inc(&series.value)).is_none() {
                inc(&table.insert(&[label], 9, make).unwrap().value);
            }
        })
    });
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    table.sorted().iter().map(|series| (String::from_utf8_lossy(series.text(1)).into(), folded(&series.value))).collect()
}

#[test]
fn loom_a_look_up_beside_a_growing_table_counts_in_the_one_series() {
    model(|| assert_eq!(counted(["x", "y"]), [("x\"".to_owned(), 1), ("y\"".to_owned(), 1)]));
}

#[test]
fn loom_two_threads_that_make_the_same_series_share_it() {
    model(|| assert_eq!(counted(["y", "y"]), [("x\"".to_owned(), 0), ("y\"".to_owned(), 2)]));
}

/// Cells of a block that the models write: its sequence and two that are always alike.
const BLOCK: usize = 3;

/// Writes to a block on a thread of its own, so often.
fn write_on_a_thread(run: &Arc<SlotRun>, times: usize) -> thread::JoinHandle<()> {
    let run = run.clone();
    thread::spawn(move || (0..times).for_each(|_| write(run.first(), || [(1, 1), (2, 1)])))
}

/// What a fold of now says a block has been written, `None` if it could not be read; checks that it is not torn.
fn written(run: &SlotRun) -> Option<u64> {
    let mut totals = Totals::default();
    totals.fold();
    let cells: Vec<u64> = run.whole(&totals, BLOCK)?.collect();
    assert_eq!([cells[1], cells[2]], [writes(cells[0]); 2], "torn: {cells:?}");
    Some(cells[1])
}

#[test]
fn loom_a_block_is_read_whole_or_not_at_all_and_never_less_than_before() {
    model(|| {
        let run = Arc::new(SlotRun::block(BLOCK).unwrap());
        let writing = write_on_a_thread(&run, 2);
        let first = written(&run);
        let second = written(&run);
        assert!(second.is_none_or(|second| first <= Some(second)));
        writing.join().unwrap();
        assert_eq!(written(&run), Some(2));
    });
}

#[test]
fn loom_a_block_of_a_shard_that_changes_hands_stays_whole() {
    model(|| {
        let run = Arc::new(SlotRun::block(BLOCK).unwrap());
        let threads = [write_on_a_thread(&run, 1), write_on_a_thread(&run, 1)];
        let seen = written(&run);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(written(&run), Some(2));
        assert!(seen.is_none_or(|seen| seen <= 2));
    });
}

#[test]
fn loom_a_recycled_block_starts_at_zero_with_an_even_sequence() {
    model(|| {
        let run = Arc::new(SlotRun::block(BLOCK).unwrap());
        let writing = write_on_a_thread(&run, 1);
        drop(run);
        let next = Arc::new(SlotRun::block(BLOCK).unwrap());
        let next_writing = write_on_a_thread(&next, 1);
        assert!(written(&next).is_none_or(|seen| seen <= 1));
        writing.join().unwrap();
        next_writing.join().unwrap();
        assert_eq!(written(&next), Some(1));
    });
}

#[test]
fn loom_what_is_counted_before_a_write_is_seen_with_it() {
    model(|| {
        let (cell, run) = (Arc::new(SlotRun::cell().unwrap()), Arc::new(SlotRun::block(BLOCK).unwrap()));
        let writing = thread::spawn({
            let (cell, run) = (cell.clone(), run.clone());
            move || {
                inc_by(cell.first(), 1);
                write(run.first(), || [(1, 1), (2, 1)]);
            }
        });
        let mut totals = Totals::default();
        totals.fold();
        if let Some(mut block) = run.whole(&totals, BLOCK) {
            assert!(writes(block.next().unwrap()) <= cell.total(&totals, 0));
        }
        writing.join().unwrap();
    });
}

#[test]
fn loom_writers_of_the_overflow_shard_write_whole_blocks() {
    model(|| {
        let run = Arc::new(SlotRun::block(BLOCK).unwrap());
        let threads = [(), ()].map(|()| {
            let run = run.clone();
            thread::spawn(move || overflow::write(run.first(), &[(1, 1), (2, 1)]))
        });
        assert!(written(&run).is_none_or(|seen| seen <= 2));
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(written(&run), Some(2));
    });
}

#[test]
fn loom_what_is_counted_through_a_place_is_not_taken_for_the_former_owners() {
    model(|| {
        let former = Arc::new(SlotRun::cell().unwrap());
        count(&former, 1).join().unwrap();
        drop(former);
        let place = Arc::new(<SlotPlace as Place<Counter>>::empty());
        let making = thread::spawn({
            let place = place.clone();
            move || {
                let series = Series::detached(SlotRun::cell().unwrap());
                <SlotPlace as Place<Counter>>::fill(&place, &series, &());
                series
            }
        });
        // It may adopt the shard in which the former owner's count stands.
        let found = thread::spawn(move || <SlotPlace as Place<Counter>>::get(&place).map(|slot| inc_by(slot, 1)).is_some());
        let counted = u64::from(found.join().unwrap());
        assert_eq!(folded(&making.join().unwrap().value), counted);
    });
}
