//! What users see: how many requests, how many fail, how long they take.

use serde_json::{Value, json};

use super::Row;
use super::model::Color::{Blue, Green, Orange, Purple, Red, Text, Yellow};
use super::model::{Panel, Unit};
use super::now::errors;
use super::panel::{color, property};
use super::query::*;
use crate::limits;

const DURATION: &str = "http_request_duration_seconds";

pub(super) fn traffic() -> Row {
    // A status that is none counts as `other`.
    let by_class = format!(
        r#"sum by (class) (label_replace(label_replace(
  {}, "class", "other", "class", ""), "class", "${{1}}xx", "status", "([1-5])..")
)"#,
        rate("http_requests_total", &user(""))
    );
    let client_errors = requests(r#",status=~"4..""#);
    Row {
        title: "Traffic and errors",
        panels: vec![
            Panel::stack(1, "Request Rate (by status class)", Unit::RequestsPerSecond)
                .about(
                    "Requests of users a second: 2xx green, 4xx yellow, 5xx red. Alerts: LowRequestRate, HTTPAPIDown, \
                     HTTPAPIRestartLoop.",
                )
                .of([over_time(by_class, "{{class}}")])
                .named("1xx", [color(Text)])
                .named("2xx", [color(Green)])
                .named("3xx", [color(Blue)])
                .named("4xx", [color(Yellow)])
                .named("5xx", [color(Red)])
                .named("other", [color(Purple)])
                .when_empty("no requests")
                .sized(8, 9),
            Panel::graph(2, "Error Rate", Unit::Share)
                .about(
                    "Share of users' requests that fail. The line is the limit of HighHTTPErrorRate. 4xx are mistakes \
                     of clients, and no alert. EndpointHighErrorRate looks at each endpoint.",
                )
                .of([
                    over_time(share(&errors(), &requests("")), "5xx"),
                    over_time(share(&client_errors, &requests("")), "4xx"),
                    over_time(format!("job:http_requests_errors:ratio_rate5m{{{CHOSEN_JOB}}}"), "5xx in alerts: {{job}}"),
                ])
                .named("5xx", [color(Red)])
                .named("4xx", [color(Yellow)])
                .alerts_dashed()
                .limits(Green, [(Red, limits::ERROR_RATIO)])
                .limits_drawn()
                .when_empty("no requests")
                .sized(8, 9),
            Panel::graph(3, "Active Connections", Unit::Count)
                .about(
                    "Connections that are open, and how many may be (nothing when there is no limit). On the right axis \
                     the share, with the limit of HighActiveConnections.",
                )
                .of([
                    over_time(format!("active_connections{{{CHOSEN}}}"), "{{instance}}"),
                    over_time(format!("max_connections{{{CHOSEN}}} > 0"), "limit of {{instance}}"),
                    over_time(
                        share(&format!("active_connections{{{CHOSEN}}}"), &format!("max_connections{{{CHOSEN}}}")),
                        "share of {{instance}}",
                    ),
                ])
                .matching("/^limit of /", [color(Text), dashes()])
                .matching(
                    "/^share of /",
                    [
                        property("unit", json!("percentunit")),
                        property("max", json!(1)),
                        property("custom.axisPlacement", json!("right")),
                        property("custom.fillOpacity", json!(0)),
                        property(
                            "thresholds",
                            json!({"mode": "absolute", "steps": [
                                {"color": "green", "value": null},
                                {"color": "orange", "value": limits::CONNECTIONS_SHARE},
                            ]}),
                        ),
                        property("custom.thresholdsStyle", json!({"mode": "dashed"})),
                    ],
                )
                .decimals(0)
                .sized(8, 9),
            Panel::table(11, "Top Endpoints by Count", Unit::Count, "Requests")
                .about(
                    "Requests of users in the time that is shown, and how many of them were answered 5xx. A name leads \
                     to its panels.",
                )
                .of([
                    rows(increase(""), "{{endpoint}}"),
                    rows(increase(r#",status=~"5..""#), "{{endpoint}} 5xx"),
                    rows(share(&increase(r#",status=~"5..""#), &increase("")), "{{endpoint}} 5xx ratio"),
                ])
                .transformed("merge", json!({}))
                .transformed(
                    "organize",
                    columns(&[
                        ("endpoint", "Endpoint"),
                        ("Value #A", "Requests"),
                        ("Value #B", "5xx"),
                        ("Value #C", "5xx ratio"),
                    ]),
                )
                .named("Endpoint", endpoint_links())
                .named("Requests", [bar(), color(Blue), property("decimals", json!(0))])
                .named("5xx", [property("decimals", json!(0)), property("custom.width", json!(90)), color(Text)])
                .named(
                    "5xx ratio",
                    [
                        property("unit", json!("percentunit")),
                        property("decimals", json!(2)),
                        property("custom.width", json!(110)),
                        background(),
                    ],
                )
                .limits(Green, [(Yellow, limits::ERROR_RATIO), (Red, limits::ENDPOINT_ERROR_RATIO)])
                .when_empty("no requests")
                .sized(12, 8),
            Panel::graph(13, "Request/Response Size p95", Unit::Bytes)
                .about(
                    "95 of 100 bodies are smaller. The line is the limit of LargeRequestSize; above 16 MiB a request is \
                     refused.",
                )
                .of([
                    over_time(quantile("0.95", "le", "http_request_size_bytes", &user("")), "request"),
                    over_time(quantile("0.95", "le", "http_response_size_bytes", &user("")), "response"),
                ])
                .named("request", [color(Blue)])
                .named("response", [color(Purple)])
                .limits(Green, [(Orange, limits::REQUEST_BYTES as f64)])
                .limits_drawn()
                .when_empty("no requests")
                .sized(12, 8),
        ],
    }
}

pub(super) fn latency() -> Row {
    let of_all = |of| quantile(of, "le", DURATION, &user(""));
    let recorded = |of| format!("job:{DURATION}:p{of}_5m{{{CHOSEN_JOB}}}");
    // NaN, of endpoints that nobody asked, is not at least 0.
    let by_endpoint = |of: &str, legend| {
        let buckets = format!("rate({DURATION}_bucket{{{}}}[$__range])", user(""));
        rows(format!("histogram_quantile({of}, sum by (endpoint, le) ({buckets})) >= 0"), legend)
    };
    let limits = [(Yellow, limits::LATENCY_P95), (Red, limits::LATENCY_P99)];
    Row {
        title: "Latency",
        panels: vec![
            Panel::graph(4, "Latency Percentiles", Unit::Seconds)
                .about(
                    "Time from a request's head to its response's last byte, of users. The lines are the limits of \
                     SlowRequestLatency (p95) and CriticalSlowRequests (p99). A point is one request with a trace id: \
                     its link leads to its profile, which needs the bearer token.",
                )
                .of([
                    over_time(of_all("0.5"), "p50"),
                    over_time(of_all("0.95"), "p95"),
                    over_time(of_all("0.99"), "p99").with_exemplars(),
                    over_time(recorded("95"), "p95 in alerts: {{job}}"),
                    over_time(recorded("99"), "p99 in alerts: {{job}}"),
                ])
                .named("p50", [color(Green)])
                .named("p95", [color(Yellow)])
                .named("p99", [color(Red)])
                .alerts_dashed()
                .limits(Green, limits)
                .limits_drawn()
                .when_empty("no requests")
                .sized(12, 9),
            Panel::heatmap(16, "Latency Heat Map", Unit::Seconds, Unit::RequestsPerSecond)
                .about(
                    "How many requests of users a second fall into which bucket of time: two bands are two kinds of \
                     requests.",
                )
                .of([over_time(format!("sum by (le) ({})", rate(&format!("{DURATION}_bucket"), &user(""))), "{{le}}")
                    .as_buckets()
                    .with_exemplars()])
                .when_empty("no requests")
                .sized(12, 9),
            Panel::table(12, "Top Endpoints by Latency", Unit::Seconds, "p95")
                .about(
                    "The slowest routes of the time that is shown, with the limits of the alerts as colours. A name \
                     leads to its panels.",
                )
                .of([
                    by_endpoint("0.5", "{{endpoint}} p50"),
                    by_endpoint("0.95", "{{endpoint}} p95"),
                    by_endpoint("0.99", "{{endpoint}} p99"),
                ])
                .transformed("merge", json!({}))
                .transformed(
                    "organize",
                    columns(&[("endpoint", "Endpoint"), ("Value #A", "p50"), ("Value #B", "p95"), ("Value #C", "p99")]),
                )
                .named("Endpoint", endpoint_links())
                .named("p50", [property("custom.width", json!(110))])
                .named("p95", [bar()])
                .named("p99", [background(), property("custom.width", json!(110))])
                .limits(Green, limits)
                .decimals(2)
                .when_empty("no requests")
                .sized(12, 8),
            Panel::bars(5, "Latency Summary", Unit::Seconds)
                .about(
                    "Quantiles of the last 60 seconds that each instance computes itself: at most 1 in 128 above the exact \
                     value, where buckets are interpolated. They end at 17 s, and cannot be summed: so each instance has its \
                     own.",
                )
                .of([now(format!("http_request_latency_seconds{{{CHOSEN}}}"), "{{quantile}} of {{instance}}")])
                .limits(Green, limits)
                .decimals(2)
                .when_empty("no requests in the last 60 s")
                .sized(12, 8),
        ],
    }
}

/// Requests of each endpoint in the time that is shown.
fn increase(more: &str) -> String {
    format!("sum by (endpoint) (increase(http_requests_total{{{}}}[$__range]))", user(more))
}

/// Puts columns into this order, with these names, and leaves out the time.
fn columns(columns: &[(&str, &str)]) -> Value {
    let order: Value = columns.iter().enumerate().map(|(index, (from, _))| ((*from).to_owned(), json!(index))).collect();
    let names: Value = columns.iter().map(|(from, to)| ((*from).to_owned(), json!(to))).collect();
    json!({"excludeByName": {"Time": true}, "indexByName": order, "renameByName": names})
}

fn endpoint_links() -> [super::model::Property; 1] {
    let only = "/d/http_api_overview?${datasource:queryparam}&${job:queryparam}&${instance:queryparam}\
        &var-endpoint=${__value.raw:percentencode}&${__url_time_range}";
    let slowest = "${api}/debug/profile?endpoint=${__value.raw:percentencode}&sort=slowest";
    [property(
        "links",
        json!([
            {"title": "This endpoint alone", "url": only, "targetBlank": false},
            {"title": "Its slowest requests (needs the bearer token)", "url": slowest, "targetBlank": true},
        ]),
    )]
}

fn bar() -> super::model::Property {
    property("custom.cellOptions", json!({"type": "gauge", "mode": "basic", "valueDisplayMode": "text"}))
}

fn background() -> super::model::Property {
    property("custom.cellOptions", json!({"type": "color-background", "mode": "basic"}))
}

pub(super) fn dashes() -> super::model::Property {
    property("custom.lineStyle", json!({"fill": "dash", "dash": [4, 4]}))
}
