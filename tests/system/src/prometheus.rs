//! A real Prometheus, Debian's, with a configuration and a folder of its own, on a free port.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tempfile::TempDir;

use crate::{http, wait};

/// How long Prometheus may take to start, or to scrape. It scrapes once a second.
const LIMIT: Duration = Duration::from_secs(30);

/// A free port may be taken between our look and its start, so it is tried again with another one.
const ATTEMPTS: usize = 3;

/// Labels and value of one series, as the query API shows them.
pub type Series = (BTreeMap<String, String>, String);

/// A running Prometheus that scrapes one target as job `tachograph`. It is killed when this is dropped.
#[derive(Debug)]
pub struct Prometheus {
    child: Child,
    address: SocketAddr,
    folder: TempDir,
}

impl Prometheus {
    /// Starts one and waits until it has scraped `target`.
    pub fn scraping(target: SocketAddr) -> Self {
        for _ in 0..ATTEMPTS {
            let mut prometheus = Self::start(target);
            if prometheus.is_ready() {
                prometheus.wait_until_up();
                return prometheus;
            }
        }
        panic!("prometheus ended {ATTEMPTS} times before it was ready");
    }

    fn start(target: SocketAddr) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let configuration = folder.path().join("prometheus.yml");
        let text = format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 1s}}\n\
             scrape_configs:\n\
             - job_name: tachograph\n  static_configs: [{{targets: ['{target}']}}]\n"
        );
        fs::write(&configuration, text).expect("a file in it");
        let log = File::create(folder.path().join("log")).expect("a file in it");
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
        let address = free.expect("a free port");
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", configuration.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start prometheus: {error}; ci/system.sh installs it"));
        Self { child, address, folder }
    }

    /// Waits until it answers. False when it has ended.
    fn is_ready(&mut self) -> bool {
        let Self { child, address, folder } = self;
        wait::until("prometheus to be ready", LIMIT, || {
            let answer = http::get(*address, "/-/ready");
            // The process is looked at after the answer: if the port is a stranger's, ours has ended.
            if child.try_wait().expect("a child can be waited for").is_some() {
                eprintln!("{}", fs::read_to_string(folder.path().join("log")).unwrap_or_default());
                return Ok(false);
            }
            match answer {
                Ok(response) if response.status == 200 => Ok(true),
                Ok(response) => Err(format!("it answers {}", response.status)),
                Err(error) => Err(error.to_string()),
            }
        })
    }

    fn wait_until_up(&self) {
        wait::until("the target to be up", LIMIT, || {
            let targets = self.api("targets?state=active");
            let target = &targets["activeTargets"][0];
            // Asked beside its health, which changes a moment before the scrape can be queried.
            match (target["health"].as_str(), &self.query("up == 1")[..]) {
                (Some("up"), [_]) => Ok(()),
                (health, _) => Err(format!("health {health:?}, last error {}", target["lastError"])),
            }
        });
    }

    /// Waits for two scrapes that begin after this call, and checks that they succeeded. Two, because a server may
    /// count a request a moment after its client has read the answer.
    pub fn wait_for_scrapes(&self) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_secs_f64();
        let mut seen = now;
        for _ in 0..2 {
            seen = wait::until("prometheus to scrape", LIMIT, || {
                let last: f64 = self.number("timestamp(up{job=\"tachograph\"})").parse().expect("a number");
                if last > seen { Ok(last) } else { Err(format!("the last scrape began {} s too early", seen - last)) }
            });
        }
        assert_eq!(self.number("min_over_time(up{job=\"tachograph\"}[10m])"), "1", "a scrape failed");
    }

    /// The series that an instant query yields, their labels sorted.
    pub fn query(&self, expression: &str) -> Vec<Series> {
        let data = self.api(&format!("query?query={}", percent_encoded(expression)));
        assert_eq!(data["resultType"], "vector", "{expression}");
        let series = |item: &Value| {
            let labels = item["metric"].as_object().expect("labels are an object");
            let labels = labels.iter().map(|(name, value)| (name.clone(), text(value))).collect();
            (labels, text(&item["value"][1]))
        };
        data["result"].as_array().expect("a result is a list").iter().map(series).collect()
    }

    /// The one value that an instant query yields.
    pub fn number(&self, expression: &str) -> String {
        match &self.query(expression)[..] {
            [(_, value)] => value.clone(),
            series => panic!("{expression} should yield one series, not {series:?}"),
        }
    }

    /// The HELP text that it keeps for a metric.
    pub fn help(&self, metric: &str) -> String {
        text(&self.api(&format!("metadata?metric={metric}"))[metric][0]["help"])
    }

    fn api(&self, path: &str) -> Value {
        let response = http::get(self.address, &format!("/api/v1/{path}")).expect("prometheus answers");
        let mut answer: Value = serde_json::from_str(&response.body).expect("JSON from prometheus");
        assert_eq!(answer["status"], "success", "{path}: {}", response.body);
        answer["data"].take()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("a text should be here, not {value}")).to_owned()
}

fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
