//! The guides in `docs/`, so that what they show is compiled and run, before and after.

#[doc = include_str!("../../../docs/from_metrics.md")]
struct FromMetrics;

#[doc = include_str!("../../../docs/from_prometheus.md")]
struct FromPrometheus;

#[doc = include_str!("../../../docs/from_prometheus_client.md")]
struct FromPrometheusClient;

#[doc = include_str!("../../../docs/game_loops.md")]
struct GameLoops;

#[doc = include_str!("../../../docs/libraries.md")]
struct Libraries;

#[doc = include_str!("../../../docs/push.md")]
struct Push;
