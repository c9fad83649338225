//! Labels of a registry itself, which every series of it carries before its own.

use super::RegisterError;
use crate::metric::descriptor::{Descriptor, MOST_LABELS, label_fault, same_label};
use crate::snapshot::OwnedLabels;

#[derive(Debug)]
pub(crate) struct OwnLabels(OwnedLabels);

impl OwnLabels {
    pub(super) fn new<'a>(labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, RegisterError> {
        // An empty label is to a scraper one that is not there.
        let (names, values): (Vec<&str>, Vec<&str>) = labels.into_iter().filter(|(_, value)| !value.is_empty()).unzip();
        for (at, &label) in names.iter().enumerate() {
            let refuse = |why| Err(RegisterError::InvalidOwnLabel { label: label.into(), why });
            if at >= MOST_LABELS {
                return refuse("a series has at most 64 labels");
            }
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

    /// Checks that no label of a family's series is called as one of these, and that they are not too many together: as bytes, a
    /// snapshot has these among each series' own.
    pub(super) fn check(&self, family: &Descriptor, labels: &[&str]) -> Result<(), RegisterError> {
        let own = self.0.names();
        let refuse =
            |label: &str, why| Err(RegisterError::InvalidLabel { family: family.name().into(), label: label.into(), why });
        if let Some(label) = labels.get(MOST_LABELS - own.len()) {
            return refuse(label, "a series has at most 64 labels, the registry's own among them");
        }
        let mut labels = labels.iter().copied().chain(family.own_label());
        match labels.find(|label| own.iter().any(|own| same_label(own, label))) {
            Some(label) => refuse(label, "it is one of the registry's own, which all series carry"),
            None => Ok(()),
        }
    }
}

#[cfg(feature = "metrics")]
impl super::Registry {
    /// What the registry's own labels are called.
    pub(crate) fn own_label_names(&self) -> Box<[Box<str>]> {
        self.0.own_labels().get().names().iter().map(Into::into).collect()
    }
}
