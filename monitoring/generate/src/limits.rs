//! The limits of the alerts: the one place that they are written at. The rules, which are written by hand, are compared with them by a
//! test; the thresholds of the dashboard and the tables of the documents are made from them.
//!
//! What the health checks know too is taken from there.

use tachograph::health::checks::MemoryCheck;

/// Requests a second below which no ratio and no quantile of an API is judged.
pub const TRAFFIC_JUDGED: f64 = 0.1;

/// Events in five minutes below which no ratio of an endpoint, or of scene loads, is judged; and failed requests in its long window
/// below which no burn of the error budget is.
pub const EVENTS_JUDGED: f64 = 5.0;

/// Share of requests answered 5xx: `HighHTTPErrorRate`.
pub const ERROR_RATIO: f64 = 0.05;

/// Share of an endpoint's requests answered 5xx: `EndpointHighErrorRate`.
pub const ENDPOINT_ERROR_RATIO: f64 = 0.20;

/// Seconds, 95th percentile: `SlowRequestLatency`.
pub const LATENCY_P95: f64 = 0.5;

/// Seconds, 99th percentile: `CriticalSlowRequests`.
pub const LATENCY_P99: f64 = 2.0;

/// Authentications a minute that fail: `HighAuthFailureRate`.
pub const AUTH_FAILURES: f64 = 10.0;

/// Authentications a minute that fail: `CriticalAuthFailureRate`.
pub const AUTH_FAILURES_CRITICAL: f64 = 50.0;

/// Requests a minute refused by the rate limit: `HighRateLimitHits`.
pub const RATE_LIMIT_HITS: f64 = 50.0;

/// Resident bytes from which health is degraded: early, and nobody is paged.
pub const MEMORY_DEGRADED: u64 = MemoryCheck::DEGRADED_BYTES;

/// Resident bytes: `HighMemoryUsage`, an hour's growth before the critical limit.
pub const MEMORY_HIGH: u64 = 800 << 20;

/// Resident bytes from which health is unhealthy, and `CriticalMemoryUsage` fires.
pub const MEMORY_CRITICAL: u64 = MemoryCheck::UNHEALTHY_BYTES;

/// Share of scene loads that fail: `HighSceneLoadErrorRate`.
pub const SCENE_ERROR_RATIO: f64 = 0.10;

/// Scene loads a second that fail: `SceneLoadFailures`.
pub const SCENE_FAILURES: f64 = 1.0;

/// Bytes of a request's body, 95th percentile: `LargeRequestSize`.
pub const REQUEST_BYTES: u64 = 5 << 20;

/// Requests a second: `LowRequestRate`.
pub const TRAFFIC_LOW: f64 = 0.1;

/// Seconds from the start within which low traffic is no alert.
pub const WARM_UP: f64 = 600.0;

/// Share of the connections that may be open: `HighActiveConnections`.
pub const CONNECTIONS_SHARE: f64 = 0.8;

/// Seconds without a result of a health check: `HealthCheckFailing`.
pub const HEALTH_SILENT: f64 = 120.0;

/// Share of requests that may fail in thirty days: the objective is the rest, 99.9 %.
pub const ERROR_BUDGET: f64 = 0.001;

/// Burn of the error budget: `HTTPAPIErrorBudgetBurn` fires when it is spent this many times too fast over both windows.
pub const BURN: [Burn; 4] = [
    Burn { factor: 14.4, long: "1h", short: "5m" },
    Burn { factor: 6.0, long: "6h", short: "30m" },
    Burn { factor: 3.0, long: "1d", short: "2h" },
    Burn { factor: 1.0, long: "3d", short: "6h" },
];

/// One alert of the error budget.
#[derive(Clone, Copy, Debug)]
pub struct Burn {
    /// How many times the speed at which the budget lasts thirty days.
    pub factor: f64,
    /// The window that makes it matter, which the alert's label `window` says.
    pub long: &'static str,
    /// The window that ends it soon.
    pub short: &'static str,
}

/// Starts of the process within a quarter of an hour that are no loop yet: `HTTPAPIRestartLoop`.
pub const RESTARTS: f64 = 2.0;

/// Samples a scrape: `HTTPAPICardinality`. The demo has about a tenth.
pub const SCRAPE_SAMPLES: f64 = 10_000.0;

/// Seconds that the last sample a store took is old: `PrometheusRemoteWriteFailing`. A batch waits for five at most.
pub const REMOTE_WRITE_LAG: f64 = 120.0;

/// Share of the notifications of one way that may fail: `AlertmanagerNotificationsFailing`.
pub const NOTIFICATION_FAILURES: f64 = 0.01;
