//! Tests of the judge itself: for each rule of the text format a scrape that it accepts and scrapes that it refuses.

use tachograph_check::{Exposition, Format, Kind, Rule, Rules, parse};

/// Reads a scrape by the rules given.
fn parse_by(bytes: &[u8], rules: Rules) -> Result<Exposition, tachograph_check::Finding> {
    tachograph_check::parse_by(bytes, Format::Text, rules)
}

/// Reads a scrape that must follow our rules.
fn accepted(text: &str) -> Exposition {
    parse(text.as_bytes()).unwrap_or_else(|violation| panic!("{violation}\n{text}"))
}

/// Checks that a scrape is refused for that rule at that line and column, and for nothing else.
#[track_caller]
fn refused(rule: &str, line: usize, column: usize, text: &str) {
    refused_by(Rules::OURS, rule, line, column, text);
}

#[track_caller]
fn refused_by(rules: Rules, rule: &str, line: usize, column: usize, text: &str) {
    let found = tachograph_check::check(text.as_bytes(), Format::Text, rules).findings;
    let found: Vec<_> = found.iter().map(|finding| (finding.rule.id(), finding.line, finding.column)).collect();
    assert_eq!(found, [(rule, line, column)], "{text}");
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
    refused("syntax", 1, 2, "a\n");
    refused("syntax", 1, 5, "a {x}\n");
    refused("syntax", 1, 5, "a{x=1} 1\n");
    refused("label-name", 1, 3, "a{,} 1\n");
    refused("syntax", 1, 8, "a{x=\"1\"\n");
    refused("syntax", 1, 9, "a{x=\"1\"}1\n");
    refused("syntax", 1, 9, "a{x=\"1\" y=\"2\"} 1\n");
}

#[test]
fn rule_1_encoding_and_line_ends() {
    assert!(accepted("").families.is_empty());
    accepted("\n\na 1\n\n");
    refused("text-final-line-feed", 2, 4, "a 1\nb 1");
    refused("byte-order-mark", 1, 1, "\u{feff}a 1\n");
    refused("carriage-return", 1, 4, "a 1\r\n");
    refused("carriage-return", 1, 15, "# TYPE a gauge\r\na 1\n");
    refused("carriage-return", 1, 12, "# a comment\r\na 1\n");
    let finding = parse(b"a 1\nb{x=\"\xff\"} 1\n").unwrap_err();
    assert_eq!((finding.rule, finding.line, finding.column), (Rule::Utf8, 2, 6));
}

