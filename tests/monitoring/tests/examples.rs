//! The queries and commands of `MONITORING.md` work as they stand there.

use std::fs;
use std::process::Command;

use monitoring::{files, queries};
use monitoring_tests::documented::Documented;
use monitoring_tests::promtools;
use tempfile::TempDir;

fn guide() -> String {
    fs::read_to_string(files::folder().join("MONITORING.md")).expect("the guide is there")
}

/// What stands under a heading, up to the next of its level.
fn section(title: &str) -> String {
    let text = guide();
    let rest =
        text.split_once(&format!("\n## {title}\n")).unwrap_or_else(|| panic!("MONITORING.md has no section '{title}'")).1;
    rest.split("\n## ").next().expect("there is something before the next one").to_owned()
}

/// The condition of an alert that MONITORING.md proposes: empty while all is as usual.
fn band() -> String {
    let queries = queries::of(&section("Anomalies"));
    let alerts: Vec<String> =
        queries.into_iter().map(|query| query.expression).filter(|query| query.contains("> 3 *")).collect();
    let [alert] = &alerts[..] else { panic!("one alert should be proposed, not {alerts:?}") };
    alert.clone()
}

#[test]
fn every_query_has_data_and_every_command_works() {
    let documented = Documented::start();
    let twenty = queries::of(&section("Questions in PromQL"));
    let numbered = (1..).take_while(|number| twenty.iter().any(|query| query.told.starts_with(&format!("{number}. ")))).count();
    assert!(numbered >= 20, "only {numbered} are numbered");
    let band = band();
    for queries::Query { expression, .. } in queries::of(&guide()) {
        if expression == band {
            // The test below has a day for it.
            documented.api().query(&expression);
        } else {
            documented.data(&expression);
        }
    }
    for commands in queries::blocks(&guide(), "sh") {
        documented.shell(&commands);
    }
}

/// A day of traffic that swings by a fifth each hour, a value a minute, and what comes after it.
fn day_and(after: &[f64]) -> String {
    let swing = |minute: u32| 10.0 + 2.0 * (f64::from(minute) * std::f64::consts::TAU / 60.0).sin();
    let values = (0..1500).map(swing).chain(after.iter().copied());
    values.map(|value| format!("{value:.3}")).collect::<Vec<_>>().join(" ")
}

/// How many series the condition yields at the last of the values, as promtool tells.
fn yields(promtool: &str, after: &[f64], expected: u32) {
    let folder = TempDir::new().expect("a temporary folder");
    let test = folder.path().join("test.yml");
    let (values, minutes) = (day_and(after), 1500 + after.len() - 1);
    let expression = format!("count({}) or vector(0)", band().replace('\n', " "));
    let text = format!(
        "evaluation_interval: 1m\ntests:\n- interval: 1m\n  input_series:\n  \
         - series: 'job:http_requests:rate5m{{job=\"http_api\"}}'\n    values: '{values}'\n  promql_expr_test:\n  \
         - expr: '{expression}'\n    eval_time: {minutes}m\n    exp_samples: [{{labels: '{{}}', value: {expected}}}]\n"
    );
    fs::write(&test, text).expect("a file in a temporary folder");
    let output = Command::new(promtool).args(["test", "rules"]).arg(&test).output().expect("promtool runs");
    let told = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(output.status.success(), "{after:?} should yield {expected}: {told}");
}

#[test]
fn the_band_knows_a_swing_from_a_jump() {
    for promtool in &promtools() {
        yields(promtool, &[10.0], 0);
        yields(promtool, &[12.0, 12.4], 0);
        yields(promtool, &[20.0], 1);
        yields(promtool, &[0.0], 1);
    }
}
