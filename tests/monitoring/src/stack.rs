//! The whole of it on loopback: the demo, Prometheus, Alertmanager and the blackbox exporter with copies of the shipped
//! configuration that take no minutes, and a receiver of what Alertmanager tells.

mod told;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use system::api::Api;
use system::daemon::Daemon;
use system::demo::{Demo, TOKEN};
use system::http::{self, Connection, Response};

use crate::alertmanager::Alertmanager;
use crate::prometheus::{self, TARGETS, targets};
use crate::receiver::Receiver;
use crate::shortened::{self, Part};

pub use told::{Told, last_words, tellings};

/// How long anything may be waited for. What is waited for longest, the end of an alert, takes some 25 seconds.
const LIMIT: Duration = Duration::from_secs(90);

/// The files of rules, and what each must have for its copy to be a short one.
const RULES: [(&str, &[Part]); 4] = [
    ("recording_rules.yml", &[Part::Interval, Part::Window]),
    ("prometheus_alerts.yml", &[Part::Interval, Part::Window, Part::For, Part::KeepFiringFor, Part::WarmUp]),
    ("slo_rules.yml", &[Part::Interval, Part::Window, Part::For, Part::KeepFiringFor]),
    ("meta_alerts.yml", &[Part::Interval, Part::Window, Part::For]),
];

/// Everything, running. It is ended when this is dropped.
#[derive(Debug)]
pub struct Stack {
    /// None while the server is killed.
    demo: Option<Demo>,
    options: Vec<String>,
    target: SocketAddr,
    receiver: Option<Receiver>,
    /// What was told before all was well.
    past: usize,
    alertmanager: Alertmanager,
    blackbox: Daemon,
    prometheus: Daemon,
}

impl Stack {
    /// Starts all of it, and waits until Prometheus has scraped the demo and Alertmanager has told of `Watchdog`.
    pub fn start(options: &[&str]) -> Self {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let receiver = Receiver::start();
        let stack = Self::telling(any, receiver.address(), options);
        let stack = Self { receiver: Some(receiver), ..stack };
        stack.wait_until_told("Watchdog", "watchdog", "firing");
        stack
    }

    /// The same, and waits until nothing is wrong: before Prometheus has discovered its targets, which takes seconds, nothing
    /// is there, and that is told too. What was told until then is forgotten.
    pub fn start_well(options: &[&str]) -> Self {
        let mut stack = Self::start(options);
        stack.wait("nothing to be wrong any more", || {
            let firing = stack.api().query("ALERTS{alertname!~\"Watchdog|LowRequestRate\"}");
            let told: Vec<Told> = last_words(&stack.told()).into_iter().filter(Told::is_wrong).collect();
            if firing.is_empty() && told.is_empty() { Ok(()) } else { Err(format!("{firing:?}, {told:?}")) }
        });
        stack.past = stack.told().len();
        stack
    }

    /// Starts it with the demo at an address, port 0 for any, and with a receiver of the caller's.
    pub fn telling(demo: SocketAddr, webhook: SocketAddr, options: &[&str]) -> Self {
        let mut all = vec!["--demo-faults", "--health-interval", "500"];
        all.extend(options);
        let demo = Demo::start_at(demo, &all);
        let target = demo.address();
        let alertmanager = Alertmanager::start(&vec![("webhook:5001", webhook.to_string())], &[]);
        let blackbox = prometheus::blackbox();
        let prometheus = prometheus("prometheus", target, alertmanager.address(), blackbox.address());
        let options = all.into_iter().map(str::to_owned).collect();
        let stack = Self { demo: Some(demo), options, target, receiver: None, past: 0, alertmanager, blackbox, prometheus };
        ["http_api", "engine_telemetry", "health_probe"].iter().for_each(|job| stack.api().wait_until_up(job));
        stack
    }

    /// Prometheus' interface.
    pub fn api(&self) -> Api {
        Api::new(self.prometheus.address())
    }

    /// Where Prometheus listens.
    pub fn prometheus(&self) -> SocketAddr {
        self.prometheus.address()
    }

    /// Starts another Prometheus, of another program, set up and asked to scrape as the first one is.
    pub fn another_prometheus(&self, program: impl AsRef<OsStr>) -> Daemon {
        prometheus(program, self.target, self.alertmanager.address(), self.blackbox.address())
    }

