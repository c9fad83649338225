//! `tachograph metrics`, `health`, `profile` and `flamegraph` against servers that are away, broken, foreign or malicious.
#![cfg(all(feature = "cli", unix))]
#![allow(dead_code, reason = "of the tests' own client and server nothing but the patience and the command is needed")]

#[path = "support/ended.rs"]
mod ended;
#[path = "support/http.rs"]
mod http;
#[path = "support/program.rs"]
mod program;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use ended::{Ended, refused};
use program::command;
use serde_json::{Value, json};

const ALL: [&str; 4] = ["metrics", "health", "profile", "flamegraph"];
/// Clears the screen, sets the title, writes below what stands there, and turns the text around.
const HOSTILE: &str = "\x1b[2J\x1b]0;owned\x07\u{9b}31m\u{202e}";

/// A server that does the same with each connection when its request has come, until the test ends.
fn serving(answer: impl Fn(&mut TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let (mut request, mut byte) = (Vec::new(), [0]);
            while !request.ends_with(b"\r\n\r\n") && matches!(stream.read(&mut byte), Ok(1)) {
                request.push(byte[0]);
            }
            answer(&mut stream);
        }
    });
    url
}

/// A server with one answer.
fn answering(head: &str, body: impl AsRef<[u8]>) -> String {
    let body = body.as_ref();
    let mut answer = format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len()).into_bytes();
    answer.extend_from_slice(body);
    // Whoever was told enough by the head does not wait for the body.
    serving(move |stream| drop(stream.write_all(&answer)))
}

fn ran(url: &str, arguments: &[&str]) -> Ended {
    command(arguments).args(["--url", url, "--color", "never"]).output().unwrap().into()
}

/// Checks that each command ends with status 2 and one line on standard error that holds `part`, and writes nothing to standard
/// output but, where JSON is wanted, the same as JSON.
#[track_caller]
fn all_refused(url: &str, arguments: &[&str], part: &str) {
    for name in ALL {
        refused(&ran(url, &[&[name], arguments].concat()), part);
    }
    for name in &ALL[..3] {
        let Ended(status, out, errors) = ran(url, &[&[name, "--json"], arguments].concat());
        assert_eq!((status, out.lines().count()), (Some(2), 1), "{out} {errors}");
        let told: Value = serde_json::from_str(&out).unwrap();
        assert!(told["error"].as_str().is_some_and(|told| told.contains(part)), "{out}");
        refused(&Ended(status, String::new(), errors), part);
    }
}

#[test]
fn a_server_that_is_away_is_told_in_one_line() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    all_refused(&closed, &[], "does an HTTP server listen there?");
    all_refused("ftp://127.0.0.1:1", &[], "is not http:// or https://");
    all_refused("127.0.0.1:99999", &[], "write http://HOST:PORT");
    all_refused("127.0.0.1:1", &["--token-file", "/no/such/file"], "cannot read the token from /no/such/file");
    all_refused("127.0.0.1:1", &["--token", "a b"], "letters, digits and -._~+/= only");
    // Of what is asked for nothing is known before the command line is read.
    refused(&ran("127.0.0.1:1", &["metrics", "--json", "--timeout", "0"]), "from 0.1 to 86400");
}

