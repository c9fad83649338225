//! The dashboard by the rules of Grafana's dashboard-linter, and some of our own. Each rule is shown a dashboard that
//! breaks it, too.

mod lint;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use monitoring::{dashboard, files, rules};
use serde_json::{Value, json};

use lint::findings;

fn shipped() -> Value {
    let path = files::folder().join(dashboard::PATH);
    serde_json::from_str(&fs::read_to_string(path).expect("the dashboard is there")).expect("it is JSON")
}

#[test]
fn the_dashboard_breaks_no_rule() {
    let findings = findings(&shipped());
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

/// Where a panel stands in the list.
fn at(dashboard: &Value, id: u64) -> usize {
    let panels = dashboard["panels"].as_array().expect("panels are a list");
    panels.iter().position(|panel| panel["id"] == id).unwrap_or_else(|| panic!("there is no panel {id}"))
}

/// The same with another value in one place: of a panel, or with 0 of the dashboard. Of the panels only this one and
/// one beside it are left, since a query is parsed in milliseconds.
fn damaged(id: u64, path: &str, value: Value) -> Value {
    let mut dashboard = shipped();
    let damaged = at(&dashboard, if id == 0 { 1 } else { id });
    let beside = at(&dashboard, 2);
    let path = if id == 0 { path.to_owned() } else { format!("/panels/{damaged}{path}") };
    *dashboard.pointer_mut(&path).unwrap_or_else(|| panic!("there is no {path}")) = value;
    let panels = dashboard["panels"].as_array_mut().expect("panels are a list");
    *panels = [damaged, beside].into_iter().collect::<BTreeSet<_>>().into_iter().map(|at| panels[at].clone()).collect();
    dashboard
}

/// Breaks a rule, and wants that one to be told.
fn refused(id: u64, path: &str, value: Value, expected: &str) {
    let findings = findings(&damaged(id, path, value.clone()));
    assert!(findings.iter().any(|found| found.contains(expected)), "{id}{path} = {value}: {findings:#?}");
}

#[test]
fn each_rule_finds_a_dashboard_that_breaks_it() {
    refused(0, "/editable", json!(true), "can be changed");
    refused(0, "/refresh", json!("1m"), "refresh is not 10s");
    refused(0, "/time/from", json!("now-6h"), "the last hour");
    refused(0, "/tags", json!([]), "no tags");
    refused(0, "/templating/list/0/type", json!("textbox"), "no variable datasource");
    refused(0, "/templating/list/1/refresh", json!(1), "job is not asked again");
    refused(0, "/templating/list/2/multi", json!(false), "instance takes one value");
    refused(0, "/templating/list/2/includeAll", json!(false), "instance cannot be all");
    refused(0, "/templating/list/3/name", json!("route"), "no variable endpoint");
    refused(0, "/annotations/list/0/datasource/uid", json!("x"), "an annotation does not ask");
    refused(0, "/annotations/list/0/target/expr", json!("up"), "up is not of the job");
    refused(1, "/title", json!(""), "no title");
    refused(1, "/description", json!(""), "no description");
    refused(1, "/id", json!(2), "two panels have the id 2");
    refused(1, "/gridPos/x", json!(20), "wider than the dashboard");
    refused(1, "/gridPos/x", json!(4), "overlap");
    refused(1, "/datasource/uid", json!("prometheus"), "it does not ask the data source that is chosen");
    refused(1, "/fieldConfig/defaults/unit", json!(null), "no unit");
    refused(1, "/fieldConfig/defaults/noValue", json!(""), "says nothing when it is empty");
    refused(1, "/fieldConfig/defaults/thresholds/steps", json!([]), "no thresholds");
    refused(1, "/targets", json!([]), "no query");
    refused(1, "/targets/0/datasource/uid", json!("prometheus"), "a query does not ask");
    refused(1, "/targets/0/legendFormat", json!(""), "without a name");
    refused(1, "/targets/0/legendFormat", json!("{{status}}"), "status is aggregated away");
    refused(2, "/fieldConfig/overrides/0/matcher/options", json!("5XX"), "nothing is named 5XX");
}

#[test]
fn each_rule_on_queries_finds_one_that_breaks_it() {
    let user = "job=~\"$job\",instance=~\"$instance\",endpoint=~\"$endpoint\",\
        endpoint!~\"/|/events|/metrics|/health.*|/debug/.*|/demo/.*\"";
    let query = |query: &str, expected: &str| refused(1, "/targets/0/expr", json!(query.replace("USER", user)), expected);
    query("sum(", "it cannot be parsed");
    query("rate(http_requests_total{USER}[5m])", "it is taken over 5m");
    query("rate(http_requests_total{USER}[$__range])", "it is taken over $__range, and drawn");
    query("avg_over_time(http_requests_total{USER}[$__rate_interval])", "is neither rate nor increase");
    query("http_requests_total{USER}", "http_requests_total is a counter without its rate");
    query("sum by (le) (http_request_duration_seconds_bucket{USER})", "_bucket is a counter without its rate");
    query("up{job=~\"$job\"}", "up is not of the instance that is chosen");
    query("1 + (-up{instance=~\"$instance\"})", "up is not of the job that is chosen");
    query(
        "rate(http_requests_total{job=~\"$job\",instance=~\"$instance\"}[$__rate_interval])",
        "the monitoring's own requests",
    );
    query("max_over_time(up{job=~\"$job\",instance=~\"$instance\"}[1h:1m])", "a subquery");
    // A table may be about all of the time that is shown; a graph of what a rule records needs no instance.
    for (id, query) in
        [(11, "sum by (endpoint) (increase(http_requests_total{USER}[$__range]))"), (22, "job:x:y{job=~\"$job\"}")]
    {
        let dashboard = damaged(id, "/targets/0/expr", json!(query.replace("USER", user)));
        assert_eq!(findings(&dashboard), [""; 0]);
    }
}

#[test]
fn the_panels_have_their_names_and_ids() {
    let dashboard = shipped();
    let panels = dashboard["panels"].as_array().expect("panels are a list");
    let names: BTreeMap<u64, &str> = panels
        .iter()
        .map(|panel| (panel["id"].as_u64().expect("an id is a number"), panel["title"].as_str().expect("a title is a text")))
        .collect();
    let wanted = [
        (1, "Request Rate (by status class)"),
        (2, "Error Rate"),
        (3, "Active Connections"),
        (4, "Latency Percentiles"),
        (5, "Latency Summary"),
        (6, "Scene Operations"),
        (7, "Scene Load Success Rate"),
        (8, "Authentication"),
        (9, "Rate Limit Hits"),
        (10, "Memory"),
        (11, "Top Endpoints by Count"),
        (12, "Top Endpoints by Latency"),
        (13, "Request/Response Size p95"),
        (14, "Scene Load Errors by Type"),
        (15, "Recent Alerts"),
        (16, "Latency Heat Map"),
    ];
    for (id, name) in wanted {
        assert_eq!(names.get(&id), Some(&name));
    }
    assert_eq!(dashboard["uid"], "http_api_overview");
    let latency = &panels[at(&dashboard, 4)]["targets"];
    assert!(latency.as_array().expect("targets are a list").iter().any(|target| target["exemplar"] == true), "{latency}");
}

/// Whoever follows the link of an alert finds the alert's name under the panel's title.
#[test]
fn the_panel_that_an_alert_leads_to_names_it() {
    let dashboard = shipped();
    let mut led = 0;
    for file in rules::FILES {
        let text = fs::read_to_string(files::folder().join("prometheus").join(file)).expect("the rules are there");
        let mut alert = "";
        for line in text.lines() {
            if let Some(name) = line.trim_start().strip_prefix("- alert: ") {
                alert = name;
            }
            let Some((_, id)) = line.split_once("viewPanel=") else { continue };
            let id = id.trim_end_matches('"').parse().unwrap_or_else(|_| panic!("{alert}: {line}"));
            let panel = &dashboard["panels"][at(&dashboard, id)];
            let description = panel["description"].as_str().expect("a description is a text");
            assert!(description.contains(alert), "{alert} leads to {}, which does not name it: {description}", panel["title"]);
            led += 1;
        }
    }
    assert!(led > 20, "{led} links are not those of all alerts");
}
