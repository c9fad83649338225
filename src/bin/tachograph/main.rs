//! The `tachograph` binary: serves a demo HTTP API on real scene files, with everything that the library measures beside it,
//! checks scrapes, receives alerts, and shows what a running service does.
//!
//! `cli` reads the command line, `check` is the checker of scrapes, `client` looks at a running service, both ask by `fetch`,
//! `trust` is whom they trust. `webhook` is the receiver of alerts, `signals` what ends a server and has it read anew, `tokens` what opens
//! one, `certificate` what it speaks TLS with, `clip` cuts what outsiders say.
//!
//! Of the demo, `serve` puts the parts together and runs them, `api` is the demo API, `scene` reads the scene files, `folder`
//! finds and opens them safely, `engine` is the frame loop that shows them, `health` looks at its parts, `editor` has the two
//! servers that one of its checks asks, and `traffic` sends the demo's own requests.

#![forbid(unsafe_code)]

mod api;
mod certificate;
mod check;
mod cli;
mod client;
mod clip;
mod editor;
mod engine;
mod fetch;
mod folder;
mod health;
mod log;
mod scene;
mod serve;
mod signals;
mod tokens;
mod traffic;
mod trust;
mod webhook;

use std::process::ExitCode;

use cli::Action;

fn main() -> ExitCode {
    match cli::parse() {
        Ok(Action::Serve(options)) => serve::serve(&options),
        Ok(Action::Check(options)) => check::check(&options),
        Ok(Action::Metrics(options)) => client::run(options.json, || client::metrics::metrics(&options)),
        Ok(Action::Health(options)) => client::run(options.json, || client::health::health(&options)),
        Ok(Action::Profile(options)) => client::run(options.json, || client::profile::profile(&options)),
        Ok(Action::Flamegraph(options)) => client::run(false, || client::flamegraph::flamegraph(&options)),
        Ok(Action::Dashboard(options)) => client::run(false, || client::dashboard::dashboard(&options)),
        Ok(Action::Webhook(options)) => webhook::serve(&options),
        Err(status) => status,
    }
}
