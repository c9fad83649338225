//! The screen, drawn from the state alone.

mod chart;
mod health;
mod metrics;
mod overview;
mod paint;
mod routes;

use std::time::SystemTime;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

pub(super) use paint::Palette;
use paint::{Tone, below, write, write_all};

use super::state::{Away, Health, State, View};
use crate::client::figure::duration;
use crate::client::health::report::Level;
use crate::client::terminal::width;

/// The least that anything can be read on.
const LEAST: (u16, u16) = (40, 10);

/// Draws everything.
pub(super) fn draw(state: &State, palette: Palette, frame: &mut Frame<'_>) {
    let area = frame.area();
    let buffer = frame.buffer_mut();
    if area.width < LEAST.0 || area.height < LEAST.1 {
        let told = format!("too small, {}×{} at least", LEAST.0, LEAST.1);
        write(buffer, (area.x, area.y), area.width, &told, palette.style(Tone::Warning));
        return;
    }
    let banner = banner(state);
    let heights = [1, u16::from(banner.is_some()), area.height - 2 - u16::from(banner.is_some()), 1];
    let [header_area, banner_area, body, footer_area] = below(area, heights);
    header(state, palette, header_area, buffer);
    if let Some((told, tone)) = banner {
        let style = palette.style(tone).patch(palette.style(Tone::Chosen));
        let told = format!(" {told}");
        let end = write(buffer, (banner_area.x, banner_area.y), banner_area.width, &told, style);
        debug_assert!(end <= banner_area.right());
    }
    match (&state.last, state.view) {
        (None, _) if state.away.is_some() => unreached(state, palette, body, buffer),
        (None, _) => {
            _ = write(buffer, (body.x, body.y + 1), body.width, &format!("asking {} …", state.url), palette.style(Tone::Dim))
        }
        (Some(_), View::Overview) => overview::draw(state, palette, body, buffer),
        (Some(_), View::Routes) => routes::draw(state, palette, body, buffer),
        (Some(_), View::Health) => health::draw(state, palette, body, buffer),
        (Some(_), View::Metrics) => metrics::draw(state, palette, body, buffer),
    }
    footer(state, palette, footer_area, buffer);
    if state.help {
        help(palette, area, buffer);
    }
}

/// The views at the left; how and who the server is at the right, as far as there is room.
fn header(state: &State, palette: Palette, area: Rect, buffer: &mut Buffer) {
    let mut texts = Vec::new();
    for (at, (view, name)) in View::ALL.into_iter().enumerate() {
        let tone = if view == state.view { Tone::Chosen } else { Tone::Plain };
        texts.push((format!(" {} {name} ", at + 1), palette.style(tone)));
    }
    let start = write_all(buffer, (area.x, area.y), area.width, &texts) + 1;
    let mut told = Vec::new();
    if let Health::Known(report) = &state.health {
        told.push((report.status.word().to_owned(), palette.style(Level::tone(Some(report.status)))));
    }
    if let Some(uptime) = state.uptime() {
        let restarts = match state.restarts {
            0 => String::new(),
            1 => ", restarted".to_owned(),
            many => format!(", restarted {many}×"),
        };
        told.push((format!("up {}{restarts}", duration(uptime.floor())), palette.style(Tone::Plain)));
    }
    let address = state.url.strip_prefix("http://").unwrap_or(&state.url);
    let address = address.strip_suffix("/metrics").unwrap_or(address);
    told.push((address.to_owned(), palette.style(Tone::Figure)));
    let length = |told: &[(String, _)]| told.iter().map(|(text, _)| width(text) + 2).sum::<usize>();
    let room = usize::from(area.right().saturating_sub(start));
    while told.len() > 1 && length(&told) > room {
        // How it is and where it is say more than since when it runs.
        told.remove(told.len() / 2);
    }
    let mut x = area.right().saturating_sub(length(&told).min(room) as u16);
    for (text, style) in &told {
        x = write(buffer, (x, area.y), area.right().saturating_sub(x + 1), text, *style) + 2;
    }
}

/// What is to be known at once.
fn banner(state: &State) -> Option<(String, Tone)> {
    if let Some(away) = &state.away {
        return Some((away_told(state, away), Tone::Bad));
    }
    if let Some(since) = state.silent() {
        return Some((format!("no answer {}, still waiting for one", ago(state, since)), Tone::Warning));
    }
    state.paused.then(|| ("paused: p goes on".to_owned(), Tone::Warning))
}

