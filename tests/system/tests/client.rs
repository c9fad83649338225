//! The client looks at servers that know nothing of it: a node exporter, Prometheus's own metrics, VictoriaMetrics' own.

use std::fs;
use std::net::SocketAddr;
use std::process::{Command, Output};

use serde_json::Value;
use system::daemon::Daemon;
use system::demo::{Demo, TOKEN, program};

fn tachograph(address: SocketAddr, arguments: &[&str]) -> Output {
    let mut command = Command::new(program());
    command.args(arguments).args(["--url", &address.to_string()]).env_remove("TACHOGRAPH_TOKEN");
    command.output().expect("the client can be started")
}

/// What it writes when it succeeds, and says nothing beside.
#[track_caller]
fn told(address: SocketAddr, arguments: &[&str]) -> String {
    let output = tachograph(address, arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{arguments:?}: {} {errors}", output.status);
    String::from_utf8(output.stdout).expect("it is text")
}

/// All families by JSON, of which none has a finding: these servers write clean text.
#[track_caller]
fn families(address: SocketAddr) -> Vec<Value> {
    told(address, &["metrics", "--verbose"]);
    let json: Value = serde_json::from_str(&told(address, &["metrics", "--json"])).expect("it is JSON");
    json.as_array().expect("an array").clone()
}

#[track_caller]
fn family<'a>(families: &'a [Value], name: &str) -> &'a Value {
    families.iter().find(|family| family["name"] == name).unwrap_or_else(|| panic!("{name} is not among {}", families.len()))
}

#[test]
fn a_node_exporter_is_read() {
    let exporter = Daemon::start("/metrics", |_, address| {
        let mut command = Command::new("prometheus-node-exporter");
        // It complains where there is no system bus.
        command.arg(format!("--web.listen-address={address}")).arg("--no-collector.systemd");
        command
    });
    let families = families(exporter.address());
    let cpu = family(&families, "node_cpu_seconds_total");
    assert_eq!(cpu["type"], "counter");
    let modes = cpu["series"].as_array().expect("series").iter().filter(|series| series["labels"]["mode"] == "idle").count();
    let threads = family(&families, "node_memory_MemTotal_bytes")["series"][0]["value"].as_f64();
    assert!(modes > 0 && threads > Some(1e6), "{modes} {threads:?}");
    assert_eq!(family(&families, "go_gc_duration_seconds")["type"], "summary");
    let table = told(exporter.address(), &["metrics", "--grep", "node_memory_MemTotal_bytes", "--grep", "node_boot_time"]);
    assert!(table.contains("iB\n") && table.contains("Z (") && table.contains(" ago)"), "{table}");
    // It has a page at each path, and no health.
    let output = tachograph(exporter.address(), &["health"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no health report"), "{output:?}");
}

#[test]
fn prometheus_is_read() {
    let prometheus = Daemon::start("/-/ready", |folder, address| {
        let configuration = folder.join("prometheus.yml");
        fs::write(&configuration, "global: {}\n").expect("a file in the folder");
        let mut command = Command::new("prometheus");
        command
            .arg(format!("--config.file={}", configuration.display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
            .arg(format!("--web.listen-address={address}"));
        command
    });
    let families = families(prometheus.address());
    let durations = family(&families, "prometheus_http_request_duration_seconds");
    assert_eq!(durations["type"], "histogram");
    let ready = durations["series"].as_array().expect("series").iter().find(|series| series["labels"]["handler"] == "/-/ready");
    let ready = ready.expect("that was asked for");
    assert!(ready["count"].as_f64() >= Some(1.0) && ready["quantiles"]["0.5"].is_f64(), "{ready}");
    let healthy = told(prometheus.address(), &["health", "--path", "/-/healthy"]);
    assert!(healthy.starts_with("healthy\n"), "{healthy}");
    let output = tachograph(prometheus.address(), &["profile", "--token", TOKEN]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("it is not Tachograph's"), "{output:?}");
}

#[test]
fn victoria_metrics_is_read() {
    let victoria = Daemon::start("/health", |folder, address| {
        let mut command = Command::new("victoria-metrics");
        let data = folder.join("data");
        command.arg(format!("-storageDataPath={}", data.display())).arg(format!("-httpListenAddr={address}"));
        command
    });
    // It tells no types.
    let families = families(victoria.address());
    let rows = family(&families, "vm_rows_inserted_total");
    assert_eq!(rows["type"], "unknown");
    assert!(rows["series"].as_array().expect("series").iter().any(|series| series["labels"]["type"] == "promremotewrite"));
    assert!(told(victoria.address(), &["health"]).starts_with("healthy\n"));
}

#[test]
fn what_is_read_of_the_demo_is_what_it_sends() {
    let demo = Demo::start(&[]);
    let families = families(demo.address());
    let requests = family(&families, "http_requests_total");
    let scrapes = requests["series"].as_array().expect("series").iter().find(|series| {
        series["labels"]["endpoint"] == "/metrics" && series["labels"]["status"] == "200" && series["labels"]["method"] == "GET"
    });
    // The look before has been counted: a request is, before its answer has come.
    assert_eq!(scrapes.expect("it is there from the start")["value"], 1);
}
