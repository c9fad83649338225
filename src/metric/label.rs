//! Labels: what a family's are called, and the text in which a series keeps its values.
//!
//! A series holds its labels in one form only, as a scrape shows them: `endpoint="/scene",status="200"`. That text is its
//! identity. Rendering copies it; a lookup compares borrowed values with it in place.

use crate::exposition::escape;

/// The labels of a family with run-time values, and what happens when there are too many of them.
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
}

/// Series a family may have unless told otherwise.
pub(crate) const DEFAULT_LIMIT: usize = 1_000;

/// What a label's value becomes past the limit.
pub(crate) const OTHER: &str = "other";

impl<const N: usize> Labels<N> {
    /// Labels of these names, at most 1 000 series, all labels unbounded.
    pub fn new(names: [&'static str; N]) -> Self {
        Self { names, limit: DEFAULT_LIMIT, gives_way: [true; N], unknown: None }
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
        let mut text = String::new();
        for (before, value) in self.before.iter().zip(values) {
            text.push_str(before);
            escape::label_value(&mut text, value);
        }
        if !values.is_empty() {
            text.push('"');
        }
        text.into()
    }

    /// Whether `text` is the text of these values. Exact, and allocates nothing.
    ///
    /// `plain` says that the text holds no backslash. Such a text was made of values that needed no escape, so it has exactly
    /// two quotes a label. If names and values in a row equal it, the values hold no further quote, and then each stands
    /// in its own place: comparing the values as they are is enough.
    #[inline]
    pub(crate) fn are(&self, text: &str, plain: bool, values: &[&str]) -> bool {
        let mut rest = text.as_bytes();
        for (before, value) in self.before.iter().zip(values) {
            let Some(at_value) = rest.strip_prefix(before.as_bytes()) else { return false };
            let stripped =
                if plain { at_value.strip_prefix(value.as_bytes()) } else { escape::strip_label_value(at_value, value) };
            let Some(after_value) = stripped else { return false };
            rest = after_value;
        }
        values.is_empty() || rest == b"\""
    }
}

/// Orders two label texts of one family by their values.
pub(crate) fn by_value(a: &str, b: &str) -> std::cmp::Ordering {
    let (a, b) = (a.as_bytes(), b.as_bytes());
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
    fn values_that_run_into_one_another_are_told_apart() {
        let names = LabelNames::new(&["a", "b"]);
        for (stored, asked) in [
            (["ab", "c"], ["a", "bc"]),
            (["x", "y"], ["x\",b=\"y", ""]),
            (["x", "yyyyyyyyyy"], ["x\",b=", "yyyyyy"]),
            (["a\\", "b"], ["a\\\\", "b"]),
            (["a\n", "b"], ["a\\n", "b"]),
            (["", ""], ["\"", ""]),
        ] {
            for (stored, asked) in [(stored, asked), (asked, stored)] {
                let text = names.text(&stored);
                assert!(names.are(&text, !text.contains('\\'), &stored));
                assert!(!names.are(&text, !text.contains('\\'), &asked), "{stored:?} {asked:?}");
            }
        }
    }

    #[test]
    fn order_is_that_of_the_values() {
        let names = LabelNames::new(&["a", "b"]);
        let sorted = [["", "z"], [" ", ""], ["a", "z"], ["a ", "b"], ["a!", "a"], ["aa", ""], ["b", "\\"], ["b", "a"]];
        let texts: Vec<_> = sorted.iter().map(|values| names.text(values)).collect();
        assert!(texts.is_sorted_by(|a, b| by_value(a, b).is_lt()), "{texts:?}");
    }

    proptest! {
        #[test]
        fn a_text_is_that_of_its_own_values_and_of_no_others(
            stored in ["[ab\"\\\\\n,=]{0,6}", "[ab\"\\\\\n,=]{0,6}"],
            asked in ["[ab\"\\\\\n,=]{0,6}", "[ab\"\\\\\n,=]{0,6}"],
        ) {
            let names = LabelNames::new(&["a", "b"]);
            let (stored, asked) = ([&*stored[0], &*stored[1]], [&*asked[0], &*asked[1]]);
            let text = names.text(&stored);
            prop_assert!(names.are(&text, !text.contains('\\'), &stored));
            prop_assert_eq!(names.are(&text, !text.contains('\\'), &asked), stored == asked);
            prop_assert_eq!(by_value(&text, &names.text(&asked)), stored.cmp(&asked));
        }
    }
}
