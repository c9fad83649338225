//! Labels: what a family's are called, and what a scrape shows of them.

use std::time::Duration;

use super::indexed::MOST_SERIES;
use crate::exposition::escape;

/// The labels of a family with run-time values, what happens when there are too many of them, and what else a family may be told.
///
/// Wherever one is asked for, an array of names will do: `["queue", "result"]`.
///
/// A value has at most 2 048 bytes. With a longer one it goes as past the limit: the unbounded labels become `other`, and it is counted
/// in `tachograph_series_refused_total`.
///
/// # Examples
///
/// ```
/// use tachograph::{Labels, Registry};
///
/// let registry = Registry::new();
/// // `path` comes from clients, `status` does not: past the limit only the path is given up.
/// let labels = Labels::new(["path", "status"]).limit(2).unbounded(["path"]);
/// let requests = registry.counter_family("requests_total", "Requests.", labels)?;
/// for path in ["/a", "/b", "/c", "/d"] {
///     requests.inc([path, "500"]);
/// }
/// assert_eq!(requests.handle(["other", "500"]).value(), 2);
/// # Ok::<(), tachograph::RegisterError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Labels<const N: usize> {
    pub(crate) names: [&'static str; N],
    pub(crate) limit: usize,
    /// Which labels become `other` past the limit.
    pub(crate) gives_way: [bool; N],
    unknown: Option<&'static str>,
    pub(crate) unit: Option<&'static str>,
    pub(crate) expire_after: Option<Duration>,
}

/// Series a family may have unless told otherwise.
pub(crate) const DEFAULT_LIMIT: usize = 1_000;

/// Series that a family may be told to have: as many again may come when labels give way, and a last one that has given all its labels up.
pub(crate) const MOST_LIMIT: usize = MOST_SERIES / 2 - 1;

const _: () = assert!(cfg!(tachograph_loom) || MOST_LIMIT == 1_835_007, "what the doc of `limit` says");

/// What a label's value becomes past the limit.
pub(crate) const OTHER: &str = "other";

/// Bytes that a label's value may have: as many as Cortex and Mimir take by default. A value may come from a header, and servers take
/// headers of hundreds of kilobytes: a thousand series of those would be hundreds of megabytes, and as many in each scrape.
pub(crate) const LONGEST_VALUE: usize = 2_048;

/// Whether none of these values is too long for a series.
#[inline]
pub(crate) fn fit(values: &[&str]) -> bool {
    values.iter().all(|value| value.len() <= LONGEST_VALUE)
}

impl<const N: usize> Labels<N> {
    /// Labels of these names, at most 1 000 series, all labels unbounded.
    pub fn new(names: [&'static str; N]) -> Self {
        Self { names, limit: DEFAULT_LIMIT, gives_way: [true; N], unknown: None, unit: None, expire_after: None }
    }

    /// Sets how many series there may be before new ones are refused: 1 835 007 at most, more counts as that.
    pub fn limit(mut self, series: usize) -> Self {
        self.limit = series.min(MOST_LIMIT);
        self
    }

    /// Names the labels whose values come from outside. Past the limit these become `other`, and the rest keep their values:
    /// an error under a scan of paths is still counted under its status. Should the rest have more combinations than the limit
    /// themselves, they become `other` too.
    pub fn unbounded<const M: usize>(mut self, labels: [&'static str; M]) -> Self {
        self.gives_way = self.names.map(|name| labels.contains(&name));
        self.unknown = labels.into_iter().find(|label| !self.names.contains(label));
        self
    }

    /// Says what unit the family's values are in: a base unit, such as `seconds` or `bytes`. The family's name must end in it (a
    /// counter's: in it and `_total`), else the registration is refused. A histogram knows its unit from its buckets.
    ///
    /// # Examples
    ///
    /// ```
    /// use tachograph::{Labels, Registry};
    ///
    /// let registry = Registry::new();
    /// registry.counter_family("sent_bytes_total", "Bytes sent.", Labels::new(["peer"]).unit("bytes"))?;
    /// let snapshot = registry.snapshot();
    /// assert_eq!(snapshot.family("sent_bytes_total").unwrap().descriptor().unit(), Some("bytes"));
    /// # Ok::<(), tachograph::RegisterError>(())
    /// ```
    pub fn unit(mut self, unit: &'static str) -> Self {
        self.unit = Some(unit);
        self
    }

    /// Has a series expire that is not written for so long: it is left out of the scrapes and taken out of the family. Written again, it
    /// is a new series, at 0. A series that somebody ever had a handle to stays in the family, and comes back with its value when it is
    /// written.
    ///
    /// Only gauges may: a counter that comes back looks like a restart, and increments would be missing. The engine looks every 5 s, so
    /// less counts as that, and a series may stay for so much longer. A write by look-up is dearer by a memory fence, some nanoseconds.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tachograph::{Labels, Registry};
    ///
    /// let registry = Registry::new();
    /// let labels = || Labels::new(["device"]).expire_after(Duration::from_secs(600));
    /// let battery = registry.gauge_family("battery_ratio", "Charge left.", labels())?;
    /// battery.set(["sensor 7"], 0.8);
    ///
    /// let error = registry.counter_family("readings_total", "Readings.", labels()).unwrap_err();
    /// assert_eq!(error.to_string(), "series of \"readings_total\" may not expire: only gauges may");
    /// # Ok::<(), tachograph::RegisterError>(())
    /// ```
    pub fn expire_after(mut self, idle: Duration) -> Self {
        self.expire_after = Some(idle);
        self
    }

    /// A label that was called unbounded but is none of the names.
    pub(crate) fn unknown(&self) -> Option<&'static str> {
        self.unknown
    }
}

impl<const N: usize> From<[&'static str; N]> for Labels<N> {
    fn from(names: [&'static str; N]) -> Self {
        Self::new(names)
    }
}

/// What the labels of a series are called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LabelNames(Box<[Box<str>]>);

impl LabelNames {
    pub(crate) fn new(names: &[&str]) -> Self {
        Self(names.iter().map(|&name| name.into()).collect())
    }

    /// How many labels there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|name| &**name)
    }
}

/// Appends a value as a scrape shows it, with the quote that closes it.
pub(super) fn close(text: &mut Vec<u8>, value: &str) {
    escape::label_value(text, value);
    text.push(b'"');
}
