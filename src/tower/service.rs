//! A service whose requests are recorded.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use http::header::CONTENT_TYPE;
use http::{Request, Response, StatusCode};
use http_body::Body;
use tower_service::Service;

use super::HttpLayer;
use super::body::CountedBody;
use crate::http::journey::{BytesRead, Journey, Observation, ObservedBody};
use crate::http::{Method, headers};
use crate::profile::Scoped;

/// The status of a request for which the service had no answer but an error.
const FAILED: u16 = 500;

/// A service whose requests are recorded; made by [`HttpLayer`].
#[derive(Clone, Debug)]
pub struct HttpService<S> {
    layer: Arc<HttpLayer>,
    inner: S,
}

impl<S> HttpService<S> {
    pub(super) fn new(layer: HttpLayer, inner: S) -> Self {
        Self { layer: Arc::new(layer), inner }
    }
}

impl<S, B, A> Service<Request<B>> for HttpService<S>
where
    S: Service<Request<CountedBody<B>>, Response = Response<A>>,
    A: Body,
{
    type Response = Response<ObservedBody<A>>;
    type Error = S::Error;
    type Future = Recording<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let started = Instant::now();
        let (mut head, body) = request.into_parts();
        let endpoint = self.layer.endpoint(&head);
        let method = Method::parse(head.method.as_str());
        let profiler = self.layer.profiler.as_ref().filter(|_| !endpoint.is_monitoring());
        let profile = Arc::new(headers::profile(profiler, &head.headers, endpoint.name(), method).begun_at(started));
        // One that goes nowhere too, so that a handler need not know whether there are profiles.
        head.extensions.insert(Arc::clone(&profile));
        let journey = Journey { read: BytesRead::new(), profile };
        let body = CountedBody::new(body, journey.read.clone());
        // Before the call, which may panic.
        let observation = Observation::new(endpoint, journey.clone());
        let answering = journey.profile.in_scope(|| self.inner.call(Request::from_parts(head, body)));
        Recording { answering: Arc::clone(&journey.profile).scope(answering), journey, observation: Some(observation) }
    }
}

pin_project_lite::pin_project! {
    /// The answer of a service on its way, recorded when it is there or given up.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless they are polled"]
    pub struct Recording<F> {
        #[pin]
        answering: Scoped<F>,
        journey: Journey,
        // `None` once there is an answer.
        observation: Option<Observation>,
    }
}

impl<F, A, E> Future for Recording<F>
where
    F: Future<Output = Result<Response<A>, E>>,
    A: Body,
{
    type Output = Result<Response<ObservedBody<A>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Poll::Ready(answer) = this.answering.poll(cx) else { return Poll::Pending };
        let observation = this.observation.take().expect("a future is not polled again after it is done");
        Poll::Ready(match answer {
            Ok(mut response) => {
                headers::tell_id(&this.journey.profile, response.headers_mut());
                let observation = observation.answered(response.status().as_u16());
                let endless = is_endless(&response);
                Ok(response.map(|body| ObservedBody::new(body, observation, endless)))
            }
            Err(error) => {
                drop(observation.answered(FAILED));
                Err(error)
            }
        })
    }
}

/// Whether an answer goes on for as long as its client likes.
fn is_endless<A>(response: &Response<A>) -> bool {
    let events = |value: &http::HeaderValue| value.as_bytes().starts_with(b"text/event-stream");
    response.status() == StatusCode::SWITCHING_PROTOCOLS || response.headers().get(CONTENT_TYPE).is_some_and(events)
}
