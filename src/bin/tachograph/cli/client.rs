//! The options of the commands that look at a running service.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

/// Longer would be no wait but a mistake.
const MOST_SECONDS: f64 = 86_400.0;

/// Which server is asked, and how.
#[derive(Clone, Debug, Args)]
pub(crate) struct ConnectionOptions {
    /// Server to look at: http://HOST:PORT, https://HOST:PORT, HOST:PORT, or the URL of the metrics if they are not at /metrics
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    pub(crate) url: String,

    /// Bearer token for /debug/* and for what the health checks say
    ///
    /// Other users of the machine can see the command line, so the variable TACHOGRAPH_TOKEN or --token-file is the better
    /// place. The variable's is sent to /health, /debug and what is below them alone, one of the options to whatever is asked.
    #[arg(long, value_name = "TOKEN", allow_hyphen_values = true, conflicts_with = "token_file")]
    pub(crate) token: Option<String>,

    /// File that holds the token, in its first line that is no remark
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,

    /// File of the authorities to trust with an https:// URL, as PEM, in place of the machine's own
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,

    /// Seconds to wait for a whole answer
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub(crate) timeout: Duration,
}

/// How it is shown.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct OutputOptions {
    /// When to colour; auto is on a terminal, and as NO_COLOR and CLICOLOR_FORCE say
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = When::Auto)]
    pub(crate) color: When,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    Auto,
    Always,
    Never,
}

/// The options of `metrics`.
#[derive(Clone, Debug, Args)]
pub(crate) struct MetricsOptions {
    #[command(flatten)]
    pub(crate) connection: ConnectionOptions,
    #[command(flatten)]
    pub(crate) output: OutputOptions,

    /// Only what has this text in name{label="value"}, in any case; * stands for anything. Several: any of them
    #[arg(long, value_name = "TEXT")]
    pub(crate) grep: Vec<String>,

    /// The order of the series of a family
    #[arg(long, value_name = "BY", value_enum, default_value_t = MetricsSort::Text)]
    pub(crate) sort: MetricsSort,

    /// At most so many series of a family
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) top: Option<u32>,

    /// The scrape as it came; on a terminal without what that would obey
    #[arg(long, conflicts_with_all = ["json", "watch", "grep", "sort", "top"])]
    pub(crate) raw: bool,

    /// One JSON array of families, or {"error": ...}; with --watch one a line, with rates
    #[arg(long)]
    pub(crate) json: bool,

    /// Look again every so many seconds, by default 2, and show rates
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2", value_parser = seconds)]
    pub(crate) watch: Option<Duration>,

    /// Also tell what breaks the rules of the format, as `tachograph check` does
    #[arg(short, long)]
    pub(crate) verbose: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum MetricsSort {
    /// As the scrape has them
    Text,
    /// By their labels
    Labels,
    /// The largest first; of histograms and summaries the one with most observations
    Value,
    /// The fastest first; with --watch
    Rate,
}

/// The options of `health`.
#[derive(Clone, Debug, Args)]
pub(crate) struct HealthQuery {
    #[command(flatten)]
    pub(crate) connection: ConnectionOptions,
    #[command(flatten)]
    pub(crate) output: OutputOptions,

    /// Ask for the last results: no check runs
    #[arg(long, group = "asked")]
    pub(crate) quick: bool,

    /// Ask whether it wants requests
    #[arg(long, group = "asked")]
    pub(crate) ready: bool,

    /// Ask whether it is alive
    #[arg(long, group = "asked")]
    pub(crate) live: bool,

    /// Ask whether it has started
    #[arg(long, group = "asked")]
    pub(crate) startup: bool,

    /// Ask for one check
    #[arg(long, value_name = "NAME", group = "asked")]
    pub(crate) check: Option<String>,

    /// Ask for this path, of a server that is not Tachograph's, such as /-/healthy of Prometheus
    #[arg(long, value_name = "PATH", group = "asked", value_parser = path)]
    pub(crate) path: Option<String>,

    /// Take degraded for unhealthy
    #[arg(long)]
    pub(crate) strict: bool,

    /// Write nothing, the exit status tells; only what keeps it from being asked is told on standard error
    #[arg(long, conflicts_with_all = ["json", "watch"])]
    pub(crate) quiet: bool,

    /// The answer of the server, as JSON on one line; {"error": ...} if there is none
    #[arg(long)]
    pub(crate) json: bool,

    /// Look again every so many seconds, by default 2
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2", value_parser = seconds)]
    pub(crate) watch: Option<Duration>,
}

/// Which requests are meant, as the server filters them.
#[derive(Clone, Debug, Args)]
pub(crate) struct FilterOptions {
    /// Slow requests only
    #[arg(long)]
    pub(crate) slow: bool,

    /// Requests of this route, such as /scene
    #[arg(long, value_name = "ROUTE")]
    pub(crate) endpoint: Option<String>,

