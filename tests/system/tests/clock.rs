//! The clock on the wall steps back by an hour under the demo, and forward again: no counter falls, no time is measured by it, and what is
//! told by it goes on being told.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use system::demo::{Demo, TOKEN, any_port};
use system::http::{self, Connection};
use system::wait;
use tachograph_check::{Exposition, Format, Rules};
use tempfile::TempDir;

/// Scene requests that are waited for before and after each step.
const REQUESTS: f64 = 60.0;

/// Seconds that no request of this test takes, and no step is as short as.
const LONG: f64 = 600.0;

fn scrape(demo: &Demo) -> Exposition {
    let (_, text) = demo.scrape_as("application/openmetrics-text;version=1.0.0");
    let (report, exposition) = tachograph_check::read(text.as_bytes(), Format::OpenMetrics, Rules::FORMAT);
    assert!(report.is_clean(), "{report:?}");
    exposition
}

fn requests(scrape: &Exposition) -> f64 {
    scrape.sum("http_requests_total", |sample| sample.label("endpoint") == Some("/scene"))
}

/// When a health check ran last, by the clock on the wall.
fn last_run(scrape: &Exposition) -> f64 {
    scrape.value("health_check_last_run_timestamp_seconds", &[("check", "memory")]).unwrap_or(f64::NAN)
}

/// A scrape after so many more requests, and when the clock has gone by that many seconds: it has stepped, or all of this would show
/// nothing.
fn later(demo: &Demo, than: &Exposition, stepped: f64) -> Exposition {
    let (counted, at) = (requests(than), last_run(than));
    wait::until("requests and a step", wait::LIMIT, || {
        let scrape = scrape(demo);
        let (more, gone) = (requests(&scrape) - counted, last_run(&scrape) - at);
        let is_later = more >= REQUESTS && (gone - stepped).abs() < LONG;
        if is_later { Ok(scrape) } else { Err(format!("{more} more requests, {gone} s later")) }
    })
}

/// What only rises, by name and labels.
fn rising(scrape: &Exposition) -> BTreeMap<String, f64> {
    const RISES: [&str; 4] = ["_total", "_bucket", "_count", "_sum"];
    let samples = scrape.samples().filter(|sample| RISES.iter().any(|end| sample.name.ends_with(end)));
    samples.map(|sample| (format!("{}{:?}", sample.name, sample.labels), sample.value)).collect()
}

/// When each series says that it was made.
fn created(scrape: &Exposition) -> BTreeMap<String, f64> {
    let samples = scrape.samples().filter(|sample| sample.name.ends_with("_created"));
    samples.map(|sample| (format!("{}{:?}", sample.name, sample.labels), sample.value)).collect()
}

/// Checks that nothing tells of the step between two scrapes that should not.
fn compare(before: &Exposition, after: &Exposition) {
    let (old, new) = (rising(before), rising(after));
    assert!(old.len() > 200, "{} samples", old.len());
    for (name, value) in &old {
        let now = new.get(name).unwrap_or_else(|| panic!("{name} is gone"));
        assert!(now >= value, "{name} fell from {value} to {now}");
        assert!(
            !name.contains("seconds") || !name.contains("_sum") || now - value < LONG,
            "{name} leapt from {value} to {now}"
        );
    }
    let (old, new) = (created(before), created(after));
    assert!(old.len() > 50 && old.iter().all(|(name, time)| new.get(name) == Some(time)), "a series was made anew");
    for quantile in ["0.5", "0.99"] {
        let latency = after.value("http_request_latency_ms", &[("quantile", quantile)]).expect("it is there");
        assert!((0.0..LONG * 1_000.0).contains(&latency), "{quantile}: {latency}");
    }
    // Degraded it may be, on a machine that draws few frames; a result that is too old would make it this.
    assert_eq!(after.value("health_status", &[("status", "unhealthy")]), Some(0.0));
}

/// Checks what the other endpoints say of times.
fn ask(demo: &Demo) {
    let headers = [("authorization", &*format!("Bearer {TOKEN}")), ("connection", "close")];
    let mut connection = Connection::open(demo.address()).expect("it listens");
    let answer = connection.request("GET", "/debug/profile?limit=1000", &headers, "").expect("an answer");
    let profiles: serde_json::Value = serde_json::from_str(&answer.body).expect("JSON");
    let profiles = profiles["profiles"].as_array().expect("a list of profiles");
    assert!(profiles.len() as f64 >= REQUESTS, "{}", profiles.len());
    for profile in profiles {
        let took = profile["total_duration_ms"].as_f64().expect("a duration");
        assert!((0.0..LONG * 1_000.0).contains(&took), "{profile}");
    }
    let ready = http::get(demo.address(), "/health").expect("an answer");
    assert_eq!(ready.status, 200, "{}", ready.body);
    let stale = ready.body.contains("stale");
    assert!(!stale, "{}", ready.body);
}

#[test]
fn a_clock_that_steps_is_seen_in_no_counter_and_no_duration() {
    let folder = TempDir::new().expect("a temporary folder");
    let (library, step) = (folder.path().join("step_clock.so"), folder.path().join("an hour behind"));
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/c/step_clock.c");
    let compiled =
        Command::new("gcc").args(["-shared", "-fPIC", "-Wall", "-Werror", "-o"]).arg(&library).arg(source).arg("-ldl").status();
    assert!(compiled.expect("gcc, which ci/system.sh installs").success());

    let options = ["--traffic", "100", "--created-timestamps", "--health-interval", "3000", "--health-timeout", "60000"];
    let set = [format!("LD_PRELOAD={}", library.display()), format!("STEP_BACK={}", step.display())];
    let mut demo = Demo::start_through(&["env", &set[0], &set[1]], any_port(), &options);
    let begun = wait::until("the first checks", wait::LIMIT, || {
        let scrape = scrape(&demo);
        if last_run(&scrape) > 0.0 { Ok(scrape) } else { Err("none has run".to_owned()) }
    });
    let first = later(&demo, &begun, 0.0);
    ask(&demo);

    fs::write(&step, "").expect("a file in it");
    let behind = later(&demo, &first, -3_600.0);
    compare(&first, &behind);
    ask(&demo);

    fs::remove_file(&step).expect("it is there");
    let again = later(&demo, &behind, 3_600.0);
    compare(&behind, &again);
    ask(&demo);

    demo.terminate();
    assert!(demo.exit_status().success(), "on stderr:\n{}", demo.log());
    assert!(!demo.log().contains("panicked"), "{}", demo.log());
}
