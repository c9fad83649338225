//! Puts lines together to families, and hands each family on when the next one begins.

mod families;

use std::collections::HashMap;

use crate::finding::{Broken, Findings, Place, quoted};
use crate::line::{self, Line, Parts};
use crate::{Exposition, Family, Format, Kind, Rule, Rules, Sample};

/// A family whose lines may still come.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) family: Family,
    /// Where each sample stands.
    pub(crate) spots: Vec<Spot>,
    /// Bytes from the beginning of the text to its first line.
    pub(crate) start: usize,
    /// A line that may have been of this family could not be read, so that nothing can be said to be missing.
    pub(crate) damaged: bool,
    /// The type is not known, though there is one, or this is a second piece: nothing but the lines themselves is checked.
    unjudged: bool,
    /// A clash of its names has been reported.
    clashed: bool,
    /// A sample of it has come, whether it is kept or not.
    sampled: bool,
    /// Its number among all families.
    number: usize,
}

/// Where a sample stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spot {
    pub(crate) place: Place,
    pub(crate) parts: Parts,
}

/// The families read so far.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    format: Format,
    rules: Rules,
    findings: Findings<'a>,
    open: Option<Open>,
    /// The number of each family by its name.
    numbers: HashMap<String, usize>,
    /// The names that the samples of each family may have, with the family's number.
    claims: HashMap<String, usize>,
    /// Families whose second piece has been reported.
    split: Vec<bool>,
    place: Place,
    /// A carriage return has been reported: the others have the same cause.
    returned: bool,
    /// The last line ended between quotes: what follows is probably the rest of it, and the same mistake.
    torn: bool,
    /// By which the last family was sorted.
    last_name: String,
    /// Families that are handed on, if they are kept.
    kept: Option<Vec<Family>>,
    pub(crate) samples: usize,
}

