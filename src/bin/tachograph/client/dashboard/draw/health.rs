//! View 3: the checks and their past, the slowest requests and where their time went, and what measuring costs.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::chart;
use super::overview::lines;
use super::paint::{Cell, Palette, Tone, below, beside, lines_for, name, note, number, panel, table, text, write};
use crate::client::dashboard::figures::Group;
use crate::client::dashboard::history::History;
use crate::client::dashboard::state::{Health, Slow, State};
use crate::client::figure::duration;
use crate::client::health::report::{Level, Report};
use crate::client::profile::answer::{Listing, Profile};

pub(super) fn draw(state: &State, palette: Palette, area: Rect, buffer: &mut Buffer) {
    let count = match &state.health {
        Health::Known(report) => lines_for(report.checks.len()),
        _ => 0,
    };
    let [upper, lower] = below(area, [count.saturating_add(3).max(area.height / 3).min(area.height / 2), 0]);
    let has_engine = has_engine(state);
    let (left, right) = if has_engine && area.width >= 100 {
        let [left, right] = beside(upper, [2, 1]);
        (left, Some(right))
    } else {
        (upper, None)
    };
    checks(state, palette, left, buffer, true);
    let (requests, right) = match right {
        Some(right) => (lower, Some(right)),
        None if has_engine => {
            let [left, right] = beside(lower, [3, 2]);
            (left, Some(right))
        }
        None => (lower, None),
    };
    slow(state, palette, requests, buffer, Some(state.cursor()));
    if let Some(right) = right {
        engine(state, palette, right, buffer);
    }
}

/// The checks, each with its past, and if there is room with what it says.
pub(super) fn checks(state: &State, palette: Palette, area: Rect, buffer: &mut Buffer, full: bool) {
    let dim = palette.style(Tone::Dim);
    let report = match &state.health {
        Health::Known(report) => report,
        other => {
            let inner = panel(buffer, palette, area, "health", &[]);
            let told = match other {
                Health::Failed(told) => told.as_str(),
                Health::Absent => "this server has no health checks that are known",
                _ => "asking …",
            };
            note(buffer, inner, told, dim);
            return;
        }
    };
    let told = [(report.status.word().to_owned(), palette.style(Level::tone(Some(report.status))))];
    let mut inner = panel(buffer, palette, area, "health", &told);
    if report.checks.is_empty() {
        strip_of_all(state, palette, inner, buffer, report);
        return;
    }
    if full && report.is_public() && usize::from(inner.height) > report.checks.len() {
        let advice = match state.has_token {
            true => "the token is not the server's, which therefore tells no reasons",
            false => "with the server's token (TACHOGRAPH_TOKEN) it tells the reasons, too",
        };
        write(buffer, (inner.x, inner.bottom() - 1), inner.width, advice, dim);
        inner.height -= 1;
    }
    let message = if full { inner.width.saturating_sub(47) } else { 0 };
    for (y, check) in (inner.y..inner.bottom()).zip(&report.checks) {
        let tone = Level::tone(check.status);
        // How it is says more than which it is.
        let name = inner.width.saturating_sub(10).min(16);
        write(buffer, (inner.x, y), name, &check.name, palette.style(Tone::Plain));
        let word = check.status.map_or("unknown", |status| status.word());
        let mut x = inner.x + name + 1;
        write(buffer, (x, y), 9, word, palette.style(tone));
        x += 10;
        if message > 10 {
            let told = check.message.clone().unwrap_or_default();
            let took = check.duration_ms.map_or(String::new(), |took| duration(took / 1e3));
            write(buffer, (x, y), 9, &took, palette.style(Tone::Figure));
            write(buffer, (x + 10, y), message, &told, palette.style(Tone::Plain));
            x += 10 + message;
        }
        if let Some(past) = state.levels.get(&check.name).filter(|_| x + 1 < inner.right()) {
            chart::strip(buffer, palette, Rect { x, y, width: inner.right() - x, height: 1 }, past);
        }
    }
}

/// A server that tells of the whole alone.
fn strip_of_all(state: &State, palette: Palette, area: Rect, buffer: &mut Buffer, report: &Report) {
    if area.height == 0 {
        return;
    }
    chart::strip(buffer, palette, Rect { height: 1, ..area }, &state.level);
    for (y, note) in (area.y + 1..area.bottom()).zip(report.issues.iter().chain(&report.notes)) {
        write(buffer, (area.x, y), area.width, note, palette.style(Tone::Dim));
    }
}

