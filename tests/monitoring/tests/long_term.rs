//! With prometheus_long_term.yml a real VictoriaMetrics gets what Prometheus sees, and nothing that says nothing of a series.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use monitoring_tests::prometheus;
use system::api::Api;
use system::daemon::Daemon;
use system::demo::Demo;
use system::{http, wait};

/// How long samples may take: a batch that is not full is sent after five seconds.
const LIMIT: Duration = Duration::from_secs(60);

fn victoria_metrics() -> Daemon {
    Daemon::start("/health", |folder, address| {
        let mut command = Command::new("victoria-metrics");
        command
            .arg(format!("-storageDataPath={}", folder.join("data").display()))
            .arg(format!("-httpListenAddr={address}"))
            .args(["-retentionPeriod=2y", "-search.latencyOffset=0s", "-search.disableCache"]);
        command
    })
}

/// Prometheus with the shipped files, which `change` may have changed. Nobody is told, and nothing else is probed.
fn prometheus(demo: &Demo, store: SocketAddr, change: impl Fn(String) -> String) -> Daemon {
    let hosts = [("tachograph:8080", demo.address()), ("victoria-metrics:8428", store)];
    prometheus::start("prometheus", "prometheus_long_term.yml", &hosts, |file, text| {
        let text = if file == "prometheus_long_term.yml" { change(text) } else { text };
        prometheus::each_second(file, text)
    })
}

/// Waits until an expression yields something there, and returns how many series.
fn wait_for(victoria: &Daemon, expression: &str) -> usize {
    wait::until(&format!("{expression} in VictoriaMetrics"), LIMIT, || {
        // What has just come is not found before it is flushed.
        let flushed = http::get(victoria.address(), "/internal/force_flush").map_err(|error| error.to_string())?;
        match Api::new(victoria.address()).query(expression).len() {
            0 => Err(format!("there is none; flush answers {}", flushed.status)),
            series => Ok(series),
        }
    })
}

#[test]
fn victoria_metrics_gets_what_prometheus_sees_without_the_label_grafana() {
    let demo = Demo::start(&[]);
    let victoria = victoria_metrics();
    let scraper = prometheus(&demo, victoria.address(), |text| text);
    // What is scraped, how that went, what a rule records, and an alert.
    wait_for(&victoria, "up{job=\"http_api\"} == 1");
    wait_for(&victoria, "engine_frames_total{job=\"engine_telemetry\"}");
    wait_for(&victoria, "ALERTS{alertname=\"Watchdog\"}");
    wait_for(&victoria, "job:http_requests:rate5m");
    // All of a scrape, with the labels that Prometheus has, and no others.
    let series = |daemon: &Daemon| -> BTreeSet<_> {
        let all = Api::new(daemon.address()).series("http_api").into_iter();
        // VictoriaMetrics keeps no NaN, which a quantile of no requests is.
        let all = all.filter(|(labels, value)| labels["__name__"].starts_with("http_") && value != "NaN");
        all.map(|(labels, _)| labels).collect()
    };
    wait::until("all series to be there", LIMIT, || {
        let (here, there) = (series(&scraper), series(&victoria));
        let missing = here.difference(&there).count();
        if here.len() > 100 && missing == 0 { Ok(()) } else { Err(format!("of {} there miss {missing}", here.len())) }
    });
    let (here, there) = (series(&scraper), series(&victoria));
    assert_eq!(there.difference(&here).collect::<Vec<_>>(), Vec::<&BTreeMap<String, String>>::new());
    assert!(Api::new(victoria.address()).query("{grafana!=\"\"}").is_empty());
    // What PrometheusRemoteWriteFailing looks at is there, of this store, and says that all is well.
    let sent = "prometheus_remote_storage_queue_highest_sent_timestamp_seconds{job=\"prometheus\"}";
    wait::until("the store to be up to date", LIMIT, || {
        let behind = Api::new(scraper.address()).query(&format!("time() - {sent} < 120"));
        match behind.first() {
            Some((labels, _)) if labels["remote_name"] == "long_term" => Ok(()),
            _ => Err(format!("{behind:?}")),
        }
    });
    // Nothing was refused.
    let failed = "sum(prometheus_remote_storage_samples_failed_total + prometheus_remote_storage_samples_dropped_total)";
    let failed = wait::until("Prometheus to have scraped itself", LIMIT, || {
        let found = Api::new(scraper.address()).query(failed);
        found.into_iter().next().map(|(_, value)| value).ok_or_else(|| "it has not".to_owned())
    });
    assert_eq!(failed, "0");
}

#[test]
fn without_what_drops_it_the_label_would_be_there() {
    // So that the test above is one.
    let demo = Demo::start(&[]);
    let victoria = victoria_metrics();
    let keep = |text: String| {
        let changed = text.replace("      - regex: grafana\n        action: labeldrop\n    queue", "      []\n    queue");
        assert_ne!(changed, text, "write_relabel_configs is written in another way");
        changed
    };
    let _scraper = prometheus(&demo, victoria.address(), keep);
    assert!(wait_for(&victoria, "up{job=\"http_api\",grafana=\"http://localhost:3000\"}") == 1);
}
