//! One connection: HTTP/1 with deadlines, the count of open connections, and the last word to who does not speak it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::intake::Intake;
use super::link::Link;
use super::patience::Patience;
use super::refused::Refused;
use super::shutdown::StreamEnd;
use super::state::{Standing, State, answer};
use crate::http::open::Open;

/// Header fields for which hyper has room without being told.
const USUAL_HEADERS: usize = 100;
/// The longest URI that hyper takes, whatever the limit of a head.
const LONGEST_URI: usize = 65_534;
/// How long a client that is refused may take for its answer, and to stop sending.
const FAREWELL: Duration = Duration::from_secs(1);
/// As much of what it still sends is read and forgotten.
const FAREWELL_BYTES: usize = 256 * 1024;

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

/// Serves a connection of the listener, behind TLS if there is a certificate. The handshake is a part of it, so that nobody else waits for it.
pub(super) async fn accepted(stream: TcpStream, peer: SocketAddr, state: State, standing: Standing) {
    #[cfg(feature = "tls")]
    if let Some(tls) = state.options().tls.clone() {
        if let Some(stream) = tls.accept(stream, peer, &state, standing).await {
            serve(stream, peer, state, standing, true).await;
        }
        return;
    }
    serve(stream, peer, state, standing, true).await;
}

/// Serves a connection until the client ends it, it is too slow or idle for too long, or, if it is to heed that, the server shuts down.
pub(super) async fn serve<IO>(io: IO, peer: SocketAddr, state: State, standing: Standing, heeds_shutdown: bool)
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let admitted = standing == Standing::Admitted;
    let _open = admitted.then(|| Open::new(state.http().clone()));
    let link = Link::new(state, peer, standing);
    let options = link.state.options();
    let service = service_fn(|request| {
        let answering = answer(&link, request);
        async move { Ok::<_, Infallible>(answering.await) }
    });
    let mut builder = http1::Builder::new();
    // The intake has the deadlines.
    builder.header_read_timeout(None).max_header_size(options.max_head_bytes).keep_alive(admitted);
    if options.max_headers != USUAL_HEADERS {
        builder.max_headers(options.max_headers);
    }
    let patience = Patience::new(io, Arc::clone(&link));
    let mut connection = builder.serve_connection(TokioIo::new(Intake::new(patience, Arc::clone(&link))), service);
    let over = async {
        match heeds_shutdown {
            true => StreamEnd::new(link.state.shutdown()).await,
            false => std::future::pending().await,
        }
        // What has come by now is a request that was begun before, though the runtime may not know of it yet. It looks for what
        // has come before it ends this wait, and the connection, which is asked first, reads it.
        sleep(LAST_LOOK).await;
    };
    let ended = tokio::select! {
        biased;
        ended = &mut connection => Some(ended),
        () = over => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            Pin::new(&mut connection).graceful_shutdown();
            (&mut connection).await
        }
    };
    let mut intake = connection.into_parts().io.into_inner();
    let (refused, still_sends) = match ended {
        Ok(()) => (intake.refused(), intake.is_amid_a_body()),
        Err(cause) => {
            tracing::debug!(%cause, %peer, "a connection ended early");
            (refused(&cause, &intake, link.state.options().max_head_bytes), false)
        }
    };
    if let Some(reason) = refused {
        link.refused(reason);
    }
    if refused.is_some() || still_sends {
        // Boxed: few connections come here, and all would have the room for it.
        let farewell = Box::pin(farewell(&mut intake, refused));
        // It was told why if it wanted to know.
        let _late = timeout(FAREWELL, farewell).await;
    }
}

/// Why what the client sent became no request, if that is how its connection ended.
fn refused<IO>(cause: &hyper::Error, intake: &Intake<IO>, max_head_bytes: usize) -> Option<Refused> {
    let scan = intake.scan();
    match intake.refused() {
        Some(refused) => Some(refused),
        None if !cause.is_parse() => None,
        None if !cause.is_parse_too_large() => Some(Refused::Malformed),
        None if scan.first_line > LONGEST_URI => Some(Refused::UriLong),
        None if scan.bytes >= max_head_bytes => Some(Refused::HeadLarge),
        None => Some(Refused::ManyHeaders),
    }
}

/// Answers what hyper has not answered, and reads on for a little: a client that is still sending when the connection closes, such as the
/// body of a request that was answered without it, is told of a reset, and may never see the answer.
async fn farewell<IO>(intake: &mut Intake<IO>, refused: Option<Refused>) -> std::io::Result<()>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    // Amid another answer it would be a part of that.
    if let Some(reason) = refused.filter(|_| intake.refused().is_some() && intake.is_flushed()) {
        intake.io().write_all(last_word(reason).as_bytes()).await?;
    }
    intake.io().shutdown().await?;
    let mut rest = vec![0; 4096];
    let mut read = 0;
    while read < FAREWELL_BYTES {
        match intake.io().read(&mut rest).await? {
            0 => break,
            bytes => read += bytes,
        }
    }
    Ok(())
}

/// The answer to a head that hyper never saw the end of.
fn last_word(reason: Refused) -> String {
    let told = match reason {
        Refused::UriLong => "the path and its query are too long, ask for less or in a body",
        _ => "the head of the request did not end in time, send it faster",
    };
    let (status, date) = (reason.status(), httpdate::fmt_http_date(SystemTime::now()));
    let body = format!("{{\"error\":\"{told}\"}}\n");
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncache-control: no-store\r\nx-content-type-options: nosniff\r\n\
         referrer-policy: no-referrer\r\ncross-origin-resource-policy: same-origin\r\nx-frame-options: DENY\r\n\
         content-length: {}\r\nconnection: close\r\ndate: {date}\r\n\r\n{body}",
        body.len()
    )
}
