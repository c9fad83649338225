//! The probe of /health succeeds as long as users are served, and fails for all else that may answer there.

use std::time::Duration;

use monitoring_tests::prometheus::blackbox;
use monitoring_tests::receiver::Receiver;
use system::daemon::Daemon;
use system::demo::{Demo, TOKEN};
use system::http::{self, Connection};
use system::wait;

/// How long a check may take to see what has changed.
const LIMIT: Duration = Duration::from_secs(30);

/// Whether the probe of that address succeeds, and how the exporter came to that.
fn probe(blackbox: &Daemon, target: &str) -> (bool, String) {
    let answer = http::get(blackbox.address(), &format!("/probe?module=health&debug=true&target=http://{target}")).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
    let told =
        answer.body.lines().find_map(|line| line.strip_prefix("probe_success ")).expect("a probe says whether it succeeds");
    (told == "1", answer.body)
}

fn post(demo: &Demo, path: &str, body: &str) {
    let token = format!("Bearer {TOKEN}");
    let headers = [("authorization", &*token), ("connection", "close")];
    let answer = Connection::open(demo.address()).and_then(|mut open| open.request("POST", path, &headers, body)).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
}

fn wait_for(demo: &Demo, status: &str) {
    wait::until(&format!("/health to be {status}"), LIMIT, || {
        let body = http::get(demo.address(), "/health").unwrap().body;
        if body.starts_with(&format!("{{\"status\":\"{status}\"")) { Ok(()) } else { Err(body) }
    });
}

#[test]
fn healthy_and_degraded_succeed_and_unhealthy_fails() {
    let demo = Demo::start(&["--demo-faults", "--health-interval", "200"]);
    let blackbox = blackbox();
    let target = format!("{}/health", demo.address());
    let succeeds = || probe(&blackbox, &target);

    wait_for(&demo, "healthy");
    let (success, how) = succeeds();
    assert!(success, "{how}");

    post(&demo, "/demo/engine", r#"{"paused": true}"#);
    wait_for(&demo, "degraded");
    let (success, how) = succeeds();
    assert!(success, "{how}");

    post(&demo, "/demo/fault", r#"{"debug_adapter": "down", "language_server": "down"}"#);
    wait_for(&demo, "unhealthy");
    let (success, how) = succeeds();
    assert!(!success && how.contains("Invalid HTTP response status code"), "{how}");

    drop(demo);
    let (success, how) = succeeds();
    assert!(!success && how.contains("connection refused"), "{how}");
}

#[test]
fn what_is_no_health_fails_although_it_answers_200() {
    let demo = Demo::start(&[]);
    let blackbox = blackbox();
    for target in
        [format!("{}/", demo.address()), format!("{}/scenes", demo.address()), Receiver::start().address().to_string()]
    {
        let (success, how) = probe(&blackbox, &target);
        assert!(!success && how.contains("did not match regular expression"), "{target}: {how}");
    }
}
