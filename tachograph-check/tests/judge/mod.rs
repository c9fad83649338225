//! What a test says of a text: that it is accepted, or refused for one rule at one place.

#![allow(dead_code, reason = "no single test uses all of it, and each one compiles the whole")]

use tachograph_check::{Exposition, Format, Rules, read};

/// Reads a text that must follow the format.
#[track_caller]
pub(crate) fn accepted(format: Format, text: &str) -> Exposition {
    let (report, exposition) = read(text.as_bytes(), format, Rules::FORMAT);
    assert!(report.is_clean(), "{:?}\n{text}", report.findings);
    exposition
}

/// Checks that a text is refused for that rule at that line and column, and for nothing else.
#[track_caller]
pub(crate) fn refused(format: Format, rules: Rules, rule: &str, line: usize, column: usize, text: &str) {
    let found = tachograph_check::check(text.as_bytes(), format, rules).findings;
    let found: Vec<_> = found.iter().map(|finding| (finding.rule.id(), finding.line, finding.column)).collect();
    assert_eq!(found, [(rule, line, column)], "{text}");
}

/// OpenMetrics that must be accepted, without its last line.
#[track_caller]
pub(crate) fn open(text: &str) -> Exposition {
    accepted(Format::OpenMetrics, &format!("{text}# EOF\n"))
}

/// OpenMetrics that must be refused, without its last line.
#[track_caller]
pub(crate) fn refused_open(rule: &str, line: usize, column: usize, text: &str) {
    refused(Format::OpenMetrics, Rules::FORMAT, rule, line, column, &format!("{text}# EOF\n"));
}

/// OpenMetrics that is accepted, but not as our own output, without its last line.
#[track_caller]
pub(crate) fn not_ours(rule: &str, line: usize, column: usize, text: &str) {
    open(text);
    refused(Format::OpenMetrics, Rules::OURS, rule, line, column, &format!("{text}# EOF\n"));
}
