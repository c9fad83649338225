//! Queries, and the matchers in them.

use super::model::{DataSource, Target};

/// The endpoints that are the monitoring's own: no panel on what users do counts them.
pub const MONITORING_ENDPOINTS: &str = "/|/events|/metrics|/health.*|/debug/.*|/demo/.*";

/// The instances that are chosen.
pub const CHOSEN: &str = r#"job=~"$job",instance=~"$instance""#;

/// What the rules record has no instance: it is the job's.
pub const CHOSEN_JOB: &str = r#"job=~"$job""#;

/// The frames are scraped more often, by a job of their own.
pub const TELEMETRY: &str = r#"job="engine_telemetry",instance=~"$instance""#;

/// `/health` as who asks from outside sees it.
pub const PROBE: &str = r#"job="health_probe",instance=~"$instance""#;

/// Seconds between two scrapes of the frames: without it their rates would be taken over four times the interval of the others.
pub const TELEMETRY_INTERVAL: &str = "5s";

/// The data source that is chosen.
pub fn prometheus() -> DataSource {
    DataSource { kind: "prometheus", uid: "${datasource}" }
}

/// What users do, on the instances and endpoints that are chosen; further matchers begin with a comma.
pub fn user(more: &str) -> String {
    format!(r#"{CHOSEN},endpoint=~"$endpoint",endpoint!~"{MONITORING_ENDPOINTS}"{more}"#)
}

/// The pace of a counter, over the shortest time that has enough scrapes.
pub fn rate(metric: &str, matchers: &str) -> String {
    format!("rate({metric}{{{matchers}}}[$__rate_interval])")
}

/// The pace of users' requests, together.
pub fn requests(more: &str) -> String {
    format!("sum({})", rate("http_requests_total", &user(more)))
}

/// The share that one pace has in another; nothing when there is nothing to share in.
pub fn share(part: &str, whole: &str) -> String {
    format!("{part} / ({whole} > 0)")
}

/// A quantile of a histogram; `labels` are those that stay beside `le`.
pub fn quantile(quantile: &str, labels: &str, metric: &str, matchers: &str) -> String {
    format!("histogram_quantile({quantile}, sum by ({labels}) ({}))", rate(&format!("{metric}_bucket"), matchers))
}

/// What stands beside the engine's metrics, and not what another program under the same job tells.
pub fn of_engine(expression: &str) -> String {
    format!("{expression} and on (job, instance) tachograph_build_info{{{CHOSEN}}}")
}

/// One query, drawn over the time that is shown.
pub fn over_time(expr: impl Into<String>, legend: &'static str) -> Target {
    Target {
        // Told by their order, as Grafana does.
        ref_id: String::new(),
        datasource: prometheus(),
        expr: expr.into(),
        legend_format: legend,
        format: "time_series",
        instant: false,
        range: true,
        exemplar: None,
        interval: None,
    }
}

/// One query for the present.
pub fn now(expr: impl Into<String>, legend: &'static str) -> Target {
    Target { instant: true, range: false, ..over_time(expr, legend) }
}

/// One query for the rows of a table. Grafana makes a column of each label; other programs that read a dashboard show the name.
pub fn rows(expr: impl Into<String>, legend: &'static str) -> Target {
    Target { format: "table", ..now(expr, legend) }
}

impl Target {
    /// Also asks for single requests, which are marked on the graph.
    pub fn with_exemplars(self) -> Self {
        Self { exemplar: Some(true), ..self }
    }

    /// Takes what is counted below each bound apart into what is between two of them.
    pub fn as_buckets(self) -> Self {
        Self { format: "heatmap", ..self }
    }

    pub fn every(self, interval: &'static str) -> Self {
        Self { interval: Some(interval), ..self }
    }
}
