//! Every number in a rule is a limit, or a unit that is named here.

use monitoring::limits::{self, BURN, ERROR_BUDGET};
use monitoring::rules::{self, Alert, seconds};

use super::expressions::{constants, parsed};

const NOTHING: f64 = 0.0;
const UP: f64 = 1.0;
const IS_SO: f64 = 1.0;
const SECONDS_A_MINUTE: f64 = 60.0;
const SECONDS_IN_FIVE_MINUTES: f64 = 300.0;
/// Of an hour, which the offset beside it is.
const SECONDS_IN_A_QUARTER: f64 = 900.0;
/// How often job:http_requests_errors:rate5m is recorded.
const RECORDED_EVERY: f64 = 15.0;

/// The numbers of an alert, in the order that its expression has them.
fn numbers(alert: &Alert) -> Vec<f64> {
    use limits::*;
    match alert.name.as_str() {
        "HighHTTPErrorRate" => vec![ERROR_RATIO, TRAFFIC_JUDGED],
        "CriticalSlowRequests" => vec![LATENCY_P99, TRAFFIC_JUDGED],
        "CriticalAuthFailureRate" => vec![SECONDS_A_MINUTE, AUTH_FAILURES_CRITICAL],
        "CriticalMemoryUsage" => vec![MEMORY_CRITICAL as f64],
        "HTTPAPIDown" | "AlertmanagerDown" => vec![NOTHING],
        "SlowRequestLatency" => vec![LATENCY_P95, TRAFFIC_JUDGED],
        "HighRateLimitHits" => vec![SECONDS_A_MINUTE, RATE_LIMIT_HITS],
        "HighAuthFailureRate" => vec![SECONDS_A_MINUTE, AUTH_FAILURES],
        "HighMemoryUsage" => vec![MEMORY_HIGH as f64],
        "HighSceneLoadErrorRate" => vec![NOTHING, SCENE_ERROR_RATIO, SECONDS_IN_FIVE_MINUTES, EVENTS_JUDGED],
        "EndpointHighErrorRate" => vec![ENDPOINT_ERROR_RATIO, SECONDS_IN_FIVE_MINUTES, EVENTS_JUDGED],
        "SceneLoadFailures" => vec![SCENE_FAILURES],
        "LargeRequestSize" => vec![0.95, REQUEST_BYTES as f64],
        "HighActiveConnections" => vec![NOTHING, CONNECTIONS_SHARE],
        "LowRequestRate" => vec![TRAFFIC_LOW, WARM_UP],
        "HealthCheckFailing" => vec![IS_SO, HEALTH_SILENT, UP],
        "ServiceDegraded" => vec![IS_SO],
        "HTTPAPIErrorBudgetBurn" => {
            let burn = burn(alert);
            vec![burn.factor * ERROR_BUDGET, burn.factor * ERROR_BUDGET, RECORDED_EVERY, EVENTS_JUDGED]
        }
        "Watchdog" => vec![IS_SO],
        "PrometheusRuleFailures" | "PrometheusConfigReloadFailed" => vec![NOTHING],
        "HTTPAPIRestartLoop" => vec![RESTARTS],
        "HTTPAPICardinality" => vec![SCRAPE_SAMPLES],
        "HTTPAPISeriesRefused" => vec![NOTHING, UP, SECONDS_IN_A_QUARTER, NOTHING],
        "MonitoringTargetDown" => vec![NOTHING; 4],
        "PrometheusRemoteWriteFailing" => vec![NOTHING, REMOTE_WRITE_LAG],
        "AlertmanagerNotificationsFailing" => vec![NOTHING, NOTIFICATION_FAILURES],
        "HealthProbeFailing" => vec![NOTHING, NOTHING, IS_SO],
        other => panic!("which limits has {other}? say it here"),
    }
}

fn burn(alert: &Alert) -> limits::Burn {
    let found = BURN.into_iter().find(|burn| burn.long == alert.label("window"));
    found.unwrap_or_else(|| panic!("{} has window {:?}, which is none of the limits", alert.name, alert.label("window")))
}

#[test]
fn numbers_of_alerts_are_the_limits() {
    for alert in rules::alerts() {
        assert_eq!(constants(&parsed(&alert.rule)), numbers(&alert), "{}: {}", alert.name, alert.rule.expr);
    }
}

