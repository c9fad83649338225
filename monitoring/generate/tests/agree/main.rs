//! The rules agree with the limits, with each other, and with what keeps rules sound.

mod expressions;
mod numbers;
mod sound;
mod surviving;

use std::collections::BTreeSet;

use monitoring::rules;

/// Name, severity, component and signal of the 17 alerts on the API: routes, inhibitions and runbooks lean on them.
const ALERTS: [(&str, &str, &str, &str); 17] = [
    ("HighHTTPErrorRate", "critical", "http", "errors"),
    ("CriticalSlowRequests", "critical", "http", "latency"),
    ("CriticalAuthFailureRate", "critical", "security", "auth"),
    ("CriticalMemoryUsage", "critical", "process", "memory"),
    ("HTTPAPIDown", "critical", "http", "availability"),
    ("SlowRequestLatency", "warning", "http", "latency"),
    ("HighRateLimitHits", "warning", "security", "saturation"),
    ("HighAuthFailureRate", "warning", "security", "auth"),
    ("HighMemoryUsage", "warning", "process", "memory"),
    ("HighSceneLoadErrorRate", "warning", "scene", "scene"),
    ("EndpointHighErrorRate", "warning", "http", "errors"),
    ("SceneLoadFailures", "warning", "scene", "scene"),
    ("LargeRequestSize", "warning", "http", "saturation"),
    ("HighActiveConnections", "warning", "http", "saturation"),
    ("LowRequestRate", "info", "http", "traffic"),
    ("HealthCheckFailing", "critical", "health", "health"),
    ("ServiceDegraded", "warning", "health", "health"),
];

#[test]
fn the_alerts_on_the_api_are_these() {
    let alerts = rules::alerts();
    let found: Vec<_> = alerts
        .iter()
        .filter(|alert| alert.file == rules::ALERTS)
        .map(|alert| (alert.name.as_str(), alert.label("severity"), alert.label("component"), alert.label("signal")))
        .collect();
    assert_eq!(found, ALERTS);
    let of = |group: &str| alerts.iter().filter(|alert| alert.group == group).count();
    assert_eq!((of("http_api_alerts"), of("health_check_alerts"), of("http_api_slo")), (15, 2, 4));
}

#[test]
fn labels_are_complete_and_uniform() {
    for alert in rules::alerts() {
        let labels: Vec<&str> = alert.rule.labels.keys().map(String::as_str).collect();
        let of_the_budget = alert.name == "HTTPAPIErrorBudgetBurn";
        let expected: &[&str] =
            if of_the_budget { &["component", "severity", "signal", "window"] } else { &["component", "severity", "signal"] };
        assert_eq!(labels, expected, "{}", alert.name);
        let severity = alert.label("severity");
        let always = alert.name == "Watchdog";
        assert!(
            if always { severity == "none" } else { ["critical", "warning", "info"].contains(&severity) },
            "{}",
            alert.name
        );
        // Only Watchdog fires at once. Pages last a while, so that what comes and goes pages once.
        assert_eq!(alert.rule.r#for.is_none(), always, "{}: for", alert.name);
        assert_eq!(alert.rule.keep_firing_for.is_some(), severity == "critical", "{}: keep_firing_for", alert.name);
        let component = alert.label("component");
        match alert.file.as_str() {
            "slo_rules.yml" => assert_eq!(component, "slo", "{}", alert.name),
            "meta_alerts.yml" => assert_eq!(component, "monitoring", "{}", alert.name),
            _ => {}
        }
    }
}

#[test]
fn annotations_are_complete_and_uniform() {
    for alert in rules::alerts() {
        let name = &alert.name;
        let annotations: Vec<&str> = alert.rule.annotations.keys().map(String::as_str).collect();
        assert_eq!(annotations, ["dashboard_url", "description", "runbook_url", "summary"], "{name}");
        assert_eq!(alert.annotation("runbook_url"), format!("{{{{ $externalURL }}}}/consoles/{name}.html"));
        let dashboard = "{{ with $externalLabels.grafana }}{{ . }}{{ else }}http://localhost:3000{{ end }}\
            /d/http_api_overview?var-job=http_api";
        let panel = alert.annotation("dashboard_url").strip_prefix(dashboard);
        let panel = panel.unwrap_or_else(|| panic!("{name} leads to no dashboard: {}", alert.annotation("dashboard_url")));
        // That there is such a panel is tested with the links of the documents.
        let number = panel.strip_prefix("&viewPanel=");
        assert!(panel.is_empty() || number.is_some_and(|number| number.parse::<u32>().is_ok()), "{name}: {panel}");
        // One line each, which begins as a sentence does, and a description that ends as one.
        for text in ["summary", "description"].map(|text| alert.annotation(text)) {
            assert!(!text.contains('\n') && text.trim() == text && !text.is_empty(), "{name}: {text:?}");
        }
        let description = alert.annotation("description");
        assert!(description.ends_with('.') || description.ends_with("{{ end }}"), "{name}: {description:?}");
        assert!(!alert.annotation("summary").ends_with('.'), "{name}: {:?}", alert.annotation("summary"));
    }
}

#[test]
fn a_more_severe_alert_of_the_same_signal_mutes_only_what_it_tells_too() {
    // Inhibition is by job and signal. That a signal of two components is muted has to be meant.
    let alerts = rules::alerts();
    for critical in alerts.iter().filter(|alert| alert.label("severity") == "critical") {
        let muted = alerts
            .iter()
            .filter(|alert| alert.label("severity") == "warning" && alert.label("signal") == critical.label("signal"));
        let others: BTreeSet<_> =
            muted.filter(|alert| alert.label("component") != critical.label("component")).map(|a| &*a.name).collect();
        let meant: &[&str] = match critical.name.as_str() {
            "HighHTTPErrorRate" => &["HTTPAPIErrorBudgetBurn"],
            "HTTPAPIErrorBudgetBurn" => &["EndpointHighErrorRate"],
            // It is of another job, so that it is not muted.
            "HealthCheckFailing" => &["HealthProbeFailing"],
            _ => &[],
        };
        assert!(others.iter().eq(meant), "{} mutes {others:?}", critical.name);
    }
}
