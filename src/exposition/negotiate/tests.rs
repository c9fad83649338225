use proptest::prelude::*;

use super::*;

const TEXT: Encoding = Encoding::TEXT;

fn of(format: Format) -> Encoding {
    Encoding::new(format, Escaping::Underscores)
}

fn negotiate(accept: &str) -> Encoding {
    Encoding::negotiate([accept])
}

#[cfg(feature = "protobuf")]
const PROTOBUF: &str = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";

#[test]
fn real_scrapers_get_what_they_like_best() {
    for (accept, expected) in [
        // Prometheus 2.42.
        (
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
             text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            of(Format::OpenMetrics),
        ),
        // Prometheus 2.53.3.
        (
            "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,\
             text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
            of(Format::OpenMetrics),
        ),
        // VictoriaMetrics.
        ("text/plain;version=0.0.4;q=1,*/*;q=0.1", TEXT),
        // Prometheus 3, as its documents have it.
        (
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
             application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,\
             text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
            Encoding::new(Format::OpenMetrics, Escaping::AllowUtf8),
        ),
        // Prometheus 3.5.3, plain and with native histograms.
        (
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
             application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
             text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
            Encoding::new(Format::OpenMetrics, Escaping::AllowUtf8),
        ),
        #[cfg(feature = "protobuf")]
        (
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,\
             application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
             application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,\
             text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
            Encoding::new(Format::Protobuf, Escaping::Underscores),
        ),
        // curl, and a browser.
        ("*/*", TEXT),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8", TEXT),
    ] {
        assert_eq!(negotiate(accept), expected, "{accept}");
    }
}

#[cfg(feature = "protobuf")]
#[test]
fn prometheus_with_native_histograms_gets_protobuf() {
    for accept in [
        // 2.42.
        format!(
            "{PROTOBUF},application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;q=0.75,\
             text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
        ),
        // 2.53.3.
        format!(
            "{PROTOBUF};q=0.5,application/openmetrics-text;version=1.0.0;q=0.4,\
             application/openmetrics-text;version=0.0.1;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
        ),
    ] {
        assert_eq!(negotiate(&accept), of(Format::Protobuf), "{accept}");
    }
}

#[cfg(feature = "protobuf")]
#[test]
fn protobuf_has_to_be_asked_for_as_it_is_served() {
    let kind = "application/vnd.google.protobuf";
    for accept in [
        kind.to_owned(),
        format!("{kind};proto=io.prometheus.client.MetricFamily"),
        format!("{kind};proto=io.prometheus.client.MetricFamily;encoding=text"),
        format!("{kind};proto=io.prometheus.client.Other;encoding=delimited"),
        format!("{PROTOBUF};q=0"),
        format!("{PROTOBUF};q=0.1, */*"),
    ] {
        assert_eq!(negotiate(&accept), TEXT, "{accept}");
    }
    let quoted = format!("{kind}; Encoding=\"delimited\"; escaping=dots; PROTO=\"io.prometheus.client.Metric\\Family\"");
    assert_eq!(negotiate(&quoted), Encoding::new(Format::Protobuf, Escaping::Dots));
    assert_eq!(negotiate("application/*"), of(Format::OpenMetrics));
}

#[test]
fn nothing_and_nonsense_are_text() {
    assert_eq!(Encoding::negotiate([""; 0]), TEXT);
    assert_eq!(Encoding::negotiate([&b"\xff\x00, \x80/*;q=\xfe"[..]]), TEXT);
    for accept in [
        "",
        " ",
        ",",
        ",,;;",
        "image/png",
        "text",
        "/",
        "text/",
        "*",
        "*/plain",
        "text/plain;version=2.0.0",
        "a/b;q=0",
        "*/*;q=0",
        "application/openmetrics-text;version=0.0.1",
        "application/openmetrics-text;version=2.0.0",
        "\"",
        "text/*",
        "text/plain;q=0",
        "application/openmetrics-text ;q=abc",
        "application/openmetrics-text;q=2",
        "application/openmetrics-text;version=\"1.0.0",
        "application/openmetrics-text;version=\"1.0.0\"0",
        "application/openmetrics-text;version",
        "application / openmetrics-text",
        "application/openmetrics-text;q=0, */*",
        "*/*, application/openmetrics-text;q=0",
        "application/json, text/plain;q=0.1",
    ] {
        assert_eq!(negotiate(accept), TEXT, "{accept}");
    }
}

