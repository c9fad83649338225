//! What a profiler costs and has lost, for the scrapes.

use std::sync::Arc;

use super::Profiler;
use crate::metric::descriptor::Kind;
use crate::registry::engine::{callback, counter, gauge};
use crate::registry::{RegisterError, Registry};
use crate::snapshot::Source;

pub(super) fn register(profiler: &Profiler, registry: &Registry) -> Result<(), RegisterError> {
    let counted = |name, help, read: fn(&Profiler) -> u64| -> Result<Arc<dyn Source>, RegisterError> {
        let profiler = profiler.clone();
        callback(name, Kind::Counter, help, move |_| counter(read(&profiler)))
    };
    let held = profiler.clone();
    registry.register_sources(vec![
        counted("tachograph_profiles_total", "Requests whose profile has ended.", Profiler::recorded)?,
        counted(
            "tachograph_profiles_dropped_total",
            "Profiles that were not kept: other threads were still writing in both places that they could take.",
            Profiler::dropped,
        )?,
        counted(
            "tachograph_profile_phases_dropped_total",
            "Phases beyond the sixteen that a profile has room for.",
            Profiler::phases_dropped,
        )?,
        counted(
            "tachograph_profile_names_refused_total",
            "Uses of names of routes and phases for which there was no room, so that they became other.",
            Profiler::names_refused,
        )?,
        callback("tachograph_profile_store_bytes", Kind::Gauge, "Bytes that the profiles hold.", move |_| {
            gauge(held.heap_bytes())
        })?,
    ])
}
