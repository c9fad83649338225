//! The report for a person.

use super::report::{Level, Report};
use crate::client::figure::duration;
use crate::client::terminal::{Terminal, Tone, clean, columns};

/// The overall status, a line for each check, and what is wrong.
pub(super) fn table(terminal: &Terminal, report: &Report) -> String {
    let mut told = terminal.paint(Level::tone(Some(report.status)), report.status.word()).into_owned();
    let milliseconds = |milliseconds: f64| duration(milliseconds / 1e3);
    let facts = [
        report.duration_ms.map(|took| format!("checked in {}", milliseconds(took))),
        report.age_ms.filter(|age| *age > 0.0).map(|age| format!("{} ago", milliseconds(age))),
        report.uptime_s.map(|uptime| format!("up for {}", duration(uptime))),
        report.version.as_ref().map(|version| format!("version {}", clean(version))),
    ];
    let facts: Vec<String> = facts.into_iter().flatten().collect();
    if !facts.is_empty() {
        told += &format!("  {}", terminal.paint(Tone::Dim, &facts.join(", ")));
    }
    told.push('\n');
    let rows: Vec<Vec<String>> = report
        .checks
        .iter()
        .map(|check| {
            vec![
                clean(&check.name).into_owned(),
                check.status.map_or("unknown", Level::word).to_owned(),
                check.duration_ms.map(milliseconds).unwrap_or_default(),
                check.age_ms.map(|age| format!("{} ago", milliseconds(age))).unwrap_or_default(),
                check.message.as_deref().map(clean).unwrap_or_default().into_owned(),
            ]
        })
        .collect();
    for (cells, check) in columns(&rows, &[2, 3]).iter().zip(&report.checks) {
        let status = terminal.paint(Level::tone(check.status), &cells[1]);
        let line = format!("  {}  {status}  {}  {}  {}", cells[0], cells[2], cells[3], cells[4]);
        told += &format!("{}\n", line.trim_end());
    }
    for issue in &report.issues {
        told += &format!("{}\n", terminal.paint(Level::tone(Some(report.status)), &format!("! {}", clean(issue))));
    }
    for note in &report.notes {
        told += &format!("{}\n", terminal.paint(Tone::Dim, &clean(note)));
    }
    told
}