#[test]
fn every_legal_spelling_is_read() {
    for accept in [
        "application/openmetrics-text",
        "APPLICATION/OpenMetrics-Text;Version=1.0.0",
        "application/openmetrics-text;version=\"1.0.0\"",
        "application/openmetrics-text;version=\"\\1.0\\.0\"",
        " , application/openmetrics-text ; charset=utf-8;\tversion = 1.0.0 ;; Q=0.9 , ,text/plain;q=0.8",
        "text/plain;version=\"0.0.4, application/openmetrics-text;q=0\", application/openmetrics-text;version=1.0.0",
        "text/plain;q=0.999,application/openmetrics-text",
        "text/plain;q=0,*/*",
        "application/*",
    ] {
        assert_eq!(negotiate(accept), of(Format::OpenMetrics), "{accept}");
    }
    assert_eq!(negotiate("text/plain;version=1.0.0"), of(Format::Utf8Text));
    assert_eq!(negotiate("text/plain;version=0.0.4;escaping=values"), Encoding::new(Format::Text, Escaping::Values));
}

#[test]
fn several_headers_are_one_list() {
    let headers = ["text/plain;q=0.5", "image/png", "application/openmetrics-text;q=0.7,*/*;q=0.1"];
    assert_eq!(Encoding::negotiate(headers), of(Format::OpenMetrics));
    assert_eq!(
        Encoding::negotiate(["\"", "application/openmetrics-text"]),
        of(Format::OpenMetrics),
        "a quote ends with its header"
    );
}

#[test]
fn of_equal_weights_the_most_precise_counts_and_then_the_first() {
    assert_eq!(negotiate("text/plain,application/openmetrics-text;version=1.0.0"), of(Format::OpenMetrics));
    assert_eq!(negotiate("text/plain;version=0.0.4,application/openmetrics-text;version=1.0.0"), TEXT);
    assert_eq!(negotiate("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4"), of(Format::OpenMetrics));
    assert_eq!(negotiate("application/*,text/*"), of(Format::OpenMetrics));
    assert_eq!(negotiate("*/*,text/plain;version=1.0.0"), of(Format::Utf8Text));
}

#[test]
fn the_more_precise_range_speaks_for_its_format() {
    assert_eq!(
        negotiate("text/plain;version=0.0.4;q=0.1,text/plain,application/openmetrics-text;q=0.5"),
        of(Format::OpenMetrics)
    );
    assert_eq!(negotiate("text/plain;q=0.5,*/*;q=0.8"), of(Format::OpenMetrics), "what is asked for less is not the answer");
    assert_eq!(
        negotiate("application/openmetrics-text;q=0,application/openmetrics-text;version=1.0.0"),
        of(Format::OpenMetrics)
    );
    assert_eq!(negotiate("application/openmetrics-text;version=1.0.0;q=0,application/openmetrics-text"), TEXT);
    assert_eq!(negotiate("application/openmetrics-text,application/openmetrics-text;q=0"), TEXT, "a refusal is heard");
}

#[test]
fn an_escaping_goes_with_its_range() {
    let open_metrics = |escaping| Encoding::new(Format::OpenMetrics, escaping);
    for (name, expected) in [
        ("allow-utf-8", Escaping::AllowUtf8),
        ("underscores", Escaping::Underscores),
        ("\"dots\"", Escaping::Dots),
        ("values", Escaping::Values),
        ("other", Escaping::Underscores),
        ("", Escaping::Underscores),
    ] {
        let accept = format!("text/plain;escaping=dots;q=0.1,application/openmetrics-text;escaping={name}");
        assert_eq!(negotiate(&accept), open_metrics(expected), "{accept}");
    }
    let twice = "application/openmetrics-text;escaping=dots;q=0.4,application/openmetrics-text;escaping=values;q=0.6";
    assert_eq!(negotiate(twice), open_metrics(Escaping::Values));
}

