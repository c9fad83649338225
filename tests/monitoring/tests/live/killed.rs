//! No traffic, all connections taken, and the server killed.

use std::time::Duration;

use monitoring_tests::stack::Stack;
use system::http::Connection;

use crate::visitors::{Visit, Visitor};

/// Of `--max-connections 20`, with a few more for the scrapes: above the 0.8 of the alert.
const HELD: usize = 17;

#[test]
fn silence_crowds_and_a_killed_server_are_told_and_nothing_else_of_what_is_down() {
    let mut stack = Stack::start_well(&["--max-connections", "20"]);
    // Nobody has come yet, and that is told to who wants to know.
    let told = stack.wait_until_told("LowRequestRate", "info", "firing");
    assert_eq!((told.label("severity"), told.label("signal")), ("info", "traffic"));

    let held: Vec<Connection> = (0..HELD).map(|_| idle(&stack)).collect();
    let told = stack.wait_until_told("HighActiveConnections", "warning", "firing");
    assert_eq!((told.label("component"), told.label("signal")), ("http", "saturation"));
    drop(held);

    let visitor = Visitor::start(stack.target(), Duration::from_millis(100), vec![Visit::LIST, Visit::guess()]);
    stack.wait_until_told("LowRequestRate", "info", "resolved");
    stack.wait_until_told("HighActiveConnections", "warning", "resolved");
    stack.wait_until_told("CriticalAuthFailureRate", "security", "firing");

    // No instance left: the alert has none, and mutes what sums over instances.
    stack.forget_target();
    let told = stack.wait_until_told("HTTPAPIDown", "critical", "firing");
    assert_eq!(told.label("instance"), "");
    stack.wait_until_muted("CriticalAuthFailureRate", "HTTPAPIDown");
    stack.discover_target();
    stack.wait_until_told("HTTPAPIDown", "critical", "resolved");

    let highest = highest_rate(&stack);
    stack.kill();
    let told = stack.wait_until_told("HTTPAPIDown", "critical", "firing");
    assert_eq!((told.label("component"), told.label("signal")), ("http", "availability"));
    assert_eq!(told.label("instance"), stack.target().to_string());
    stack.assert_runbooks_open();
    let answered = visitor.answered();
    stack.restart();
    stack.wait_until_told("HTTPAPIDown", "critical", "resolved");
    stack.wait("the visitor to be answered again", || match visitor.answered() {
        more if more > answered + 10 => Ok(()),
        more => Err(format!("{more} answers, {answered} before")),
    });
    // The counters began anew at 0, which is no burst: the visitor, who does not come more often, makes no higher rate.
    stack.wait_for("job:http_requests:rate5m > 1");
    let after = highest_rate(&stack);
    assert!(after < 2.0 * highest, "{after} requests a second, {highest} before\n{}", stack.state());
    let expected = [
        "CriticalAuthFailureRate",
        "HTTPAPIDown",
        "HighActiveConnections",
        "HighAuthFailureRate",
        "LowRequestRate",
        "Watchdog",
    ];
    let told = stack.names_told();
    assert!(told.iter().all(|name| expected.contains(&name.as_str())), "{told:?}\n{}", stack.state());
}

/// A connection that was used once and is kept.
fn idle(stack: &Stack) -> Connection {
    let mut connection = Connection::open(stack.target()).expect("the server listens");
    let answer = connection.request("GET", "/health/live", &[], "").expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.body);
    connection
}

/// The highest rate of requests that was recorded so far.
fn highest_rate(stack: &Stack) -> f64 {
    stack.api().number("max_over_time(job:http_requests:rate5m[10m])").parse().expect("a number")
}
