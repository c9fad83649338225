//! The stream of events: each is written once, and all who look get the same bytes.
//!
//! The ticker publishes, the answers of `/events` read. A viewer that is slow misses events: it gets the newest one when its
//! connection has room, and nothing is queued for it here. A mutex is enough: it is held while a few words are copied, once a
//! second and viewer.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use hyper::body::Frame;

use super::history::{BEHIND, History};
use super::tables::Tables;
use super::tick::Row;
use super::wire::{Event, Packer, Wire};

/// Events that are kept for who has got a history that is a little behind. More than that, for what comes between two locks.
const KEPT: usize = 2 * BEHIND as usize;

/// What the page shows to who has no scripts.
#[derive(Clone, Debug, Default)]
pub(super) struct Figures {
    pub(super) row: Option<Row>,
    pub(super) tables: Tables,
    /// Why there is nothing newer.
    pub(super) trouble: Option<String>,
}

/// What the ticker and the answers share.
#[derive(Debug)]
pub(super) struct Hub {
    live: Mutex<Live>,
    history: Mutex<History>,
    packer: Arc<Packer>,
    max_viewers: usize,
}

#[derive(Debug)]
struct Live {
    ended: bool,
    /// Of the last event; events count from 1.
    number: u64,
    /// Streams of another one end: what they began with no longer holds.
    epoch: u64,
    hello: Arc<Event>,
    /// Checks of health that rows tell of.
    checks: usize,
    /// The last events.
    events: VecDeque<(u64, Arc<Event>)>,
    /// The last event, if it tells of trouble.
    trouble: Option<Arc<Event>>,
    figures: Arc<Figures>,
    places: Places,
}

/// The places of those who look, and whom to wake.
#[derive(Debug, Default)]
struct Places {
    wakers: Vec<Option<Waker>>,
    free: Vec<usize>,
}

impl Places {
    fn taken(&self) -> usize {
        self.wakers.len() - self.free.len()
    }

    fn take(&mut self) -> usize {
        self.free.pop().unwrap_or_else(|| {
            self.wakers.push(None);
            self.wakers.len() - 1
        })
    }

    fn give_back(&mut self, place: usize) {
        self.wakers[place] = None;
        self.free.push(place);
    }
}

impl Hub {
    pub(super) fn new(history: History, max_viewers: usize) -> Self {
        let live = Live {
            ended: false,
            number: 0,
            epoch: 0,
            hello: Event::first(Bytes::new()),
            checks: 0,
            events: VecDeque::with_capacity(KEPT),
            trouble: None,
            figures: Arc::default(),
            places: Places::default(),
        };
        Self { live: Mutex::new(live), history: Mutex::new(history), packer: Arc::default(), max_viewers }
    }

    /// Begins anew: streams that go on end, their clients come again and get this first.
    pub(super) fn greet(&self, hello: Arc<Event>, checks: usize) {
        self.history().rewrite();
        let mut live = self.live();
        (live.hello, live.checks) = (hello, checks);
        live.epoch += 1;
        wake(live);
    }

    /// Publishes a row and what is said of it.
    pub(super) fn publish(&self, row: Row, event: Arc<Event>, figures: Figures) {
        // The ticker alone publishes, so the number holds until it does so again.
        let number = self.live().number + 1;
        self.history().push(row, number);
        let mut live = self.live();
        (live.trouble, live.figures) = (None, Arc::new(figures));
        live.push(number, event);
        wake(live);
    }

    /// Publishes that there is nothing to publish. The figures stay, with a word on why.
    pub(super) fn publish_trouble(&self, text: String, event: Arc<Event>) {
        let mut live = self.live();
        let figures = Figures { trouble: Some(text), ..(*live.figures).clone() };
        (live.trouble, live.figures) = (Some(event.clone()), Arc::new(figures));
        let number = live.number + 1;
        live.push(number, event);
        wake(live);
    }

    /// Ends all streams, those that are still to come too.
    pub(super) fn end(&self) {
        let mut live = self.live();
        live.ended = true;
        wake(live);
    }

    pub(super) fn figures(&self) -> (u64, Arc<Figures>) {
        let live = self.live();
        (live.number, Arc::clone(&live.figures))
    }

    pub(super) fn viewers(&self) -> usize {
        self.live().places.taken()
    }