#[test]
fn a_server_that_breaks_off_or_never_answers_is_told_in_one_line() {
    let silent = serving(|stream| {
        // Held until the client has gone.
        let _gone = stream.read(&mut [0]);
    });
    all_refused(&silent, &["--timeout", "0.2"], "there was no whole answer within 0.2 s");
    all_refused(&serving(|_| {}), &[], "does an HTTP server listen there?");
    all_refused(
        &serving(|stream| drop(stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n"))),
        &[],
        "does an HTTP server listen there, or is it https://?",
    );
    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\na 1\n";
    all_refused(&serving(|stream| drop(stream.write_all(cut.as_bytes()))), &[], "the answer broke off");
    let huge = "HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\na 1\n";
    all_refused(&serving(|stream| drop(stream.write_all(huge.as_bytes()))), &[], "larger than 256 MiB");
}

#[test]
fn an_answer_of_another_kind_is_told_with_what_to_do() {
    for (head, part) in [
        ("401 Unauthorized", "give the server's token with --token-file or TACHOGRAPH_TOKEN"),
        ("404 Not Found", "the answer is 404 Not Found; "),
        ("429 Too Many Requests", "ask more slowly"),
        ("503 Service Unavailable", "try again"),
        ("500 Internal Server Error", "look at the server's log"),
        ("302 Found\r\nLocation: /elsewhere", "\"/elsewhere\", and is not followed"),
        ("200 OK\r\nContent-Encoding: gzip", "encoded as \"gzip\""),
    ] {
        all_refused(&answering(head, "nothing"), &[], part);
    }
    let html = answering("200 OK\r\nContent-Type: text/html", "<html><body>\x1b[2J</body></html>");
    refused(&ran(&html, &["metrics"]), "HTML");
    refused(&ran(&html, &["health"]), "no health report; --path");
    refused(&ran(&html, &["profile"]), "not what Tachograph's server answers");
    refused(&ran(&html, &["flamegraph"]), "not what Tachograph's server answers");
    let garbage: Vec<u8> = (0..=255).cycle().take(10_000).collect();
    all_refused(&answering("200 OK", garbage), &[], "cannot read ");
    let error = json!({ "error": format!("because of {HOSTILE}\nand so on") }).to_string();
    all_refused(&answering("400 Bad Request", error), &[], "because of ");
}

#[test]
fn health_of_others_is_understood() {
    for (head, body, status, part) in [
        ("200 OK\r\nContent-Type: application/health+json", r#"{"status":"pass"}"#, 0, "healthy\n"),
        ("200 OK", r#"{"status":"warn","checks":{"db:responseTime":[{"status":"warn","output":"slow"}]}}"#, 1, "db  degraded"),
        ("503 Down", r#"{"status":"fail","output":"gone"}"#, 2, "! gone\n"),
        ("503 Down", r#"{"status":"DOWN","components":{"db":{"status":"DOWN"}}}"#, 2, "db  unhealthy"),
        ("200 OK\r\nContent-Type: text/plain", "OK", 0, "nothing but 200 and \"OK\""),
    ] {
        let url = answering(head, body);
        let Ended(ended, out, errors) = ran(&url, &["health"]);
        assert_eq!((ended, errors.as_str()), (Some(status), ""), "{out}");
        assert!(out.contains(part), "{out}");
        // What is no JSON is made some.
        let told: Value = serde_json::from_str(&ran(&url, &["health", "--json"]).1).unwrap();
        assert!(["pass", "warn", "fail", "DOWN", "healthy"].iter().any(|word| told["status"] == *word), "{told}");
    }
    refused(&ran(&answering("500 Internal Server Error", "unhealthy"), &["health", "--quiet"]), "500");
}

/// Checks that the run succeeds and shows the hostile text as what it is: nothing in it is obeyed.
#[track_caller]
fn shown_harmlessly(url: &str, arguments: &[&str]) {
    for color in ["never", "always"] {
        let Ended(status, out, errors) = command(arguments).args(["--url", url, "--color", color]).output().unwrap().into();
        assert_eq!((status, errors.as_str()), (Some(0), ""), "{out:?}");
        assert!(out.contains("owned"), "{out:?}");
        // What colours is a number and `m`, and nothing else of that kind is there.
        let colors = out.match_indices('\x1b').filter(|(at, _)| {
            let sequence = out[at + 1..].strip_prefix('[').and_then(|rest| rest.split_once('m'));
            sequence.is_some_and(|(code, _)| code.bytes().all(|byte| byte.is_ascii_digit() || byte == b';'))
        });
        assert_eq!(colors.count(), out.matches('\x1b').count(), "{out:?}");
        let legal =
            |character: char| matches!(character, '\n' | '\x1b') || !(character.is_control() || character == '\u{202e}');
        assert!(out.chars().all(legal) && (color == "always" || !out.contains('\x1b')), "{out:?}");
    }
}

#[test]
fn nothing_that_a_server_says_is_obeyed_by_the_terminal() {
    let label = HOSTILE;
    let text = format!(
        "# HELP a {label}\n# TYPE a gauge\na{{x=\"{label}\\n{label}\"}} 1\n# TYPE h histogram\nh_sum{{x=\"{label}\"}} 1\n"
    );
    let metrics = answering("200 OK", text);
    shown_harmlessly(&metrics, &["metrics"]);
    let Ended(_, out, _) = ran(&metrics, &["metrics", "--json"]);
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(told[0]["series"][0]["labels"]["x"], format!("{label}\n{label}"));
    shown_harmlessly(&metrics, &["metrics", "--json"]);

    let check = json!({ "status": "healthy", "message": label, "duration_ms": 1.0 });
    let health = json!({
        "status": "healthy", "version": label, "checks": { label: check }, "issues": [label], "notes": [label],
    });
    let health = answering("200 OK", serde_json::to_string_pretty(&health).unwrap());
    shown_harmlessly(&health, &["health"]);
    shown_harmlessly(&health, &["health", "--json"]);

    let phase = json!({ "name": label, "duration_ms": 1.0 });
    let profile = json!({
        "request_id": label, "endpoint": label, "method": label, "status": 200, "started_at": label,
        "total_duration_ms": 2.0, "is_slow": true, "phases": [phase], "trace_id": label,
    });
    shown_harmlessly(&answering("200 OK", profile.to_string()), &["profile", "id"]);
    let listing = json!({ "total_profiles": 1, "slow_profiles": 1, "profiles": [profile] });
    let listing = answering("200 OK", listing.to_string());
    shown_harmlessly(&listing, &["profile"]);
    shown_harmlessly(&listing, &["profile", "--json"]);
    let flame = json!({ "name": label, "value": 2, "children": [{ "name": label, "value": 1 }] });
    shown_harmlessly(&answering("200 OK", flame.to_string()), &["flamegraph", "--width", "200"]);
}

#[test]
fn numbers_beyond_all_bounds_end_nothing() {
    let phase = json!({ "name": "p", "duration_ms": 1e300, "start_ms": -1e300, "parent": 0 });
    let profile = json!({
        "request_id": "r", "endpoint": "/", "method": "GET", "status": 65535, "started_at": "é",
        "total_duration_ms": 1e-300, "is_slow": false, "phases": [phase, phase], "phases_dropped": u64::MAX,
    });
    let Ended(status, out, _) = ran(&answering("200 OK", profile.to_string()), &["profile", "r"]);
    assert_eq!(status, Some(0), "{out}");
    let listing = json!({ "total_profiles": u64::MAX, "slow_profiles": 0, "profiles": [profile, profile] });
    assert_eq!(ran(&answering("200 OK", listing.to_string()), &["profile"]).0, Some(0));
    let flame = json!({ "name": "all", "value": 1, "children": [
        { "name": "a", "value": u64::MAX }, { "name": "b", "value": u64::MAX, "children": [{ "name": "c", "value": 0 }] },
    ]});
    assert_eq!(ran(&answering("200 OK", flame.to_string()), &["flamegraph"]).0, Some(0));
    let text = "# TYPE h histogram\nh_bucket{le=\"-Inf\"} 1e300\nh_bucket{le=\"NaN\"} NaN\nh_bucket{le=\"+Inf\"} NaN\n\
                h_count NaN\n# TYPE c counter\nc -Inf\n# TYPE t gauge\nt_timestamp_seconds 1e300\n\
                u_start_time_seconds -1e300\nv_bytes 1e308\n";
    for arguments in [&["metrics"][..], &["metrics", "--json"], &["metrics", "--sort", "value"]] {
        let Ended(status, out, errors) = ran(&answering("200 OK", text), arguments);
        assert_eq!((status, errors.as_str()), (Some(0), ""), "{out}");
    }
    let deep = format!("{}{}", r#"{"name":"a","value":1,"children":["#.repeat(100_000), "]}".repeat(100_000));
    refused(&ran(&answering("200 OK", deep), &["flamegraph"]), "recursion limit");
}
