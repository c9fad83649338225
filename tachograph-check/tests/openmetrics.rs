//! OpenMetrics: the lines, the metadata and the families. For each rule texts that are accepted and texts that are refused.
//!
//! Python's parser (prometheus_client 0.26) was asked for its verdict on all of them; where it differs, a comment says so and
//! why the specification decides otherwise.

mod judge;

use judge::{not_ours, open, refused, refused_open};
use tachograph_check::{Format, Kind, Rules, check, parse_as};

#[track_caller]
fn whole(text: &str) {
    judge::accepted(Format::OpenMetrics, text);
}

#[track_caller]
fn refused_whole(rule: &str, line: usize, column: usize, text: &str) {
    refused(Format::OpenMetrics, Rules::FORMAT, rule, line, column, text);
}

/// The specification's own example of a complete exposition.
const COMPLETE: &str = "\
# TYPE acme_http_router_request_seconds summary
# UNIT acme_http_router_request_seconds seconds
# HELP acme_http_router_request_seconds Latency though all of ACME's HTTP request router.
acme_http_router_request_seconds_sum{path=\"/api/v1\",method=\"GET\"} 9036.32
acme_http_router_request_seconds_count{path=\"/api/v1\",method=\"GET\"} 807283.0
acme_http_router_request_seconds_created{path=\"/api/v1\",method=\"GET\"} 1605281325.0
acme_http_router_request_seconds_sum{path=\"/api/v2\",method=\"POST\"} 479.3
acme_http_router_request_seconds_count{path=\"/api/v2\",method=\"POST\"} 34.0
acme_http_router_request_seconds_created{path=\"/api/v2\",method=\"POST\"} 1605281325.0
# TYPE go_goroutines gauge
# HELP go_goroutines Number of goroutines that currently exist.
go_goroutines 69
# TYPE process_cpu_seconds counter
# UNIT process_cpu_seconds seconds
# HELP process_cpu_seconds Total user and system CPU time spent in seconds.
process_cpu_seconds_total 4.20072246e+06
# EOF
";

#[test]
fn the_whole_example_of_the_specification_is_read_as_it_was_meant() {
    let exposition = judge::accepted(Format::OpenMetrics, COMPLETE);
    let names: Vec<_> = exposition.families.iter().map(|family| family.name.as_str()).collect();
    assert_eq!(names, ["acme_http_router_request_seconds", "go_goroutines", "process_cpu_seconds"]);
    let cpu = exposition.family("process_cpu_seconds").unwrap();
    assert_eq!((cpu.kind, cpu.unit.as_deref(), cpu.line), (Some(Kind::Counter), Some("seconds"), 13));
    assert_eq!(cpu.help.as_deref(), Some("Total user and system CPU time spent in seconds."));
    assert_eq!(cpu.samples[0].text, "4.20072246e+06");
    assert_eq!(exposition.value("process_cpu_seconds_total", &[]), Some(4_200_722.46));
    let report = check(COMPLETE.as_bytes(), Format::OpenMetrics, Rules::FORMAT);
    assert_eq!((report.families, report.samples, report.cut), (3, 8, false));
}

#[test]
fn the_end_is_one_eof() {
    whole("# EOF\n");
    whole("# EOF");
    whole("a 1\n# EOF");
    refused_whole("om-eof", 1, 1, "");
    refused_whole("om-eof", 1, 4, "a 1\n");
    refused_whole("om-eof", 1, 4, "a 1");
    refused_whole("om-eof", 2, 1, "# EOF\n\n");
    refused_whole("om-eof", 2, 1, "# EOF\na 1\n");
    refused_whole("om-eof", 3, 1, "a 1\n# EOF\n# EOF\n");
    refused_whole("om-eof", 1, 1, "# EOF \n");
    refused_whole("om-eof", 1, 1, "#EOF\n");
    refused_whole("om-eof", 2, 1, "a 1\n#  EOF\n");
    refused_whole("om-space", 2, 1, "a 1\n # EOF\n");
    refused_whole("carriage-return", 2, 6, "a 1\n# EOF\r\n");
    refused(Format::OpenMetrics, Rules::OURS, "own-metadata", 2, 6, "a 1\n# EOF");
}

#[test]
fn there_is_no_byte_order_mark_and_no_line_but_samples_and_metadata() {
    refused_whole("byte-order-mark", 1, 1, "\u{feff}a 1\n# EOF\n");
    refused_open("om-blank-line", 1, 1, "\n");
    refused_open("om-blank-line", 2, 1, "a 1\n\nb 1\n");
    refused_open("om-blank-line", 1, 1, "  \n");
    refused_open("om-comment", 1, 1, "# a comment\na 1\n");
    refused_open("om-comment", 2, 1, "a 1\n#\n");
    refused_open("om-comment", 1, 1, "# type a gauge\n");
    refused_open("om-comment", 1, 1, "# EOF and more\n");
    refused_open("om-comment", 1, 1, "# FOO a b\n");
}

#[test]
fn carriage_returns_are_told_once_and_are_content_within_strings() {
    refused_whole("carriage-return", 1, 4, "a 1\r\nb 1\r\n# EOF\r\n");
    refused_whole("carriage-return", 1, 15, "# TYPE a gauge\r\n# HELP a b\r\na 1\r\n# EOF\n");
    // The grammar has it in HELP, where no escape could stand for it.
    let exposition = open("# HELP a b\r\na{x=\"\r\"} 1\n");
    assert_eq!(exposition.families[0].help.as_deref(), Some("b\r"));
    assert_eq!(exposition.families[0].samples[0].label("x"), Some("\r"));
}

#[test]
fn the_text_is_utf_8_with_every_character() {
    let exposition = open("# HELP a \0 é \u{1f680}\na{x=\"\0 \t é \u{1f680} {},= #\"} 1\n");
    assert_eq!(exposition.families[0].samples[0].label("x"), Some("\0 \t é \u{1f680} {},= #"));
    let found = check(b"a{x=\"\xc3\xa9\xff\"} 1\n# EOF\n", Format::OpenMetrics, Rules::FORMAT).findings;
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].rule.id(), found[0].line, found[0].column), ("utf8", 1, 7));
}

#[test]
fn single_spaces_stand_between_the_parts() {
    open("a 1\nb{} 1 5\n");
    refused_open("om-space", 1, 3, "a  1\n");
    refused_open("om-space", 1, 2, "a\t1\n");
    refused_open("om-space", 1, 1, " a 1\n");
    refused_open("om-space", 1, 5, "a 1 \n");
    refused_open("om-space", 1, 5, "a 1  5\n");
    refused_open("om-space", 1, 7, "a 1 5 \n");
    refused_open("number", 1, 3, "a {x=\"1\"} 1\n");
    refused_open("om-space", 1, 3, "a{ x=\"1\"} 1\n");
    refused_open("om-space", 1, 4, "a{x =\"1\"} 1\n");
    refused_open("om-space", 1, 5, "a{x= \"1\"} 1\n");
    refused_open("om-space", 1, 8, "a{x=\"1\" } 1\n");
    refused_open("om-space", 1, 9, "a{x=\"1\", y=\"2\"} 1\n");
    refused_open("om-space", 1, 3, "a{ } 1\n");
    refused_open("om-space", 1, 8, "# TYPE  a gauge\na 1\n");
    refused_open("om-space", 1, 10, "# TYPE a  gauge\na 1\n");
    refused_open("om-space", 1, 10, "# TYPE a gauge \na 1\n");
    refused_open("om-space", 1, 3, "#  TYPE a gauge\na 1\n");
    refused_open("om-space", 1, 7, "# TYPE\ta gauge\na 1\n");
    refused_open("syntax", 1, 2, "#TYPE a gauge\na 1\n");
    refused_open("om-space", 1, 10, "# UNIT a  s\n");
    // Behind the one space of HELP blanks are content.
    assert_eq!(open("# HELP a  b \na 1\n").families[0].help.as_deref(), Some(" b "));
}

#[test]
fn braces_hold_labels_between_commas() {
    open("a{x=\"1\",y=\"2\"} 1\n");
    open("a{} 1\n");
    refused_open("syntax", 1, 9, "a{x=\"1\",} 1\n");
    refused_open("label-name", 1, 3, "a{,} 1\n");
    refused_open("syntax", 1, 8, "a{x=\"1\"y=\"2\"} 1\n");
    refused_open("syntax", 1, 5, "a{x=1} 1\n");
    refused_open("syntax", 1, 4, "a{x} 1\n");
    refused_open("syntax", 1, 8, "a{x=\"1\"\n");
    refused_open("syntax", 1, 9, "a{x=\"1\"}1\n");
    refused_open("syntax", 1, 2, "a\n");
    refused_open("label-twice", 1, 2, "a{x=\"1\",x=\"2\"} 1\n");
    refused_open("reserved-label", 1, 2, "a{__name__=\"b\"} 1\n");
}

#[test]
fn escapes_stand_for_three_characters_and_a_backslash_for_itself() {
    let value = |text: &str| open(&format!("a{{x=\"{text}\"}} 1\n")).families[0].samples[0].labels[0].1.clone();
    assert_eq!(value(r#"\\ \n \""#), "\\ \n \"");
    assert_eq!(value(r"\\n \\\\"), "\\n \\\\");
    assert_eq!(value(r"\q"), "\\q");
    not_ours("own-escape", 1, 6, "a{x=\"\\q\"} 1\n");
    refused_open("label-escape", 1, 15, "a{x=\"open\\\"} 1\n");
    refused_open("label-escape", 1, 9, "a{x=\"raw\nline\"} 1\n");

    let help = |text: &str| open(&format!("# HELP a {text}\n")).families[0].help.clone().unwrap();
    assert_eq!(help(r#"\\ \n \""#), "\\ \n \"");
    assert_eq!(help(r"\q"), "\\q");
    not_ours("own-escape", 1, 10, "# HELP a \\q\n");
    // Python's parser takes a bare quote, which the grammar of an escaped string does not have.
    refused_open("om-help-escape", 1, 10, "# HELP a \"b\"\n");
    refused_open("om-help-escape", 1, 10, "# HELP a \\\n");
}

#[test]
fn metadata_stand_once_and_first() {
    open("# TYPE a_s gauge\n# UNIT a_s s\n# HELP a_s A.\na_s 1\n");
    not_ours("own-metadata", 2, 1, "# HELP a A.\n# TYPE a gauge\na 1\n");
    not_ours("own-metadata", 2, 1, "# HELP a_s A.\n# UNIT a_s s\na_s 1\n");
    refused_open("metadata-twice", 2, 1, "# TYPE a gauge\n# TYPE a gauge\na 1\n");
    refused_open("metadata-twice", 2, 1, "# HELP a A.\n# HELP a A.\na 1\n");
    refused_open("metadata-twice", 2, 1, "# HELP a \n# HELP a A.\na 1\n");
    refused_open("metadata-twice", 2, 1, "# UNIT a_s s\n# UNIT a_s s\na_s 1\n");
    refused_open("metadata-late", 2, 1, "a 1\n# TYPE a gauge\n");
    refused_open("metadata-late", 3, 1, "# TYPE a gauge\na 1\n# HELP a A.\n");
    refused_open("metadata-late", 3, 1, "# TYPE a_s gauge\na_s 1\n# UNIT a_s s\n");
    // The space behind the name is there also if nothing follows.
    open("# HELP a \n# UNIT a \n");
    refused_open("syntax", 1, 9, "# HELP a\n");
    refused_open("syntax", 1, 9, "# UNIT a\n");
    refused_open("syntax", 1, 9, "# TYPE a\na 1\n");
    refused_open("syntax", 1, 7, "# HELP\n");
}

#[test]
fn types_are_those_of_openmetrics() {
    for (name, kind) in [
        ("counter", Kind::Counter),
        ("gauge", Kind::Gauge),
        ("histogram", Kind::Histogram),
        ("gaugehistogram", Kind::GaugeHistogram),
        ("summary", Kind::Summary),
        ("info", Kind::Info),
        ("stateset", Kind::StateSet),
        ("unknown", Kind::Unknown),
    ] {
        assert_eq!(open(&format!("# TYPE a {name}\n")).families[0].kind, Some(kind));
    }
    assert_eq!(open("a 1\n").families[0].kind, None);
    for wrong in ["untyped", "Gauge", "gauges", "COUNTER", "meh"] {
        refused_open("type", 1, 10, &format!("# TYPE a {wrong}\na 1\n"));
    }
    // Nothing follows from the wrong type, whatever its samples are.
    refused_open(
        "type",
        1,
        10,
        "# TYPE h histgram\nh_bucket{x=\"1\"} 1\nh_sum{x=\"1\"} 1\nh_bucket{x=\"2\"} 1\nh_sum{x=\"2\"} 1\n",
    );
}

#[test]
fn families_stand_together() {
    open("# TYPE a gauge\n# TYPE b gauge\nb 1\n# HELP c C.\n");
    open("a 1\nb 1\nc 1\n");
    refused_open("family-split", 3, 1, "# TYPE a gauge\n# TYPE b gauge\n# HELP a A.\n");
    refused_open("family-split", 3, 1, "a{x=\"1\"} 1\nb 1\na{x=\"2\"} 1\n");
    refused_open("family-split", 4, 1, "# TYPE a counter\na_total 1\nb 1\na_created 1\n");
    refused_open("family-split", 3, 1, "# TYPE a counter\n# TYPE b gauge\na_total 1\n");
    // Many pieces are told once.
    let pieces = "a{x=\"1\"} 1\nb{x=\"1\"} 1\na{x=\"2\"} 1\na{x=\"3\"} 1\n";
    refused_open("family-split", 3, 1, pieces);
}

#[test]
fn names_do_not_clash_with_the_samples_of_other_types() {
    open("# TYPE a counter\na_total 1\n# TYPE a_sum gauge\na_sum 1\n");
    open("# TYPE a gauge\na 1\n# TYPE a_total gauge\na_total 1\n# TYPE a_created gauge\n");
    refused_open("name-clash", 3, 1, "# TYPE a counter\na_total 1\n# TYPE a_created gauge\na_created 1\n");
    refused_open("name-clash", 2, 1, "# TYPE a_total gauge\n# TYPE a counter\n");
    refused_open("name-clash", 2, 1, "# TYPE a_info gauge\n# TYPE a info\n");
    refused_open("name-clash", 2, 1, "# TYPE a_gsum gauge\n# TYPE a gaugehistogram\n");
    for suffix in ["_bucket", "_count", "_sum", "_created"] {
        refused_open("name-clash", 2, 1, &format!("# TYPE a{suffix} gauge\n# TYPE a histogram\n"));
        refused_open("name-clash", 2, 1, &format!("# TYPE a histogram\n# TYPE a{suffix} gauge\n"));
    }
    for suffix in ["_count", "_sum", "_created"] {
        refused_open("name-clash", 2, 1, &format!("# TYPE a summary\n# TYPE a{suffix} gauge\n"));
    }
    // Also metadata alone is a family, of the unknown type.
    refused_open("name-clash", 2, 1, "# HELP a_total A.\n# TYPE a counter\n");
    // Python's parser holds the bare name of a counter against others, though no sample has it.
    open("# TYPE a counter\na_total 1\n# TYPE a_total counter\na_total_total 1\n");
}

#[test]
fn names_have_the_legal_alphabets_and_do_not_begin_with_an_underscore() {
    open("aZ09_:{aZ09_=\"1\"} 1\n:a 1\n");
    for (name, column) in [("9a", 1), ("a.b", 2), ("a-b", 2), ("é", 1)] {
        refused_open("metric-name", 1, column, &format!("{name} 1\n"));
        refused_open("metric-name", 1, column + 7, &format!("# TYPE {name} gauge\n"));
    }
    for (name, column) in [("9x", 3), ("x:y", 4), ("x.y", 4), ("é", 3), ("", 3)] {
        refused_open("label-name", 1, column, &format!("a{{{name}=\"1\"}} 1\n"));
    }
    refused_open("metric-name", 1, 1, "{\"a.b\"} 1\n");
    refused_open("metric-name", 1, 1, "{x=\"1\"} 1\n");
    // Python's parser takes these, which the specification reserves.
    refused_open("om-reserved-name", 1, 1, "_a 1\n");
    refused_open("om-reserved-name", 1, 8, "# TYPE _a gauge\n");
    refused_open("om-reserved-name", 1, 3, "a{_x=\"1\"} 1\n");
    refused_open("om-reserved-name", 1, 3, "a{__x=\"1\"} 1\n");
}

#[test]
fn the_unit_ends_the_name() {
    open("# TYPE a_seconds counter\n# UNIT a_seconds seconds\na_seconds_total 1\n");
    open("# TYPE a counter\n# UNIT a \na_total 1\n");
    open("# UNIT a_b_c b_c\n");
    refused_open("om-unit", 2, 10, "# TYPE a counter\n# UNIT a seconds\na_total 1\n");
    refused_open("om-unit", 1, 17, "# UNIT aseconds seconds\n");
    refused_open("om-unit", 1, 16, "# UNIT seconds seconds\n");
    refused_open("om-unit", 2, 24, "# TYPE a_seconds_total gauge\n# UNIT a_seconds_total seconds\n");
    refused_open("om-unit", 1, 1, "# TYPE a_s info\n# UNIT a_s s\na_s_info 1\n");
    refused_open("om-unit", 1, 1, "# TYPE a_s stateset\n# UNIT a_s s\na_s{a_s=\"x\"} 1\n");
    open("# TYPE a info\n# UNIT a \na_info 1\n");
    refused_open("om-unit", 1, 13, "# UNIT a_s s/s\n");
}

#[test]
fn numbers_are_those_of_the_grammar() {
    for text in [
        "1",
        "+1",
        "-1",
        "0042",
        "1.",
        ".5",
        "1.5",
        "-.5",
        "1e6",
        "1E6",
        "1e+06",
        "1.e-5",
        "NaN",
        "nan",
        "+Inf",
        "-inf",
        "inf",
        "Infinity",
        "-INFINITY",
    ] {
        let read = open(&format!("a {text}\n")).families[0].samples[0].value;
        let meant: f64 = text.parse().unwrap();
        assert!(read == meant || read.is_nan() && meant.is_nan(), "{text}");
    }
    for text in
        ["0x10", "0x1p4", "1_000", "1,5", "1e", "e5", ".", "+", "--1", "1f", "\"1\"", "infinite", "1e999", "-nan", "+NaN", "1a"]
    {
        refused_open("number", 1, 3, &format!("a {text}\n"));
    }
    not_ours("own-number", 1, 3, "a inf\n");
    not_ours("own-number", 1, 3, "a nan\n");
}

#[test]
fn timestamps_are_seconds_and_increase() {
    let exposition = open("# TYPE a gauge\na 1 1520879607.789\n");
    let timestamp = exposition.families[0].samples[0].timestamp.as_ref().unwrap();
    assert_eq!((timestamp.text.as_str(), timestamp.value), ("1520879607.789", 1_520_879_607.789));
    open("# TYPE a gauge\na 1 123\na 2 456\n");
    open("# TYPE a gauge\na 1 -5\na 2 +1.5e3\n");
    // A nanosecond apart, which a float would not tell.
    open("# TYPE a gauge\na 1 1604676851.123456788\na 2 1604676851.123456789\n");
    refused_open("om-point-time", 3, 5, "# TYPE a gauge\na 1 1604676851.123456789\na 2 1604676851.123456788\n");
    refused_open("om-point-time", 3, 5, "# TYPE a gauge\na 1 456\na 2 123\n");
    refused_open("om-point-time", 3, 1, "# TYPE a gauge\na 1 456\na 2\n");
    refused_open("om-point-time", 3, 5, "# TYPE a gauge\na 1\na 2 456\n");
    // Python's parser drops the second one in silence.
    refused_open("series-twice", 3, 1, "# TYPE a gauge\na 1 456\na 2 456.0\n");
    refused_open("series-twice", 2, 1, "a 1\na 2\n");
    refused_open("series-twice", 2, 1, "a{x=\"1\",y=\"2\"} 1\na{y=\"2\",x=\"1\"} 2\n");
    for text in ["now", "NaN", "+Inf", "1_0", "1e999", "5s"] {
        refused_open("timestamp", 1, 5, &format!("a 1 {text}\n"));
    }
    not_ours("own-timestamp", 1, 5, "a 1 5\n");
}

#[test]
fn metrics_and_points_are_not_interleaved() {
    let head = "# TYPE foo_seconds summary\n# UNIT foo_seconds seconds\n";
    open(&format!(
        "{head}foo_seconds_count{{a=\"bb\"}} 0 123\nfoo_seconds_sum{{a=\"bb\"}} 0 123\nfoo_seconds_count{{a=\"bb\"}} 0 456\n\
         foo_seconds_sum{{a=\"bb\"}} 0 456\nfoo_seconds_count{{a=\"ccc\"}} 0 123\nfoo_seconds_sum{{a=\"ccc\"}} 0 123\n\
         foo_seconds_count{{a=\"ccc\"}} 0 456\nfoo_seconds_sum{{a=\"ccc\"}} 0 456\n"
    ));
    // The specification's two incorrect examples.
    refused_open(
        "om-metric-split",
        5,
        1,
        &format!(
            "{head}foo_seconds_count{{a=\"bb\"}} 0 123\nfoo_seconds_count{{a=\"ccc\"}} 0 123\n\
             foo_seconds_count{{a=\"bb\"}} 0 456\nfoo_seconds_count{{a=\"ccc\"}} 0 456\n"
        ),
    );
    refused_open(
        "om-point-time",
        5,
        27,
        &format!(
            "{head}foo_seconds_count{{a=\"bb\"}} 0 123\nfoo_seconds_count{{a=\"bb\"}} 0 456\n\
             foo_seconds_sum{{a=\"bb\"}} 0 123\nfoo_seconds_sum{{a=\"bb\"}} 0 456\n"
        ),
    );
    refused_open("om-metric-split", 4, 1, "# TYPE a counter\na_total{x=\"1\"} 1\na_total{x=\"2\"} 1\na_created{x=\"1\"} 1\n");
}

#[test]
fn our_own_order_is_that_of_names_and_label_values() {
    not_ours("own-family-order", 2, 1, "b 1\na 1\n");
    not_ours("own-series-order", 2, 1, "a{x=\"2\"} 1\na{x=\"1\"} 1\n");
    let text = "# TYPE a counter\na_total{x=\"1\"} 1\na_created{x=\"1\"} 1\na_total{x=\"2\"} 1\n\
                # TYPE b stateset\nb{b=\"z\"} 1\nb{b=\"a\"} 0\n\
                # TYPE jobs_lost counter\njobs_lost_total 0\n# TYPE jobs counter\njobs_total 1\n# EOF\n";
    assert!(parse_as(text.as_bytes(), Format::OpenMetrics).is_ok());
}
