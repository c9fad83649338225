//! Label values as a series keeps them.
//!
//! They are there in one form only, as a scrape shows them, each with the quote that closes it: `/scene"200"`. That text is the
//! series' identity. Rendering copies it between the names of the labels, which are the family's; a lookup compares borrowed values with it
//! in place. Before the text stands the length of each value, a byte each.

use super::label::close;
use crate::exposition::escape;

/// Stands for the lengths of values that are escaped, or of which one is as long or longer.
const UNTOLD: u8 = u8::MAX;

/// Values as a series keeps them.
pub(crate) fn keep(values: &[&str]) -> Vec<u8> {
    let mut kept: Vec<u8> = values.iter().map(|value| u8::try_from(value.len()).unwrap_or(UNTOLD)).collect();
    values.iter().for_each(|value| close(&mut kept, value));
    let (lens, text) = kept.split_at_mut(values.len());
    if lens.contains(&UNTOLD) || text.contains(&b'\\') {
        lens.fill(UNTOLD);
    }
    kept
}

/// The values of a series.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeptValues<'a> {
    /// The length of each value, without its quote: below `UNTOLD`, or all are that.
    lens: &'a [u8],
    text: &'a [u8],
}

impl<'a> KeptValues<'a> {
    /// What [`keep`] made of so many values.
    #[inline(always)]
    pub(crate) fn new(kept: &'a [u8], labels: usize) -> Self {
        let (lens, text) = kept.split_at(labels);
        Self { lens, text }
    }

    /// All of them as they stand. A family's series are told apart by it, and ordered by [`by_value`].
    pub(crate) fn text(self) -> &'a [u8] {
        self.text
    }

    /// Whether they are these: all of them, byte for byte. Allocates nothing.
    #[inline(always)]
    pub(crate) fn are(self, values: &[&str]) -> bool {
        if self.lens.first() == Some(&UNTOLD) {
            return self.are_escaped(values);
        }
        // Values of the same lengths stand in the same places.
        let mut at = 0;
        for (value, &len) in values.iter().zip(self.lens) {
            // Of the byte, from which the compiler sees that `end` does not wrap.
            let len = usize::from(len);
            let end = at + len;
            if value.len() != len || !self.text.get(at..end).is_some_and(|kept| same(kept, value.as_bytes())) {
                return false;
            }
            at = end + 1;
        }
        true
    }

    #[inline(never)]
    fn are_escaped(self, values: &[&str]) -> bool {
        let strip = |text, value: &&str| escape::strip_label_value(text, value)?.strip_prefix(b"\"");
        values.iter().try_fold(self.text, strip).is_some_and(<[u8]>::is_empty)
    }
}

/// Each value as a scrape shows it, with the quote that closes it.
impl<'a> Iterator for KeptValues<'a> {
    type Item = &'a [u8];

    #[inline(always)]
    fn next(&mut self) -> Option<&'a [u8]> {
        let (len, lens) = self.lens.split_first()?;
        let len = if *len == UNTOLD { closing_quote(self.text) } else { usize::from(*len) };
        let (value, text) = self.text.split_at_checked(len + 1)?;
        (self.lens, self.text) = (lens, text);
        Some(value)
    }
}

/// Where the first quote stands that is not escaped.
#[inline(never)]
pub(super) fn closing_quote(text: &[u8]) -> usize {
    let mut escaped = false;
    let closes = |&byte: &u8| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    };
    text.iter().position(closes).expect("each value has the quote that closes it")
}

/// Whether two slices of one length are the same. Label values are short: comparing them takes less time than a call of `memcmp`, and of
/// most that are looked up in turn the longer ones are compared in no more steps than the shorter ones, so that the branches are the
/// same for all.
#[inline(always)]
pub(super) fn same(a: &[u8], b: &[u8]) -> bool {
    // The first and the last bytes of both, in two steps that may overlap.
    macro_rules! ends {
        ($step:literal) => {
            (a.first_chunk::<$step>(), b.first_chunk::<$step>(), a.last_chunk::<$step>(), b.last_chunk::<$step>())
        };
    }
    if let (Some(a_first), Some(b_first), Some(a_last), Some(b_last)) = ends!(16) {
        a_first == b_first && a_last == b_last && (a.len() <= 32 || a == b)
    } else if let (Some(a_first), Some(b_first), Some(a_last), Some(b_last)) = ends!(8) {
        a_first == b_first && a_last == b_last
    } else if let (Some(a_first), Some(b_first), Some(a_last), Some(b_last)) = ends!(4) {
        a_first == b_first && a_last == b_last
    } else if let ([a_first, .., a_last], [b_first, .., b_last]) = (a, b) {
        let middle = a.len() / 2;
        a_first == b_first && a[middle] == b[middle] && a_last == b_last
    } else {
        a == b
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

    fn kept(values: [&str; 2]) -> Vec<u8> {
        keep(&values)
    }

    #[test]
    fn order_is_that_of_the_values() {
        let sorted = [["", "z"], [" ", ""], ["a", "z"], ["a ", "b"], ["a!", "a"], ["aa", ""], ["b", "\\"], ["b", "a"]];
        let texts: Vec<_> = sorted.iter().map(|values| kept(*values)[2..].to_vec()).collect();
        assert!(texts.is_sorted_by(|a, b| by_value(a, b).is_lt()), "{texts:?}");
    }

    proptest! {
        #[test]
        fn texts_are_ordered_as_their_values(
            a in ["[ab\"\\\\\n,=]{0,6}", "[ab\"\\\\\n,=]{0,6}"],
            b in ["[ab\"\\\\\n,=]{0,6}", "[ab\"\\\\\n,=]{0,6}"],
        ) {
            let (a, b) = ([&*a[0], &*a[1]], [&*b[0], &*b[1]]);
            prop_assert_eq!(by_value(&kept(a)[2..], &kept(b)[2..]), a.cmp(&b));
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
