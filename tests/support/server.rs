//! The library's server for tests, with routes of every shape.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll};
use std::thread::JoinHandle;

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame};
use tachograph::Registry;
use tachograph::http::{HttpMetrics, HttpOptions};
use tachograph::server::{self, Body, Options, Response, Route, Routes, State, StatusCode, Stopped};
use tokio::sync::{Notify, oneshot};

use crate::http::PATIENCE;
use crate::scrape::{sample, sum};

/// A server on a thread of its own.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) registry: Registry,
    pub(crate) metrics: HttpMetrics,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Stopped>>,
}

impl Server {
    pub(crate) fn start(routes: Routes) -> Self {
        Self::start_with(routes, Options::default())
    }

    pub(crate) fn start_with(routes: Routes, options: Options) -> Self {
        let registry = Registry::new();
        let metrics = HttpMetrics::register(&registry, HttpOptions::default()).unwrap();
        Self::start_on(registry, metrics, routes, options)
    }

    /// A server on a registry that has more than its own.
    pub(crate) fn start_on(registry: Registry, metrics: HttpMetrics, routes: Routes, options: Options) -> Self {
        let state = State::new(&registry, &metrics, routes, options).unwrap();
        let (stop, stopping) = oneshot::channel();
        let (tell, told) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                server::run(listener, state, async { stopping.await.unwrap() }).await
            })
        });
        Self { address: told.recv().unwrap(), registry, metrics, stop: Some(stop), thread: Some(thread) }
    }

    /// Begins the shutdown.
    pub(crate) fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    /// Waits for the end; after it, all that will ever be counted is counted.
    pub(crate) fn join(&mut self) -> Stopped {
        self.thread.take().unwrap().join().unwrap()
    }

    pub(crate) fn requests(&self, endpoint: &str, method: &str, status: u16) -> Option<f64> {
        let series = format!("http_requests_total{{endpoint=\"{endpoint}\",method=\"{method}\",status=\"{status}\"}}");
        sample(self.registry.snapshot().text(), &series)
    }

    pub(crate) fn all_requests(&self, endpoint: &str) -> f64 {
        sum(self.registry.snapshot().text(), "http_requests_total", &[&format!("endpoint=\"{endpoint}\"")])
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let (Some(stop), Some(thread)) = (self.stop.take(), self.thread.take()) {
            let _ended = stop.send(());
            let _panicked = thread.join();
        }
    }
}

pub(crate) fn text(body: &'static str) -> Response {
    server::plain(StatusCode::OK, "text/plain", body)
}

/// Routes of the shapes that the tests need.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .route(Route::get("/hello/{name}").answers([404]), |request| async move {
            match request.param("name") {
                Some("nobody") => server::error(StatusCode::NOT_FOUND, "nobody is not at home"),
                name => server::plain(StatusCode::OK, "text/plain", format!("hello {}", name.unwrap())),
            }
        })
        .route(Route::post("/echo").answers([408, 413]), |mut request| async move {
            match request.body().await {
                Ok(body) => server::plain(StatusCode::OK, "application/octet-stream", body),
                Err(cause) => cause.into(),
            }
        })
        .route(Route::get("/empty"), |_| async {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NO_CONTENT;
            response
        })
        .route(Route::get("/panic"), |_| async { panic!("on purpose") })
        .route(Route::get("/endless"), |_| async { Response::new(Body::streamed(Endless)) })
}

/// A body that never ends.
struct Endless;

impl HttpBody for Endless {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b'x'; 4096])))))
    }
}

/// A route that tells when a request has come and answers when it may.
pub(crate) struct Gate {
    entered: mpsc::Receiver<()>,
    pub(crate) open: Arc<Notify>,
}

impl Gate {
    pub(crate) fn new() -> (Self, Routes) {
        let (enter, entered) = mpsc::channel();
        let open = Arc::new(Notify::new());
        let opening = Arc::clone(&open);
        let routes = routes().route(Route::get("/gate"), move |_| {
            let (enter, opening) = (enter.clone(), Arc::clone(&opening));
            async move {
                enter.send(()).unwrap();
                opening.notified().await;
                text("through")
            }
        });
        (Self { entered, open }, routes)
    }

    pub(crate) fn wait_for_a_request(&self) {
        self.entered.recv_timeout(PATIENCE).unwrap();
    }
}
