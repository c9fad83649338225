//! The library's server, over real connections.
#![cfg(feature = "server")]

#[path = "support/http.rs"]
mod http;
#[path = "support/scrape.rs"]
mod scrape;
#[path = "support/server.rs"]
mod support;

use std::time::Duration;

use tachograph::Registry;
use tachograph::http::{HttpMetrics, HttpOptions};
use tachograph::server::{self, Options, Route, RouteError, Routes, State, Stopped};
use tokio::io::AsyncWriteExt as _;

use http::{Connection, eventually, get, request};
use scrape::{sample, sum};
use support::{Gate, Server, routes, text};

#[test]
fn every_request_is_counted_before_its_answer_is_whole() {
    let server = Server::start(routes());
    let mut connection = Connection::open(server.address);
    for round in 1..=50 {
        assert_eq!(connection.request("GET", "/hello/you", &[], b"").text(), "hello you");
        assert_eq!(connection.request("GET", "/hello/nobody", &[], b"").status, 404);
        assert_eq!(connection.request("POST", "/echo", &[], b"some bytes").text(), "some bytes");
        assert_eq!(connection.request("GET", "/empty", &[], b"").status, 204);
        let scrape = server.registry.snapshot();
        let count = |series: &str| sample(scrape.text(), series);
        let round = Some(f64::from(round));
        assert_eq!(count("http_requests_total{endpoint=\"/hello/{name}\",method=\"GET\",status=\"200\"}"), round);
        assert_eq!(count("http_requests_total{endpoint=\"/hello/{name}\",method=\"GET\",status=\"404\"}"), round);
        assert_eq!(count("http_requests_total{endpoint=\"/echo\",method=\"POST\",status=\"200\"}"), round);
        assert_eq!(count("http_requests_total{endpoint=\"/empty\",method=\"GET\",status=\"204\"}"), round);
        assert_eq!(count("http_request_duration_seconds_count{endpoint=\"/echo\"}"), round);
    }
    let scrape = server.registry.snapshot();
    assert_eq!(sample(scrape.text(), "http_request_size_bytes_sum{endpoint=\"/echo\"}"), Some(500.0));
    assert_eq!(sample(scrape.text(), "http_response_size_bytes_sum{endpoint=\"/echo\"}"), Some(500.0));
    assert_eq!(sample(scrape.text(), "http_response_size_bytes_sum{endpoint=\"/empty\"}"), Some(0.0));
}

/// hyper finds the head and the end of the connection in one look, and never asks for the answer.
#[tokio::test]
async fn a_request_whose_client_has_left_before_its_head_is_read_is_counted() {
    let registry = Registry::new();
    let http = HttpMetrics::register(&registry, HttpOptions::default()).unwrap();
    let state = State::new(&registry, &http, routes(), Options::default()).unwrap();
    for (round, sent) in (1..).zip([
        "GET /hello/you HTTP/1.1\r\nHost: here\r\n\r\n",
        "POST /hello/you HTTP/1.1\r\nHost: here\r\nContent-Length: 9\r\n\r\nhalf",
    ]) {
        let (mut client, io) = tokio::io::duplex(4096);
        client.write_all(sent.as_bytes()).await.unwrap();
        drop(client);
        server::serve_connection(io, "127.0.0.1:1".parse().unwrap(), state.clone()).await;
        assert_eq!(sum(registry.snapshot().text(), "http_requests_total", &[]), f64::from(round), "{sent:?}");
    }
}

#[test]
fn declared_statuses_exist_at_zero_from_the_start() {
    let server = Server::start(routes());
    for (endpoint, method, status) in [
        ("/hello/{name}", "GET", 404),
        ("/hello/{name}", "HEAD", 500),
        ("/echo", "POST", 413),
        ("/echo", "POST", 400),
        ("/metrics", "GET", 200),
        ("/health", "GET", 503),
        ("/health/quick", "HEAD", 503),
        ("/health/live", "GET", 503),
        ("/health/ready", "GET", 503),
        ("/health/startup", "GET", 503),
        ("/health/check/{name}", "GET", 404),
        ("unmatched", "GET", 404),
    ] {
        assert_eq!(server.requests(endpoint, method, status), Some(0.0), "{endpoint} {method} {status}");
    }
    assert_eq!(server.requests("/echo", "GET", 200), None);
}