    /// Requests with this method
    #[arg(long, value_name = "METHOD")]
    pub(crate) method: Option<String>,

    /// Requests with this status, or with one of a class such as 5xx
    #[arg(long, value_name = "STATUS")]
    pub(crate) status: Option<String>,

    /// Requests that took at least so many milliseconds
    #[arg(long, value_name = "MS")]
    pub(crate) min_ms: Option<String>,

    /// Requests that took at most so many milliseconds
    #[arg(long, value_name = "MS")]
    pub(crate) max_ms: Option<String>,

    /// Requests that have a phase of this name
    #[arg(long, value_name = "NAME")]
    pub(crate) phase: Option<String>,

    /// Requests that began in this time, START..END, each RFC 3339 or a time ago such as 5m
    #[arg(long, value_name = "SPAN")]
    pub(crate) span: Option<String>,

    /// The order, of which --limit takes the first: newest or slowest
    #[arg(long, value_name = "BY")]
    pub(crate) sort: Option<String>,

    /// At most so many requests
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<String>,
}

impl FilterOptions {
    /// The filters by the names that the server gives them, in a query string without `?`.
    pub(crate) fn query(&self, also: &[(&str, &str)]) -> String {
        let given = [
            ("endpoint", &self.endpoint),
            ("method", &self.method),
            ("status", &self.status),
            ("min_duration_ms", &self.min_ms),
            ("max_duration_ms", &self.max_ms),
            ("phase", &self.phase),
            ("span", &self.span),
            ("sort", &self.sort),
            ("limit", &self.limit),
        ];
        let mut query = form_urlencoded::Serializer::new(String::new());
        if self.slow {
            query.append_pair("slow", "true");
        }
        query.extend_pairs(given.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?))));
        query.extend_pairs(also);
        query.finish()
    }
}

/// The options of `profile`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ProfileQuery {
    #[command(flatten)]
    pub(crate) connection: ConnectionOptions,
    #[command(flatten)]
    pub(crate) output: OutputOptions,

    /// Show this request: its id, or its trace's
    #[arg(value_name = "ID")]
    pub(crate) id: Option<String>,

    /// Forget all profiles, and say how many there were
    #[arg(long, conflicts_with_all = [
        "id", "watch", "slow", "endpoint", "method", "status", "min_ms", "max_ms", "phase", "span", "sort", "limit",
    ])]
    pub(crate) clear: bool,

    /// The answer of the server, as JSON on one line; {"error": ...} if there is none
    #[arg(long)]
    pub(crate) json: bool,

    /// Look again every so many seconds, by default 2
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2", value_parser = seconds)]
    pub(crate) watch: Option<Duration>,

    #[command(flatten, next_help_heading = "Filters")]
    pub(crate) filters: FilterOptions,
}

/// The options of `flamegraph`.
#[derive(Clone, Debug, Args)]
pub(crate) struct FlameGraphQuery {
    #[command(flatten)]
    pub(crate) connection: ConnectionOptions,
    #[command(flatten)]
    pub(crate) output: OutputOptions,

    /// Write a file instead, in the format of its name unless --format says another; - is standard output
    #[arg(short, long = "output", value_name = "FILE")]
    pub(crate) output_file: Option<PathBuf>,

    /// Format of what is written
    #[arg(long, value_name = "FORMAT", value_enum, requires = "output_file")]
    pub(crate) format: Option<FlameFormat>,

    /// Replace a file that is there already
    #[arg(long, requires = "output_file")]
    pub(crate) force: bool,

    /// Columns to draw in, instead of those of the terminal
    #[arg(long, value_name = "COLUMNS", conflicts_with = "output_file")]
    #[arg(value_parser = clap::value_parser!(u16).range(20..=1000))]
    pub(crate) width: Option<u16>,

    #[command(flatten, next_help_heading = "Filters")]
    pub(crate) filters: FilterOptions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FlameFormat {
    /// A picture (.svg)
    Svg,
    /// Brendan Gregg's stacks (.folded, .txt)
    Folded,
    /// speedscope's file (.json)
    Speedscope,
    /// Chrome's trace events, for Perfetto too (.trace.json)
    Trace,
    /// pprof's file (.pb.gz)
    Pprof,
    /// d3-flame-graph's tree (.d3.json)
    Json,
}

fn path(text: &str) -> Result<String, &'static str> {
    let legal = text.starts_with('/') && text.chars().all(|character| character.is_ascii_graphic());
    if legal { Ok(text.to_owned()) } else { Err("write a path that begins with a slash, such as /-/healthy") }
}

/// A time in seconds, at least a tenth of one.
pub(crate) fn seconds(text: &str) -> Result<Duration, &'static str> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.1..=MOST_SECONDS).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("write a number of seconds from 0.1 to 86400"),
    }
}
