//! The body of a request, counted as it is read.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Buf;
use http_body::{Body, Frame, SizeHint};

use crate::http::journey::BytesRead;

pin_project_lite::pin_project! {
    /// The body of a request whose bytes are counted as the service reads them.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::convert::Infallible;
    /// use http::{Request, Response};
    /// use http_body_util::{BodyExt, Full};
    /// use tachograph::http::{HttpMetrics, HttpOptions};
    /// use tachograph::tower::{CountedBody, HttpLayer};
    /// use tower::{Service, ServiceBuilder, service_fn};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// # let registry = tachograph::Registry::new();
    /// # let http = HttpMetrics::register(&registry, HttpOptions::default())?;
    /// type Upload = Request<CountedBody<Full<&'static [u8]>>>;
    /// let mut service = ServiceBuilder::new().layer(HttpLayer::new(&http, |_| Some("/upload"))).service(service_fn(
    ///     async |request: Upload| {
    ///         let body = request.into_body().collect().await?.to_bytes();
    ///         Ok::<_, Infallible>(Response::new(format!("{} bytes", body.len())))
    ///     },
    /// ));
    /// service.call(Request::post("/upload").body(Full::new(&b"hello"[..]))?).await?;
    /// assert!(registry.snapshot().text().contains("http_request_size_bytes_sum{endpoint=\"/upload\"} 5\n"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })
    /// # }
    /// ```
    #[derive(Debug)]
    pub struct CountedBody<B> {
        #[pin]
        body: B,
        read: BytesRead,
    }
}

impl<B> CountedBody<B> {
    pub(super) fn new(body: B, read: BytesRead) -> Self {
        Self { body, read }
    }
}

impl<B: Body> Body for CountedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let polled = this.body.poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            this.read.inc_by(data.remaining() as u64);
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
