//! What is found, and where.

use std::borrow::Cow;
use std::fmt;

use crate::Rule;

/// Findings after which the reading stops: more would be read by nobody.
pub const MOST_FINDINGS: usize = 1000;

/// Characters of the text that a message repeats at most.
const MOST_QUOTED: usize = 60;

/// A broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The line, from 1; 0 if it is the header that breaks the rule.
    pub line: usize,
    /// The character of the line, from 1; one past the end if something is missing there; 0 if it is the header that breaks the
    /// rule.
    pub column: usize,
    /// The rule.
    pub rule: Rule,
    /// What is wrong here.
    pub message: String,
    /// How it can be mended.
    pub remedy: Cow<'static, str>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, rule, message, remedy } = self;
        write!(f, "{line}:{column}: {rule}: {message}; {remedy}")
    }
}

impl std::error::Error for Finding {}

/// A finding before its place in the text is known.
#[derive(Debug)]
pub(crate) struct Broken {
    rule: Rule,
    /// Bytes from the beginning of the line.
    at: usize,
    message: String,
    remedy: Cow<'static, str>,
}

impl Broken {
    pub(crate) fn new(rule: Rule, at: usize, message: impl Into<String>) -> Self {
        Self { rule, at, message: message.into(), remedy: Cow::Borrowed(rule.remedy()) }
    }

    /// Whether the line ends between quotes.
    pub(crate) fn is_torn(&self, line: &str) -> bool {
        self.rule == Rule::LabelEscape && self.at == line.len()
    }

    /// Replaces the rule's own remedy.
    pub(crate) fn remedy(self, remedy: impl Into<Cow<'static, str>>) -> Self {
        Self { remedy: remedy.into(), ..self }
    }
}

/// Where a line is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// From 1.
    pub(crate) line: usize,
    /// Bytes from the beginning of the text.
    pub(crate) start: usize,
}

/// The findings so far.
#[derive(Debug)]
pub(crate) struct Findings<'a> {
    bytes: &'a [u8],
    found: Vec<Finding>,
}

impl<'a> Findings<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, found: Vec::new() }
    }

    pub(crate) fn push(&mut self, place: Place, broken: Broken) {
        if self.is_full() {
            return;
        }
        let Broken { rule, at, message, remedy } = broken;
        let before = self.bytes.get(place.start..place.start + at).unwrap_or_default();
        // Continuation bytes are no characters of their own.
        let column = 1 + before.iter().filter(|byte| **byte & 0xc0 != 0x80).count();
        self.found.push(Finding { line: place.line, column, rule, message, remedy });
    }

    pub(crate) fn is_full(&self) -> bool {
        self.found.len() >= MOST_FINDINGS
    }

    /// The text, from the beginning of a line on.
    pub(crate) fn line_at(&self, place: Place) -> &'a [u8] {
        let rest = &self.bytes[place.start..];
        &rest[..rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len())]
    }

    /// All findings by line and column.
    pub(crate) fn into_sorted(mut self) -> Vec<Finding> {
        self.found.sort_by_key(|finding| (finding.line, finding.column));
        self.found
    }
}

/// A part of the text for a message: between quotes, with escapes, and never long.
pub(crate) fn quoted(text: &str) -> String {
    match text.char_indices().nth(MOST_QUOTED) {
        Some((end, _)) => format!("{:?}...", &text[..end]),
        None => format!("{text:?}"),
    }
}
