//! The shipped configuration of Alertmanager: with the channels that have a secret, and running.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use system::daemon::Daemon;
use system::http::{self, Connection};

/// The receivers' hosts, and where they are in a test: `(in the file, instead)`.
pub type Hosts = Vec<(&'static str, String)>;

/// `monitoring/alertmanager`.
pub fn folder() -> PathBuf {
    monitoring::files::folder().join("alertmanager").canonicalize().expect("the folder is in the repository")
}

/// `alertmanager.yml` as it is shipped.
pub fn shipped() -> String {
    fs::read_to_string(folder().join("alertmanager.yml")).expect("alertmanager.yml can be read")
}

/// What channels.awk makes of a configuration for the secrets under `folder`, and what it says: by the awk of this machine and
/// by that of busybox, which is what the image has.
///
/// # Errors
///
/// What it says when it fails.
pub fn channels(folder: &Path, configuration: &str) -> Result<(String, String), String> {
    channels_by(folder, configuration, &|_| ())
}

/// The same as a user who may read no file of ours that is closed to others: root may read all.
///
/// # Errors
///
/// What it says when it fails.
pub fn channels_of_nobody(folder: &Path, configuration: &str) -> Result<(String, String), String> {
    let id = Command::new("id").arg("-u").output().expect("id runs");
    let root = id.stdout == b"0\n";
    channels_by(folder, configuration, &|awk| {
        if root {
            awk.uid(65534).gid(65534);
        }
    })
}

type Change<'a> = &'a dyn Fn(&mut Command);

fn channels_by(folder: &Path, configuration: &str, change: Change<'_>) -> Result<(String, String), String> {
    // Whoever runs awk can read it, and need not look into this repository.
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    fs::write(file.path(), configuration).expect("it can be written");
    fs::set_permissions(file.path(), fs::Permissions::from_mode(0o644)).expect("it is ours");
    let program_text = fs::read_to_string(self::folder().join("channels.awk")).expect("channels.awk can be read");
    let by = |program: &str, first: &[&str]| {
        let mut awk = Command::new(program);
        awk.args(first).arg("-v").arg(format!("folder={}", folder.display()));
        awk.arg(&program_text).arg(file.path()).current_dir("/");
        change(&mut awk);
        let output =
            awk.output().unwrap_or_else(|error| panic!("cannot start {program}: {error}; ci/monitoring.sh installs it"));
        let [text, told] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).expect("UTF-8 from awk"));
        if output.status.success() { Ok((text, told)) } else { Err(told) }
    };
    let made = by("awk", &[]);
    assert_eq!(made, by("busybox", &["awk"]), "busybox makes something else of it");
    made
}

/// Runs amtool, and returns whether it is content, and what it says.
pub fn amtool(arguments: &[&str]) -> (bool, String) {
    let output = Command::new("amtool").args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("cannot start amtool: {error}; ci/monitoring.sh installs it"));
    let told = [output.stdout, output.stderr].map(|text| String::from_utf8(text).expect("UTF-8 from amtool")).concat();
    (output.status.success(), told)
}

/// A running Alertmanager. It is killed when this is dropped.
#[derive(Debug)]
pub struct Alertmanager {
    daemon: Daemon,
}

impl Alertmanager {
    /// Starts one with the shipped configuration, in which groups wait for a second and `hosts` are replaced. `secrets` are
    /// files of alertmanager/secrets and what is in them.
    pub fn start(hosts: &Hosts, secrets: &[(&str, &str)]) -> Self {
        let daemon = Daemon::start("/-/ready", |own, address| {
            fs::create_dir_all(own.join("secrets")).expect("a folder for secrets");
            for (name, secret) in secrets {
                fs::write(own.join("secrets").join(name), secret).expect("a secret can be written");
            }
            let (mut text, _) = channels(own, &shipped()).expect("channels.awk takes what is shipped");
            let here = |path: PathBuf| path.display().to_string();
            let own_folders = [
                ("/etc/alertmanager/secrets", here(own.join("secrets"))),
                ("/etc/alertmanager/templates", here(folder().join("templates"))),
            ];
            for (host, instead) in own_folders.iter().chain(hosts) {
                text = text.replace(host, instead);
            }
            let configuration = own.join("alertmanager.yml");
            fs::write(&configuration, quickened(&text)).expect("the configuration can be written");
            let mut command = Command::new("prometheus-alertmanager");
            command
                .arg(format!("--config.file={}", configuration.display()))
                .arg(format!("--storage.path={}", own.join("data").display()))
                .arg(format!("--web.listen-address={address}"))
                .arg("--cluster.listen-address=");
            command
        });
        Self { daemon }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.daemon.address()
    }

    /// What it has written to standard error so far.
    pub fn log(&self) -> String {
        self.daemon.log()
    }

    /// Sends alerts, as Prometheus does.
    pub fn post(&self, alerts: &Value) {
        let headers = [("content-type", "application/json"), ("connection", "close")];
        let connection = Connection::open(self.address());
        let answer = connection.and_then(|mut open| open.request("POST", "/api/v2/alerts", &headers, &alerts.to_string()));
        let answer = answer.expect("Alertmanager answers");
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    /// The alerts that it has, and what it makes of them.
    pub fn alerts(&self) -> Vec<Value> {
        let answer = http::get(self.address(), "/api/v2/alerts").expect("Alertmanager answers");
        serde_json::from_str(&answer.body).expect("a list of alerts")
    }

    /// What it tells anyone of itself, its configuration among that.
    pub fn status(&self) -> String {
        http::get(self.address(), "/api/v2/status").expect("Alertmanager answers").body
    }
}

/// The same with groups that wait for a second, so that a test does not.
fn quickened(configuration: &str) -> String {
    let mut text = String::new();
    for line in configuration.lines() {
        let key = line.trim_start().split(':').next().unwrap_or_default();
        if ["group_wait", "group_interval"].contains(&key) {
            text.push_str(&line[..line.len() - line.trim_start().len()]);
            text.push_str(&format!("{key}: 1s\n"));
        } else {
            text.push_str(&format!("{line}\n"));
        }
    }
    text
}
