//! The limits and deadlines of a server.

use std::time::Duration;

use super::token::Token;
use crate::health::HealthRegistry;
use crate::profile::Profiler;

/// Limits and deadlines; the defaults suit a service on a trusted network.
#[derive(Clone, Debug)]
pub struct Options {
    /// Connections served at once; 0, the default, means no limit. Beyond it a connection is answered once: a monitoring route
    /// as always, so that the saturation can be seen, any other with 503 and `Retry-After`.
    pub max_connections: usize,
    /// How long a request's head may take, and how long a connection may lie idle between two requests. 30 s.
    pub header_timeout: Duration,
    /// The largest request body in bytes; a larger one is answered 413. 16 MiB.
    pub body_limit: usize,
    /// How long a request's body may take as a whole; a slower one is answered 408. 30 s.
    pub body_timeout: Duration,
    /// How long a client may take to get 256 KiB further with its answer, or to its end, before its connection is closed.
    /// 30 s.
    pub write_timeout: Duration,
    /// Scrapes answered at once, 16; 0 means no limit. One lasts from its request to the last byte handed over, so a slow reader counts.
    /// Beyond it a scrape is answered 503 with `Retry-After`, and counted in `tachograph_scrapes_refused_total{reason="busy"}`.
    pub max_scrapes: usize,
    /// Whether scrapes in OpenMetrics have `_created` samples: when each series began, for a line more a series.
    pub created_timestamps: bool,
    /// Makes a profile of each request that is no monitoring traffic, answers `/debug/profile*`, and shows profiles as exemplars. (What it
    /// costs itself is in the scrapes after [`Profiler::register_metrics`].) None by default: there are no such
    /// routes then, and [`Request::phase`](super::Request::phase) costs nothing.
    pub profiler: Option<Profiler>,
    /// What `/health*` answers with; without checks, from the server's own signs of life alone.
    pub health: HealthRegistry,
    /// The token that opens `/debug` and all below it, routes of your own among them, and shows what the health checks say.
    /// Without one all of `/debug` is closed, 401 for everybody, and `/health*` tells statuses and times alone.
    pub token: Option<Token>,
    /// Whether answers tell their phases in `Server-Timing`, which shows in a browser's tools, to everyone. Only with a profiler.
    pub server_timing: bool,
    /// How long connections and requests are still taken after the shutdown began, while `/health/ready` answers 503: as long
    /// as whoever sends requests here may take to find that out. Zero by default.
    pub drain_delay: Duration,
    /// How long requests in flight may go on after that, before they are cut. 10 s.
    pub shutdown_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_connections: 0,
            header_timeout: Duration::from_secs(30),
            body_limit: 16 * 1024 * 1024,
            body_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            max_scrapes: 16,
            created_timestamps: false,
            profiler: None,
            health: HealthRegistry::new(),
            token: None,
            server_timing: false,
            drain_delay: Duration::ZERO,
            shutdown_timeout: Duration::from_secs(10),
        }
    }
}
