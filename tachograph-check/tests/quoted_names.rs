//! Names between quotes: text 1.0.0, and OpenMetrics as Prometheus 3 asks for it.

mod judge;

use judge::{accepted, refused};
use tachograph_check::{Format, Kind, Rules, parse_as};

#[test]
fn text_1_takes_names_between_quotes() {
    let text = "# HELP \"metric.name\" A \"quoted\" one.\n# TYPE \"metric.name\" gauge\n\
                {\"metric.name\",\"label.name\"=\"v\",plain=\"w\"} 1\n";
    let exposition = accepted(Format::Text1, text);
    let family = exposition.family("metric.name").unwrap();
    assert_eq!((family.kind, family.help.as_deref()), (Some(Kind::Gauge), Some("A \"quoted\" one.")));
    assert_eq!(exposition.value("metric.name", &[("label.name", "v"), ("plain", "w")]), Some(1.0));
    assert!(parse_as(text.as_bytes(), Format::Text1).is_ok());
    for text in
        ["{\"a.b\"} 1\n", " { \"a.b\" , x=\"1\", } 1 5\n", "{\"a\"} 1\n", "a{\"x.y\"=\"1\"} 1\n", "a{\"x\"=\"1\"} 1\n", "a 1\n"]
    {
        accepted(Format::Text1, text);
    }
    assert_eq!(accepted(Format::Text1, "{\"a\\\\\\n\\\"é\"} 1\n").families[0].name, "a\\\n\"é");
}

#[test]
fn openmetrics_takes_names_between_quotes() {
    let text = "# TYPE \"http.requests_seconds\" counter\n# UNIT \"http.requests_seconds\" seconds\n\
                {\"http.requests_seconds_total\",\"http.route\"=\"/\"} 1 # {\"trace.id\"=\"5\"} 1\n# TYPE \"z.h\" histogram\n\
                {\"z.h_bucket\",le=\"+Inf\"} 1\n{\"z.h_sum\"} 1\n{\"z.h_count\"} 1\n# EOF\n";
    let exposition = accepted(Format::OpenMetricsUtf8, text);
    assert_eq!(exposition.family("http.requests_seconds").unwrap().samples.len(), 1);
    assert_eq!(exposition.value("z.h_count", &[]), Some(1.0));
    assert!(parse_as(text.as_bytes(), Format::OpenMetricsUtf8).is_ok());
    accepted(Format::OpenMetricsUtf8, "# TYPE \"s.s\" stateset\n{\"s.s\",\"s.s\"=\"on\"} 1\n# EOF\n");
    accepted(Format::OpenMetricsUtf8, "# TYPE a gauge\n{\"a\"} 1\n# EOF\n");
}

#[test]
fn a_quoted_name_stands_first_between_the_braces_and_once() {
    let both = |rule: &str, column: usize, sample: &str| {
        refused(Format::Text1, Rules::FORMAT, rule, 1, column, &format!("{sample}\n"));
        refused(Format::OpenMetricsUtf8, Rules::FORMAT, rule, 1, column, &format!("{sample}\n# EOF\n"));
    };
    both("metric-name", 1, "\"a.b\" 1");
    both("metric-name", 1, "{} 1");
    both("metric-name", 1, "{x=\"1\"} 1");
    both("label-name", 2, "{\"\"} 1");
    both("syntax", 7, "{\"a.b\"x=\"1\"} 1");
    both("label-escape", 4, "{\"a\\q\"} 1");
    both("label-escape", 6, "{\"a.b");
    refused(Format::Text1, Rules::FORMAT, "metric-name", 1, 3, "a{\"a.b\"} 1\n");
    refused(Format::Text1, Rules::FORMAT, "metric-name", 1, 8, "{x=\"1\",\"a.b\"} 1\n");
    refused(Format::OpenMetricsUtf8, Rules::FORMAT, "syntax", 1, 8, "a{\"a.b\"} 1\n# EOF\n");
    refused(Format::OpenMetricsUtf8, Rules::FORMAT, "syntax", 1, 13, "{x=\"1\",\"a.b\"} 1\n# EOF\n");
    refused(Format::OpenMetricsUtf8, Rules::FORMAT, "syntax", 1, 8, "{\"a.b\",} 1\n# EOF\n");
    refused(Format::OpenMetricsUtf8, Rules::FORMAT, "om-space", 1, 8, "{\"a.b\", x=\"1\"} 1\n# EOF\n");
    refused(Format::OpenMetricsUtf8, Rules::FORMAT, "om-reserved-name", 1, 8, "{\"a.b\",\"_x\"=\"1\"} 1\n# EOF\n");
}

#[test]
fn the_same_name_with_and_without_quotes_is_one_name() {
    refused(Format::Text1, Rules::FORMAT, "series-twice", 2, 1, "a 1\n{\"a\"} 1\n");
    refused(Format::Text1, Rules::FORMAT, "label-twice", 1, 2, "a{x=\"1\",\"x\"=\"2\"} 1\n");
    refused(Format::Text1, Rules::FORMAT, "reserved-label", 1, 2, "a{\"__name__\"=\"b\"} 1\n");
}

#[test]
fn formats_without_quoted_names_refuse_them() {
    refused(Format::Text, Rules::FORMAT, "metric-name", 1, 1, "{\"a.b\"} 1\n");
    refused(Format::Text, Rules::FORMAT, "label-name", 1, 3, "a{\"x.y\"=\"1\"} 1\n");
    refused(Format::Text, Rules::FORMAT, "metric-name", 1, 8, "# TYPE \"a.b\" gauge\n");
    refused(Format::OpenMetrics, Rules::FORMAT, "metric-name", 1, 1, "{\"a.b\"} 1\n# EOF\n");
    refused(Format::OpenMetrics, Rules::FORMAT, "label-name", 1, 3, "a{\"x.y\"=\"1\"} 1\n# EOF\n");
}
