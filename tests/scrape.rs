//! `/metrics` of the library's server: the form that a client asks for, parts of it, and what it gets when it cannot have it.
#![cfg(feature = "server")]

#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
#[path = "support/http.rs"]
mod http;
#[path = "support/scrape.rs"]
mod scrape;
#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
#[path = "support/server.rs"]
mod support;

use std::net::SocketAddr;
use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

use tachograph::http::{HttpMetrics, HttpOptions};
use tachograph::server::{self, Options, Routes, State};
use tachograph::{Buckets, Collector, Descriptor, Kind, RegisterError, Registry, Sink};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use http::{Answer, Connection, request};
use scrape::sample;
use support::Server;

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores";
const PROTOBUF: &str = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";

/// A query whose answer no scrape changes.
const STEADY: &str = "/metrics?name[]=max_connections";

fn scrape(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Answer {
    request(address, "GET", path, headers, b"")
}

fn unzipped(answer: &Answer) -> String {
    std::io::read_to_string(flate2::read::GzDecoder::new(&*answer.body)).unwrap()
}

#[test]
fn a_scraper_gets_the_form_that_it_likes_best() {
    let server = Server::start(Routes::new());
    let delimited = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
    for (accept, content_type) in [
        // Prometheus 2.42, without and with native histograms.
        (
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
             text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
                .to_owned(),
            OPEN_METRICS,
        ),
        (
            format!(
                "{delimited},application/openmetrics-text;version=1.0.0;q=0.8,\
                 application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
            ),
            PROTOBUF,
        ),
        // Prometheus 2.53.3, without and with native histograms.
        (
            "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,\
             text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
                .to_owned(),
            OPEN_METRICS,
        ),
        (
            format!(
                "{delimited};q=0.5,application/openmetrics-text;version=1.0.0;q=0.4,\
                 application/openmetrics-text;version=0.0.1;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
            ),
            PROTOBUF,
        ),
        // VictoriaMetrics.
        ("text/plain;version=0.0.4;q=1,*/*;q=0.1".to_owned(), TEXT),
        // Prometheus 3.
        (
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
             application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,\
             text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
                .to_owned(),
            "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
        ),
        ("*/*".to_owned(), TEXT),
        ("image/png".to_owned(), TEXT),
        ("text/plain;version=1.0.0".to_owned(), "text/plain; version=1.0.0; charset=utf-8; escaping=underscores"),
    ] {
        let answer = scrape(server.address, "/metrics", &[("Accept", &accept), ("Accept-Encoding", "gzip;q=0")]);
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(content_type)), "{accept}");
        assert_eq!(answer.header("vary"), Some("Accept, Accept-Encoding"));
        assert_eq!(answer.header("content-encoding"), None);
        assert!(!answer.body.is_empty());
    }
    let several = [("Accept", "text/plain;q=0.5"), ("Accept", "application/openmetrics-text")];
    assert_eq!(scrape(server.address, "/metrics", &several).header("content-type"), Some(OPEN_METRICS));
    assert_eq!(scrape(server.address, "/metrics", &[]).header("content-type"), Some(TEXT));
}

#[test]
fn a_compressed_scrape_is_the_scrape() {
    let server = Server::start(Routes::new());
    for path in [STEADY, "/metrics"] {
        let coded = |accept| {
            let answer = scrape(server.address, path, &[("Accept-Encoding", accept)]);
            assert_eq!(answer.header("vary"), Some("Accept, Accept-Encoding"));
            answer
        };
        let (gzip, zstd) = (coded("gzip"), coded("gzip, zstd"));
        assert_eq!((gzip.header("content-encoding"), zstd.header("content-encoding")), (Some("gzip"), Some("zstd")));
        let unzipped = unzipped(&gzip);
        let decompressed = zstd::bulk::decompress(&zstd.body, 1 << 20).unwrap();
        let decompressed = String::from_utf8(decompressed).unwrap();
        let plain = coded("identity");
        for text in [&*unzipped, &*decompressed, plain.text()] {
            assert_eq!(sample(text, "max_connections"), Some(0.0));
            assert_eq!(text.lines().count() == 3, path == STEADY, "{text}");
        }
        if path == STEADY {
            assert_eq!([&*unzipped, &*decompressed], [plain.text(); 2]);
        }
    }
}

#[test]
fn head_has_the_headers_of_get_and_its_length() {
    let server = Server::start(Routes::new());
    let mut connection = Connection::open(server.address);
    for coding in ["identity", "gzip", "zstd"] {
        let headers = [("Accept", "application/openmetrics-text"), ("Accept-Encoding", coding)];
        let whole = connection.request("GET", STEADY, &headers, b"");
        let head = connection.request("HEAD", STEADY, &headers, b"");
        assert_eq!(whole.header("content-length"), Some(&*whole.body.len().to_string()));
        let but_date = |answer: &Answer| answer.headers.iter().filter(|(name, _)| name != "date").cloned().collect::<Vec<_>>();
        assert_eq!(but_date(&whole), but_date(&head));
    }
}

