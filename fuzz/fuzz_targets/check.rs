//! The checker itself: any bytes, and valid scrapes with a few edits, in every format. It never panics, each finding lies inside
//! the text, and what it calls clean is: it can be written again from what was read, and OpenMetrics cannot be cut off.
//!
//! The first byte of an input chooses the format and whether the rest is a text or a list of edits of a valid one.

#![no_main]

use std::fmt::Write;

use libfuzzer_sys::fuzz_target;
use tachograph_check::{Exposition, Format, Kind, Rules, check, read};

/// Valid scrapes, one for each format, with everything that the format has.
const VALID: [&str; 4] = [
    include_str!("../seeds/check/text"),
    include_str!("../seeds/check/text1"),
    include_str!("../seeds/check/openmetrics"),
    include_str!("../seeds/check/openmetrics_utf8"),
];

/// Applies edits of three bytes each: where, what, and with which byte.
fn edited(valid: &str, edits: &[u8]) -> Vec<u8> {
    let mut text = valid.as_bytes()[1..].to_vec();
    for edit in edits.chunks_exact(4).take(8) {
        let at = usize::from(u16::from_le_bytes([edit[0], edit[1]])) % text.len().max(1);
        match edit[2] % 4 {
            0 => text.insert(at.min(text.len()), edit[3]),
            1 if at < text.len() => text[at] = edit[3],
            2 => drop(text.drain(at..(at + usize::from(edit[3])).min(text.len()))),
            // A part a second time: lines twice, series twice, numbers longer.
            _ => {
                let part = text[at..(at + usize::from(edit[3])).min(text.len())].to_vec();
                text.splice(at..at, part);
            }
        }
    }
    text
}

fn escaped(text: &str, quote: bool) -> String {
    let text = text.replace('\\', "\\\\").replace('\n', "\\n");
    if quote { text.replace('"', "\\\"") } else { text }
}

fn labels(name: Option<&str>, labels: &[(String, String)], format: Format) -> String {
    let quotes = if format.has_quoted_names() { "\"" } else { "" };
    let name = name.map(|name| format!("\"{}\"", escaped(name, true)));
    let labels =
        labels.iter().map(|(name, value)| format!("{quotes}{}{quotes}=\"{}\"", escaped(name, true), escaped(value, true)));
    format!("{{{}}}", name.into_iter().chain(labels).collect::<Vec<_>>().join(","))
}

/// Writes what was read, in the one way that this target has for it.
fn written(exposition: &Exposition, format: Format) -> String {
    let mut text = String::new();
    let quoted = format.has_quoted_names();
    for family in &exposition.families {
        let name = if quoted { format!("\"{}\"", escaped(&family.name, true)) } else { family.name.clone() };
        if let Some(kind) = family.kind {
            writeln!(text, "# TYPE {name} {}", word(kind)).unwrap();
        }
        if let Some(unit) = &family.unit {
            writeln!(text, "# UNIT {name} {unit}").unwrap();
        }
        if let Some(help) = &family.help {
            writeln!(text, "# HELP {name} {}", escaped(help, format.is_open())).unwrap();
        }
        for sample in &family.samples {
            let outside = if quoted { "" } else { sample.name.as_str() };
            let braces = labels(quoted.then_some(&sample.name), &sample.labels, format);
            write!(text, "{outside}{braces} {}", sample.text).unwrap();
            if let Some(timestamp) = &sample.timestamp {
                write!(text, " {}", timestamp.text).unwrap();
            }
            if let Some(exemplar) = &sample.exemplar {
                write!(text, " # {} {}", labels(None, &exemplar.labels, format), exemplar.text).unwrap();
                if let Some(timestamp) = &exemplar.timestamp {
                    write!(text, " {}", timestamp.text).unwrap();
                }
            }
            text.push('\n');
        }
    }
    text + if format.is_open() { "# EOF\n" } else { "" }
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram => "histogram",
        Kind::Summary => "summary",
        Kind::Untyped => "untyped",
        Kind::Unknown => "unknown",
        Kind::Info => "info",
        Kind::StateSet => "stateset",
        Kind::GaugeHistogram => "gaugehistogram",
    }
}

/// What was read, without where it stood, and with NaN equal to itself.
fn content(mut exposition: Exposition) -> String {
    for family in &mut exposition.families {
        family.line = 0;
        family.samples.iter_mut().for_each(|sample| sample.line = 0);
    }
    format!("{exposition:?}")
}

fn judge(text: &[u8], format: Format, rules: Rules) {
    let (report, exposition) = read(text, format, rules);
    assert_eq!(report, check(text, format, rules), "keeping the content changes no finding");
    let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
    for finding in &report.findings {
        let line = lines.get(finding.line - 1).unwrap_or_else(|| panic!("{finding} behind the text"));
        let characters = line.iter().filter(|byte| **byte & 0xc0 != 0x80).count();
        assert!((1..=characters + 1).contains(&finding.column), "{finding} behind its line");
        assert!(finding.to_string().lines().count() == 1, "{finding}");
    }
    assert!(report.findings.is_sorted_by_key(|finding| (finding.line, finding.column)));
    if !report.is_clean() {
        return;
    }
    let again = written(&exposition, format);
    let (report, reread) = read(again.as_bytes(), format, rules);
    assert!(report.is_clean(), "{:?} in {again:?}, written from {:?}", report.findings, String::from_utf8_lossy(text));
    assert_eq!(content(reread), content(exposition));
    if format.is_open() {
        assert_eq!(lines.iter().filter(|line| **line == b"# EOF").count(), 1);
        let end = text.trim_ascii_end().len();
        for end in (0..end).rev().step_by(1 + end / 24) {
            assert!(!check(&text[..end], format, rules).is_clean(), "cut off at {end}: {:?}", String::from_utf8_lossy(text));
        }
    } else if let Some(cut) = text.strip_suffix(b"\n").filter(|cut| !cut.is_empty() && !cut.ends_with(b"\n")) {
        assert!(!check(cut, format, rules).is_clean());
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((&choice, rest)) = input.split_first() else { return };
    let number = usize::from(choice % 4);
    let format = Format::ALL[number];
    let text = if choice & 4 == 0 { rest.to_vec() } else { edited(VALID[number], rest) };
    for rules in [Rules::FORMAT, Rules::OURS] {
        judge(&text, format, rules);
    }
    judge(&text, Format::guess(&text), Rules::FORMAT);
});
