//! The demo's frame loop and its loads, through the binary: what `/demo/engine` and `/demo/fault` do to them, and what health
//! makes of it.
#![cfg(all(feature = "cli", unix))]

#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
#[path = "support/http.rs"]
mod http;
#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
#[path = "support/program.rs"]
mod program;
#[path = "support/scrape.rs"]
mod scrape;

use std::net::SocketAddr;

use serde_json::json;

use http::{Answer, Connection, eventually, get, request};
use program::Program;
use scrape::{sample, sum};

const BEARER: (&str, &str) = ("Authorization", "Bearer test-token");
/// Checks that run often, so that no test waits for seconds.
const OFTEN: [&str; 3] = ["--demo-faults", "--health-interval", "50"];

fn value(address: SocketAddr, series: &str) -> f64 {
    sample(get(address, "/metrics").text(), series).unwrap_or_else(|| panic!("no series {series}"))
}

fn engine(address: SocketAddr, body: &str) -> Answer {
    request(address, "POST", "/demo/engine", &[BEARER], body.as_bytes())
}

fn until_status(address: SocketAddr, check: &str, status: &str) {
    let series = format!("health_check_status{{check=\"{check}\",status=\"{status}\"}}");
    eventually(&series, || (value(address, &series) == 1.0).then_some(()));
}

/// Waits until so many more frames have been drawn.
fn until_frames(address: SocketAddr, more: f64) {
    let before = value(address, "engine_frames_total");
    eventually("frames", || (value(address, "engine_frames_total") >= before + more).then_some(()));
}

#[test]
fn a_paused_engine_draws_nothing_and_is_degraded_until_it_goes_on() {
    let program = Program::serve(&OFTEN);
    let address = program.address;
    until_frames(address, 20.0);
    until_status(address, "engine", "healthy");

    assert_eq!(engine(address, "{\"paused\": true}").json(), json!({ "paused": true, "fps": 60 }));
    until_status(address, "engine", "degraded");
    assert_eq!(value(address, "engine_paused"), 1.0);
    // On a busy machine it may have been slow before it was paused: the log tells of the change, the report of the reason.
    program.error_line("health changed check=\"engine\" from=\"healthy\" to=\"degraded\"");
    eventually("the reason", || {
        let report = request(address, "GET", "/health/check/engine", &[BEARER], b"");
        report.text().contains("paused for").then_some(())
    });
    let frames = value(address, "engine_frames_total");
    until_runs(address, "engine", 3.0);
    assert_eq!(value(address, "engine_frames_total"), frames);
    assert_eq!(get(address, "/health/quick").status, 200);

    assert_eq!(engine(address, "{}").json(), json!({ "paused": false, "fps": 60 }), "what is left out is unpaused, 60");
    until_status(address, "engine", "healthy");
    until_frames(address, 20.0);
    let text = get(address, "/metrics").text().to_owned();
    assert_eq!(sample(&text, "engine_paused"), Some(0.0));
    let (frames, timed) = ("engine_frames_total", "engine_frame_duration_seconds_count");
    assert!((sample(&text, frames).unwrap() - sample(&text, timed).unwrap()).abs() <= 1.0);
}

/// Waits until a check has run so many times more.
fn until_runs(address: SocketAddr, check: &str, more: f64) {
    let series = format!("health_check_duration_seconds_count{{check=\"{check}\"}}");
    let before = value(address, &series);
    eventually("runs", || (value(address, &series) >= before + more).then_some(()));
}

#[test]
fn a_slowed_engine_is_degraded_until_it_is_fast_again() {
    let program = Program::serve(&OFTEN);
    let address = program.address;
    assert_eq!(engine(address, "{\"fps\": 5}").json(), json!({ "paused": false, "fps": 5 }));
    until_status(address, "engine", "degraded");
    assert!(program.error_line("frames a second, fewer than 10").contains("health changed"));
    assert_eq!(value(address, "engine_paused"), 0.0);
    assert_eq!(engine(address, "{\"fps\": 120}").status, 200);
    until_status(address, "engine", "healthy");
    assert_eq!(request(address, "GET", "/demo/engine", &[BEARER], b"").json(), json!({ "paused": false, "fps": 120 }));
}