#[test]
fn rule_2_escapes_of_help() {
    let help = |text: &str| accepted(&format!("# HELP a {text}\na 1\n")).families[0].help.clone();
    assert_eq!(help(r#"one \\ two \n three " four"#).as_deref(), Some("one \\ two \n three \" four"));
    assert_eq!(help("tab\t é \u{1f680} \0 cr\r").as_deref(), Some("tab\t é \u{1f680} \0 cr\r"));
    assert_eq!(help("  two blanks more ").as_deref(), Some("  two blanks more "));
    assert_eq!(accepted("# HELP a\na 1\n").families[0].help.as_deref(), Some(""));
    refused("text-help-escape", 1, 12, "# HELP a a \\\" quote\na 1\n");
    refused("text-help-escape", 1, 12, "# HELP a a \\t tab\na 1\n");
    refused("text-help-escape", 1, 18, "# HELP a the end \\\na 1\n");
}

#[test]
fn rule_3_escapes_of_label_values() {
    let value = |text: &str| accepted(&format!("a{{x=\"{text}\"}} 1\n")).families[0].samples[0].labels[0].1.clone();
    assert_eq!(value(r#"\\ \n \""#), "\\ \n \"");
    assert_eq!(value(r"\\n \\\\"), "\\n \\\\");
    assert_eq!(value("raw \r \t \0 é \u{1f680} {},="), "raw \r \t \0 é \u{1f680} {},=");
    assert_eq!(value(""), "");
    for escape in ["\\q", "\\r", "\\t", "\\x41", "\\'"] {
        refused("label-escape", 1, 6, &format!("a{{x=\"{escape}\"}} 1\n"));
    }
    refused("label-escape", 1, 11, "a{x=\"a raw\nline end\"} 1\n");
    refused("label-escape", 1, 20, "a{x=\"trailing \\\"} 1\n");
}

#[test]
fn rule_4_metadata_once_and_first() {
    for kind in ["counter", "gauge", "untyped"] {
        accepted(&format!("# HELP a b\n# TYPE a {kind}\na 1\n"));
        accepted(&format!("# TYPE a {kind}\n# HELP a b\n"));
    }
    assert_eq!(accepted("a 1\n").families[0].kind, None);
    refused("metadata-twice", 2, 1, "# HELP a b\n# HELP a b\na 1\n");
    refused("metadata-twice", 2, 1, "# TYPE a gauge\n# TYPE a gauge\na 1\n");
    refused("metadata-late", 2, 1, "a 1\n# TYPE a gauge\n");
    refused("metadata-late", 2, 1, "a 1\n# HELP a b\n");
    for kind in ["info", "stateset", "unknown", "Gauge", "gauge ", ""] {
        refused("type", 1, 10, &format!("# TYPE a {kind}\n"));
    }
}

#[test]
fn rule_5_families_stand_together_and_in_order() {
    accepted("# HELP a A.\n# TYPE a gauge\na{x=\"1\"} 1\na{x=\"2\"} 1\n# TYPE b gauge\nb 1\n");
    refused("family-split", 3, 1, "a{x=\"1\"} 1\nb 1\na{x=\"2\"} 1\n");
    refused("family-split", 3, 1, "# HELP a A.\n# HELP b B.\n# TYPE a gauge\n");
    let complete = histogram("h_bucket{le=\"+Inf\"} 0\nh_sum 0\nh_count 0\n");
    refused("family-split", 6, 1, &format!("{complete}i 1\nh_sum{{x=\"1\"}} 0\n"));

    let families = "b 1\na 1\n";
    refused("own-family-order", 2, 1, families);
    assert!(parse_by(families.as_bytes(), Rules::FORMAT).is_ok());
    let series = "a{x=\"2\"} 1\na{x=\"1\"} 1\n";
    refused("own-series-order", 2, 1, series);
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
    refused("series-twice", 2, 1, "a{x=\"1\"} 1\na{x=\"1\"} 2\n");
    refused("series-twice", 2, 1, "a{x=\"1\",y=\"2\"} 1\na{y=\"2\",x=\"1\"} 2\n");
    refused("series-twice", 2, 1, "a 1\na{} 2\n");
    refused("label-twice", 1, 2, "a{x=\"1\",x=\"2\"} 1\n");
    refused("reserved-label", 1, 2, "a{__name__=\"b\"} 1\n");
    for (name, column) in [("9lives", 1), ("a.b", 2), ("a-b", 2), ("é", 1)] {
        refused("metric-name", 1, column, &format!("{name} 1\n"));
    }
    refused("number", 1, 5, "bad name-x{ 1\n");
    for (label, column) in [("9x", 3), ("x:y", 4), ("x.y", 4), ("x-y", 4), ("é", 3), ("", 3)] {
        refused("label-name", 1, column, &format!("a{{{label}=\"1\"}} 1\n"));
    }
    refused("metric-name", 1, 1, "{\"a.b\"} 1\n");
    refused("metric-name", 1, 9, "# TYPE a-b gauge\n");
    refused("metric-name", 1, 9, "# HELP a.b c\n");
}

#[test]
fn rule_7_numbers() {
    let read = |text: &str| accepted(&format!("a {text}\n")).families[0].samples[0].value;
    assert!(read("NaN").is_nan());
    assert_eq!((read("+Inf"), read("-Inf")), (f64::INFINITY, f64::NEG_INFINITY));
    for text in ["0", "-1", "+1", "1.5", ".5", "5.", "1e+06", "1E-05", "1e5", "18446744073709551615", "5e-324"] {
        assert_eq!(read(text), text.parse::<f64>().unwrap());
    }
    for text in ["inf", "Inf", "+inf", "-inf", "infinity", "nan", "NAN"] {
        refused("own-number", 1, 3, &format!("a {text}\n"));
        assert!(parse_by(format!("a {text}\n").as_bytes(), Rules::FORMAT).is_ok());
    }
    for text in ["+nan", "0x1p4", "0x10", "1_000", "1,5", "1e", "e5", ".", "-", "1e999", "--1", "1f", "\"1\""] {
        refused("number", 1, 3, &format!("a {text}\n"));
    }
    let with_count = |count: &str| histogram(&format!("h_bucket{{le=\"+Inf\"}} {count}\nh_sum 0\nh_count 1\n"));
    accepted(&with_count("1"));
    for count in ["1e+00", "1.0", "01", "+1"] {
        refused("own-count", 2, 21, &with_count(count));
        assert!(parse_by(with_count(count).as_bytes(), Rules::FORMAT).is_ok());
    }
    for count in ["-1", "NaN", "1.5", "+Inf"] {
        refused_by(Rules::FORMAT, "count", 2, 21, &with_count(count));
    }
    refused("bucket-bound", 2, 10, &histogram("h_bucket{le=\"inf\"} 0\nh_sum 0\nh_count 0\n"));
}

#[test]
fn rule_8_histograms() {
    let complete =
        "h_bucket{le=\"0.1\"} 1\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"1e+06\"} 2\nh_bucket{le=\"+Inf\"} 3\nh_sum 9\nh_count 3\n";
    accepted(&histogram(complete));
    accepted(&histogram(""));
    refused("bucket-inf", 6, 1, &histogram(&complete.replace("h_bucket{le=\"+Inf\"} 3\n", "")));
    refused("histogram-count", 7, 9, &histogram(&complete.replace("h_count 3", "h_count 4")));
    refused("bucket-cumulative", 3, 18, &histogram(&complete.replace("{le=\"1\"} 1", "{le=\"1\"} 0")));
    refused("bucket-order", 3, 10, &histogram(&complete.replace("{le=\"1\"}", "{le=\"0.01\"}")));
    refused("bucket-order", 3, 10, &histogram(&complete.replace("{le=\"1\"}", "{le=\"0.10\"}")));
    refused("bucket-bound", 2, 10, &histogram(&complete.replace("{le=\"0.1\"}", "")));
    refused("sample-name", 2, 1, &histogram("h 1\n"));
    refused("histogram-parts", 6, 1, &histogram(&complete.replace("h_sum 9\n", "")));
    refused("histogram-parts", 6, 1, &histogram(&complete.replace("h_count 3\n", "")));
    refused("own-part-order", 7, 1, &histogram(&complete.replace("h_sum 9\nh_count 3", "h_count 3\nh_sum 9")));
    refused("own-part-order", 7, 1, &histogram(&format!("h_sum 9\n{}", complete.replace("h_sum 9\n", ""))));
    // Labels of the user stand beside `le` and are the same on all samples of a series.
    let labelled = "h_bucket{x=\"1\",le=\"+Inf\"} 3\nh_sum{x=\"1\"} 9\nh_count{x=\"1\"} 3\n";
    accepted(&histogram(labelled));
    let finding = parse(histogram(&labelled.replace("h_count{x=\"1\"}", "h_count{x=\"2\"}")).as_bytes());
    assert_eq!(finding.unwrap_err().rule, Rule::HistogramParts);
    // Above 2^53 the digits are compared, not the floats.
    let large = "h_bucket{le=\"+Inf\"} 9007199254740993\nh_sum 0\nh_count 9007199254740992\n";
    refused("histogram-count", 4, 9, &histogram(large));
}

#[test]
fn rule_8_summaries() {
    let complete = "s{quantile=\"0.5\"} 2\ns{quantile=\"0.99\"} 7\ns_sum 9\ns_count 3\n";
    accepted(&summary(complete));
    accepted(&summary("s_sum 9\ns_count 3\n"));
    accepted(&summary("s{quantile=\"0.5\"} NaN\ns_sum 0\ns_count 0\n"));
    refused("own-empty-quantile", 2, 19, &summary("s{quantile=\"0.5\"} 0\ns_sum 0\ns_count 0\n"));
    refused("quantile", 3, 3, &summary(&complete.replace("0.99", "0.1")));
    refused("quantile", 3, 3, &summary(&complete.replace("0.99", "0.50")));
    refused("quantile", 3, 3, &summary(&complete.replace("0.99", "99")));
    refused("quantile", 2, 3, &summary(&complete.replace("{quantile=\"0.5\"}", "")));
    refused("histogram-parts", 4, 1, &summary(&complete.replace("s_sum 9\n", "")));
    refused("own-part-order", 5, 1, &summary(&complete.replace("s_sum 9\ns_count 3", "s_count 3\ns_sum 9")));
    let mixed = "s_sum{x=\"1\"} 0\ns_sum{x=\"2\"} 0\ns_count{x=\"1\"} 0\ns_count{x=\"2\"} 0\n";
    refused("own-series-order", 4, 1, &summary(mixed));
}

#[test]
fn rule_9_le_and_quantile_belong_to_the_format() {
    accepted("# TYPE g gauge\ng{le=\"1\"} 1\n# TYPE q gauge\nq{quantile=\"0.5\"} 1\n");
    refused("reserved-label", 3, 7, &histogram("h_bucket{le=\"+Inf\"} 0\nh_sum{le=\"1\"} 0\nh_count 0\n"));
    refused("reserved-label", 4, 9, &histogram("h_bucket{le=\"+Inf\"} 0\nh_sum 0\nh_count{le=\"1\"} 0\n"));
    refused("reserved-label", 2, 7, &summary("s_sum{quantile=\"1\"} 0\ns_count 0\n"));
}

#[test]
fn rule_10_timestamps() {
    let stamped = parse_by(b"a 1 1733158245123\nb 1 -5\n", Rules::FORMAT).unwrap();
    assert_eq!(stamped.families[0].samples[0].timestamp.as_ref().unwrap().text, "1733158245123");
    refused("own-timestamp", 1, 5, "a 1 1733158245123\n");
    for timestamp in ["1.5", "1e3", "now", "9223372036854775808", ""] {
        refused_by(Rules::FORMAT, "timestamp", 1, 5, &format!("a 1 {timestamp}\n"));
    }
}

#[test]
fn rule_11_names_that_clash_after_suffixing() {
    let complete = histogram("h_bucket{le=\"+Inf\"} 0\nh_sum 0\nh_count 0\n");
    accepted(&format!("{complete}# TYPE h_total counter\nh_total 1\n"));
    accepted("# TYPE h gauge\nh 1\n# TYPE h_sum gauge\nh_sum 1\n");
    for suffix in ["_bucket", "_sum", "_count"] {
        refused("name-clash", 5, 1, &format!("{complete}# TYPE h{suffix} gauge\n"));
        refused_by(Rules::FORMAT, "name-clash", 2, 1, &format!("# HELP h{suffix} H.\n# TYPE h histogram\n"));
    }
    accepted("# TYPE s summary\n# TYPE s_bucket gauge\ns_bucket 1\n");
    refused("name-clash", 2, 1, "# TYPE s summary\n# TYPE s_sum gauge\n");
}

#[test]
fn rule_12_counters() {
    accepted("# TYPE c_total counter\nc_total 0\n# TYPE d_total counter\nd_total 0.25\n# TYPE g gauge\ng -1\n");
    refused("counter-value", 2, 9, "# TYPE c_total counter\nc_total NaN\n");
    refused("counter-value", 2, 9, "# TYPE c_total counter\nc_total -1\n");
    refused("counter-value", 2, 9, "# TYPE c_total counter\nc_total -Inf\n");
}
