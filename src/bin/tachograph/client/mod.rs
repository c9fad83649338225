//! The commands that look at a running service: Tachograph's own server, or any other that Prometheus can scrape.
//!
//! `target` knows which server is asked and how, `scrape` reads its metrics. Each command has a module of its own, which writes
//! by `terminal` and `figure`, once or, by `watch`, again and again.

pub(crate) mod dashboard;
mod figure;
pub(crate) mod flamegraph;
pub(crate) mod health;
pub(crate) mod metrics;
pub(crate) mod profile;
pub(crate) mod scrape;
pub(crate) mod target;
mod terminal;
mod watch;

use std::process::ExitCode;

use crate::fetch::Failure;
use terminal::{Unwritten, clean, json_line, write_out};

/// The exit status of what cannot be had: nobody answers, the answer is of no use, or it cannot be written.
const FAILED: u8 = 2;

/// Why a command has ended before its time.
#[derive(Debug)]
pub(crate) enum Ended {
    /// One line for standard error.
    Failed(String),
    /// Nobody reads on, and so nothing is wrong.
    Closed,
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure.told)
    }
}

impl From<Unwritten> for Ended {
    fn from(unwritten: Unwritten) -> Self {
        match unwritten {
            Unwritten::Closed => Self::Closed,
            Unwritten::Failed(told) => Self::Failed(told),
        }
    }
}

/// Runs a command, tells in one line what went wrong, and returns the exit status. Who reads JSON reads that as JSON, too.
pub(crate) fn run(json: bool, command: impl FnOnce() -> Result<ExitCode, Ended>) -> ExitCode {
    match command() {
        Ok(status) => status,
        Err(Ended::Closed) => ExitCode::SUCCESS,
        Err(Ended::Failed(told)) => {
            if json {
                // If that is what cannot be written, standard error still tells.
                let _unwritten = write_out(json_line(&serde_json::json!({ "error": told }).to_string()).as_bytes());
            }
            crate::check::say(&format!("tachograph: {}", clean(&told.replace(['\n', '\r'], " "))));
            ExitCode::from(FAILED)
        }
    }
}
