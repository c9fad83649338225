//! The soak: drives the built program over loopback for minutes or an hour, with all that clients do at once, and holds what it
//! says of itself against what the clients have counted. `ci/soak.sh` builds both and runs it.
//!
//! # What it sends
//!
//! Requests of the scene API (listed, shown, loaded, broken, missing, outside, unauthorised, too many, HEAD, unknown paths with
//! ever new names, ids and traces) in turn, pipelined, and over a connection for each (`clients`); bodies up to 16 MiB and
//! beyond; clients that leave at every moment, that read slowly or never, and heads that never become requests (`rude`). Beside
//! them scrapes in all formats and codings, one a second and sixteen at once (`scrapers`), every health and profile endpoint
//! (`askers`), ten dashboards (`viewers`). The rate is held (`load::Pace`), so that the machine is not what is measured.
//!
//! # What it asserts
//!
//! - At the end every counter of requests, by endpoint, method and status, is what the clients counted who saw their answers
//!   whole; where some left, the sum is what they begun. So are loads, their errors, attempts to be let in, hits of the limit
//!   of rate, and the bytes of answers (`tally` is the clients' side, `account` compares).
//! - Each scrape during the load is valid by `tachograph_check`, whole (`whole`: one request is in all families or in none, no
//!   counter falls), and shows all that was answered before it began and nothing that was not begun when it ended.
//! - Profiles are valid, each once, no more than there is room for; health is valid; events of the dashboard are whole.
//! - The resident set does not grow after a warm-up of a third of the run (`watch`, `trend`); after the load descriptors and
//!   threads are as many as before; the program ends in order, and its log has no error.
//!
//! Times are reported and never asserted. The exit status is 1 if anything was found.

#![forbid(unsafe_code)]

mod account;
mod askers;
mod clients;
mod demo;
mod dice;
mod load;
mod options;
mod protobuf;
mod reading;
mod report;
mod request;
mod rude;
mod run;
mod scrapers;
mod tally;
mod trend;
mod viewers;
mod watch;
mod whole;
mod wire;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let options = options::Options::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("threads can be started");
    match runtime.block_on(run::run(&options)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(told) => {
            eprintln!("soak: {told}");
            ExitCode::FAILURE
        }
    }
}
