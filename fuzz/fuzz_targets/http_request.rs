//! Any bytes in any pieces, sent to a server's connection: it ends, nothing panics, every answer is well-formed HTTP of a plausible
//! status and the right length, and every request is counted.
//!
//! What is counted: each answer to a request, which those to a head that is malformed, too long or never ends are not. A client that goes
//! on listening sees them all; one that has closed its side may have been given up before its answer.

#![no_main]

use std::sync::OnceLock;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use tachograph::http::{HttpMetrics, HttpOptions};
use tachograph::server::{self, Options, Route, Routes, State, StatusCode};
use tachograph::{Registry, Value};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A client that falls silent is waited for so long, twice at most; anything else needs no time.
const SILENCE: Duration = Duration::from_millis(3);
const BODY_LIMIT: usize = 100;

struct Fixture {
    runtime: tokio::runtime::Runtime,
    registry: Registry,
    state: State,
}

impl Fixture {
    fn new() -> Self {
        let registry = Registry::new();
        let http = HttpMetrics::register(&registry, HttpOptions::default()).expect("a new registry");
        let routes = Routes::new()
            .route(Route::get("/hello/{name}"), |request| async move {
                server::plain(StatusCode::OK, "text/plain", request.param("name").unwrap_or_default().to_owned())
            })
            .route(Route::post("/echo").answers([408, 413]), |mut request| async move {
                match request.body().await {
                    Ok(body) => server::plain(StatusCode::OK, "application/octet-stream", body),
                    Err(cause) => cause.into(),
                }
            });
        let options = Options {
            first_byte_timeout: SILENCE,
            header_timeout: SILENCE,
            idle_timeout: SILENCE,
            body_timeout: SILENCE,
            body_limit: BODY_LIMIT,
            ..Options::default()
        };
        let state = State::new(&registry, &http, routes, options).expect("routes that do not clash");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        Self { runtime, registry, state }
    }

    /// Requests counted so far, and those of them whose clients left.
    fn counted(&self) -> (u64, u64) {
        let snapshot = self.registry.snapshot();
        let family = snapshot.family("http_requests_total").expect("it is registered");
        let (mut all, mut gone) = (0, 0);
        for series in family.series() {
            let Value::Counter(count) = series.value else {
                unreachable!("it is a counter");
            };
            all += count;
            if series.labels.to_string().contains("status=\"499\"") {
                gone += count;
            }
        }
        (all, gone)
    }

    /// What the server says to these pieces.
    fn answers(&self, pieces: &[&[u8]], closes: bool, room: usize) -> Vec<u8> {
        self.runtime.block_on(async {
            let (client, io) = tokio::io::duplex(room);
            let serving = tokio::spawn(server::serve_connection(io, ([127, 0, 0, 1], 1).into(), self.state.clone()));
            let (mut read, mut write) = tokio::io::split(client);
            let sending = async {
                for piece in pieces {
                    // The server need not take what comes after it has said its last.
                    if write.write_all(piece).await.is_err() {
                        break;
                    }
                    tokio::task::yield_now().await;
                }
                if closes {
                    let _gone = write.shutdown().await;
                }
            };
            let mut answers = Vec::new();
            let (_, ended) = tokio::join!(sending, read.read_to_end(&mut answers));
            ended.expect("the connection ends");
            serving.await.expect("a connection does not panic");
            answers
        })
    }
}

struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether hyper gave it to what is no request.
    fn is_hypers_own(&self) -> bool {
        matches!(self.status, 400 | 414 | 431) && self.header("content-type").is_none()
    }

    /// Whether it answers a head that never became a request.
    fn is_of_a_head(&self) -> bool {
        let told = str::from_utf8(&self.body).unwrap_or_default();
        self.is_hypers_own() || (self.status == 408 && told.contains("the head of the request"))
    }

    fn check(&self) {
        if self.is_hypers_own() {
            return assert!(self.body.is_empty());
        }
        assert!(matches!(self.status, 200 | 400 | 404 | 405 | 408 | 413 | 414 | 501 | 503), "status {}", self.status);
        let content_type = self.header("content-type").expect("all of ours have one");
        if matches!(content_type, "application/json" | "application/health+json") {
            assert!(self.body.starts_with(b"{") && self.body.ends_with(b"}\n"));
        }
        if self.status == 405 {
            assert!(self.header("allow").is_some());
        }
        // Answers about health vary too, but not by their coding.
        let scraped = self.header("vary").is_some_and(|vary| vary.contains("Accept-Encoding"));
        assert_eq!(scraped && self.status == 200, scraped);
        if scraped {
            match self.header("content-encoding") {
                Some("gzip") => assert!(self.body.starts_with(&[0x1f, 0x8b])),
                Some("zstd") => assert!(self.body.starts_with(&[0x28, 0xb5, 0x2f, 0xfd])),
                other => assert_eq!(other, None),
            }
        }
    }
}

/// Reads answers to requests of which none was `HEAD`; panics at what is not well-formed. The last may be cut off where the client
/// has closed its side.
fn read(mut rest: &[u8], may_be_cut: bool) -> Vec<Answer> {
    let mut answers = Vec::new();
    while !rest.is_empty() {
        let end = rest.windows(4).position(|window| window == b"\r\n\r\n");
        let Some(end) = end else {
            assert!(may_be_cut, "a head without end");
            break;
        };
        let head = str::from_utf8(&rest[..end]).expect("heads are ASCII");
        rest = &rest[end + 4..];
        let mut lines = head.split("\r\n");
        let status = lines.next().expect("a first line");
        let (version, status) = status.split_once(' ').expect("a status line");
        assert!(matches!(version, "HTTP/1.1" | "HTTP/1.0"), "{version}");
        let status: u16 = status[..3].parse().expect("a status");
        if status == 100 {
            continue;
        }
        let headers = lines.map(|line| line.split_once(": ").expect("a header field")).map(|(name, value)| {
            assert!(!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{name}");
            (name.to_owned(), value.to_owned())
        });
        let mut answer = Answer { status, headers: headers.collect(), body: Vec::new() };
        assert_eq!(answer.header("transfer-encoding"), None);
        let length: usize = answer.header("content-length").expect("a length").parse().expect("a number");
        if length > rest.len() {
            assert!(may_be_cut, "{length} bytes were promised, and {} came", rest.len());
            break;
        }
        answer.body = rest[..length].to_vec();
        rest = &rest[length..];
        answers.push(answer);
    }
    answers
}

fuzz_target!(|data: &[u8]| {
    static FIXTURE: OnceLock<Fixture> = OnceLock::new();
    let fixture = FIXTURE.get_or_init(Fixture::new);
    let [settings, bytes @ ..] = data else {
        return;
    };
    let closes = settings & 1 == 1;
    let piece = 1 + usize::from(settings >> 1) * 3;
    let room = 1 + (usize::from(*settings) << 8);
    let pieces: Vec<&[u8]> = bytes.chunks(piece).collect();

    let before = fixture.counted();
    let answers = fixture.answers(&pieces, closes, room);
    let after = fixture.counted();
    let (counted, gone) = (after.0 - before.0, after.1 - before.1);
    // Only who knows the method knows whether a body follows.
    if bytes.windows(4).any(|window| window == b"HEAD") {
        return;
    }
    let answers = read(&answers, closes);
    answers.iter().for_each(Answer::check);
    let of_ours = answers.iter().filter(|answer| !answer.is_of_a_head()).count() as u64;
    if closes {
        assert!(of_ours <= counted, "{of_ours} answers, {counted} counted");
    } else {
        assert_eq!((of_ours, gone), (counted, 0));
    }
});
