//! Every rule wrong in every place, one at a time: the unit tests of the rule have to notice.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use monitoring::rules;
use monitoring_tests::mutation::mutants;
use monitoring_tests::mutation_trial::{Trial, passed, test_files};
use monitoring_tests::promtools;

/// Mutants that are no less right than the rule: how the rule's name begins, a part of what was done to it, and why.
const EQUIVALENT: [(&str, &str, &str); 28] = [
    ("Watchdog", "in vector, ", "whatever the number is, it fires"),
    ("HTTPAPISeriesRefused", "and not on job", OF_ONE_JOB),
    ("HTTPAPISeriesRefused", "left of unless, tachograph_series_refused_total: any job", BOTH_SIDES),
    ("HTTPAPISeriesRefused", "right of unless, tachograph_series_refused_total: any job", OF_ONE_JOB),
    ("HTTPAPISeriesRefused", "up: any job", BOTH_SIDES),
    ("HTTPAPISeriesRefused", "process_start_time_seconds: any job", BOTH_SIDES),
    ("PrometheusRemoteWriteFailing", "increase -> rate", "one is above 0 when the other is"),
    ("AlertmanagerNotificationsFailing", "alertmanager_notifications_failed_total: any job", BOTH_SIDES),
    ("AlertmanagerNotificationsFailing", "alertmanager_notifications_total: any job", BOTH_SIDES),
    ("HighActiveConnections", "active_connections: any job", BOTH_SIDES),
    ("HighActiveConnections", "max_connections: any job", BOTH_SIDES),
    ("HealthCheckFailing", "unless not on job", OF_ONE_JOB),
    ("HealthCheckFailing", "right of unless, health_status: any job", OF_ONE_JOB),
    ("HealthCheckFailing", "left of unless, max -> min", "all of them are 1"),
    ("LargeRequestSize", "rate -> increase", "a quantile is the same at every scale"),
    ("HighSceneLoadErrorRate", "right of /, > -> >=", "the guard lets nothing pass that had no attempts"),
    ("HighSceneLoadErrorRate", "right of /, right of >, 0 -> -1", "the guard lets nothing pass that had no attempts"),
    ("job:http_requests:rate5m", "or not on job", OF_ONE_JOB),
    ("job:http_requests:rate5m", "right of or, * -> /", "it is divided by 1"),
    ("job:http_requests:rate5m", "right of or, right of *, max -> min", "all of them are 1"),
    ("job:http_requests_errors:rate5m", "or not on job", OF_ONE_JOB),
    ("job:scene_load_attempts:rate5m", "or not on job", OF_ONE_JOB),
    ("job:scene_load_attempts:rate5m", "scene_loads_total: any job", BOTH_SIDES),
    ("job:scene_load_attempts:rate5m", "right of or, right of *, ", "it is taken 0 times"),
    ("job_endpoint:http_requests_errors:ratio_rate5m", "http_requests_total: any job", BOTH_SIDES),
    ("job:slo_availability_errors:", "or not on job", OF_ONE_JOB),
    ("job:slo_availability_errors:", "http_requests_total: any job", BOTH_SIDES),
    // Where it is no number the divisor is not there.
    ("job:slo_availability_errors:", "right of or, ", "it is taken 0 times"),
];

const OF_ONE_JOB: &str = "both sides are of one job";
const BOTH_SIDES: &str = "there is a result for the jobs of both sides only, and the other side is of one";

/// How many files promtool is given at once: fewer starts of it, and still some for each processor.
const AT_ONCE: usize = 16;

/// A mutant, and the files of tests of which one has to fail.
struct Tried {
    rule: String,
    what: String,
    tests: Vec<PathBuf>,
}

#[test]
fn every_mutant_is_noticed() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let tests = test_files();
    let (mut right, mut wrong, mut rule_files) = (Vec::new(), Vec::new(), Vec::new());
    for file in rules::all() {
        for (group_number, group) in file.groups.iter().enumerate() {
            for (place, rule) in group.rules.iter().enumerate() {
                let trial = Trial::of(&file, group_number, place, &tests);
                assert!(!trial.is_empty(), "no unit test is about {}", rule.name());
                let (printed, mutants) = mutants(rule).unwrap_or_else(|error| panic!("{error}"));
                let name = format!("{}-{}-{place}", file.name, group.name);
                let (rule_file, paths) = trial.write(folder.path(), &name, &printed);
                rule_files.push(rule_file);
                right.extend(paths);
                for (number, mutant) in mutants.into_iter().enumerate() {
                    let (rule_file, tests) = trial.write(folder.path(), &format!("{name}-{number}"), &mutant.rule);
                    rule_files.push(rule_file);
                    wrong.push(Tried { rule: rule.name().to_owned(), what: mutant.what, tests });
                }
            }
        }
    }
    for promtool in promtools() {
        // A rule that is none would fail every test, and prove nothing.
        for batch in rule_files.chunks(200) {
            let output = Command::new(&promtool).args(["check", "rules", "--lint=none"]).args(batch).output();
            let output =
                output.unwrap_or_else(|error| panic!("cannot start {promtool}: {error}; ci/monitoring.sh installs it"));
            assert!(output.status.success(), "{promtool}: {}", String::from_utf8_lossy(&output.stderr));
        }
        let verdicts = passed(&promtool, &right, AT_ONCE);
        for path in &right {
            assert!(verdicts[path], "{promtool}: {} fails although the rule is right", path.display());
        }
        judge(&promtool, &wrong);
    }
}

/// Gives each mutant one test after the other, until one fails.
fn judge(promtool: &str, wrong: &[Tried]) {
    let mut alive: Vec<&Tried> = wrong.iter().collect();
    for round in 0.. {
        let next: Vec<PathBuf> = alive.iter().filter_map(|tried| tried.tests.get(round)).cloned().collect();
        if next.is_empty() {
            break;
        }
        let verdicts = passed(promtool, &next, AT_ONCE);
        alive.retain(|tried| tried.tests.get(round).is_none_or(|path| verdicts[path]));
    }
    let (mut excused, mut unnoticed) = (BTreeSet::new(), Vec::new());
    for tried in &alive {
        let excuse = EQUIVALENT.iter().position(|(rule, what, _)| tried.rule.starts_with(rule) && tried.what.contains(what));
        match excuse {
            Some(number) => drop(excused.insert(number)),
            None => unnoticed.push(format!("{}: {}", tried.rule, tried.what)),
        }
    }
    println!(
        "{promtool}: {} mutants, {} no less right, {} unnoticed",
        wrong.len(),
        alive.len() - unnoticed.len(),
        unnoticed.len()
    );
    assert!(unnoticed.is_empty(), "{promtool} did not notice:\n{}", unnoticed.join("\n"));
    for (number, (rule, what, why)) in EQUIVALENT.iter().enumerate() {
        assert!(excused.contains(&number), "{rule}, {what}: it is noticed, so that this is wrong: {why}");
    }
}
