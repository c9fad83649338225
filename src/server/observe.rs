//! Seeing a request off: one observation for each, whatever becomes of it.
//!
//! An [`Observation`] is made when the head of a request has been read and is observed when it is dropped at the latest:
//! with the answer's body (the client has it, or gave up), or with the handler's future (the client left before). Since it
//! is consumed by observing, it cannot be observed twice.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body as _, Frame, SizeHint};

use super::body::{Body, BoxError};
use crate::http::Endpoint;
use crate::profile::{OpenProfile, Sizes};
use crate::sync::{Arc, AtomicU64, Ordering};

/// The status under which a request is counted whose client left before there was an answer (nginx's number for it).
pub const CLIENT_GONE: u16 = crate::profile::ABORTED;

/// The bytes of a request's body that have been read so far. Written by whoever reads the body, read once at the end.
#[derive(Clone, Debug)]
pub(super) struct BytesRead(Arc<AtomicU64>);

impl BytesRead {
    pub(super) fn new() -> Self {
        Self(Arc::new(AtomicU64::new(0)))
    }

    pub(super) fn inc_by(&self, bytes: u64) {
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
pub(super) struct Journey {
    pub(super) read: BytesRead,
    /// One that goes nowhere, where nobody wants any.
    pub(super) profile: Arc<OpenProfile>,
}

/// A request on its way.
#[derive(Debug)]
pub(super) struct Observation {
    endpoint: Endpoint,
    journey: Journey,
    /// The answer's status; [`CLIENT_GONE`] until there is an answer.
    status: u16,
    /// Whether it has not come to its end yet.
    aborted: bool,
    response_bytes: u64,
}

impl Observation {
    pub(super) fn new(endpoint: Endpoint, journey: Journey) -> Self {
        Self { endpoint, journey, status: CLIENT_GONE, aborted: true, response_bytes: 0 }
    }

    /// Observes a request that has come to its end.
    fn ended(mut self) {
        self.aborted = false;
    }

    /// Gives the observation into the keeping of the answer's body.
    pub(super) fn attach(mut self, response: hyper::Response<Body>) -> hyper::Response<ObservedBody> {
        self.status = response.status().as_u16();
        response.map(|body| ObservedBody::new(body, self))
    }
}

impl Drop for Observation {
    fn drop(&mut self) {
        let Journey { read, profile } = &self.journey;
        let sizes = Sizes { request_bytes: read.value(), response_bytes: self.response_bytes };
        self.endpoint.observe_ended(profile, self.status, sizes, self.aborted);
    }
}

/// The body of an answer with the observation of its request, which ends with the last frame.
#[derive(Debug)]
pub(super) struct ObservedBody {
    body: Body,
    /// None once the request has been observed.
    observation: Option<Observation>,
}

impl ObservedBody {
    fn new(body: Body, observation: Observation) -> Self {
        // hyper never polls a body that is at its end from the start, and drops it only after the head is written.
        if body.is_end_stream() {
            observation.ended();
            return Self { body, observation: None };
        }
        Self { body, observation: Some(observation) }
    }
}

impl hyper::body::Body for ObservedBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.body).poll_frame(cx);
        let ended = match &polled {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Some(Ok(frame))) => {
                if let (Some(observation), Some(data)) = (&mut this.observation, frame.data_ref()) {
                    observation.response_bytes += data.len() as u64;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Registry;
    use crate::http::{HttpMetrics, HttpOptions, Method};

    /// A body of frames; it knows its end with the last one, as a body of known length does, or only after it.
    struct Frames {
        left: Vec<Result<&'static str, &'static str>>,
        knows_its_end: bool,
    }

    impl hyper::body::Body for Frames {
        type Data = Bytes;
        type Error = BoxError;

        fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
            let left = &mut self.get_mut().left;
            let next = (!left.is_empty()).then(|| left.remove(0));
            Poll::Ready(next.map(|frame| frame.map(|text| Frame::data(text.into())).map_err(Into::into)))
        }

        fn is_end_stream(&self) -> bool {
            self.knows_its_end && self.left.is_empty()
        }
    }

    /// The answer with status 200 to a GET request for `/a`, and the metrics it is observed with.
    struct Answer {
        registry: Registry,
        body: ObservedBody,
    }

    impl Answer {
        fn new(body: Body) -> Self {
            let registry = Registry::new();
            let http = HttpMetrics::register(&registry, HttpOptions::default()).unwrap();
            let profile = Arc::new(OpenProfile::disabled(Method::Get));
            let observation = Observation::new(http.endpoint("/a"), Journey { read: BytesRead::new(), profile });
            let body = observation.attach(hyper::Response::new(body)).into_body();
            Self { registry, body }
        }

        fn of(left: Vec<Result<&'static str, &'static str>>, knows_its_end: bool) -> Self {
            Self::new(Body::streamed(Frames { left, knows_its_end }))
        }

        fn poll(&mut self) {
            let mut cx = Context::from_waker(std::task::Waker::noop());
            assert!(Pin::new(&mut self.body).poll_frame(&mut cx).is_ready());
        }

        fn observed(&self) -> (u64, u64) {
            observed(&self.registry)
        }
    }

    /// Requests that were observed, and bytes of their answers.
    fn observed(registry: &Registry) -> (u64, u64) {
        let snapshot = registry.snapshot();
        let of = |series: &str| {
            let line = snapshot.text().lines().find_map(|line| line.strip_prefix(series));
            line.map_or(0, |value| value.trim().parse().unwrap())
        };
        let requests = of("http_requests_total{endpoint=\"/a\",method=\"GET\",status=\"200\"}");
        (requests, of("http_response_size_bytes_sum{endpoint=\"/a\"}"))
    }

    #[test]
    fn an_answer_without_bytes_is_observed_at_once() {
        assert_eq!(Answer::new(Body::empty()).observed(), (1, 0));
    }

    #[test]
    fn a_body_that_knows_its_end_is_observed_with_its_last_frame() {
        let mut answer = Answer::of(vec![Ok("12"), Ok("345")], true);
        answer.poll();
        assert_eq!(answer.observed(), (0, 0));
        answer.poll();
        assert_eq!(answer.observed(), (1, 5));
    }

    #[test]
    fn a_body_that_ends_unforeseen_is_observed_at_its_end() {
        let mut answer = Answer::of(vec![Ok("12")], false);
        answer.poll();
        assert_eq!(answer.observed(), (0, 0));
        answer.poll();
        assert_eq!(answer.observed(), (1, 2));
        let registry = answer.registry.clone();
        drop(answer);
        assert_eq!(observed(&registry), (1, 2), "once is enough");
    }

    #[test]
    fn a_body_that_fails_or_is_dropped_is_observed_with_what_it_gave() {
        let mut failing = Answer::of(vec![Ok("12"), Err("broken")], false);
        failing.poll();
        failing.poll();
        assert_eq!(failing.observed(), (1, 2));
        let mut dropped = Answer::of(vec![Ok("12"), Ok("345")], true);
        dropped.poll();
        let registry = dropped.registry.clone();
        drop(dropped);
        assert_eq!(observed(&registry), (1, 2));
    }
}
