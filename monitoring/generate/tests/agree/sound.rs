//! What makes a rule sound, whatever it is about.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

use monitoring::dashboard::query::MONITORING_ENDPOINTS;
use monitoring::rules::{self, Rule, seconds};
use promql_parser::label::MatchOp;
use promql_parser::parser::token;
use promql_parser::parser::{Expr, VectorSelector};

use super::expressions::{compares, metrics, parsed, selectors, within};

fn every_rule() -> Vec<Rule> {
    rules::all().into_iter().flat_map(|file| file.groups).flat_map(|group| group.rules).collect()
}

/// Seconds between two scrapes, as `prometheus.yml` says.
fn scrape_interval() -> f64 {
    let text = fs::read_to_string(rules::folder().join("prometheus/prometheus.yml")).expect("prometheus.yml can be read");
    let configuration: serde_json::Value = serde_saphyr::from_str(&text).expect("prometheus.yml is YAML");
    seconds(configuration["global"]["scrape_interval"].as_str().expect("it says how often it scrapes")).expect("a duration")
}

/// The budget is of thirty days: both ways to start Prometheus must keep them unless told otherwise.
#[test]
fn what_the_rules_read_is_kept() {
    let longest = every_rule().into_iter().map(|rule| {
        let expression = parsed(&rule);
        let mut longest = 0;
        within(&expression, &mut |_, part| {
            if let Expr::MatrixSelector(matrix) = part {
                longest = longest.max(matrix.range.as_secs());
            }
        });
        longest
    });
    let longest = longest.max().expect("there are rules") as f64;
    for (file, before) in
        [("docker-compose.yml", "${PROMETHEUS_RETENTION:-"), ("start_local.sh", "setting PROMETHEUS_RETENTION ")]
    {
        let text = fs::read_to_string(rules::folder().join(file)).expect("it can be read");
        let (_, after) = text.split_once(before).unwrap_or_else(|| panic!("{file} does not say how long Prometheus keeps"));
        let kept: String = after.chars().take_while(char::is_ascii_alphanumeric).collect();
        assert!(seconds(&kept).unwrap_or_else(|error| panic!("{file}: {error}")) >= longest, "{file} keeps {kept} only");
    }
}

#[test]
fn every_alert_compares() {
    for alert in rules::alerts() {
        let expression = parsed(&alert.rule);
        let mut found = compares(&expression) || matches!(&expression, Expr::Call(call) if call.func.name == "absent");
        within(&expression, &mut |_, part| found |= compares(part));
        assert!(found || alert.name == "Watchdog", "{} fires for whatever there is: {}", alert.name, alert.rule.expr);
    }
}

#[test]
fn a_missed_scrape_is_no_absence() {
    for alert in rules::alerts() {
        if alert.rule.expr.contains("absent(") || alert.rule.expr.contains("up{") {
            let wait = alert.rule.r#for.as_deref().map_or(Ok(0.0), seconds).unwrap_or_else(|error| panic!("{error}"));
            assert!(wait >= 2.0 * scrape_interval(), "{} waits for {wait} s only", alert.name);
        }
    }
}

#[test]
fn a_window_holds_four_scrapes() {
    for rule in every_rule() {
        let expression = parsed(&rule);
        within(&expression, &mut |_, part| {
            if let Expr::MatrixSelector(matrix) = part {
                let least = Duration::from_secs_f64(4.0 * scrape_interval());
                assert!(matrix.range >= least, "{}: {matrix} holds less than four scrapes", rule.name());
            }
        });
    }
}

#[test]
fn counters_are_read_by_rate() {
    let by_rate = ["rate", "increase"];
    for rule in every_rule() {
        let expression = parsed(&rule);
        within(&expression, &mut |whole, part| {
            let Expr::MatrixSelector(matrix) = part else { return };
            let name = matrix.vs.name.as_deref().unwrap_or_default();
            if name.ends_with("_total") || name.ends_with("_bucket") {
                let Expr::Call(call) = whole else { panic!("{}: a window is for a function: {whole}", rule.name()) };
                assert!(by_rate.contains(&call.func.name), "{}: {whole}", rule.name());
            }
        });
        // Rate before sum, else the restart of one instance is one of all.
        within(&expression, &mut |_, part| assert!(!matches!(part, Expr::Subquery(_)), "{}: {part}", rule.name()));
    }
}

