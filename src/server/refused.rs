//! What the server refuses and whom it closes, each with the name under which it is counted.
//!
//! All names are there from the start, at 0, so that a rate sees the first of each.

use hyper::StatusCode;

#[cfg(feature = "tls")]
use super::tls::Failure;
use crate::Counter;
use crate::http::served::Served;

/// Why a request is refused, or what was to become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// No HTTP, or HTTP that RFC 9112 tells to refuse.
    Malformed,
    /// A length and a transfer coding: two readings of where the request ends.
    AmbiguousLength,
    /// A head that has begun, and did not end within `header_timeout`.
    HeadLate,
    /// Beyond `max_head_bytes`.
    HeadLarge,
    /// Beyond `max_headers`.
    ManyHeaders,
    /// Beyond `max_uri_bytes`.
    UriLong,
    /// Beyond the body limit.
    BodyLarge,
    /// Beyond `body_timeout`.
    BodyLate,
    /// Beyond `request_timeout`.
    Late,
    /// Beyond `max_requests`.
    Busy,
    /// Beyond `max_connections`.
    Connections,
    /// Beyond `max_connections_per_address`.
    AddressConnections,
}

/// Why a connection is closed unanswered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closed {
    /// It never sent a byte within `first_byte_timeout`.
    Silent,
    /// Nothing came within `idle_timeout` after an answer.
    Idle,
    /// The client took too little within `write_timeout`.
    SlowReader,
    /// Beyond `max_connections`, and beyond those that are told so.
    Connections,
    /// Beyond `max_connections_per_address`, and beyond those that are told so.
    AddressConnections,
}

impl Refused {
    const ALL: [Self; 12] = [
        Self::Malformed,
        Self::AmbiguousLength,
        Self::HeadLate,
        Self::HeadLarge,
        Self::ManyHeaders,
        Self::UriLong,
        Self::BodyLarge,
        Self::BodyLate,
        Self::Late,
        Self::Busy,
        Self::Connections,
        Self::AddressConnections,
    ];

    fn label(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::AmbiguousLength => "ambiguous_length",
            Self::HeadLate => "head_late",
            Self::HeadLarge => "head_large",
            Self::ManyHeaders => "many_headers",
            Self::UriLong => "uri_long",
            Self::BodyLarge => "body_large",
            Self::BodyLate => "body_late",
            Self::Late => "late",
            Self::Busy => "busy",
            Self::Connections => "connections",
            Self::AddressConnections => "address_connections",
        }
    }

    /// What answers it.
    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::Malformed | Self::AmbiguousLength => StatusCode::BAD_REQUEST,
            Self::HeadLate | Self::BodyLate => StatusCode::REQUEST_TIMEOUT,
            Self::HeadLarge | Self::ManyHeaders => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::UriLong => StatusCode::URI_TOO_LONG,
            Self::BodyLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Late | Self::Busy | Self::Connections => StatusCode::SERVICE_UNAVAILABLE,
            Self::AddressConnections => StatusCode::TOO_MANY_REQUESTS,
        }
    }
}

impl Closed {
    const ALL: [Self; 5] = [Self::Silent, Self::Idle, Self::SlowReader, Self::Connections, Self::AddressConnections];

    fn label(self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::Idle => "idle",
            Self::SlowReader => "slow_reader",
            Self::Connections => "connections",
            Self::AddressConnections => "address_connections",
        }
    }
}

/// The counters of all that.
#[derive(Debug)]
pub(super) struct Counts {
    refused: [Counter; Refused::ALL.len()],
    closed: [Counter; Closed::ALL.len()],
    pub(super) handler_panics: Counter,
    pub(super) accept_errors: Counter,
    #[cfg(feature = "tls")]
    tls_failed: [Counter; Failure::ALL.len()],
}

impl Counts {
    pub(super) fn new(served: &Served) -> Self {
        Self {
            refused: Refused::ALL.map(|reason| served.requests_refused.handle([reason.label()])),
            closed: Closed::ALL.map(|reason| served.connections_closed.handle([reason.label()])),
            handler_panics: served.handler_panics.handle([]),
            accept_errors: served.accept_errors.handle([]),
            #[cfg(feature = "tls")]
            tls_failed: Failure::ALL.map(|failure| served.tls_handshakes_failed.handle([failure.label()])),
        }
    }

    pub(super) fn refused(&self, reason: Refused) {
        self.refused[reason as usize].inc();
    }

    pub(super) fn closed(&self, reason: Closed) {
        self.closed[reason as usize].inc();
    }

    #[cfg(feature = "tls")]
    pub(super) fn tls_failed(&self, failure: Failure) {
        self.tls_failed[failure as usize].inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Registry;
    use crate::http::{HttpMetrics, HttpOptions};

    #[test]
    fn each_reason_counts_under_its_own_name() {
        let registry = Registry::new();
        let http = HttpMetrics::register(&registry, HttpOptions::default()).unwrap();
        let counts = Counts::new(http.served(&registry).unwrap());
        for (times, reason) in (1..).zip(Refused::ALL) {
            (0..times).for_each(|_| counts.refused(reason));
        }
        for (times, reason) in (1..).zip(Closed::ALL) {
            (0..times).for_each(|_| counts.closed(reason));
        }
        let snapshot = registry.snapshot();
        let count = |family: &str, reason: &str, times: usize| {
            let line = format!("\n{family}{{reason=\"{reason}\"}} {times}\n");
            assert!(snapshot.text().contains(&line), "{line}");
        };
        for (times, reason) in (1..).zip(Refused::ALL) {
            count("tachograph_requests_refused_total", reason.label(), times);
        }
        for (times, reason) in (1..).zip(Closed::ALL) {
            count("tachograph_connections_closed_total", reason.label(), times);
        }
        assert!(snapshot.text().contains("\ntachograph_handler_panics_total 0\n"));
        assert!(snapshot.text().contains("\ntachograph_accept_errors_total 0\n"));
    }
}
