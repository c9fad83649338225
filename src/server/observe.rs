//! The answer's body as the server hands it out: observed, and ended by the shutdown if it has no end of its own.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

use super::body::{Body, BoxError};
use super::link::{InFlight, Turn};
use super::shutdown::StreamEnd;
use crate::http::journey::{Observation, ObservedBody};
use crate::panic::caught;

/// The status under which a request is counted whose client left before there was an answer (nginx's number for it).
///
/// # Examples
///
/// ```
/// assert_eq!(tachograph::server::CLIENT_GONE, 499);
/// ```
pub const CLIENT_GONE: u16 = crate::profile::ABORTED;

/// The body of an answer, until its end or that of the server.
#[derive(Debug)]
pub(super) struct ServedBody {
    body: ObservedBody<Body>,
    /// Of a body that has no end of its own.
    end: Option<StreamEnd>,
    /// The request's own until the answer has been handed over.
    turn: Turn,
    _place: Option<InFlight>,
}

impl ServedBody {
    /// The answer with the observation of its request in the keeping of its body.
    pub(super) fn attach(
        response: hyper::Response<Body>,
        observation: Observation,
        turn: Turn,
        place: Option<InFlight>,
    ) -> hyper::Response<Self> {
        let observation = observation.answered(response.status().as_u16());
        response.map(|body| {
            let end = body.is_endless().then(|| StreamEnd::new(turn.link().state.shutdown()));
            // One that goes on for as long as its client likes is in flight no more than it is timed.
            let place = place.filter(|_| end.is_none());
            Self { body: ObservedBody::new(body, observation, end.is_some()), end, turn, _place: place }
        })
    }
}

impl hyper::body::Body for ServedBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        if this.end.as_mut().is_some_and(|end| end.has_come(cx)) {
            return Poll::Ready(None);
        }
        // One that panicked is not polled again: at its error hyper ends the connection.
        caught(|| Pin::new(&mut this.body).poll_frame(cx)).unwrap_or_else(|message| {
            this.turn.link().state.panicked(&message);
            Poll::Ready(Some(Err("the body of the answer panicked".into())))
        })
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
    use std::sync::Arc;

    use hyper::body::Body as _;

    use super::*;
    use crate::Registry;
    use crate::http::journey::{BytesRead, Journey};
    use crate::http::{HttpMetrics, HttpOptions, Method};
    use crate::profile::OpenProfile;
    use crate::server::link::Link;
    use crate::server::options::Options;
    use crate::server::route::Routes;
    use crate::server::state::{Standing, State};

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
        body: ServedBody,
        state: State,
    }

    impl Answer {
        fn new(body: Body) -> Self {
            let registry = Registry::new();
            let http = HttpMetrics::register(&registry, HttpOptions::default()).unwrap();
            let profile = Arc::new(OpenProfile::disabled(Method::Get));
            let observation = Observation::new(http.endpoint("/a"), Journey { read: BytesRead::new(), profile });
            let state = State::new(&registry, &http, Routes::new(), Options::default()).unwrap();
            let turn = Link::new(state.clone(), ([127, 0, 0, 1], 1).into(), Standing::Admitted).begin_with(0);
            let body = ServedBody::attach(hyper::Response::new(body), observation, turn, None).into_body();
            Self { registry, body, state }
        }

        fn endless(left: Vec<Result<&'static str, &'static str>>) -> Self {
            Self::new(Body::endless(Frames { left, knows_its_end: false }))
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
    fn a_body_without_an_end_is_observed_with_its_head_and_ended_by_the_shutdown() {
        let mut answer = Answer::endless(vec![Ok("12"); 3]);
        assert_eq!(answer.observed(), (1, 0));
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let mut goes_on = |answer: &mut Answer| match Pin::new(&mut answer.body).poll_frame(&mut cx) {
            Poll::Ready(frame) => frame.is_some(),
            Poll::Pending => panic!("its frames are there"),
        };
        assert!(goes_on(&mut answer));
        answer.state.shutdown().begin();
        assert!(goes_on(&mut answer), "requests may still come");
        answer.state.shutdown().end_streams();
        assert!(!goes_on(&mut answer));
        assert!(!goes_on(&mut answer), "and so it stays");
        let registry = answer.registry.clone();
        drop(answer);
        assert_eq!(observed(&registry), (1, 0), "once is enough");
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
