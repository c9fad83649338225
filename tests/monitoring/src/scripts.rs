//! The scripts that start, stop and test the stack, in a copy of `monitoring/` whose Prometheus scrapes every second.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use system::demo::repository;
use system::{port, wait};
use tempfile::TempDir;

use crate::prometheus::shipped;
use crate::shortened;

/// The settings of ports.
pub const PORTS: [&str; 8] = [
    "TACHOGRAPH_PORT",
    "WEBHOOK_PORT",
    "PROMETHEUS_PORT",
    "ALERTMANAGER_PORT",
    "BLACKBOX_EXPORTER_PORT",
    "NODE_EXPORTER_PORT",
    "GRAFANA_PORT",
    "VICTORIA_METRICS_PORT",
];

/// A copy with free ports. What was started in it is ended when this is dropped.
#[derive(Debug)]
pub struct Copy {
    folder: TempDir,
    /// Setting and value.
    pub settings: Vec<(String, String)>,
}

/// What a script said.
#[derive(Clone, Debug)]
pub struct Said {
    /// Its exit status.
    pub code: Option<i32>,
    /// Standard output, and then standard error.
    pub text: String,
    /// Standard output alone.
    pub output: String,
}

impl Copy {
    /// Copies, and looks for ports.
    pub fn new() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let to = folder.path().join("monitoring");
        for part in ["prometheus", "alertmanager", "blackbox", "grafana", "actions"] {
            copy(&shipped(part), &to.join(part));
        }
        for entry in fs::read_dir(shipped("")).expect("monitoring/ can be read").map(|entry| entry.expect("an entry").path()) {
            // Whose settings are in .env, is not asked here.
            if entry.is_file() && !entry.ends_with(".env") {
                fs::copy(&entry, to.join(entry.file_name().expect("it has a name"))).expect("a file can be copied");
            }
        }
        symlink(repository().join("scenes").canonicalize().expect("there are scenes"), folder.path().join("scenes"))
            .expect("a link to them");
        for name in ["prometheus.yml", "prometheus_long_term.yml"] {
            let file = to.join("prometheus").join(name);
            let text = shortened::scrapes(&fs::read_to_string(&file).expect("a configuration")).expect("it scrapes");
            fs::write(&file, text).expect("a copy can be written");
        }
        for name in ["recording_rules.yml", "prometheus_alerts.yml", "slo_rules.yml", "meta_alerts.yml"] {
            let file = to.join("prometheus").join(name);
            let text = fs::read_to_string(&file).expect("rules");
            let text = text.replace("    interval: 15s", "    interval: 1s").replace("    interval: 2m", "    interval: 1s");
            fs::write(&file, text).expect("a copy can be written");
        }
        // What a rule tells before Prometheus has found Alertmanager, after five seconds, is told again after a minute.
        let file = to.join("start_local.sh");
        let script = fs::read_to_string(&file).expect("a script");
        let sooner = script.replace("--enable-feature=", "--rules.alert.resend-delay=2s --enable-feature=");
        assert_ne!(sooner, script, "Prometheus is started in another way");
        fs::write(&file, sooner).expect("a copy can be written");
        let settings = PORTS.into_iter().map(|name| (name.to_owned(), port::free().port().to_string())).collect();
        Self { folder, settings }
    }

    /// `monitoring/` of the copy.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().join("monitoring")
    }

    /// Where its state is.
    pub fn run(&self) -> PathBuf {
        self.folder().join(".run")
    }

    /// The value of a setting.
    pub fn setting(&self, name: &str) -> &str {
        &self.settings.iter().find(|(known, _)| known == name).unwrap_or_else(|| panic!("no setting {name}")).1
    }

    /// A script with arguments, to be run with these settings and no others.
    pub fn command(&self, script: &str, arguments: &[&str]) -> Command {
        // Who runs these tests in the background may have SIGINT ignored, and then no script could take it either.
        let mut command = Command::new("env");
        command.arg("--default-signal=INT").arg(self.folder().join(script));
        command.args(arguments).current_dir("/").env_clear();
        for kept in ["PATH", "HOME", "TACHOGRAPH_BIN"] {
            command.envs(std::env::var_os(kept).map(|value| (kept, value)));
        }
        // ci/monitoring.sh names it as cargo does, from the root.
        if let Some(program) = std::env::var_os("TACHOGRAPH_BIN") {
            command.env("TACHOGRAPH_BIN", repository().join(program));
        }
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a script to its end.
    pub fn script(&self, script: &str, arguments: &[&str]) -> Said {
        said(&self.command(script, arguments).output().expect("a script runs"))
    }

    /// The number of each process that was started, by its service.
    pub fn processes(&self) -> Vec<(String, u32)> {
        let text = fs::read_to_string(self.run().join("processes")).unwrap_or_default();
        let read = |line: &str| {
            let mut words = line.split(' ');
            let service = words.next().expect("a service").to_owned();
            (service, words.next().expect("a number").parse().expect("it is one"))
        };
        text.lines().map(read).collect()
    }

    /// Nothing listens on any of the ports.
    pub fn assert_silent(&self) {
        for name in PORTS {
            drop(listen(name, self.setting(name)));
        }
        assert!(self.processes().is_empty(), "{:?}", self.processes());
    }
}

/// Takes a port of loopback. What this process had bound a moment ago may be held for another by a child that a test beside this one
/// starts just now: it has all that its parent has, until it is a program of its own.
pub fn listen(name: &str, port: &str) -> TcpListener {
    let port = port.parse::<u16>().expect("a port");
    let bound = || TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(|error| error.to_string());
    wait::until(&format!("{name}, which should be free"), wait::LIMIT, bound)
}

impl Default for Copy {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        // Of a test that failed.
        if !self.processes().is_empty() {
            eprintln!("{}", self.script("stop_monitoring.sh", &[]).text);
        }
    }
}

/// Of a script that has ended.
pub fn said(output: &Output) -> Said {
    let [stdout, stderr] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
    Said { code: output.status.code(), text: format!("{stdout}{stderr}"), output: stdout }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder can be made");
    for entry in fs::read_dir(from).expect("a folder can be read").map(|entry| entry.expect("an entry").path()) {
        let target = to.join(entry.file_name().expect("it has a name"));
        if entry.is_dir() {
            copy(&entry, &target);
        } else {
            fs::copy(&entry, &target).expect("a file can be copied");
        }
    }
}