#[test]
fn a_hostile_header_is_read_to_its_end() {
    for noise in [",", "\"", ";", "\\", ";q=0", "\"\\\",", "*/*;q=0.1,", "application/openmetrics-text;q=0.1;v=\"\\\"\","] {
        let noise = noise.repeat(64 * 1024 / noise.len());
        Encoding::negotiate([&*noise]);
        Encoding::negotiate([noise.as_str(), "text/plain"]);
        let last = Encoding::negotiate([noise.as_str(), "application/openmetrics-text;version=1.0.0"]);
        assert_eq!(last, of(Format::OpenMetrics));
    }
}

/// What is asked for, in a header and to the oracle: a range, whether it is precise to the version, and thousandths.
#[derive(Clone, Debug)]
struct Asked {
    range: &'static str,
    q: u16,
}

const RANGES: [&str; 10] = [
    "*/*",
    "text/*",
    "application/*",
    "text/plain",
    "text/plain;version=0.0.4",
    "text/plain;version=1.0.0",
    "text/plain;version=9",
    "application/openmetrics-text",
    "application/openmetrics-text;version=1.0.0",
    "application/openmetrics-text;version=0.0.1",
];

/// The rules once more, without a parser: for each format the ranges that speak for it, the most precise first.
fn oracle(asked: &[Asked]) -> Format {
    let formats: [(Format, &[&str]); 3] = [
        (Format::Text, &["text/plain;version=0.0.4", "text/plain", "text/*", "*/*"]),
        (
            Format::OpenMetrics,
            &["application/openmetrics-text;version=1.0.0", "application/openmetrics-text", "application/*", "*/*"],
        ),
        (Format::Utf8Text, &["text/plain;version=1.0.0"]),
    ];
    let mut best: Option<(u16, usize, usize, Format)> = None;
    for (format, ranges) in formats {
        let Some(imprecision) = ranges.iter().position(|range| asked.iter().any(|asked| asked.range == *range)) else {
            continue;
        };
        let same: Vec<(usize, u16)> = asked
            .iter()
            .enumerate()
            .filter(|(_, asked)| asked.range == ranges[imprecision])
            .map(|(at, asked)| (at, asked.q))
            .collect();
        if same.iter().any(|(_, q)| *q == 0) {
            continue;
        }
        let q = same.iter().map(|(_, q)| *q).max().unwrap();
        let at = same.iter().find(|(_, other)| *other == q).unwrap().0;
        let better = best.is_none_or(|(best_q, best_imprecision, best_at, _)| {
            q > best_q || (q == best_q && (imprecision, at) < (best_imprecision, best_at))
        });
        if better {
            best = Some((q, imprecision, at, format));
        }
    }
    best.map_or(Format::Text, |(.., format)| format)
}

proptest! {
    #[test]
    fn any_list_of_ranges_is_negotiated_as_the_rules_say(
        asked in proptest::collection::vec((proptest::sample::select(&RANGES[..]), 0..4u16), 0..6),
        headers in 1..3usize,
    ) {
        let asked: Vec<Asked> = asked.into_iter().map(|(range, q)| Asked { range, q: q * 250 + q / 3 * 250 }).collect();
        let written: Vec<String> = asked.iter().map(|asked| format!("{};q={}.{:03}", asked.range, asked.q / 1000, asked.q % 1000)).collect();
        let headers: Vec<String> = written.chunks(written.len().div_ceil(headers).max(1)).map(|some| some.join(", ")).collect();
        prop_assert_eq!(Encoding::negotiate(&headers).format(), oracle(&asked), "{:?}", headers);
    }

    #[test]
    fn any_bytes_are_negotiated(headers in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..64), 0..3)) {
        Encoding::negotiate(&headers);
    }
}
