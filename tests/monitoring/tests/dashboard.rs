//! Every query of the dashboard, asked of two generations of Prometheus that scrape the demo with the shipped jobs and rules.

use std::fs;
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use monitoring_tests::dashboard::{self, Query};
use monitoring_tests::prometheus::shipped;
use monitoring_tests::stack::Stack;
use serde_json::Value;
use system::demo::TOKEN;
use system::http::Connection;
use system::wait;

const LIMIT: Duration = Duration::from_secs(45);

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

fn dashboard() -> Value {
    let text = fs::read_to_string(shipped(monitoring::dashboard::PATH)).expect("the dashboard");
    serde_json::from_str(&text).expect("it is JSON")
}

/// Asks one query, and judges the answer.
fn asked(prometheus: SocketAddr, query: &Query) -> Result<(), String> {
    let refused = |told: String| format!("{}: {told}: {}", query.place, query.expression);
    let expression = dashboard::filled(&query.expression).map_err(refused)?;
    let result = dashboard::ask(prometheus, &expression, query.instant).map_err(refused)?;
    dashboard::judged(query, &result)
}

/// All that is wrong with the queries.
fn wrong(prometheus: SocketAddr, queries: &[Query]) -> Vec<String> {
    queries.iter().filter_map(|query| asked(prometheus, query).err()).collect()
}

/// A request of a client that traces, and sends so slowly that none of the others gets into its bucket: the exemplar of a bucket is
/// the first request in it for a good while.
fn traced_request(target: SocketAddr) {
    let body = r#"{"path": "lobby.tscn"}"#;
    let (first, rest) = body.split_at(body.len() / 2);
    let mut connection = Connection::open(target).expect("the demo listens");
    let head = format!(
        "POST /scene HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {TOKEN}\r\n\
         traceparent: 00-{TRACE}-b7ad6b7169203331-01\r\ncontent-length: {}\r\n\r\n{first}",
        body.len()
    );
    connection.send(&head).expect("the demo reads");
    thread::sleep(Duration::from_millis(5_500));
    connection.send(rest).and_then(|()| connection.receive()).expect("an answer");
}

