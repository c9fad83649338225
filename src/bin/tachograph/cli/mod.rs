//! The command line.

mod access;
mod client;
mod dashboard;
mod health;
mod limits;
mod texts;
mod webhook;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use access::AccessOptions;
pub(crate) use client::{
    ConnectionOptions, FlameFormat, FlameGraphQuery, HealthQuery, MetricsOptions, MetricsSort, ProfileQuery, When,
};
pub(crate) use dashboard::DashboardOptions;
pub(crate) use health::HealthOptions;
pub(crate) use limits::LimitOptions;
pub(crate) use webhook::{Run, WebhookOptions};

use crate::serve::FAILED_TO_START;
use texts::{CHECKING, ENDPOINTS, FLAMEGRAPH, HEALTH, METRICS, PROFILE};

/// Requests a second that the bare command sends to itself.
const BARE_TRAFFIC: f64 = 20.0;
/// More than a small machine can serve; beyond it the generator would only measure itself.
const MAX_TRAFFIC: f64 = 100_000.0;
/// More take longer to read than anyone will wait: 400 MB.
const MAX_PROFILES: usize = 1_000_000;

/// A metrics engine for services, served with a demo API on Godot scene files.
///
/// Without a subcommand it does what `serve` does, and sends itself traffic, so that the metrics move.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true, after_long_help = ENDPOINTS)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    bare: Options,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves the demo API, by default without traffic of its own
    ///
    /// The demo API loads Godot scene files over HTTP, with a token, rate limits and timed phases; beside it stand the
    /// metrics of all that.
    #[command(after_long_help = ENDPOINTS)]
    Serve(Options),

    /// Checks a scrape against the rules of its format
    ///
    /// Reads Prometheus text 0.0.4 and 1.0.0 and OpenMetrics 1.0, and writes each finding as one line with its place, the
    /// rule, what is wrong and how to mend it.
    #[command(after_long_help = CHECKING)]
    Check(CheckOptions),

    /// Shows the metrics of a running service, of Tachograph's or any other that Prometheus can scrape
    #[command(after_long_help = METRICS)]
    Metrics(MetricsOptions),

    /// Asks a running service how it is; the exit status tells
    #[command(after_long_help = HEALTH)]
    Health(HealthQuery),

    /// Shows the last requests of a running service and where their time went
    #[command(after_long_help = PROFILE)]
    Profile(ProfileQuery),

    /// Draws the flame graph of the last requests, or writes it to a file
    #[command(after_long_help = FLAMEGRAPH)]
    Flamegraph(FlameGraphQuery),

    /// Shows a running service on the whole screen, live
    #[command(after_long_help = dashboard::EXPLAINED)]
    Dashboard(DashboardOptions),

    /// Receives the notifications of Prometheus's Alertmanager
    ///
    /// Writes a log line for each alert, shows the last ones at /alerts, and can run a program of yours for one.
    #[command(after_long_help = webhook::EXPLAINED)]
    Webhook(WebhookOptions),
}

/// What the command line asks for.
#[derive(Debug)]
pub(crate) enum Action {
    Serve(Options),
    Check(CheckOptions),
    Metrics(MetricsOptions),
    Health(HealthQuery),
    Profile(ProfileQuery),
    Flamegraph(FlameGraphQuery),
    Dashboard(DashboardOptions),
    Webhook(WebhookOptions),
}

/// The options of `check`.
#[derive(Debug, Args)]
pub(crate) struct CheckOptions {
    /// File, or http:// or https:// URL, of the scrape; - or nothing is standard input
    #[arg(value_name = "FILE|URL")]
    pub(crate) source: Option<String>,

    /// Format of the scrape, which a server is also asked for
    ///
    /// `auto` goes by the content type of a server's answer, else by the text itself: OpenMetrics ends with `# EOF`.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = CheckFormat::Auto)]
    pub(crate) format: CheckFormat,

    /// File of the authorities to trust with an https:// URL, as PEM, in place of the machine's own
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,

    /// Ask for more than the format does: one order and one spelling, as Tachograph itself writes
    #[arg(long)]
    pub(crate) strict: bool,

    /// Write each finding as a JSON object
    #[arg(long)]
    pub(crate) json: bool,

    /// List the rules and check nothing
    #[arg(long, conflicts_with_all = ["source", "explain"])]
    pub(crate) rules: bool,

