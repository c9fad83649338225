//! The options of `tachograph webhook`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::access::GuessOptions;
use super::{LogFormat, LogLevel, address};

/// More than anyone reads at once.
const MOST_KEPT: usize = 10_000;

pub(super) const EXPLAINED: &str = "\
Endpoints:
  POST /alerts       takes a notification of Alertmanager, version 4, of at most 1 MiB
  GET  /alerts       the alerts that came last, the newest first
  GET  /metrics      what has come and what was run: webhook_*
  GET  /health/live  alive

Of a notification the first 1000 alerts are taken, of an alert 64 labels and 64 annotations, of a text 4096 bytes.

A program that --run names is given one alert on standard input, as the JSON object that GET /alerts shows. It runs without \
a shell, once for each notification that holds the alert, so that it must bear to be run again; `fingerprint` and `startsAt` \
tell whether it is the same. One runs at a time for each alert name, and 16 alerts may wait; more are left out, and counted. \
When its time is over it is killed, with all that it has started; what it has started and left behind when it ends goes on. \
Its exit status and the last it wrote to standard error are logged. It has no token in its environment.

Whoever can post here writes the log and runs the programs. On another address than loopback it therefore starts only with a \
token, or, if it runs no programs, with --allow-no-token; tell Alertmanager the token with `http_config: {authorization: \
{credentials_file: FILE}}`. A page in a browser gets 403 or 415: a request that has an Origin, or a body that is not \
application/json, and, without a token on loopback, one that was sent to another name than localhost, 127.0.0.1 or [::1].

Examples:
  tachograph webhook --log-format json
      Write a log line for each alert that is sent to http://127.0.0.1:5001/alerts.
  tachograph webhook --run HighMemoryUsage=/usr/local/bin/keep_heap_profile
      Also run a program whenever HighMemoryUsage fires.

SIGINT and SIGTERM let the requests in flight finish, and the programs that run for 5 seconds at most; a second signal ends it \
at once with status 1. What keeps it from starting is told in one line, with status 2.";

/// The options of `webhook`.
#[derive(Debug, Args)]
pub(crate) struct WebhookOptions {
    /// Address and port to listen on; port 0 takes a free one, which is then printed
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:5001", value_parser = address)]
    pub(crate) listen: SocketAddr,

    /// Bearer token for /alerts; without it, everybody who reaches the port may read and send alerts
    ///
    /// Letters, digits and -._~+/= only. May be repeated. Other users of the machine can see the command line, so the variable
    /// or --token-file is the better place.
    #[arg(long, value_name = "TOKEN", allow_hyphen_values = true, env = "TACHOGRAPH_WEBHOOK_TOKEN", hide_env_values = true)]
    pub(crate) token: Vec<String>,

    /// File of bearer tokens beside that, one a line; # begins a remark; SIGHUP has it read again
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,

    /// Listen on other addresses than loopback without a token too; --run needs one there still
    #[arg(long)]
    pub(crate) allow_no_token: bool,

    #[command(flatten)]
    pub(crate) guesses: GuessOptions,

    /// Alerts to keep for GET /alerts; of large ones fewer, since all together may have 4 MiB
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = kept)]
    pub(crate) keep: usize,

    /// Run a program when an alert of this name fires; may be repeated, once for each name
    #[arg(long, value_name = "ALERTNAME=PROGRAM", value_parser = run)]
    pub(crate) run: Vec<Run>,

    /// Run the programs for resolved alerts too: the JSON tells which it is, in `status`
    #[arg(long)]
    pub(crate) run_resolved: bool,

    /// Milliseconds that a program may run
    #[arg(long, value_name = "MS", default_value_t = 30_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) run_timeout: u64,

    /// The least important log lines to write: firing alerts are warnings, others are info
    #[arg(long, value_name = "LEVEL", value_enum, default_value_t = LogLevel::Info)]
    pub(crate) log_level: LogLevel,

    /// How log lines are written to standard error
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,
}

/// What is run for which alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) alert: String,
    pub(crate) program: PathBuf,
}

fn run(text: &str) -> Result<Run, &'static str> {
    match text.split_once('=') {
        Some((alert, program)) if !alert.is_empty() && !program.is_empty() => {
            Ok(Run { alert: alert.to_owned(), program: program.into() })
        }
        _ => Err("write the name of an alert, = and a program, such as HighMemoryUsage=/usr/local/bin/respond"),
    }
}

fn kept(text: &str) -> Result<usize, &'static str> {
    match text.parse() {
        Ok(kept) if (1..=MOST_KEPT).contains(&kept) => Ok(kept),
        _ => Err("write a number of alerts from 1 to 10000"),
    }
}
