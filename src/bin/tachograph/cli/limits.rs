//! The options of the server's limits.

use std::time::Duration;

use clap::Args;
use tachograph::server;

/// The options of the server's limits.
///
/// The limits of connections are those of a process that may have 1 024 descriptors, which is usual: all connections, those beyond the
/// limits that are told so, and what else is open fit in, and one address cannot take all places.
#[derive(Debug, Args)]
pub(crate) struct LimitOptions {
    /// Connections served at once; beyond it requests are answered 503; 0 is no limit
    #[arg(long, value_name = "N", default_value_t = 800)]
    pub(crate) max_connections: usize,

    /// Connections that one address may have at once (IPv6: a network of 64 bits); beyond it requests are answered 429; 0 is no limit
    #[arg(long, value_name = "N", default_value_t = 600)]
    pub(crate) max_connections_per_address: usize,

    /// Requests in flight, those for monitoring aside; beyond it they are answered 503; 0 is no limit
    #[arg(long, value_name = "N", default_value_t = 500)]
    pub(crate) max_requests: usize,

    /// Milliseconds until a new connection must have sent a byte, else it is closed
    #[arg(long, value_name = "MS", default_value_t = 10_000, value_parser = some_milliseconds)]
    pub(crate) first_byte_timeout: u64,

    /// Milliseconds that the head of a request may take; a slower one is answered 408
    #[arg(long, value_name = "MS", default_value_t = 30_000, value_parser = some_milliseconds)]
    pub(crate) header_timeout: u64,

    /// Milliseconds for which a connection may lie idle after an answer, before it is closed
    #[arg(long, value_name = "MS", default_value_t = 60_000, value_parser = some_milliseconds)]
    pub(crate) idle_timeout: u64,

    /// Milliseconds that a request may take until it is answered; then it is given up and answered 503; 0 is no limit
    #[arg(long, value_name = "MS", default_value_t = 60_000, value_parser = super::milliseconds)]
    pub(crate) request_timeout: u64,

    /// Milliseconds that the body of a request may take; a slower one is answered 408
    #[arg(long, value_name = "MS", default_value_t = 30_000, value_parser = some_milliseconds)]
    pub(crate) body_timeout: u64,

    /// Milliseconds that a client may take for the next 256 KiB of its answer, or its end, before its connection is closed
    #[arg(long, value_name = "MS", default_value_t = 30_000, value_parser = some_milliseconds)]
    pub(crate) write_timeout: u64,

    /// Fields of a request's head; one with more is answered 431
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = some_fields)]
    pub(crate) max_headers: usize,

    /// Bytes of a request's head; a longer one is answered 431
    #[arg(long, value_name = "BYTES", default_value_t = 32_768, value_parser = some_bytes)]
    pub(crate) max_head_bytes: usize,

    /// Bytes of a request's URI; a longer one is answered 414
    #[arg(long, value_name = "BYTES", default_value_t = 8_192, value_parser = some_bytes)]
    pub(crate) max_uri_bytes: usize,

    /// Bytes of a request's body; a larger one is answered 413
    #[arg(long, value_name = "BYTES", default_value_t = 16_777_216, value_parser = bytes)]
    pub(crate) body_limit: usize,

    /// Scrapes answered at once; beyond it they are answered 503; 0 is no limit
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub(crate) max_scrapes: usize,
}

impl LimitOptions {
    /// The options of a server with these limits.
    pub(crate) fn server(&self) -> server::Options {
        let request_timeout = match self.request_timeout {
            0 => Duration::MAX,
            some => Duration::from_millis(some),
        };
        server::Options {
            max_connections: self.max_connections,
            max_connections_per_address: self.max_connections_per_address,
            max_requests: self.max_requests,
            first_byte_timeout: Duration::from_millis(self.first_byte_timeout),
            header_timeout: Duration::from_millis(self.header_timeout),
            idle_timeout: Duration::from_millis(self.idle_timeout),
            request_timeout,
            max_headers: self.max_headers,
            max_head_bytes: self.max_head_bytes,
            max_uri_bytes: self.max_uri_bytes,
            body_limit: self.body_limit,
            body_timeout: Duration::from_millis(self.body_timeout),
            write_timeout: Duration::from_millis(self.write_timeout),
            max_scrapes: self.max_scrapes,
            ..server::Options::default()
        }
    }
}

fn some_milliseconds(text: &str) -> Result<u64, &'static str> {
    text.parse().ok().filter(|milliseconds| *milliseconds > 0).ok_or("write whole milliseconds, at least 1")
}