    /// Tell what a rule demands and check nothing
    #[arg(long, value_name = "RULE", conflicts_with = "source")]
    pub(crate) explain: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckFormat {
    /// By content type, or by the text
    Auto,
    /// Prometheus text 0.0.4
    Text,
    /// Prometheus text 1.0.0, with quoted names
    Text1,
    /// OpenMetrics 1.0
    Openmetrics,
    /// OpenMetrics 1.0 with quoted names
    OpenmetricsUtf8,
}

/// The options of `serve` and of the bare command.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Address and port to listen on; port 0 takes a free one, which is then printed
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8080", value_parser = address)]
    pub(crate) listen: SocketAddr,

    /// Folder of the scene files (*.tscn)
    ///
    /// Without it: ./scenes, the folder of the package that cargo runs, scenes/ or share/tachograph/scenes/ beside the
    /// executable or in a folder above it, whichever comes first.
    #[arg(long, value_name = "DIR")]
    pub(crate) scenes: Option<PathBuf>,

    /// Requests a second that the server sends to itself, over loopback and under clients of its own; 0 is off
    ///
    /// A mix of good, slow, unauthorised, rate-limited and broken requests. [default: 0 for `serve`, 20 for the bare
    /// command]
    #[arg(long, value_name = "RATE", value_parser = rate)]
    traffic: Option<f64>,

    /// Milliseconds from which on a request is slow: its profile says so, and one of the scene API is logged, as is each
    /// that fails by the server's fault
    #[arg(long, value_name = "MS", default_value_t = 100, value_parser = milliseconds)]
    pub(crate) slow_threshold: u64,

    /// Profiles of the last requests to keep, 392 bytes each; the slowest are kept beside them
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = profiles)]
    pub(crate) profiles: usize,

    /// Tell everyone the phases of their requests, in the header Server-Timing
    #[arg(long)]
    pub(crate) server_timing: bool,

    /// Offer /demo/fault, which on demand makes the scene API fail or lag, holds memory and stops the servers that dap_lsp
    /// asks, and /demo/engine, which slows or pauses the frame loop
    #[arg(long)]
    pub(crate) demo_faults: bool,

    /// Scenes loaded at once, each on a thread that may wait for the disk
    ///
    /// Beyond it a load waits for its turn, for a second at most, and is answered 503.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1024))]
    max_loads: u16,

    /// Milliseconds for which requests are still taken after a signal, while /health/ready says that no more shall come
    #[arg(long, value_name = "MS", default_value_t = 0, value_parser = milliseconds)]
    pub(crate) drain_delay: u64,

    /// Tell OpenMetrics scrapers when each series began, in a `_created` sample
    #[arg(long)]
    pub(crate) created_timestamps: bool,

    /// Requests a second that each client of the scene API may send; 0 is no limit
    ///
    /// A client is whoever holds a valid token, else an address (IPv6: a network of 64 bits).
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) rate_limit: u32,

    /// Requests that a client may send at once, before the rate limit counts
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rate_burst: u32,

    /// The least important log lines to write
    #[arg(long, value_name = "LEVEL", value_enum, default_value_t = LogLevel::Info)]
    pub(crate) log_level: LogLevel,

    /// How log lines are written to standard error
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,

    // The last: options after them would stand under their headings.
    #[command(flatten, next_help_heading = "Access")]
    pub(crate) access: AccessOptions,
    #[command(flatten, next_help_heading = "Limits")]
    pub(crate) limits: LimitOptions,
    #[command(flatten, next_help_heading = "Health checks")]
    pub(crate) health: HealthOptions,
}

impl Options {
    /// Requests a second that the server sends to itself.
    pub(crate) fn traffic(&self) -> f64 {
        self.traffic.unwrap_or(0.0)
    }

