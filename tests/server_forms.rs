//! The forms that requests come in, over raw sockets: what is served, what is refused, and that no second request hides in one.
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

use tachograph::server::{self, Options, Route, StatusCode};

use counted::only_refused;
use http::{Answer, Connection};
use scrape::sum;
use support::{Server, routes};

/// What a request would do that was smuggled in.
const HIDDEN: &str = "GET /hello/hidden HTTP/1.1\r\nHost: here\r\n\r\n";

fn start() -> Server {
    let routes = routes()
        .route(Route::get("/files/{*rest}"), |request| async move {
            server::plain(StatusCode::OK, "text/plain", request.param("rest").unwrap_or_default().to_owned())
        })
        .route(Route::get("/headers"), |request| async move {
            let all = request.headers().get_all("x-one").iter();
            let all: Vec<String> = all.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect();
            server::plain(StatusCode::OK, "text/plain", all.join("|"))
        });
    Server::start_with(routes, Options::default())
}

/// Sends bytes, and then says that there are no more of them.
fn send(server: &Server, bytes: &str) -> Connection {
    let mut connection = Connection::open(server.address);
    connection.write(bytes.as_bytes()).unwrap();
    connection
}

fn statuses(connection: &mut Connection) -> Vec<u16> {
    std::iter::from_fn(|| connection.read(true).ok()).map(|answer| answer.status).collect()
}

fn requests(server: &Server) -> f64 {
    sum(server.registry.snapshot().text(), "http_requests_total", &[])
}

/// Checks that each of these is refused as one request, with the connection closed, and what follows it in the segment is never seen.
#[track_caller]
fn refused_whole(requests: &[&str], status: u16, reason: &str) {
    let server = start();
    for (times, request) in (1..).zip(requests) {
        let mut connection = send(&server, &format!("{request}{HIDDEN}"));
        assert_eq!(statuses(&mut connection), [status], "{request:?}");
        only_refused(&server, reason, times);
    }
    assert_eq!(server.requests("/hello/{name}", "GET", 200), Some(0.0));
}

#[test]
fn pipelined_requests_are_answered_in_order_and_each_is_counted() {
    let server = start();
    let body = "x".repeat(100);
    let all = [
        "GET /hello/one HTTP/1.1\r\nHost: here\r\n\r\n".to_owned(),
        format!("POST /echo HTTP/1.1\r\nHost: here\r\nContent-Length: 100\r\n\r\n{body}"),
        "HEAD /hello/three HTTP/1.1\r\nHost: here\r\n\r\n".to_owned(),
        "POST /echo HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n0\r\n\r\n".to_owned(),
        "\r\nGET /nowhere HTTP/1.1\r\nHost: here\r\n\r\n".to_owned(),
        "POST /echo HTTP/1.1\r\nHost: here\r\nContent-Length: 4\r\n\r\n\r\n\r\n".to_owned(),
        "GET /empty HTTP/1.1\r\nHost: here\r\n\r\n".to_owned(),
        "GET /hello/eight HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n".to_owned(),
    ]
    .concat();
    // In one segment, in pieces of each length that there is.
    for piece in [all.len(), 1, 2, 3, 5, 7, 11, 13, 64, 100, 250] {
        let mut connection = Connection::open(server.address);
        for piece in all.as_bytes().chunks(piece) {
            connection.write(piece).unwrap();
        }
        let with_body = [true, true, false, true, true, true, true, true];
        let answers: Vec<Answer> = with_body.map(|with_body| connection.read(with_body).unwrap()).into();
        let told: Vec<(u16, &str)> = answers.iter().map(|answer| (answer.status, answer.text())).collect();
        assert_eq!(told[..4], [(200, "hello one"), (200, &*body), (200, ""), (200, "four")], "pieces of {piece}");
        assert_eq!((told[4].0, told[5], told[6], told[7]), (404, (200, "\r\n\r\n"), (204, ""), (200, "hello eight")));
        assert!(connection.is_closed());
    }
    assert_eq!(requests(&server), 8.0 * 11.0);
}

#[test]
fn many_pipelined_requests_are_all_answered() {
    let server = start();
    let mut connection = Connection::open(server.address);
    connection.write("GET /hello/you HTTP/1.1\r\nHost: here\r\n\r\n".repeat(500).as_bytes()).unwrap();
    for _ in 0..500 {
        assert_eq!(connection.read(true).unwrap().text(), "hello you");
    }
    assert_eq!(requests(&server), 500.0);
}