#[test]
fn the_limit_of_the_frame_rate_can_be_set() {
    let program = Program::serve(&[&OFTEN[..], &["--health-min-fps", "1000"]].concat());
    until_status(program.address, "engine", "degraded");
    program.error_line("frames a second, fewer than 1000");
}

#[test]
fn only_the_user_sets_the_engine_and_only_when_it_is_offered() {
    assert_eq!(engine(Program::serve(&[]).address, "{}").status, 404);

    let program = Program::serve(&["--demo-faults"]);
    let address = program.address;
    let counted = |result: &str| value(address, &format!("auth_attempts_total{{result=\"{result}\"}}"));
    assert_eq!(get(address, "/demo/engine").status, 401);
    assert_eq!(request(address, "POST", "/demo/engine", &[], b"{\"paused\": true}").status, 401);
    assert_eq!(request(address, "POST", "/demo/engine", &[("Authorization", "Bearer other")], b"{}").status, 401);
    assert_eq!((counted("missing_token"), counted("wrong_token"), counted("success")), (2.0, 1.0, 0.0));

    for (body, part) in [
        ("", "no JSON object"),
        ("{\"fps\": 0}", "fps must lie between 1 and 240"),
        ("{\"fps\": 241}", "fps must lie between 1 and 240"),
        ("{\"paused\": \"yes\"}", "expected a boolean"),
        ("{\"speed\": 2}", "unknown field `speed`"),
    ] {
        let answer = engine(address, body);
        assert_eq!(answer.status, 400, "{body}: {}", answer.text());
        assert!(answer.text().contains(part), "{body}: {}", answer.text());
    }
    assert_eq!(counted("success"), 5.0);
    let shown = request(address, "GET", "/demo/engine", &[BEARER], b"").json();
    assert_eq!(shown, json!({ "paused": false, "fps": 60 }), "what is refused sets nothing");
    let text = get(address, "/metrics").text().to_owned();
    assert_eq!(sum(&text, "http_requests_total", &["endpoint=\"/demo/engine\"", "status=\"400\""]), 5.0);
    assert_eq!(sum(&text, "http_requests_total", &["endpoint=\"/demo/engine\"", "status=\"401\""]), 3.0);
}

#[test]
fn a_load_that_is_stuck_is_named_until_it_ends() {
    let program = Program::serve(&[&OFTEN[..], &["--health-stuck-after", "100"]].concat());
    let address = program.address;
    until_status(address, "resource_loader", "healthy");
    let faults = |body: &str| request(address, "POST", "/demo/fault", &[BEARER], body.as_bytes());
    assert_eq!(faults("{\"load_delay_ms\": 60000}").json()["load_delay_ms"], 60_000);
    assert_eq!(request(address, "POST", "/scene", &[BEARER], b"{\"path\": \"none.tscn\"}").status, 404, "nothing to wait for");

    let mut stuck = Connection::open(address);
    stuck.send("POST", "/scene", &[BEARER], b"{\"path\": \"city.tscn\"}");
    until_status(address, "resource_loader", "degraded");
    let line = program.error_line("being loaded: ");
    assert!(line.contains("health changed") && line.contains("stuck, 1 of 1 being loaded: city.tscn for "), "{line}");
    assert_eq!(get(address, "/scenes").status, 200, "nobody else waits");

    // The client goes, and with it its load.
    drop(stuck);
    until_status(address, "resource_loader", "healthy");
    assert_eq!(faults("{}").status, 200);
    assert_eq!(request(address, "POST", "/scene", &[BEARER], b"{\"path\": \"city.tscn\"}").status, 200);
}

#[test]
fn the_engine_ends_with_the_server_paused_or_not() {
    for body in ["{}", "{\"paused\": true}", "{\"fps\": 1}"] {
        let program = Program::serve(&["--demo-faults"]);
        assert_eq!(engine(program.address, body).status, 200);
        program.signal("TERM");
        let (status, _, errors) = program.join();
        assert!(status.success() && !errors.contains("panicked"), "{errors}");
    }
}
