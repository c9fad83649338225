//! The options of `dashboard`.

use std::time::Duration;

use clap::Args;

use super::client::{ConnectionOptions, OutputOptions, seconds};

/// A server that is asked oftener is measured by being asked.
const LEAST: Duration = Duration::from_millis(200);

/// What to look at, and how often.
#[derive(Clone, Debug, Args)]
pub(crate) struct DashboardOptions {
    #[command(flatten)]
    pub(crate) connection: ConnectionOptions,
    #[command(flatten)]
    pub(crate) output: OutputOptions,

    /// Ask every so many seconds, at least 0.2
    #[arg(value_name = "SECONDS", default_value = "1", value_parser = pause)]
    pub(crate) seconds: Duration,
}

fn pause(text: &str) -> Result<Duration, &'static str> {
    seconds(text).ok().filter(|pause| *pause >= LEAST).ok_or("write a number of seconds from 0.2 to 86400")
}

/// What stands below the options in the help.
pub(super) const EXPLAINED: &str = "\
Views:
  1 overview  requests by class, latency quantiles and heat map, what the process and the service do, routes, health
  2 routes    each route with its rate, errors and quantiles; scenes, tokens and rate limits
  3 health    each check with its past; with the token the reasons, and the slowest requests with their phases; what measuring
              costs
  4 metrics   every family of the scrape, of any server: / finds, s sorts, Enter shows its series

Any server that Prometheus can scrape can be looked at: what it does not measure is left out.

Keys:
  q quit   ? help   Tab or 1-4 view   / filter   arrows move   Enter open   Esc back   p pause   s sort   r reset

Rates are what has come between two scrapes. A counter that has fallen was reset and counts from 0: no rate is negative.
300 points of each figure are kept, of 2,000 families and 4,096 series at most.

Examples:
  tachograph dashboard
  tachograph dashboard 0.5 --url 127.0.0.1:9100
  TACHOGRAPH_TOKEN=... tachograph dashboard --url http://10.0.0.5:8080
";