#[test]
fn a_scrape_is_text_and_counts_what_came_before_it() {
    let server = Server::start(routes());
    let mut connection = Connection::open(server.address);
    connection.request("GET", "/hello/you", &[], b"");
    let scrape = connection.request("GET", "/metrics", &[], b"");
    assert_eq!(scrape.status, 200);
    assert_eq!(scrape.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let hello = "http_requests_total{endpoint=\"/hello/{name}\",method=\"GET\",status=\"200\"}";
    assert_eq!(sample(scrape.text(), hello), Some(1.0));
    assert_eq!(sample(scrape.text(), "active_connections"), Some(1.0));
    assert_eq!(server.requests("/metrics", "GET", 200), Some(1.0));
}

#[test]
fn an_unknown_path_is_answered_with_what_exists() {
    let server = Server::start(routes());
    let answer = get(server.address, "/nowhere?x=1");
    assert_eq!(answer.status, 404);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let routes = answer.json()["routes"].clone();
    for (path, methods) in [
        ("/hello/{name}", serde_json::json!(["GET", "HEAD"])),
        ("/echo", serde_json::json!(["POST"])),
        ("/metrics", serde_json::json!(["GET", "HEAD"])),
        ("/health/quick", serde_json::json!(["GET", "HEAD"])),
    ] {
        let route = routes.as_array().unwrap().iter().find(|route| route["path"] == path).unwrap();
        assert_eq!(route["methods"], methods, "{path}");
    }
    assert_eq!(request(server.address, "BREW", "/nowhere", &[], b"").status, 404);
    assert_eq!(server.requests("unmatched", "GET", 404), Some(1.0));
    assert_eq!(server.requests("unmatched", "other", 404), Some(1.0));
}

#[test]
fn a_wrong_method_is_answered_with_the_right_ones() {
    let server = Server::start(routes());
    let answer = request(server.address, "DELETE", "/hello/you", &[], b"");
    assert_eq!(answer.status, 405);
    assert_eq!(answer.header("allow"), Some("GET, HEAD"));
    assert_eq!(answer.json()["methods"], serde_json::json!(["GET", "HEAD"]));
    assert_eq!(request(server.address, "BREW", "/echo", &[], b"").header("allow"), Some("POST"));
    assert_eq!(server.requests("/hello/{name}", "DELETE", 405), Some(1.0));
    assert_eq!(server.requests("/echo", "other", 405), Some(1.0));
}

#[test]
fn head_is_answered_where_get_is_and_has_no_body() {
    let server = Server::start(routes());
    let mut connection = Connection::open(server.address);
    let whole = connection.request("GET", "/hello/you", &[], b"");
    let head = connection.request("HEAD", "/hello/you", &[], b"");
    assert_eq!(head.status, 200);
    assert_eq!(head.header("content-length"), whole.header("content-length"));
    assert_eq!(head.header("content-length"), Some("9"));
    // A body would be taken for the next answer's head.
    assert_eq!(connection.request("HEAD", "/nowhere", &[], b"").status, 404);
    assert_eq!(connection.request("HEAD", "/metrics", &[], b"").status, 200);
    assert_eq!(connection.request("HEAD", "/echo", &[], b"").status, 405);
    assert_eq!(connection.request("HEAD", "/endless", &[], b"").status, 200);
    assert_eq!(connection.request("GET", "/hello/you", &[], b"").text(), "hello you");
    assert_eq!(server.requests("/hello/{name}", "HEAD", 200), Some(1.0));
    assert_eq!(server.requests("/endless", "HEAD", 200), Some(1.0));
    let sizes = sample(server.registry.snapshot().text(), "http_response_size_bytes_sum{endpoint=\"/hello/{name}\"}");
    assert_eq!(sizes, Some(18.0), "two answers to GET and none to HEAD");
}

#[test]
fn a_handler_that_panics_is_a_500_and_the_server_lives_on() {
    let server = Server::start(routes());
    let mut connection = Connection::open(server.address);
    for _ in 0..3 {
        let answer = connection.request("GET", "/panic", &[], b"");
        assert_eq!(answer.status, 500);
        assert!(!answer.text().contains("on purpose"), "the client learns nothing of the cause");
    }
    assert_eq!(connection.request("GET", "/hello/you", &[], b"").status, 200);
    assert_eq!(server.requests("/panic", "GET", 500), Some(3.0));
}

#[test]
fn a_client_that_leaves_amid_the_answer_is_counted_once() {
    let mut server = Server::start(routes());
    let mut connection = Connection::open(server.address);
    connection.send("GET", "/endless", &[], b"");
    assert_eq!(connection.read_head().unwrap().status, 200);
    assert_eq!(server.requests("/endless", "GET", 200), Some(0.0), "it is still under way");
    drop(connection);
    eventually("the request is counted", || (server.requests("/endless", "GET", 200) == Some(1.0)).then_some(()));
    server.stop();
    assert_eq!(server.join(), Stopped { cut: 0 });
    assert_eq!(server.all_requests("/endless"), 1.0);
    let bytes = sample(server.registry.snapshot().text(), "http_response_size_bytes_sum{endpoint=\"/endless\"}");
    assert!(bytes.unwrap() >= 4096.0, "what was handed over is counted: {bytes:?}");
    assert_eq!(server.metrics.active_connections().value(), 0);
}

#[test]
fn a_client_that_leaves_before_the_answer_is_counted_once() {
    let (gate, routes) = Gate::new();
    let mut server = Server::start(routes);
    let mut connection = Connection::open(server.address);
    connection.send("GET", "/gate", &[], b"");
    gate.wait_for_a_request();
    drop(connection);
    eventually("the request is counted", || (server.requests("/gate", "GET", server::CLIENT_GONE) == Some(1.0)).then_some(()));
    server.stop();
    server.join();
    assert_eq!(server.all_requests("/gate"), 1.0);
}

#[test]
fn a_shutdown_finishes_the_request_in_flight() {
    let (gate, routes) = Gate::new();
    let mut server = Server::start(routes);
    let mut idle = Connection::open(server.address);
    assert_eq!(idle.request("GET", "/hello/you", &[], b"").status, 200);
    let mut silent = Connection::open(server.address);
    let mut connection = Connection::open(server.address);
    connection.send("GET", "/gate", &[], b"");
    gate.wait_for_a_request();
    server.stop();
    assert!(idle.is_closed(), "nothing is under way on it");
    assert!(silent.is_closed(), "nothing was ever asked on it");
    gate.open.notify_one();
    let answer = connection.read(true).unwrap();
    assert_eq!((answer.status, answer.text()), (200, "through"));
    assert!(connection.is_closed());
    assert_eq!(server.join(), Stopped { cut: 0 });
    assert!(std::net::TcpStream::connect(server.address).is_err(), "nobody listens any more");
    assert_eq!(server.metrics.active_connections().value(), 0);
}

#[test]
fn a_shutdown_cuts_what_does_not_finish_in_time() {
    let (gate, routes) = Gate::new();
    let options = Options { shutdown_timeout: Duration::from_millis(50), ..Options::default() };
    let mut server = Server::start_with(routes, options);
    let mut connection = Connection::open(server.address);
    connection.send("GET", "/gate", &[], b"");
    gate.wait_for_a_request();
    server.stop();
    assert_eq!(server.join(), Stopped { cut: 1 });
    assert!(connection.is_closed());
    assert_eq!(server.requests("/gate", "GET", server::CLIENT_GONE), Some(1.0));
    assert_eq!(server.metrics.active_connections().value(), 0);
}

#[test]
fn a_body_at_the_limit_is_taken_and_one_beyond_is_413() {
    let options = Options { body_limit: 100_000, ..Options::default() };
    let server = Server::start_with(routes(), options);
    assert_eq!(request(server.address, "POST", "/echo", &[], &[b'x'; 100_000]).body.len(), 100_000);
    let answer = request(server.address, "POST", "/echo", &[], &[b'x'; 100_001]);
    assert_eq!(answer.status, 413);
    assert!(answer.json()["error"].as_str().unwrap().contains("100000 bytes"));
    // Without a length, so that only counting can tell.
    let mut chunked = Connection::open(server.address);
    chunked.send("POST", "/echo", &[("Transfer-Encoding", "chunked")], b"");
    for _ in 0..11 {
        chunked.write(format!("2710\r\n{}\r\n", "x".repeat(10_000)).as_bytes()).unwrap();
    }
    chunked.write(b"0\r\n\r\n").unwrap();
    assert_eq!(chunked.read(true).unwrap().status, 413);
    assert_eq!(server.requests("/echo", "POST", 413), Some(2.0));
    let read = sample(server.registry.snapshot().text(), "http_request_size_bytes_sum{endpoint=\"/echo\"}");
    assert_eq!(read, Some(100_000.0 + 100_001.0 + 110_000.0));
}

#[test]
fn a_client_that_waits_for_a_continue_is_refused_without_its_body() {
    let options = Options { body_limit: 10, ..Options::default() };
    let server = Server::start_with(routes(), options);
    let mut connection = Connection::open(server.address);
    connection.send("POST", "/echo", &[("Expect", "100-continue"), ("Content-Length", "11")], b"");
    assert_eq!(connection.read(true).unwrap().status, 413);
    let read = sample(server.registry.snapshot().text(), "http_request_size_bytes_sum{endpoint=\"/echo\"}");
    assert_eq!(read, Some(0.0));
}

#[test]
fn routes_that_clash_are_refused() {
    let state = |routes: Routes| {
        let registry = Registry::new();
        let metrics = HttpMetrics::register(&registry, HttpOptions::default()).unwrap();
        State::new(&registry, &metrics, routes, Options::default()).unwrap_err()
    };
    let answer = |_| async { text("") };
    let twice = Routes::new().route(Route::get("/a"), answer).route(Route::get("/a"), answer);
    assert_eq!(state(twice).to_string(), "the route GET /a is declared twice, leave one out");
    let taken = Routes::new().route(Route::get("/metrics").monitoring(), answer);
    assert!(matches!(state(taken), RouteError::Reserved { path } if path == "/metrics"));
    let taken = Routes::new().route(Route::get("/health/ready").monitoring(), answer);
    assert!(matches!(state(taken), RouteError::Reserved { path } if path == "/health/ready"));
    let relative = Routes::new().route(Route::get("a"), answer);
    assert_eq!(state(relative).to_string(), "the route a does not begin with /, write /a");
    let crossing = Routes::new().route(Route::get("/{a}"), answer).route(Route::get("/{b}"), answer);
    assert!(matches!(state(crossing), RouteError::Path { path, .. } if path == "/{b}"));
    let mixed = Routes::new().route(Route::get("/a"), answer).route(Route::post("/a").monitoring(), answer);
    assert!(matches!(state(mixed), RouteError::Mixed { path } if path == "/a"));
}

#[test]
fn what_the_server_counts_is_registered_with_it_once_for_all_servers_or_refused() {
    let counted = |registry: &Registry| registry.snapshot().text().matches("# TYPE tachograph_requests_refused_total ").count();
    let registry = Registry::new();
    let metrics = HttpMetrics::register(&registry, HttpOptions::default()).unwrap();
    assert_eq!(counted(&registry), 0, "nobody serves yet");
    let state = || State::new(&registry, &metrics, Routes::new(), Options::default());
    assert!(state().is_ok() && state().is_ok());
    assert_eq!(counted(&registry), 1);

    let registry = Registry::new();
    let metrics = HttpMetrics::register(&registry, HttpOptions::default()).unwrap();
    registry.counter("tachograph_accept_errors_total", "Another's.").unwrap();
    let refused = State::new(&registry, &metrics, Routes::new(), Options::default()).unwrap_err();
    assert!(matches!(&refused, RouteError::Register { .. }), "{refused}");
    assert!(refused.to_string().contains("tachograph_accept_errors_total"), "{refused}");
}