/// What every type of a family that is not judged may have behind its name.
const ANY_SUFFIX: [&str; 9] = ["", "_total", "_created", "_bucket", "_sum", "_count", "_gsum", "_gcount", "_info"];

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8], format: Format, rules: Rules, keep: bool) -> Self {
        Self {
            format,
            rules,
            findings: Findings::new(bytes),
            open: None,
            numbers: HashMap::new(),
            claims: HashMap::new(),
            split: Vec::new(),
            place: Place { line: 1, start: 0 },
            returned: false,
            torn: false,
            last_name: String::new(),
            kept: keep.then(Vec::new),
            samples: 0,
        }
    }

    /// Reads all lines.
    pub(crate) fn read(&mut self, bytes: &'a [u8]) {
        let mut rest = bytes;
        if let Some(behind) = bytes.strip_prefix("\u{feff}".as_bytes()) {
            self.report(Broken::new(Rule::ByteOrderMark, 0, "a byte order mark"));
            self.place.start = bytes.len() - behind.len();
            rest = behind;
        }
        let mut ended = false;
        while !rest.is_empty() && !self.findings.is_full() {
            let end = rest.iter().position(|byte| *byte == b'\n');
            let line = &rest[..end.unwrap_or(rest.len())];
            rest = &rest[end.map_or(rest.len(), |end| end + 1)..];
            if ended {
                let told = "text behind `# EOF`";
                self.report(Broken::new(Rule::OmEof, 0, told).remedy("end the text with `# EOF` and a line feed"));
                break;
            }
            ended = self.take_bytes(line);
            if end.is_none() {
                self.check_last_line(line, ended);
                break;
            }
            if !rest.is_empty() {
                self.place.line += 1;
                self.place.start = bytes.len() - rest.len();
            }
        }
        self.close();
        if self.format.is_open() && !ended && !self.findings.is_full() {
            let last = self.findings.line_at(self.place);
            self.report(Broken::new(Rule::OmEof, last.len(), "the text ends without `# EOF`"));
        }
    }

    /// All findings, whether there may be more, the number of families, and the families themselves if they are kept.
    pub(crate) fn finish(self) -> (Findings<'a>, usize, Exposition) {
        (self.findings, self.numbers.len(), Exposition { families: self.kept.unwrap_or_default() })
    }

    fn report(&mut self, broken: Broken) {
        self.findings.push(self.place, broken);
    }

    fn check_last_line(&mut self, line: &[u8], ended: bool) {
        if !self.format.is_open() {
            self.report(Broken::new(Rule::TextFinalLineFeed, line.len(), "the last line does not end"));
        } else if self.rules.canonical && ended {
            self.report(Broken::new(Rule::OwnMetadata, line.len(), "no line feed behind `# EOF`"));
        }
    }

    /// Takes a line, and returns whether it is the end.
    fn take_bytes(&mut self, line: &[u8]) -> bool {
        let Ok(mut text) = std::str::from_utf8(line).map_err(|error| {
            self.report(Broken::new(Rule::Utf8, error.valid_up_to(), "the text is not UTF-8"));
            self.damage();
        }) else {
            return false;
        };
        // On a HELP line a carriage return is content, for which no format has an escape.
        if let Some(bare) = text.strip_suffix('\r')
            && !bare.trim_start().trim_start_matches('#').trim_start().starts_with("HELP")
        {
            if !self.returned {
                self.returned = true;
                self.report(Broken::new(Rule::CarriageReturn, bare.len(), "a carriage return at the end of a line"));
            }
            text = bare;
        }
        match line::read(text, self.format, self.rules) {
            Ok(line) => {
                self.torn = false;
                self.take(line)
            }
            Err(_) if self.torn && !text.starts_with('#') => {
                self.torn = !text.contains('"');
                false
            }
            Err(broken) => {
                self.torn = broken.is_torn(text);
                let ended = self.format.is_open() && text.split_whitespace().collect::<String>() == "#EOF";
                self.report(broken);
                self.damage();
                if let Some((name, kind)) = line::salvage(text) {
                    self.take_damaged_type(name, kind);
                }
                ended
            }
        }
    }

    fn damage(&mut self) {
        if let Some(open) = &mut self.open {
            open.damaged = true;
        }
    }

    fn take(&mut self, line: Line) -> bool {
        match line {
            Line::Nothing => {}
            Line::Eof => return true,
            Line::Help { name, text } => {
                if let Some(open) = self.take_metadata("HELP", name, |family| family.help.is_some()) {
                    open.family.help = Some(text);
                }
            }
            Line::Unit { name, unit, at } => self.take_unit(name, unit, at),
            Line::Type { name, kind: Ok(kind) } => {
                let late = |family: &Family| self.rules.canonical && (family.help.is_some() || family.unit.is_some());
                let late = self.format.is_open()
                    && self.open.as_ref().is_some_and(|open| open.family.name == name && late(&open.family));
                if late {
                    self.report(Broken::new(Rule::OwnMetadata, 0, "TYPE behind HELP or UNIT"));
                }
                if let Some(open) = self.take_metadata("TYPE", name, |family| family.kind.is_some()) {
                    open.family.kind = Some(kind);
                    self.claim();
                }
            }
            Line::Type { name, kind: Err(broken) } => {
                self.report(broken);
                self.take_damaged_type(name, None);
            }
            Line::Sample(sample, parts) => self.take_sample(Sample { line: self.place.line, ..sample }, parts),
        }
        false
    }

    fn take_unit(&mut self, name: String, unit: String, at: usize) {
        let fits = unit.is_empty() || name.strip_suffix(unit.as_str()).is_some_and(|stem| stem.ends_with('_'));
        let told =
            if fits { None } else { Some(format!("the name {} does not end with the unit {}", quoted(&name), quoted(&unit))) };
        let late = self.rules.canonical
            && self.open.as_ref().is_some_and(|open| open.family.name == name && open.family.help.is_some());
        if let Some(open) = self.take_metadata("UNIT", name, |family| family.unit.is_some()) {
            open.family.unit = Some(unit);
            if let Some(told) = told {
                self.report(Broken::new(Rule::OmUnit, at, told));
            } else if late {
                self.report(Broken::new(Rule::OwnMetadata, 0, "UNIT behind HELP"));
            }
        }
    }

    /// The family that a line of metadata belongs to, if the line may be there.
    fn take_metadata(&mut self, keyword: &str, name: String, known: impl Fn(&Family) -> bool) -> Option<&mut Open> {
        self.enter(name, true);
        let place = self.place;
        let open = self.open.as_mut().expect("a family has been entered");
        if open.unjudged {
            return None;
        }
        let broken = if known(&open.family) {
            Broken::new(Rule::MetadataTwice, 0, format!("a second {keyword} for {}", quoted(&open.family.name)))
        } else if open.sampled {
            Broken::new(Rule::MetadataLate, 0, format!("{keyword} for {} behind a sample", quoted(&open.family.name)))
        } else {
            return Some(open);
        };
        self.findings.push(place, broken);
        None
    }

    /// Goes on after a TYPE line that could not be read.
    fn take_damaged_type(&mut self, name: String, kind: Option<Kind>) {
        self.enter(name, true);
        let open = self.open.as_mut().expect("a family has been entered");
        open.damaged = true;
        if !open.sampled && open.family.kind.is_none() {
            open.family.kind = kind;
            open.unjudged |= kind.is_none();
            self.claim();
        }
    }

    fn take_sample(&mut self, mut sample: Sample, parts: Parts) {
        self.samples += 1;
        // A large family is mostly labels, and few samples have as many as a vector makes room for.
        sample.labels.shrink_to_fit();
        if let Some(broken) = self.check_sample(&sample, parts) {
            self.report(broken);
            self.damage();
            return;
        }
        match &self.open {
            Some(open) if self.owns(open, &sample.name) => {}
            Some(open) if !open.unjudged && open.family.kind.is_some() && open.family.name == sample.name => {
                return self.report_suffix(&sample.name);
            }
            _ => match self.claims.get(&sample.name).copied() {
                // A second piece of an earlier family, whose own name is the only one that leads there.
                Some(number) => self.enter_piece(sample.name.clone(), number),
                None => self.enter(sample.name.clone(), false),
            },
        }
        let open = self.open.as_mut().expect("a family has been entered");
        if !open.sampled && open.family.kind.is_none() && !open.unjudged {
            self.claim();
        }
        let open = self.open.as_mut().expect("a family has been entered");
        open.sampled = true;
        if !open.unjudged || self.kept.is_some() {
            open.family.samples.push(sample);
            open.spots.push(Spot { place: self.place, parts });
        }
    }

    /// What is wrong with a sample on its own.
    fn check_sample(&self, sample: &Sample, parts: Parts) -> Option<Broken> {
        if sample.timestamp.is_some() && !self.rules.timestamps {
            return Some(Broken::new(Rule::OwnTimestamp, parts.timestamp, "a timestamp"));
        }
        if sample.labels.iter().any(|(name, _)| name == "__name__") {
            return Some(Broken::new(Rule::ReservedLabel, parts.labels, "a label `__name__`"));
        }
        let mut names: Vec<&str> = sample.labels.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        let twice = names.windows(2).find(|pair| pair[0] == pair[1])?;
        Some(Broken::new(Rule::LabelTwice, parts.labels, format!("label {} twice on one sample", quoted(twice[0]))))
    }

    fn owns(&self, open: &Open, sample: &str) -> bool {
        let Some(suffix) = sample.strip_prefix(open.family.name.as_str()) else { return false };
        if open.unjudged {
            return ANY_SUFFIX.contains(&suffix);
        }
        self.format.suffixes(open.family.kind.unwrap_or(Kind::Unknown)).contains(&suffix)
    }

    /// Reports a sample that has the bare name of a family whose samples have suffixes.
    fn report_suffix(&mut self, name: &str) {
        let place = self.place;
        let open = self.open.as_mut().expect("the sample is of this family");
        let kind = open.family.kind.expect("without a type it would own the name");
        let broken = Broken::new(Rule::SampleName, 0, format!("the sample {} has no suffix", quoted(name)));
        let broken = match name.strip_suffix("_total") {
            Some(stem) if kind == Kind::Counter => {
                broken.remedy(format!("name the family {}, to which its samples add `_total`", quoted(stem)))
            }
            _ => broken.remedy(format!("write one of the suffixes {}", self.format.suffixes(kind).join(", "))),
        };
        // Once is enough for the family: its other samples have the same cause.
        if !std::mem::replace(&mut open.damaged, true) {
            self.findings.push(place, broken);
        }
    }
}
