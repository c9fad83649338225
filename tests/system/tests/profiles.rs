//! The demo's profiles, as somebody meets them who comes late: after its own traffic and a hundred thousand fast requests.

use std::net::SocketAddr;

use serde_json::Value;
use system::demo::{Demo, TOKEN};
use system::http::Connection;
use system::wait;

/// How many fast requests come between the slow ones and who looks for them.
const FAST: usize = 100_000;

/// Connections that send them. More would only wait for one another.
const SENDERS: usize = 4;

fn ask(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> String {
    let bearer = format!("Bearer {TOKEN}");
    let headers = [&[("authorization", &*bearer), ("connection", "close")], headers].concat();
    let connection = Connection::open(address);
    let response = connection.and_then(|mut connection| connection.request(method, path, &headers, body)).expect("an answer");
    assert_eq!(response.status, 200, "{path}: {}", response.body);
    response.body
}

fn profile(address: SocketAddr, query: &str) -> Value {
    let body = ask(address, "GET", &format!("/debug/profile{query}"), &[], "");
    serde_json::from_str(&body).unwrap_or_else(|cause| panic!("{cause}: {body}"))
}

/// Ids of the profiles of an answer.
fn ids(answer: &Value) -> Vec<&str> {
    let profiles = answer["profiles"].as_array().expect("a list").iter();
    profiles.map(|profile| profile["request_id"].as_str().expect("an id")).collect()
}

/// How long they took, in milliseconds.
fn durations(answer: &Value) -> Vec<f64> {
    let profiles = answer["profiles"].as_array().expect("a list").iter();
    profiles.map(|profile| profile["total_duration_ms"].as_f64().expect("a number")).collect()
}

fn send_fast(address: SocketAddr) {
    std::thread::scope(|scope| {
        for _ in 0..SENDERS {
            scope.spawn(|| {
                let mut connection = Connection::open(address).expect("the demo accepts");
                for _ in 0..FAST / SENDERS {
                    let answer = connection.request("GET", "/scene", &[], "").expect("an answer");
                    assert_eq!(answer.status, 200);
                }
            });
        }
    });
}

#[test]
fn slow_scene_loads_are_found_after_a_hundred_thousand_fast_requests() {
    let demo = Demo::start(&["--traffic", "20", "--rate-limit", "0"]);
    let address = demo.address();
    let slow = wait::until("slow requests of the demo's own traffic", wait::LIMIT, || {
        let slow = profile(address, "?slow=true&sort=slowest&method=POST&endpoint=/scene");
        if ids(&slow).len() >= 3 { Ok(slow) } else { Err(slow.to_string()) }
    });
    send_fast(address);

    let summary = profile(address, "/summary");
    assert!(summary["recorded"].as_u64() > Some(FAST as u64), "{summary}");
    let later = profile(address, "?slow=true&sort=slowest&limit=200");
    let took = durations(&later);
    assert!(took.is_sorted_by(|a, b| a >= b), "{took:?}");
    let slowest = ids(&slow)[0];
    // A machine that is busy with the fast ones may have made so many slow that there is room for slower ones alone.
    let slower = took.iter().filter(|took| **took >= durations(&slow)[0]).count();
    assert!(ids(&later).contains(&slowest) || slower >= 3, "{slowest} is not among {:?}", ids(&later));

    ask(address, "POST", "/scene", &[("x-request-id", "the largest")], "{\"path\":\"city.tscn\"}");
    let largest = profile(address, "?request_id=the%20largest");
    assert_eq!(ids(&largest), ["the largest"]);
    let frames = profile(address, "/flamegraph?request_id=the%20largest");
    let route = &frames["children"][0];
    assert_eq!(route["name"], "POST /scene");
    let value = |frame: &Value| frame["value"].as_f64().expect("a number");
    let widest = route["children"].as_array().expect("frames").iter().max_by(|a, b| value(a).total_cmp(&value(b)));
    assert_eq!(widest.expect("phases")["name"], "file_io", "{frames}");

    let folded = ask(address, "GET", "/debug/profile/flamegraph?format=folded&request_id=the%20largest", &[], "");
    let own: u64 =
        folded.lines().map(|line| line.rsplit(' ').next().expect("a number").parse::<u64>().expect("a number")).sum();
    let total = largest["profiles"][0]["total_duration_ms"].as_f64().expect("a number") * 1e3;
    assert!((own as f64 - total).abs() <= 0.5, "{own} µs of {total} µs:\n{folded}");
}