#[test]
fn every_query_yields_data_and_names_labels_that_are_there() {
    // Everything that a panel may show happens: errors, failed logins, the rate limit, a check that changes, alerts that fire.
    // Nobody is told of the alerts: who would be, listens at a port that nobody may listen at.
    let loopback = |port| SocketAddr::from(([127, 0, 0, 1], port));
    let stack = Stack::telling(loopback(0), loopback(1), &["--traffic", "60", "--max-connections", "200"]);
    let program = std::env::var_os("TACHOGRAPH_PROMETHEUS_TRIXIE").expect("run this by ci/monitoring.sh");
    let later = stack.another_prometheus(program);
    // Before anything changes, so that both see the change.
    wait::until("the second Prometheus to scrape", LIMIT, || {
        let up = dashboard::ask(later.address(), "up{job=\"http_api\"} == 1", true)?;
        if dashboard::list(&up).is_empty() { Err("it has not".to_owned()) } else { Ok(()) }
    });
    let target = stack.target();
    let traced = thread::spawn(move || traced_request(target));
    stack.fault(r#"{"error_share": 0.4, "debug_adapter": "down"}"#);
    let dashboard = dashboard();
    let queries = dashboard::queries(&dashboard);
    assert!(queries.len() > 80, "{} queries are not the whole dashboard", queries.len());

    traced.join().expect("the request is answered");
    for prometheus in [stack.prometheus(), later.address()] {
        wait::until("every query to yield data", LIMIT, || {
            let wrong = wrong(prometheus, &queries);
            if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
        });
        every_metric_is_known(prometheus, &queries);
        every_variable_has_values(prometheus, &dashboard);
        exemplars_lead_to_traces(prometheus, &queries);
        what_is_misspelt_is_found(prometheus, &queries);
    }
}

/// What an `or` covers would yield data under any name.
fn every_metric_is_known(prometheus: SocketAddr, queries: &[Query]) {
    let known = dashboard::known(prometheus).expect("what Prometheus knows");
    for query in queries {
        let names = dashboard::filled(&query.expression).and_then(|expression| dashboard::metrics(&expression));
        let names = names.unwrap_or_else(|told| panic!("{}: {told}: {}", query.place, query.expression));
        let unknown: Vec<&String> = names.difference(&known).collect();
        assert!(unknown.is_empty(), "{}: nobody tells {unknown:?}: {}", query.place, query.expression);
    }
}

fn every_variable_has_values(prometheus: SocketAddr, dashboard: &Value) {
    let mut found = Vec::new();
    for (label, series) in dashboard::listed(dashboard) {
        let series = dashboard::filled(&series).expect("variables of Grafana alone");
        let path = format!("label/{label}/values?match%5B%5D={}", dashboard::encoded(&series));
        let values = dashboard::get(prometheus, &path).unwrap_or_else(|told| panic!("{label}: {told}: {series}"));
        found.push((
            label,
            dashboard::list(&values).iter().map(|value| value.as_str().unwrap_or_default().to_owned()).collect(),
        ));
    }
    let names: Vec<&str> = found.iter().map(|(label, _)| label.as_str()).collect();
    assert_eq!(names, ["job", "instance", "endpoint"]);
    let values: Vec<&Vec<String>> = found.iter().map(|(_, values)| values).collect();
    assert_eq!((&**values[0], values[1].len()), (&["http_api".to_owned()][..], 1));
    // The routes of users, and none of the monitoring's.
    assert_eq!(*values[2], ["/scene", "/scenes", "unmatched"]);
}

/// As the panels ask for them. An exemplar without a trace has the id of its request alone.
fn exemplars_lead_to_traces(prometheus: SocketAddr, queries: &[Query]) {
    for panel in ["Latency Percentiles C", "Latency Heat Map A"] {
        let query = queries.iter().find(|query| query.place == panel).expect("the panel with exemplars");
        let expression = dashboard::filled(&query.expression).expect("variables of Grafana alone");
        let path = format!("query_exemplars?start=0&end=9999999999&query={}", dashboard::encoded(&expression));
        wait::until("an exemplar with a trace", LIMIT, || {
            let found = dashboard::get(prometheus, &path)?;
            let exemplars = dashboard::list(&found).iter().flat_map(|series| dashboard::list(&series["exemplars"]));
            let labels: Vec<&Value> = exemplars.map(|exemplar| &exemplar["labels"]).collect();
            assert!(labels.iter().all(|labels| labels["request_id"].is_string()), "{panel}: {labels:?}");
            let traced = labels.iter().any(|labels| labels["trace_id"] == TRACE);
            if traced { Ok(()) } else { Err(format!("{panel}: the labels are {labels:?}")) }
        });
    }
}

/// The judge can say no: a metric, a label and a bracket that are wrong are told, each with its place.
fn what_is_misspelt_is_found(prometheus: SocketAddr, queries: &[Query]) {
    let right = queries.iter().find(|query| query.place.starts_with("Scene Operations A")).expect("that panel");
    asked(prometheus, right).expect("it is right as it is");
    let metric = Query { expression: right.expression.replace("scene_loads", "scene_load"), ..right.clone() };
    assert!(asked(prometheus, &metric).unwrap_err().starts_with("Scene Operations A: no data: "));
    let label = Query { expression: right.expression.replace("sum by (scene)", "sum by (job)"), ..right.clone() };
    assert!(asked(prometheus, &label).unwrap_err().contains("not every series has the label scene"));
    let bracket = Query { expression: right.expression.replace("))", ")"), ..right.clone() };
    assert!(asked(prometheus, &bracket).unwrap_err().contains("parse error"));
}
