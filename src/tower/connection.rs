//! Connections, counted by what makes a service for each.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tower_layer::Layer;
use tower_service::Service;

use crate::http::HttpMetrics;
use crate::http::open::Open;

/// Counts the connections of a server in `active_connections`: put around what makes a service for each of them, such as a router of
/// axum.
///
/// # Examples
///
/// ```
/// use axum::Router;
/// use tachograph::http::{HttpMetrics, HttpOptions};
/// use tachograph::tower::ConnectionLayer;
/// use tower_layer::Layer;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let registry = tachograph::Registry::new();
/// let http = HttpMetrics::register(&registry, HttpOptions::default())?;
/// let app = ConnectionLayer::new(&http).layer(Router::<()>::new().into_make_service());
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// # let address = listener.local_addr()?;
/// # let serving = tokio::spawn(async move {
/// axum::serve(listener, app).await
/// # });
/// # assert_eq!(http.active_connections().value(), 0);
/// # let client = tokio::net::TcpStream::connect(address).await?;
/// # while http.active_connections().value() != 1 { tokio::task::yield_now().await; }
/// # drop(client);
/// # while http.active_connections().value() != 0 { tokio::task::yield_now().await; }
/// # serving.abort();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ConnectionLayer(HttpMetrics);

impl ConnectionLayer {
    /// Counts connections in these metrics.
    pub fn new(http: &HttpMetrics) -> Self {
        Self(http.clone())
    }
}

impl<M> Layer<M> for ConnectionLayer {
    type Service = CountConnections<M>;

    fn layer(&self, make: M) -> CountConnections<M> {
        CountConnections { http: self.0.clone(), make }
    }
}

/// Makes services that count as a connection each; made by [`ConnectionLayer`].
#[derive(Clone, Debug)]
pub struct CountConnections<M> {
    http: HttpMetrics,
    make: M,
}

impl<M: Service<T>, T> Service<T> for CountConnections<M> {
    type Response = CountedConnection<M::Response>;
    type Error = M::Error;
    type Future = Opening<M::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), M::Error>> {
        self.make.poll_ready(cx)
    }

    fn call(&mut self, connection: T) -> Self::Future {
        Opening { open: Arc::new(Open::new(self.http.clone())), making: self.make.call(connection) }
    }
}

pin_project_lite::pin_project! {
    /// A connection whose service is being made.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless they are polled"]
    pub struct Opening<F> {
        open: Arc<Open>,
        #[pin]
        making: F,
    }
}

impl<F: Future<Output = Result<S, E>>, S, E> Future for Opening<F> {
    type Output = Result<CountedConnection<S>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let inner = ready!(this.making.poll(cx))?;
        Poll::Ready(Ok(CountedConnection { inner, _open: Arc::clone(this.open) }))
    }
}

/// The service of one connection, which is open for as long as any clone of it lives.
#[derive(Clone, Debug)]
pub struct CountedConnection<S> {
    inner: S,
    _open: Arc<Open>,
}

impl<S: Service<R>, R> Service<R> for CountedConnection<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> S::Future {
        self.inner.call(request)
    }
}
