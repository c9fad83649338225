//! A strict reader of the Prometheus text format 0.0.4, the judge of what the crate renders.
//!
//! It is written from the format's rules alone and shares no code with the encoder, so that a mistake cannot stand on
//! both sides. It reports the first broken rule by the number that the rules below have, with the line.
//!
//! | rule | what it demands |
//! |---|---|
//! | 0 | the grammar of a line |
//! | 1 | UTF-8 without byte order mark, lines end with LF alone, the last one too |
//! | 2 | HELP escapes backslash and LF and nothing else |
//! | 3 | label values escape backslash, LF and the quote and nothing else |
//! | 4 | at most one HELP and one TYPE for a name, before its samples, of the five types |
//! | 5 | the lines of a family stand together; by our own rule families and series are sorted |
//! | 6 | no series twice, no label twice, names of the legal alphabets |
//! | 7 | numbers as the server reads them; counts as plain digits |
//! | 8 | histograms and summaries are complete and in order |
//! | 9 | no `le` or `quantile` of the user's own beside the format's |
//! | 10 | timestamps are whole milliseconds; by our own rule there are none |
//! | 11 | no family has a name that a histogram or summary needs for its samples |
//! | 12 | counters are never NaN and never negative |
//! | 13 | the content type is exactly [`CONTENT_TYPE`] |
//!
//! A carriage return at the end of a HELP text is taken as part of the text, as the reference parsers take it: the
//! format has no escape for it. On any other line it breaks rule 1.

mod line;
mod number;
mod shape;

use std::collections::{HashMap, HashSet};
use std::fmt;

pub use number::go_float;

use line::Line;

/// The content type of this format, to the letter.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A scrape that follows the rules.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exposition {
    /// The families in the order of the text.
    pub families: Vec<Family>,
}

/// All that the text says under one metric name.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    pub name: String,
    /// The HELP text without its escapes, if there is a HELP line.
    pub help: Option<String>,
    /// The type, or `None` if there is no TYPE line, which counts as untyped.
    pub kind: Option<Kind>,
    /// The samples in the order of the text.
    pub samples: Vec<Sample>,
    /// The line on which the family begins.
    pub line: usize,
}

/// The types of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
    Summary,
    Untyped,
}

/// One sample line.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The name on the line, which for a histogram is the family's with a suffix.
    pub name: String,
    /// The labels in the order of the text, values without their escapes.
    pub labels: Vec<(String, String)>,
    /// The value as it is written.
    pub text: String,
    /// The value as a float, which above 2^53 may be less exact than `text`.
    pub value: f64,
    /// Milliseconds since the epoch, if the line has a timestamp.
    pub timestamp: Option<i64>,
    pub line: usize,
}

/// A broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub line: usize,
    pub rule: u8,
    pub message: String,
}

/// The rules that the format leaves open.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Families stand in the order of their names.
    pub families_sorted: bool,
    /// The series of a family stand in the order of their label values.
    pub series_sorted: bool,
    /// Samples may carry a timestamp.
    pub timestamps: bool,
}

impl Rules {
    /// What the format itself demands.
    pub const FORMAT: Self = Self { families_sorted: false, series_sorted: false, timestamps: true };
    /// What we demand of our own output.
    pub const OURS: Self = Self { families_sorted: true, series_sorted: true, timestamps: false };
}

/// Reads a scrape of ours.
pub fn parse(bytes: &[u8]) -> Result<Exposition, Violation> {
    parse_by(bytes, Rules::OURS)
}

/// Reads a scrape by the rules given.
pub fn parse_by(bytes: &[u8], rules: Rules) -> Result<Exposition, Violation> {
    let text = checked_text(bytes)?;
    let mut reader = Reader::new(rules);
    for (index, line) in text.split_terminator('\n').enumerate() {
        reader.line = index + 1;
        reader.take(line)?;
    }
    for family in &reader.exposition.families {
        shape::check(family, rules)?;
    }
    if rules.families_sorted {
        let families = &reader.exposition.families;
        if let Some(pair) = families.windows(2).find(|pair| pair[0].name > pair[1].name) {
            let message = format!("family {} stands before {}", pair[0].name, pair[1].name);
            return Err(violation(pair[1].line, 5, message));
        }
    }
    Ok(reader.exposition)
}

/// Checks the value of a `Content-Type` header.
pub fn check_content_type(header: &str) -> Result<(), Violation> {
    if header == CONTENT_TYPE {
        return Ok(());
    }
    Err(violation(0, 13, format!("content type {header:?} in place of {CONTENT_TYPE:?}")))
}

/// Rule 1.
fn checked_text(bytes: &[u8]) -> Result<&str, Violation> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        violation(line, 1, "the text is not UTF-8".to_owned())
    })?;
    if text.starts_with('\u{feff}') {
        return Err(violation(1, 1, "the text begins with a byte order mark".to_owned()));
    }
    if !text.is_empty() && !text.ends_with('\n') {
        return Err(violation(text.split('\n').count(), 1, "the last line does not end".to_owned()));
    }
    Ok(text)
}

/// The families read so far.
#[derive(Debug)]
struct Reader {
    rules: Rules,
    exposition: Exposition,
    /// Where each family stands.
    places: HashMap<String, usize>,
    /// Every series, its labels sorted.
    series: HashSet<(String, Vec<(String, String)>)>,
    line: usize,
}

impl Reader {
    fn new(rules: Rules) -> Self {
        Self { rules, exposition: Exposition::default(), places: HashMap::new(), series: HashSet::new(), line: 0 }
    }

