//! One connection: HTTP/1 with deadlines, and the count of open connections.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::Watcher;
use tokio::net::TcpStream;

use super::state::{Standing, State};
use crate::http::HttpMetrics;

/// Header fields in a head; hyper answers 431 beyond.
const MAX_HEADERS: usize = 100;
/// Bytes of a head; hyper answers 431 beyond. Room for a long token and cookies.
const MAX_HEADER_BYTES: u32 = 32 * 1024;
/// A surplus connection holds one of few places, so it must say quickly what it wants.
const SURPLUS_HEADER_TIMEOUT: Duration = Duration::from_secs(2);

/// Serves a connection until the client ends it, it lies idle for too long, or the server shuts down.
pub(super) async fn serve(stream: TcpStream, peer: SocketAddr, state: State, standing: Standing, watcher: Watcher) {
    let admitted = standing == Standing::Admitted;
    let _open = admitted.then(|| Open::new(state.http().clone()));
    // Without it the second small write of an answer waits for the first one's acknowledgement.
    if let Err(cause) = stream.set_nodelay(true) {
        tracing::debug!(%cause, %peer, "a connection keeps its delay");
    }
    let header_timeout = match standing {
        Standing::Admitted => state.options().header_timeout,
        Standing::Surplus => SURPLUS_HEADER_TIMEOUT,
    };
    let service = service_fn(|request| {
        let state = state.clone();
        async move { Ok::<_, Infallible>(state.answer(peer, standing, request).await) }
    });
    let connection = http1::Builder::new()
        // Without a timer the timeout would do nothing.
        .timer(TokioTimer::new())
        .header_read_timeout(header_timeout)
        .max_headers(MAX_HEADERS)
        .max_header_size(MAX_HEADER_BYTES as usize)
        .keep_alive(admitted)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(cause) = watcher.watch(connection).await {
        tracing::debug!(%cause, %peer, "a connection ended early");
    }
}

/// Counts a connection as open for as long as it lives, also when its task is cut.
struct Open(HttpMetrics);

impl Open {
    fn new(http: HttpMetrics) -> Self {
        http.active_connections().inc();
        Self(http)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.active_connections().dec();
    }
}
