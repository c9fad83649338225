//! Each limit of the server over raw sockets: what is cut, what it is told, and where it is counted.
//!
//! The ones that must end a connection are short, and the others long, so that only one of them can be what ended it.
#![cfg(feature = "server")]

#[path = "support/counted.rs"]
mod counted;
#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
#[path = "support/http.rs"]
mod http;
#[path = "support/scrape.rs"]
mod scrape;
#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
#[path = "support/server.rs"]
mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use tachograph::server::{self, Options, Route, Routes, StatusCode};
use tokio::sync::Semaphore;

use counted::{only_closed, only_refused};
use http::{Answer, Connection, PATIENCE, eventually, get, request};
use scrape::sample;
use support::{Server, routes, text};

const SHORT: Duration = Duration::from_millis(200);

/// Options under which a test never ends by a timeout that it did not ask for.
fn patient() -> Options {
    Options {
        first_byte_timeout: PATIENCE,
        header_timeout: PATIENCE,
        idle_timeout: PATIENCE,
        request_timeout: PATIENCE,
        body_timeout: PATIENCE,
        write_timeout: PATIENCE,
        ..Options::default()
    }
}

/// Checks that an answer is one of ours, and that the connection ends after it.
#[track_caller]
fn refused(connection: &mut Connection, status: u16) -> Answer {
    let answer = connection.read(true).expect("an answer");
    assert_eq!(answer.status, status);
    assert_eq!(answer.header("connection"), Some("close"));
    assert!(answer.header("date").is_some());
    assert!(connection.is_closed());
    answer
}

#[test]
fn every_reason_is_there_at_zero() {
    let server = Server::start(routes());
    let snapshot = server.registry.snapshot();
    for reason in [
        "malformed",
        "ambiguous_length",
        "head_late",
        "head_large",
        "many_headers",
        "uri_long",
        "body_large",
        "body_late",
        "late",
        "busy",
        "connections",
        "address_connections",
    ] {
        let series = format!("tachograph_requests_refused_total{{reason=\"{reason}\"}}");
        assert_eq!(sample(snapshot.text(), &series), Some(0.0), "{series}");
    }
    for reason in ["silent", "idle", "slow_reader", "connections", "address_connections"] {
        let series = format!("tachograph_connections_closed_total{{reason=\"{reason}\"}}");
        assert_eq!(sample(snapshot.text(), &series), Some(0.0), "{series}");
    }
    for series in ["tachograph_handler_panics_total", "tachograph_accept_errors_total"] {
        assert_eq!(sample(snapshot.text(), series), Some(0.0), "{series}");
    }
    for (method, status) in [("GET", 404), ("GET", 414), ("POST", 400), ("HEAD", 503)] {
        assert_eq!(server.requests("unmatched", method, status), Some(0.0), "{method} {status}");
    }
}

