//! The report.

use std::fmt::Write;

use peers::Role;

use crate::heap::Weight;
use crate::measure::{Cores, Figures, Folded, THREADS};

/// Two threads in loops of their own may take this much longer than one before the machine is said not to have had two cores for us.
const TWO_CORES: f64 = 1.15;

const HELD: &str = ", held endpoint";

/// A title, and the figures of all subjects.
type Measured = (String, Vec<Figures>);

/// All that was measured.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    pub(crate) works: &'a [Measured],
    pub(crate) texts: &'a [Measured],
    pub(crate) folded: &'a [(String, Folded)],
    pub(crate) weights: &'a [(&'static str, Vec<Weight>)],
    pub(crate) cores: &'a Cores,
}

impl Report<'_> {
    /// As Markdown.
    pub(crate) fn write(&self) -> String {
        let mut out = String::new();
        write_report(&mut out, self).expect("a String takes everything");
        out
    }
}

fn write_report(out: &mut String, report: &Report<'_>) -> std::fmt::Result {
    let Report { works, texts, folded, weights, cores } = *report;
    let found = std::thread::available_parallelism().map_or(1, usize::from);
    let Cores { median, worst } = *cores;
    let verdict = match median <= TWO_CORES {
        true => "the machine gave two cores",
        false => "**the machine did not give two cores: figures at two threads and more mean little**",
    };
    writeln!(
        out,
        "{found} cores by the system's account. Two threads in loops of their own took {median:.2} times as long as one"
    )?;
    writeln!(out, "(median of the rounds; {worst:.2} in the worst): {verdict}.\n")?;
    writeln!(
        out,
        "CPU nanoseconds an operation (a line, for texts), median of the rounds, at 1 / 2 threads. *Ahead* is the best"
    )?;
    writeln!(
        out,
        "peer's figure by Tachograph's; who does less than the work (*no sum*) is told below, but is no best peer.\n"
    )?;
    summary(out, works, texts)?;
    beside_a_reader(out, folded)?;
    memory(out, weights)?;
    for (title, figures) in works.iter().chain(texts) {
        details(out, title, figures)?;
    }
    Ok(())
}

const COLUMNS: [&str; 7] = [
    "prometheus",
    "prometheus-client",
    "metrics + exporter",
    "measured",
    "measured, dense",
    "metriken, sharded",
    "opentelemetry",
];

fn summary(out: &mut String, works: &[Measured], texts: &[Measured]) -> std::fmt::Result {
    writeln!(out, "| work | floor | tachograph | by floor | best peer | ahead | {} |", COLUMNS.join(" | "))?;
    writeln!(out, "|{}", "---|".repeat(6 + COLUMNS.len()))?;
    for (title, figures) in works.iter().chain(texts) {
        for ours in figures.iter().filter(|ours| ours.role == Role::Ours && ours.threads == 1) {
            let title = format!("{title}{}", ours.name.strip_prefix("tachograph").unwrap_or_default());
            let at = |of: &dyn Fn(usize) -> Option<String>| {
                let shown: Vec<String> = THREADS[..2].iter().filter_map(|&threads| of(threads)).collect();
                if shown.is_empty() { "-".to_owned() } else { shown.join(" / ") }
            };
            let cpu = |name: &str, threads| find(figures, name, threads).map(Figures::cpu);
            let floor = |threads| floor(figures, &ours.name, threads).map(Figures::cpu);
            let own = |threads| cpu(&ours.name, threads);
            let best = |threads| best_peer(figures, threads);
            let mut row = vec![
                title,
                at(&|threads| floor(threads).map(number)),
                at(&|threads| own(threads).map(number)),
                at(&|threads| Some(format!("{:.2}", own(threads)? / floor(threads)?))),
                at(&|threads| best(threads).map(|best| format!("{} ({})", number(best.cpu()), best.name))),
                at(&|threads| Some(format!("{:.1}", best(threads)?.cpu() / own(threads)?))),
            ];
            row.extend(COLUMNS.iter().map(|name| at(&|threads| cpu(name, threads).map(number))));
            writeln!(out, "| {} |", row.join(" | "))?;
        }
    }
    Ok(())
}

fn beside_a_reader(out: &mut String, folded: &[(String, Folded)]) -> std::fmt::Result {
    writeln!(out, "\n## One writer, while another thread takes 1 000 snapshots a second\n")?;
    writeln!(out, "| work | subject | alone, CPU ns | beside the reader, CPU ns | slow-down | snapshots a second |")?;
    writeln!(out, "|{}", "---|".repeat(6))?;
    for (work, one) in folded {
        let (alone, beside) = (one.alone.cpu(), one.folded.cpu());
        let (name, slower) = (&one.alone.name, ratio(beside / alone));
        writeln!(out, "| {work} | {name} | {} | {} | {slower} | {:.0} |", number(alone), number(beside), one.rate())?;
    }
    Ok(())
}

fn memory(out: &mut String, weights: &[(&'static str, Vec<Weight>)]) -> std::fmt::Result {
    writeln!(out, "\n## Heap bytes a series, 10 000 of them, filled by one thread\n")?;
    for (title, subjects) in weights {
        writeln!(out, "| {title} | bytes |\n|---|---|")?;
        for (name, bytes) in subjects {
            writeln!(out, "| {name} | {bytes:.0} |")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn details(out: &mut String, title: &str, figures: &[Figures]) -> std::fmt::Result {
    writeln!(out, "\n## {title}\n")?;
    writeln!(out, "| threads | subject | CPU ns | wall ns a thread | spread | by floor | best peer by this |")?;
    writeln!(out, "|{}", "---|".repeat(7))?;
    for one in figures {
        let by_floor = floor(figures, &one.name, one.threads).map_or("-".to_owned(), |floor| ratio(one.cpu() / floor.cpu()));
        let by_this = best_peer(figures, one.threads).map_or("-".to_owned(), |best| ratio(best.cpu() / one.cpu()));
        let spread = format!("{:.0} %", one.spread() * 100.0);
        let (cpu, wall) = (number(one.cpu()), number(one.wall()));
        writeln!(out, "| {} | {} | {cpu} | {wall} | {spread} | {by_floor} | {by_this} |", one.threads, one.name)?;
    }
    Ok(())
}

fn find<'a>(figures: &'a [Figures], name: &str, threads: usize) -> Option<&'a Figures> {
    figures.iter().find(|one| one.name == name && one.threads == threads)
}

/// The floor of what a case does: of one that holds its endpoint, the one that does so too.
fn floor<'a>(figures: &'a [Figures], name: &str, threads: usize) -> Option<&'a Figures> {
    find(figures, if name.ends_with(HELD) { "floor, held endpoint" } else { "floor" }, threads)
}

fn best_peer(figures: &[Figures], threads: usize) -> Option<&Figures> {
    let peers = figures.iter().filter(|one| one.role == Role::Peer && one.threads == threads);
    peers.min_by(|a, b| a.cpu().total_cmp(&b.cpu()))
}

fn number(value: f64) -> String {
    if value < 10.0 { format!("{value:.2}") } else { format!("{value:.0}") }
}

fn ratio(value: f64) -> String {
    format!("{value:.2}")
}
