//! Tests of the judge itself: for each rule of the text format a scrape that it accepts and scrapes that it refuses.

mod support;

use support::exposition::{CONTENT_TYPE, Exposition, Kind, Rules, check_content_type, go_float, parse, parse_by};

/// Reads a scrape that must follow our rules.
fn accepted(text: &str) -> Exposition {
    parse(text.as_bytes()).unwrap_or_else(|violation| panic!("{violation}\n{text}"))
}

/// Checks that a scrape is refused for that rule on that line.
fn refused(rule: u8, line: usize, text: &str) {
    match parse(text.as_bytes()) {
        Ok(_) => panic!("accepted, but it breaks rule {rule}:\n{text}"),
        Err(violation) => {
            assert_eq!((violation.rule, violation.line), (rule, line), "{violation}\n{text}");
        }
    }
}

/// A histogram `h` whose samples are these lines.
fn histogram(samples: &str) -> String {
    format!("# TYPE h histogram\n{samples}")
}

/// A summary `s` whose samples are these lines.
fn summary(samples: &str) -> String {
    format!("# TYPE s summary\n{samples}")
}

#[test]
fn a_whole_scrape_is_read_as_it_was_meant() {
    let scrape = accepted(
        "# HELP jobs_total Jobs done.\n# TYPE jobs_total counter\njobs_total{queue=\"a\",result=\"ok\"} 3\n\
         jobs_total{queue=\"b\",result=\"ok\"} 18446744073709551615\n# TYPE wait_seconds histogram\n\
         wait_seconds_bucket{le=\"0.5\"} 1\nwait_seconds_bucket{le=\"+Inf\"} 2\nwait_seconds_sum 1.5\nwait_seconds_count 2\n",
    );
    let names: Vec<_> = scrape.families.iter().map(|family| family.name.as_str()).collect();
    assert_eq!(names, ["jobs_total", "wait_seconds"]);
    let jobs = scrape.family("jobs_total").unwrap();
    assert_eq!((jobs.kind, jobs.help.as_deref(), jobs.line), (Some(Kind::Counter), Some("Jobs done."), 1));
    assert_eq!(jobs.samples[1].text, "18446744073709551615");
    assert_eq!(jobs.samples[1].labels[0], ("queue".to_owned(), "b".to_owned()));
    assert_eq!(scrape.value("jobs_total", &[("result", "ok"), ("queue", "a")]), Some(3.0));
    assert_eq!(scrape.value("jobs_total", &[("queue", "a")]), None);
    assert_eq!(scrape.value("wait_seconds_count", &[]), Some(2.0));
    assert_eq!(scrape.sum("jobs_total", |sample| sample.label("queue") == Some("a")), 3.0);
    assert_eq!(scrape.sum("wait_seconds_bucket", |_| true), 3.0);
}

#[test]
fn rule_0_the_grammar_of_a_line() {
    accepted("  a \t{ x = \"1\" , y=\"2\", }\t 1\n# a comment\n#\n# EOF\n");
    for line in ["a{x=\"1\"}1", "a", "a {x}", "a{x=1} 1", "a{x=\"1\" y=\"2\"} 1", "a{,} 1"] {
        let text = format!("{line}\n");
        let violation = parse(text.as_bytes()).unwrap_err();
        assert!(matches!(violation.rule, 0 | 6), "{violation}: {text}");
    }
    refused(0, 1, "a{x=\"1\"}1\n");
    refused(0, 1, "a{x=\"1\" y=\"2\"} 1\n");
}

#[test]
fn rule_1_encoding_and_line_ends() {
    assert!(accepted("").families.is_empty());
    accepted("\n\na 1\n\n");
    refused(1, 2, "a 1\nb 1");
    refused(1, 1, "\u{feff}a 1\n");
    refused(1, 1, "a 1\r\n");
    refused(1, 1, "# TYPE a gauge\r\na 1\n");
    refused(1, 1, "# a comment\r\na 1\n");
    let violation = parse(b"a 1\nb{x=\"\xff\"} 1\n").unwrap_err();
    assert_eq!((violation.rule, violation.line), (1, 2));
}

