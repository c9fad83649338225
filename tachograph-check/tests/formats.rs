//! How a format is told from another, and the rules as a table.

use std::collections::HashSet;

use tachograph_check::{Format, Rule, Rules};

#[test]
fn a_content_type_names_its_format_in_any_spelling() {
    for format in Format::ALL {
        assert_eq!(Format::of_content_type(format.content_type()), Some(format));
        assert_eq!(Format::of_content_type(&format.content_type().to_uppercase()), Some(format));
        assert_eq!(Format::of_content_type(&format.content_type().replace("; ", " ;")), Some(format));
    }
    let of = Format::of_content_type;
    assert_eq!(of("text/plain"), Some(Format::Text));
    assert_eq!(of("text/plain; charset=utf-8"), Some(Format::Text));
    assert_eq!(of("text/plain;version=1.0.0;escaping=allow-utf-8"), Some(Format::Text1));
    assert_eq!(of("application/openmetrics-text"), Some(Format::OpenMetrics));
    assert_eq!(of("application/openmetrics-text; version=\"0.0.1\""), Some(Format::OpenMetrics));
    for other in
        ["", "text/html", "text/plain; version=0.0.5", "application/openmetrics-text; version=2.0.0", "application/json", ";"]
    {
        assert_eq!(of(other), None, "{other}");
    }
}

#[test]
fn a_sloppy_content_type_is_a_finding() {
    for format in Format::ALL {
        assert!(format.check_content_type(format.content_type(), Rules::OURS).is_ok());
    }
    let escaped = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";
    assert!(Format::Text.check_content_type(escaped, Rules::OURS).is_ok());
    assert!(Format::OpenMetricsUtf8.check_content_type(Format::OpenMetrics.content_type(), Rules::OURS).is_ok());
    let refused = |header: &str, rules: Rules| {
        let finding = Format::Text.check_content_type(header, rules).unwrap_err();
        assert_eq!((finding.rule, finding.line, finding.column), (Rule::ContentType, 0, 0));
        assert!(finding.to_string().ends_with("; send `text/plain; version=0.0.4; charset=utf-8`"), "{finding}");
    };
    for header in
        ["text/plain", "text/plain; version=0.0.4", "text/plain;charset=utf-8;version=0.0.4;", "Text/Plain; Charset=\"UTF-8\""]
    {
        assert!(Format::Text.check_content_type(header, Rules::FORMAT).is_ok(), "{header}");
        refused(header, Rules::OURS);
    }
    for header in [
        "",
        "text/html",
        "text/plain; version=0.0.5",
        "text/plain; version=0.0.4; charset=latin1",
        "text/plain; version=0.0.4; charset=utf-8; escaping=none",
        "text/plain; version=0.0.4; charset=utf-8; q=1",
        "text/plain; version",
    ] {
        refused(header, Rules::FORMAT);
    }
    let openmetrics = |header| Format::OpenMetrics.check_content_type(header, Rules::FORMAT).is_ok();
    assert!(openmetrics("application/openmetrics-text;charset=utf-8;version=1.0.0"));
    assert!(!openmetrics("application/openmetrics-text; version=1.0.0") && !openmetrics("application/openmetrics-text"));
    assert!(Format::Text1.check_content_type("text/plain; charset=utf-8", Rules::FORMAT).is_err());
}

#[test]
fn a_text_is_guessed_by_its_end_and_its_names() {
    for (text, format) in [
        ("", Format::Text),
        ("a 1\n", Format::Text),
        ("# EOF\na 1\n", Format::Text),
        ("a 1 # EOF\n", Format::Text),
        ("a{x=\"{\\\"a.b\\\"}\"} 1\n", Format::Text),
        ("# HELP a {\"a.b\"} 1\na 1\n", Format::Text),
        ("{\"a.b\"} 1\n", Format::Text1),
        ("a{x=\"1\", \"x.y\"=\"1\"} 1\n", Format::Text1),
        ("# TYPE \"a.b\" gauge\n", Format::Text1),
        ("# EOF", Format::OpenMetrics),
        ("# EOF\n", Format::OpenMetrics),
        ("a 1\r\n# EOF\r\n", Format::OpenMetrics),
        ("a 1\n# EOF\n\n", Format::OpenMetrics),
        ("# UNIT \"a.b\" b\n# EOF\n", Format::OpenMetricsUtf8),
        ("{ \"a.b\"} 1\n# EOF\n", Format::OpenMetricsUtf8),
    ] {
        assert_eq!(Format::guess(text.as_bytes()), format, "{text:?}");
    }
    assert_eq!(Format::guess(b"\xff\"{\xff"), Format::Text);
}

#[test]
fn rules_have_identifiers_of_their_own_and_whole_sentences() {
    let ids: HashSet<_> = Rule::ALL.iter().map(|rule| rule.id()).collect();
    assert_eq!(ids.len(), Rule::ALL.len());
    for rule in Rule::ALL {
        assert_eq!(Rule::of_id(rule.id()), Some(*rule));
        assert!(rule.id().bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'), "{rule}");
        assert!(rule.statement().ends_with('.') && !rule.remedy().ends_with('.') && !rule.name().is_empty(), "{rule}");
    }
    assert_eq!(Rule::of_id("no-such-rule"), None);
}
