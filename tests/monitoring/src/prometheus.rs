//! Prometheus, of any generation, with copies of the shipped configuration that scrape and evaluate every second.

use std::ffi::OsStr;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use monitoring::rules;
use system::daemon::Daemon;
use system::demo::repository;

use crate::shortened;

/// The file that instances are discovered from.
pub const TARGETS: &str = "targets/http_api.yml";

/// Who is scraped or told beside the API. Prometheus stands in for who is not there, so that the target is up.
const OTHERS: [&str; 4] = ["alertmanager:9093", "blackbox-exporter:9115", "node-exporter:9100", "webhook:5001"];

/// A file of `monitoring/`.
pub fn shipped(path: &str) -> PathBuf {
    let path = repository().join("monitoring").join(path);
    path.canonicalize().unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What is in a file of `monitoring/prometheus/`.
pub fn read(path: &str) -> String {
    let path = shipped("prometheus").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Writes a copy into the folder of a Prometheus.
pub fn write(folder: &Path, file: &str, text: Result<String, String>) {
    let text = text.unwrap_or_else(|told| panic!("{file}: {told}"));
    let path = folder.join(file);
    fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("a folder in a temporary one");
    fs::write(path, text).expect("a file in a temporary folder");
}

/// The shipped file of targets, with that one in it.
pub fn targets(target: SocketAddr) -> Result<String, String> {
    shortened::at(&read(TARGETS), &[("tachograph:8080", target)])
}

/// Starts one with this configuration, in which `hosts` are where the test has them. `change` makes of each shipped file, by its
/// name, what it reads instead.
pub fn start(
    program: impl AsRef<OsStr>,
    configuration: &str,
    hosts: &[(&str, SocketAddr)],
    change: impl Fn(&str, String) -> Result<String, String>,
) -> Daemon {
    Daemon::start("/-/ready", |folder, own| {
        for file in rules::FILES {
            write(folder, file, change(file, read(file)));
        }
        let (api, hosts): (Vec<_>, Vec<_>) = hosts.iter().copied().partition(|(host, _)| *host == "tachograph:8080");
        let api = api.first().map_or_else(|| Ok("[]\n".to_owned()), |(_, address)| targets(*address));
        write(folder, TARGETS, api);
        let others = OTHERS.into_iter().filter(|other| hosts.iter().all(|(host, _)| host != other));
        let hosts: Vec<_> = others.chain(["localhost:9090"]).map(|host| (host, own)).chain(hosts.iter().copied()).collect();
        let text = change(configuration, read(configuration));
        write(
            folder,
            configuration,
            text.and_then(|text| shortened::scrapes(&text)).and_then(|text| shortened::at(&text, &hosts)),
        );
        let mut command = Command::new(&program);
        command
            .arg(format!("--config.file={}", folder.join(configuration).display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
            .arg(format!("--web.listen-address={own}"))
            .arg(format!("--web.external-url=http://{own}"))
            .arg(format!("--web.console.templates={}", shipped("prometheus/consoles").display()))
            .arg("--enable-feature=exemplar-storage,expand-external-labels")
            .env("GRAFANA_URL", "http://localhost:3000")
            // What is sent before Alertmanager is discovered, which takes seconds, is lost, and sent again a minute later by
            // default.
            .arg("--rules.alert.resend-delay=3s");
        command
    })
}

/// Rules are evaluated every second, and instances looked for as often; the windows of the expressions stay.
///
/// # Errors
///
/// When a file of rules says nowhere how often.
pub fn each_second(file: &str, text: String) -> Result<String, String> {
    if rules::FILES.contains(&file) {
        return shortened::intervals(&text);
    }
    Ok(text.replace("refresh_interval: 15s", "refresh_interval: 1s"))
}

/// A blackbox exporter with the shipped modules.
pub fn blackbox() -> Daemon {
    let modules = format!("--config.file={}", shipped("blackbox/blackbox.yml").display());
    exporter("prometheus-blackbox-exporter", &[&modules])
}

/// An exporter with these options.
pub fn exporter(program: &str, options: &[&str]) -> Daemon {
    Daemon::start("/metrics", |_, address| {
        let mut command = Command::new(program);
        command.args(options).arg(format!("--web.listen-address={address}"));
        command
    })
}
