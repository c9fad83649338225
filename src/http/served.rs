//! What the server counts beside requests: what it refuses, closes and outlives.

use crate::metric::counter::Counter;
use crate::metric::descriptor::{Descriptor, Kind};
use crate::metric::family::Family;
use crate::metric::label::Labels;
use crate::registry::{RegisterError, Registry};

/// Values of `reason` that there may be: those of the server are fixed, so this is never reached.
const REASONS: usize = 100;

/// The families of a server.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) scrapes_refused: Family<Counter, 1>,
    pub(crate) requests_refused: Family<Counter, 1>,
    pub(crate) connections_closed: Family<Counter, 1>,
    pub(crate) handler_panics: Family<Counter, 0>,
    pub(crate) accept_errors: Family<Counter, 0>,
    #[cfg(feature = "tls")]
    pub(crate) tls_handshakes_failed: Family<Counter, 1>,
}

impl Served {
    pub(super) fn register(registry: &Registry) -> Result<Self, RegisterError> {
        let by_reason = |name, help| {
            let labels = Labels::new(["reason"]).limit(REASONS);
            registry.new_family::<Counter, 1>(Descriptor::new(name, Kind::Counter, help)?, labels, ())
        };
        let single =
            |name, help| registry.new_family::<Counter, 0>(Descriptor::new(name, Kind::Counter, help)?, Labels::new([]), ());
        let served = Self {
            scrapes_refused: by_reason(
                "tachograph_scrapes_refused_total",
                "Scrapes answered 503: the server was busy, or it was late.",
            )?,
            requests_refused: by_reason(
                "tachograph_requests_refused_total",
                "Requests, or what was to become one, that the server refused for its limits or for their form.",
            )?,
            connections_closed: by_reason(
                "tachograph_connections_closed_total",
                "Connections that the server closed of its own accord, unanswered.",
            )?,
            handler_panics: single("tachograph_handler_panics_total", "Handlers that panicked: answered 500.")?,
            accept_errors: single(
                "tachograph_accept_errors_total",
                "Connections that could not be accepted, such as for want of descriptors.",
            )?,
            #[cfg(feature = "tls")]
            tls_handshakes_failed: by_reason(
                "tachograph_tls_handshakes_failed_total",
                "Connections that never became one of TLS, by why.",
            )?,
        };
        registry.register_sources(vec![
            served.scrapes_refused.source(),
            served.requests_refused.source(),
            served.connections_closed.source(),
            served.handler_panics.source(),
            served.accept_errors.source(),
            #[cfg(feature = "tls")]
            served.tls_handshakes_failed.source(),
        ])?;
        Ok(served)
    }
}
