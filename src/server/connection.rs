//! One connection: HTTP/1 with deadlines, and the count of open connections.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::sleep;

use super::patience::Patience;
use super::shutdown::StreamEnd;
use super::state::{Standing, State};
use crate::http::open::Open;

/// Header fields in a head; hyper answers 431 beyond.
const MAX_HEADERS: usize = 100;
/// Bytes of a head; hyper answers 431 beyond. Room for a long token and cookies.
const MAX_HEADER_BYTES: u32 = 32 * 1024;
/// A surplus connection holds one of few places, so it must say quickly what it wants.
const SURPLUS_HEADER_TIMEOUT: Duration = Duration::from_secs(2);

/// How long an idle connection may still bring a request once the server shuts down.
const LAST_LOOK: Duration = Duration::from_millis(10);

/// Serves one connection of any kind, until the client ends it, it lies idle for too long, or the future is dropped: of a Unix socket,
/// of TLS, of a test. [`run`](super::run) does it for those of its listener, which is where
/// [`Options::max_connections`](super::Options::max_connections) and a graceful shutdown belong. `peer` is what the handlers shall see.
///
/// # Examples
///
/// ```
/// use tachograph::http::{HttpMetrics, HttpOptions};
/// use tachograph::server::{self, Options, Routes, State};
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let registry = tachograph::Registry::new();
/// let http = HttpMetrics::register(&registry, HttpOptions::default())?;
/// let state = State::new(&registry, &http, Routes::new(), Options::default())?;
/// let (mut client, io) = tokio::io::duplex(4096);
/// let serving = tokio::spawn(server::serve_connection(io, "127.0.0.1:1".parse()?, state));
/// client.write_all(b"GET /health/quick HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
/// let mut answer = String::new();
/// client.read_to_string(&mut answer).await?;
/// assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
/// serving.await?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })
/// # }
/// ```
pub async fn serve_connection<IO>(io: IO, peer: SocketAddr, state: State)
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    serve(io, peer, state, Standing::Admitted, false).await;
}

/// Serves a connection until the client ends it, it lies idle for too long, or, if it is to heed that, the server shuts down.
pub(super) async fn serve<IO>(io: IO, peer: SocketAddr, state: State, standing: Standing, heeds_shutdown: bool)
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let admitted = standing == Standing::Admitted;
    let _open = admitted.then(|| Open::new(state.http().clone()));
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
        .serve_connection(TokioIo::new(Patience::new(io, state.options().write_timeout)), service);
    let mut connection = pin!(connection);
    let over = async {
        match heeds_shutdown {
            true => StreamEnd::new(state.shutdown()).await,
            false => std::future::pending().await,
        }
        // What has come by now is a request that was begun before, though the runtime may not know of it yet. It looks for what
        // has come before it ends this wait, and the connection, which is asked first, reads it.
        sleep(LAST_LOOK).await;
    };
    let ended = tokio::select! {
        biased;
        ended = &mut connection => ended,
        () = over => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(cause) = ended {
        tracing::debug!(%cause, %peer, "a connection ended early");
    }
}
