//! Seeing a request off: one observation for each, whatever becomes of it.
//!
//! An [`Observation`] is made when the head of a request has been read and is observed when it is dropped at the latest:
//! with the answer's body (the client has it, or gave up), or with the handler's future (the client left before). Since it
//! is consumed by observing, it cannot be observed twice.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Buf;
use http_body::{Body, Frame, SizeHint};

use super::Endpoint;
use crate::profile::{ABORTED, OpenProfile, Sizes};
use crate::sync::{Arc, AtomicU64, Ordering};

/// The status under which a request is counted whose handler panicked without an answer.
const PANICKED: u16 = 500;

/// The bytes of a request's body that have been read so far. Written by whoever reads the body, read once at the end.
#[derive(Clone, Debug)]
pub(crate) struct BytesRead(Arc<AtomicU64>);

impl BytesRead {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicU64::new(0)))
    }

    pub(crate) fn inc_by(&self, bytes: u64) {
        // Relaxed: a statistic of its own; `observe` runs after the handler's future has ended, or beside a body that
        // the handler gave to another task, and then any value on the way is a true one.
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }

    fn value(&self) -> u64 {
        // Relaxed: see `inc_by`.
        self.0.load(Ordering::Relaxed)
    }
}

/// What a request and its observation share.
#[derive(Clone, Debug)]
pub(crate) struct Journey {
    pub(crate) read: BytesRead,
    /// One that goes nowhere, where nobody wants any.
    pub(crate) profile: Arc<OpenProfile>,
}

/// A request on its way.
#[derive(Debug)]
pub(crate) struct Observation {
    endpoint: Endpoint,
    journey: Journey,
    /// The answer's status; none until there is an answer.
    status: Option<u16>,
    /// Whether it has not come to its end yet.
    aborted: bool,
    response_bytes: u64,
}

impl Observation {
    pub(crate) fn new(endpoint: Endpoint, journey: Journey) -> Self {
        Self { endpoint, journey, status: None, aborted: true, response_bytes: 0 }
    }

    /// Observes a request that has come to its end.
    pub(crate) fn ended(mut self) {
        self.aborted = false;
    }

    /// Says that there is an answer of this status.
    pub(crate) fn answered(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }
}

impl Drop for Observation {
    fn drop(&mut self) {
        let Journey { read, profile } = &self.journey;
        let sizes = Sizes { request_bytes: read.value(), response_bytes: self.response_bytes };
        // Without an answer the client has left, or the handler panics just now.
        let without = || if std::thread::panicking() { PANICKED } else { ABORTED };
        self.endpoint.observe_ended(profile, self.status.unwrap_or_else(without), sizes, self.aborted);
    }
}

pin_project_lite::pin_project! {
    /// The body of an answer with the observation of its request, which ends with the last frame.
    #[derive(Debug)]
    pub struct ObservedBody<B> {
        #[pin]
        body: B,
        // None once the request has been observed.
        observation: Option<Observation>,
    }
}

impl<B: Body> ObservedBody<B> {
    /// Gives the observation of a request that is answered into the keeping of the answer's body. The request of an endless one is
    /// observed now: later, nobody would care any more.
    pub(crate) fn new(body: B, observation: Observation, endless: bool) -> Self {
        // hyper never polls a body that is at its end from the start, and drops it only after the head is written.
        if endless || body.is_end_stream() {
            observation.ended();
            return Self { body, observation: None };
        }
        Self { body, observation: Some(observation) }
    }
}

impl<B: Body> Body for ObservedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let polled = this.body.as_mut().poll_frame(cx);
        let ended = match &polled {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Some(Ok(frame))) => {
                if let (Some(observation), Some(data)) = (this.observation.as_mut(), frame.data_ref()) {
                    observation.response_bytes += data.remaining() as u64;
                }
                // Asked now, not at the next poll: this frame may be with the client before that poll comes.
                this.body.is_end_stream()
            }
            Poll::Ready(Some(Err(_)) | None) => true,
        };
        if ended && let Some(observation) = this.observation.take() {
            match &polled {
                Poll::Ready(Some(Err(_))) => drop(observation),
                _ => observation.ended(),
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
