//! What is told of pushes, in the registry that is pushed, by the URL that they go to.

use std::sync::Arc;
use std::time::SystemTime;

use crate::metric::counter::Counter;
use crate::metric::descriptor::{Descriptor, Kind};
use crate::metric::family::Family;
use crate::metric::gauge::Gauge;
use crate::metric::label::Labels;
use crate::registry::{RegisterError, Registry};

/// Of all pushers of a registry.
#[derive(Debug)]
pub(crate) struct Families {
    sent: Family<Counter, 1>,
    refused: Family<Counter, 1>,
    dropped: Family<Counter, 1>,
    failures: Family<Counter, 2>,
    retries: Family<Counter, 1>,
    queued_snapshots: Family<Gauge, 1>,
    queued_bytes: Family<Gauge, 1>,
    last_success: Family<Gauge, 1>,
}

impl Families {
    /// Those of this registry, registered now if they were not.
    pub(super) fn of(registry: &Registry) -> Result<Arc<Self>, RegisterError> {
        // Held to the end: of two who come at once, the second finds it done.
        let mut known = registry.push();
        if let Some(families) = &*known {
            return Ok(Arc::clone(families));
        }
        let counter = |name, help| -> Result<Family<Counter, 1>, RegisterError> {
            registry.new_family(Descriptor::new(name, Kind::Counter, help)?, Labels::new(["url"]), ())
        };
        let gauge = |name, help, labels| -> Result<Family<Gauge, 1>, RegisterError> {
            registry.new_family(Descriptor::new(name, Kind::Gauge, help)?, labels, ())
        };
        let failures = "Requests that failed and are tried again, by what went wrong.";
        let failures = Descriptor::new("tachograph_push_failures_total", Kind::Counter, failures)?;
        let families = Self {
            sent: counter("tachograph_push_samples_sent_total", "Samples that a receiver has accepted.")?,
            refused: counter(
                "tachograph_push_samples_refused_total",
                "Samples that a receiver has refused for good: they are given up.",
            )?,
            dropped: counter(
                "tachograph_push_samples_dropped_total",
                "Samples that were given up unsent: the queue was full, or the end came first.",
            )?,
            failures: registry.new_family(failures, Labels::new(["url", "reason"]), ())?,
            retries: counter("tachograph_push_retries_total", "Requests that were tried again.")?,
            queued_snapshots: gauge(
                "tachograph_push_queue_snapshots",
                "Snapshots of which something waits to be sent.",
                Labels::new(["url"]),
            )?,
            queued_bytes: gauge(
                "tachograph_push_queue_bytes",
                "Bytes that wait to be sent.",
                Labels::new(["url"]).unit("bytes"),
            )?,
            last_success: gauge(
                "tachograph_push_last_success_timestamp_seconds",
                "When a receiver last accepted a request; 0 before the first time.",
                Labels::new(["url"]).unit("seconds"),
            )?,
        };
        registry.register_sources(vec![
            families.sent.source(),
            families.refused.source(),
            families.dropped.source(),
            families.failures.source(),
            families.retries.source(),
            families.queued_snapshots.source(),
            families.queued_bytes.source(),
            families.last_success.source(),
        ])?;
        let families = Arc::new(families);
        *known = Some(Arc::clone(&families));
        Ok(families)
    }
}

/// Of one pusher.
#[derive(Debug)]
pub(super) struct Metrics {
    families: Arc<Families>,
    url: String,
    pub(super) sent: Counter,
    pub(super) refused: Counter,
    pub(super) dropped: Counter,
    pub(super) retries: Counter,
    queued_snapshots: Gauge,
    queued_bytes: Gauge,
    last_success: Gauge,
}

impl Metrics {
    pub(super) fn register(registry: &Registry, url: String) -> Result<Self, RegisterError> {
        let families = Families::of(registry)?;
        let label = [url.as_str()];
        Ok(Self {
            sent: families.sent.handle(label),
            refused: families.refused.handle(label),
            dropped: families.dropped.handle(label),
            retries: families.retries.handle(label),
            queued_snapshots: families.queued_snapshots.handle(label),
            queued_bytes: families.queued_bytes.handle(label),
            last_success: families.last_success.handle(label),
            families,
            url,
        })
    }

    pub(super) fn failed(&self, reason: &str) {
        self.families.failures.inc([self.url.as_str(), reason]);
    }

    pub(super) fn queued(&self, (snapshots, bytes): (u64, usize)) {
        self.queued_snapshots.set(snapshots as f64);
        self.queued_bytes.set(bytes as f64);
    }

    pub(super) fn succeeded(&self) {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.last_success.set(since.as_secs_f64());
    }
}
