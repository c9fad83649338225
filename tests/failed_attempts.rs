//! Guessing of tokens, at the library's server: who is refused when, and what everybody else sees of it.
#![cfg(feature = "server")]

#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
#[path = "support/http.rs"]
mod http;
#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
#[path = "support/scrape.rs"]
mod scrape;
#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
#[path = "support/server.rs"]
mod support;

use tachograph::health::{CheckOptions, CheckResult, HealthRegistry};
use tachograph::profile::{ProfileOptions, Profiler};
use tachograph::server::{FailureLimit, Options, Route, Routes, Token, Tokens};

use http::{Answer, Connection};
use scrape::sample;
use support::{Server, text};

const RIGHT: &str = "Bearer open-sesame";
const WRONG: &str = "Bearer open-barley";

/// Behind a proxy, so that the requests can come from anywhere; `failures` a minute are allowed.
fn start(failures: u32) -> (Server, Tokens, FailureLimit) {
    let tokens = Tokens::from(Token::new("open-sesame").unwrap());
    let auth_failures = FailureLimit::per_minute(failures);
    let health = HealthRegistry::new();
    health.register("queue", || async { CheckResult::degraded("900 jobs wait") }, CheckOptions::default()).unwrap();
    let options = Options {
        profiler: Some(Profiler::new(ProfileOptions::default())),
        health,
        tokens: tokens.clone(),
        auth_failures: auth_failures.clone(),
        trust_forwarded_for: true,
        ..Options::default()
    };
    let routes = Routes::new().route(Route::get("/debug/own").monitoring(), |_| async { text("open") });
    (Server::start_with(routes, options), tokens, auth_failures)
}

/// Asks with a token, from an address.
fn ask(server: &Server, path: &str, authorization: &str, from: &str) -> Answer {
    let headers = [("Authorization", authorization), ("X-Forwarded-For", from)];
    Connection::open(server.address).request("GET", path, &headers, b"")
}

fn counted(server: &Server, result: &str) -> f64 {
    let series = format!("auth_attempts_total{{result=\"{result}\"}}");
    sample(server.registry.snapshot().text(), &series).unwrap_or_else(|| panic!("no {series}"))
}

#[test]
fn after_so_many_wrong_tokens_the_right_one_is_refused_too() {
    let (server, ..) = start(3);
    let address = "192.0.2.1";
    for result in ["success", "missing_token", "malformed_header", "wrong_token", "too_many_failures"] {
        assert_eq!(counted(&server, result), 0.0, "{result} is there from the start");
    }
    assert_eq!(ask(&server, "/debug/profile", RIGHT, address).status, 200);
    for (path, field) in [("/debug/profile", WRONG), ("/debug/own", "Basic eDp5"), ("/debug/nothing", WRONG)] {
        assert_eq!(ask(&server, path, field, address).status, 401);
    }
    for (path, field) in [("/debug/profile", RIGHT), ("/debug/own", RIGHT), ("/debug/profile", WRONG), ("/debug/nothing", "x")]
    {
        let refused = ask(&server, path, field, address);
        assert_eq!(refused.status, 429, "{path} {field}");
        let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&seconds), "{seconds}");
        assert_eq!(refused.header("www-authenticate"), None);
        assert_eq!(refused.json()["error"], "too many tokens from this address were wrong, wait as long as Retry-After says");
    }
    // Who asks without a token guesses nothing, and who asks from elsewhere has not guessed.
    assert_eq!(Connection::open(server.address).request("GET", "/debug/own", &[("X-Forwarded-For", address)], b"").status, 401);
    assert_eq!(ask(&server, "/debug/own", RIGHT, "192.0.2.2").status, 200);
    assert_eq!(ask(&server, "/metrics", WRONG, address).status, 200, "where no token is asked for none is looked at");
    let expected =
        [("success", 2.0), ("missing_token", 1.0), ("malformed_header", 1.0), ("wrong_token", 2.0), ("too_many_failures", 4.0)];
    for (result, times) in expected {
        assert_eq!(counted(&server, result), times, "{result}");
    }
    let refused = "http_requests_total{endpoint=\"/debug/profile\",method=\"GET\",status=\"429\"}";
    assert_eq!(sample(server.registry.snapshot().text(), refused), Some(2.0));
}

#[test]
fn health_and_debug_count_together_and_health_never_fails_for_it() {
    let (server, ..) = start(2);
    let told = |answer: &Answer| answer.text().contains("900 jobs wait");
    assert!(told(&ask(&server, "/health", RIGHT, "192.0.2.1")));
    assert_eq!(ask(&server, "/debug/own", WRONG, "192.0.2.1").status, 401);
    assert!(!told(&ask(&server, "/health", WRONG, "192.0.2.1")));
    for path in ["/health", "/health/quick", "/health/check/queue"] {
        let answer = ask(&server, path, RIGHT, "192.0.2.1");
        assert!(answer.status == 200 && !told(&answer), "{path}: {}", answer.text());
    }
    assert_eq!(counted(&server, "too_many_failures"), 3.0);
    assert!(told(&ask(&server, "/health", RIGHT, "192.0.2.2")));
}

#[test]
fn a_network_of_ipv6_is_one_client_and_a_forged_entry_before_the_proxys_counts_for_nothing() {
    let (server, ..) = start(1);
    assert_eq!(ask(&server, "/debug/own", WRONG, "2001:db8::1").status, 401);
    assert_eq!(ask(&server, "/debug/own", RIGHT, "2001:db8::ffff:1").status, 429);
    assert_eq!(ask(&server, "/debug/own", RIGHT, "192.0.2.9, 2001:db8::2").status, 429);
    assert_eq!(ask(&server, "/debug/own", RIGHT, "2001:db8::2, 192.0.2.9").status, 200);
}

#[test]
fn handlers_of_ones_own_count_with_the_server() {
    let (server, _, limit) = start(1);
    let refused = limit.judge::<()>("192.0.2.1".parse().unwrap(), Err(tachograph::server::Unauthorized::WrongToken));
    assert_eq!(refused.unwrap_err().label(), "wrong_token");
    assert_eq!(ask(&server, "/debug/own", RIGHT, "192.0.2.1").status, 429);
}

#[test]
fn without_a_limit_guesses_go_on() {
    let (server, ..) = start(0);
    let mut connection = Connection::open(server.address);
    for _ in 0..200 {
        assert_eq!(connection.request("GET", "/debug/own", &[("Authorization", WRONG)], b"").status, 401);
    }
    assert_eq!(ask(&server, "/debug/own", RIGHT, "192.0.2.1").status, 200);
}

#[test]
fn tokens_are_replaced_while_connections_are_open() {
    let (server, tokens, _) = start(100);
    let mut connection = Connection::open(server.address);
    let mut status = |field| connection.request("GET", "/debug/own", &[("Authorization", field)], b"").status;
    assert_eq!((status(RIGHT), status("Bearer next")), (200, 401));
    tokens.replace(["open-sesame", "next"].map(|token| Token::new(token).unwrap()));
    assert_eq!((status(RIGHT), status("Bearer next")), (200, 200));
    tokens.replace([Token::new("next").unwrap()]);
    assert_eq!((status(RIGHT), status("Bearer next")), (401, 200));
    tokens.replace([]);
    assert_eq!((status(RIGHT), status("Bearer next")), (401, 401), "closed, not open to all");
}
