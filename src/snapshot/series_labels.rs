//! The labels of a series as a snapshot has them.

use std::fmt;

use crate::metric::kept::KeptValues;
use crate::metric::label::LabelNames;

/// The labels of a family's series, by index, in the order of the label values.
pub(crate) trait LabelTexts: Send + Sync {
    fn len(&self) -> usize;
    fn names(&self) -> &LabelNames;
    /// The values of a series' labels, as `keep` makes them.
    fn kept(&self, series: usize) -> &[u8];
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
/// # Ok::<(), tachograph::RegisterError>(())
/// ```
#[derive(Clone, Copy)]
pub struct SeriesLabels<'a>(pub(crate) Form<'a>);

/// How the labels are there.
#[derive(Clone, Copy)]
pub(crate) enum Form<'a> {
    /// As a scrape shows them.
    Text(&'a str),
    /// Names that the whole family has, and the values as `keep` makes them.
    Values(&'a LabelNames, &'a [u8]),
}

impl<'a> SeriesLabels<'a> {
    /// Whether there is no label.
    pub fn is_empty(self) -> bool {
        self.key().is_empty()
    }

    /// What tells the series of a family apart, and orders them by `by_value`.
    pub(super) fn key(self) -> &'a [u8] {
        match self.0 {
            Form::Text(text) => text.as_bytes(),
            Form::Values(names, kept) => KeptValues::new(kept, names.len()).text(),
        }
    }
}

impl fmt::Display for SeriesLabels<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Form::Text(text) => f.write_str(text),
            Form::Values(names, kept) => {
                names.before().zip(KeptValues::new(kept, names.len())).try_for_each(|(before, value)| {
                    f.write_str(before)?;
                    f.write_str(str::from_utf8(value).expect("a value is made of a string, escapes cut none of its characters"))
                })
            }
        }
    }
}

impl fmt::Debug for SeriesLabels<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl PartialEq<str> for SeriesLabels<'_> {
    fn eq(&self, text: &str) -> bool {
        match self.0 {
            Form::Text(own) => own == text,
            Form::Values(names, kept) => {
                let mut rest = Some(text.as_bytes());
                for (before, value) in names.before().zip(KeptValues::new(kept, names.len())) {
                    rest = rest.and_then(|rest| rest.strip_prefix(before.as_bytes())?.strip_prefix(value));
                }
                rest.is_some_and(<[u8]>::is_empty)
            }
        }
    }
}

impl PartialEq<&str> for SeriesLabels<'_> {
    fn eq(&self, text: &&str) -> bool {
        self == *text
    }
}
