//! View 1: how the service does, in one look.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};

use super::chart::{self, SCALE};
use super::paint::{Cell, Palette, Tone, below, beside, name, number, panel, table, text, write};
use super::{health, metrics, routes};
use crate::client::dashboard::history::History;
use crate::client::dashboard::state::{Slow, Sort, State};
use crate::client::figure::{Unit, duration, figure, plain, rate};

/// From these on all panels have room.
const LARGE: (u16, u16) = (120, 34);
const CLASSES: [(&str, Color); 5] =
    [("2xx", Color::Green), ("3xx", Color::Cyan), ("4xx", Color::Yellow), ("5xx", Color::Red), ("other", Color::Magenta)];
const QUANTILES: [(&str, Color); 4] =
    [("p50", Color::Blue), ("p90", Color::Cyan), ("p95", Color::Yellow), ("p99", Color::Magenta)];

pub(super) fn draw(state: &State, palette: Palette, area: Rect, buffer: &mut Buffer) {
    if !state.service.found {
        return without_requests(state, palette, area, buffer);
    }
    if area.width >= LARGE.0 && area.height >= LARGE.1 {
        return large(state, palette, area, buffer);
    }
    let upper = (area.height / 3).max(3);
    let middle = (area.height / 3).max(2);
    let [upper, middle, lower] = below(area, [upper, middle, 0]);
    let [left, right] = beside(upper, [1, 1]);
    let [middle_left, middle_right] = beside(middle, [1, 1]);
    requests(state, palette, left, buffer);
    figures(state, palette, middle_left, buffer);
    if has_latencies(state) {
        latency(state, palette, right, buffer);
        heat(state, palette, middle_right, buffer);
    } else {
        movers(state, palette, Rect { height: right.height + middle_right.height, ..right }, buffer);
    }
    let [left, right] = beside(lower, [3, 2]);
    slowest(state, palette, left, buffer);
    health::checks(state, palette, right, buffer, false);
}

fn large(state: &State, palette: Palette, area: Rect, buffer: &mut Buffer) {
    let [upper, middle, lower] = below(area, [area.height * 3 / 10, area.height * 4 / 10, 0]);
    let [left, center, right] = beside(upper, [1, 1, 1]);
    requests(state, palette, left, buffer);
    if has_latencies(state) {
        latency(state, palette, center, buffer);
        heat(state, palette, right, buffer);
    } else {
        movers(state, palette, Rect { width: right.right() - center.x, ..center }, buffer);
    }
    let [left, right] = beside(middle, [1, 2]);
    figures(state, palette, left, buffer);
    let count = state.service.routes.len() as u16;
    let tallies = matches!(state.slow, Slow::Known(_)) && routes::has_tallies(state);
    let [routes, counted] = below(right, [if tallies { (count + 3).min(right.height * 2 / 3) } else { right.height }, 0]);
    routes::table_of(state, palette, routes, buffer, None);
    routes::tallies(state, palette, counted, buffer);
    let [left, center, right] = beside(lower, [1, 1, 1]);
    health::checks(state, palette, left, buffer, true);
    if !health::has_engine(state) {
        // It is not ours, and has neither profiles nor what is counted of scenes.
        movers(state, palette, Rect { width: right.right() - center.x, ..center }, buffer);
        return;
    }
    if matches!(state.slow, Slow::Known(_)) {
        health::slow(state, palette, center, buffer, None);
    } else {
        routes::tallies(state, palette, center, buffer);
    }
    health::engine(state, palette, right, buffer);
}

fn has_latencies(state: &State) -> bool {
    !state.service.bounds.is_empty()
}

/// The families that move most: what there is to see of a server that is not known.
fn movers(state: &State, palette: Palette, area: Rect, buffer: &mut Buffer) {
    metrics::list(state, palette, area, buffer, Sort::Rate, None);
}

/// A server that tells of no requests: the figures that are known, and what moves most.
fn without_requests(state: &State, palette: Palette, area: Rect, buffer: &mut Buffer) {
    let count = state.figures().count() as u16;
    if count == 0 {
        return movers(state, palette, area, buffer);
    }
    let [upper, lower] = below(area, [(count + 1).min(area.height / 2), 0]);
    figures(state, palette, upper, buffer);
    movers(state, palette, lower, buffer);
}

/// Histories on each other: the tops of each point.
fn stacked(histories: &[History], width: u16, sums: bool) -> Vec<Option<Vec<f64>>> {
    let count = usize::from(width);
    let points: Vec<Vec<Option<f64>>> = histories.iter().map(|history| history.newest(count).collect()).collect();
    (0..points.first().map_or(0, Vec::len))
        .map(|at| {
            let mut top = 0.0_f64;
            points
                .iter()
                .map(|points| {
                    top = if sums { top + points[at]? } else { top.max(points[at]?) };
                    Some(top)
                })
                .collect()
        })
        .collect()
}