    /// Where the demo listens, or did.
    pub fn target(&self) -> SocketAddr {
        self.target
    }

    /// Injects faults, as `POST /demo/fault` takes them; what is left out ends.
    pub fn fault(&self, setting: &str) {
        self.ask("POST", "/demo/fault", setting);
    }

    /// Sets the frame loop, as `POST /demo/engine` takes it.
    pub fn engine(&self, setting: &str) {
        self.ask("POST", "/demo/engine", setting);
    }

    /// Asks the demo with the token, and returns what it answers with status 200.
    pub fn ask(&self, method: &str, path: &str, body: &str) -> String {
        let token = format!("Bearer {TOKEN}");
        let headers = [("authorization", &*token), ("connection", "close")];
        let answer = Connection::open(self.target).and_then(|mut connection| connection.request(method, path, &headers, body));
        match answer {
            Ok(Response { status: 200, body, .. }) => body,
            other => panic!("{path}: {other:?}\n{}", self.state()),
        }
    }

    /// Kills the server, with no time for farewells.
    pub fn kill(&mut self) {
        drop(self.demo.take().expect("the server runs"));
    }

    /// Starts it again where it was.
    pub fn restart(&mut self) {
        let options: Vec<&str> = self.options.iter().map(String::as_str).collect();
        self.demo = Some(Demo::start_at(self.target, &options));
    }

    /// Takes the server, which runs on, out of the file of targets.
    pub fn forget_target(&self) {
        prometheus::write(self.prometheus.folder(), TARGETS, Ok("[]\n".to_owned()));
    }

    /// Puts it into that file again.
    pub fn discover_target(&self) {
        prometheus::write(self.prometheus.folder(), TARGETS, targets(self.target));
    }

    /// Waits until an instant query yields something.
    pub fn wait_for(&self, expression: &str) {
        self.wait(&format!("{expression} to be true"), || {
            let found = self.api().query(expression);
            if found.is_empty() { Err("it yields nothing".to_owned()) } else { Ok(()) }
        });
    }

    /// Asks `probe` until it has an answer; after the limit it panics with the state of all of them.
    pub fn wait<T>(&self, what: &str, mut probe: impl FnMut() -> Result<T, String>) -> T {
        let end = Instant::now() + LIMIT;
        loop {
            match probe() {
                Ok(answer) => return answer,
                Err(reason) if Instant::now() >= end => panic!("waited {LIMIT:?} for {what}: {reason}\n{}", self.state()),
                Err(_) => thread::sleep(Duration::from_millis(100)),
            }
        }
    }

    /// All that Alertmanager has told, or since all was well, in its order.
    pub fn told(&self) -> Vec<Told> {
        let told = self.receiver.as_ref().map_or_else(Vec::new, |receiver| tellings(&receiver.received()));
        told[self.past..].to_vec()
    }

    /// Waits until the last word about an alert at a receiver is this status, `firing` or `resolved`. Alerts of one name that
    /// differ in other labels are several: one of them fires, or none does any more.
    pub fn wait_until_told(&self, alert: &str, receiver: &str, status: &str) -> Told {
        self.wait(&format!("{alert} to be told as {status} to {receiver}"), || {
            let is = |told: &Told| told.alert() == alert && told.receiver == receiver;
            let told: Vec<Told> = self.told().into_iter().filter(is).collect();
            let words = last_words(&told);
            let firing = words.iter().find(|told| told.status == "firing");
            let fired = |word: &&Told| told.iter().any(|told| told.status == "firing" && told.labels == word.labels);
            let found = match firing {
                Some(_) if status == "resolved" => None,
                None if status == "resolved" => words.iter().find(fired),
                firing => firing,
            };
            found.cloned().ok_or_else(|| format!("the last words are {words:?}"))
        })
    }

    /// Waits until an alert is muted by another one, and checks that nobody was told of it.
    pub fn wait_until_muted(&self, alert: &str, by: &str) {
        self.wait(&format!("{alert} to be muted by {by}"), || {
            let alerts = self.alertmanager.alerts();
            let named =
                |name: &str| alerts.iter().filter(move |known| known["labels"]["alertname"] == name).collect::<Vec<_>>();
            let muting: Vec<&Value> = named(by).into_iter().map(|known| &known["fingerprint"]).collect();
            let muted = |known: &&Value| {
                let by = known["status"]["inhibitedBy"].as_array().expect("a list");
                known["status"]["state"] == "suppressed" && by.iter().any(|by| muting.contains(&by))
            };
            let known = named(alert);
            let all = !known.is_empty() && known.iter().all(muted);
            if all { Ok(()) } else { Err(format!("it is {known:?}, and the other one is {:?}", named(by))) }
        });
    }

