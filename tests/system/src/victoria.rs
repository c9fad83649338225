//! A real VictoriaMetrics that scrapes: a second reader of the text format, in another code base.

use std::fs;
use std::net::SocketAddr;
use std::ops::Deref;
use std::process::Command;
use std::time::Duration;

use crate::api::Api;
use crate::daemon::Daemon;
use crate::prometheus::{Job, scrape_configs};
use crate::{http, wait};

/// How long a scrape may be waited for.
const LIMIT: Duration = Duration::from_secs(30);

/// A running VictoriaMetrics. It is killed when this is dropped.
#[derive(Debug)]
pub struct VictoriaMetrics {
    // Held for its end alone.
    _daemon: Daemon,
    api: Api,
}

impl VictoriaMetrics {
    /// Starts Debian's VictoriaMetrics, and waits until it has scraped `target`, as job `name`.
    pub fn scraping(name: &'static str, target: SocketAddr) -> Self {
        let daemon = Daemon::start("/health", |folder, address| {
            let configuration = folder.join("scrape.yml");
            let text = format!("global: {{scrape_interval: 1s}}\n{}", scrape_configs(&[Job { name, target, options: &[] }]));
            fs::write(&configuration, text).expect("a file in the folder");
            let mut command = Command::new("victoria-metrics");
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
        wait::until("the target to be scraped", LIMIT, || {
            let target = &api.get("targets?state=active")["activeTargets"][0];
            if target["health"] == "up" { Ok(()) } else { Err(target.to_string()) }
        });
        // What has just come cannot be found for some seconds, unless it is told so; and who looks for it too early looks for
        // nothing for ten more, since what was not found is remembered.
        let flushed = http::get(daemon.address(), "/internal/force_flush").expect("an answer");
        assert_eq!(flushed.status, 200, "{}", flushed.body);
        api.wait_until_up(name);
        Self { _daemon: daemon, api }
    }
}

impl Deref for VictoriaMetrics {
    type Target = Api;

    fn deref(&self) -> &Api {
        &self.api
    }
}
