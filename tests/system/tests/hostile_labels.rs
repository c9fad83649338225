//! Whatever a label, a HELP text or a gauge holds, a real Prometheus reads the scrape and hands it back unchanged.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;

use system::hostile;
use system::prometheus::Prometheus;
use tachograph::exposition::TEXT_CONTENT_TYPE;
use tachograph::{Buckets, Registry};

/// Answers every connection with the scrape of `registry`, for as long as the process lives.
fn serve(registry: Registry) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("a bound listener has an address");
    thread::spawn(move || {
        for stream in listener.incoming() {
            // A scraper that goes away early is its own loss, the next one is served.
            let _ = stream.and_then(|stream| answer(stream, &registry));
        }
    });
    address
}

fn answer(mut stream: TcpStream, registry: &Registry) -> std::io::Result<()> {
    for line in BufReader::new(stream.try_clone()?).lines() {
        if line?.is_empty() {
            break;
        }
    }
    let snapshot = registry.snapshot();
    let text = snapshot.text();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: {TEXT_CONTENT_TYPE}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
        text.len()
    )
}

#[test]
fn hostile_labels_and_help_reach_prometheus_unchanged() {
    let (registry, sent) = hostile::registry();
    let prometheus = Prometheus::scraping(serve(registry));
    prometheus.wait_for_scrapes();
    let held: hostile::Series = prometheus
        .query(hostile::NAME)
        .into_iter()
        // To Prometheus an empty label is none.
        .map(|(labels, count)| {
            (hostile::LABELS.map(|name| labels.get(name).cloned().unwrap_or_default()), count.parse().expect("a whole number"))
        })
        .collect();
    assert_eq!(held, sent);
    assert_eq!(prometheus.help(hostile::NAME), hostile::HELP);
}

#[test]
fn extreme_values_reach_prometheus_unchanged() {
    let extremes = [
        ("nan", f64::NAN),
        ("infinity", f64::INFINITY),
        ("minus_infinity", f64::NEG_INFINITY),
        ("largest", f64::MAX),
        ("smallest", f64::from_bits(1)),
        ("third", 1.0 / 3.0),
        ("million", 1e6),
        ("minus", -1.5e-7),
    ];
    let registry = Registry::new();
    let gauges = registry.gauge_family("extreme", "Values at the ends of the range.", ["case"]).expect("a valid family");
    for (case, value) in extremes {
        gauges.set([case], value);
    }
    let big = registry.counter("big_total", "The largest count that a float holds exactly.").expect("a valid counter");
    big.inc_by(1 << 53);
    let wait = registry
        .histogram("wait_seconds", "Waiting.", Buckets::seconds(&[0.001, 0.1]).expect("valid bounds"))
        .expect("a valid histogram");
    for nanoseconds in [1_000_000, 1_000_001, 5_000_000_000] {
        wait.observe(nanoseconds);
    }

    let prometheus = Prometheus::scraping(serve(registry));
    prometheus.wait_for_scrapes();
    for (case, value) in extremes {
        let held: f64 = prometheus.number(&format!("extreme{{case=\"{case}\"}}")).parse().expect("a number");
        assert!(held == value || (held.is_nan() && value.is_nan()), "{case}: {held} instead of {value}");
    }
    assert_eq!(prometheus.number("big_total"), "9007199254740992");
    let buckets: BTreeSet<_> =
        prometheus.query("wait_seconds_bucket").into_iter().map(|(labels, count)| (labels["le"].clone(), count)).collect();
    let expected = [("+Inf", "3"), ("0.001", "1"), ("0.1", "2")];
    assert_eq!(buckets, expected.map(|(bound, count)| (bound.to_owned(), count.to_owned())).into());
    assert_eq!(prometheus.number("wait_seconds_count"), "3");
    let sum: f64 = prometheus.number("wait_seconds_sum").parse().expect("a number");
    assert_eq!(sum, 5.002000001);
}
