//! Rendering at its least.

use std::fmt::Write;

use super::spell;
use crate::inputs::inputs;
use crate::work::{self, FILLING, JOBS, LABELS, NANOSECONDS, SECONDS, Shape, WAIT};

/// Two threads' cells added up, texts copied, numbers written.
#[derive(Clone)]
pub(super) struct Cells {
    /// Everything of a family before its samples.
    head: String,
    /// Of each line what stands before its value, and how far back its cells reach: a bucket's lines are cumulative.
    lines: Vec<(String, Line)>,
    by_thread: [Vec<u64>; 2],
    out: String,
}

/// Where a line's value comes from.
#[derive(Clone, Copy)]
enum Line {
    /// The next cell.
    Cell,
    /// The next cell and all before it, of the same series.
    Upto,
    /// The next cell, in nanoseconds, as seconds; the series' count begins anew after it.
    Sum,
    /// All cells since the last sum.
    Count,
}

impl Cells {
    pub(super) fn filled(shape: Shape) -> Self {
        let mut lines = Vec::new();
        let mut cells = Vec::new();
        let head = match shape {
            Shape::Counters(series) => {
                for at in 0..series {
                    lines.push((format!("{JOBS}{{{}}} ", spell(LABELS, &work::series_labels(at))), Line::Cell));
                    cells.push(work::amount(at));
                }
                format!("# HELP {JOBS} Jobs.\n# TYPE {JOBS} counter\n")
            }
            Shape::Histograms(series) => {
                for at in 0..series {
                    let label = format!("{}=\"{}\"", LABELS[0], work::series_endpoint(at));
                    let values = || (at..at + FILLING).map(|i| inputs().duration(i).0);
                    let mut counts = [0u64; SECONDS.len() + 1];
                    for value in values() {
                        counts[NANOSECONDS.iter().position(|bound| value <= *bound).unwrap_or(NANOSECONDS.len())] += 1;
                    }
                    for (bound, count) in SECONDS.iter().chain([&f64::INFINITY]).zip(counts) {
                        let bound = if bound.is_finite() { bound.to_string() } else { "+Inf".to_owned() };
                        lines.push((format!("{WAIT}_bucket{{{label},le=\"{bound}\"}} "), Line::Upto));
                        cells.push(count);
                    }
                    lines.push((format!("{WAIT}_count{{{label}}} "), Line::Count));
                    lines.push((format!("{WAIT}_sum{{{label}}} "), Line::Sum));
                    cells.push(values().sum());
                }
                format!("# HELP {WAIT} Waiting.\n# TYPE {WAIT} histogram\n")
            }
        };
        Self { head, lines, by_thread: [cells.clone(), cells], out: String::new() }
    }

    pub(super) fn render(&mut self) -> &str {
        let out = &mut self.out;
        out.clear();
        out.push_str(&self.head);
        let mut cells = self.by_thread[0].iter().zip(&self.by_thread[1]).map(|(one, other)| one + other);
        let mut next = || cells.next().expect("there is a cell for each line");
        let mut number = itoa::Buffer::new();
        let mut upto = 0;
        for (text, line) in &self.lines {
            out.push_str(text);
            match line {
                Line::Cell => out.push_str(number.format(next())),
                Line::Upto => {
                    upto += next();
                    out.push_str(number.format(upto));
                }
                Line::Count => out.push_str(number.format(upto)),
                Line::Sum => {
                    upto = 0;
                    write!(out, "{}", next() as f64 / 1e9).expect("a String takes everything");
                }
            }
            out.push('\n');
        }
        out
    }
}
