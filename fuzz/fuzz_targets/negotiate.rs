//! Any header bytes: there is always an answer. Where they hold no quotes, it is that of an oracle which splits and compares strings;
//! the same header with all values in quotes says the same; and what is refused outright is never the answer.

#![no_main]

use std::collections::HashMap;

use libfuzzer_sys::fuzz_target;
use tachograph::exposition::{Coding, Encoding, Escaping, Format};

/// One element of a list.
struct Element {
    name: String,
    parameters: HashMap<String, String>,
    /// Thousandths.
    q: u32,
}

fn is_token(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c))
}

fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

fn thousandths(q: &str) -> Option<u32> {
    let (whole, decimals) = q.split_once('.').unwrap_or((q, ""));
    let digits = decimals.len() <= 3 && decimals.chars().all(|digit| digit.is_ascii_digit());
    let value = format!("{decimals:0<3}").parse::<u32>().ok().filter(|_| digits)?;
    match whole {
        "0" => Some(value),
        "1" if value == 0 => Some(1000),
        _ => None,
    }
}

fn element(text: &str) -> Option<Element> {
    let mut pieces = text.split(';').map(trimmed);
    let name = pieces.next()?.to_lowercase();
    let mut parameters = HashMap::new();
    for piece in pieces.filter(|piece| !piece.is_empty()) {
        let (key, value) = piece.split_once('=').unwrap_or((piece, ""));
        let (key, value) = (trimmed(key).to_lowercase(), trimmed(value).to_owned());
        if key.is_empty() || !is_token(&key) || !is_token(&value) {
            return None;
        }
        parameters.entry(key).or_insert(value);
    }
    let q = parameters.get("q").map_or(Some(1000), |q| thousandths(q))?;
    (!name.is_empty()).then_some(Element { name, parameters, q })
}

/// How precisely an element asks for a format; `None` when it does not.
fn precision(element: &Element, format: Format) -> Option<u32> {
    let parameter = |name: &str| element.parameters.get(name).map(String::as_str);
    let versioned = |version| match parameter("version") {
        Some(asked) if asked == version => Some(3),
        Some(_) => None,
        None => Some(2),
    };
    let protobuf =
        parameter("proto") == Some("io.prometheus.client.MetricFamily") && parameter("encoding") == Some("delimited");
    match (format, &*element.name) {
        (Format::Text | Format::OpenMetrics, "*/*") => Some(0),
        (Format::Text, "text/*") | (Format::OpenMetrics, "application/*") => Some(1),
        (Format::Text, "text/plain") => versioned("0.0.4"),
        (Format::OpenMetrics, "application/openmetrics-text") => versioned("1.0.0"),
        (Format::Utf8Text, "text/plain") => versioned("1.0.0").filter(|precision| *precision == 3),
        (Format::Protobuf, "application/vnd.google.protobuf") => protobuf.then_some(3),
        _ => None,
    }
}

fn encoding(elements: &[Element]) -> Encoding {
    let mut best = ((0, 0, 0), Encoding::TEXT);
    for format in [Format::Text, Format::OpenMetrics, Format::Utf8Text, Format::Protobuf] {
        let all = || elements.iter().enumerate().filter_map(|(at, element)| Some((at, element, precision(element, format)?)));
        let Some(most) = all().map(|(.., precision)| precision).max() else {
            continue;
        };
        let speaking: Vec<_> = all().filter(|(.., precision)| *precision == most).collect();
        if speaking.iter().any(|(_, element, _)| element.q == 0) {
            continue;
        }
        // The first of those with the highest q.
        let (at, element, _) = speaking.iter().rev().max_by_key(|(_, element, _)| element.q).expect("some speak for it");
        let rank = (element.q, most, usize::MAX - at);
        if rank > best.0 {
            let escaping = match element.parameters.get("escaping").map_or("", String::as_str) {
                "allow-utf-8" => Escaping::AllowUtf8,
                "dots" => Escaping::Dots,
                "values" => Escaping::Values,
                _ => Escaping::Underscores,
            };
            best = (rank, Encoding::new(format, escaping));
        }
    }
    best.1
}

fn coding(elements: &[Element]) -> Coding {
    let q = |names: &[&str]| {
        let said: Vec<u32> =
            elements.iter().filter(|element| names.contains(&&*element.name)).map(|element| element.q).collect();
        let highest = said.iter().max().copied();
        if said.contains(&0) { Some(0) } else { highest }
    };
    let others = q(&["*"]).unwrap_or(0);
    let mut best = (0, Coding::Identity);
    for (names, coding) in
        [(&["zstd"][..], Coding::Zstd), (&["gzip", "x-gzip"], Coding::Gzip), (&["identity"], Coding::Identity)]
    {
        let q = q(names).unwrap_or(others);
        if q > best.0 {
            best = (q, coding);
        }
    }
    best.1
}

/// The element with its values in quotes, every other character escaped.
fn quoted(element: &Element) -> String {
    let mut quoted = element.name.clone();
    for (key, value) in &element.parameters {
        let escape = |(at, c): (usize, char)| if at % 2 == 0 { format!("\\{c}") } else { c.to_string() };
        let value: String = value.chars().enumerate().map(escape).collect();
        quoted.push_str(&format!("; {key}=\"{value}\""));
    }
    quoted
}

fuzz_target!(|data: &[u8]| {
    let headers: Vec<&[u8]> = data.split(|byte| *byte == b'\n').collect();
    let (encoded, coded) = (Encoding::negotiate(&headers), Coding::negotiate(&headers));

    let refusing = |refusal: &'static str| headers.iter().copied().chain([refusal.as_bytes()]).collect::<Vec<_>>();
    let refused = Encoding::negotiate(refusing("application/openmetrics-text;version=1.0.0;q=0"));
    assert_ne!(refused.format(), Format::OpenMetrics);
    assert_ne!(Coding::negotiate(refusing("gzip;q=0, zstd;q=0.001")), Coding::Gzip);

    let texts: Option<Vec<&str>> = headers
        .iter()
        .map(|header| header.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~') && *byte != b'"').then_some(*header))
        .map(|header| str::from_utf8(header?).ok())
        .collect();
    let Some(texts) = texts else {
        return;
    };
    let elements: Vec<Element> = texts.iter().flat_map(|header| header.split(',')).filter_map(element).collect();
    assert_eq!(encoded, encoding(&elements), "{texts:?}");
    assert_eq!(coded, coding(&elements), "{texts:?}");
    let quoted: Vec<String> = elements.iter().map(quoted).collect();
    let quoted = quoted.join(", ,");
    assert_eq!(Encoding::negotiate([&quoted]), encoded, "{quoted}");
    assert_eq!(Coding::negotiate([&quoted]), coded, "{quoted}");
});
