//! The labels of a series as a snapshot has them.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt::{self, Write};
use std::sync::Arc;

use crate::exposition::{Escaping, escape, names};
use crate::metric::created::Created;
use crate::metric::kept::{KeptValues, by_value, keep};
use crate::metric::label::LabelNames;

/// The labels of a family's series, by index, in the order of the label values.
pub(crate) trait LabelTexts: Send + Sync {
    fn len(&self) -> usize;
    fn names(&self) -> &LabelNames;
    /// The values of a series' labels, as `keep` makes them.
    fn kept(&self, series: usize) -> &[u8];
    /// When a series was made.
    fn created(&self, series: usize) -> Created;
}

/// The labels of one series, without those of the registry itself ([`Snapshot::own_labels`](crate::Snapshot::own_labels)).
///
/// Formatted, and compared with a `str`, they are as a scrape shows them, without braces.
///
/// # Examples
///
/// ```
/// let registry = tachograph::Registry::new();
/// let jobs = registry.counter_family("jobs_total", "Jobs done.", ["queue", "result"])?;
/// jobs.inc(["mail", "ok"]);
/// let snapshot = registry.snapshot();
/// let labels = snapshot.family("jobs_total").unwrap().series().next().unwrap().labels;
/// assert_eq!(labels.to_string(), r#"queue="mail",result="ok""#);
/// assert!(labels == r#"queue="mail",result="ok""# && !labels.is_empty());
/// assert!(labels.iter().eq([("queue", "mail".into()), ("result", "ok".into())]));
/// # Ok::<(), tachograph::RegisterError>(())
/// ```
#[derive(Clone, Copy)]
pub struct SeriesLabels<'a> {
    names: &'a LabelNames,
    /// The values, as `keep` makes them.
    kept: &'a [u8],
}

impl<'a> SeriesLabels<'a> {
    #[inline]
    pub(crate) fn new(names: &'a LabelNames, kept: &'a [u8]) -> Self {
        Self { names, kept }
    }

    /// Whether there is no label.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.names.len() == 0
    }

    /// Each label's name and value.
    pub fn iter(self) -> impl Iterator<Item = (&'a str, Cow<'a, str>)> {
        self.names.iter().zip(self.values().map(|value| escape::unescaped(&value[..value.len() - 1])))
    }

    pub(crate) fn names(self) -> &'a LabelNames {
        self.names
    }

    /// Each value as a scrape shows it, with the quote that closes it.
    #[inline(always)]
    pub(crate) fn values(self) -> KeptValues<'a> {
        KeptValues::new(self.kept, self.names.len())
    }

    /// What tells the series apart that have labels of the same names, and orders them by `by_value`.
    pub(super) fn key(self) -> &'a [u8] {
        self.values().text()
    }

    /// The order in which a scrape shows series: by label values.
    pub(crate) fn in_order(self, other: SeriesLabels<'_>) -> Ordering {
        by_value(self.key(), other.key()).then_with(|| self.names.cmp(other.names))
    }
}

impl fmt::Display for SeriesLabels<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut comma = "";
        for (name, value) in self.names.iter().zip(self.values()) {
            write!(f, "{comma}{}=\"", names::quoted_label(name))?;
            comma = ",";
            f.write_str(str::from_utf8(value).expect("a value is made of a string, escapes cut none of its characters"))?;
        }
        Ok(())
    }
}

impl fmt::Debug for SeriesLabels<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl PartialEq<str> for SeriesLabels<'_> {
    fn eq(&self, text: &str) -> bool {
        /// What is still to be compared.
        struct Rest<'a>(&'a str);

        impl fmt::Write for Rest<'_> {
            fn write_str(&mut self, text: &str) -> fmt::Result {
                self.0 = self.0.strip_prefix(text).ok_or(fmt::Error)?;
                Ok(())
            }
        }

        let mut rest = Rest(text);
        write!(rest, "{self}").is_ok() && rest.0.is_empty()
    }
}

impl PartialEq<&str> for SeriesLabels<'_> {
    fn eq(&self, text: &&str) -> bool {
        self == *text
    }
}

/// Labels that stand for themselves.
#[derive(Clone, Debug)]
pub(crate) struct OwnedLabels {
    names: Arc<LabelNames>,
    /// The values, as `keep` makes them.
    kept: Box<[u8]>,
}

impl OwnedLabels {
    pub(crate) fn new(names: &[&str], values: &[&str]) -> Self {
        Self::with_names(Arc::new(LabelNames::new(names)), values)
    }

    /// Labels of names that others have too.
    pub(crate) fn with_names(names: Arc<LabelNames>, values: &[&str]) -> Self {
        Self { names, kept: keep(values).into() }
    }

    /// Labels whose values are kept already.
    pub(crate) fn kept(names: &Arc<LabelNames>, kept: &[u8]) -> Self {
        Self { names: Arc::clone(names), kept: kept.into() }
    }

    pub(crate) fn none() -> Self {
        Self::new(&[], &[])
    }

    pub(crate) fn get(&self) -> SeriesLabels<'_> {
        SeriesLabels::new(&self.names, &self.kept)
    }

    pub(crate) fn names(&self) -> &Arc<LabelNames> {
        &self.names
    }
}

/// Labels that are the same for two series which some scraper takes for one: ordered, names as those who know legacy ones alone see
/// them, and without labels whose value is empty, which to a scraper are not there.
pub(crate) type Identity = Vec<(Box<str>, Box<str>)>;

pub(crate) fn identity(names: &[&str], values: &[impl AsRef<str>]) -> Identity {
    let all = names.iter().zip(values).filter(|(_, value)| !value.as_ref().is_empty());
    let legacy = |name| Escaping::Underscores.label_name(name).into();
    let mut identity: Identity = all.map(|(name, value)| (legacy(name), value.as_ref().into())).collect();
    identity.sort_unstable();
    identity
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use super::*;

    #[test]
    fn labels_in_another_order_or_with_an_empty_one_are_the_same_series() {
        let same = identity(&["a", "b"], &["1", "2"]);
        assert_eq!(identity(&["b", "a", "c"], &["2", "1", ""]), same);
        assert_eq!(identity(&["a"], &[""]), identity(&[], &[] as &[&str]));
        for (names, values) in [(["a", "b"], ["1", "3"]), (["a", "c"], ["1", "2"]), (["a", "b"], ["1\",b=\"2", ""])] {
            assert_ne!(identity(&names, &values), same);
        }
    }

    #[test]
    fn labels_that_are_the_same_in_underscores_are_the_same_series() {
        assert_eq!(identity(&["a.b"], &["1"]), identity(&["a_b"], &["1"]));
    }

    #[test]
    fn names_that_are_not_legacy_stand_in_quotes() {
        let labels = OwnedLabels::new(&["a.b", "c\"\n"], &["\\", "é"]);
        assert_eq!(labels.get().to_string(), r#""a.b"="\\","c\"\n"="é""#);
        assert!(labels.get().iter().eq([("a.b", "\\".into()), ("c\"\n", "é".into())]));
    }
}
