//! How the reference writes a float.

/// Writes a float as the reference encoder does: Go's `strconv.FormatFloat(x, 'g', -1, 64)`, with a zero of either sign
/// as `0`.
///
/// That is the shortest digits that read back as the same float, in exponent form if and only if the decimal exponent
/// is less than -4 or at least 6, the exponent with its sign and two digits at least.
pub fn go_float(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    let scientific = shortest(value.abs());
    let (mantissa, exponent) = scientific.split_once('e').expect("`{:e}` writes an exponent");
    let exponent: i32 = exponent.parse().expect("`{:e}` writes the exponent in decimal");
    let sign = if value < 0.0 { "-" } else { "" };
    if !(-4..6).contains(&exponent) {
        let exponent_sign = if exponent < 0 { '-' } else { '+' };
        return format!("{sign}{mantissa}e{exponent_sign}{:02}", exponent.abs());
    }
    let digits = mantissa.replace('.', "");
    if exponent < 0 {
        let zeros = "0".repeat((-exponent - 1).unsigned_abs() as usize);
        return format!("{sign}0.{zeros}{digits}");
    }
    let before_point = exponent.unsigned_abs() as usize + 1;
    if digits.len() <= before_point {
        return format!("{sign}{digits}{}", "0".repeat(before_point - digits.len()));
    }
    let (whole, fraction) = digits.split_at(before_point);
    format!("{sign}{whole}.{fraction}")
}

/// Writes a float as OpenMetrics wants `le` and `quantile`: as [`go_float`], with `.0` behind it unless a point, an exponent or
/// letters show that it is a float.
///
/// # Examples
///
/// ```
/// use tachograph_check::openmetrics_float;
///
/// assert_eq!(openmetrics_float(1.0), "1.0");
/// assert_eq!(openmetrics_float(0.25), "0.25");
/// assert_eq!(openmetrics_float(1e6), "1e+06");
/// assert_eq!(openmetrics_float(f64::INFINITY), "+Inf");
/// ```
pub fn openmetrics_float(value: f64) -> String {
    let text = go_float(value);
    let whole = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    if whole { format!("{text}.0") } else { text }
}

/// The shortest digits that read back as `value`, as `d.ddde-7`.
///
/// Of several with the same number of digits Go takes the nearest, and of two equally near the even one. Rust's `{:e}`
/// has the right number, but of two equally near takes the upper, which happens above 2^49 or so. Digits asked for by
/// number are rounded to even: they are the answer, unless they fall short of the narrower interval below a power of two.
fn shortest(value: f64) -> String {
    let upper = format!("{value:e}");
    let digits = upper.bytes().take_while(|b| *b != b'e').filter(u8::is_ascii_digit).count();
    let even = format!("{value:.*e}", digits - 1);
    if even.parse() == Ok(value) { even } else { upper }
}