fn away_told(state: &State, away: &Away) -> String {
    let what = if away.answers { "no metrics" } else { "no answer" };
    let since = away.since.map_or("yet".to_owned(), |since| ago(state, since));
    format!("{what} {since}, trying again: {}", away.told)
}

fn ago(state: &State, since: SystemTime) -> String {
    let passed = state.now.duration_since(since).unwrap_or_default().as_secs();
    format!("since {} UTC ({})", time_of_day(since), duration(passed as f64))
}

fn time_of_day(time: SystemTime) -> String {
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs() % 86_400;
    format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// There has never been an answer: why not, in full.
fn unreached(state: &State, palette: Palette, area: Rect, buffer: &mut Buffer) {
    let Some(away) = &state.away else { return };
    let area =
        Rect { x: area.x + 1, y: area.y + 1, width: area.width.saturating_sub(2), height: area.height.saturating_sub(1) };
    paint::note(buffer, area, &away.told, palette.style(Tone::Plain));
}

fn footer(state: &State, palette: Palette, area: Rect, buffer: &mut Buffer) {
    if state.typing {
        let told = [(format!(" / {}", state.filter), palette.style(Tone::Name)), ("▏".to_owned(), palette.style(Tone::Figure))];
        let x = write_all(buffer, (area.x, area.y), area.width, &told);
        write(buffer, (x, area.y), area.right() - x, "  Enter keeps it, Esc clears it", palette.style(Tone::Dim));
        return;
    }
    let mut keys =
        vec![("q", "quit"), ("?", "help"), ("Tab", "view"), ("/", "filter"), ("p", "pause"), ("s", "sort"), ("r", "reset")];
    if state.lines() > 0 {
        keys.push(("↑↓", "move"));
    }
    if state.view == View::Metrics {
        keys.push(if state.picked.is_some() { ("Esc", "back") } else { ("Enter", "series") });
    }
    let mut texts = Vec::new();
    let mut used = 0;
    for (key, does) in keys {
        used += width(key) + width(does) + 3;
        if used <= usize::from(area.width) {
            texts.push((format!(" {key} "), palette.style(Tone::Name)));
            texts.push((format!("{does} "), palette.style(Tone::Dim)));
        }
    }
    let x = write_all(buffer, (area.x, area.y), area.width, &texts);
    let every = format!("every {}", duration(state.every.as_secs_f64()));
    if usize::from(area.right().saturating_sub(x)) > width(&every) + 1 {
        write(buffer, (area.right() - width(&every) as u16 - 1, area.y), area.width, &every, palette.style(Tone::Dim));
    }
}

const HELP: [&str; 17] = [
    "q, Ctrl-C    quit",
    "?            this help; any key closes it",
    "Tab, 1 to 4  another view; ← → too",
    "/            filter the families of view 4, by name or help",
    "↑ ↓ j k      move; PgUp PgDn Home End too",
    "Enter        the series of a family; Esc goes back",
    "s            sort: as given, name, rate, value",
    "p, space     pause and go on",
    "r            forget what has been, and ask everything anew",
    "Ctrl-L       draw anew what another program has written over",
    "",
    "Rates are what came between two scrapes, never negative.",
    "Latencies are those of the last 10 s, from the buckets.",
    "Of several gauges the least … most are shown, and the line is",
    "their mean. 300 points are kept of each figure, for 2,000",
    "families and 4,096 series at most. · is a gap: no answer, or",
    "none that is a number.",
];

fn help(palette: Palette, area: Rect, buffer: &mut Buffer) {
    let columns = (HELP.iter().map(|line| width(line)).max().unwrap_or(0) as u16 + 4).min(area.width);
    let lines = (HELP.len() as u16 + 2).min(area.height);
    let inner = Rect { x: (area.width - columns) / 2, y: (area.height - lines) / 2, width: columns, height: lines };
    for y in inner.y..inner.bottom() {
        let fill = if y == inner.y || y + 1 == inner.bottom() { "─" } else { " " };
        for x in inner.x..inner.right() {
            buffer[(x, y)].reset();
            buffer[(x, y)].set_symbol(fill);
        }
    }
    write(buffer, (inner.x + 2, inner.y), columns - 2, " tachograph dashboard ", palette.style(Tone::Name));
    for (row, line) in HELP.iter().take(usize::from(lines) - 2).enumerate() {
        write(buffer, (inner.x + 2, inner.y + 1 + row as u16), columns - 3, line, palette.style(Tone::Plain));
    }
}
