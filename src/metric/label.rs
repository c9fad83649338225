//! Labels: what a family's are called, and the text in which a series keeps its values.
//!
//! A series holds its labels in one form only, as a scrape shows them: `endpoint="/scene",status="200"`. That text is its
//! identity. Rendering copies it; a lookup compares borrowed values with it in place.

use std::time::Duration;

use crate::exposition::escape;

/// The labels of a family with run-time values, what happens when there are too many of them, and what else a family may be told.
///
/// Wherever one is asked for, an array of names will do: `["queue", "result"]`.
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

/// What a label's value becomes past the limit.
pub(crate) const OTHER: &str = "other";

impl<const N: usize> Labels<N> {
    /// Labels of these names, at most 1 000 series, all labels unbounded.
    pub fn new(names: [&'static str; N]) -> Self {
        Self { names, limit: DEFAULT_LIMIT, gives_way: [true; N], unknown: None, unit: None, expire_after: None }
    }

    /// Sets how many series there may be before new ones are refused.
    pub fn limit(mut self, series: usize) -> Self {
        self.limit = series;
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

/// What stands between the values in a series' text: `endpoint="`, `",status="`, and `"` at the end.
#[derive(Debug)]
pub(crate) struct LabelNames {
    before: Box<[Box<str>]>,
}

impl LabelNames {
    pub(crate) fn new(names: &[&str]) -> Self {
        let before = names.iter().enumerate().map(|(at, name)| match at {
            0 => format!("{name}=\"").into(),
            _ => format!("\",{name}=\"").into(),
        });
        Self { before: before.collect() }
    }

    /// The text of a series with these values.
    pub(crate) fn text(&self, values: &[&str]) -> Box<str> {
        let mut text = Vec::new();
        for (before, value) in self.before.iter().zip(values) {
            text.extend_from_slice(before.as_bytes());
            escape::label_value(&mut text, value);
        }
        if !values.is_empty() {
            text.push(b'"');
        }
        String::from_utf8(text).expect("it is put together of strings").into()
    }

    /// How many labels there are.
    pub(crate) fn len(&self) -> usize {
        self.before.len()
    }

    /// Whether `text` is the text of these values. Exact, and allocates nothing.
    pub(crate) fn are(&self, text: &[u8], values: &[&str]) -> bool {
        let mut rest = text;
        for (before, value) in self.before.iter().zip(values) {
            let at_value = rest.strip_prefix(before.as_bytes());
            let Some(after_value) = at_value.and_then(|rest| escape::strip_label_value(rest, value)) else { return false };
            rest = after_value;
        }
        values.is_empty() || rest == b"\""
    }

    /// The same of a text of values that needed no escape, with a byte for the length of each before it. Values of the same lengths
    /// stand in the same places, so they alone need to be compared.
    #[inline]
    pub(crate) fn are_plain(&self, bytes: &[u8], values: &[&str]) -> bool {
        let (lens, text) = bytes.split_at(self.before.len());
        let mut at = 0;
        for ((before, value), len) in self.before.iter().zip(values).zip(lens) {
            at += before.len();
            if value.len() != usize::from(*len) || !same(&text[at..at + value.len()], value.as_bytes()) {
                return false;
            }
            at += value.len();
        }
        true
    }
}

/// Whether two slices of one length are the same. Label values are short: a call of `memcmp` takes longer than comparing them.
#[inline]
fn same(a: &[u8], b: &[u8]) -> bool {
    match (a, b) {
        ([a_first, .., a_last], [b_first, .., b_last]) if a.len() < 4 => {
            let middle = a.len() / 2;
            a_first == b_first && a[middle] == b[middle] && a_last == b_last
        }
        _ if a.len() < 4 => a == b,
        _ if a.len() < 8 => a.first_chunk::<4>() == b.first_chunk() && a.last_chunk::<4>() == b.last_chunk(),
        _ => a.as_chunks::<8>().0.iter().eq(b.as_chunks().0) && a.last_chunk::<8>() == b.last_chunk(),
    }
}

/// Orders two label texts of one family by their values.
pub(crate) fn by_value(a: &[u8], b: &[u8]) -> std::cmp::Ordering {
    // Eight bytes at a time as far as they are the same: a sort of 100 000 series compares two million times.
    let same = 8 * a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0).take_while(|(a, b)| a == b).count();
    let Some(at) = a[same..].iter().zip(&b[same..]).position(|(a, b)| a != b).map(|at| same + at) else {
        return a.len().cmp(&b.len());
    };
    // An odd number of backslashes before the difference: it lies within an escape sequence.
    let escaped = a[..at].iter().rev().take_while(|&&byte| byte == b'\\').count() % 2 == 1;
    place_in_order(&a[at..], escaped).cmp(&place_in_order(&b[at..], escaped))
}

/// Where the character comes that a label text goes on with: the end of a value before all others, then as its first byte, not as
/// its escape sequence.
fn place_in_order(rest: &[u8], escaped: bool) -> u16 {
    let unescaped = |letter: u8| u16::from(if letter == b'n' { b'\n' } else { letter }) + 1;
    match (escaped, rest) {
        (true, [letter, ..]) | (false, [b'\\', letter, ..]) => unescaped(*letter),
        (false, [b'"', ..]) => 0,
        (_, [byte, ..]) => u16::from(*byte) + 1,
        (_, []) => 0,
    }
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn order_is_that_of_the_values() {
        let names = LabelNames::new(&["a", "b"]);
        let sorted = [["", "z"], [" ", ""], ["a", "z"], ["a ", "b"], ["a!", "a"], ["aa", ""], ["b", "\\"], ["b", "a"]];
        let texts: Vec<_> = sorted.iter().map(|values| names.text(values)).collect();
        assert!(texts.is_sorted_by(|a, b| by_value(a.as_bytes(), b.as_bytes()).is_lt()), "{texts:?}");
    }

    proptest! {
        #[test]
        fn texts_are_ordered_as_their_values(
            a in ["[ab\"\\\\\n,=]{0,6}", "[ab\"\\\\\n,=]{0,6}"],
            b in ["[ab\"\\\\\n,=]{0,6}", "[ab\"\\\\\n,=]{0,6}"],
        ) {
            let names = LabelNames::new(&["a", "b"]);
            let (a, b) = ([&*a[0], &*a[1]], [&*b[0], &*b[1]]);
            prop_assert_eq!(by_value(names.text(&a).as_bytes(), names.text(&b).as_bytes()), a.cmp(&b));
        }

        #[test]
        fn slices_of_one_length_are_the_same_if_all_bytes_are(a in "[ab]{0,40}", change in 0usize..40) {
            let mut b = a.clone().into_bytes();
            prop_assert!(same(a.as_bytes(), &b));
            if let Some(byte) = b.get_mut(change) {
                *byte = b'c';
                prop_assert!(!same(a.as_bytes(), &b));
            }
        }
    }
}
