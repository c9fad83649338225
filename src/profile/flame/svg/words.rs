//! How names, durations and shares are written.

use std::fmt::{self, Display, Formatter, Write};

/// Any text as text of an XML document. It is not meant for attributes: it leaves quotes.
///
/// Characters that XML forbids or discourages become U+FFFD, and so do those that turn the order of writing around: by them a
/// name could dress up as another one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|char| match char {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => f.write_char(char::REPLACEMENT_CHARACTER),
            '\u{fffe}' | '\u{ffff}' => f.write_char(char::REPLACEMENT_CHARACTER),
            _ if char.is_control() => f.write_char(char::REPLACEMENT_CHARACTER),
            _ => f.write_char(char),
        })
    }
}

/// Nanoseconds with three digits, in the unit that suits them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Duration(pub(super) u64);

impl Display for Duration {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let nanoseconds = self.0;
        // What would be rounded to 1000 of a unit is one of the next.
        let (divisor, unit) = match nanoseconds {
            0 => return f.write_str("0 s"),
            1..1_000 => return write!(f, "{nanoseconds} ns"),
            1_000..999_500 => (1e3, "µs"),
            999_500..999_500_000 => (1e6, "ms"),
            999_500_000.. => (1e9, "s"),
        };
        let value = nanoseconds as f64 / divisor;
        let decimals = if value < 9.995 { 2 } else { usize::from(value < 99.95) };
        write!(f, "{value:.decimals$} {unit}")
    }
}

/// A share of the whole in hundredths of a percent, at most 10 000.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Share(u64);

impl Share {
    /// The share that `part` has. Of nothing it is 0, and more than all is all.
    pub(super) fn of(part: u64, whole: u64) -> Self {
        let (part, whole) = (u128::from(part.min(whole)), u128::from(whole.max(1)));
        Self(((part * 10_000 + whole / 2) / whole) as u64)
    }

    pub(super) fn minus(self, before: Self) -> Points {
        Points(self.0 as i64 - before.0 as i64)
    }
}

impl Display for Share {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02} %", self.0 / 100, self.0 % 100)
    }
}

/// A change of a share in hundredths of a percent point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Points(i64);

impl Points {
    pub(super) fn hundredths(self) -> i64 {
        self.0
    }
}

impl Display for Points {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let sign = match self.0 {
            0 => "±",
            1.. => "+",
            _ => "−",
        };
        let size = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:02} points", size / 100, size % 100)
    }
}
