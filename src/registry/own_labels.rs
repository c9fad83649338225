//! Labels of a registry itself, which every series of it carries before its own.

use super::RegisterError;
use crate::metric::descriptor::{Descriptor, label_fault, same_label};
use crate::snapshot::OwnedLabels;

#[derive(Debug)]
pub(crate) struct OwnLabels(OwnedLabels);

impl OwnLabels {
    pub(super) fn new<'a>(labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, RegisterError> {
        // An empty label is to a scraper one that is not there.
        let (names, values): (Vec<&str>, Vec<&str>) = labels.into_iter().filter(|(_, value)| !value.is_empty()).unzip();
        for (at, &label) in names.iter().enumerate() {
            let refuse = |why| Err(RegisterError::InvalidOwnLabel { label: label.into(), why });
            if let Some(why) = label_fault(label) {
                return refuse(why);
            }
            if matches!(label, "le" | "quantile") {
                return refuse("histograms or summaries write it themselves");
            }
            if names[..at].iter().any(|other| same_label(other, label)) {
                return refuse("it is there twice");
            }
        }
        Ok(Self(OwnedLabels::new(&names, &values)))
    }

    pub(crate) fn get(&self) -> &OwnedLabels {
        &self.0
    }

    /// Checks that no label of a family's series is called as one of these.
    pub(super) fn check(&self, family: &Descriptor, labels: &[&str]) -> Result<(), RegisterError> {
        let mut labels = labels.iter().copied().chain(family.own_label());
        match labels.find(|label| self.0.names().iter().any(|own| same_label(own, label))) {
            Some(label) => Err(RegisterError::InvalidLabel {
                family: family.name().into(),
                label: label.into(),
                why: "it is one of the registry's own, which all series carry",
            }),
            None => Ok(()),
        }
    }
}