#[test]
fn a_length_beside_a_coding_is_refused_in_either_order() {
    let body = "0\r\n\r\n";
    refused_whole(
        &[
            &format!("POST /echo HTTP/1.1\r\nHost: here\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n{body}"),
            &format!("POST /echo HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n{body}"),
            &format!("POST /echo HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\ncontent-LENGTH:0\r\n\r\n{body}"),
            &format!("GET /hello/you HTTP/1.1\nHost: here\nContent-Length: 5\nTransfer-Encoding: chunked\n\n{body}"),
        ],
        400,
        "ambiguous_length",
    );
}

#[test]
fn a_length_beside_a_coding_is_refused_behind_other_requests_too() {
    let ambiguous = "POST /echo HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n";
    let chunked = "POST /echo HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let sized = "POST /echo HTTP/1.1\r\nHost: here\r\nContent-Length: 3\r\n\r\nabc";
    let server = start();
    for (times, before) in (1..).zip([&[chunked][..], &[sized], &[chunked, chunked], &[chunked, sized], &[sized, chunked]]) {
        let all = format!("{}{ambiguous}{HIDDEN}", before.concat());
        for piece in [all.len(), 1, 10, before.concat().len() + 20] {
            let mut connection = Connection::open(server.address);
            for piece in all.as_bytes().chunks(piece) {
                // It may be over before all is sent.
                let _refused = connection.write(piece);
            }
            let mut expected = vec![200; before.len()];
            expected.push(400);
            assert_eq!(statuses(&mut connection), expected, "{all:?} in pieces of {piece}");
        }
        only_refused(&server, "ambiguous_length", 4 * times);
    }
    // And who sends both kinds by turns does nothing wrong, also ahead of their turn.
    let by_turns = [chunked, sized, chunked, chunked, sized, sized, chunked];
    let mut ahead = send(&server, &by_turns.concat());
    for _ in by_turns {
        assert_eq!(ahead.read(true).unwrap().text(), "abc");
    }
    let mut connection = Connection::open(server.address);
    for request in by_turns {
        connection.write(request.as_bytes()).unwrap();
        assert_eq!(connection.read(true).unwrap().text(), "abc");
    }
}