#[test]
fn nothing_is_divided_by_0() {
    for rule in every_rule() {
        let expression = parsed(&rule);
        let each = |part: &Expr| {
            let Expr::Binary(binary) = part else { return };
            if binary.op.id() == token::T_DIV && super::expressions::constant(&binary.rhs).is_none() {
                let above_0 = binary.rhs.to_string().ends_with("> 0)");
                assert!(above_0, "{}: divide by `(… > 0)`, as 0/0 is no number and x/0 fires: {binary}", rule.name());
            }
        };
        each(&expression);
        within(&expression, &mut |_, part| each(part));
    }
}

#[test]
fn no_two_rules_are_alike() {
    let (mut names, mut expressions) = (BTreeSet::new(), BTreeMap::new());
    for rule in every_rule() {
        // By labels that routes know: of alerts of one name, one may not be mistaken for another.
        assert!(names.insert((rule.name().to_owned(), rule.labels.clone())), "there are two of {}", rule.name());
        if let Some(other) = expressions.insert(parsed(&rule).to_string(), rule.name().to_owned()) {
            panic!("{other} and {} have one expression", rule.name());
        }
    }
}

#[test]
fn what_is_recorded_is_there_and_is_used() {
    let rules = every_rule();
    let recorded: BTreeSet<String> = rules.iter().filter_map(|rule| rule.record.clone()).collect();
    let mut read = BTreeSet::new();
    for rule in &rules {
        for metric in metrics(&parsed(rule)) {
            if metric.contains(':') {
                assert!(recorded.contains(&metric), "{} reads {metric}, which nothing records", rule.name());
                read.insert(metric);
            }
        }
    }
    let dashboard =
        fs::read_to_string(rules::folder().join("grafana/dashboards/http_api_overview.json")).expect("the dashboard is there");
    for record in recorded {
        assert!(read.contains(&record) || dashboard.contains(&record), "nothing reads {record}");
    }
    // Within a group one after the other: what a rule reads comes before it, else it is one interval old.
    for group in rules::all().iter().flat_map(|file| &file.groups) {
        for (place, rule) in group.rules.iter().enumerate() {
            for metric in metrics(&parsed(rule)) {
                let later = group.rules[place..].iter().any(|later| later.record.as_ref() == Some(&metric));
                assert!(!later, "{} reads {metric}, which is recorded after it", rule.name());
            }
        }
    }
}

#[test]
fn every_selector_names_its_job() {
    for rule in every_rule() {
        for selector in selectors(&parsed(&rule)) {
            let recorded = selector.name.as_deref().unwrap_or_default().contains(':');
            let job = selector.matchers.matchers.iter().any(|matcher| matcher.name == "job");
            // A recorded one is of a job already.
            assert!(job || recorded, "{}: {selector} is of every job there is", rule.name());
        }
    }
}

/// What the recorded values of a whole job are made of.
#[test]
fn users_are_told_from_the_monitoring() {
    let of_users = |selector: &VectorSelector| {
        let endpoint = selector.matchers.matchers.iter().find(|matcher| matcher.name == "endpoint");
        endpoint.is_some_and(|endpoint| matches!(endpoint.op, MatchOp::NotRe(_)) && endpoint.value == MONITORING_ENDPOINTS)
    };
    let mut judged = 0;
    for rule in every_rule() {
        for selector in selectors(&parsed(&rule)) {
            let metric = selector.name.as_deref().unwrap_or_default();
            if ["http_requests_total", "http_request_duration_seconds_bucket", "http_request_size_bytes_bucket"]
                .contains(&metric)
            {
                // One endpoint is judged by itself, and one of the monitoring's own too.
                let expected = !rule.name().starts_with("job_endpoint:");
                assert_eq!(of_users(&selector), expected, "{}: {selector}", rule.name());
                judged += 1;
            }
        }
    }
    assert!(judged > 20, "only {judged} selectors of requests were found");
}