/// Room for each field is made on the stack of whoever reads a head.
fn some_fields(text: &str) -> Result<usize, &'static str> {
    text.parse().ok().filter(|fields| (1..=1_000).contains(fields)).ok_or("write a number of fields from 1 to 1000")
}

fn some_bytes(text: &str) -> Result<usize, &'static str> {
    text.parse().ok().filter(|bytes| (64..=1 << 24).contains(bytes)).ok_or("write a number of bytes from 64 to 16777216")
}

fn bytes(text: &str) -> Result<usize, &'static str> {
    text.parse().map_err(|_| "write a number of bytes, such as 16777216")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Only {
        #[command(flatten)]
        limits: LimitOptions,
    }

    fn parsed(arguments: &[&str]) -> Result<server::Options, String> {
        let all = std::iter::once("tachograph").chain(arguments.iter().copied());
        Only::try_parse_from(all).map(|only| only.limits.server()).map_err(|cause| cause.to_string())
    }

    #[test]
    fn the_defaults_are_those_of_the_server_but_for_counts() {
        let (ours, theirs) = (parsed(&[]).unwrap(), server::Options::default());
        let times = |options: &server::Options| {
            let (first, head, idle) = (options.first_byte_timeout, options.header_timeout, options.idle_timeout);
            [first, head, idle, options.request_timeout, options.body_timeout, options.write_timeout]
        };
        let sizes = |options: &server::Options| {
            let (fields, head, uri) = (options.max_headers, options.max_head_bytes, options.max_uri_bytes);
            [fields, head, uri, options.body_limit, options.max_scrapes]
        };
        assert_eq!((times(&ours), sizes(&ours)), (times(&theirs), sizes(&theirs)));
        assert_eq!((ours.max_connections, ours.max_connections_per_address, ours.max_requests), (800, 600, 500));
    }

    #[test]
    fn each_option_sets_its_limit() {
        let milliseconds = |name: &str| {
            let options = parsed(&[name, "1234"]).unwrap();
            let all = [
                ("--first-byte-timeout", options.first_byte_timeout),
                ("--header-timeout", options.header_timeout),
                ("--idle-timeout", options.idle_timeout),
                ("--request-timeout", options.request_timeout),
                ("--body-timeout", options.body_timeout),
                ("--write-timeout", options.write_timeout),
            ];
            for (other, timeout) in all {
                assert_eq!(timeout == Duration::from_millis(1_234), other == name, "{name} and {other}");
            }
        };
        for name in [
            "--first-byte-timeout",
            "--header-timeout",
            "--idle-timeout",
            "--request-timeout",
            "--body-timeout",
            "--write-timeout",
        ] {
            milliseconds(name);
        }
        let counts = |name: &str| {
            let options = parsed(&[name, "234"]).unwrap();
            let all = [
                ("--max-connections", options.max_connections),
                ("--max-connections-per-address", options.max_connections_per_address),
                ("--max-requests", options.max_requests),
                ("--max-headers", options.max_headers),
                ("--max-head-bytes", options.max_head_bytes),
                ("--max-uri-bytes", options.max_uri_bytes),
                ("--body-limit", options.body_limit),
                ("--max-scrapes", options.max_scrapes),
            ];
            for (other, limit) in all {
                assert_eq!(limit == 234, other == name, "{name} and {other}");
            }
        };
        for name in [
            "--max-connections",
            "--max-connections-per-address",
            "--max-requests",
            "--max-headers",
            "--max-head-bytes",
            "--max-uri-bytes",
            "--body-limit",
            "--max-scrapes",
        ] {
            counts(name);
        }
        assert_eq!(parsed(&["--request-timeout", "0"]).unwrap().request_timeout, Duration::MAX);
    }

    #[test]
    fn a_wrong_option_is_told_what_is_wanted() {
        for (arguments, part) in [
            (["--max-connections", "-1"], "'-1'"),
            (["--max-connections", "some"], "invalid digit"),
            (["--header-timeout", "0"], "at least 1"),
            (["--idle-timeout", "1.5"], "write whole milliseconds"),
            (["--request-timeout", "soon"], "write whole milliseconds"),
            (["--max-headers", "0"], "from 1 to 1000"),
            (["--max-head-bytes", "10"], "from 64"),
            (["--max-uri-bytes", "1e6"], "from 64"),
            (["--body-limit", "16M"], "write a number of bytes"),
        ] {
            let told = parsed(&arguments).unwrap_err();
            assert!(told.contains(part), "{arguments:?}: {told}");
        }
    }
}