#[test]
fn what_is_malformed_is_refused() {
    refused_whole(
        &[
            // Lengths.
            "POST /echo HTTP/1.1\r\nHost: here\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
            "POST /echo HTTP/1.1\r\nHost: here\r\nContent-Length: 5, 5\r\n\r\nhello",
            "POST /echo HTTP/1.1\r\nHost: here\r\nContent-Length: +5\r\n\r\nhello",
            "POST /echo HTTP/1.1\r\nHost: here\r\nContent-Length: -1\r\n\r\nhello",
            "POST /echo HTTP/1.1\r\nHost: here\r\nContent-Length: 0x5\r\n\r\nhello",
            "POST /echo HTTP/1.1\r\nHost: here\r\nContent-Length: 99999999999999999999\r\n\r\nhello",
            "POST /echo HTTP/1.1\r\nHost: here\r\nContent-Length:\r\n\r\nhello",
            // Codings.
            "POST /echo HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: identity\r\n\r\n",
            "POST /echo HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked, identity\r\n\r\n",
            "POST /echo HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: xchunked\r\n\r\n",
            "POST /echo HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: \"chunked\"\r\n\r\n",
            "POST /echo HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\x0b\r\n\r\n",
            "POST /echo HTTP/1.1\r\nHost: here\r\nTransfer-Encoding:\r\n chunked\r\n\r\n",
            "POST /echo HTTP/1.0\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n",
            // Space where there must be none.
            "GET /hello/you HTTP/1.1\r\nHost : here\r\n\r\n",
            "POST /echo HTTP/1.1\r\nHost: here\r\nContent-Length : 5\r\n\r\nhello",
            "POST /echo HTTP/1.1\r\nHost: here\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
            "GET /hello/you HTTP/1.1\r\n Host: here\r\n\r\n",
            "GET /hello/you HTTP/1.1\r\nHost: here\r\nX-Folded: one\r\n two\r\n\r\n",
            "GET /hello/you HTTP/1.1\r\nHost: here\r\nX-Folded: one\r\n\ttwo\r\n\r\n",
            "GET  /hello/you HTTP/1.1\r\nHost: here\r\n\r\n",
            "GET /hello/you  HTTP/1.1\r\nHost: here\r\n\r\n",
            "GET\t/hello/you HTTP/1.1\r\nHost: here\r\n\r\n",
            "GET /hello you HTTP/1.1\r\nHost: here\r\n\r\n",
            " GET /hello/you HTTP/1.1\r\nHost: here\r\n\r\n",
            // Bytes that there must not be.
            "GET /hello/you HTTP/1.1\r\nHost: here\r\nX-One: a\rb\r\n\r\n",
            "GET /hello/you HTTP/1.1\r\nHost: here\r\nX-One: a\0b\r\n\r\n",
            "GET /hello/you HTTP/1.1\r\nHost: here\r\nX\0: a\r\n\r\n",
            "GET /hello/you HTTP/1.1\r\nHost: here\r\nX-One\r\n\r\n",
            "GET /hello/you HTTP/1.1\r\nHost: here\r\n: a\r\n\r\n",
            "GET /hello/\0 HTTP/1.1\r\nHost: here\r\n\r\n",
            "GET /hello/you HTTP/1.1\rHost: here\r\n\r\n",
            // No HTTP/1.
            "GET /hello/you HTTP/1.2\r\nHost: here\r\n\r\n",
            "GET /hello/you HTTP/2.0\r\nHost: here\r\n\r\n",
            "GET /hello/you http/1.1\r\nHost: here\r\n\r\n",
            "GET /hello/you\r\n\r\n",
            "hello\r\n\r\n",
            "GET hello/you HTTP/1.1\r\nHost: here\r\n\r\n",
            // Hosts.
            "GET /hello/you HTTP/1.1\r\n\r\n",
            "GET /hello/you HTTP/1.1\r\nHost: here\r\nHost: here\r\n\r\n",
            "GET /hello/you HTTP/1.0\r\nHost: here\r\nHost: there\r\n\r\n",
            "GET /hello/you HTTP/1.1\r\nHost: a b\r\n\r\n",
            "GET /hello/you HTTP/1.1\r\nHost: a/b\r\n\r\n",
            "GET http://there/hello/you HTTP/1.1\r\n\r\n",
        ],
        400,
        "malformed",
    );
}

