//! How floats are written, and that they read back.

use tachograph_check::{Format, Rules, go_float, openmetrics_float, parse, parse_by};

#[test]
fn go_float_writes_what_go_writes() {
    let largest_below_a_million = f64::from_bits(1e6_f64.to_bits() - 1);
    let expected = [
        (0.0, "0"),
        (-0.0, "0"),
        (1.0, "1"),
        (-1.0, "-1"),
        (0.1, "0.1"),
        (0.5, "0.5"),
        (2.5, "2.5"),
        (10.0, "10"),
        (0.025, "0.025"),
        (0.005, "0.005"),
        (0.1 + 0.2, "0.30000000000000004"),
        (1.0 / 3.0, "0.3333333333333333"),
        (std::f64::consts::PI, "3.141592653589793"),
        (0.0001, "0.0001"),
        (0.00012345, "0.00012345"),
        (0.00009999, "9.999e-05"),
        (1e-5, "1e-05"),
        (1.5e-5, "1.5e-05"),
        (-1.5e-5, "-1.5e-05"),
        (1e-10, "1e-10"),
        (1e-100, "1e-100"),
        (100_000.0, "100000"),
        (123_456.0, "123456"),
        (123_456.7, "123456.7"),
        (999_999.0, "999999"),
        (999_999.5, "999999.5"),
        (largest_below_a_million, "999999.9999999999"),
        (1e6, "1e+06"),
        (-1e6, "-1e+06"),
        (1_048_576.0, "1.048576e+06"),
        (1_234_567.8, "1.2345678e+06"),
        (5_242_880.0, "5.24288e+06"),
        (16_777_216.0, "1.6777216e+07"),
        (123_456_789.0, "1.23456789e+08"),
        (1_733_158_245.123, "1.733158245123e+09"),
        (9_007_199_254_740_992.0, "9.007199254740992e+15"),
        (5_071_440_245_943_101.0 / 4.0, "1.2678600614857752e+15"),
        (2f64.powi(-44), "5.684341886080802e-14"),
        (1e21, "1e+21"),
        (1e23, "1e+23"),
        (1e100, "1e+100"),
        (1e300, "1e+300"),
        (5e-324, "5e-324"),
        (2.2250738585072014e-308, "2.2250738585072014e-308"),
        (f64::MAX, "1.7976931348623157e+308"),
        (f64::MIN, "-1.7976931348623157e+308"),
        (f64::INFINITY, "+Inf"),
        (f64::NEG_INFINITY, "-Inf"),
        (f64::NAN, "NaN"),
    ];
    for (value, text) in expected {
        assert_eq!(go_float(value), text);
    }
}

#[test]
fn go_float_reads_back_as_the_same_float() {
    // A walk over the bit patterns in large odd steps meets every exponent.
    let mut bits = 0_u64;
    for _ in 0..100_000 {
        bits = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let value = f64::from_bits(bits);
        let scrape = parse(format!("a {}\n", go_float(value)).as_bytes()).unwrap();
        let read = scrape.families[0].samples[0].value;
        assert!(read.to_bits() == bits || value.is_nan() && read.is_nan(), "{value:?}");
    }
}

#[test]
fn openmetrics_float_writes_the_canonical_numbers_of_the_specification() {
    let canonical = [
        "0.0", "0.001", "0.002", "0.01", "0.1", "0.9", "0.95", "0.99", "0.999", "1.0", "1.7", "10.0", "1e-10", "1e-09",
        "1e-05", "0.0001", "100000.0", "1e+06", "1e+10", "1e+23", "1.1e+23", "+Inf", "-1.0", "-Inf",
    ];
    for text in canonical {
        assert_eq!(openmetrics_float(text.parse().unwrap()), text);
    }
    assert_eq!(openmetrics_float(f64::NAN), "NaN");
    assert_eq!(openmetrics_float(-0.0), "0.0");
    let bucket =
        format!("# TYPE h histogram\nh_bucket{{le=\"{}\"}} 0\nh_bucket{{le=\"+Inf\"}} 0\n# EOF\n", openmetrics_float(1e22));
    assert!(parse_by(bucket.as_bytes(), Format::OpenMetrics, Rules::OURS).is_ok());
}
