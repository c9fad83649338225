//! Looking again and again: the screen is drawn anew, or, where no person looks, written one after the other.

use std::time::{Duration, Instant};

use super::terminal::{Terminal, Tone, Unwritten, clean, crop, write_out};
use crate::fetch::Failure;

/// Looks every `pause` until the reader is gone, which is no failure. A server that is away is told, and looked for again.
pub(super) fn watch(
    pause: Duration,
    terminal: impl Fn() -> Terminal,
    title: &str,
    mut look: impl FnMut(&Terminal) -> Result<String, Failure>,
) -> Result<(), Unwritten> {
    let mut first = true;
    loop {
        let started = Instant::now();
        // A terminal may have been resized.
        let terminal = terminal();
        let told = look(&terminal);
        let text = match (told, terminal.screen) {
            (Ok(told), Some(size)) => screen(&terminal, size, title, pause, &told, first),
            (Ok(told), None) => told,
            (Err(failure), Some(size)) => {
                let told = clean(&failure.told).into_owned();
                screen(&terminal, size, title, pause, &terminal.paint(Tone::Bad, &told), first)
            }
            (Err(failure), None) => {
                // Whoever reads standard output, perhaps as JSON, is not disturbed.
                crate::check::say(&format!("tachograph: {}", clean(&failure.told)));
                String::new()
            }
        };
        write_out(text.as_bytes())?;
        first = false;
        std::thread::sleep(pause.saturating_sub(started.elapsed()));
    }
}

/// What fits on the screen, drawn over what was there before. No mode of the terminal is changed: it can be ended at any time.
fn screen(
    terminal: &Terminal,
    (columns, height): (usize, usize),
    title: &str,
    pause: Duration,
    told: &str,
    first: bool,
) -> String {
    // A line is blanked before it is written: at the end of a full one the last column would be.
    let line = |line: &str| format!("\x1b[K{}\n", crop(line, columns));
    let mut text = String::from(if first { "\x1b[2J\x1b[H" } else { "\x1b[H" });
    text += &line(&terminal.paint(Tone::Dim, &format!("{title}  every {} s, Ctrl-C ends", pause.as_secs_f64())));
    let lines: Vec<&str> = told.lines().collect();
    let room = height.saturating_sub(2).max(1);
    let shown = if lines.len() > room { room - 1 } else { lines.len() };
    text.extend(lines[..shown].iter().copied().map(line));
    if shown < lines.len() {
        text += &line(&format!("… {} more lines", lines.len() - shown));
    }
    text + "\x1b[J"
}
