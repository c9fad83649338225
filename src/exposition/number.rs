//! Numbers as the text formats spell them: integers in plain digits, floats in Go's shortest form.

/// Appends an integer in plain digits, all of them.
#[inline]
pub(crate) fn integer(out: &mut Vec<u8>, value: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Appends a float in the shortest decimal form that reads back as the same value, spelt as Go's `'g'` with precision -1 spells
/// it: with an exponent, always signed and of at least two digits, if the decimal exponent is below -4 or above 5. `NaN`,
/// `+Inf` and `-Inf` are spelt so; negative zero is `0`.
pub(crate) fn float(out: &mut Vec<u8>, value: f64) {
    if value.is_nan() {
        return out.extend_from_slice(b"NaN");
    }
    if value.is_infinite() {
        return out.extend_from_slice(if value > 0.0 { b"+Inf" } else { b"-Inf" });
    }
    if value == 0.0 {
        return out.push(b'0');
    }
    if value < 0.0 {
        out.push(b'-');
    }
    Decimal::parse(zmij::Buffer::new().format_finite(value.abs())).write(out);
}

/// Appends a float as OpenMetrics has it: as [`float`], and with a point where there is neither point nor exponent, so that it is seen
/// to be one.
pub(crate) fn openmetrics_float(out: &mut Vec<u8>, value: f64) {
    let start = out.len();
    float(out, value);
    if out[start..].iter().all(|byte| byte.is_ascii_digit() || *byte == b'-') {
        out.extend_from_slice(b".0");
    }
}

/// Decimal exponents that are written out in zeros; beyond them Go changes to the exponent form.
const PLAIN: std::ops::RangeInclusive<i32> = -4..=5;

/// A positive number as d.ddd × 10^exponent, without zeros at either end of its digits.
struct Decimal {
    /// The first `len` are the digits: at most 17 for a shortest form, but a plain spelling comes with zeros around them.
    digits: [u8; 32],
    len: usize,
    exponent: i32,
}

impl Decimal {
    /// Reads `123.45`, `0.00012`, `100000.0` or `1.2345e-7`.
    fn parse(text: &str) -> Self {
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
        let exponent: i32 = exponent.parse().expect("the exponent of a double is a small integer");
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut decimal = Self { digits: [0; 32], len: 0, exponent: exponent + whole.len() as i32 - 1 };
        for digit in whole.bytes().chain(fraction.bytes()) {
            if decimal.len == 0 && digit == b'0' {
                decimal.exponent -= 1;
            } else {
                decimal.digits[decimal.len] = digit;
                decimal.len += 1;
            }
        }
        while decimal.digits[decimal.len - 1] == b'0' {
            decimal.len -= 1;
        }
        decimal
    }

    fn write(&self, out: &mut Vec<u8>) {
        let digits = &self.digits[..self.len];
        if !PLAIN.contains(&self.exponent) {
            out.extend_from_slice(&digits[..1]);
            if self.len > 1 {
                out.push(b'.');
                out.extend_from_slice(&digits[1..]);
            }
            out.extend_from_slice(if self.exponent < 0 { b"e-" } else { b"e+" });
            if self.exponent.unsigned_abs() < 10 {
                out.push(b'0');
            }
            return integer(out, self.exponent.unsigned_abs());
        }
        if self.exponent < 0 {
            out.extend_from_slice(b"0.");
            out.extend(std::iter::repeat_n(b'0', -self.exponent as usize - 1));
            return out.extend_from_slice(digits);
        }
        let whole = self.exponent as usize + 1;
        if self.len <= whole {
            out.extend_from_slice(digits);
            out.extend(std::iter::repeat_n(b'0', whole - self.len));
        } else {
            out.extend_from_slice(&digits[..whole]);
            out.push(b'.');
            out.extend_from_slice(&digits[whole..]);
        }
    }
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spelt(value: f64) -> String {
        let mut out = Vec::new();
        float(&mut out, value);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn floats_are_spelt_as_go_spells_them() {
        for (value, text) in [
            (1.0, "1"),
            (0.1, "0.1"),
            (100_000.0, "100000"),
            (1e6, "1e+06"),
            (123_456_789.0, "1.23456789e+08"),
            (123_456.7, "123456.7"),
            (0.0001, "0.0001"),
            (0.000_123, "0.000123"),
            (0.00001, "1e-05"),
            (1e21, "1e+21"),
            (1e100, "1e+100"),
            (f64::MAX, "1.7976931348623157e+308"),
            (5e-324, "5e-324"),
            (-2.5, "-2.5"),
            (-0.0, "0"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            assert_eq!(spelt(value), text);
        }
    }

    #[test]
    fn a_float_of_openmetrics_is_seen_to_be_one() {
        for (value, text) in [
            (0.0, "0.0"),
            (-0.0, "0.0"),
            (0.001, "0.001"),
            (0.1, "0.1"),
            (1.0, "1.0"),
            (-10.0, "-10.0"),
            (100_000.0, "100000.0"),
            (1e6, "1e+06"),
            (1e10, "1e+10"),
            (1e-5, "1e-05"),
            (1e-10, "1e-10"),
            (1e23, "1e+23"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            let mut out = b"x".to_vec();
            openmetrics_float(&mut out, value);
            assert_eq!(out[1..], *text.as_bytes());
        }
    }

    proptest! {
        #[test]
        fn every_float_reads_back_bit_for_bit(bits: u64) {
            let value = f64::from_bits(bits);
            prop_assume!(!value.is_nan() && value != 0.0);
            let read: f64 = spelt(value).replace("Inf", "inf").parse().unwrap();
            prop_assert_eq!(read.to_bits(), bits);
        }
    }
}
