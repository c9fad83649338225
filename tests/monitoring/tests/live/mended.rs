//! Alerts that are answered by programs: `tachograph webhook` keeps the slowest requests, and starts the server again.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use monitoring_tests::stack::Stack;
use serde_json::Value;
use system::daemon::Daemon;
use system::demo::{TOKEN, repository};
use system::http;
use tempfile::TempDir;

use crate::visitors::{Visit, Visitor};

#[test]
fn programs_keep_the_slowest_requests_and_start_a_killed_server_again() {
    let folder = TempDir::new().expect("a temporary folder");
    let _started = StartedAgain(folder.path());
    // The programs must know the server before it is there.
    let target = free();
    let webhook = webhook(folder.path(), target);
    let mut stack = Stack::telling(target, webhook.address(), &[]);
    let _visitor = Visitor::start(target, Duration::from_millis(100), vec![Visit::LIST]);
    stack.wait_for("ALERTS{alertname=\"Watchdog\"}");

    stack.fault(r#"{"delay_ms": 2500}"#);
    let slowest = stack.wait("the slowest requests to be kept", || {
        let kept = fs::read_to_string(folder.path().join("slowest.json")).map_err(|error| error.to_string())?;
        serde_json::from_str::<Value>(&kept).map_err(|error| format!("{error} in {kept:?}"))
    });
    let first = &slowest["profiles"][0];
    assert_eq!(first["endpoint"], "/scenes", "{slowest}");
    assert!(first["total_duration_ms"].as_f64().expect("a number") >= 2500.0, "{slowest}");

    stack.kill();
    stack.wait("the server to be started again", || {
        let answer = http::get(target, "/health/live").map_err(|error| format!("{error}; {}", webhook.log()))?;
        if answer.status == 200 { Ok(()) } else { Err(answer.body) }
    });
    assert!(folder.path().join("pid").exists(), "it was the program that did it");
    // The fault is not there any more either.
    for alert in ["HTTPAPIDown", "CriticalSlowRequests"] {
        stack.wait(&format!("{alert} to be told as resolved"), || match last_word(&webhook, alert) {
            Some(word) if word == "resolved" => Ok(()),
            other => Err(format!("the last word is {other:?}; {}", webhook.log())),
        });
    }
}

/// The server that was started again. It is ended with the test.
struct StartedAgain<'a>(&'a Path);

impl Drop for StartedAgain<'_> {
    fn drop(&mut self) {
        if let Ok(pid) = fs::read_to_string(self.0.join("pid")) {
            // It fails when the server has ended already.
            let _ = Command::new("kill").args(["-KILL", pid.trim()]).status();
        }
    }
}

/// `tachograph webhook` with the programs.
fn webhook(folder: &Path, target: std::net::SocketAddr) -> Daemon {
    let scripts = repository().join("tests/monitoring/tests/live");
    Daemon::start("/health/live", |_, address| {
        let binary = std::env::var_os("TACHOGRAPH_BIN").expect("TACHOGRAPH_BIN: run these tests by ci/monitoring.sh");
        let mut command = Command::new(binary);
        command.args(["webhook", "--log-format", "json", "--listen", &address.to_string()]);
        for (alert, script) in [("HTTPAPIDown", "start_again.sh"), ("CriticalSlowRequests", "keep_profiles.sh")] {
            command.arg("--run").arg(format!("{alert}={}", scripts.join(script).display()));
        }
        command.env("LIVE_TARGET", target.to_string()).env("LIVE_TOKEN", TOKEN).env("LIVE_FOLDER", folder);
        // The server finds its scenes from there.
        command.current_dir(repository());
        command
    })
}

/// What came last of an alert with an instance, or of all instances: firing while one of them does.
fn last_word(webhook: &Daemon, alert: &str) -> Option<String> {
    let answer = http::get(webhook.address(), "/alerts").expect("the webhook answers");
    let alerts: Value = serde_json::from_str(&answer.body).expect("JSON from the webhook");
    let alerts = alerts["alerts"].as_array().expect("a list of alerts");
    // The newest comes first. Before Prometheus knew its targets, the alert had no instance.
    let is = |told: &&Value| told["labels"]["alertname"] == alert;
    let fired = alerts.iter().find(|told| is(told) && told["status"] == "firing")?;
    let same = alerts.iter().find(|told| is(told) && told["labels"] == fired["labels"])?;
    same["status"].as_str().map(str::to_owned)
}

/// An address where nobody listens.
fn free() -> std::net::SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("a bound listener has an address")
}
