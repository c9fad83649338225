//! TLS at the library's server: handshakes good, bad and never ended, certificates replaced, and the ends of connections.

#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
#[path = "support/http.rs"]
mod http;
#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
#[path = "support/scrape.rs"]
mod scrape;
#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
#[path = "support/secured.rs"]
mod secured;
#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
#[path = "support/server.rs"]
mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use tachograph::server::{Options, Tls, TlsError};
use tokio_rustls::rustls::{ProtocolVersion, version};

use http::{PATIENCE, eventually};
use scrape::sample;
use secured::{Client, Secured, pem};
use support::{Server, routes};

fn tls() -> Tls {
    Tls::from_pem(&pem("first.pem"), &pem("first.key")).unwrap()
}

fn start(options: Options) -> Server {
    Server::start_with(routes(), Options { tls: Some(tls()), ..options })
}

fn failed(server: &Server, reason: &str) -> f64 {
    let series = format!("tachograph_tls_handshakes_failed_total{{reason=\"{reason}\"}}");
    sample(server.registry.snapshot().text(), &series).unwrap_or_else(|| panic!("no {series}"))
}

fn plain(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect_timeout(&address, PATIENCE).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Waits for an end of the connection that is no reset, and returns what came before it.
fn to_the_end(stream: &mut TcpStream) -> Vec<u8> {
    let mut came = Vec::new();
    stream.read_to_end(&mut came).expect("an end, and no reset");
    came
}

#[test]
fn both_versions_of_tls_carry_http() {
    let server = start(Options::default());
    for (offered, spoken) in [
        (None, ProtocolVersion::TLSv1_3),
        (Some(&version::TLS12), ProtocolVersion::TLSv1_2),
        (Some(&version::TLS13), ProtocolVersion::TLSv1_3),
    ] {
        let mut connection = Client { version: offered, ..Client::default() }.connect(server.address).unwrap();
        assert_eq!((connection.version(), connection.protocol()), (spoken, Some(&b"http/1.1"[..])));
        for _ in 0..3 {
            let answer = connection.get("/hello/world");
            assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\nhello world"), "{answer}");
            assert!(!answer.contains("strict-transport-security"), "nobody has asked for it: {answer}");
        }
        let answer = connection.ask("GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        assert!(answer.contains("\nactive_connections 1\n"), "{answer}");
        assert_eq!(connection.rest().expect("a close_notify"), b"");
    }
    assert_eq!(server.requests("/hello/{name}", "GET", 200), Some(9.0));
}

#[test]
fn a_client_that_names_no_protocol_is_served_and_one_of_http_2_alone_is_told() {
    let server = start(Options::default());
    let mut connection = Client { protocols: &[], ..Client::default() }.connect(server.address).unwrap();
    assert_eq!(connection.protocol(), None);
    assert!(connection.get("/hello/world").ends_with("hello world"));
    let refused = Client { protocols: &["h2"], ..Client::default() }.connect(server.address).unwrap_err();
    assert!(refused.to_string().contains("NoApplicationProtocol"), "{refused}");
    eventually("it is counted", || (failed(&server, "refused") == 1.0).then_some(()));
}

#[test]
fn plain_http_is_closed_without_a_reset_and_counted() {
    let server = start(Options::default());
    let long = format!("GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: {}\r\n\r\n", "x".repeat(30_000));
    let requests = ["GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", &*long, "\r\n\r\n\r\n", "\0\0\0\0\0\0\0\0"];
    for request in requests {
        let mut stream = plain(server.address);
        stream.write_all(request.as_bytes()).unwrap();
        let came = to_the_end(&mut stream);
        // An alert of TLS or nothing, and nothing of HTTP.
        assert!(came.is_empty() || came[0] == 0x15, "{came:?}");
    }
    eventually("they are counted", || (failed(&server, "not_tls") == requests.len() as f64).then_some(()));
    assert!(Secured::open(server.address).get("/hello/world").ends_with("hello world"));
    assert_eq!(server.all_requests("unmatched"), 0.0);
}

#[test]
fn a_version_that_is_too_old_and_a_client_without_trust_are_counted_as_refused() {
    let server = start(Options::default());
    // TLS 1.0, one cipher, nothing else.
    let mut hello = vec![0x16, 3, 1, 0, 45, 1, 0, 0, 41, 3, 1];
    hello.extend([7; 32]);
    hello.extend([0, 0, 2, 0, 0x2f, 1, 0]);
    let mut stream = plain(server.address);
    stream.write_all(&hello).unwrap();
    let came = to_the_end(&mut stream);
    assert_eq!(came.first(), Some(&0x15), "an alert: {came:?}");
    eventually("the version is counted", || (failed(&server, "refused") == 1.0).then_some(()));

    let refused = Client { trusting: false, ..Client::default() }.connect(server.address).unwrap_err();
    assert!(refused.to_string().contains("UnknownIssuer"), "{refused}");
    eventually("the lack of trust is counted", || (failed(&server, "refused") == 2.0).then_some(()));
}

#[test]
fn who_never_ends_the_handshake_is_cut_and_nobody_waits_for_him() {
    let (short, long) = (Duration::from_secs(2), PATIENCE);
    let silent = |server: &Server| {
        let series = "tachograph_connections_closed_total{reason=\"silent\"}";
        sample(server.registry.snapshot().text(), series).expect("it is there from the start")
    };
    for (bytes, first_byte_timeout, header_timeout) in [(&b""[..], short, long), (&[0x16, 3, 1, 1, 0], long, short)] {
        let server = start(Options { first_byte_timeout, header_timeout, ..Options::default() });
        let mut waiting: Vec<TcpStream> = (0..50).map(|_| plain(server.address)).collect();
        for stream in &mut waiting {
            stream.write_all(bytes).unwrap();
        }
        assert!(Secured::open(server.address).get("/hello/world").ends_with("hello world"));
        for stream in &mut waiting {
            assert_eq!(to_the_end(stream), b"");
        }
        let expected = if bytes.is_empty() { (50.0, 0.0) } else { (0.0, 50.0) };
        eventually("they are counted", || ((silent(&server), failed(&server, "late")) == expected).then_some(()));
    }
}

#[test]
fn a_surplus_connection_has_no_more_time_for_its_handshake_than_for_its_request() {
    // Longer than the test would wait.
    let long = 2 * PATIENCE;
    let server = start(Options { max_connections: 1, first_byte_timeout: long, header_timeout: long, ..Options::default() });
    let mut only = Secured::open(server.address);
    assert!(only.get("/hello/world").ends_with("hello world"));
    for bytes in [&b""[..], &[0x16, 3, 1, 1, 0]] {
        let mut surplus = plain(server.address);
        surplus.write_all(bytes).unwrap();
        assert_eq!(to_the_end(&mut surplus), b"");
    }
}

#[test]
fn who_leaves_amid_the_handshake_is_counted() {
    let server = start(Options::default());
    for bytes in [&b""[..], &[0x16, 3, 1, 1, 0]] {
        plain(server.address).write_all(bytes).unwrap();
    }
    eventually("they are counted", || (failed(&server, "gone") == 2.0).then_some(()));
}

#[test]
fn a_new_certificate_is_for_new_connections_and_a_bad_one_for_none() {
    let tls = tls();
    let server = Server::start_with(routes(), Options { tls: Some(tls.clone()), ..Options::default() });
    let mut old = Secured::open(server.address);
    assert_eq!(old.shown(), "first.pem");
    let damaged = [&b"-----BEGIN CERTIFICATE-----\n"[..], b"?\n-----END CERTIFICATE-----\n"].concat();
    let not_one = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (certificate, key, expected) in [
        (pem("second.pem"), pem("first.key"), Some(TlsError::KeyOfAnother)),
        (pem("second.key"), pem("second.key"), Some(TlsError::NoCertificate)),
        (pem("second.pem"), pem("second.pem"), Some(TlsError::NoKey)),
        (damaged, pem("second.key"), Some(TlsError::Malformed { of: "certificate" })),
        (not_one.to_vec(), pem("second.key"), None),
    ] {
        let refused = tls.replace_pem(&certificate, &key).unwrap_err();
        assert!(expected.is_none_or(|expected| refused == expected), "{refused}");
        assert_eq!(Secured::open(server.address).shown(), "first.pem");
    }
    tls.replace_pem(&pem("second.pem"), &pem("second.key")).unwrap();
    assert_eq!(Secured::open(server.address).shown(), "second.pem");
    assert!(old.get("/hello/world").ends_with("hello world"));
}

#[test]
fn a_shutdown_finishes_what_is_in_flight_and_waits_for_no_handshake() {
    let mut server = start(Options { shutdown_timeout: PATIENCE, ..Options::default() });
    let mut silent = plain(server.address);
    let mut connection = Secured::open(server.address);
    let head = "POST /echo HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";
    connection.write(head).unwrap();
    let mut asked = [0; 25];
    connection.read_exact(&mut asked).unwrap();
    assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");
    server.stop();
    eventually("nobody listens any more", || TcpStream::connect(server.address).err());
    assert_eq!(to_the_end(&mut silent), b"");
    assert!(connection.ask("last").unwrap().ends_with("\r\n\r\nlast"));
    assert_eq!(connection.rest().expect("a close_notify"), b"");
    assert_eq!(server.join().cut, 0);
}

#[test]
fn who_takes_nothing_is_cut_behind_tls_too() {
    let server = start(Options { write_timeout: Duration::from_millis(200), ..Options::default() });
    let mut connection = Secured::open(server.address);
    connection.write("GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    eventually("the answer is given up", || (server.all_requests("/endless") == 1.0).then_some(()));
    eventually("its connection is closed", || {
        (sample(server.registry.snapshot().text(), "active_connections") == Some(0.0)).then_some(())
    });
}

#[test]
fn only_with_tls_browsers_are_told_to_stay_with_it() {
    let day = Duration::from_secs(86_400);
    let server = start(Options { hsts: day, ..Options::default() });
    for path in ["/hello/world", "/nothing", "/debug", "/metrics", "/panic"] {
        let answer = Secured::open(server.address).get(path);
        assert!(answer.contains("\r\nstrict-transport-security: max-age=86400\r\n"), "{answer}");
    }
    let plain = Server::start_with(routes(), Options { hsts: day, ..Options::default() });
    assert_eq!(http::get(plain.address, "/hello/world").header("strict-transport-security"), None);
}
