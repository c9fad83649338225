//! Findings: all of them, one for each mistake, in bounds, and in time that grows with the text alone.

use std::fmt::Write;

use tachograph_check::{Format, MOST_FINDINGS, Rules, check, parse, parse_by, read};

fn found(format: Format, text: &str) -> Vec<String> {
    let findings = check(text.as_bytes(), format, Rules::FORMAT).findings;
    findings.iter().map(|finding| format!("{}:{}:{}", finding.line, finding.column, finding.rule)).collect()
}

#[test]
fn all_mistakes_are_found_in_the_order_of_the_text() {
    let text = "# TYPE a counter\na{x=\"1\"} -1\na{x=\"\\q\"} 1\n# TYPE b gauge\nb one\nb 1\nb 1\n# TYPE h histogram\n\
                h_bucket{le=\"1\"} 1\nh_sum 1\nh_count 1";
    let expected = [
        "2:10:counter-value",
        "3:6:label-escape",
        "5:3:number",
        "7:1:series-twice",
        "11:1:bucket-inf",
        "11:10:text-final-line-feed",
    ];
    assert_eq!(found(Format::Text, text), expected);
}

#[test]
fn a_finding_is_one_line_with_rule_message_and_remedy() {
    let finding = parse(b"a 1\nb 0x1\n").unwrap_err();
    assert_eq!(finding.to_string(), "2:3: number: \"0x1\" is not a number; write a decimal number, `NaN`, `+Inf` or `-Inf`");
    let long = format!("a {}\n", "x".repeat(100_000));
    let told = parse(long.as_bytes()).unwrap_err().to_string();
    assert!(told.len() < 300 && told.contains("..."), "{told}");
    let hostile = parse(b"a \"\x1b[31m\x00\n").unwrap_err().to_string();
    assert!(hostile.chars().all(|c| !c.is_control()), "{hostile:?}");
}

#[test]
fn a_line_that_cannot_be_read_has_no_followers() {
    // The infinite bucket cannot be read, so nothing is said of its absence.
    let text = "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} one\nh_sum 1\nh_count 1\n";
    assert_eq!(found(Format::Text, text), ["3:21:number"]);
    assert_eq!(found(Format::OpenMetrics, &format!("{text}# EOF\n")), ["3:21:number"]);
    // The type of a family whose TYPE line has a mistake is still known.
    let text =
        "# TYPE  h histogram\nh_bucket{x=\"1\",le=\"+Inf\"} 1\nh_bucket{x=\"2\",le=\"+Inf\"} 1\nh_sum{x=\"2\"} 1\n# EOF\n";
    assert_eq!(found(Format::OpenMetrics, text), ["1:8:om-space"]);
    let windows = "# TYPE a gauge\r\na{x=\"1\"} 1\r\na{x=\"2\"} 1\r\n";
    assert_eq!(found(Format::Text, windows), ["1:15:carriage-return"]);
    assert_eq!(found(Format::Text, "a{x=\"raw\nline\nends\"} 1\nb 1\n"), ["1:9:label-escape"]);
}

#[test]
fn a_mistake_in_one_metric_hides_none_in_the_next() {
    let text = "# TYPE h histogram\nh_bucket{x=\"1\",le=\"1\"} 1\nh_bucket{x=\"2\",le=\"1\"} 1\n# EOF\n";
    assert_eq!(found(Format::OpenMetrics, text), ["2:1:bucket-inf", "3:1:bucket-inf"]);
}

#[test]
fn the_reading_ends_after_the_most_findings() {
    let text = "b one\n".repeat(5_000);
    let report = check(text.as_bytes(), Format::Text, Rules::FORMAT);
    assert_eq!((report.findings.len(), report.cut), (MOST_FINDINGS, true));
    assert!(!check(b"b one\n", Format::Text, Rules::FORMAT).cut);
}