    /// The memory of the rows, and what is done to them.
    pub(super) fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place for a viewer; `None` if all are taken. The history may have to be written, so not on a thread that must
    /// not wait.
    pub(super) fn view(self: &Arc<Self>, gzip: bool) -> Option<Viewer> {
        let (place, checks) = {
            let mut live = self.live();
            if live.places.taken() >= self.max_viewers {
                return None;
            }
            (live.places.take(), live.checks)
        };
        let (wire, opening) = (Wire::new(&self.packer, gzip), VecDeque::with_capacity(4));
        let mut viewer = Viewer { hub: Arc::clone(self), place, epoch: 0, seen: 0, opening, wire };
        let (told, history) = self.history().event(checks);
        viewer.wire.prepare(&history);
        let live = self.live();
        viewer.opening.extend([live.hello.clone(), history]);
        viewer.opening.extend(live.events.iter().filter(|(number, _)| *number > told).map(|(_, event)| event.clone()));
        if live.number <= told {
            // The tables of the moment are in no history, and the next tick may be far.
            let tables = live.figures.row.is_some().then(|| Event::of("now", &live.figures.tables));
            viewer.opening.extend(tables.into_iter().chain(live.trouble.clone()));
        }
        // Should the checks have changed meanwhile, the history is not of this epoch, and the client had better come again.
        viewer.epoch = if live.checks == checks { live.epoch } else { 0 };
        viewer.seen = live.number;
        drop(live);
        Some(viewer)
    }

    fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Live {
    fn push(&mut self, number: u64, event: Arc<Event>) {
        self.number = number;
        if self.events.len() == KEPT {
            self.events.pop_front();
        }
        self.events.push_back((number, event));
    }
}

/// Wakes all who wait, once the lock is free.
fn wake(mut live: MutexGuard<'_, Live>) {
    let waiting: Vec<Waker> = live.places.wakers.iter_mut().filter_map(Option::take).collect();
    drop(live);
    waiting.into_iter().for_each(Waker::wake);
}

/// One who looks: the body of an answer. Its place is free again when it is dropped.
#[derive(Debug)]
pub(super) struct Viewer {
    hub: Arc<Hub>,
    place: usize,
    epoch: u64,
    /// The last event that it has got or missed.
    seen: u64,
    /// What it gets first, whatever happens meanwhile.
    opening: VecDeque<Arc<Event>>,
    wire: Wire,
}

impl hyper::body::Body for Viewer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let frame = |bytes| Poll::Ready(Some(Ok(Frame::data(bytes))));
        if let Some(event) = self.opening.pop_front() {
            return frame(self.wire.next(&event));
        }
        let hub = Arc::clone(&self.hub);
        let mut live = hub.live();
        if live.ended || live.epoch != self.epoch {
            return self.wire.end().map_or(Poll::Ready(None), frame);
        }
        match live.events.back() {
            Some((number, newest)) if *number > self.seen => {
                let newest = Arc::clone(newest);
                self.seen = *number;
                // The first who takes it may have it packed.
                drop(live);
                frame(self.wire.next(&newest))
            }
            _ => {
                live.places.wakers[self.place] = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.hub.live().places.give_back(self.place);
    }
}

#[cfg(test)]
mod tests {
    use hyper::body::Body;

    use super::super::tick::tests::row;
    use super::*;

    fn hub(max_viewers: usize) -> Arc<Hub> {
        let hub = Arc::new(Hub::new(History::new(4), max_viewers));
        hub.greet(Event::first("hello"), 0);
        hub
    }

    fn publish(hub: &Hub, number: u64) {
        hub.publish(row(number), Event::new(format!("event {number}")), Figures::default());
    }

    /// What a viewer gets: a frame, `None` at the end, or "nothing" when it has to wait.
    fn poll(viewer: &mut Viewer) -> Option<String> {
        let mut cx = Context::from_waker(Waker::noop());
        match Pin::new(viewer).poll_frame(&mut cx) {
            Poll::Pending => Some("nothing".into()),
            Poll::Ready(frame) => {
                let bytes = frame?.unwrap().into_data().unwrap();
                Some(String::from_utf8(bytes.to_vec()).unwrap())
            }
        }
    }

    fn opened(hub: &Arc<Hub>) -> Viewer {
        let mut viewer = hub.view(false).unwrap();
        assert_eq!(poll(&mut viewer).as_deref(), Some("hello"));
        assert!(poll(&mut viewer).unwrap().starts_with("event: history\ndata: {\"t\":["));
        viewer
    }

    #[test]
    fn a_slow_viewer_misses_events_and_gets_the_newest() {
        let hub = hub(1);
        let mut viewer = opened(&hub);
        assert_eq!(poll(&mut viewer).as_deref(), Some("nothing"));
        (1..=50).for_each(|number| publish(&hub, number));
        assert_eq!(poll(&mut viewer).as_deref(), Some("event 50"));
        assert_eq!(poll(&mut viewer).as_deref(), Some("nothing"));
    }

