//! The first line: is something wrong?

use serde_json::json;

use super::Row;
use super::model::Color::{Blue, Green, Orange, Red, Yellow};
use super::model::{DataLink, Panel, Unit};
use super::panel::{color, property};
use super::query::*;
use crate::limits;

/// What a state of health is called, from its number on.
pub(super) const HEALTH: [(&str, super::model::Color); 3] = [("healthy", Green), ("degraded", Yellow), ("unhealthy", Red)];

/// The health of each: 0 healthy, 1 degraded, 2 unhealthy. `labels` are those that tell them apart.
pub(super) fn health(metric: &str, labels: &str) -> String {
    format!(r#"max by ({labels}) ({metric}{{{CHOSEN},status="degraded"}} or 2 * {metric}{{{CHOSEN},status="unhealthy"}})"#)
}

pub(super) fn row() -> Row {
    let requests = requests("");
    let errors = self::errors();
    Row {
        title: "Now",
        panels: vec![
            Panel::stat(100, "Instances Up", Unit::Share)
                .about("Share of the instances that answer their scrape. Alerts: HTTPAPIDown, HTTPAPIRestartLoop.")
                .of([over_time(format!("avg(up{{{CHOSEN}}})"), "up")])
                .limits(Red, [(Green, 1.0)])
                .at_most(1.0)
                .decimals(0)
                .when_empty("no instance known")
                .sized(4, 4),
            Panel::stat(101, "Health", Unit::State)
                .about(
                    "The worst health of the instances, as they tell it themselves. Alerts: HealthCheckFailing, \
                     ServiceDegraded.",
                )
                .of([over_time(format!("max({})", health("health_status", "instance")), "health")])
                .words(&HEALTH)
                .limits(Green, [(Yellow, 1.0), (Red, 2.0)])
                .when_empty("no health told")
                .sized(4, 4),
            Panel::stat(102, "Requests per Second", Unit::RequestsPerSecond)
                .about("Requests of users. Below the limit of LowRequestRate it is blue.")
                .of([over_time(requests.clone(), "requests")])
                .limits(Blue, [(Green, limits::TRAFFIC_LOW)])
                .decimals(1)
                .when_empty("no requests told")
                .sized(4, 4),
            Panel::stat(103, "Error Ratio", Unit::Share)
                .about("Share of users' requests that are answered 5xx. Alert: HighHTTPErrorRate.")
                .of([over_time(share(&errors, &requests), "5xx")])
                .limits(Green, [(Yellow, limits::ERROR_BUDGET), (Red, limits::ERROR_RATIO)])
                .decimals(2)
                .when_empty("no requests")
                .sized(4, 4),
            Panel::stat(104, "p99 Latency", Unit::Seconds)
                .about("99 of 100 requests of users are faster. Alert: CriticalSlowRequests.")
                .of([over_time(quantile("0.99", "le", "http_request_duration_seconds", &user("")), "p99")])
                .limits(Green, [(Yellow, limits::LATENCY_P95), (Red, limits::LATENCY_P99)])
                .decimals(2)
                .when_empty("no requests")
                .sized(4, 4),
            Panel::stat(105, "Error Budget Left", Unit::Share)
                .about(
                    "What is left of the errors that the objective allows in 30 days; below 0 it is missed. Alert: \
                     HTTPAPIErrorBudgetBurn.",
                )
                .of([over_time(format!("min(job:slo_availability_error_budget:left30d{{{CHOSEN_JOB}}})"), "left")])
                .limits(Red, [(Orange, 0.0), (Green, 0.25)])
                .field(|field| field.min = None)
                .decimals(1)
                .when_empty("no requests yet")
                .sized(4, 4),
            Panel::alerts(15, "Recent Alerts")
                .about(
                    "Alerts of Prometheus that fire or soon will, the newest first. Each has a runbook. Watchdog, which \
                     always fires, is left out.",
                )
                .when_empty("no alerts")
                .sized(8, 8),
            alerts_now().sized(8, 8),
            Panel::timeline(17, "Alert History")
                .about("When which alert was pending and when it fired.")
                .of([over_time(
                    r#"max by (alertname, severity) (ALERTS{alertstate="pending",severity!="none",job=~"$job|"}
  or 2 * ALERTS{alertstate="firing",severity!="none",job=~"$job|"})"#,
                    "{{alertname}} ({{severity}})",
                )])
                .words(&[("quiet", Green), ("pending", Yellow), ("fires", Red)])
                .limits(Green, [(Yellow, 1.0), (Red, 2.0)])
                .when_empty("no alert in this time")
                .sized(8, 8),
        ],
    }
}

pub(super) fn errors() -> String {
    requests(r#",status=~"5..""#)
}

/// The same alerts as rows: what drew them, and since when.
fn alerts_now() -> Panel {
    // The time since when it holds is told by a metric of its own, without the state.
    let since = r#"1000 * ALERTS_FOR_STATE{severity!="none",job=~"$job|"}
  * ignoring (alertstate) group_right () ALERTS{severity!="none",job=~"$job|"}"#;
    let hidden = json!({
        "Time": true, "job": true, "component": true, "signal": true, "family": true, "rule_group": true,
        "integration": true, "__name__": true, "file": true
    });
    let order = json!({"alertstate": 0, "alertname": 1, "severity": 2, "Value": 3, "instance": 4, "endpoint": 5, "window": 6});
    let names = json!({
        "alertstate": "State", "alertname": "Alert", "severity": "Severity", "Value": "Since",
        "instance": "Instance", "endpoint": "Endpoint", "window": "Window"
    });
    let state = json!([{"type": "value", "options": {
        "pending": {"text": "pending", "color": "yellow", "index": 0},
        "firing": {"text": "fires", "color": "red", "index": 1}
    }}]);
    let runbook = DataLink { title: "Runbook", url: "${prometheus}/consoles/${__value.raw}.html", target_blank: true };
    Panel::table(18, "Alerts Now", Unit::Since, "Since")
        .about("What fires or is pending, and since when its condition holds. The name leads to the runbook.")
        .of([rows(since, "{{alertname}} ({{severity}}) {{alertstate}}")])
        .transformed("organize", json!({"excludeByName": hidden, "indexByName": order, "renameByName": names}))
        .named(
            "State",
            [
                property("mappings", state),
                property("custom.cellOptions", json!({"type": "color-background", "mode": "basic"})),
                property("custom.width", json!(80)),
            ],
        )
        .named("Alert", [property("links", json!([runbook]))])
        .named("Since", [color(super::model::Color::Text)])
        .when_empty("no alerts")
}
