//! The limits and deadlines of a server.

use std::time::Duration;

use super::access::{FailureLimit, Tokens};
#[cfg(feature = "tls")]
use super::tls::Tls;
use crate::health::HealthRegistry;
use crate::profile::Profiler;

/// Limits and deadlines; the defaults suit a service on a trusted network. [What answers each](super#limits), and where it is counted,
/// is in a table of its own.
#[derive(Clone, Debug)]
pub struct Options {
    /// Connections served at once; 0, the default, means no limit. Beyond it a connection is answered once: a monitoring route
    /// as always, so that the saturation can be seen, any other with 503 and `Retry-After`. That goes for 64 connections at a time; any
    /// more are closed unanswered.
    pub max_connections: usize,
    /// Connections that one address may have at once (IPv6: a network of 64 bits); 0, the default, means no limit: behind a proxy all have
    /// the proxy's. Beyond it a connection is answered once: a monitoring route as always, any other with 429 and `Retry-After`. That goes
    /// for four connections of an address at a time; any more are closed unanswered.
    pub max_connections_per_address: usize,
    /// Requests in flight, monitoring routes aside; 0, the default, means no limit. One is in flight from its head read to the last byte
    /// of its answer handed over, or the head of one that is [endless](super::Body::endless). Beyond it a request is answered 503 with
    /// `Retry-After`.
    pub max_requests: usize,
    /// How long a new connection may take to send its first byte, before it is closed. 10 s.
    pub first_byte_timeout: Duration,
    /// How long a request's head may take as a whole, from its first byte on; a slower one is answered 408. 30 s.
    pub header_timeout: Duration,
    /// How long a connection may lie idle after an answer, before it is closed. 60 s, longer than scrapers' usual intervals.
    pub idle_timeout: Duration,
    /// How long a request may take from its head read to its answer's head, its body included; then its handler's future is dropped, and it
    /// is answered 503 with `Retry-After`. What comes after the answer's head, such as a stream, may take longer. 60 s; [`Duration::MAX`]
    /// means no limit.
    pub request_timeout: Duration,
    /// Fields of a request's head; one with more is answered 431. 100.
    pub max_headers: usize,
    /// Bytes of a request's head; a longer one is answered 431. 32 KiB: room for a long token and cookies.
    pub max_head_bytes: usize,
    /// Bytes of a request's URI; a longer one is answered 414. 8 KiB.
    pub max_uri_bytes: usize,
    /// The largest request body in bytes; a larger one is answered 413. 16 MiB. A route may have [its own](super::Route::body_limit).
    pub body_limit: usize,
    /// How long a request's body may take as a whole; a slower one is answered 408. 30 s.
    pub body_timeout: Duration,
    /// How long a client may take to get 256 KiB further with its answer, or to its end, before its connection is closed.
    /// 30 s. It shows by what the system takes over for the client, which may come in pieces as large as what it keeps for a connection.
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
    /// The tokens that open `/debug` and all below it, routes of your own among them, and show what the health checks say; they may be
    /// [replaced](Tokens::replace) at any time. Without any all of `/debug` is closed, 401 for everybody, and `/health*` tells statuses and
    /// times alone.
    pub tokens: Tokens,
    /// How often an address may bring a wrong token, before all that it brings is answered 429 (by `/health*`: as if it had none). 60
    /// times a minute. Handlers with tokens of their own may count in a clone.
    pub auth_failures: FailureLimit,
    /// The certificate with which [`run`](super::run) speaks TLS; without one it speaks plain HTTP. A handshake may take
    /// [`header_timeout`](Self::header_timeout) from its first byte, which has [`first_byte_timeout`](Self::first_byte_timeout); one that fails is counted in `tachograph_tls_handshakes_failed_total`.
    #[cfg(feature = "tls")]
    pub tls: Option<Tls>,
    /// How long browsers shall reach this host by TLS alone (`Strict-Transport-Security`), with [`tls`](Self::tls). Zero, the default, says
    /// nothing of it: it holds for all ports of the host, and what speaks plain HTTP on another one would be cut off.
    #[cfg(feature = "tls")]
    pub hsts: Duration,
    /// Whether the last entry of `X-Forwarded-For` is the client's address ([`Request::client`](super::Request::client)): only behind a
    /// proxy that sets it, for else everybody may choose one.
    pub trust_forwarded_for: bool,
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
            max_connections_per_address: 0,
            max_requests: 0,
            first_byte_timeout: Duration::from_secs(10),
            header_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(60),
            request_timeout: Duration::from_secs(60),
            max_headers: 100,
            max_head_bytes: 32 * 1024,
            max_uri_bytes: 8 * 1024,
            body_limit: 16 * 1024 * 1024,
            body_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            max_scrapes: 16,
            created_timestamps: false,
            profiler: None,
            health: HealthRegistry::new(),
            tokens: Tokens::new(),
            auth_failures: FailureLimit::default(),
            #[cfg(feature = "tls")]
            tls: None,
            #[cfg(feature = "tls")]
            hsts: Duration::ZERO,
            trust_forwarded_for: false,
            server_timing: false,
            drain_delay: Duration::ZERO,
            shutdown_timeout: Duration::from_secs(10),
        }
    }
}
