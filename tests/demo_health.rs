//! The demo's health, as its metrics and its log tell it: the connections to a debug adapter and a language server.
#![cfg(all(feature = "cli", unix))]

#[path = "support/http.rs"]
#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
mod http;
#[path = "support/program.rs"]
#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
mod program;
#[path = "support/scrape.rs"]
#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
mod scrape;

use std::net::{SocketAddr, TcpListener};

use serde_json::{Value, json};

use http::{Answer, eventually, get, request};
use program::Program;
use scrape::sample;

const BEARER: (&str, &str) = ("Authorization", "Bearer test-token");
/// Runs of the checks come soon after what they are to notice.
const SOON: [&str; 3] = ["--demo-faults", "--health-interval", "50"];

fn set(address: SocketAddr, setting: &Value) -> Answer {
    request(address, "POST", "/demo/fault", &[BEARER], setting.to_string().as_bytes())
}

fn present(address: SocketAddr) -> Value {
    request(address, "GET", "/demo/fault", &[BEARER], b"").json()
}

/// Waits until the check has that status, and no other.
fn becomes(address: SocketAddr, status: &str) {
    eventually(status, || {
        let text = get(address, "/metrics").text().to_owned();
        let has = |status: &str| sample(&text, &format!("health_check_status{{check=\"dap_lsp\",status=\"{status}\"}}"));
        let of_all = ["healthy", "degraded", "unhealthy"].map(|known| has(known).expect("all three are there"));
        assert!(of_all.iter().sum::<f64>() <= 1.0, "{of_all:?}");
        (has(status) == Some(1.0)).then_some(())
    });
}

/// The line of the log that tells of a change to this status, in which `part` stands.
fn change(program: &Program, to: &str, part: &str) -> String {
    let start = format!("health changed check=\"dap_lsp\" from=\"healthy\" to=\"{to}\"");
    eventually(part, || {
        let errors = program.errors();
        errors.lines().find(|line| line.contains(&start) && line.contains(part)).map(str::to_owned)
    })
}

#[test]
fn stopping_one_degrades_and_stopping_both_is_unhealthy() {
    let program = Program::serve(&SOON);
    let address = program.address;
    becomes(address, "healthy");
    let scraped = get(address, "/metrics");
    let runs = sample(scraped.text(), "health_check_duration_seconds_count{check=\"dap_lsp\"}");
    assert!(runs >= Some(1.0), "{runs:?}");

    let answer = set(address, &json!({ "debug_adapter": "down" }));
    assert_eq!((answer.status, &answer.json()), (200, &present(address)));
    assert_eq!((&answer.json()["debug_adapter"], &answer.json()["language_server"]), (&json!("down"), &json!("up")));
    becomes(address, "degraded");
    change(&program, "degraded", "the debug adapter at 127.0.0.1:");

    assert_eq!(set(address, &json!({ "debug_adapter": "down", "language_server": "down" })).status, 200);
    becomes(address, "unhealthy");
    assert_eq!(set(address, &json!({ "language_server": "down" })).status, 200);
    becomes(address, "degraded");
    assert_eq!(set(address, &json!({})).json()["language_server"], "up");
    becomes(address, "healthy");
    assert_eq!(set(address, &json!({ "debug_adapter": "asleep" })).status, 400);
    becomes(address, "healthy");
}

#[test]
fn one_that_falls_silent_is_noticed_on_the_connection_that_there_is() {
    let program = Program::serve(&SOON);
    let address = program.address;
    becomes(address, "healthy");
    assert_eq!(set(address, &json!({ "language_server": "silent" })).json()["language_server"], "silent");
    becomes(address, "degraded");
    // Not at `initialize`, where a new connection would begin.
    let line = change(&program, "degraded", "the language server at 127.0.0.1:");
    assert!(line.contains("is down, tachograph/ping: no answer within 500 ms"), "{line}");
    assert_eq!(set(address, &json!({ "debug_adapter": "down", "language_server": "silent" })).status, 200);
    becomes(address, "unhealthy");
    assert_eq!(set(address, &json!({ "debug_adapter": "silent" })).status, 200);
    becomes(address, "degraded");

    // A run is most likely under way when this comes.
    program.signal("TERM");
    let (status, _, errors) = program.join();
    assert!(status.success() && !errors.contains("panicked"), "{errors}");
}

#[test]
fn one_whose_port_is_taken_meanwhile_stays_down_and_says_so() {
    let program = Program::serve(&[&SOON[..], &["--log-level", "debug"]].concat());
    let address = program.address;
    let line = program.error_line("the demo's language server listens");
    let port = line.rsplit(':').next().unwrap();
    assert_eq!(set(address, &json!({ "language_server": "down" })).status, 200);
    becomes(address, "degraded");
    let taken = TcpListener::bind(format!("127.0.0.1:{port}")).expect("nobody listens there");
    for mode in ["up", "silent"] {
        let answer = set(address, &json!({ "language_server": mode }));
        let told = answer.json()["error"].to_string();
        assert!(answer.status == 503 && told.contains("the language server stays down, it cannot listen on"), "{told}");
        assert_eq!(present(address)["language_server"], "down");
    }
    drop(taken);
    assert_eq!(set(address, &json!({})).status, 200);
    becomes(address, "healthy");
}

#[test]
fn those_of_an_editor_are_watched_in_place_of_the_demos_own_and_not_meddled_with() {
    let editor = Program::serve(&["--log-level", "debug"]);
    let port = |name: &str| {
        let line = editor.error_line(&format!("the demo's {name} listens"));
        line.rsplit(':').next().unwrap().to_owned()
    };
    let debug_adapter = format!("localhost:{}", port("debug adapter"));
    let program = Program::serve(&[&SOON[..], &["--debug-adapter", &debug_adapter]].concat());
    let address = program.address;
    becomes(address, "healthy");
    assert_eq!(present(address).get("debug_adapter"), None);
    for mode in ["up", "down"] {
        let answer = set(address, &json!({ "debug_adapter": mode, "language_server": "down" }));
        let told =
            format!("debug_adapter cannot be set: --debug-adapter {debug_adapter} is watched, which is not the demo's own");
        assert_eq!((answer.status, answer.json()["error"].as_str()), (400, Some(&*told)));
        assert_eq!(present(address)["language_server"], "up", "it is all or nothing");
    }
    drop(editor);
    becomes(address, "degraded");
    change(&program, "degraded", &format!("the debug adapter at {debug_adapter} is down, "));
    assert_eq!(set(address, &json!({ "language_server": "down" })).status, 200);
    becomes(address, "unhealthy");

    let language_server = format!("127.0.0.1:{}", port_of_nobody());
    let program = Program::serve(&[&SOON[..], &["--language-server", &language_server]].concat());
    becomes(program.address, "degraded");
}

fn port_of_nobody() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
