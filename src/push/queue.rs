//! Requests that are still to be sent: bounded, the oldest given up first.
//!
//! It belongs to the pusher's thread alone, so there is nothing to lock: who counts and who takes snapshots never see it.

use std::cell::RefCell;
use std::collections::VecDeque;

use bytes::Bytes;
use tokio::sync::Notify;

/// What is sent at once. Its bytes are the same each time that it is tried.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) body: Bytes,
    pub(super) samples: u64,
}

/// A request with the number of the snapshot that it is of.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) request: Request,
    snapshot: u64,
}

#[derive(Debug)]
pub(super) struct Queue {
    most_snapshots: u64,
    most_bytes: usize,
    state: RefCell<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Queued>,
    bytes: usize,
    /// Number of the next snapshot.
    next: u64,
    /// Samples of the request that is on its way.
    on_its_way: u64,
    /// Nothing more comes.
    closed: bool,
}

impl State {
    fn snapshots(&self) -> u64 {
        self.waiting.front().map_or(0, |oldest| self.next - oldest.snapshot)
    }
}

impl Queue {
    pub(super) fn new(most_snapshots: usize, most_bytes: usize) -> Self {
        Self { most_snapshots: most_snapshots as u64, most_bytes, state: RefCell::default(), changed: Notify::new() }
    }

    /// Appends the requests of a snapshot, and returns how many samples have been given up to make room.
    pub(super) fn push(&self, requests: Vec<Request>) -> u64 {
        if requests.is_empty() {
            return 0;
        }
        let mut state = self.state.borrow_mut();
        let snapshot = state.next;
        state.next += 1;
        for request in requests {
            state.bytes += request.body.len();
            state.waiting.push_back(Queued { request, snapshot });
        }
        drop(state);
        self.changed.notify_one();
        self.shrink()
    }

    /// Waits for the next request; `None` when there is none and will be none.
    pub(super) async fn take(&self) -> Option<Queued> {
        loop {
            // In a block of its own: it must not be borrowed while this waits.
            {
                let mut state = self.state.borrow_mut();
                if let Some(next) = state.waiting.pop_front() {
                    state.bytes -= next.request.body.len();
                    state.on_its_way = next.request.samples;
                    return Some(next);
                }
                if state.closed {
                    return None;
                }
            }
            self.changed.notified().await;
        }
    }

    /// What was taken has arrived, or never will.
    pub(super) fn done(&self) {
        self.state.borrow_mut().on_its_way = 0;
    }

    /// Puts back what was taken, to be tried again; returns how many samples have been given up since there is no room any more.
    pub(super) fn put_back(&self, taken: Queued) -> u64 {
        let mut state = self.state.borrow_mut();
        state.on_its_way = 0;
        state.bytes += taken.request.body.len();
        state.waiting.push_front(taken);
        drop(state);
        self.shrink()
    }

    /// Gives up the oldest snapshots until the rest fits.
    fn shrink(&self) -> u64 {
        let mut state = self.state.borrow_mut();
        let mut given_up = 0;
        while state.snapshots() > self.most_snapshots || state.bytes > self.most_bytes {
            let oldest = state.waiting.front().expect("what is too much is not nothing").snapshot;
            while let Some(request) = state.waiting.pop_front_if(|queued| queued.snapshot == oldest) {
                state.bytes -= request.request.body.len();
                given_up += request.request.samples;
            }
        }
        given_up
    }

    /// Nothing more comes.
    pub(super) fn close(&self) {
        self.state.borrow_mut().closed = true;
        self.changed.notify_one();
    }

    /// Snapshots of which something waits, and the bytes of it.
    pub(super) fn size(&self) -> (u64, usize) {
        let state = self.state.borrow();
        (state.snapshots(), state.bytes)
    }

    /// Gives up everything, what is on its way too; returns how many samples that are.
    pub(super) fn give_up(&self) -> u64 {
        let state = self.state.take();
        state.waiting.iter().map(|queued| queued.request.samples).sum::<u64>() + state.on_its_way
    }
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use super::*;

    fn requests(samples: &[u64]) -> Vec<Request> {
        samples.iter().map(|&samples| Request { body: Bytes::from(vec![0; samples as usize]), samples }).collect()
    }

    /// Takes what must be there.
    fn take(queue: &Queue) -> Queued {
        let mut taking = std::pin::pin!(queue.take());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match taking.as_mut().poll(&mut context) {
            std::task::Poll::Ready(Some(taken)) => taken,
            _ => panic!("nothing is there"),
        }
    }

    #[test]
    fn the_oldest_snapshot_is_given_up_first_and_as_a_whole() {
        let queue = Queue::new(2, 1_000);
        assert_eq!(queue.push(requests(&[10, 11])), 0);
        assert_eq!(queue.push(requests(&[20])), 0);
        assert_eq!(queue.size(), (2, 41));
        assert_eq!(queue.push(requests(&[30])), 21);
        assert_eq!(take(&queue).request.samples, 20);
        assert_eq!(queue.size(), (1, 30));
    }

    #[test]
    fn bytes_bound_it_too_even_against_a_single_snapshot() {
        let queue = Queue::new(100, 50);
        assert_eq!(queue.push(requests(&[30, 10])), 0);
        assert_eq!(queue.push(requests(&[20])), 40);
        assert_eq!(queue.push(requests(&[51])), 71);
        assert_eq!(queue.size(), (0, 0));
    }

    #[test]
    fn what_is_on_its_way_keeps_its_place_but_not_for_ever() {
        let queue = Queue::new(2, 1_000);
        queue.push(requests(&[10, 11]));
        let taken = take(&queue);
        assert_eq!(queue.push(requests(&[20])), 0);
        assert_eq!(queue.put_back(taken), 0);
        let taken = take(&queue);
        assert_eq!(taken.request.samples, 10);
        assert_eq!(queue.push(requests(&[30])), 11, "the rest of the first one");
        assert_eq!(queue.put_back(taken), 10, "and then this");
        assert_eq!(take(&queue).request.samples, 20);
        assert_eq!(queue.give_up(), 50, "what is on its way is given up too");
    }

    #[test]
    fn an_empty_snapshot_takes_no_place() {
        let queue = Queue::new(1, 10);
        queue.push(requests(&[5]));
        assert_eq!(queue.push(Vec::new()), 0);
        assert_eq!(queue.size(), (1, 5));
    }
}
