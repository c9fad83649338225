//! The runbooks: Prometheus serves each where its alert says, and what they ask and run works.

use monitoring::{files, queries, rules};
use monitoring_tests::documented::Documented;
use monitoring_tests::prometheus;
use serde_json::Value;
use system::api::Api;
use system::http;
use system::wait;

/// Series of these are there only once something went wrong, time has passed, or there is a store: long_term.rs has one.
const RARE: [&str; 6] = [
    "tachograph_series_refused_total",
    " offset ",
    "prometheus_rule_group_iterations_missed_total",
    "job:slo_availability_errors:ratio_rate",
    "probe_failed_due_to_regex",
    "prometheus_remote_storage_",
];

/// Every `runbook_url`, as Prometheus expands it, is answered with the page of its alert.
fn every_link_leads_to_its_page(program: &str) {
    let prometheus = prometheus::start(program, "prometheus.yml", &[], prometheus::each_second);
    let address = prometheus.address();
    let api = Api::new(address);
    let groups = api.get("rules");
    let mut seen = 0;
    let groups = groups["groups"].as_array().expect("groups are a list").iter();
    for rule in groups.flat_map(|group| group["rules"].as_array().expect("rules are a list")) {
        let Some(url) = rule["annotations"]["runbook_url"].as_str() else {
            assert_eq!(rule["type"], "recording", "{rule}");
            continue;
        };
        let name = rule["name"].as_str().expect("a name");
        let path = url.strip_prefix("{{ $externalURL }}").unwrap_or_else(|| panic!("{name}: {url}"));
        let page = http::get(address, path).expect("an answer");
        assert_eq!(page.status, 200, "{name}: {}", page.body);
        assert!(page.body.contains(&format!("<title>{name}</title>")), "{name}: {}", page.body);
        assert!(page.body.contains("<h2>Mitigation</h2>"), "{name}: {}", page.body);
        seen += 1;
    }
    assert_eq!(seen, rules::alerts().len());

    // One that fires shows what the link becomes.
    let link = wait::until("Watchdog to fire", std::time::Duration::from_secs(30), || {
        let alerts = api.get("alerts");
        let named = |alert: &&Value| alert["labels"]["alertname"] == "Watchdog";
        let fires = alerts["alerts"].as_array().expect("alerts are a list").iter().find(named).cloned();
        fires.map(|alert| alert["annotations"]["runbook_url"].clone()).ok_or_else(|| alerts.to_string())
    });
    assert_eq!(link, format!("http://{address}/consoles/Watchdog.html"));

    let index = http::get(address, "/consoles/index.html").expect("an answer");
    for name in rules::names() {
        assert!(index.body.contains(&format!("<a href=\"{name}.html\">{name}</a>")), "{name}: {}", index.body);
    }
}

#[test]
fn every_link_leads_to_its_page_in_prometheus_2_42() {
    every_link_leads_to_its_page("prometheus");
}

#[test]
fn every_link_leads_to_its_page_in_prometheus_2_53() {
    let program = std::env::var("TACHOGRAPH_PROMETHEUS_TRIXIE").expect("run these tests by ci/monitoring.sh");
    every_link_leads_to_its_page(&program);
}

#[test]
fn every_query_has_data_and_every_command_works() {
    let documented = Documented::start();
    // From here on all the series of the rules are there.
    documented.data("job:slo_availability_errors:ratio_rate1h");
    let mut asked = 0;
    for name in rules::names() {
        let path = files::folder().join(format!("runbooks/{name}.md"));
        let runbook = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for queries::Query { expression, .. } in queries::of(&runbook) {
            // What compares is empty while all is well, and what may have no series yet too: both are answered all the same.
            let may_be_empty = ["==", "<", ">", "!= "].iter().any(|sign| expression.contains(sign));
            if may_be_empty || RARE.iter().any(|rare| expression.contains(rare)) {
                documented.api().query(&expression);
            } else {
                documented.data(&expression);
            }
            asked += 1;
        }
        for commands in queries::blocks(&runbook, "sh") {
            documented.shell(&commands);
        }
    }
    assert!(asked > rules::names().len(), "{asked} queries are too few");
}
