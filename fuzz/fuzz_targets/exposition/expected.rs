//! What a family has to be read back as.

use std::collections::BTreeMap;

use tachograph_check::Kind;

/// Names and values of a sample's labels, in the order of their names.
pub(crate) type Labels = BTreeMap<String, String>;

/// A family as the text format shows it, but for the type, which is that of OpenMetrics.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Expected {
    pub(crate) kind: Kind,
    pub(crate) help: String,
    pub(crate) samples: BTreeMap<(String, Labels), Number>,
    /// The samples are not known beforehand.
    pub(crate) open: bool,
}

/// A value by its bits, with every NaN alike and no negative zero: rendering keeps all else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Number(pub(crate) u64);

impl From<f64> for Number {
    fn from(value: f64) -> Self {
        Self(if value.is_nan() { f64::NAN } else { value + 0.0 }.to_bits())
    }
}

impl Expected {
    pub(crate) fn new(kind: Kind, help: &str) -> Self {
        Self { kind, help: help.to_owned(), samples: BTreeMap::new(), open: false }
    }

    pub(crate) fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        let labels = labels.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        self.samples.insert((name.to_owned(), labels), value.into());
    }

    /// Gives each sample the registry's own label.
    pub(crate) fn carry(&mut self, own_name: &str, own: &str) {
        let carried = std::mem::take(&mut self.samples).into_iter().map(|((name, mut labels), value)| {
            labels.insert(own_name.to_owned(), own.to_owned());
            ((name, labels), value)
        });
        self.samples = carried.collect();
    }

    /// The samples of a histogram of whole numbers with the bounds that this target gives all of them.
    pub(crate) fn histogram(&mut self, name: &str, labels: &[(&str, &str)], values: &[u64]) {
        for (le, bound) in [("1", 1), ("100", 100), ("1e+06", 1_000_000), ("+Inf", u64::MAX)] {
            let count = values.iter().filter(|&&value| value <= bound).count();
            self.sample(&format!("{name}_bucket"), &[labels, &[("le", le)]].concat(), count as f64);
        }
        self.sample(&format!("{name}_sum"), labels, values.iter().sum::<u64>() as f64);
        self.sample(&format!("{name}_count"), labels, values.len() as f64);
    }
}
