//! The ends of connections: no answer is cut while its client takes it, and each refusal reaches a client that is still sending.
//!
//! The connections are in memory and their clock stands still while anybody has something to do, so no machine is too slow for them.
#![cfg(feature = "server")]

#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
#[path = "support/http.rs"]
mod http;
#[path = "support/scrape.rs"]
mod scrape;
#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
#[path = "support/server.rs"]
mod support;

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Frame;
use tachograph::Registry;
use tachograph::http::{HttpMetrics, HttpOptions};
use tachograph::server::{self, Body, Options, Response, Route, State, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use scrape::{sample, sum};
use support::routes;

/// Bytes of a large answer, and those that the connection has room for.
const LARGE: usize = 100_000;
const ROOM: usize = 4_096;

/// A body whose second frame is a panic.
struct Panicking(u32);

impl hyper::body::Body for Panicking {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0 += 1;
        assert!(self.0 < 2, "on purpose");
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"some")))))
    }
}

/// A server that serves connections in memory.
struct Served {
    registry: Registry,
    state: State,
}

impl Served {
    fn new(options: Options) -> Self {
        let registry = Registry::new();
        let http = HttpMetrics::register(&registry, HttpOptions::default()).unwrap();
        let routes = routes()
            .route(Route::get("/large"), |_| async { server::plain(StatusCode::OK, "text/plain", vec![b'x'; LARGE]) })
            .route(Route::get("/panics"), |_| async { Response::new(Body::streamed(Panicking(0))) });
        let state = State::new(&registry, &http, routes, options).unwrap();
        Self { registry, state }
    }

    /// A connection that has room for so many bytes each way.
    fn connect(&self, room: usize) -> (DuplexStream, JoinHandle<()>) {
        let (client, io) = tokio::io::duplex(room);
        (client, tokio::spawn(server::serve_connection(io, "127.0.0.1:1".parse().unwrap(), self.state.clone())))
    }

    fn counted(&self, series: &str) -> f64 {
        sample(self.registry.snapshot().text(), series).unwrap_or_else(|| panic!("no {series}"))
    }
}

/// All that comes until the server ends the connection.
async fn rest(client: &mut DuplexStream) -> String {
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).await.unwrap();
    String::from_utf8(rest).unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_answer_on_its_way_is_not_taken_for_an_idle_connection() {
    let short = Duration::from_millis(200);
    let served = Served::new(Options { idle_timeout: short, ..Options::default() });
    let (mut client, serving) = served.connect(ROOM);
    client.write_all(b"GET /large HTTP/1.1\r\nHost: here\r\n\r\n").await.unwrap();
    // Slower than the connection may be idle, faster than a client is cut that takes next to nothing.
    let (mut answer, mut piece) = (Vec::new(), vec![0; ROOM]);
    while !answer.ends_with(b"x") || answer.len() < LARGE {
        sleep(short / 4).await;
        let read = client.read(&mut piece).await.unwrap();
        assert!(read > 0, "cut after {} bytes", answer.len());
        answer.extend_from_slice(&piece[..read]);
    }
    // And from its end on it is idle, for the whole time.
    sleep(short / 2).await;
    client.write_all(b"GET /hello/you HTTP/1.1\r\nHost: here\r\n\r\n").await.unwrap();
    assert!(rest(&mut client).await.ends_with("\r\n\r\nhello you"));
    serving.await.unwrap();
    assert_eq!(served.counted("tachograph_connections_closed_total{reason=\"idle\"}"), 1.0);
    assert_eq!(sum(served.registry.snapshot().text(), "tachograph_connections_closed_total", &[]), 1.0);
    assert_eq!(served.counted("http_requests_total{endpoint=\"/large\",method=\"GET\",status=\"200\"}"), 1.0);
}

#[tokio::test(start_paused = true)]
async fn a_first_line_that_is_too_long_is_told_however_it_comes() {
    let served = Served::new(Options { max_head_bytes: 4_096, ..Options::default() });
    let long = format!("GET /{} HTTP/1.1\r\nHost: here\r\n\r\n", "x".repeat(5_000));
    let before = "GET /hello/you HTTP/1.1\r\nHost: here\r\n\r\n";
    for (round, (before, piece)) in (1u32..).zip([("", 100_000), ("", 1_000), (before, 100_000), (before, 1_000)]) {
        let (mut client, serving) = served.connect(100_000);
        client.write_all(before.as_bytes()).await.unwrap();
        // The answer comes first, so that what follows is read by itself.
        sleep(Duration::from_millis(1)).await;
        for piece in long.as_bytes().chunks(piece) {
            client.write_all(piece).await.unwrap();
            sleep(Duration::from_millis(1)).await;
        }
        client.shutdown().await.unwrap();
        let told = rest(&mut client).await;
        assert_eq!(told.matches("HTTP/1.1 414 URI Too Long\r\n").count(), 1, "{told:?}");
        assert!(told.contains("\r\nconnection: close\r\n") && told.contains("\r\nx-frame-options: DENY\r\n"), "{told:?}");
        serving.await.unwrap();
        assert_eq!(served.counted("tachograph_requests_refused_total{reason=\"uri_long\"}"), f64::from(round));
    }
}

#[tokio::test(start_paused = true)]
async fn empty_lines_without_end_are_a_head_that_is_too_large() {
    let served = Served::new(Options::default());
    let (mut client, serving) = served.connect(ROOM);
    let lines = "\r\n".repeat(20_000);
    client.write_all(lines.as_bytes()).await.unwrap();
    client.shutdown().await.unwrap();
    assert!(rest(&mut client).await.starts_with("HTTP/1.1 431 "));
    serving.await.unwrap();
    assert_eq!(served.counted("tachograph_requests_refused_total{reason=\"head_large\"}"), 1.0);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_sends_its_whole_body_first_gets_the_answer_that_did_not_want_it() {
    const BYTES: usize = 200_000;
    let served = Served::new(Options::default());
    for (request, status) in [("POST /nowhere", 404), ("POST /hello/you", 405)] {
        for lengths in [format!("Content-Length: {BYTES}"), "Transfer-Encoding: chunked".to_owned()] {
            let (mut client, serving) = served.connect(ROOM);
            let body = vec![b'x'; BYTES];
            let sent = async {
                client.write_all(format!("{request} HTTP/1.1\r\nHost: here\r\n{lengths}\r\n\r\n").as_bytes()).await?;
                if lengths.starts_with('T') {
                    client.write_all(format!("{BYTES:x}\r\n").as_bytes()).await?;
                }
                client.write_all(&body).await
            };
            sent.await.unwrap_or_else(|cause| panic!("{request}, {lengths}: {cause}"));
            let answer = rest(&mut client).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer:?}");
            drop(client);
            serving.await.unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_panics_ends_its_connection_and_is_counted() {
    let served = Served::new(Options::default());
    let (mut client, serving) = served.connect(ROOM);
    client.write_all(b"GET /panics HTTP/1.1\r\nHost: here\r\n\r\n").await.unwrap();
    let answer = rest(&mut client).await;
    // What may have come of it is no whole answer.
    assert!(!answer.ends_with("0\r\n\r\n"), "{answer:?}");
    serving.await.expect("the connection's task does not panic");
    assert_eq!(served.counted("tachograph_handler_panics_total"), 1.0);
    assert_eq!(served.counted("http_requests_total{endpoint=\"/panics\",method=\"GET\",status=\"200\"}"), 1.0);
    assert_eq!(served.counted("active_connections"), 0.0);
}
