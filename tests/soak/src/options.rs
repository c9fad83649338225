//! The command line.

use std::path::PathBuf;

use clap::Parser;

use crate::demo::Allocator;

/// Drives `tachograph serve` for some minutes, and holds what it counts against what its clients counted
#[derive(Clone, Debug, Parser)]
pub(crate) struct Options {
    /// The built program
    #[arg(long, value_name = "FILE", env = "TACHOGRAPH_BIN")]
    pub(crate) program: PathBuf,

    /// Minutes of load
    #[arg(long, value_name = "MINUTES", default_value_t = 2.0, value_parser = positive)]
    pub(crate) minutes: f64,

    /// Requests a second of all clients together, those aside that leave, scrape or look
    ///
    /// The default leaves about half of two cores idle: what is measured is the server, not a machine that is full.
    #[arg(long, value_name = "RATE", default_value_t = 2_000.0, value_parser = positive)]
    pub(crate) rate: f64,

    /// What the allocator of the C library does with what the program has freed [default: gives-back in a run below 30 minutes,
    /// as-it-is in a longer one]
    #[arg(long, value_name = "HOW")]
    allocator: Option<Allocator>,

    /// Write the report to a file too, with the facts of the machine
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
}

/// Minutes from which on the allocator is left as it is.
const AN_AGE: f64 = 30.0;

impl Options {
    pub(crate) fn allocator(&self) -> Allocator {
        let by_length = if self.minutes < AN_AGE { Allocator::GivesBack } else { Allocator::AsItIs };
        self.allocator.unwrap_or(by_length)
    }
}

fn positive(text: &str) -> Result<f64, &'static str> {
    match text.parse::<f64>() {
        Ok(number) if number > 0.0 && number <= 1e6 => Ok(number),
        _ => Err("write a number above 0"),
    }
}