fn requests(state: &State, palette: Palette, area: Rect, buffer: &mut Buffer) {
    let service = &state.service;
    let mut told =
        vec![(service.total.last().map_or("–".to_owned(), |total| rate(total, Unit::Plain)), palette.style(Tone::Figure))];
    for ((name, color), history) in CLASSES.iter().zip(&service.classes) {
        if let Some(value) = history.last().filter(|value| *value > 0.0) {
            told.push((format!("{name} {}", plain(value)), Style::new().fg(palette.color(*color))));
        }
    }
    let inner = panel(buffer, palette, area, "requests", &told);
    let colors = CLASSES.map(|(_, color)| color);
    let columns = stacked(&service.classes, area.width.saturating_sub(SCALE), true);
    chart::layers(buffer, palette, inner, &columns, &colors, |most| format!("{}/s", plain(most)));
}

fn latency(state: &State, palette: Palette, area: Rect, buffer: &mut Buffer) {
    let service = &state.service;
    let mut told = Vec::new();
    for ((name, color), history) in QUANTILES.iter().zip(&service.quantiles) {
        // p90 is drawn, but need not be read as a number; where there is room for two, they are the outer ones.
        let wanted = *name != "p90" && (*name != "p95" || area.width >= 46);
        if let Some(value) = history.last().filter(|_| wanted) {
            told.push((format!("{name} {}", duration(value)), Style::new().fg(palette.color(*color))));
        }
    }
    let inner = panel(buffer, palette, area, "latency", &told);
    let colors = QUANTILES.map(|(_, color)| color);
    let columns = stacked(&service.quantiles, area.width.saturating_sub(SCALE), false);
    chart::layers(buffer, palette, inner, &columns, &colors, duration);
}

fn heat(state: &State, palette: Palette, area: Rect, buffer: &mut Buffer) {
    let service = &state.service;
    let inner = panel(buffer, palette, area, "latency over time", &[]);
    chart::heat(buffer, palette, inner, &service.heat, &service.bounds, duration);
}

/// One figure a line, each with its past.
pub(super) fn figures(state: &State, palette: Palette, area: Rect, buffer: &mut Buffer) {
    let inner = panel(buffer, palette, area, "service", &[]);
    let mut rows = Vec::new();
    let errors = &state.service.errors;
    if state.service.found {
        let tone = if errors.last().is_some_and(|errors| errors > 0.0) { Tone::Bad } else { Tone::Figure };
        rows.push(("errors", errors.last().map(|share| figure(share, Unit::Ratio)), errors, tone));
    }
    rows.extend(state.figures().map(|figure| (figure.name, figure.told(), &figure.history, Tone::Figure)));
    lines(palette, inner, buffer, &rows);
}

/// Names, values and pasts below each other; what finds no room is left out.
pub(super) fn lines(palette: Palette, area: Rect, buffer: &mut Buffer, rows: &[(&str, Option<String>, &History, Tone)]) {
    const NAME: u16 = 15;
    const VALUE: u16 = 10;
    // Where there is no room for the past, the value still ends at the right.
    let value_end = area.x + (NAME + VALUE).min(area.width);
    for (y, (name, told, past, tone)) in (area.y..area.bottom()).zip(rows) {
        write(buffer, (area.x, y), NAME.min(area.width), name, palette.style(Tone::Plain));
        let told = told.as_deref().unwrap_or("–");
        let start = value_end.saturating_sub(told.chars().count() as u16).max(area.x);
        write(buffer, (start, y), area.right().saturating_sub(start), told, palette.style(*tone));
        let start = value_end + 1;
        if start < area.right() {
            chart::spark(buffer, palette, Rect { x: start, y, width: area.right() - start, height: 1 }, past, *tone);
        }
    }
}

/// The slowest routes, in short.
fn slowest(state: &State, palette: Palette, area: Rect, buffer: &mut Buffer) {
    let routes = routes::sorted(state, Sort::Given);
    let inner = panel(buffer, palette, area, "slowest routes", &[]);
    let columns = [name("route", 14), number("rate", 8, 1), number("5xx", 7, 2), number("p95", 8, 1), text("", 10, 3)];
    table(buffer, palette, inner, &columns, (routes.len(), None), |at| {
        let route = routes[at];
        vec![
            Cell::plain(&*route.name),
            Cell::figure(route.rate.map(|value| rate(value, Unit::Plain))),
            routes::errors(route),
            Cell::figure(route.quantiles[2].map(duration)),
            Cell::Past(Some(&route.history)),
        ]
    });
}
