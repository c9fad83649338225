//! Labels of a registry itself, which every series of it carries before its own.

use std::sync::Arc;

use super::RegisterError;
use crate::metric::descriptor::{Descriptor, label_fault};
use crate::metric::label::LabelNames;

#[derive(Debug)]
pub(crate) struct OwnLabels {
    names: Vec<Box<str>>,
    /// As a scrape shows them, without braces; empty when there are none.
    text: Arc<str>,
}

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
            if names[..at].contains(&label) {
                return refuse("it is there twice");
            }
        }
        let text = LabelNames::new(&names).text(&values).into();
        Ok(Self { names: names.into_iter().map(Box::from).collect(), text })
    }

    pub(crate) fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// Checks that no label of a family's series is called as one of these.
    pub(super) fn check(&self, family: &Descriptor, labels: &[&str]) -> Result<(), RegisterError> {
        let mut labels = labels.iter().copied().chain(family.own_label());
        match labels.find(|label| self.names.iter().any(|own| **own == **label)) {
            Some(label) => Err(RegisterError::InvalidLabel {
                family: family.name().into(),
                label: label.into(),
                why: "it is one of the registry's own, which all series carry",
            }),
            None => Ok(()),
        }
    }
}