/// The slowest requests; of the chosen one its phases.
pub(super) fn slow(state: &State, palette: Palette, area: Rect, buffer: &mut Buffer, cursor: Option<usize>) {
    let listing = match &state.slow {
        Slow::Known(listing) => listing,
        other => {
            let inner = panel(buffer, palette, area, "slow requests", &[]);
            let told = match other {
                Slow::NoToken => "with the server's token (TACHOGRAPH_TOKEN) the slowest requests are shown",
                Slow::Absent => "this server keeps no profiles of requests",
                Slow::Failed(told) => told.as_str(),
                _ => "asking …",
            };
            note(buffer, inner, told, palette.style(Tone::Dim));
            return;
        }
    };
    let chosen = cursor.and_then(|cursor| listing.profiles.get(cursor));
    let phases = chosen.map_or(0, |profile| lines_for(profile.phases.len() + 1)).min(area.height / 2);
    let [upper, lower] = below(area, [area.height - phases, 0]);
    requests(palette, upper, buffer, listing, cursor);
    if let Some(profile) = chosen.filter(|_| phases > 1) {
        waterfall(palette, lower, buffer, profile);
    }
}

fn requests(palette: Palette, area: Rect, buffer: &mut Buffer, listing: &Listing, cursor: Option<usize>) {
    let told = format!("{} of {}", listing.slow_profiles, listing.total_profiles);
    let inner = panel(buffer, palette, area, "slow requests", &[(told, palette.style(Tone::Figure))]);
    if listing.profiles.is_empty() {
        write(buffer, (inner.x, inner.y), inner.width, "none so far", palette.style(Tone::Dim));
        return;
    }
    let columns =
        [name("request", 14), number("took", 8, 1), number("status", 6, 2), text("at", 8, 3), text("longest phase", 24, 4)];
    table(buffer, palette, inner, &columns, (listing.profiles.len(), cursor), |at| {
        let profile = &listing.profiles[at];
        let longest = profile.phases.iter().max_by(|one, other| one.self_ms.total_cmp(&other.self_ms));
        let longest = longest.map_or(String::new(), |phase| format!("{} {}", phase.name, duration(phase.self_ms / 1e3)));
        vec![
            Cell::plain(format!("{} {}", profile.method, profile.endpoint)),
            Cell::Text(duration(profile.total_duration_ms / 1e3), profile.tone_of_duration()),
            Cell::Text(profile.status.to_string(), profile.tone_of_status()),
            Cell::Text(profile.started_at.get(11..19).unwrap_or_default().to_owned(), Tone::Dim),
            Cell::plain(longest),
        ]
    });
}

/// The phases of a request, where in its time they were.
fn waterfall(palette: Palette, area: Rect, buffer: &mut Buffer, profile: &Profile) {
    let told = [(profile.request_id.clone(), palette.style(Tone::Figure))];
    let inner = panel(buffer, palette, area, "phases", &told);
    const NAME: u16 = 24;
    const TOOK: u16 = 9;
    let bars = inner.width.saturating_sub(NAME + TOOK + 2);
    for (y, phase) in (inner.y..inner.bottom()).zip(&profile.phases) {
        let indent = if phase.parent.is_some() { "  " } else { "" };
        write(buffer, (inner.x, y), NAME, &format!("{indent}{}", phase.name), palette.style(Tone::Plain));
        let took = duration(phase.duration_ms / 1e3);
        let start = inner.x + NAME + 1 + TOOK.saturating_sub(took.chars().count() as u16);
        write(buffer, (start, y), TOOK, &took, palette.style(Tone::Figure));
        if bars > 0 && profile.total_duration_ms > 0.0 {
            let place = |time: f64| (time / profile.total_duration_ms * f64::from(bars)).clamp(0.0, f64::from(bars)) as u16;
            let start = place(phase.start_ms).min(bars - 1);
            let length = place(phase.start_ms + phase.duration_ms).saturating_sub(start).max(1);
            let bar = "━".repeat(usize::from(length));
            write(buffer, (inner.x + NAME + TOOK + 2 + start, y), length, &bar, palette.style(Tone::Warning));
        }
    }
}

/// Whether the server tells what its measuring costs.
pub(super) fn has_engine(state: &State) -> bool {
    engine_figures(state).next().is_some()
}

fn engine_figures(state: &State) -> impl Iterator<Item = (&str, Option<String>, &History, Tone)> {
    // What a scrape costs is known of every server, but alone it is no panel.
    let own = state.last.as_ref().is_some_and(|scrape| scrape.family("tachograph_series").is_some());
    let figures = state.figures.iter().filter(move |figure| own && figure.group == Group::Engine && !figure.history.is_blank());
    figures.map(|figure| (figure.name, figure.told(), &figure.history, Tone::Figure))
}

/// What measuring costs.
pub(super) fn engine(state: &State, palette: Palette, area: Rect, buffer: &mut Buffer) {
    let rows: Vec<_> = engine_figures(state).collect();
    if rows.is_empty() {
        return;
    }
    let inner = panel(buffer, palette, area, "what measuring costs", &[]);
    lines(palette, inner, buffer, &rows);
}