#[test]
fn a_scrape_may_ask_for_some_families() {
    // So many names make a long URI.
    let server = Server::start_with(Routes::new(), Options { max_uri_bytes: 16 * 1024, ..Options::default() });
    server.registry.counter("jobs_total", "Jobs.").unwrap();
    server.registry.histogram("wait_seconds", "Waiting.", Buckets::seconds(&[1.0]).unwrap()).unwrap();
    server.registry.gauge("depth", "Jobs waiting.").unwrap();
    server.registry.histogram("disk.wait_seconds", "Disks.", Buckets::seconds(&[1.0]).unwrap()).unwrap();
    let families = |query: &str| -> Vec<String> {
        let answer = scrape(server.address, &format!("/metrics?{query}"), &[]);
        assert_eq!(answer.status, 200);
        let types = answer.text().lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
        types.map(str::to_owned).collect()
    };
    assert_eq!(families("name[]=jobs_total"), ["jobs_total"]);
    assert_eq!(families("name%5B%5D=jobs"), ["jobs_total"], "OpenMetrics calls it so");
    assert_eq!(families("name[]=wait_seconds_bucket&name[]=d%65pth&other=1"), ["depth", "wait_seconds"]);
    assert_eq!(families("name[]=wait_seconds"), ["wait_seconds"]);
    for name in ["disk.wait_seconds", "disk_wait_seconds", "disk.wait_seconds_sum", "disk_wait_seconds_bucket"] {
        assert_eq!(families(&format!("name[]={name}")), ["disk_wait_seconds"]);
    }
    assert!(families("name[]=wait").is_empty());
    let in_values = [("Accept", "text/plain;version=0.0.4;escaping=values")];
    let values = scrape(server.address, "/metrics?name[]=U__disk_2e_wait__seconds_count", &in_values);
    assert!(values.text().contains("\n# TYPE U__disk_2e_wait__seconds histogram\n"), "{}", values.text());
    assert!(families("nam[]=wait").len() > 3, "another parameter says nothing");

    let nothing = scrape(server.address, "/metrics?name[]=nobody", &[]);
    assert_eq!((nothing.status, nothing.text(), nothing.header("content-length")), (200, "", Some("0")));
    let nothing = scrape(server.address, "/metrics?name[]=nobody", &[("Accept", "application/openmetrics-text")]);
    assert_eq!((nothing.status, nothing.text()), (200, "# EOF\n"));
    let names = |count: usize| format!("/metrics?{}", "name[]=a&".repeat(count));
    assert_eq!(scrape(server.address, &names(1_000), &[]).status, 200);
    let refused = scrape(server.address, &names(1_001), &[]);
    assert_eq!(refused.status, 400);
    assert!(refused.json()["error"].as_str().unwrap().contains("more than 1000 name[]"));
}

#[test]
fn scrapes_at_once_all_see_what_came_before_them() {
    let server = Server::start(Routes::new());
    let jobs = server.registry.counter("jobs_total", "Jobs.").unwrap();
    let start = Barrier::new(8);
    for round in 1..=5 {
        jobs.inc();
        std::thread::scope(|scope| {
            for at in 0..8 {
                let (server, start) = (&server, &start);
                scope.spawn(move || {
                    start.wait();
                    let coding = ["gzip", "identity"][at % 2];
                    let answer = scrape(server.address, "/metrics", &[("Accept-Encoding", coding)]);
                    let text = match answer.header("content-encoding") {
                        Some(_) => unzipped(&answer),
                        None => answer.text().to_owned(),
                    };
                    assert_eq!(sample(&text, "jobs_total"), Some(f64::from(round)));
                });
            }
        });
    }
}

/// A collector that waits until the test is done with it.
struct Held(Arc<Mutex<()>>);

impl Collector for Held {
    fn describe(&self) -> Result<Vec<Descriptor>, RegisterError> {
        Ok(vec![Descriptor::new("held", Kind::Gauge, "Whether it has been let go.")?])
    }

    fn collect(&self, sink: &mut Sink<'_>) {
        drop(self.0.lock());
        sink.gauge("held", &[], 1.0);
    }
}

