//! What the server's answers cost, over a connection that stays open, by the server's own account and as the client sees it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tachograph::http::{HttpMetrics, HttpOptions};
use tachograph::server::{self, Options, Routes, State};
use tachograph::{Registry, Value};
use tokio::sync::oneshot;

use crate::health;
use crate::inputs::{METHODS, ROUTES, STATUSES};
use crate::measure::Bench;
use crate::row::{Amount, Row};

/// Requests of a round.
const REQUESTS: u32 = 200;

pub(crate) fn rows(bench: &Bench) -> Vec<Row> {
    let server = Server::start();
    let health_quick = server.ask(bench, "/health/quick");
    let health_full = server.ask(bench, "/health");
    let metrics = server.ask(bench, "/metrics");
    server.stop();
    vec![
        Row::judged(
            "quick health answer, in the server",
            Amount::Nanoseconds(1e6),
            Amount::Nanoseconds(1e5),
            health_quick.inside,
        ),
        Row::told("quick health answer, as the client sees it", health_quick.outside),
        // Most of them from results that are young enough; once a second a round of checks runs.
        Row::judged("full health answer, in the server", health::BUDGET, health::BUDGET, health_full.inside),
        Row::told("full health answer, as the client sees it", health_full.outside),
        Row::judged("scrape of the demo, in the server", Amount::Nanoseconds(1e9), Amount::Nanoseconds(1e6), metrics.inside),
        Row::told("scrape of the demo, as the client sees it", metrics.outside),
    ]
}

/// Means of the best round.
struct Answers {
    inside: Amount,
    outside: Amount,
}

struct Server {
    address: SocketAddr,
    registry: Registry,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Server {
    fn start() -> Self {
        let registry = Registry::new();
        let http = HttpMetrics::register(&registry, HttpOptions::default()).expect("a new registry has no clashes");
        let options = Options { health: health::six_checks(&Arc::default()), ..Options::default() };
        let state = State::new(&registry, &http, Routes::new(), options).expect("a new registry has no clashes");
        for route in ROUTES {
            let endpoint = http.endpoint(route);
            METHODS.into_iter().for_each(|method| STATUSES.into_iter().for_each(|status| endpoint.declare(method, status)));
        }
        let (stop, stopping) = oneshot::channel();
        let (tell, told) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
            runtime.expect("a runtime starts").block_on(async {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
                tell.send(listener.local_addr().expect("it is bound")).expect("somebody waits for the address");
                let stopping = async { stopping.await.unwrap_or_default() };
                server::run(listener, state, stopping).await;
            });
        });
        Self { address: told.recv().expect("the server tells its address"), registry, stop, thread }
    }

    /// Asks for a path, round after round.
    fn ask(&self, bench: &Bench, path: &str) -> Answers {
        let mut connection = TcpStream::connect(self.address).expect("the server listens");
        connection.set_nodelay(true).expect("a socket takes options");
        connection.set_read_timeout(Some(Duration::from_secs(10))).expect("a socket takes options");
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let mut answer = Vec::new();
        let (mut inside, mut outside) = (f64::INFINITY, f64::INFINITY);
        // The first answers find nothing warm.
        (0..10).for_each(|_| get(&mut connection, &request, &mut answer));
        for _ in 0..bench.rounds() {
            let before = self.served(path);
            let begun = Instant::now();
            (0..REQUESTS).for_each(|_| get(&mut connection, &request, &mut answer));
            outside = outside.min(begun.elapsed().as_nanos() as f64 / f64::from(REQUESTS));
            let after = self.served(path);
            assert_eq!(after.0 - before.0, u64::from(REQUESTS), "{path}");
            inside = inside.min((after.1 - before.1) * 1e9 / f64::from(REQUESTS));
        }
        Answers { inside: Amount::Nanoseconds(inside), outside: Amount::Nanoseconds(outside) }
    }

    /// Requests of an endpoint so far, and the seconds they took.
    fn served(&self, endpoint: &str) -> (u64, f64) {
        let snapshot = self.registry.snapshot();
        let family = snapshot.family("http_request_duration_seconds").expect("it is registered");
        let label = format!("endpoint=\"{endpoint}\"");
        let series = family.series().find(|series| series.labels == *label).expect("the endpoint is declared");
        match series.value {
            Value::Histogram(histogram) => (histogram.count(), histogram.sum()),
            other => panic!("{other:?} is no histogram"),
        }
    }

    fn stop(self) {
        self.stop.send(()).expect("the server runs until now");
        self.thread.join().expect("the server stops");
    }
}

/// Sends a request, and reads its answer to the last byte.
fn get(connection: &mut TcpStream, request: &str, answer: &mut Vec<u8>) {
    connection.write_all(request.as_bytes()).expect("the server reads");
    answer.clear();
    let mut chunk = [0; 16_384];
    loop {
        let read = connection.read(&mut chunk).expect("the server answers");
        assert!(read > 0, "the server closed the connection");
        answer.extend_from_slice(&chunk[..read]);
        let Some(head) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let text = std::str::from_utf8(&answer[..head]).expect("a head is text");
        assert!(text.starts_with("HTTP/1.1 200 "), "{text}");
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("an answer says its length");
        if answer.len() == head + 4 + length.parse::<usize>().expect("a length is a number") {
            return;
        }
    }
}
