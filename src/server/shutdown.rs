//! How far the shutdown of a server has come: begun, and then over for streams that would not end by themselves.
//!
//! Written once each by whoever shuts down, read by answers.
//!
//! # Orderings
//!
//! Each flag stands for itself; whoever waits for the second one is woken by `over`, which is a lock.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

use crate::sync::{Arc, AtomicBool, Ordering};

/// A clone is the same shutdown.
#[derive(Clone, Debug)]
pub(super) struct Shutdown(Arc<Progress>);

#[derive(Debug)]
struct Progress {
    begun: AtomicBool,
    streams_over: AtomicBool,
    over: std::sync::Arc<Notify>,
}

impl Shutdown {
    pub(super) fn new() -> Self {
        let (begun, streams_over) = (AtomicBool::new(false), AtomicBool::new(false));
        Self(Arc::new(Progress { begun, streams_over, over: std::sync::Arc::default() }))
    }

    pub(super) fn begin(&self) {
        // Relaxed: the flag itself is all that is told; nothing else is read on the strength of it.
        self.0.begun.store(true, Ordering::Relaxed);
    }

    pub(super) fn has_begun(&self) -> bool {
        // Relaxed: see `begin`.
        self.0.begun.load(Ordering::Relaxed)
    }

    /// Ends the streams that would go on for ever, those that are still to come too.
    pub(super) fn end_streams(&self) {
        // Release: the partner is `StreamEnd::new`. If its load comes first, its waiter was made before the waking below, and
        // is woken; if it sees this, it does not wait.
        self.0.streams_over.store(true, Ordering::Release);
        self.0.over.notify_waiters();
    }
}

/// What a stream waits for beside its next frame, and a connection beside its next request.
#[derive(Debug)]
pub(super) struct StreamEnd(Option<Pin<Box<OwnedNotified>>>);

impl StreamEnd {
    pub(super) fn new(shutdown: &Shutdown) -> Self {
        let waiter = std::sync::Arc::clone(&shutdown.0.over).notified_owned();
        // Acquire: the partner is `Shutdown::end_streams`.
        let over = shutdown.0.streams_over.load(Ordering::Acquire);
        Self((!over).then(|| Box::pin(waiter)))
    }

    /// Whether the stream is to end; else its task is woken when it is.
    pub(super) fn has_come(&mut self, cx: &mut Context<'_>) -> bool {
        match &mut self.0 {
            Some(waiter) => match waiter.as_mut().poll(cx) {
                Poll::Ready(()) => {
                    self.0 = None;
                    true
                }
                Poll::Pending => false,
            },
            None => true,
        }
    }
}

impl Future for StreamEnd {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.has_come(cx) { Poll::Ready(()) } else { Poll::Pending }
    }
}
