//! A real VictoriaMetrics that scrapes, or is pushed to: a second reader, in another code base.

use std::ffi::OsString;
use std::fs;
use std::net::SocketAddr;
use std::ops::Deref;
use std::process::Command;

use crate::api::{Api, SeriesValues};
use crate::daemon::Daemon;
use crate::prometheus::{Job, scrape_configs};
use crate::sent::assert_same;
use crate::{http, wait};

/// A running VictoriaMetrics. It is killed when this is dropped.
#[derive(Debug)]
pub struct VictoriaMetrics {
    daemon: Daemon,
    api: Api,
}

impl VictoriaMetrics {
    /// Starts Debian's VictoriaMetrics, and waits until it has scraped `target`, as job `name`.
    pub fn scraping(name: &'static str, target: SocketAddr) -> Self {
        let victoria = Self::start("victoria-metrics".into(), &[Job { name, target, options: &[] }]);
        wait::until("the target to be scraped", wait::LIMIT, || {
            let target = &victoria.get("targets?state=active")["activeTargets"][0];
            if target["health"] == "up" { Ok(()) } else { Err(target.to_string()) }
        });
        victoria.flush();
        victoria.wait_until_up(name);
        victoria
    }

    /// Starts one that scrapes nobody. What is pushed is to be looked for after [`flush`](Self::flush).
    pub fn pushed_to() -> Self {
        Self::start("victoria-metrics".into(), &[])
    }

    /// As [`pushed_to`](Self::pushed_to), the one of Debian 14, which takes OTLP too.
    pub fn of_forky_pushed_to() -> Self {
        let program = std::env::var_os("TACHOGRAPH_VICTORIA_FORKY");
        Self::start(program.expect("TACHOGRAPH_VICTORIA_FORKY: run these tests by ci/system.sh"), &[])
    }

    fn start(program: OsString, jobs: &[Job]) -> Self {
        let daemon = Daemon::start("/health", |folder, address| {
            let configuration = folder.join("scrape.yml");
            let text = format!("global: {{scrape_interval: 1s}}\n{}", scrape_configs(jobs));
            fs::write(&configuration, text).expect("a file in the folder");
            let mut command = Command::new(&program);
            command
                .arg(format!("-promscrape.config={}", configuration.display()))
                .arg(format!("-storageDataPath={}", folder.join("data").display()))
                .arg(format!("-httpListenAddr={address}"))
                // What was scraped is to be seen at once, not when slower agents would have sent theirs.
                .args(["-search.latencyOffset=0s", "-search.disableCache"])
                // By itself it cuts label values after 16 KiB.
                .arg("-maxLabelValueLen=65535");
            command
        });
        let api = Api::new(daemon.address());
        Self { daemon, api }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.daemon.address()
    }

    /// Has it show what has come. That cannot be found for some seconds, unless it is told so; and who looks for it too early
    /// looks for nothing for ten more, since what was not found is remembered.
    pub fn flush(&self) {
        let flushed = http::get(self.address(), "/internal/force_flush").expect("an answer");
        assert_eq!(flushed.status, 200, "{}", flushed.body);
    }
}

/// Compares what VictoriaMetrics holds with what was sent.
///
/// # Panics
///
/// Where they differ by more than its way to keep numbers.
pub fn assert_near(mut held: SeriesValues, mut sent: SeriesValues) {
    // It takes NaN, and shows it to nobody.
    sent.retain(|_, value| value != "NaN");
    for (labels, value) in &mut held {
        if let Some(sent) = sent.get(labels).filter(|sent| is_as_near_as_it_can(value, sent)) {
            value.clone_from(sent);
        }
    }
    assert_same(&held, &sent);
}

/// It keeps values as decimal fractions: 15 digits for sure, and nothing of what is too small to have so many.
fn is_as_near_as_it_can(held: &str, sent: &str) -> bool {
    let [held, sent] = [held, sent].map(|value| value.parse::<f64>().expect("a number"));
    let digits = format!("{sent:e}").split('e').next().expect("a mantissa").bytes().filter(u8::is_ascii_digit).count();
    let all_but_the_last = digits > 15 && ((held - sent) / sent).abs() < 1e-14;
    all_but_the_last || (sent.is_subnormal() && held == 0.0)
}

impl Deref for VictoriaMetrics {
    type Target = Api;

    fn deref(&self) -> &Api {
        &self.api
    }
}