    /// Checks that nothing was told but that the demo is new and nobody had come.
    pub fn assert_well(&self) {
        let wrong: Vec<Told> = self.told().into_iter().filter(Told::is_wrong).collect();
        assert!(wrong.is_empty(), "nothing should be wrong, and told was {wrong:?}\n{}", self.state());
    }

    /// Checks that nobody was told of these alerts.
    pub fn never_told(&self, alerts: &[&str]) {
        for alert in alerts {
            let told: Vec<Told> = self.told().into_iter().filter(|told| told.alert() == *alert).collect();
            assert!(told.is_empty(), "nobody should have been told of {alert}: {told:?}\n{}", self.state());
        }
    }

    /// Checks that each alert that was told leads to its runbook.
    pub fn assert_runbooks_open(&self) {
        let own = format!("http://{}", self.prometheus.address());
        for told in self.told() {
            let path = told.annotations["runbook_url"].strip_prefix(&own);
            let path = path.unwrap_or_else(|| panic!("the runbook should be at {own}: {told:?}"));
            let answer = http::get(self.prometheus.address(), path).expect("Prometheus answers");
            assert!(answer.status == 200 && answer.body.contains(told.alert()), "{path}: {}", answer.body);
        }
    }

    /// The names of all alerts that were told as firing.
    pub fn names_told(&self) -> Vec<String> {
        let mut names: Vec<String> =
            self.told().iter().filter(|told| told.status == "firing").map(|told| told.alert().to_owned()).collect();
        names.sort();
        names.dedup();
        names
    }

    /// What each of them says of the moment: for the message of a test that failed.
    pub fn state(&self) -> String {
        let mut state = String::from("--- rules with alerts, or that failed\n");
        let groups = self.api().get("rules");
        for rule in groups["groups"].as_array().into_iter().flatten().flat_map(|group| group["rules"].as_array()).flatten() {
            for alert in rule["alerts"].as_array().into_iter().flatten() {
                state += &format!("{} {} = {}: {}\n", rule["name"], alert["state"], alert["value"], alert["labels"]);
            }
            if rule["health"] != "ok" {
                state += &format!("{}: {} {}\n", rule["name"], rule["health"], rule["lastError"]);
            }
        }
        state += "--- targets\n";
        for target in self.api().get("targets?state=active")["activeTargets"].as_array().into_iter().flatten() {
            state += &format!("{} {} {}\n", target["labels"]["job"], target["health"], target["lastError"]);
        }
        state += "--- at Alertmanager\n";
        for alert in self.alertmanager.alerts() {
            state += &format!("{} {} {}\n", alert["labels"], alert["status"], alert["receivers"]);
        }
        state += "--- told\n";
        self.told().iter().for_each(|told| state += &format!("{} {}: {:?}\n", told.status, told.receiver, told.labels));
        let demo = self.demo.as_ref().map_or_else(|| "it is killed".to_owned(), Demo::log);
        for (name, log) in [("demo", demo), ("Prometheus", self.prometheus.log()), ("Alertmanager", self.alertmanager.log())] {
            let lines: Vec<&str> = log.lines().collect();
            state += &format!("--- the last lines of {name}\n{}\n", lines[lines.len().saturating_sub(15)..].join("\n"));
        }
        state
    }
}

/// Prometheus with the shipped files, shortened.
fn prometheus(program: impl AsRef<OsStr>, target: SocketAddr, told: SocketAddr, probe: SocketAddr) -> Daemon {
    let hosts = [("tachograph:8080", target), ("alertmanager:9093", told), ("blackbox-exporter:9115", probe)];
    prometheus::start(program, "prometheus.yml", &hosts, |file, text| match RULES.iter().find(|(name, _)| *name == file) {
        Some((_, parts)) => shortened::rules(&text, parts),
        None => Ok(text),
    })
}

/// Labels as a map, to be compared.
pub fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