    #[test]
    fn a_history_that_is_a_little_behind_is_made_up_for() {
        let hub = hub(2);
        (1..=10).for_each(|number| publish(&hub, number));
        let _first = opened(&hub);
        (11..=10 + BEHIND - 1).for_each(|number| publish(&hub, number));
        let mut second = hub.view(false).unwrap();
        poll(&mut second);
        assert!(poll(&mut second).unwrap().contains("\"t\":[7,8,9,10]"), "the first one's");
        for number in 11..10 + BEHIND {
            assert_eq!(poll(&mut second), Some(format!("event {number}")));
        }
        assert_eq!(poll(&mut second).as_deref(), Some("nothing"));
        drop(second);
        publish(&hub, 10 + BEHIND);
        let mut third = hub.view(false).unwrap();
        poll(&mut third);
        assert!(poll(&mut third).unwrap().contains("\"t\":[12,13,14,15]"), "one of its own");
        assert_eq!(poll(&mut third).as_deref(), Some("nothing"));
    }

    #[test]
    fn who_comes_gets_the_tables_of_the_moment_once() {
        let hub = hub(2);
        let figures = Figures { row: Some(row(1)), ..Figures::default() };
        hub.publish(row(1), Event::new("event 1"), figures);
        let mut viewer = opened(&hub);
        assert!(poll(&mut viewer).unwrap().starts_with("event: now\ndata: {\"endpoints\":[],"));
        assert_eq!(poll(&mut viewer).as_deref(), Some("nothing"));
        // With what is newer than the history they come anyway.
        publish(&hub, 2);
        let mut viewer = opened(&hub);
        assert_eq!((poll(&mut viewer).as_deref(), poll(&mut viewer).as_deref()), (Some("event 2"), Some("nothing")));
    }

    #[test]
    fn places_are_limited_and_come_back() {
        let hub = hub(2);
        let (one, two) = (hub.view(false).unwrap(), hub.view(false).unwrap());
        assert!(hub.view(false).is_none());
        drop(one);
        let three = hub.view(false).unwrap();
        assert!(hub.view(false).is_none());
        drop((two, three));
        assert_eq!(hub.viewers(), 0);
    }

    #[test]
    fn trouble_is_told_to_all_who_come_until_it_is_over() {
        let hub = hub(3);
        let mut before = opened(&hub);
        publish(&hub, 1);
        hub.publish_trouble("why".into(), Event::new("trouble"));
        assert_eq!(poll(&mut before).as_deref(), Some("trouble"));
        assert_eq!(hub.figures().1.trouble.as_deref(), Some("why"));
        assert_eq!(hub.view(false).unwrap().opening.back().unwrap().text(), "trouble");
        publish(&hub, 2);
        assert_eq!(poll(&mut before).as_deref(), Some("event 2"));
        assert_eq!(hub.figures().1.trouble, None);
        (3..20).for_each(|number| publish(&hub, number));
        assert_eq!(hub.view(false).unwrap().opening.len(), 2, "it is over");
    }

    #[test]
    fn a_new_greeting_and_the_end_end_the_streams() {
        let hub = hub(2);
        let mut viewer = opened(&hub);
        hub.greet(Event::first("hello again"), 1);
        assert_eq!(poll(&mut viewer), None);
        let mut again = hub.view(false).unwrap();
        assert_eq!(poll(&mut again).as_deref(), Some("hello again"));
        assert_eq!(poll(&mut again).unwrap().matches('[').count(), 28, "a list a column");
        hub.end();
        assert_eq!(poll(&mut again), None);
    }

    #[test]
    fn who_waits_is_woken() {
        struct Woken(std::sync::atomic::AtomicUsize);
        impl std::task::Wake for Woken {
            fn wake(self: Arc<Self>) {
                self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
        }
        let hub = hub(1);
        let mut viewer = opened(&hub);
        let woken = Arc::new(Woken(Default::default()));
        let waker = Waker::from(Arc::clone(&woken));
        let mut cx = Context::from_waker(&waker);
        for expected in 1..=3 {
            assert!(Pin::new(&mut viewer).poll_frame(&mut cx).is_pending());
            publish(&hub, expected as u64);
            assert_eq!(woken.0.load(std::sync::atomic::Ordering::Relaxed), expected);
            assert!(Pin::new(&mut viewer).poll_frame(&mut cx).is_ready());
        }
        assert!(Pin::new(&mut viewer).poll_frame(&mut cx).is_pending());
        hub.end();
        assert_eq!(woken.0.load(std::sync::atomic::Ordering::Relaxed), 4);
    }
}