#[test]
fn numbers_of_recording_rules_are_known() {
    for rule in rules::all().iter().flat_map(|file| &file.groups).flat_map(|group| &group.rules) {
        let expected: &[f64] = match rule.record.as_deref() {
            None => continue,
            Some("job:http_requests:rate5m") => &[NOTHING, UP],
            Some("job:http_requests_errors:rate5m") => &[NOTHING],
            Some(name) if name.ends_with("http_requests_errors:ratio_rate5m") => &[NOTHING],
            Some("job:http_request_duration_seconds:p95_5m") => &[0.95],
            Some("job:http_request_duration_seconds:p99_5m") => &[0.99],
            Some("job:scene_load_attempts:rate5m") => &[NOTHING, NOTHING],
            Some("job:slo_availability_error_budget:left30d") => &[1.0, NOTHING, ERROR_BUDGET],
            Some(name) if name.starts_with("job:slo_availability_errors:") => &[NOTHING, NOTHING],
            Some(_) => &[],
        };
        assert_eq!(constants(&parsed(rule)), expected, "{}: {}", rule.name(), rule.expr);
    }
}

#[test]
fn windows_of_the_budget_are_the_limits() {
    let alerts: Vec<_> = rules::alerts().into_iter().filter(|alert| alert.name == "HTTPAPIErrorBudgetBurn").collect();
    assert_eq!(alerts.len(), BURN.len());
    for alert in &alerts {
        let limits::Burn { factor, long, short } = burn(alert);
        let ratio = |window| format!("job:slo_availability_errors:ratio_rate{window} > {factor} * {ERROR_BUDGET}");
        let guard = format!("sum_over_time(job:http_requests_errors:rate5m[{long}])");
        for part in [ratio(long), ratio(short), guard] {
            assert!(alert.rule.expr.contains(&part), "{long}: there is no `{part}` in {}", alert.rule.expr);
        }
        // Fast burns page.
        assert_eq!(alert.label("severity") == "critical", factor >= 6.0, "{long}");
    }
    // The count of failed requests holds at this interval only.
    let files = rules::all();
    let recording = files.iter().flat_map(|file| &file.groups).find(|group| group.name == "http_api_recording");
    let interval = recording.expect("the group is there").interval.as_deref().expect("it says its interval");
    assert_eq!(seconds(interval).as_ref(), Ok(&RECORDED_EVERY));
}

#[test]
fn descriptions_say_the_limits() {
    let percent = |share: f64| format!("more than {} %", (share * 10_000.0).round() / 100.0);
    let count = |number: f64| format!("more than {number}");
    let mebibytes = |bytes: u64| {
        if bytes.is_multiple_of(1 << 30) { format!("{} GiB", bytes >> 30) } else { format!("{} MiB", bytes >> 20) }
    };
    let more = |text: String| format!("more than {text}");
    for alert in rules::alerts() {
        let said = match alert.name.as_str() {
            "HighHTTPErrorRate" => percent(limits::ERROR_RATIO),
            "EndpointHighErrorRate" => percent(limits::ENDPOINT_ERROR_RATIO),
            "HighSceneLoadErrorRate" => percent(limits::SCENE_ERROR_RATIO),
            "HighActiveConnections" => percent(limits::CONNECTIONS_SHARE),
            "HTTPAPIErrorBudgetBurn" => percent(burn(&alert).factor * ERROR_BUDGET),
            "AlertmanagerNotificationsFailing" => percent(limits::NOTIFICATION_FAILURES),
            "CriticalSlowRequests" => more(format!("{} s.", limits::LATENCY_P99)),
            "SlowRequestLatency" => more(format!("{} s.", limits::LATENCY_P95)),
            "CriticalAuthFailureRate" => count(limits::AUTH_FAILURES_CRITICAL),
            "HighAuthFailureRate" => count(limits::AUTH_FAILURES),
            "HighRateLimitHits" => count(limits::RATE_LIMIT_HITS),
            "SceneLoadFailures" => count(limits::SCENE_FAILURES),
            "HTTPAPIRestartLoop" => count(limits::RESTARTS),
            "HTTPAPICardinality" => more(format!("{} k", limits::SCRAPE_SAMPLES / 1_000.0)),
            "CriticalMemoryUsage" => more(mebibytes(limits::MEMORY_CRITICAL)),
            "HighMemoryUsage" => more(mebibytes(limits::MEMORY_HIGH)),
            "LargeRequestSize" => more(mebibytes(limits::REQUEST_BYTES)),
            "LowRequestRate" => format!("less than {}", limits::TRAFFIC_LOW),
            "HealthCheckFailing" => more(format!("{} minutes", limits::HEALTH_SILENT / SECONDS_A_MINUTE)),
            "PrometheusRemoteWriteFailing" => more(format!("{} minutes", limits::REMOTE_WRITE_LAG / SECONDS_A_MINUTE)),
            // What is or is not has no limit.
            _ => continue,
        };
        let description = alert.annotation("description");
        assert!(description.contains(&said), "{} does not say `{said}`: {description}", alert.name);
    }
}
