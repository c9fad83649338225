//! Connections in total and of one address: who is served, who is told to come again, and who is closed unanswered.
#![cfg(feature = "server")]

#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
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

use tachograph::server::Options;
#[cfg(target_os = "linux")]
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use counted::only_refused;
use http::{Connection, PATIENCE, eventually, get};
use scrape::sample;
use support::{Server, routes};

/// Connections beyond a limit that are answered at once.
const SURPLUS: usize = 64;
/// Of them, those of one address.
const SURPLUS_OF_ADDRESS: usize = 4;

fn patient() -> Options {
    Options { first_byte_timeout: PATIENCE, header_timeout: PATIENCE, idle_timeout: PATIENCE, ..Options::default() }
}

/// Connections that are served.
fn served(server: &Server, count: usize) -> Vec<Connection> {
    let open = |_| {
        let mut connection = Connection::open(server.address);
        assert_eq!(connection.request("GET", "/hello/you", &[], b"").status, 200);
        connection
    };
    (0..count).map(open).collect()
}

fn closed(server: &Server, reason: &str) -> f64 {
    let series = format!("tachograph_connections_closed_total{{reason=\"{reason}\"}}");
    sample(server.registry.snapshot().text(), &series).unwrap()
}

#[test]
fn the_sixth_of_five_connections_is_told_to_come_again() {
    let server = Server::start_with(routes(), Options { max_connections: 5, ..patient() });
    assert_eq!(server.requests("/hello/{name}", "GET", 503), Some(0.0));
    let mut five = served(&server, 5);
    let mut sixth = Connection::open(server.address);
    let answer = sixth.request("GET", "/hello/you", &[], b"");
    assert_eq!((answer.status, answer.header("retry-after"), answer.header("connection")), (503, Some("1"), Some("close")));
    assert!(sixth.is_closed());
    assert_eq!(get(server.address, "/metrics").status, 200, "the saturation can be seen");
    assert_eq!(server.requests("/hello/{name}", "GET", 503), Some(1.0));
    only_refused(&server, "connections", 1);
    for connection in &mut five {
        assert_eq!(connection.request("GET", "/hello/you", &[], b"").status, 200, "the five are served on");
    }
    five.pop();
    eventually("a place is free", || (get(server.address, "/hello/you").status == 200).then_some(()));
}

#[test]
fn beyond_the_surplus_a_connection_is_closed_unanswered() {
    let server = Server::start_with(routes(), Options { max_connections: 1, ..patient() });
    let _first = served(&server, 1);
    // The surplus gives its places back after two seconds of silence, so there are more than it has.
    let mut crowd: Vec<Connection> = (0..SURPLUS * 2).map(|_| Connection::open(server.address)).collect();
    eventually("some are closed", || (closed(&server, "connections") > 0.0).then_some(()));
    assert!(crowd.iter_mut().all(Connection::is_closed), "and the others, who do not say what they want, after them");
    eventually("they are counted", || {
        let (closed, silent) = (closed(&server, "connections"), closed(&server, "silent"));
        (closed + silent == (SURPLUS * 2) as f64).then_some(())
    });
}

#[test]
fn an_address_with_too_many_connections_is_answered_429() {
    let server = Server::start_with(routes(), Options { max_connections_per_address: 3, ..patient() });
    assert_eq!(server.requests("/hello/{name}", "GET", 429), Some(0.0));
    let mut three = served(&server, 3);
    let mut fourth = Connection::open(server.address);
    let answer = fourth.request("GET", "/hello/you", &[], b"");
    assert_eq!((answer.status, answer.header("retry-after"), answer.header("connection")), (429, Some("1"), Some("close")));
    assert!(answer.json()["error"].as_str().unwrap().contains("your address"));
    assert!(fourth.is_closed());
    assert_eq!(get(server.address, "/nowhere").status, 429);
    assert_eq!(get(server.address, "/metrics").status, 200);
    assert_eq!(server.requests("/hello/{name}", "GET", 429), Some(1.0));
    only_refused(&server, "address_connections", 2);
    three.pop();
    eventually("a place is free", || (get(server.address, "/hello/you").status == 200).then_some(()));
}

#[test]
fn an_address_far_beyond_its_limit_is_closed_unanswered() {
    let server = Server::start_with(routes(), Options { max_connections_per_address: 2, ..patient() });
    let mut served = served(&server, 2);
    let mut crowd: Vec<Connection> = (0..SURPLUS_OF_ADDRESS * 4).map(|_| Connection::open(server.address)).collect();
    eventually("some are closed", || (closed(&server, "address_connections") > 0.0).then_some(()));
    assert!(crowd.iter_mut().all(Connection::is_closed));
    for connection in &mut served {
        assert_eq!(connection.request("GET", "/hello/you", &[], b"").status, 200);
    }
    drop(crowd);
    eventually("the surplus is free", || {
        let mut connection = Connection::open(server.address);
        connection.write(b"GET /hello/you HTTP/1.1\r\nHost: here\r\n\r\n").ok()?;
        connection.read(true).is_ok_and(|answer| answer.status == 429).then_some(())
    });
}

#[cfg(target_os = "linux")]
#[test]
fn other_addresses_have_places_of_their_own() {
    let server = Server::start_with(routes(), Options { max_connections_per_address: 1, ..patient() });
    let _first = served(&server, 1);
    assert_eq!(get(server.address, "/hello/you").status, 429);
    // All of 127.0.0.0/8 is this machine.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let answer = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
        let mut stream = socket.connect(server.address).await.unwrap();
        stream.write_all(b"GET /hello/you HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    });
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}
