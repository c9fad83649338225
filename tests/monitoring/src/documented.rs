//! What the documents speak of, running on loopback: the demo under traffic, and the shipped configuration of Prometheus with its rules
//! and pages, only faster.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use system::api::{Api, Series};
use system::daemon::Daemon;
use system::demo::{Demo, TOKEN};
use system::http::Connection;
use system::wait;
use tempfile::TempDir;

use crate::prometheus;

/// How long a query may take to have data, from the start of everything on.
const LIMIT: Duration = Duration::from_secs(120);

/// Everything, running. It is ended when this is dropped.
#[derive(Debug)]
pub struct Documented {
    demo: Demo,
    alertmanager: Daemon,
    prometheus: Daemon,
    // Held for their end alone.
    _exporters: [Daemon; 2],
}

impl Documented {
    /// Starts all of it, with a few requests of the demo's own traffic failing, so that queries of failures have data.
    pub fn start() -> Self {
        let demo = Demo::start(&["--traffic", "40", "--demo-faults", "--health-interval", "1000", "--max-connections", "500"]);
        let authorization = format!("Bearer {TOKEN}");
        let headers = [("authorization", &*authorization), ("connection", "close")];
        let connection = Connection::open(demo.address());
        let set = connection
            .and_then(|mut connection| connection.request("POST", "/demo/fault", &headers, "{\"error_share\": 0.02}"))
            .expect("an answer");
        assert_eq!(set.status, 200, "{}", set.body);

        let node = prometheus::exporter("prometheus-node-exporter", &["--no-collector.systemd"]);
        let blackbox = prometheus::blackbox();
        let alertmanager = alertmanager();
        let hosts = [
            ("tachograph:8080", demo.address()),
            ("node-exporter:9100", node.address()),
            ("blackbox-exporter:9115", blackbox.address()),
            ("alertmanager:9093", alertmanager.address()),
        ];
        let prometheus = prometheus::start("prometheus", "prometheus.yml", &hosts, prometheus::each_second);
        let documented = Self { demo, alertmanager, prometheus, _exporters: [node, blackbox] };
        for job in ["http_api", "engine_telemetry", "health_probe", "node", "prometheus", "alertmanager"] {
            documented.api().wait_until_up(job);
        }
        documented
    }

    /// Prometheus' interface.
    pub fn api(&self) -> Api {
        Api::new(self.prometheus.address())
    }

    /// Waits until an instant query has data, and hands it out.
    pub fn data(&self, expression: &str) -> Vec<Series> {
        wait::until(&format!("data of {expression}"), LIMIT, || {
            let data = self.api().query(expression);
            if data.is_empty() { Err("there is none".to_owned()) } else { Ok(data) }
        })
    }

    /// Runs commands of a document, with the environment that the documents ask for, and hands out what they print.
    pub fn shell(&self, commands: &str) -> String {
        // They may write files.
        let folder = TempDir::new().expect("a temporary folder");
        let output = Command::new("bash")
            .current_dir(folder.path())
            .args(["-euo", "pipefail", "-c", commands])
            .env("API", format!("http://{}", self.demo.address()))
            .env("PROMETHEUS", format!("http://{}", self.prometheus.address()))
            .env("ALERTMANAGER", format!("http://{}", self.alertmanager.address()))
            .env("TACHOGRAPH_TOKEN", TOKEN)
            .output()
            .expect("bash runs");
        let [stdout, stderr] = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
        assert!(output.status.success(), "{}:\n{commands}\n{stdout}{stderr}", output.status);
        stdout
    }
}

/// One that tells nobody.
fn alertmanager() -> Daemon {
    Daemon::start("/-/ready", |folder: &Path, address| {
        let configuration = folder.join("alertmanager.yml");
        // Nobody listens there: what it sends fails, and is counted.
        let text = "route: {receiver: nobody, group_wait: 1s}\n\
                    receivers: [{name: nobody, webhook_configs: [{url: 'http://127.0.0.1:1/'}]}]\n";
        fs::write(&configuration, text).expect("a file in a temporary folder");
        let mut command = Command::new("prometheus-alertmanager");
        command
            .arg(format!("--config.file={}", configuration.display()))
            .arg(format!("--storage.path={}", folder.join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--cluster.listen-address=");
        command
    })
}