#[test]
fn rule_2_escapes_of_help() {
    let help = |text: &str| accepted(&format!("# HELP a {text}\na 1\n")).families[0].help.clone();
    assert_eq!(help(r#"one \\ two \n three " four"#).as_deref(), Some("one \\ two \n three \" four"));
    assert_eq!(help("tab\t é \u{1f680} \0 cr\r").as_deref(), Some("tab\t é \u{1f680} \0 cr\r"));
    assert_eq!(help("  two blanks more ").as_deref(), Some("  two blanks more "));
    assert_eq!(accepted("# HELP a\na 1\n").families[0].help.as_deref(), Some(""));
    refused(2, 1, "# HELP a a \\\" quote\na 1\n");
    refused(2, 1, "# HELP a a \\t tab\na 1\n");
    refused(2, 1, "# HELP a the end \\\na 1\n");
}

#[test]
fn rule_3_escapes_of_label_values() {
    let value = |text: &str| accepted(&format!("a{{x=\"{text}\"}} 1\n")).families[0].samples[0].labels[0].1.clone();
    assert_eq!(value(r#"\\ \n \""#), "\\ \n \"");
    assert_eq!(value(r"\\n \\\\"), "\\n \\\\");
    assert_eq!(value("raw \r \t \0 é \u{1f680} {},="), "raw \r \t \0 é \u{1f680} {},=");
    assert_eq!(value(""), "");
    for escape in ["\\q", "\\r", "\\t", "\\x41", "\\'"] {
        refused(3, 1, &format!("a{{x=\"{escape}\"}} 1\n"));
    }
    refused(3, 1, "a{x=\"a raw\nline end\"} 1\n");
    refused(3, 1, "a{x=\"trailing \\\"} 1\n");
}

#[test]
fn rule_4_metadata_once_and_first() {
    for kind in ["counter", "gauge", "untyped"] {
        accepted(&format!("# HELP a b\n# TYPE a {kind}\na 1\n"));
        accepted(&format!("# TYPE a {kind}\n# HELP a b\n"));
    }
    assert_eq!(accepted("a 1\n").families[0].kind, None);
    refused(4, 2, "# HELP a b\n# HELP a b\na 1\n");
    refused(4, 2, "# TYPE a gauge\n# TYPE a gauge\na 1\n");
    refused(4, 2, "a 1\n# TYPE a gauge\n");
    refused(4, 2, "a 1\n# HELP a b\n");
    for kind in ["info", "stateset", "unknown", "Gauge", "gauge ", ""] {
        refused(4, 1, &format!("# TYPE a {kind}\n"));
    }
}

#[test]
fn rule_5_families_stand_together_and_in_order() {
    accepted("# HELP a A.\n# TYPE a gauge\na{x=\"1\"} 1\na{x=\"2\"} 1\n# TYPE b gauge\nb 1\n");
    refused(5, 3, "a{x=\"1\"} 1\nb 1\na{x=\"2\"} 1\n");
    refused(5, 3, "# HELP a A.\n# HELP b B.\n# TYPE a gauge\n");
    let complete = histogram("h_bucket{le=\"+Inf\"} 0\nh_sum 0\nh_count 0\n");
    refused(5, 6, &format!("{complete}i 1\nh_sum{{x=\"1\"}} 0\n"));

    let families = "b 1\na 1\n";
    refused(5, 2, families);
    assert!(parse_by(families.as_bytes(), Rules::FORMAT).is_ok());
    let series = "a{x=\"2\"} 1\na{x=\"1\"} 1\n";
    refused(5, 2, series);
    assert!(parse_by(series.as_bytes(), Rules::FORMAT).is_ok());
    // The order is that of the values' bytes, label by label, and `le` takes no part in it.
    accepted("a{x=\"1\",y=\"2\"} 1\na{x=\"10\",y=\"1\"} 1\na{x=\"2\",y=\"1\"} 1\n");
    accepted(&histogram(
        "h_bucket{x=\"1\",le=\"5\"} 0\nh_bucket{x=\"1\",le=\"10\"} 0\nh_bucket{x=\"1\",le=\"+Inf\"} 0\nh_sum{x=\"1\"} 0\n\
         h_count{x=\"1\"} 0\nh_bucket{x=\"2\",le=\"+Inf\"} 0\nh_sum{x=\"2\"} 0\nh_count{x=\"2\"} 0\n",
    ));
}

#[test]
fn rule_6_series_and_names_are_unique_and_legal() {
    accepted("a{x=\"1\",y=\"2\"} 1\na{x=\"2\",y=\"1\"} 1\n");
    accepted("_:aZ09{_aZ09=\"1\"} 1\n");
    refused(6, 2, "a{x=\"1\"} 1\na{x=\"1\"} 2\n");
    refused(6, 2, "a{x=\"1\",y=\"2\"} 1\na{y=\"2\",x=\"1\"} 2\n");
    refused(6, 2, "a 1\na{} 2\n");
    refused(6, 1, "a{x=\"1\",x=\"2\"} 1\n");
    refused(6, 1, "a{__name__=\"b\"} 1\n");
    for name in ["9lives", "a.b", "a-b", "é", "bad name-x{"] {
        refused(if name.contains(' ') { 7 } else { 6 }, 1, &format!("{name} 1\n"));
    }
    for label in ["9x", "x:y", "x.y", "x-y", "é", ""] {
        refused(6, 1, &format!("a{{{label}=\"1\"}} 1\n"));
    }
    refused(6, 1, "{\"a.b\"} 1\n");
    refused(6, 1, "# TYPE a-b gauge\n");
    refused(6, 1, "# HELP a.b c\n");
}

#[test]
fn rule_7_numbers() {
    let read = |text: &str| accepted(&format!("a {text}\n")).families[0].samples[0].value;
    assert!(read("NaN").is_nan());
    assert_eq!((read("+Inf"), read("-Inf")), (f64::INFINITY, f64::NEG_INFINITY));
    for text in ["0", "-1", "+1", "1.5", ".5", "5.", "1e+06", "1E-05", "1e5", "18446744073709551615", "5e-324"] {
        assert_eq!(read(text), text.parse::<f64>().unwrap());
    }
    for text in [
        "inf", "Inf", "+inf", "-inf", "infinity", "nan", "NAN", "0x1p4", "0x10", "1_000", "1,5", "1e", "e5", ".", "-", "1e999",
        "--1", "1f", "\"1\"",
    ] {
        refused(7, 1, &format!("a {text}\n"));
    }
    let with_count = |count: &str| histogram(&format!("h_bucket{{le=\"+Inf\"}} {count}\nh_sum 0\nh_count {count}\n"));
    accepted(&with_count("1000000"));
    for count in ["1e+06", "1.0", "01", "+1", "-1", "NaN"] {
        refused(7, 2, &with_count(count));
    }
    refused(7, 2, &histogram("h_bucket{le=\"inf\"} 0\nh_sum 0\nh_count 0\n"));
}

#[test]
fn rule_8_histograms() {
    let complete =
        "h_bucket{le=\"0.1\"} 1\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"1e+06\"} 2\nh_bucket{le=\"+Inf\"} 3\nh_sum 9\nh_count 3\n";
    accepted(&histogram(complete));
    accepted(&histogram(""));
    refused(8, 5, &histogram(&complete.replace("h_bucket{le=\"+Inf\"} 3\n", "")));
    refused(8, 7, &histogram(&complete.replace("h_count 3", "h_count 4")));
    refused(8, 3, &histogram(&complete.replace("{le=\"1\"} 1", "{le=\"1\"} 0")));
    refused(8, 3, &histogram(&complete.replace("{le=\"1\"}", "{le=\"0.01\"}")));
    refused(8, 3, &histogram(&complete.replace("{le=\"1\"}", "{le=\"0.10\"}")));
    refused(8, 2, &histogram(&complete.replace("{le=\"0.1\"}", "")));
    refused(8, 2, &histogram("h 1\n"));
    refused(8, 5, &histogram(&complete.replace("h_sum 9\n", "")));
    refused(8, 5, &histogram(&complete.replace("h_count 3\n", "")));
    refused(8, 6, &histogram(&complete.replace("h_sum 9\nh_count 3", "h_count 3\nh_sum 9")));
    refused(8, 6, &histogram(&format!("h_sum 9\n{}", complete.replace("h_sum 9\n", ""))));
    // Labels of the user stand beside `le` and are the same on all samples of a series.
    let labelled = "h_bucket{x=\"1\",le=\"+Inf\"} 3\nh_sum{x=\"1\"} 9\nh_count{x=\"1\"} 3\n";
    accepted(&histogram(labelled));
    refused(8, 2, &histogram(&labelled.replace("h_count{x=\"1\"}", "h_count{x=\"2\"}")));
    // Above 2^53 the digits are compared, not the floats.
    let large = "h_bucket{le=\"+Inf\"} 9007199254740993\nh_sum 0\nh_count 9007199254740992\n";
    refused(8, 4, &histogram(large));
}

#[test]
fn rule_8_summaries() {
    let complete = "s{quantile=\"0.5\"} 2\ns{quantile=\"0.99\"} 7\ns_sum 9\ns_count 3\n";
    accepted(&summary(complete));
    accepted(&summary("s_sum 9\ns_count 3\n"));
    accepted(&summary("s{quantile=\"0.5\"} NaN\ns_sum 0\ns_count 0\n"));
    refused(8, 2, &summary("s{quantile=\"0.5\"} 0\ns_sum 0\ns_count 0\n"));
    refused(8, 3, &summary(&complete.replace("0.99", "0.1")));
    refused(8, 3, &summary(&complete.replace("0.99", "0.50")));
    refused(8, 3, &summary(&complete.replace("0.99", "99")));
    refused(8, 2, &summary(&complete.replace("{quantile=\"0.5\"}", "")));
    refused(8, 3, &summary(&complete.replace("s_sum 9\n", "")));
    refused(8, 4, &summary(&complete.replace("s_sum 9\ns_count 3", "s_count 3\ns_sum 9")));
    let mixed = "s_sum{x=\"1\"} 0\ns_sum{x=\"2\"} 0\ns_count{x=\"1\"} 0\ns_count{x=\"2\"} 0\n";
    refused(8, 4, &summary(mixed));
}

#[test]
fn rule_9_le_and_quantile_belong_to_the_format() {
    accepted("# TYPE g gauge\ng{le=\"1\"} 1\n# TYPE q gauge\nq{quantile=\"0.5\"} 1\n");
    refused(9, 3, &histogram("h_bucket{le=\"+Inf\"} 0\nh_sum{le=\"1\"} 0\nh_count 0\n"));
    refused(9, 4, &histogram("h_bucket{le=\"+Inf\"} 0\nh_sum 0\nh_count{le=\"1\"} 0\n"));
    refused(9, 2, &summary("s_sum{quantile=\"1\"} 0\ns_count 0\n"));
}

#[test]
fn rule_10_timestamps() {
    let stamped = parse_by(b"a 1 1733158245123\nb 1 -5\n", Rules::FORMAT).unwrap();
    assert_eq!(stamped.families[0].samples[0].timestamp, Some(1_733_158_245_123));
    refused(10, 1, "a 1 1733158245123\n");
    for timestamp in ["1.5", "1e3", "now", "9223372036854775808", ""] {
        let violation = parse_by(format!("a 1 {timestamp}\n").as_bytes(), Rules::FORMAT).unwrap_err();
        assert_eq!(violation.rule, 10, "{violation}");
    }
}

#[test]
fn rule_11_names_that_clash_after_suffixing() {
    let complete = histogram("h_bucket{le=\"+Inf\"} 0\nh_sum 0\nh_count 0\n");
    accepted(&format!("{complete}# TYPE h_total counter\nh_total 1\n"));
    accepted("# TYPE h gauge\nh 1\n# TYPE h_sum gauge\nh_sum 1\n");
    for suffix in ["_bucket", "_sum", "_count"] {
        refused(11, 5, &format!("{complete}# TYPE h{suffix} gauge\n"));
        refused(11, 2, &format!("# HELP h{suffix} H.\n# TYPE h histogram\n"));
    }
    accepted("# TYPE s summary\n# TYPE s_bucket gauge\ns_bucket 1\n");
    refused(11, 2, "# TYPE s summary\n# TYPE s_sum gauge\n");
}

#[test]
fn rule_12_counters() {
    accepted("# TYPE c_total counter\nc_total 0\n# TYPE d_total counter\nd_total 0.25\n# TYPE g gauge\ng -1\n");
    refused(12, 2, "# TYPE c_total counter\nc_total NaN\n");
    refused(12, 2, "# TYPE c_total counter\nc_total -1\n");
    refused(12, 2, "# TYPE c_total counter\nc_total -Inf\n");
}

#[test]
fn rule_13_content_type() {
    assert_eq!(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8");
    assert!(check_content_type("text/plain; version=0.0.4; charset=utf-8").is_ok());
    for header in ["text/plain", "", "text/plain;version=0.0.4;charset=utf-8", "text/plain; version=0.0.4"] {
        assert_eq!(check_content_type(header).unwrap_err().rule, 13);
    }
}

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
        let scrape = accepted(&format!("a {}\n", go_float(value)));
        let read = scrape.families[0].samples[0].value;
        assert!(read.to_bits() == bits || value.is_nan() && read.is_nan(), "{value:?}");
    }
}
