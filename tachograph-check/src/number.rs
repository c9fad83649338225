//! Numbers: which spellings a text may use, and exact comparison of them.

use std::cmp::Ordering;

/// Reads a number in a spelling that the formats allow: decimal, or an infinity or NaN in letters of any case.
///
/// No hexadecimal and no underscore, which the server refuses. What is too large for a float is a range error, not an infinity.
pub(crate) fn read(text: &str) -> Option<f64> {
    if let Some(value) = real(text) {
        return Some(value);
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if unsigned.eq_ignore_ascii_case("inf") || unsigned.eq_ignore_ascii_case("infinity") {
        return Some(if text.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY });
    }
    text.eq_ignore_ascii_case("nan").then_some(f64::NAN)
}

/// Whether a number that [`read`] takes is spelled as every parser takes it.
pub(crate) fn is_plain(text: &str) -> bool {
    !text.bytes().any(|byte| byte.is_ascii_alphabetic() && !matches!(byte, b'e' | b'E'))
        || matches!(text, "NaN" | "+Inf" | "-Inf")
}

/// Reads a finite decimal number.
pub(crate) fn real(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.strip_prefix(['+', '-']).unwrap_or(exponent)),
        None => (unsigned, "0"),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !digits(whole) || !digits(fraction) || exponent.is_empty() || !digits(exponent) {
        return None;
    }
    text.parse().ok().filter(|value: &f64| value.is_finite())
}

/// Whether a count is written as plain digits, all of them, without leading zeros.
pub(crate) fn is_plain_count(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0')) && text.parse::<u64>().is_ok()
}

/// A finite number to all its digits, which a float does not hold: counts above 2^53, times to the nanosecond.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decimal<'a> {
    negative: bool,
    /// Digits from the first to the last one that is not zero, perhaps with a point among them; empty for zero.
    digits: &'a str,
    /// The power of ten of the first digit.
    power: i64,
    /// The power of ten of the last digit.
    last: i64,
}

impl<'a> Decimal<'a> {
    /// Reads a number that [`real`] has taken.
    pub(crate) fn read(text: &'a str) -> Option<Self> {
        real(text)?;
        let negative = text.starts_with('-');
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let point = mantissa.find('.').unwrap_or(mantissa.len());
        let Some(first) = mantissa.find(|c: char| c.is_ascii_digit() && c != '0') else {
            return Some(Self { negative: false, digits: "", power: 0, last: 0 });
        };
        let end = 1 + mantissa.rfind(|c: char| c.is_ascii_digit() && c != '0').expect("there is a first one");
        let power_at = |at: usize| if at < point { (point - at) as i64 - 1 } else { point as i64 - at as i64 };
        // Too long for an integer only when the mantissa makes up for it, of which no text is large enough.
        let exponent: i64 = exponent.parse().unwrap_or(if exponent.starts_with('-') { i64::MIN / 2 } else { i64::MAX / 2 });
        let exponent = exponent.clamp(i64::MIN / 2, i64::MAX / 2);
        let (power, last) = (power_at(first) + exponent, power_at(end - 1) + exponent);
        Some(Self { negative, digits: &mantissa[first..end], power, last })
    }

    pub(crate) fn is_whole(self) -> bool {
        self.digits.is_empty() || self.last >= 0
    }

    pub(crate) fn is_negative(self) -> bool {
        self.negative
    }

    pub(crate) fn compare(self, other: Self) -> Ordering {
        let sign = |number: Self| if number.digits.is_empty() { 0 } else { 1 - 2 * i8::from(number.negative) };
        let magnitude = || {
            let digits = |number: Self| number.digits.bytes().filter(u8::is_ascii_digit);
            self.power.cmp(&other.power).then_with(|| digits(self).cmp(digits(other)))
        };
        sign(self).cmp(&sign(other)).then_with(|| match sign(self) {
            0 => Ordering::Equal,
            1 => magnitude(),
            _ => magnitude().reverse(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_compare_to_the_last_digit() {
        let ascending = [
            "-1e300",
            "-10",
            "-9.5",
            "-0.001",
            "0",
            "5e-324",
            "0.000999",
            "1e-3",
            "0.0010000000000000000001",
            "1",
            "1.5",
            "9.99",
            "10",
            "9007199254740992",
            "9007199254740993",
            "1e16",
            "18446744073709551615",
        ];
        for (at, text) in ascending.iter().enumerate() {
            for (other_at, other) in ascending.iter().enumerate() {
                let found = Decimal::read(text).unwrap().compare(Decimal::read(other).unwrap());
                assert_eq!(found, at.cmp(&other_at), "{text} and {other}");
            }
        }
        for same in [["1", "1.0"], ["+1", "1e0"], ["100", "1E+2"], ["0.5", ".5"], ["-0", "0.0e9"], ["0012.50", "12.5"]] {
            let [one, other] = same.map(|text| Decimal::read(text).unwrap());
            assert_eq!(one.compare(other), Ordering::Equal, "{same:?}");
        }
        assert!(Decimal::read("inf").is_none());
    }

    #[test]
    fn decimals_know_whether_they_are_whole() {
        for text in ["0", "0.0", "17", "17.0", "1e3", "1.5e1", "100e-2", "0e-9", "-4", "1000."] {
            assert!(Decimal::read(text).unwrap().is_whole(), "{text}");
        }
        for text in ["0.5", "1e-1", "1.5e0", "123.456e2", "17.000001"] {
            assert!(!Decimal::read(text).unwrap().is_whole(), "{text}");
        }
    }
}
