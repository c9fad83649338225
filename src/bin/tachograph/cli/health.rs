//! The options of the health checks.

use clap::Args;
use tachograph::health::checks::{FrameCheck, LoadCheck, MemoryCheck};

use super::milliseconds;

/// The options of the health checks.
#[derive(Debug, Args)]
pub(crate) struct HealthOptions {
    /// Milliseconds from one run of each health check to its next
    #[arg(long, value_name = "MS", default_value_t = 5_000, value_parser = some_milliseconds)]
    pub(crate) health_interval: u64,

    /// Milliseconds that a run of a health check may take; one that takes longer is unhealthy
    #[arg(long, value_name = "MS", default_value_t = 1_000, value_parser = some_milliseconds)]
    pub(crate) health_timeout: u64,

    /// Resident mebibytes from which on memory is degraded
    #[arg(long, value_name = "MIB", default_value_t = MemoryCheck::DEGRADED_BYTES >> 20, value_parser = mebibytes)]
    pub(crate) health_memory_degraded: u64,

    /// Resident mebibytes from which on memory is unhealthy
    #[arg(long, value_name = "MIB", default_value_t = MemoryCheck::UNHEALTHY_BYTES >> 20, value_parser = mebibytes)]
    pub(crate) health_memory_unhealthy: u64,

    /// Milliseconds after which a scene that is still being loaded is stuck, and the resource loader degraded
    #[arg(long, value_name = "MS", default_value_t = LoadCheck::STUCK_AFTER.as_millis() as u64, value_parser = milliseconds)]
    pub(crate) health_stuck_after: u64,

    /// Frames a second below which the engine is degraded; 0 is no limit
    #[arg(long, value_name = "N", default_value_t = FrameCheck::MIN_FPS, value_parser = frames)]
    pub(crate) health_min_fps: f64,

    /// Debug adapter that the health check dap_lsp asks, such as Godot's at 127.0.0.1:6006; by default a small one of its own
    #[arg(long, value_name = "HOST:PORT", value_parser = host_and_port)]
    pub(crate) debug_adapter: Option<String>,

    /// Language server that it asks, such as Godot's at 127.0.0.1:6005; by default a small one of its own
    #[arg(long, value_name = "HOST:PORT", value_parser = host_and_port)]
    pub(crate) language_server: Option<String>,
}

fn some_milliseconds(text: &str) -> Result<u64, &'static str> {
    text.parse().ok().filter(|milliseconds| *milliseconds > 0).ok_or("write whole milliseconds, at least 1")
}

fn mebibytes(text: &str) -> Result<u64, &'static str> {
    text.parse().ok().filter(|mebibytes| *mebibytes <= u64::MAX >> 20).ok_or("write whole mebibytes, such as 512")
}

fn frames(text: &str) -> Result<f64, &'static str> {
    match text.parse::<f64>() {
        Ok(frames) if frames >= 0.0 && frames.is_finite() => Ok(frames),
        _ => Err("write a number of frames a second, such as 10"),
    }
}

/// A name is looked up when it is needed: it may not be known yet.
fn host_and_port(text: &str) -> Result<String, &'static str> {
    let told = "write a host and a port, such as 127.0.0.1:6006 or editor:6006";
    let (host, port) = text.rsplit_once(':').ok_or(told)?;
    let port: u16 = port.parse().map_err(|_| told)?;
    let bracketed = host.starts_with('[') && host.ends_with(']');
    let legal = !host.is_empty() && (bracketed || !host.contains(':')) && !host.contains(|c: char| c.is_whitespace());
    if legal && port != 0 { Ok(text.to_owned()) } else { Err(told) }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Only {
        #[command(flatten)]
        health: HealthOptions,
    }

    fn parsed(arguments: &[&str]) -> Result<HealthOptions, String> {
        let all = std::iter::once("tachograph").chain(arguments.iter().copied());
        Only::try_parse_from(all).map(|only| only.health).map_err(|cause| cause.to_string())
    }

    #[test]
    fn the_defaults_are_those_of_the_checks() {
        let options = parsed(&[]).unwrap();
        assert_eq!((options.health_interval, options.health_timeout), (5_000, 1_000));
        assert_eq!((options.health_memory_degraded, options.health_memory_unhealthy), (512, 1_024));
        assert_eq!((options.health_stuck_after, options.health_min_fps), (30_000, 10.0));
        assert_eq!((options.debug_adapter, options.language_server), (None, None));
    }

    #[test]
    fn a_wrong_option_is_told_what_is_wanted() {
        for (arguments, part) in [
            (["--health-interval", "0"], "at least 1"),
            (["--health-timeout", "-1"], "'-1'"),
            (["--health-memory-degraded", "0.5"], "write whole mebibytes"),
            (["--health-memory-unhealthy", "18446744073709551615"], "write whole mebibytes"),
            (["--health-stuck-after", "1.5"], "write whole milliseconds"),
            (["--health-min-fps", "-1"], "'-1'"),
            (["--health-min-fps", "inf"], "write a number of frames"),
            (["--debug-adapter", "6006"], "write a host and a port"),
            (["--debug-adapter", ":6006"], "write a host and a port"),
            (["--language-server", "::1:6005"], "write a host and a port"),
            (["--language-server", "localhost:0"], "write a host and a port"),
        ] {
            let told = parsed(&arguments).unwrap_err();
            assert!(told.contains(part), "{arguments:?}: {told}");
        }
        assert!(parsed(&["--debug-adapter", "[::1]:6006"]).is_ok());
    }
}
