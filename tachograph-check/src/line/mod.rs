//! One line: metadata or a sample.

mod cursor;
mod open;
mod text;

pub(crate) use cursor::label_place;

use crate::finding::Broken;
use crate::{Format, Kind, Rules, Sample};

use cursor::Cursor;

/// What a line says.
#[derive(Debug)]
pub(crate) enum Line {
    /// A blank line or a comment.
    Nothing,
    Help {
        name: String,
        text: String,
    },
    Type {
        name: String,
        /// What is wrong with the type, though the name is readable: what follows belongs to that name.
        kind: Result<Kind, Broken>,
    },
    Unit {
        name: String,
        unit: String,
        at: usize,
    },
    /// Its line number is still 0.
    Sample(Sample, Parts),
    Eof,
}

/// Where the parts of a sample begin, in bytes from the beginning of the line.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Parts {
    pub(crate) labels: usize,
    pub(crate) value: usize,
    pub(crate) timestamp: usize,
    pub(crate) exemplar: usize,
    pub(crate) exemplar_value: usize,
}

/// Reads a line without its line feed.
pub(crate) fn read(line: &str, format: Format, rules: Rules) -> Result<Line, Broken> {
    let cursor = Cursor::new(line, format, rules);
    if format.is_open() { open::read(cursor) } else { text::read(cursor) }
}

/// The family that a TYPE line which cannot be read is about, as far as that can be told, and its type.
///
/// Without it the samples of that family would seem to be of many others.
pub(crate) fn salvage(line: &str) -> Option<(String, Option<Kind>)> {
    let mut words = line.trim_start().strip_prefix('#')?.split_whitespace();
    if !words.next()?.eq_ignore_ascii_case("type") {
        return None;
    }
    let name = words.next()?.trim_matches('"').to_owned();
    let kind = words.next().and_then(|word| [true, false].into_iter().find_map(|open| kind(word, open)));
    Some((name, kind))
}

/// The type of that name.
fn kind(word: &str, open: bool) -> Option<Kind> {
    Some(match (word, open) {
        ("counter", _) => Kind::Counter,
        ("gauge", _) => Kind::Gauge,
        ("histogram", _) => Kind::Histogram,
        ("summary", _) => Kind::Summary,
        ("untyped", false) => Kind::Untyped,
        ("unknown", true) => Kind::Unknown,
        ("info", true) => Kind::Info,
        ("stateset", true) => Kind::StateSet,
        ("gaugehistogram", true) => Kind::GaugeHistogram,
        _ => return None,
    })
}