#[test]
fn what_can_be_read_is_handed_out_beside_the_findings() {
    let (report, exposition) = read(b"a 1\nb one\nc 2\n", Format::Text, Rules::FORMAT);
    assert_eq!((report.findings.len(), report.families, report.samples), (1, 2, 2));
    assert_eq!(exposition.samples().map(|sample| sample.value).collect::<Vec<_>>(), [1.0, 2.0]);
    assert!(parse_by(b"a 1\n", Format::Text, Rules::FORMAT).is_ok());
}

/// Texts of some hundred kilobytes that would take a quadratic reader minutes.
fn large() -> Vec<(&'static str, String)> {
    let mut texts = vec![
        (
            "many families",
            (0..20_000).fold(String::new(), |mut text, n| {
                writeln!(text, "a{n} 1").unwrap();
                text
            }),
        ),
        (
            "many series",
            (0..12_000).fold(String::new(), |mut text, n| {
                writeln!(text, "a{{x=\"{n}\"}} 1").unwrap();
                text
            }),
        ),
        ("one line", "a".repeat(400_000)),
        ("one value", format!("a{{x=\"{}\"}} 1\n", "\\\\".repeat(200_000))),
        ("one number", format!("a 0.{}1\n", "0".repeat(400_000))),
        ("one exponent", format!("a 1e-{}\n", "9".repeat(400_000))),
        ("no line", "\n".repeat(400_000)),
        ("many braces", "{".repeat(400_000)),
        ("torn", format!("a{{x=\"\n{}", "b\n".repeat(200_000))),
    ];
    let labels = (0..6_000).fold(String::new(), |mut text, n| {
        write!(text, "x{n}=\"\",").unwrap();
        text
    });
    texts.push(("many labels", format!("a{{{labels}}} 1\n")));
    let mut histogram = "# TYPE h histogram\n".to_owned();
    for n in 0..12_000 {
        writeln!(histogram, "h_bucket{{le=\"{n}\"}} {n}").unwrap();
    }
    texts.push(("many buckets", histogram));
    let mut interleaved = String::new();
    for n in 0..10_000 {
        writeln!(interleaved, "a{{x=\"{n}\"}} 1\nb{{x=\"{n}\"}} 1").unwrap();
    }
    texts.push(("interleaved", interleaved));
    let mut split = "# TYPE h histogram\n".to_owned();
    for n in 0..6_000 {
        writeln!(split, "h_bucket{{x=\"1\",le=\"{n}\"}} {n}\nh_bucket{{x=\"2\",le=\"{n}\"}} {n}").unwrap();
    }
    texts.push(("split", split));
    let mut points = "# TYPE a gauge\n".to_owned();
    for n in 0..12_000 {
        writeln!(points, "a 1 {n}").unwrap();
    }
    texts.push(("points", points));
    let mut uneven = "# TYPE s summary\n".to_owned();
    for n in 0..12_000 {
        writeln!(uneven, "s{{quantile=\"0.{n:06}\"}} 1 0").unwrap();
    }
    for n in 1..12_000 {
        writeln!(uneven, "s_sum 1 {n}").unwrap();
    }
    texts.push(("a large point before many small ones", uneven));
    texts
}

#[test]
fn large_texts_are_read_to_their_end() {
    // What grew with the square of the text would be felt here.
    for (name, text) in large() {
        for format in Format::ALL {
            for rules in [Rules::FORMAT, Rules { timestamps: true, ..Rules::OURS }] {
                let report = check(text.as_bytes(), format, rules);
                let _guessed = Format::guess(text.as_bytes());
                for finding in report.findings {
                    assert!(finding.to_string().len() < 1_000, "{name}");
                }
            }
        }
    }
}

#[test]
fn what_is_found_does_not_depend_on_what_is_kept() {
    // A family of a type that there is not is not judged, so its samples are kept by who wants them alone. Behind them comes a type.
    let text = b"# TYPE h wrong\nh_bucket 1\n# TYPE \"\"h histogram\ng 1\nh_bucket 2\n";
    for format in Format::ALL {
        for rules in [Rules::FORMAT, Rules::OURS] {
            assert_eq!(read(text, format, rules).0, check(text, format, rules));
        }
    }
}
