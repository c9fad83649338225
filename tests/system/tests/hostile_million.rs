//! A million requests that have nothing in common: methods, paths, hosts, addresses of clients, scenes, ids of requests and traces are all
//! made up. The program's memory stays within a bound, and each request is counted.

use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use system::demo::{Demo, TOKEN};
use system::http;
use tachograph_check::Exposition;

const REQUESTS: usize = 1_000_000;
const CONNECTIONS: usize = 4;

/// Requests that are on their way on a connection.
const PIPELINED: usize = 100;

/// Requests after which every thread of the program has the memory that it needs.
const WARM: usize = 20_000;

/// What the million may add to the resident set, in KiB. Measured: 2 524, most of it the table of clients' addresses, which has room for
/// 10 000. Nine bytes that are kept of each request would be as much as this.
const MOST_KIB: u64 = 8 * 1_024;

/// Appends a request, and tells the status that it is to get.
fn invent(number: usize, text: &mut String) -> u16 {
    let (line, rest, status) = match number % 4 {
        0 => (format!("M{number} /invented/{number}?{number}"), "\r\n".to_owned(), 404),
        1 => (format!("GET /invented/{number}/{number}"), "\r\n".to_owned(), 404),
        // Nobody loads a scene that there is.
        2 => ("GET /scene".to_owned(), "\r\n".to_owned(), 404),
        _ => {
            let body = format!("{{\"path\":\"invented_{number}.tscn\"}}");
            (
                "POST /scene".to_owned(),
                format!("authorization: Bearer {TOKEN}\r\ncontent-length: {}\r\n\r\n{body}", body.len()),
                404,
            )
        }
    };
    // A network of its own for each: what stands for a client is the first half of its address.
    let address = format!("2001:db8:{:x}:{:x}::1", number >> 16, number & 0xffff);
    write!(
        text,
        "{line} HTTP/1.1\r\nhost: {number}.example\r\nx-forwarded-for: {address}\r\nx-request-id: {number}\r\n\
         traceparent: 00-{:032x}-00f067aa0ba902b7-01\r\n{rest}",
        number + 1
    )
    .expect("a text takes all");
    status
}

/// Reads answers and tells their statuses. It makes nothing of what it reads: a million answers are many.
struct Answers {
    stream: TcpStream,
    read: Vec<u8>,
    /// What of it is used up.
    used: usize,
}

impl Answers {
    fn next(&mut self) -> u16 {
        loop {
            let rest = &self.read[self.used..];
            let end = rest.windows(4).position(|window| window == b"\r\n\r\n");
            let head = end.map(|end| std::str::from_utf8(&rest[..end]).expect("a head is ASCII"));
            if let (Some(end), Some(head)) = (end, head) {
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                let length: usize = length.expect("an answer that tells its length").parse().expect("a length");
                if rest.len() >= end + 4 + length {
                    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
                    self.used += end + 4 + length;
                    return status;
                }
            }
            self.read.drain(..self.used);
            self.used = 0;
            let mut more = [0; 64 * 1_024];
            let len = self.stream.read(&mut more).expect("an answer");
            assert!(len > 0, "the connection is closed before all is answered");
            self.read.extend_from_slice(&more[..len]);
        }
    }
}

fn attack(address: SocketAddr, numbers: std::ops::Range<usize>) {
    thread::scope(|scope| {
        for connection in 0..CONNECTIONS {
            let numbers = numbers.clone();
            scope.spawn(move || {
                let mut stream = TcpStream::connect(address).expect("it listens");
                let patience = Some(Duration::from_secs(60));
                stream
                    .set_read_timeout(patience)
                    .and_then(|()| stream.set_write_timeout(patience))
                    .expect("sockets have timeouts");
                let mut answers = Answers { stream: stream.try_clone().expect("a second handle"), read: Vec::new(), used: 0 };
                let mine: Vec<usize> = numbers.skip(connection).step_by(CONNECTIONS).collect();
                let mut text = String::new();
                for batch in mine.chunks(PIPELINED) {
                    text.clear();
                    let expected: Vec<u16> = batch.iter().map(|&number| invent(number, &mut text)).collect();
                    stream.write_all(text.as_bytes()).expect("it takes requests");
                    expected.into_iter().for_each(|status| assert_eq!(answers.next(), status));
                }
            });
        }
    });
}

#[test]
fn a_million_requests_with_nothing_in_common_are_counted_and_not_kept() {
    let options = ["--trust-forwarded-for", "--rate-limit", "1000000", "--rate-burst", "1000000", "--log-level", "error"];
    let mut demo = Demo::start_optimised(&options);
    attack(demo.address(), 0..WARM);
    let before = demo.resident_kib();
    attack(demo.address(), WARM..REQUESTS);
    let after = demo.resident_kib();
    println!("{before} KiB after {WARM} requests, {after} KiB after {REQUESTS}");
    assert!(after.saturating_sub(before) <= MOST_KIB, "{after} KiB after {before} KiB");

    let scrape: Exposition = tachograph_check::parse(demo.scrape().as_bytes()).expect("a scrape without a fault");
    let counted = |(name, value)| scrape.sum("http_requests_total", |sample| sample.label(name) == Some(value));
    assert_eq!([counted(("endpoint", "unmatched")), counted(("endpoint", "/scene"))], [(REQUESTS / 2) as f64; 2]);
    assert_eq!(counted(("method", "other")), (REQUESTS / 4) as f64);
    let errors = scrape.value("scene_load_errors_total", &[("error_type", "not_found")]);
    assert_eq!(errors, Some((REQUESTS / 4) as f64));
    // No client has brought a name: routes and phases are the program's.
    assert_eq!(scrape.value("tachograph_profile_names_refused_total", &[]), Some(0.0));
    assert_eq!(scrape.sum("tachograph_series_refused_total", |_| true), 0.0);

    assert_eq!(http::get(demo.address(), "/health/live").expect("an answer").status, 200);
    demo.terminate();
    assert!(demo.exit_status().success(), "on stderr:\n{}", demo.log());
    assert!(!demo.log().contains("panicked"), "{}", demo.log());
}
