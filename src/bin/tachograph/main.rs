//! The `tachograph` binary: serves a demo HTTP API on real scene files, with everything that the library measures beside it.
//!
//! `cli` reads the command line, `serve` puts the parts together and runs them, `api` is the demo API, `scene` reads the
//! scene files, `folder` finds and opens them safely, `traffic` sends the demo's own requests, `index` is the page at `/`.

#![forbid(unsafe_code)]

mod api;
mod cli;
mod folder;
mod index;
mod log;
mod scene;
mod serve;
mod traffic;

use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::parse() {
        Ok(options) => serve::serve(&options),
        Err(status) => status,
    }
}