    fn take(&mut self, text: &str) -> Result<(), Violation> {
        let line = self.line;
        match line::read(text).map_err(|(rule, message)| violation(line, rule, message))? {
            Line::Nothing => Ok(()),
            Line::Help { name, text } => {
                let family = self.enter(name)?;
                if family.help.is_some() {
                    return Err(violation(line, 4, format!("a second HELP for {}", family.name)));
                }
                if !family.samples.is_empty() {
                    return Err(violation(line, 4, format!("HELP for {} after a sample", family.name)));
                }
                family.help = Some(text);
                Ok(())
            }
            Line::Type { name, kind } => {
                let family = self.enter(name)?;
                if family.kind.is_some() {
                    return Err(violation(line, 4, format!("a second TYPE for {}", family.name)));
                }
                if !family.samples.is_empty() {
                    return Err(violation(line, 4, format!("TYPE for {} after a sample", family.name)));
                }
                family.kind = Some(kind);
                let name = family.name.clone();
                match kind.suffixes().iter().find(|suffix| self.places.contains_key(&format!("{name}{suffix}"))) {
                    Some(suffix) => Err(self.clash(&name, suffix)),
                    None => Ok(()),
                }
            }
            Line::Sample(sample) => self.take_sample(Sample { line, ..sample }),
        }
    }

    fn take_sample(&mut self, sample: Sample) -> Result<(), Violation> {
        if sample.timestamp.is_some() && !self.rules.timestamps {
            return Err(violation(self.line, 10, "a timestamp, and we write none".to_owned()));
        }
        let mut labels = sample.labels.clone();
        labels.sort();
        if let Some(pair) = labels.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(violation(self.line, 6, format!("label {} twice on one sample", pair[0].0)));
        }
        if labels.iter().any(|(name, _)| name == "__name__") {
            return Err(violation(self.line, 6, "a label __name__".to_owned()));
        }
        if !self.series.insert((sample.name.clone(), labels)) {
            return Err(violation(self.line, 6, format!("the same series of {} a second time", sample.name)));
        }
        let family = match self.exposition.families.last_mut() {
            Some(open) if open.owns(&sample.name) => open,
            _ => {
                if let Some(owner) = self.exposition.families.iter().find(|family| family.owns(&sample.name)) {
                    return Err(self.split(&owner.name));
                }
                self.enter(sample.name.clone())?
            }
        };
        family.samples.push(sample);
        Ok(())
    }

    /// The family of that name, which must be the last or a new one.
    fn enter(&mut self, name: String) -> Result<&mut Family, Violation> {
        let families = &mut self.exposition.families;
        match self.places.get(&name) {
            Some(place) if place + 1 == families.len() => {}
            Some(_) => return Err(self.split(&name)),
            None => {
                for suffix in ["_bucket", "_sum", "_count"] {
                    let stem = name.strip_suffix(suffix).and_then(|stem| self.places.get(stem));
                    let stem = stem.map(|place| &families[*place]);
                    if let Some(stem) = stem.filter(|stem| stem.suffixes().contains(&suffix)) {
                        let stem = stem.name.clone();
                        return Err(self.clash(&stem, suffix));
                    }
                }
                self.places.insert(name.clone(), families.len());
                let line = self.line;
                families.push(Family { name, help: None, kind: None, samples: Vec::new(), line });
            }
        }
        Ok(self.exposition.families.last_mut().expect("the family is the last one"))
    }

    fn split(&self, name: &str) -> Violation {
        violation(self.line, 5, format!("family {name} goes on after another one has begun"))
    }

    fn clash(&self, name: &str, suffix: &str) -> Violation {
        violation(self.line, 11, format!("a family {name}{suffix} beside {name}, which needs the name"))
    }
}

impl Exposition {
    /// The family of that name.
    pub fn family(&self, name: &str) -> Option<&Family> {
        self.families.iter().find(|family| family.name == name)
    }

    /// All samples in the order of the text.
    pub fn samples(&self) -> impl Iterator<Item = &Sample> {
        self.families.iter().flat_map(|family| &family.samples)
    }

    /// The sample with that name and exactly these labels, in any order.
    pub fn sample(&self, name: &str, labels: &[(&str, &str)]) -> Option<&Sample> {
        self.samples().find(|sample| {
            sample.name == name
                && sample.labels.len() == labels.len()
                && labels.iter().all(|(label, value)| sample.label(label) == Some(*value))
        })
    }

    /// The value of the sample with that name and exactly these labels, in any order.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        self.sample(name, labels).map(|sample| sample.value)
    }

    /// The sum over the samples with that name that `filter` accepts.
    pub fn sum(&self, name: &str, filter: impl Fn(&Sample) -> bool) -> f64 {
        let chosen = self.samples().filter(|sample| sample.name == name && filter(sample));
        chosen.map(|sample| sample.value).sum()
    }
}

impl Sample {
    /// The value of a label.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(label, _)| label == name).map(|(_, value)| value.as_str())
    }
}

impl Family {
    /// Whether a sample of that name belongs to this family, given its type.
    fn owns(&self, sample: &str) -> bool {
        let suffix = sample.strip_prefix(self.name.as_str());
        suffix.is_some_and(|suffix| suffix.is_empty() || self.suffixes().contains(&suffix))
    }

    fn suffixes(&self) -> &'static [&'static str] {
        self.kind.unwrap_or(Kind::Untyped).suffixes()
    }
}

impl Kind {
    /// What the names of samples have behind the family's name.
    fn suffixes(self) -> &'static [&'static str] {
        match self {
            Self::Histogram => &["_bucket", "_sum", "_count"],
            Self::Summary => &["_sum", "_count"],
            Self::Counter | Self::Gauge | Self::Untyped => &[],
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: rule {}: {}", self.line, self.rule, self.message)
    }
}

impl std::error::Error for Violation {}

fn violation(line: usize, rule: u8, message: String) -> Violation {
    Violation { line, rule, message }
}