    /// Scenes loaded at once.
    pub(crate) fn max_loads(&self) -> usize {
        self.max_loads.into()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogLevel {
    Off,
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// Reads the command line. When there is nothing to do (help was asked for, or an option is wrong) everything has been
/// said already, and the error is the exit status.
pub(crate) fn parse() -> Result<Action, ExitCode> {
    match Cli::try_parse() {
        Ok(cli) => Ok(action(cli)),
        Err(cause) if matches!(cause.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            // Whoever asked for help and closed the pipe has seen enough of it.
            let _closed = cause.print();
            Err(ExitCode::SUCCESS)
        }
        Err(cause) => {
            crate::check::say(&one_line(&cause.to_string()));
            Err(ExitCode::from(FAILED_TO_START))
        }
    }
}

fn action(cli: Cli) -> Action {
    match cli.command {
        Some(Command::Serve(options)) => Action::Serve(options),
        Some(Command::Check(options)) => Action::Check(options),
        Some(Command::Metrics(options)) => Action::Metrics(options),
        Some(Command::Health(options)) => Action::Health(options),
        Some(Command::Profile(options)) => Action::Profile(options),
        Some(Command::Flamegraph(options)) => Action::Flamegraph(options),
        Some(Command::Dashboard(options)) => Action::Dashboard(options),
        Some(Command::Webhook(options)) => Action::Webhook(options),
        None => {
            // Its own traffic speaks no TLS.
            let traffic = if cli.bare.access.tls_cert.is_none() { BARE_TRAFFIC } else { 0.0 };
            Action::Serve(Options { traffic: cli.bare.traffic.or(Some(traffic)), ..cli.bare })
        }
    }
}

/// Joins the first paragraph of clap's message, which is the error itself; usage and advice are in the help.
fn one_line(message: &str) -> String {
    let paragraph: Vec<&str> = message.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
    let text = paragraph.join(" ");
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    format!("tachograph: {text} (see tachograph --help)")
}

fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| "write an address and a port, such as 127.0.0.1:8080 or [::1]:8080")
}

fn milliseconds(text: &str) -> Result<u64, &'static str> {
    text.parse().map_err(|_| "write whole milliseconds, such as 100")
}

fn profiles(text: &str) -> Result<usize, &'static str> {
    match text.parse() {
        Ok(profiles) if (1..=MAX_PROFILES).contains(&profiles) => Ok(profiles),
        _ => Err("write a number of profiles from 1 to 1000000"),
    }
}

fn rate(text: &str) -> Result<f64, &'static str> {
    match text.parse::<f64>() {
        Ok(rate) if (0.0..=MAX_TRAFFIC).contains(&rate) => Ok(rate),
        _ => Err("write a number of requests a second from 0 to 100000"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Result<Options, String> {
        let all = std::iter::once("tachograph").chain(arguments.iter().copied());
        let cli = Cli::try_parse_from(all).map_err(|cause| one_line(&cause.to_string()))?;
        match action(cli) {
            Action::Serve(options) => Ok(options),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn only_the_bare_command_has_traffic_by_default() {
        assert_eq!(parsed(&[]).unwrap().traffic(), BARE_TRAFFIC);
        assert_eq!(parsed(&["--listen", "127.0.0.1:0"]).unwrap().traffic(), BARE_TRAFFIC);
        assert_eq!(parsed(&["--traffic", "0"]).unwrap().traffic(), 0.0);
        assert_eq!(parsed(&["serve"]).unwrap().traffic(), 0.0);
        assert_eq!(parsed(&["serve", "--traffic", "2.5"]).unwrap().traffic(), 2.5);
        assert_eq!(parsed(&["--tls-cert", "a", "--tls-key", "b"]).unwrap().traffic(), 0.0);
    }

    #[test]
    fn a_wrong_option_is_told_in_one_line() {
        for (arguments, part) in [
            (&["--bogus"][..], "unexpected argument '--bogus' found"),
            (&["serve", "--listen", "nowhere"], "write an address and a port"),
            (&["--traffic", "-1"], "'-1'"),
            (&["--traffic", "NaN"], "write a number"),
            (&["--traffic=inf"], "write a number"),
            (&["--log-level", "loud"], "[possible values: off, error, warn, info, debug, trace]"),
            (&["--rate-burst", "0"], "0 is not in 1.."),
            (&["--slow-threshold", "1.5"], "write whole milliseconds"),
            (&["--drain-delay", "soon"], "write whole milliseconds"),
            (&["--profiles", "0"], "from 1 to 1000000"),
            (&["dance"], "dance"),
            (&["--tls-cert", "a.pem"], "--tls-key <FILE>"),
            (&["--tls-key", "a.key"], "--tls-cert <FILE>"),
            (&["--hsts", "1"], "--tls-cert <FILE>"),
            (&["--auth-failures", "-1"], "'-1'"),
        ] {
            let line = parsed(arguments).unwrap_err();
            assert!(line.starts_with("tachograph: ") && line.contains(part), "{arguments:?}: {line}");
            assert_eq!(line.lines().count(), 1, "{line}");
        }
    }
}