#[test]
fn a_coding_that_is_not_understood_is_501() {
    refused_whole(
        &[
            "POST /echo HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            "POST /echo HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
            "POST /echo HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ],
        501,
        "malformed",
    );
}

#[test]
fn chunks_that_are_none_are_refused() {
    let head = "POST /echo HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n";
    let all: Vec<String> = [
        "10000000000000000\r\nhello",
        "fffffffffffffffff\r\nhello",
        "-1\r\nhello",
        "0x5\r\nhello",
        "+5\r\nhello",
        "\r\nhello",
        " 5\r\nhello\r\n0\r\n\r\n",
        "5 5\r\nhello\r\n0\r\n\r\n",
        "5\nhello\r\n0\r\n\r\n",
        "5\r\nhelloX0\r\n\r\n",
        "5\r\nhello0\r\n\r\n",
        "5;\nhello\r\n0\r\n\r\n",
    ]
    .map(|chunks| format!("{head}{chunks}"))
    .into();
    refused_whole(&all.iter().map(String::as_str).collect::<Vec<_>>(), 400, "malformed");
}

#[test]
fn what_a_recipient_may_take_is_taken() {
    let server = start();
    for (request, text) in [
        // Line feeds alone, empty lines before, equal lengths, space around values, any case.
        ("GET /hello/you HTTP/1.1\nHost: here\nConnection: close\n\n", "hello you"),
        ("\r\n\r\nGET /hello/you HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n", "hello you"),
        ("POST /echo HTTP/1.1\r\nHost: here\r\nContent-Length: 2\r\nContent-Length: 2\r\nConnection: close\r\n\r\nab", "ab"),
        ("POST /echo HTTP/1.1\r\nHost:here\r\ncontent-length: \t 2 \t\r\nConnection: close\r\n\r\nab", "ab"),
        (
            "POST /echo HTTP/1.1\r\nHost: here\r\nTRANSFER-ENCODING: Chunked\r\nConnection: close\r\n\r\n2;x=y\r\nab\r\n0\r\nT: t\r\n\r\n",
            "ab",
        ),
        (
            "POST /echo HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n002 \r\nab\r\n0\r\n\r\n",
            "ab",
        ),
        ("GET /hello/you HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n", "hello you"),
        ("GET /hello/you HTTP/1.1\r\nHost: [::1]:8080\r\nConnection: close\r\n\r\n", "hello you"),
        // A body that nobody expects is read and forgotten.
        ("GET /hello/you HTTP/1.1\r\nHost: here\r\nContent-Length: 2\r\nConnection: close\r\n\r\nab", "hello you"),
        // The target in its other forms: the host of an absolute one is passed over.
        ("GET http://there:80/hello/you HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n", "hello you"),
        ("GET HTTPS://there/hello/you?a=b HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n", "hello you"),
        // HTTP/1.0 ends the connection by itself, and needs no host.
        ("GET /hello/you HTTP/1.0\r\n\r\n", "hello you"),
        ("POST /echo HTTP/1.0\r\nContent-Length: 2\r\n\r\nab", "ab"),
        // A path matches as it is written, and is decoded once at most, by whoever wants it decoded.
        ("GET /hello/a%20b HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n", "hello a%20b"),
        ("GET /hello/a%252Fb HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n", "hello a%252Fb"),
        ("GET /hello/%00 HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n", "hello %00"),
        ("GET /files/../hello/you HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n", "../hello/you"),
        ("GET /files/%2e%2e/hello/you HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n", "%2e%2e/hello/you"),
        // A field that comes twice is there twice.
        ("GET /headers HTTP/1.1\r\nHost: here\r\nX-One: a\r\nx-one: b\r\nConnection: close\r\n\r\n", "a|b"),
    ] {
        let mut connection = send(&server, request);
        let answer = connection.read(true).unwrap();
        assert_eq!((answer.status, answer.text()), (200, text), "{request:?}");
        assert!(connection.is_closed(), "{request:?}");
    }
    only_refused(&server, "malformed", 0);
}

#[test]
fn paths_that_look_alike_are_not_one() {
    let server = start();
    let mut connection = Connection::open(server.address);
    for path in [
        "/hello%2Fyou",
        "//hello/you",
        "/hello/you/",
        "/HELLO/you",
        "/./hello/you",
        "/hello/you/..",
        "/%68ello/you",
        "/hello\\you",
    ] {
        assert_eq!(connection.request("GET", path, &[], b"").status, 404, "{path}");
    }
    assert_eq!(server.requests("unmatched", "GET", 404), Some(8.0));
}

#[test]
fn the_targets_of_other_methods_find_no_route() {
    let server = start();
    for (request, method) in [
        ("OPTIONS * HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n", "OPTIONS"),
        ("CONNECT there:443 HTTP/1.1\r\nHost: there:443\r\nConnection: close\r\n\r\n", "CONNECT"),
    ] {
        assert_eq!(statuses(&mut send(&server, request)), [404], "{method}");
    }
    assert_eq!(sum(server.registry.snapshot().text(), "http_requests_total", &["unmatched", "status=\"404\""]), 2.0);
}

#[test]
fn http_1_0_keeps_a_connection_only_when_asked_to() {
    let server = start();
    let mut connection = send(&server, "GET /hello/you HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    let answer = connection.read(true).unwrap();
    assert_eq!((answer.status, answer.header("connection")), (200, Some("keep-alive")));
    connection.write(b"GET /hello/me HTTP/1.0\r\n\r\n").unwrap();
    assert_eq!(connection.read(true).unwrap().text(), "hello me");
    assert!(connection.is_closed());
}

#[test]
fn the_preface_of_http_2_is_no_request() {
    let server = start();
    let mut connection = send(&server, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    assert!(statuses(&mut connection).iter().all(|status| *status == 400));
    only_refused(&server, "malformed", 1);
    assert_eq!(requests(&server), 0.0);
}

#[test]
fn a_head_request_hides_nothing_in_its_body() {
    let server = start();
    let mut connection =
        send(&server, &format!("HEAD /hello/you HTTP/1.1\r\nHost: here\r\nContent-Length: {}\r\n\r\n{HIDDEN}", HIDDEN.len()));
    assert_eq!(connection.read(false).unwrap().status, 200);
    connection.write(b"GET /hello/next HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n").unwrap();
    assert_eq!(connection.read(true).unwrap().text(), "hello next");
    assert_eq!(requests(&server), 2.0);
}