#[test]
fn half_a_head_and_then_silence_is_408() {
    let server = Server::start_with(routes(), Options { header_timeout: SHORT, ..patient() });
    for half in ["G", "GET /hello/you HTTP/1.1\r\nHost: he", "GET /hello/you HTTP/1.1\r\nHost: here\r\n", "\r\n\r\nGET /"] {
        let mut connection = Connection::open(server.address);
        connection.write(half.as_bytes()).unwrap();
        let answer = refused(&mut connection, 408);
        assert!(answer.json()["error"].as_str().unwrap().contains("did not end in time"), "{half:?}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
    only_refused(&server, "head_late", 4);
}

#[test]
fn a_head_that_drips_is_408_too() {
    let server = Server::start_with(routes(), Options { header_timeout: SHORT, ..patient() });
    let mut slow = TcpStream::connect(server.address).unwrap();
    slow.write_all(b"GET / HTTP/1.1\r\n").unwrap();
    slow.set_read_timeout(Some(SHORT / 40)).unwrap();
    let mut answer = [0; 12];
    eventually("it is answered", || {
        // The time is that of the whole head, however often a part of it comes.
        let _refused = slow.write(b"a: b\r\n");
        slow.read_exact(&mut answer).ok()
    });
    assert_eq!(&answer, b"HTTP/1.1 408");
    only_refused(&server, "head_late", 1);
}

#[test]
fn the_second_head_on_a_connection_has_its_time_too() {
    let server = Server::start_with(routes(), Options { header_timeout: SHORT, ..patient() });
    let mut connection = Connection::open(server.address);
    assert_eq!(connection.request("GET", "/hello/you", &[], b"").status, 200);
    connection.write(b"GET /hello/you HT").unwrap();
    refused(&mut connection, 408);
    // What was sent ahead of its turn as well.
    let mut ahead = Connection::open(server.address);
    ahead.write(b"POST /echo HTTP/1.1\r\nHost: here\r\nContent-Length: 2\r\n\r\nabGET /hello/you HT").unwrap();
    assert_eq!(ahead.read(true).unwrap().text(), "ab");
    refused(&mut ahead, 408);
    let mut chunked = Connection::open(server.address);
    let request =
        "POST /echo HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\nGET /hello/you HT";
    chunked.write(request.as_bytes()).unwrap();
    assert_eq!(chunked.read(true).unwrap().text(), "ab");
    refused(&mut chunked, 408);
    only_refused(&server, "head_late", 3);
}

#[test]
fn a_connection_that_never_sends_a_byte_is_closed_unanswered() {
    let server = Server::start_with(routes(), Options { first_byte_timeout: SHORT, ..patient() });
    let mut silent = Connection::open(server.address);
    assert_eq!(silent.read(true).unwrap_err().kind(), std::io::ErrorKind::UnexpectedEof);
    only_closed(&server, "silent", 1);
    // Line feeds begin nothing.
    let mut empty = Connection::open(server.address);
    empty.write(b"\r\n\r\n").unwrap();
    assert_eq!(empty.read(true).unwrap_err().kind(), std::io::ErrorKind::UnexpectedEof);
    only_closed(&server, "silent", 2);
}

#[test]
fn an_idle_connection_is_closed_unanswered() {
    let server = Server::start_with(routes(), Options { idle_timeout: SHORT, ..patient() });
    let mut connection = Connection::open(server.address);
    for _ in 0..3 {
        connection.write(b"GET /hello/you HTTP/1.1\r\nHost: here\r\n\r\n").unwrap();
    }
    for _ in 0..3 {
        assert_eq!(connection.read(true).unwrap().status, 200);
    }
    assert!(connection.is_closed());
    only_closed(&server, "idle", 1);
    let mut chunked = Connection::open(server.address);
    chunked.send("POST", "/echo", &[("Transfer-Encoding", "chunked")], b"");
    chunked.write(b"2\r\nab\r\n0\r\nTrailer: too\r\n\r\n").unwrap();
    assert_eq!(chunked.read(true).unwrap().text(), "ab");
    assert!(chunked.is_closed());
    only_closed(&server, "idle", 2);
}

#[test]
fn a_body_that_stalls_is_408() {
    let server = Server::start_with(routes(), Options { body_timeout: SHORT, ..patient() });
    let mut connection = Connection::open(server.address);
    connection.send("POST", "/echo", &[("Content-Length", "10")], b"");
    connection.write(b"half").unwrap();
    assert_eq!(connection.read(true).unwrap().status, 408);
    assert_eq!(server.requests("/echo", "POST", 408), Some(1.0));
    only_refused(&server, "body_late", 1);
}

#[test]
fn an_answer_that_goes_without_its_body_is_not_mixed_with_the_next() {
    // The body comes too late for the one, and would be the head of the other.
    let server = Server::start_with(routes(), Options { body_timeout: SHORT, ..patient() });
    let mut connection = Connection::open(server.address);
    connection.send("POST", "/echo", &[("Content-Length", "100")], b"");
    assert_eq!(connection.read(true).unwrap().status, 408);
    let _closed = connection.write(b"GET /hello/you HTTP/1.1\r\nHost: here\r\n\r\n");
    assert!(connection.is_closed());
    assert_eq!(server.requests("/hello/{name}", "GET", 200), Some(0.0));
}

#[test]
fn too_many_headers_are_431() {
    let server = Server::start_with(routes(), patient());
    let fields = |count: usize| -> String { (1..count).map(|n| format!("X-{n}: y\r\n")).collect() };
    let head = |count| format!("GET /hello/you HTTP/1.1\r\nHost: here\r\n{}\r\n", fields(count));
    let ask = |server: &Server, count| {
        let mut connection = Connection::open(server.address);
        connection.write(head(count).as_bytes()).unwrap();
        connection.read(true).unwrap().status
    };
    assert_eq!((ask(&server, 100), ask(&server, 101), ask(&server, 120)), (200, 431, 431));
    only_refused(&server, "many_headers", 2);
    let server = Server::start_with(routes(), Options { max_headers: 120, ..patient() });
    assert_eq!((ask(&server, 120), ask(&server, 121)), (200, 431));
    only_refused(&server, "many_headers", 1);
    let server = Server::start_with(routes(), Options { max_headers: 5, ..patient() });
    assert_eq!((ask(&server, 5), ask(&server, 6)), (200, 431));
}

#[test]
fn a_large_head_is_431() {
    let server = Server::start_with(routes(), patient());
    let ask = |server: &Server, bytes: usize| {
        let mut connection = Connection::open(server.address);
        connection.send("GET", "/hello/you", &[("X-Long", &"x".repeat(bytes))], b"");
        connection.read(true).unwrap().status
    };
    assert_eq!((ask(&server, 20_000), ask(&server, 600_000)), (200, 431));
    only_refused(&server, "head_large", 1);
    let server = Server::start_with(routes(), Options { max_head_bytes: 4_096, ..patient() });
    assert_eq!((ask(&server, 4_000), ask(&server, 4_100), ask(&server, 20_000)), (200, 431, 431));
    only_refused(&server, "head_large", 2);
}

#[test]
fn a_long_uri_is_414() {
    let server = Server::start_with(routes(), patient());
    let uri = |bytes: usize| format!("/hello/{}", "x".repeat(bytes - "/hello/".len()));
    assert_eq!(get(server.address, &uri(8_192)).status, 200);
    for bytes in [8_193, 20_000] {
        let mut connection = Connection::open(server.address);
        connection.send("GET", &uri(bytes), &[], b"");
        refused(&mut connection, 414);
    }
    assert_eq!(server.requests("unmatched", "GET", 414), Some(2.0), "no route is looked for");
    // Longer than a whole head may be: that it is the URI is still told.
    for bytes in [40_000, 100_000, 600_000] {
        let mut connection = Connection::open(server.address);
        connection.write(format!("GET {} HTTP/1.1\r\n", uri(bytes)).as_bytes()).unwrap();
        assert!(refused(&mut connection, 414).json()["error"].as_str().unwrap().contains("too long"));
    }
    only_refused(&server, "uri_long", 5);
    let server = Server::start_with(routes(), Options { max_uri_bytes: 20, ..patient() });
    assert_eq!((get(server.address, &uri(20)).status, get(server.address, &uri(21)).status), (200, 414));
}

#[test]
fn a_body_over_the_limit_is_413_by_route() {
    let of = |path: &str, limit: Option<usize>| {
        let route = Route::post(path).answers([408, 413]);
        limit.map_or(route.clone(), |limit| route.body_limit(limit))
    };
    let echo = |mut request: server::Request| async move {
        match request.body().await {
            Ok(body) => server::plain(StatusCode::OK, "application/octet-stream", body),
            Err(cause) => cause.into(),
        }
    };
    let routes = Routes::new()
        .route(of("/usual", None), echo)
        .route(of("/large", Some(1_000)), echo)
        .route(of("/small", Some(10)), echo)
        .route(Route::new(tachograph::http::Method::Put, "/small").answers([408, 413]).body_limit(20), echo);
    let server = Server::start_with(routes, Options { body_limit: 100, ..patient() });
    let ask = |method, path, bytes: usize| request(server.address, method, path, &[], &vec![b'x'; bytes]).status;
    for (method, path, limit) in
        [("POST", "/usual", 100), ("POST", "/large", 1_000), ("POST", "/small", 10), ("PUT", "/small", 20)]
    {
        assert_eq!((ask(method, path, limit), ask(method, path, limit + 1)), (200, 413), "{method} {path}");
        assert_eq!(server.requests(path, method, 413), Some(1.0));
    }
    only_refused(&server, "body_large", 4);
}

#[test]
fn a_request_that_takes_too_long_is_given_up_with_503() {
    struct Dropped(Arc<AtomicBool>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let dropped = Arc::new(AtomicBool::new(false));
    let routes = routes().route(Route::get("/hangs"), {
        let dropped = Arc::clone(&dropped);
        move |_| {
            let dropped = Dropped(Arc::clone(&dropped));
            async move {
                std::future::pending::<()>().await;
                drop(dropped);
                text("never")
            }
        }
    });
    let server = Server::start_with(routes, Options { request_timeout: SHORT, ..patient() });
    assert_eq!(server.requests("/hangs", "GET", 503), Some(0.0));
    let mut connection = Connection::open(server.address);
    let answer = connection.request("GET", "/hangs", &[], b"");
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
    assert!(dropped.load(Ordering::Relaxed), "its future is gone");
    assert_eq!(connection.request("GET", "/hello/you", &[], b"").status, 200, "the connection goes on");
    assert_eq!(server.requests("/hangs", "GET", 503), Some(1.0));
    only_refused(&server, "late", 1);
}

#[test]
fn a_stream_is_not_cut_by_the_timeout_of_requests() {
    let server = Server::start_with(routes(), Options { request_timeout: SHORT, idle_timeout: SHORT, ..patient() });
    let mut connection = Connection::open(server.address);
    connection.send("GET", "/endless", &[], b"");
    assert_eq!(connection.read_head().unwrap().status, 200);
    std::thread::sleep(SHORT * 3);
    for _ in 0..100 {
        assert!(!connection.is_closed(), "it goes on");
    }
    only_refused(&server, "late", 0);
}

#[test]
fn a_client_that_takes_nothing_is_cut() {
    let server = Server::start_with(routes(), Options { write_timeout: SHORT, ..patient() });
    let mut connection = Connection::open(server.address);
    connection.send("GET", "/endless", &[], b"");
    eventually("the request is counted", || (server.requests("/endless", "GET", 200) == Some(1.0)).then_some(()));
    only_closed(&server, "slow_reader", 1);
}

#[test]
fn a_panic_is_a_500_and_a_count() {
    let server = Server::start_with(routes(), patient());
    let mut connection = Connection::open(server.address);
    for _ in 0..3 {
        assert_eq!(connection.request("GET", "/panic", &[], b"").status, 500);
    }
    assert_eq!(sample(server.registry.snapshot().text(), "tachograph_handler_panics_total"), Some(3.0));
    assert_eq!(server.requests("/panic", "GET", 500), Some(3.0));
}

#[test]
fn requests_in_flight_are_limited_but_for_monitoring() {
    let (enter, entered) = mpsc::channel();
    let open = Arc::new(Semaphore::new(0));
    let routes = routes().route(Route::get("/wait"), {
        let open = Arc::clone(&open);
        move |_| {
            let (enter, open) = (enter.clone(), Arc::clone(&open));
            async move {
                enter.send(()).unwrap();
                open.acquire().await.unwrap().forget();
                text("through")
            }
        }
    });
    let server = Server::start_with(routes, Options { max_requests: 2, ..patient() });
    let mut under_way: Vec<Connection> = (0..2).map(|_| Connection::open(server.address)).collect();
    for connection in &mut under_way {
        connection.send("GET", "/wait", &[], b"");
        entered.recv_timeout(PATIENCE).unwrap();
    }
    let mut connection = Connection::open(server.address);
    for _ in 0..3 {
        let answer = connection.request("GET", "/hello/you", &[], b"");
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
        assert_eq!(connection.request("GET", "/nowhere", &[], b"").status, 503);
        assert_eq!(connection.request("GET", "/metrics", &[], b"").status, 200);
    }
    assert_eq!(server.requests("/hello/{name}", "GET", 503), Some(3.0));
    only_refused(&server, "busy", 6);
    open.add_permits(2);
    for connection in &mut under_way {
        assert_eq!(connection.read(true).unwrap().text(), "through");
    }
    let room = |connection: &mut Connection| {
        eventually("there is room", || (connection.request("GET", "/hello/you", &[], b"").status == 200).then_some(()));
    };
    room(&mut connection);
    // Who leaves makes room, too.
    for connection in &mut under_way {
        connection.send("GET", "/wait", &[], b"");
        entered.recv_timeout(PATIENCE).unwrap();
    }
    assert_eq!(connection.request("GET", "/hello/you", &[], b"").status, 503);
    drop(under_way);
    room(&mut connection);
}
