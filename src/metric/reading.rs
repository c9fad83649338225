//! What a snapshot takes of a family: the values out of the fold, and the labels from the series themselves.

use std::sync::Arc;

use super::descriptor::Descriptor;
use super::family::Parts;
use super::label::LabelNames;
use super::table::Sorted;
use crate::snapshot::{FamilySnapshot, LabelTexts, Previous, Reading};

/// Reads these series, with labels of these names, when the fold is done.
pub(crate) fn reading<M: Parts>(
    descriptor: &Arc<Descriptor>,
    shape: &M::Shape,
    series: Sorted<M::Cells>,
    names: &Arc<LabelNames>,
) -> Reading {
    let (descriptor, shape, names) = (Arc::clone(descriptor), shape.clone(), Arc::clone(names));
    Box::new(move |totals, last, families| {
        let values = M::values(&series, &shape, totals, &Previous::of(last, descriptor.name(), names.len()));
        families.push(FamilySnapshot::folded(descriptor, Arc::new(SeriesTexts { series, names }), values));
    })
}

/// The labels of a snapshot's series, borrowed from the series themselves.
struct SeriesTexts<V> {
    series: Sorted<V>,
    names: Arc<LabelNames>,
}

impl<V: Send + Sync> LabelTexts for SeriesTexts<V> {
    fn len(&self) -> usize {
        self.series.len()
    }

    fn names(&self) -> &LabelNames {
        &self.names
    }

    fn kept(&self, series: usize) -> &[u8] {
        self.series[series].kept()
    }
}
