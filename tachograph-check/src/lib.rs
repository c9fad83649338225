//! A strict checker of the Prometheus text formats: text 0.0.4, text 1.0.0 and OpenMetrics 1.0.
//!
//! It is written from the formats' specifications alone and shares no code with any encoder, so that a mistake cannot stand on
//! both sides. [`check`] finds everything that is wrong with a text, each [`Finding`] with its line, its column, the [`Rule`]
//! that it breaks and a remedy; [`read`] hands out what the text says too; [`parse`] and its like are for tests of encoders,
//! which want the content or the first finding.
//!
//! [`Rules::FORMAT`] is what the format itself demands. [`Rules::OURS`] asks for more: one order and one spelling, so that an
//! unchanged state is the same text to the byte.
//!
//! # Examples
//!
//! ```
//! use tachograph_check::{Format, Rules, check};
//!
//! let text = b"# TYPE jobs_total counter\njobs_total{queue=\"mail\"} -1\n";
//! let report = check(text, Format::guess(text), Rules::FORMAT);
//! assert_eq!(
//!     report.findings[0].to_string(),
//!     "2:26: counter-value: a counter that is NaN or negative: \"jobs_total{queue=\\\"mail\\\"} -1\"; \
//!      count up from 0, or make it a gauge"
//! );
//! ```
//!
//! # What one mistake is
//!
//! A line that cannot be read is one finding and is skipped, and nothing is then said to be missing in the family around it.
//! A family in many pieces, a type that is none, carriage returns on all lines and names without the suffix of their type are
//! told once. The reading ends after [`MOST_FINDINGS`].
//!
//! # Doubtful points
//!
//! The OpenMetrics specification decides, and its grammar where the two differ. What it leaves open is decided so:
//!
//! - A carriage return is content in HELP and between quotes, as the grammar has it, also at the end of a HELP line.
//! - A backslash before any other character than `\`, `n` and `"` stands for itself in HELP and label values: the grammar
//!   allows it, the text advises against it. Names between quotes have the three escapes alone.
//! - A quote in HELP must be escaped: the grammar has no other. Python's parser takes a bare one.
//! - `NaN` has no sign, and `inf`, `infinity` and `nan` may be written in any case, but the bound of the infinite bucket is
//!   `+Inf` to the letter.
//! - A number beyond the range of 64 bits is refused also if it is an integer, which no ingestor would hold.
//! - Label names that begin with one `_` are refused like those with two: all of them are reserved. Colons are reserved too,
//!   but for a use that cannot be told from the text, and pass.
//! - Timestamps *increase*, where the specification says *non-decreasing* of counters: two points of a metric at one time are
//!   one series twice. Python's parser drops the second one in silence.
//! - A point of a counter has a total: `_created` alone is refused. Python's parser takes it.
//! - `_created` is a time, hence finite.
//! - Quantiles are a map, so that `0.5` and `0.50` are one quantile twice.
//! - Two families clash if their samples may have the same name; a counter `a` beside a counter `a_total` does not, which
//!   Python's parser refuses.
//! - A second HELP line is one too many also if the first one is empty, though an empty one counts as absent.
//! - The labels of an info metric and of its value cannot be told apart, so that infos may come in any order.
//! - Text 0.0.4 says nothing of the order of sum and count: [`Rules::OURS`] does.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod family;
mod finding;
mod format;
mod line;
mod model;
mod number;
mod reader;
mod rule;
mod spelling;

pub use finding::{Finding, MOST_FINDINGS};
pub use format::Format;
pub use model::{Exemplar, Exposition, Family, Kind, Sample, Timestamp};
pub use rule::Rule;
pub use spelling::{go_float, openmetrics_float};

use reader::Reader;

/// What is asked for beyond the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Families stand in the order of their names.
    pub families_sorted: bool,
    /// The series of a family stand in the order of their label values, each in one piece.
    pub series_sorted: bool,
    /// Samples may carry a timestamp.
    pub timestamps: bool,
    /// Of several spellings of a number, an escape or the metadata only the one that the format advises.
    pub canonical: bool,
}

impl Rules {
    /// What the format itself demands.
    pub const FORMAT: Self = Self { families_sorted: false, series_sorted: false, timestamps: true, canonical: false };
    /// What Tachograph demands of its own output.
    pub const OURS: Self = Self { families_sorted: true, series_sorted: true, timestamps: false, canonical: true };
}

/// What a check has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The findings by line and column.
    pub findings: Vec<Finding>,
    /// There may be more findings: the reading ended after [`MOST_FINDINGS`].
    pub cut: bool,
    /// Families that were read.
    pub families: usize,
    /// Samples that were read.
    pub samples: usize,
}

impl Report {
    /// Whether there is no finding.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Checks a text, and keeps no more of it in memory than a family at a time and the names of all.
pub fn check(bytes: &[u8], format: Format, rules: Rules) -> Report {
    run(bytes, format, rules, false).0
}

/// Checks a text, and hands out what it says, as far as it could be read.
pub fn read(bytes: &[u8], format: Format, rules: Rules) -> (Report, Exposition) {
    run(bytes, format, rules, true)
}

/// Reads a text 0.0.4 by [`Rules::OURS`].
///
/// # Errors
///
/// The first finding.
pub fn parse(bytes: &[u8]) -> Result<Exposition, Finding> {
    parse_by(bytes, Format::Text, Rules::OURS)
}

/// Reads a text in that format by [`Rules::OURS`].
///
/// # Errors
///
/// The first finding.
pub fn parse_as(bytes: &[u8], format: Format) -> Result<Exposition, Finding> {
    parse_by(bytes, format, Rules::OURS)
}

/// Reads a text by the rules given.
///
/// # Errors
///
/// The first finding.
pub fn parse_by(bytes: &[u8], format: Format, rules: Rules) -> Result<Exposition, Finding> {
    let (report, exposition) = run(bytes, format, rules, true);
    report.findings.into_iter().next().map_or(Ok(exposition), Err)
}

fn run(bytes: &[u8], format: Format, rules: Rules, keep: bool) -> (Report, Exposition) {
    let mut reader = Reader::new(bytes, format, rules, keep);
    reader.read(bytes);
    let samples = reader.samples;
    let (findings, families, exposition) = reader.finish();
    let cut = findings.is_full();
    (Report { findings: findings.into_sorted(), cut, families, samples }, exposition)
}
