//! A real Prometheus scrapes the demo, and what it holds is what was sent: every request, none twice.

use std::collections::BTreeMap;
use std::sync::Barrier;
use std::thread;

use system::demo::{Demo, TOKEN};
use system::http::Connection;
use system::prometheus::Prometheus;

/// The endpoints of monitoring traffic, which rules and panels on user traffic leave out.
const MONITORING: &str = "/|/events|/metrics|/health.*|/debug/.*|/demo/.*";

const THREADS: usize = 4;
const ROUNDS: usize = 15;

/// A request, and the endpoint under which it has to be counted.
struct Kind {
    endpoint: &'static str,
    method: &'static str,
    path: &'static str,
    token: Option<&'static str>,
    body: &'static str,
}

const fn kind(endpoint: &'static str, method: &'static str, path: &'static str) -> Kind {
    Kind { endpoint, method, path, token: None, body: "" }
}

const fn load(token: Option<&'static str>, body: &'static str) -> Kind {
    Kind { endpoint: "/scene", method: "POST", path: "/scene", token, body }
}

const KINDS: [Kind; 13] = [
    kind("/scenes", "GET", "/scenes"),
    kind("/scenes", "DELETE", "/scenes"),
    kind("/scene", "GET", "/scene"),
    kind("/scene", "GET", "/scene?unasked=1"),
    kind("/scene", "BREW", "/scene"),
    kind("unmatched", "GET", "/scenery"),
    kind("unmatched", "POST", "/../../etc/passwd"),
    load(Some(TOKEN), r#"{"path":"lobby.tscn"}"#),
    load(Some(TOKEN), r#"{"path":"broken.tscn"}"#),
    load(Some(TOKEN), r#"{"path":"nowhere.tscn"}"#),
    load(Some(TOKEN), "no JSON"),
    load(Some("a-wrong-token"), r#"{"path":"lobby.tscn"}"#),
    load(None, r#"{"path":"lobby.tscn"}"#),
];

/// Requests by endpoint, method and status.
type Tally = BTreeMap<[String; 3], u64>;

/// Sends one request and counts it under the status of its answer.
fn send(connection: &mut Connection, kind: &Kind, tally: &mut Tally) {
    let authorization = kind.token.map(|token| format!("Bearer {token}"));
    let headers: Vec<_> = authorization.iter().map(|value| ("authorization", value.as_str())).collect();
    let response = connection.request(kind.method, kind.path, &headers, kind.body).expect("an answer");
    let method = if kind.method == "BREW" { "other" } else { kind.method };
    let labels = [kind.endpoint.to_owned(), method.to_owned(), response.status.to_string()];
    *tally.entry(labels).or_default() += 1;
}

/// Sends all kinds of requests from several threads at once, half of them over connections that are kept alive.
fn send_all(demo: &Demo) -> Tally {
    let start = Barrier::new(THREADS);
    let client = |number: usize| {
        let mut tally = Tally::new();
        let mut kept = Connection::open(demo.address()).expect("a connection");
        start.wait();
        for round in 0..ROUNDS {
            for kind in &KINDS {
                if (number + round).is_multiple_of(2) {
                    send(&mut kept, kind, &mut tally);
                } else {
                    let mut fresh = Connection::open(demo.address()).expect("a connection");
                    send(&mut fresh, kind, &mut tally);
                }
            }
        }
        tally
    };
    thread::scope(|scope| {
        let clients: Vec<_> = (0..THREADS).map(|number| scope.spawn(move || client(number))).collect();
        let mut all = Tally::new();
        for client in clients {
            for (labels, count) in client.join().expect("a client gets all its answers") {
                *all.entry(labels).or_default() += count;
            }
        }
        all
    })
}

#[test]
fn prometheus_holds_every_request_that_was_sent() {
    let demo = Demo::start(&["--traffic", "0"]);
    let prometheus = Prometheus::scraping(demo.address());
    let user_traffic = format!("{{endpoint!~\"{MONITORING}\"}}");
    assert_eq!(prometheus.number(&format!("sum(http_requests_total{user_traffic})")), "0", "no traffic of its own");

    let sent = send_all(&demo);
    let total: u64 = sent.values().sum();
    assert_eq!(total, (THREADS * ROUNDS * KINDS.len()) as u64);
    for status in ["200", "400", "401", "404", "405"] {
        assert!(sent.keys().any(|labels| labels[2] == status), "no request was answered with {status}: {sent:?}");
    }

    prometheus.wait_for_scrapes("tachograph");
    let held: Tally = prometheus
        .query(&format!("sum by (endpoint, method, status) (http_requests_total{user_traffic}) > 0"))
        .into_iter()
        .map(|(labels, count)| {
            (["endpoint", "method", "status"].map(|name| labels[name].clone()), count.parse().expect("a whole number"))
        })
        .collect();
    assert_eq!(held, sent);
    let sum = |family: &str| prometheus.number(&format!("sum({family}{user_traffic})"));
    assert_eq!(sum("http_requests_total"), total.to_string());
    assert_eq!(sum("http_request_duration_seconds_count"), total.to_string());
    assert_eq!(sum("http_request_size_bytes_count"), total.to_string());
    assert_eq!(sum("http_response_size_bytes_count"), total.to_string());
}
