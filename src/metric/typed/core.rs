//! What a typed family holds, and the slow way to a series.
//!
//! All series stand in one label table, by their texts, as those of any family do: it settles who makes a series, and a scrape reads
//! it. The places in front of it are a cache that is never wrong, since no series is removed.

use std::sync::Arc;

use super::label::{MAX_STRINGS, TypedLabel, combinations, strings, values};
use super::place::{Place, Row};
use crate::metric::descriptor::Descriptor;
use crate::metric::family::Instrument;
use crate::metric::label::{OTHER, fit};
use crate::metric::reading::reading;
use crate::metric::rows::Rows;
use crate::metric::series::Series;
use crate::metric::table::LabelTable;
use crate::registry::Faults;
use crate::snapshot::{Reading, Source};

#[derive(Debug)]
pub(crate) struct TypedCore<M: Instrument> {
    /// By combination; empty when the labels have run-time strings.
    pub(super) places: Box<[M::Place]>,
    /// By the run-time strings; empty when the labels have none.
    pub(super) rows: Rows<Row<M::Place>>,
    pub(super) descriptor: Arc<Descriptor>,
    labels: &'static [TypedLabel],
    /// Series that there may be before the run-time strings give way.
    limit: usize,
    shape: M::Shape,
    table: LabelTable<M::Cells>,
    faults: Arc<Faults>,
}

/// The run-time strings of the overflow series, as many as these are.
fn others(strings: &[&str]) -> &'static [&'static str] {
    &[OTHER; MAX_STRINGS][..strings.len().min(MAX_STRINGS)]
}

impl<M: Instrument> TypedCore<M> {
    pub(super) fn new(
        descriptor: Descriptor,
        labels: &'static [TypedLabel],
        limit: usize,
        shape: M::Shape,
        faults: Arc<Faults>,
    ) -> Self {
        let names: Vec<&str> = labels.iter().map(TypedLabel::name).collect();
        let places = if strings(labels) == 0 { combinations(labels) } else { 0 };
        Self {
            places: (0..places).map(|_| M::Place::empty()).collect(),
            rows: Rows::new(),
            descriptor: Arc::new(descriptor),
            labels,
            limit,
            shape,
            table: LabelTable::new(&names),
            faults,
        }
    }

    /// Counts in a series whose place was empty. Past the limit that is the usual way under a scan, so it then takes no lock and
    /// allocates nothing.
    #[cold]
    #[inline(never)]
    pub(super) fn with_missing<R>(
        &self,
        index: usize,
        strings: &[&str],
        found: impl FnOnce(<M::Place as Place<M>>::Found<'_>) -> R,
        made: impl FnOnce(&M) -> R,
    ) -> R {
        if self.table.len() >= self.limit || !fit(strings) {
            let place = self.rows.find(others(strings)).and_then(|row| row.get(index));
            if let Some(cells) = place.and_then(Place::get) {
                self.faults.series_refused(self.descriptor.name());
                return found(cells);
            }
        }
        made(&self.series_of(index, strings))
    }

    /// The series of this combination and these strings, made if there is room, else the overflow series, else one that is exposed
    /// nowhere. Its place is filled.
    #[cold]
    pub(super) fn series_of(&self, index: usize, strings: &[&str]) -> M {
        let series = self.inserted(index, strings, self.limit).or_else(|| {
            self.faults.series_refused(self.descriptor.name());
            // As many more as there are combinations at most.
            self.inserted(index, others(strings), usize::MAX)
        });
        M::handle(series.unwrap_or_else(|| Series::detached(M::sink(&self.shape))), &self.shape)
    }

    /// The series, found or made, with its place filled; `None` without room for it.
    fn inserted(&self, index: usize, strings: &[&str], limit: usize) -> Option<Series<M::Cells>> {
        let values = values(self.labels, index, strings);
        let series = self.table.insert(&values, limit, || M::cells(&self.shape)).ok()?;
        let place = if strings.is_empty() {
            self.places.get(index)
        } else {
            // There are no more rows than series, so they need no limit of their own.
            let row = self.rows.insert(strings, usize::MAX, || Some(Row::new(combinations(self.labels))));
            row.and_then(|row| row.touch(index, M::Place::empty))
        };
        if let Some(place) = place {
            place.fill(&series, &self.shape);
        }
        Some(series)
    }
}

impl<M: Instrument> Source for TypedCore<M> {
    fn descriptors(&self) -> &[Arc<Descriptor>] {
        std::slice::from_ref(&self.descriptor)
    }

    fn label_names(&self, _family: &Descriptor) -> Vec<&str> {
        self.labels.iter().map(TypedLabel::name).collect()
    }

    fn list(&self) -> Reading {
        reading::<M>(&self.descriptor, &self.shape, self.table.sorted(), self.table.names())
    }

    fn series(&self) -> usize {
        self.table.len()
    }

    fn heap_bytes(&self) -> usize {
        let rows: usize = self.rows.values().map(Row::heap_bytes).sum();
        size_of_val(&*self.places) + self.rows.heap_bytes() + rows + self.table.heap_bytes()
    }
}
