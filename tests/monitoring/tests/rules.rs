//! The rule files and their unit tests, by promtool of both generations of Prometheus.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use monitoring::rules::{self, Alert};
use monitoring::tables;
use monitoring_tests::mutation_trial::{TestFile, list, passed, test_files, text_of};
use monitoring_tests::{promtools, shortened};
use serde_json::Value;

#[test]
fn rules_are_accepted() {
    for promtool in promtools() {
        let files = rules::FILES.map(|file| rules::folder().join("prometheus").join(file));
        let text = run(&promtool, Command::new(&promtool).args(["check", "rules", "--lint=all", "--lint-fatal"]).args(files));
        // As many as we read: promtool and our own reader see the same files.
        let read: usize = rules::all().iter().flat_map(|file| &file.groups).map(|group| group.rules.len()).sum();
        let counted = |line: &str| line.trim().strip_prefix("SUCCESS: ")?.split(' ').next()?.parse::<usize>().ok();
        assert_eq!(text.lines().filter_map(counted).sum::<usize>(), read, "{promtool}: {text}");
    }
}

#[test]
fn unit_tests_pass() {
    let files: Vec<_> = test_files().iter().map(|file| rules::folder().join("prometheus/tests").join(&file.name)).collect();
    assert!(!files.is_empty());
    for promtool in promtools() {
        // Side by side; what is wrong is asked for afterwards.
        let verdicts = passed(&promtool, &files, 1);
        let failed: Vec<_> = files.iter().filter(|file| !verdicts[*file]).collect();
        if !failed.is_empty() {
            run(&promtool, Command::new(&promtool).args(["test", "rules"]).args(&failed));
            panic!("{promtool}: these failed once, and then did not: {failed:?}");
        }
    }
}

/// What promtool says, which must be content.
fn run(promtool: &str, command: &mut Command) -> String {
    let output = command.output();
    let output = output.unwrap_or_else(|error| panic!("cannot start {promtool}: {error}; ci/monitoring.sh installs it"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{promtool}: {text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// Whether a case of a unit test expects this alert to fire: of several alerts of one name, the one with these labels.
fn fires(case: &Value, alert: &Alert) -> bool {
    list(&case["exp_alerts"]).iter().any(|expected| {
        alert.rule.labels.iter().all(|(name, value)| text_of(&expected["exp_labels"][name]) == value)
            && alert.rule.annotations.keys().all(|name| !text_of(&expected["exp_annotations"][name]).is_empty())
    })
}

/// The unit tests that are about an alert: how often its rule is evaluated, the test's name, and its cases by their time.
fn about<'a>(files: &'a [TestFile], alert: &Alert) -> Vec<(Duration, &'a str, BTreeMap<Duration, &'a Value>)> {
    let time = |value: &Value| shortened::duration(text_of(value)).expect("a time of a unit test");
    let mut found = Vec::new();
    for file in files {
        for test in list(&file.content["tests"]) {
            let cases = list(&test["alert_rule_test"]).iter().filter(|case| text_of(&case["alertname"]) == alert.name);
            let cases: BTreeMap<_, _> = cases.map(|case| (time(&case["eval_time"]), case)).collect();
            if !cases.is_empty() {
                found.push((time(&file.content["evaluation_interval"]), text_of(&test["name"]), cases));
            }
        }
    }
    found
}

#[test]
fn every_alert_is_tested_in_every_way() {
    let files = test_files();
    // It needs no data, and has no reason to be silent.
    for alert in rules::alerts().iter().filter(|alert| alert.name != "Watchdog") {
        let (mut fired, mut silent, mut without_data) = (false, false, false);
        for (_, name, cases) in about(&files, alert) {
            fired |= cases.values().any(|case| fires(case, alert));
            silent |= cases.values().any(|case| list(&case["exp_alerts"]).is_empty());
            without_data |= name.contains("no data");
        }
        assert!(fired, "no unit test lets {} fire", alert.name);
        assert!(silent, "no unit test expects {} to be silent", alert.name);
        assert!(without_data, "no unit test is about {} without data: its name has `no data`", alert.name);
    }
}

/// That the value is exactly the limit is what the mutants of `rules_mutated` prove, in which `>` is `>=`.
#[test]
fn every_alert_is_tested_at_its_boundary() {
    let files = test_files();
    let limits = tables::limits();
    for alert in rules::alerts().iter().filter(|alert| alert.name != "Watchdog") {
        let tests = about(&files, alert);
        // Of several alerts of one name a test begins with the window.
        let begin = alert.rule.labels.get("window").unwrap_or(&alert.name);
        let at_limit = |(_, name, cases): &(_, &str, BTreeMap<_, &Value>)| {
            name.strip_prefix(begin).is_some_and(|rest| rest.contains("limit"))
                && cases.values().any(|case| !fires(case, alert))
        };
        let limited = limits.iter().any(|limit| limit.alerts.contains(&&*alert.name));
        assert!(!limited || tests.iter().any(at_limit), "no unit test is at the limit of {begin}: its name has `limit`");
        let at_once = tests.iter().any(|(every, _, cases)| {
            let before = |time: &Duration| time.checked_sub(*every).and_then(|before| cases.get(&before));
            cases.iter().any(|(time, case)| fires(case, alert) && before(time).is_some_and(|case| !fires(case, alert)))
        });
        assert!(at_once, "no unit test has the last time that {begin} is silent, and the next one, at which it fires");
    }
}

#[test]
fn every_recorded_value_is_tested() {
    let files = test_files();
    for rule in rules::all().iter().flat_map(|file| &file.groups).flat_map(|group| &group.rules) {
        let Some(record) = &rule.record else { continue };
        let valued = files
            .iter()
            .flat_map(|file| list(&file.content["tests"]))
            .flat_map(|test| list(&test["promql_expr_test"]))
            .any(|case| text_of(&case["expr"]).contains(record.as_str()) && !list(&case["exp_samples"]).is_empty());
        assert!(valued, "no unit test expects a value of {record}");
    }
}
