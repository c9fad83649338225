//! The demo under clients that make up everything: methods, paths, addresses, scenes, ids of requests and of traces. What it holds in memory
//! stays within a bound, with an address space that is small too, and every request is counted.
//!
//! Tens of thousands of them, for this is a build without optimisation; `tests/system` sends more than a million.
#![cfg(all(feature = "cli", target_os = "linux"))]

#[path = "support/http.rs"]
#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
mod http;
#[path = "support/program.rs"]
#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
mod program;
#[path = "support/scrape.rs"]
mod scrape;

use std::fmt::Write;
use std::net::SocketAddr;
use std::process::Command;
use std::thread;

use http::{Connection, get, request};
use program::{Program, TOKEN, command};
use scrape::{sample, sum};

/// Connections at once, and requests that are on their way on each.
const CONNECTIONS: usize = 4;
const PIPELINED: usize = 50;

/// What an attack may add to the demo's resident set, in KiB. Measured: 1 200 to 1 800, of which the table of clients' addresses is the most.
/// Half a kilobyte that is kept of each request would be as much as this.
const MOST_KIB: u64 = 8 * 1_024;

/// The address space of the demo with little memory, in KiB: twice what was found to be enough. Most of it is not memory but the stacks of
/// threads, 2 MiB each.
const ADDRESS_SPACE_KIB: u64 = 192 * 1_024;

/// What goes with it: as many threads on each machine, and not for each of them the 64 MiB that glibc's allocator reserves of the address
/// space, of which it then uses some kilobytes. (Left to itself it does with 1 GiB, and not with 512 MiB.)
const LITTLE: [(&str, &str); 2] = [("TOKIO_WORKER_THREADS", "2"), ("MALLOC_ARENA_MAX", "2")];

/// What the demo is to be told: no client is limited, but each has a place in the table of clients.
const OPTIONS: [&str; 5] = ["--trust-forwarded-for", "--rate-limit", "1000000", "--rate-burst", "1000000"];

/// What a process holds in memory now, in KiB.
fn resident_kib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it has a resident set");
    line.trim().trim_end_matches(" kB").parse().expect("it is a number")
}

/// One request of many, and the status that it gets.
fn invented(number: usize, text: &mut String) -> u16 {
    let (first, rest, status) = match number % 3 {
        0 => (format!("M{number} /invented/{number:08}?{number}"), String::new(), 404),
        // Nobody has loaded a scene.
        1 => ("GET /scene".to_owned(), String::new(), 404),
        _ => {
            let body = format!("{{\"path\":\"invented_{number}.tscn\"}}");
            let rest = format!("Authorization: Bearer {TOKEN}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            ("POST /scene".to_owned(), rest, 404)
        }
    };
    let rest = if rest.is_empty() { "\r\n" } else { &rest };
    let address = format!("2001:db8:{:x}:{:x}::1", number >> 16, number & 0xffff);
    write!(
        text,
        "{first} HTTP/1.1\r\nHost: {number}.example\r\nX-Forwarded-For: {address}\r\nX-Request-Id: {number:0100}\r\n\
         traceparent: 00-{:032x}-{:016x}-01\r\n{rest}",
        number + 1,
        number + 1
    )
    .expect("a text takes all");
    status
}

/// Sends so many requests, all different, and checks that each is answered as it should be.
fn attack(address: SocketAddr, requests: usize) {
    thread::scope(|scope| {
        for connection in 0..CONNECTIONS {
            scope.spawn(move || {
                let numbers: Vec<usize> = (connection..requests).step_by(CONNECTIONS).collect();
                let mut client = Connection::open(address);
                for numbers in numbers.chunks(PIPELINED) {
                    let mut text = String::new();
                    let expected: Vec<u16> = numbers.iter().map(|&number| invented(number, &mut text)).collect();
                    client.write(text.as_bytes()).expect("it takes requests");
                    let statuses: Vec<u16> = numbers.iter().map(|_| client.read(true).expect("an answer").status).collect();
                    assert_eq!(statuses, expected);
                }
            });
        }
    });
}

/// Checks that all of them are counted, and that the demo is as well as before.
fn check(program: &Program, requests: usize) {
    let scraped = get(program.address, "/metrics").text().to_owned();
    let counted = |endpoint: &str| sum(&scraped, "http_requests_total", &[&format!("endpoint=\"{endpoint}\"")]);
    assert_eq!(
        (counted("unmatched"), counted("/scene")),
        (requests.div_ceil(3) as f64, (requests - requests.div_ceil(3)) as f64)
    );
    assert_eq!(
        sum(&scraped, "http_requests_total", &["endpoint=\"unmatched\"", "method=\"other\""]),
        requests.div_ceil(3) as f64
    );
    let loads = sample(&scraped, "scene_load_errors_total{error_type=\"not_found\"}");
    assert_eq!(loads, Some((requests / 3) as f64));
    // Routes and phases have names of their own, and no client has one.
    assert_eq!(sample(&scraped, "tachograph_profile_names_refused_total"), Some(0.0));
    assert_eq!(sum(&scraped, "tachograph_series_refused_total", &[]), 0.0);

    let profiles =
        request(program.address, "GET", "/debug/profile/summary", &[("Authorization", &format!("Bearer {TOKEN}"))], b"");
    assert_eq!(profiles.status, 200, "{}", profiles.text());
    assert_eq!(get(program.address, "/health/live").status, 200);
    assert!(!program.errors().contains("panicked"), "{}", program.errors());
}

fn ends_well(program: Program) {
    program.signal("TERM");
    let (status, _, errors) = program.join();
    assert!(status.success() && !errors.contains("panicked"), "{status}: {errors}");
}

#[test]
fn the_demo_counts_what_clients_make_up_and_keeps_none_of_it() {
    const REQUESTS: usize = 15_000;
    let program = Program::serve(&OPTIONS);
    // Its threads have their memory after these.
    attack(program.address, 300);
    let before = resident_kib(program.child.id());
    // The numbers come again, with others behind them.
    attack(program.address, REQUESTS);
    let after = resident_kib(program.child.id());
    println!("{before} KiB before, {after} KiB after");
    assert!(after.saturating_sub(before) <= MOST_KIB, "{after} KiB after {before} KiB");
    check(&program, 300 + REQUESTS);
    ends_well(program);
}

#[test]
fn the_demo_does_not_fall_over_in_a_small_address_space() {
    const REQUESTS: usize = 6_000;
    let serve = command(&[&["serve", "--listen", "127.0.0.1:0", "--token", TOKEN], &OPTIONS[..]].concat());
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -v \"$0\" && exec \"$@\"", &ADDRESS_SPACE_KIB.to_string()]).arg(serve.get_program());
    limited.args(serve.get_args()).env_remove("TACHOGRAPH_TOKEN").envs(LITTLE);
    limited.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let program = Program::start(&mut limited);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", program.child.id())).expect("it runs");
    let limit = limits.lines().find(|line| line.starts_with("Max address space")).expect("there is such a limit");
    assert!(limit.contains(&(ADDRESS_SPACE_KIB * 1_024).to_string()), "{limit}");
    attack(program.address, REQUESTS);
    check(&program, REQUESTS);
    ends_well(program);
}
