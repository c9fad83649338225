//! A real Prometheus with a configuration of its own.

use std::ffi::OsString;
use std::fmt::Write;
use std::fs;
use std::net::SocketAddr;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::api::Api;
use crate::daemon::Daemon;

/// What is scraped under one name.
#[derive(Clone, Copy, Debug)]
pub struct Job {
    /// The label `job` of its series.
    pub name: &'static str,
    /// Who is scraped.
    pub target: SocketAddr,
    /// Lines of its configuration.
    pub options: &'static [&'static str],
}

/// The generations of Prometheus that are tried.
#[derive(Clone, Copy, Debug)]
pub enum Generation {
    /// 2.42, of Debian 12.
    Bookworm,
    /// 2.53, of Debian 13: reads classic histograms beside native ones.
    Trixie,
    /// 3.5 or later, of Debian 14: knows names of any alphabet.
    Forky,
}

impl Generation {
    fn program(self) -> OsString {
        let from =
            |variable| std::env::var_os(variable).unwrap_or_else(|| panic!("{variable}: run these tests by ci/system.sh"));
        match self {
            Self::Bookworm => "prometheus".into(),
            Self::Trixie => from("TACHOGRAPH_PROMETHEUS_TRIXIE"),
            Self::Forky => from("TACHOGRAPH_PROMETHEUS_FORKY"),
        }
    }

    fn version(self) -> (u32, u32) {
        let told = Command::new(self.program()).arg("--version").output().expect("prometheus says its version");
        let told = String::from_utf8(told.stdout).expect("it is text");
        // "prometheus, version 3.5.3 (branch: ..."
        let version = told.split_whitespace().nth(2).expect("the version is the third word");
        let numbers: Vec<u32> = version.split(['.', '+', '~']).map_while(|number| number.parse().ok()).collect();
        (numbers[0], numbers[1])
    }
}

/// How a Prometheus is set up.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Which one.
    pub generation: Generation,
    /// What `--enable-feature` switches on.
    pub features: &'static [&'static str],
    /// Whom it scrapes.
    pub jobs: Vec<Job>,
    /// The rules that it evaluates.
    pub rules: Option<PathBuf>,
}

impl Setup {
    /// The oldest as it is, with these jobs.
    pub fn of(jobs: impl IntoIterator<Item = (&'static str, SocketAddr)>) -> Self {
        let jobs = jobs.into_iter().map(|(name, target)| Job { name, target, options: &[] }).collect();
        Self { generation: Generation::Bookworm, features: &[], jobs, rules: None }
    }

    fn configuration(&self) -> String {
        // From 3.8 on that is no feature to be switched on any more, but configured.
        let native = self.features.contains(&"native-histograms") && self.generation.version() >= (3, 8);
        let native = if native { ", scrape_native_histograms: true" } else { "" };
        let mut text = format!("global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s{native}}}\n");
        if let Some(rules) = &self.rules {
            writeln!(text, "rule_files: ['{}']", rules.display()).expect("a string takes all");
        }
        text.push_str(&scrape_configs(&self.jobs));
        text
    }

    fn command(&self, folder: &Path, address: SocketAddr) -> Command {
        let configuration = folder.join("prometheus.yml");
        fs::write(&configuration, self.configuration()).expect("a file in the folder");
        let mut command = Command::new(self.generation.program());
        command
            .arg(format!("--config.file={}", configuration.display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .args(self.features.iter().map(|feature| format!("--enable-feature={feature}")));
        // Who scrapes nobody is pushed to.
        if self.jobs.is_empty() {
            command.arg("--web.enable-remote-write-receiver");
        }
        command
    }
}

/// The part of the configuration that VictoriaMetrics reads too.
pub(crate) fn scrape_configs(jobs: &[Job]) -> String {
    let mut text = "scrape_configs:\n".to_owned();
    for Job { name, target, options } in jobs {
        writeln!(text, "- job_name: {name}\n  static_configs: [{{targets: ['{target}']}}]").expect("a string takes all");
        options.iter().for_each(|option| writeln!(text, "  {option}").expect("a string takes all"));
    }
    text
}

/// A running Prometheus. It is killed when this is dropped.
#[derive(Debug)]
pub struct Prometheus {
    /// The process.
    pub daemon: Daemon,
    api: Api,
}

impl Prometheus {
    /// Starts the oldest one and waits until it has scraped `target`, as job `tachograph`.
    pub fn scraping(target: SocketAddr) -> Self {
        Self::start(&Setup::of([("tachograph", target)]))
    }

    /// Starts the oldest one, which scrapes nobody and takes what is pushed.
    pub fn pushed_to() -> Self {
        Self::start(&Setup::of([]))
    }

    /// Starts one and waits until it has scraped all of its jobs.
    pub fn start(setup: &Setup) -> Self {
        let daemon = Daemon::start("/-/ready", |folder, address| setup.command(folder, address));
        let api = Api::new(daemon.address());
        setup.jobs.iter().for_each(|job| api.wait_until_up(job.name));
        Self { daemon, api }
    }
}

impl Deref for Prometheus {
    type Target = Api;

    fn deref(&self) -> &Api {
        &self.api
    }
}
