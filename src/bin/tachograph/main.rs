//! The `tachograph` binary: serves a demo HTTP API on real scene files, with everything that the library measures beside it,
//! and checks scrapes.
//!
//! `cli` reads the command line, `check` is the checker of scrapes. Of the demo, `serve` puts the parts together and runs them,
//! `api` is the demo API, `scene` reads the scene files, `folder` finds and opens them safely, `engine` is the frame loop that
//! shows them, `health` looks at its parts, `editor` has the two servers that one of its checks asks, `traffic` sends the demo's
//! own requests, `index` is the page at `/`.

#![forbid(unsafe_code)]

mod api;
mod check;
mod cli;
mod editor;
mod engine;
mod folder;
mod health;
mod index;
mod log;
mod scene;
mod serve;
mod traffic;

use std::process::ExitCode;

use cli::Action;

fn main() -> ExitCode {
    match cli::parse() {
        Ok(Action::Serve(options)) => serve::serve(&options),
        Ok(Action::Check(options)) => check::check(&options),
        Err(status) => status,
    }
}
