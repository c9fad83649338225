//! What the two sides of one connection tell each other: those who read and write its bytes, and those who answer its requests.
//!
//! Both run in the connection's one task. Requests come one after the other: the next is begun when the one before has ended.
//!
//! # Orderings
//!
//! All of them are Relaxed: a task's steps see each other, on whatever thread they run, and what is told stands for itself.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::task::Waker;

use hyper::body::{Body as _, Incoming};

use super::refused::{Closed, Refused};
use super::state::{Standing, State};
use crate::sync::{Arc, AtomicBool, AtomicU64, Ordering};

/// One connection.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) state: State,
    pub(super) peer: SocketAddr,
    pub(super) standing: Standing,
    /// Requests handed over to be answered. Written with each, read by the intake.
    begun: AtomicU64,
    /// Requests whose answer has been handed over whole, or given up: `begun`, or one less.
    ended: AtomicU64,
    /// Bytes of the body of the request begun last; `UNKNOWN` where its chunks tell.
    body: AtomicU64,
    /// Whether what is read may have the field `Content-Length`. Written by the intake.
    length_told: AtomicBool,
    /// Whether the task waits for bytes that the intake keeps until the answer under way has ended.
    stalled: AtomicBool,
    /// Who then is to be woken. A std mutex is enough: only clients that send requests ahead come here.
    waker: Mutex<Option<Waker>>,
}

/// A body whose length nobody knows before its end.
pub(super) const UNKNOWN: u64 = u64::MAX;

/// How far the requests of a connection are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Progress {
    pub(super) begun: u64,
    pub(super) is_answered: bool,
    pub(super) body: u64,
}

impl Link {
    pub(super) fn new(state: State, peer: SocketAddr, standing: Standing) -> Arc<Self> {
        let zero = || AtomicU64::new(0);
        let no = || AtomicBool::new(false);
        Arc::new(Self {
            state,
            peer,
            standing,
            begun: zero(),
            ended: zero(),
            body: zero(),
            length_told: no(),
            stalled: no(),
            waker: Mutex::new(None),
        })
    }

    /// Begins a request: its head has just been read.
    pub(super) fn begin(self: &Arc<Self>, body: &Incoming) -> Turn {
        self.begin_with(body.size_hint().exact().unwrap_or(UNKNOWN))
    }

    /// Begins a request whose body has so many bytes.
    pub(super) fn begin_with(self: &Arc<Self>, body: u64) -> Turn {
        // Relaxed: see the module.
        self.body.store(body, Ordering::Relaxed);
        self.begun.fetch_add(1, Ordering::Relaxed);
        // Relaxed: see the module.
        let length_told = self.length_told.load(Ordering::Relaxed);
        Turn { link: Arc::clone(self), length_told }
    }

    /// How far the requests are.
    pub(super) fn progress(&self) -> Progress {
        // Relaxed: see the module.
        let begun = self.begun.load(Ordering::Relaxed);
        let is_answered = self.ended.load(Ordering::Relaxed) == begun;
        Progress { begun, is_answered, body: self.body.load(Ordering::Relaxed) }
    }

    pub(super) fn tell_length(&self, told: bool) {
        // Relaxed: see the module.
        self.length_told.store(told, Ordering::Relaxed);
    }

    /// Wakes the task when the answer under way has ended.
    pub(super) fn wake_when_answered(&self, waker: &Waker) {
        *self.waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(waker.clone());
        // Relaxed: see the module.
        self.stalled.store(true, Ordering::Relaxed);
    }

    #[cold]
    fn wake(&self) {
        // Relaxed: see the module.
        self.stalled.store(false, Ordering::Relaxed);
        if let Some(waker) = self.waker.lock().unwrap_or_else(PoisonError::into_inner).take() {
            waker.wake();
        }
    }

    pub(super) fn refused(&self, reason: Refused) {
        self.state.counts().refused(reason);
    }

    pub(super) fn closed(&self, reason: Closed) {
        self.state.counts().closed(reason);
    }
}

/// A request's turn on its connection, from its head to the last byte of its answer, or until it is given up.
#[derive(Debug)]
pub(super) struct Turn {
    link: Arc<Link>,
    /// Whether its head may have the field `Content-Length`: hyper does not show it beside a transfer coding. Asked for at once: a part
    /// of the body, and of what comes after it, may be read before the request is looked at.
    length_told: bool,
}

impl Turn {
    pub(super) fn link(&self) -> &Arc<Link> {
        &self.link
    }

    pub(super) fn length_told(&self) -> bool {
        self.length_told
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // Relaxed: see the module.
        self.link.ended.fetch_add(1, Ordering::Relaxed);
        if self.link.stalled.load(Ordering::Relaxed) {
            self.link.wake();
        }
    }
}

/// A place among the requests in flight, until it is dropped.
#[derive(Debug)]
pub(super) struct InFlight(Arc<Link>);

impl InFlight {
    /// Takes a place. There is none to take where there is no limit.
    pub(super) fn take(link: &Arc<Link>) -> Result<Option<Self>, Refused> {
        if link.state.options().max_requests == 0 {
            return Ok(None);
        }
        // Made first: it gives back what was taken if that was too much.
        let place = Self(Arc::clone(link));
        if link.state.requests_in_flight().inc() { Ok(Some(place)) } else { Err(Refused::Busy) }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.state.requests_in_flight().dec();
    }
}
