//! What the engine refused, one set a registry. Counted like everything else: in slots, by the thread that saw it.

use std::convert::Infallible;

use crate::metric::table::LabelTable;
use crate::shard::{self, SlotRun, Totals};

/// Counts of refusals of one registry.
#[derive(Debug)]
pub(crate) struct Faults {
    observations_refused: SlotRun,
    observations_saturated: SlotRun,
    increments_refused: SlotRun,
    settings_refused: SlotRun,
    /// Blocks that a snapshot could not read whole.
    blocks_stale: SlotRun,
    exemplars_refused: SlotRun,
    /// Look-ups that found their family full, by family.
    series_refused: LabelTable<SlotRun>,
    /// Collections that gave less than they should, by collector and reason.
    collectors_failed: LabelTable<SlotRun>,
}

impl Faults {
    pub(crate) fn new() -> Self {
        Self {
            observations_refused: slot(),
            observations_saturated: slot(),
            increments_refused: slot(),
            settings_refused: slot(),
            blocks_stale: slot(),
            exemplars_refused: slot(),
            series_refused: LabelTable::new(&["family"]),
            collectors_failed: LabelTable::new(&["collector", "reason"]),
        }
    }

    #[cold]
    pub(crate) fn observation_refused(&self) {
        shard::inc_by(self.observations_refused.first(), 1);
    }

    #[cold]
    pub(crate) fn observation_saturated(&self) {
        shard::inc_by(self.observations_saturated.first(), 1);
    }

    #[cold]
    pub(crate) fn increment_refused(&self) {
        shard::inc_by(self.increments_refused.first(), 1);
    }

    #[cold]
    pub(crate) fn setting_refused(&self) {
        shard::inc_by(self.settings_refused.first(), 1);
    }

    /// Touches the calling thread's cells for what an observation or an increment may count here.
    pub(crate) fn prepare(&self) {
        shard::prepare(self.observations_refused.first());
        shard::prepare(self.observations_saturated.first());
        shard::prepare(self.increments_refused.first());
    }

    #[cold]
    pub(crate) fn exemplar_refused(&self) {
        shard::inc_by(self.exemplars_refused.first(), 1);
    }

    pub(crate) fn exemplars_refused(&self, totals: &Totals) -> u64 {
        self.exemplars_refused.total(totals, 0)
    }

    #[cold]
    pub(crate) fn block_stale(&self) {
        shard::inc_by(self.blocks_stale.first(), 1);
    }

    pub(crate) fn series_refused(&self, family: &str) {
        inc(&self.series_refused, &[family]);
    }

    /// Counts a failure of a collector, and tells whether it is the first for this reason.
    pub(crate) fn collector_failed(&self, collector: &str, reason: &'static str) -> bool {
        inc(&self.collectors_failed, &[collector, reason])
    }

    pub(crate) fn observations_refused(&self, totals: &Totals) -> u64 {
        self.observations_refused.total(totals, 0)
    }

    pub(crate) fn observations_saturated(&self, totals: &Totals) -> u64 {
        self.observations_saturated.total(totals, 0)
    }

    pub(crate) fn increments_refused(&self, totals: &Totals) -> u64 {
        self.increments_refused.total(totals, 0)
    }

    pub(crate) fn settings_refused(&self, totals: &Totals) -> u64 {
        self.settings_refused.total(totals, 0)
    }

    /// As of now: they come up while the fold is read.
    pub(crate) fn blocks_stale(&self) -> u64 {
        self.blocks_stale.sum(0)
    }

    pub(crate) fn series_refused_by_family(&self) -> &LabelTable<SlotRun> {
        &self.series_refused
    }

    pub(crate) fn collectors_failed_by_name(&self) -> &LabelTable<SlotRun> {
        &self.collectors_failed
    }
}

/// A slot, or with none left the sink: a full process must not keep a registry from being made.
fn slot() -> SlotRun {
    SlotRun::cell().unwrap_or_else(|_| SlotRun::sink())
}

/// Counts, and tells whether these labels are new.
fn inc(table: &LabelTable<SlotRun>, labels: &[&str]) -> bool {
    let inc = |run: &SlotRun| shard::inc_by(run.first(), 1);
    if table.look_up(labels, |series| inc(&series.value)).is_some() {
        return false;
    }
    // The labels are names of families and collectors: as many as were registered, so they need no limit.
    if let Ok(series) = table.insert(labels, usize::MAX, || Ok::<_, Infallible>(slot())) {
        inc(&series.value);
    }
    true
}
