//! A flame graph of text: the whole on top, below each frame the frames within it, as wide as their share of the time.

use serde::Deserialize;

use crate::client::figure::duration;
use crate::client::terminal::{Terminal, Tone, clean, fit};

/// A frame and those within it.
#[derive(Debug, Deserialize)]
pub(super) struct Frame {
    name: String,
    /// Nanoseconds, with those of the children.
    value: u64,
    #[serde(default)]
    children: Vec<Frame>,
}

/// A frame in its place.
struct Placed<'a> {
    frame: &'a Frame,
    start: usize,
    end: usize,
}

/// A line for each level.
pub(super) fn draw(terminal: &Terminal, root: &Frame) -> String {
    if root.value == 0 {
        return "no requests: nothing was profiled, or no request is as the filters ask\n".to_owned();
    }
    let mut told = String::new();
    let mut level = vec![Placed { frame: root, start: 0, end: terminal.width }];
    let mut narrow = 0;
    while !level.is_empty() {
        told += &line(terminal, &level, root.value);
        let below: Vec<Placed<'_>> = level.iter().flat_map(|placed| within(placed, &mut narrow)).collect();
        level = below;
    }
    if narrow > 0 {
        let frames = if narrow == 1 { "1 frame is".to_owned() } else { format!("{narrow} frames are") };
        let note = format!("{frames} narrower than a column; --width or a filter shows more");
        told += &format!("{}\n", terminal.paint(Tone::Dim, &note));
    }
    told
}

/// The frames within one, side by side by their size; those narrower than a column are counted.
fn within<'a>(placed: &Placed<'a>, narrow: &mut usize) -> Vec<Placed<'a>> {
    let mut children: Vec<&Frame> = placed.frame.children.iter().collect();
    // By name, as in the picture: a frame is found at the same place again.
    children.sort_by(|one, other| one.name.cmp(&other.name));
    let columns = (placed.end - placed.start) as f64;
    let most = placed.frame.value.max(1) as f64;
    let mut before = 0.0;
    let mut within = Vec::new();
    for frame in children {
        let place = |value: f64| placed.start + (value / most * columns).round().clamp(0.0, columns) as usize;
        let (start, end) = (place(before), place(before + frame.value as f64));
        before += frame.value as f64;
        match start < end {
            true => within.push(Placed { frame, start, end }),
            false => *narrow += 1,
        }
    }
    within
}

fn line(terminal: &Terminal, level: &[Placed<'_>], total: u64) -> String {
    let mut line = String::new();
    let mut column = 0;
    for placed in level {
        line += &" ".repeat(placed.start - column);
        let columns = placed.end - placed.start;
        let text = label(placed.frame, total);
        if terminal.colored {
            // Frames with the same name have the same colour.
            line += &terminal.block(hash(&placed.frame.name), &fit(&text, columns));
        } else {
            // Without colours a stroke tells where a frame begins.
            line += &format!("│{}", fit(&text, columns - 1));
        }
        column = placed.end;
    }
    if !terminal.colored {
        line.push('│');
    }
    format!("{}\n", line.trim_end())
}

fn label(frame: &Frame, total: u64) -> String {
    let share = frame.value as f64 / total as f64 * 100.0;
    format!("{} {share:.1} % {}", clean(&frame.name), duration(frame.value as f64 / 1e9))
}

/// FNV-1a: the same on each machine.
fn hash(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Terminal = Terminal { colored: false, interactive: false, width: 40, screen: None };

    fn frame(name: &str, value: u64, children: Vec<Frame>) -> Frame {
        Frame { name: name.to_owned(), value, children }
    }

    #[test]
    fn each_frame_is_as_wide_as_its_share() {
        let inner = vec![frame("c", 500_000, vec![]), frame("tiny", 1, vec![])];
        let children = vec![frame("b\x1b[2J", 1_000_000, inner), frame("a", 1_000_000, vec![])];
        let told = draw(&PLAIN, &frame("all", 2_000_000, children));
        let expected = "\
│all 100.0 % 2 ms                       │
│a 50.0 % 1 ms      │b\\u{1b}[2J 50.0 % …│
                    │c 25.0 %…│
1 frame is narrower than a column; --width or a filter shows more
";
        assert_eq!(told, expected);
        assert!(draw(&PLAIN, &frame("all", 0, vec![])).starts_with("no requests"));
    }

    #[test]
    fn more_than_the_whole_is_cut() {
        // A frame whose children together are more than it is: it is drawn, and nothing beside it moves.
        let told = draw(&PLAIN, &frame("all", 10, vec![frame("a", 10, vec![]), frame("b", u64::MAX, vec![])]));
        assert!(told.lines().all(|line| line.chars().count() <= 76), "{told}");
        assert!(told.contains("│a 100.0 %"), "{told}");
    }
}
