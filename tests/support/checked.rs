//! The library's server with some health checks.

use tachograph::health::{CheckOptions, CheckResult, Group, HealthRegistry, HealthStatus};
use tachograph::server::{Options, Token};

use crate::http::{Answer, request};
use crate::support::{Server, routes};

pub(crate) const BEARER: (&str, &str) = ("Authorization", "Bearer open-sesame");
pub(crate) const DRAFT: (&str, &str) = ("Accept", "application/health+json");

/// A server with a token and these checks.
pub(crate) struct Checked {
    pub(crate) server: Server,
    pub(crate) health: HealthRegistry,
}

impl Checked {
    pub(crate) fn start(health: HealthRegistry) -> Self {
        Self::start_with(health, Options::default())
    }

    pub(crate) fn start_with(health: HealthRegistry, options: Options) -> Self {
        let options = Options { health: health.clone(), tokens: token().into(), ..options };
        Self { server: Server::start_with(routes(), options), health }
    }

    pub(crate) fn ask(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        request(self.server.address, "GET", path, headers, b"")
    }
}

pub(crate) fn token() -> Token {
    Token::new("open-sesame").unwrap()
}

/// A registry with checks that always say the same, one critical and of all groups for each status, named `check_0` and so on.
pub(crate) fn checks(statuses: &[HealthStatus]) -> HealthRegistry {
    let health = HealthRegistry::new().with_version("1.2.3");
    for (at, status) in statuses.iter().copied().enumerate() {
        let check = move || async move { CheckResult::new(status, "so it is").detail("answer", 42u64) };
        health.register(&format!("check_{at}"), check, everywhere()).unwrap();
    }
    health
}

pub(crate) fn everywhere() -> CheckOptions {
    CheckOptions {
        groups: vec![Group::Live, Group::Ready, Group::Startup],
        affected_endpoints: vec!["/hello/{name}".to_owned()],
        ..CheckOptions::default()
    }
}