#[test]
fn a_scrape_that_would_be_late_is_refused_in_time() {
    let server = Server::start(Routes::new());
    let refused = |reason| {
        let series = format!("tachograph_scrapes_refused_total{{reason=\"{reason}\"}}");
        sample(server.registry.snapshot().text(), &series)
    };
    assert_eq!((refused("late"), refused("busy")), (Some(0.0), Some(0.0)), "they are there from the start");
    let lock = Arc::new(Mutex::new(()));
    server.registry.register_collector("held", Held(Arc::clone(&lock))).unwrap();

    let held = lock.lock().unwrap();
    let timeout = |seconds| [("X-Prometheus-Scrape-Timeout-Seconds", seconds)];
    let late = scrape(server.address, "/metrics", &timeout("0.01"));
    assert_eq!((late.status, late.header("retry-after")), (503, Some("1")));
    let told = late.json();
    assert_eq!((&told["waited_for"], &told["waited_seconds"]), (&"snapshot".into(), &0.009.into()), "{told}");
    assert!(told["error"].as_str().unwrap().contains("raise scrape_timeout"), "{told}");
    let patient = scrape(server.address, "/metrics", &timeout("soon"));
    assert_eq!(patient.status, 200, "a header that cannot be read is none");
    drop(held);

    assert_eq!(scrape(server.address, "/metrics", &timeout("15")).status, 200);
    assert_eq!((refused("late"), refused("busy")), (Some(1.0), Some(0.0)));
}

/// A client's end of a connection that holds only a few bytes.
async fn connect(state: &State) -> DuplexStream {
    let (client, io) = tokio::io::duplex(64);
    tokio::spawn(server::serve_connection(io, "127.0.0.1:1".parse().unwrap(), state.clone()));
    client
}

async fn ask(client: &mut DuplexStream) {
    client.write_all(b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
}

async fn read(mut client: DuplexStream) -> String {
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_slow_reader_counts_as_a_scrape_until_it_has_all() {
    let registry = Registry::new();
    let http = HttpMetrics::register(&registry, HttpOptions::default()).unwrap();
    let options = Options { max_scrapes: 1, ..Options::default() };
    let state = State::new(&registry, &http, Routes::new(), options).unwrap();

    let mut slow = connect(&state).await;
    ask(&mut slow).await;
    let mut first = [0; 15];
    slow.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200 OK");

    for _ in 0..2 {
        let mut other = connect(&state).await;
        ask(&mut other).await;
        let refused = read(other).await;
        assert!(refused.starts_with("HTTP/1.1 503 ") && refused.contains("\r\nretry-after: 1\r\n"), "{refused}");
        assert!(refused.ends_with("scrape from fewer places\",\"max_scrapes\":1}\n"), "{refused}");
    }

    assert!(read(slow).await.contains("\nmax_connections 0\n"));
    let mut next = connect(&state).await;
    ask(&mut next).await;
    let answer = read(next).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.contains("\ntachograph_scrapes_refused_total{reason=\"busy\"} 2\n"));

    // A client that leaves gives its place back too.
    let mut leaving = connect(&state).await;
    ask(&mut leaving).await;
    leaving.read_exact(&mut first).await.unwrap();
    drop(leaving);
    let served = async {
        loop {
            let mut next = connect(&state).await;
            ask(&mut next).await;
            if read(next).await.starts_with("HTTP/1.1 200 OK") {
                return;
            }
        }
    };
    tokio::time::timeout(http::PATIENCE, served).await.expect("its place is free");
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_given_up_and_leaves_its_place() {
    let registry = Registry::new();
    let http = HttpMetrics::register(&registry, HttpOptions::default()).unwrap();
    // The one that comes next is to have time enough, also where all others take theirs.
    let options = Options { max_scrapes: 1, write_timeout: Duration::from_secs(1), ..Options::default() };
    let state = State::new(&registry, &http, Routes::new(), options).unwrap();
    let (mut stuck, io) = tokio::io::duplex(64);
    let serving = tokio::spawn(server::serve_connection(io, "127.0.0.1:1".parse().unwrap(), state.clone()));
    ask(&mut stuck).await;
    tokio::time::timeout(http::PATIENCE, serving).await.expect("the connection ends").unwrap();

    let mut next = connect(&state).await;
    ask(&mut next).await;
    assert!(read(next).await.starts_with("HTTP/1.1 200 OK"));
}

#[tokio::test]
async fn a_client_that_takes_a_byte_now_and_then_is_given_up_too() {
    let registry = Registry::new();
    let http = HttpMetrics::register(&registry, HttpOptions::default()).unwrap();
    let options = Options { max_scrapes: 1, write_timeout: Duration::from_millis(200), ..Options::default() };
    let state = State::new(&registry, &http, Routes::new(), options).unwrap();
    let (mut slow, io) = tokio::io::duplex(64);
    let serving = tokio::spawn(server::serve_connection(io, "127.0.0.1:1".parse().unwrap(), state.clone()));
    ask(&mut slow).await;
    // Each byte that is read lets one be written. There are many more than the client will have read by the end.
    let trickle = async {
        let mut every = tokio::time::interval(Duration::from_millis(5));
        loop {
            every.tick().await;
            let mut byte = [0];
            if slow.read(&mut byte).await.unwrap_or(0) == 0 {
                break;
            }
        }
    };
    tokio::time::timeout(http::PATIENCE, async { tokio::join!(trickle, serving).1 })
        .await
        .expect("the connection ends")
        .unwrap();
}
