//! Instances are found by the shipped configuration as they come and go: in the file of targets, and behind one name.

use std::collections::BTreeSet;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use monitoring_tests::names::{Names, in_a_network_of_its_own};
use monitoring_tests::prometheus::{self, TARGETS, blackbox};
use serde_json::Value;
use system::api::Api;
use system::daemon::Daemon;
use system::demo::Demo;
use system::wait;

const LIMIT: Duration = Duration::from_secs(60);

/// The jobs that look for instances of the API.
const JOBS: [&str; 3] = ["engine_telemetry", "health_probe", "http_api"];

/// There is no one to tell of alerts.
fn prometheus(name: &str, blackbox: &Daemon) -> Daemon {
    let hosts = [("blackbox-exporter:9115", blackbox.address())];
    prometheus::start("prometheus", name, &hosts, prometheus::each_second)
}

/// Waits until the instances of the API are exactly these, all up, in each job.
fn wait_for_instances(prometheus: &Daemon, instances: &[SocketAddr]) {
    let expected: BTreeSet<(String, String, String)> = JOBS
        .iter()
        .flat_map(|job| instances.iter().map(move |instance| ((*job).to_owned(), instance.to_string(), "up".to_owned())))
        .collect();
    wait::until(&format!("{instances:?} to be up"), LIMIT, || {
        let targets = Api::new(prometheus.address()).get("targets?state=active");
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let all = targets["activeTargets"].as_array().expect("targets are a list").iter();
        let found: BTreeSet<_> = all
            .map(|target| (text(&target["labels"]["job"]), text(&target["labels"]["instance"]), text(&target["health"])))
            .filter(|(job, ..)| JOBS.contains(&job.as_str()))
            .collect();
        if found == expected { Ok(()) } else { Err(format!("there are {found:?}")) }
    });
    // The probe asked each of them, and not the exporter.
    wait::until("every probe to succeed", LIMIT, || {
        let succeeded = Api::new(prometheus.address()).query("probe_success{job=\"health_probe\"} == 1");
        let succeeded: BTreeSet<_> = succeeded.into_iter().map(|(labels, _)| labels["instance"].clone()).collect();
        let missing: Vec<_> = instances.iter().filter(|instance| !succeeded.contains(&instance.to_string())).collect();
        if missing.is_empty() { Ok(()) } else { Err(format!("no probe of {missing:?} succeeds")) }
    });
}

#[test]
fn instances_of_the_file_come_and_go_without_a_reload() {
    let (one, two) = (Demo::start(&[]), Demo::start(&[]));
    let blackbox = blackbox();
    let prometheus = prometheus("prometheus.yml", &blackbox);
    // Moved into its place, so that nobody reads the half of it.
    let set = |instances: &[SocketAddr]| {
        let list: Vec<String> = instances.iter().map(SocketAddr::to_string).collect();
        let text = prometheus::read(TARGETS);
        let changed = text.replace("[tachograph:8080]", &format!("[{}]", list.join(", ")));
        assert_ne!(changed, text);
        prometheus::write(prometheus.folder(), "new", Ok(changed));
        fs::rename(prometheus.folder().join("new"), prometheus.folder().join(TARGETS)).unwrap();
    };
    set(&[one.address()]);
    wait_for_instances(&prometheus, &[one.address()]);
    set(&[one.address(), two.address()]);
    wait_for_instances(&prometheus, &[one.address(), two.address()]);
    set(&[two.address()]);
    wait_for_instances(&prometheus, &[two.address()]);
}

#[test]
fn instances_behind_a_name_come_and_go() {
    if !in_a_network_of_its_own("instances_behind_a_name_come_and_go") {
        return;
    }
    let names = Names::start();
    let blackbox = blackbox();
    let hosts = [2, 3, 4].map(|host| Ipv4Addr::new(127, 0, 0, host));
    let addresses = hosts.map(|host| SocketAddr::from((host, 8080)));
    let _demos = addresses.map(|address| Demo::start_at(address, &[]));
    names.set("tachograph", &hosts[..2]);
    let prometheus = prometheus("prometheus_dns.yml", &blackbox);
    wait_for_instances(&prometheus, &addresses[..2]);
    // One more, as `--scale tachograph=3` does.
    names.set("tachograph", &hosts);
    wait_for_instances(&prometheus, &addresses);
    names.set("tachograph", &hosts[1..]);
    wait_for_instances(&prometheus, &addresses[1..]);
}
