//! Errors, guessed tokens and a flood, at once: three signals that do not disturb each other.

use std::time::Duration;

use monitoring_tests::stack::{Stack, labels};

use crate::visitors::{Visit, Visitor};

#[test]
fn errors_guesses_and_a_flood_are_told_to_whom_they_concern() {
    // So low that one client runs into it and another one need not.
    // Without the limit to failed authentications, which would refuse the good clients of the guesser's address with it.
    let stack = Stack::start_well(&["--rate-limit", "30", "--rate-burst", "30", "--auth-failures", "0"]);
    let _visitor = Visitor::start(stack.target(), Duration::from_millis(200), vec![Visit::LIST]);
    stack.wait_for("job:http_requests:rate5m > 1");
    stack.assert_well();

    stack.fault(r#"{"error_share": 0.5}"#);
    // So often that one scrape is enough for the critical limit: one that is passed later than the warning's tells both.
    let guesser = Visitor::start(stack.target(), Duration::from_millis(60), vec![Visit::guess()]);
    // With the token: another bucket than that of the address of the two.
    let flood: Vec<Visitor> =
        (0..2).map(|_| Visitor::start(stack.target(), Duration::from_millis(5), vec![Visit::load()])).collect();

    let told = stack.wait_until_told("HighHTTPErrorRate", "critical", "firing");
    let expected = [
        ("alertname", "HighHTTPErrorRate"),
        ("component", "http"),
        ("job", "http_api"),
        ("severity", "critical"),
        ("signal", "errors"),
    ];
    assert_eq!(told.labels, labels(&expected), "the label grafana is taken off, and nothing else is added");
    assert!(told.annotations["summary"].ends_with("% of the requests to http_api fail"), "{told:?}");
    stack.wait_until_muted("EndpointHighErrorRate", "HighHTTPErrorRate");
    let told = stack.wait_until_told("HTTPAPIErrorBudgetBurn", "critical", "firing");
    assert_eq!((told.label("component"), told.label("signal")), ("slo", "errors"));

    let told = stack.wait_until_told("CriticalAuthFailureRate", "security", "firing");
    assert_eq!((told.label("severity"), told.label("signal")), ("critical", "auth"));
    stack.wait_until_muted("HighAuthFailureRate", "CriticalAuthFailureRate");

    let told = stack.wait_until_told("HighRateLimitHits", "security", "firing");
    assert_eq!((told.label("severity"), told.label("component")), ("warning", "security"));
    // Those that are muted, while what mutes them fires.
    stack.never_told(&["EndpointHighErrorRate", "HighAuthFailureRate"]);
    stack.assert_runbooks_open();

    drop((guesser, flood));
    stack.fault("{}");
    for (alert, receiver) in
        [("HighHTTPErrorRate", "critical"), ("CriticalAuthFailureRate", "security"), ("HighRateLimitHits", "security")]
    {
        stack.wait_until_told(alert, receiver, "resolved");
    }
    assert!(stack.told().iter().all(|told| told.alert() != "Watchdog" || told.status == "firing"), "{}", stack.state());
}
