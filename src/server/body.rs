//! The body of an answer: bytes that are there already, or a stream.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Frame, SizeHint};

/// The error of a streamed body.
///
/// # Examples
///
/// ```
/// use tachograph::server::BoxError;
///
/// let cause: BoxError = "the file is gone".into();
/// assert_eq!(cause.to_string(), "the file is gone");
/// ```
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The body of an answer.
///
/// # Examples
///
/// ```
/// use http_body_util::Full;
/// use hyper::body::Body as _;
/// use tachograph::server::Body;
///
/// assert!(Body::empty().is_end_stream());
/// assert_eq!(Body::from("hello").size_hint().exact(), Some(5));
/// assert_eq!(Body::streamed(Full::new("hello".into())).size_hint().exact(), Some(5));
/// ```
#[derive(Debug)]
pub struct Body(Kind);

/// Bytes are by far the most common, and cost no allocation here.
#[derive(Debug)]
enum Kind {
    Full(Full<Bytes>),
    Streamed(UnsyncBoxBody<Bytes, BoxError>),
    Endless(UnsyncBoxBody<Bytes, BoxError>),
}

impl Body {
    /// Makes a body without bytes.
    pub fn empty() -> Self {
        Self::from(Bytes::new())
    }

    /// Makes a body of any other body, such as a stream of frames.
    pub fn streamed<B>(body: B) -> Self
    where
        B: hyper::body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self(Kind::Streamed(body.map_err(Into::into).boxed_unsync()))
    }

    /// Makes a body that goes on for as long as its client likes, such as a stream of server-sent events. Its request is
    /// observed with the answer's head, and a shutdown ends it once no more requests are taken: no request in flight is cut
    /// for its sake.
    ///
    /// # Examples
    ///
    /// ```
    /// use bytes::Bytes;
    /// use hyper::body::Body as _;
    /// use tachograph::server::{Body, Response};
    ///
    /// // In earnest, one that waits for what comes next.
    /// let events = http_body_util::Full::new(Bytes::from("event: tick\ndata: 1\n\n"));
    /// let response = Response::new(Body::endless(events));
    /// assert!(!response.body().is_end_stream());
    /// ```
    pub fn endless<B>(body: B) -> Self
    where
        B: hyper::body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self(Kind::Endless(body.map_err(Into::into).boxed_unsync()))
    }

    pub(super) fn is_endless(&self) -> bool {
        matches!(self.0, Kind::Endless(_))
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Self {
        Self(Kind::Full(Full::new(bytes.into())))
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut self.get_mut().0 {
            Kind::Full(body) => Pin::new(body).poll_frame(cx).map_err(|never| match never {}),
            Kind::Streamed(body) | Kind::Endless(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Full(body) => body.is_end_stream(),
            Kind::Streamed(body) | Kind::Endless(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Full(body) => body.size_hint(),
            Kind::Streamed(body) | Kind::Endless(body) => body.size_hint(),
        }
    }
}
