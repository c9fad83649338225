//! One request: its phases over time, those within others below them.

use super::answer::{Phase, Profile};
use crate::client::figure::{bytes, duration};
use crate::client::terminal::{Terminal, Tone, clean, columns, fit, width};

/// Columns of the bars at least, and the depth up to which phases are indented.
const FEWEST: usize = 20;
const DEEPEST: usize = 16;

/// A line for each phase: its name, its time, its own time without the phases within, and a bar from its start to its end.
pub(super) fn waterfall(terminal: &Terminal, profile: &Profile) -> String {
    let mut told = heading(terminal, profile);
    let order = order(&profile.phases);
    let milliseconds = |milliseconds: f64| duration(milliseconds / 1e3);
    let mut rows = vec![["phase", "total", "self"].map(str::to_owned).to_vec()];
    rows.extend(order.iter().map(|&(at, depth)| {
        let phase = &profile.phases[at];
        let name = format!("{}{}", "  ".repeat(depth.min(DEEPEST)), clean(&phase.name));
        vec![name, milliseconds(phase.duration_ms), milliseconds(phase.self_ms)]
    }));
    rows.push(vec!["(unaccounted)".to_owned(), String::new(), milliseconds(profile.unaccounted_ms)]);
    let rows = columns(&rows, &[1, 2]);
    let used = rows[0].iter().map(|cell| width(cell) + 2).sum::<usize>() + 3;
    let room = terminal.width.saturating_sub(used).max(FEWEST);
    for (at, cells) in rows.iter().enumerate() {
        let cells = format!("  {}", cells.join("  "));
        let line = match at.checked_sub(1).and_then(|at| order.get(at)) {
            Some(&(phase, _)) => {
                let bar = bar(&profile.phases[phase], profile.total_duration_ms, room);
                format!("{cells}  {}", terminal.paint(Tone::Figure, &bar))
            }
            None => terminal.paint(Tone::Dim, &cells).into_owned(),
        };
        told += &format!("{}\n", line.trim_end());
    }
    if profile.phases_dropped > 0 {
        told += &format!("  … {} more phases, for which there was no room\n", profile.phases_dropped);
    }
    told
}

fn heading(terminal: &Terminal, profile: &Profile) -> String {
    let total = duration(profile.total_duration_ms / 1e3);
    let mut told = format!(
        "{} {}  {}  {}{}{}\n",
        clean(&profile.method),
        terminal.paint(Tone::Name, &clean(&profile.endpoint)),
        profile.status,
        terminal.paint(profile.tone_of_duration(), &total),
        if profile.is_slow { ", slow" } else { "" },
        if profile.aborted { ", aborted by the client" } else { "" },
    );
    let mut facts = vec![
        clean(&profile.request_id).into_owned(),
        clean(&profile.started_at).into_owned(),
        format!("{} in", bytes(profile.request_bytes as f64)),
        format!("{} out", bytes(profile.response_bytes as f64)),
    ];
    facts.extend(profile.trace_id.as_ref().map(|id| format!("trace {}", clean(id))));
    told += &format!("{}\n\n", terminal.paint(Tone::Dim, &facts.join("  ")));
    told
}

/// The phases with their depths: each behind the one that it is part of, those beside each other by their starts.
fn order(phases: &[Phase]) -> Vec<(usize, usize)> {
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); phases.len()];
    let mut roots = Vec::new();
    for (at, phase) in phases.iter().enumerate() {
        // A parent comes before its children: so nothing is in a circle.
        match phase.parent.filter(|parent| *parent < at) {
            Some(parent) => children[parent].push(at),
            None => roots.push(at),
        }
    }
    let by_start = |list: &mut Vec<usize>| {
        list.sort_by(|one, other| phases[*other].start_ms.total_cmp(&phases[*one].start_ms));
    };
    children.iter_mut().for_each(by_start);
    by_start(&mut roots);
    let mut left: Vec<(usize, usize)> = roots.into_iter().map(|at| (at, 0)).collect();
    let mut order = Vec::with_capacity(phases.len());
    while let Some((at, depth)) = left.pop() {
        order.push((at, depth));
        left.extend(children[at].iter().map(|child| (*child, depth + 1)));
    }
    order
}

/// The phase on the request's time, by eighths of a column at its end, and at least a sliver.
fn bar(phase: &Phase, total: f64, columns: usize) -> String {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let scale = |milliseconds: f64| match total > 0.0 {
        true => ((milliseconds / total).clamp(0.0, 1.0) * columns as f64 * 8.0).round() as usize,
        false => 0,
    };
    let start = (scale(phase.start_ms) / 8).min(columns - 1);
    let eighths = scale(phase.start_ms + phase.duration_ms).saturating_sub(start * 8).max(1);
    let bar = format!("{}{}{}", " ".repeat(start), "█".repeat(eighths / 8), PARTS[eighths % 8]);
    fit(&bar, columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phase(start_ms: f64, duration_ms: f64, parent: Option<usize>) -> Phase {
        Phase { name: String::new(), duration_ms, start_ms, parent, self_ms: 0.0 }
    }

    #[test]
    fn a_phase_stands_below_the_one_it_is_part_of() {
        let phases = [
            phase(5.0, 1.0, None),
            phase(0.0, 4.0, None),
            phase(2.0, 1.0, Some(1)),
            phase(1.0, 1.0, Some(1)),
            phase(1.0, 1.0, Some(3)),
            phase(9.0, 1.0, Some(99)),
        ];
        assert_eq!(order(&phases), [(1, 0), (3, 1), (4, 2), (2, 1), (0, 0), (5, 0)]);
    }

    #[test]
    fn a_bar_reaches_from_start_to_end() {
        for (start, duration, expected) in [
            (0.0, 10.0, "██████████"),
            (5.0, 2.5, "     ██▌  "),
            (9.85, 0.05, "         ▉"),
            (0.0, 0.0, "▏         "),
            (20.0, 5.0, "         █"),
        ] {
            assert_eq!(bar(&phase(start, duration, None), 10.0, 10), expected, "{start} {duration}");
        }
        assert_eq!(bar(&phase(0.0, 0.0, None), 0.0, 3), "▏  ");
    }
}
