//! View 2: the routes, and what they did.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::paint::{Cell, Palette, Tone, below, beside, name, number, panel, table, text, write};
use crate::client::dashboard::families::Families;
use crate::client::dashboard::service::Route;
use crate::client::dashboard::state::{Sort, State};
use crate::client::figure::{Unit, duration, figure, plain, rate};
use crate::client::scrape::{Scrape, Series};

/// What is counted by a label, and what that is to a person.
const TALLIES: [(&str, &str, &str); 4] = [
    ("scenes", "scene_loads_total", "scene"),
    ("scene errors", "scene_load_errors_total", "error_type"),
    ("tokens", "auth_attempts_total", "result"),
    ("rate-limited", "rate_limit_hits_total", "endpoint"),
];

pub(super) fn draw(state: &State, palette: Palette, area: Rect, buffer: &mut Buffer) {
    if state.service.routes.is_empty() {
        let inner = panel(buffer, palette, area, "routes", &[]);
        let told = match state.service.found {
            true => "no requests have been counted by route yet",
            false => "this server counts no HTTP requests; 4 shows what it measures",
        };
        write(buffer, (inner.x, inner.y), inner.width, told, palette.style(Tone::Dim));
        return;
    }
    let routes = state.service.routes.len() as u16 + 3;
    let upper = if has_tallies(state) { routes.min(area.height * 3 / 5) } else { area.height };
    let [upper, lower] = below(area, [upper, 0]);
    table_of(state, palette, upper, buffer, Some(state.cursor()));
    tallies(state, palette, lower, buffer);
}

/// Whether the service counts any of what is counted here.
pub(super) fn has_tallies(state: &State) -> bool {
    state.last.as_ref().is_some_and(|scrape| TALLIES.iter().any(|(_, name, _)| scrape.family(name).is_some()))
}

/// The routes in the wanted order; as given the slowest are first.
pub(super) fn sorted(state: &State, sort: Sort) -> Vec<&Route> {
    let mut routes: Vec<&Route> = state.service.routes.iter().collect();
    let falling = |one: Option<f64>, other: Option<f64>| other.unwrap_or(-1.0).total_cmp(&one.unwrap_or(-1.0));
    match sort {
        Sort::Given => routes.sort_by(|one, other| falling(one.quantiles[2], other.quantiles[2])),
        Sort::Name => routes.sort_by(|one, other| one.name.cmp(&other.name)),
        Sort::Rate => routes.sort_by(|one, other| falling(one.rate, other.rate)),
        Sort::Value => routes.sort_by(|one, other| other.total.total_cmp(&one.total)),
    }
    routes
}

/// The share of requests that the server failed.
pub(super) fn errors(route: &Route) -> Cell<'static> {
    match route.errors {
        Some(0.0) => Cell::Text("0 %".to_owned(), Tone::Dim),
        Some(errors) => Cell::Text(figure(errors, Unit::Ratio), Tone::Bad),
        None => Cell::figure(None),
    }
}

/// All that is known of the routes.
pub(super) fn table_of(state: &State, palette: Palette, area: Rect, buffer: &mut Buffer, cursor: Option<usize>) {
    let routes = sorted(state, state.sort);
    let order = match state.sort {
        Sort::Given => "slowest first",
        Sort::Name => "by name",
        Sort::Rate => "by rate",
        Sort::Value => "by requests so far",
    };
    let inner = panel(buffer, palette, area, "routes", &[(order.to_owned(), palette.style(Tone::Dim))]);
    let columns = [
        name("route", 14),
        number("rate", 9, 1),
        number("5xx", 7, 1),
        number("p50", 8, 3),
        number("p95", 8, 1),
        number("p99", 8, 4),
        number("so far", 9, 5),
        text("", (area.width / 5).max(10), 6),
    ];
    table(buffer, palette, inner, &columns, (routes.len(), cursor), |at| {
        let route = routes[at];
        let quantile = |at: usize| Cell::figure(route.quantiles[at].map(duration));
        vec![
            Cell::plain(&*route.name),
            Cell::figure(route.rate.map(|value| rate(value, Unit::Plain))),
            errors(route),
            quantile(0),
            quantile(2),
            quantile(3),
            Cell::plain(plain(route.total)),
            Cell::Past(Some(&route.history)),
        ]
    });
}

/// What the service has counted by scene, error, result and route; what it does not count gives its room to the others.
pub(super) fn tallies(state: &State, palette: Palette, area: Rect, buffer: &mut Buffer) {
    let Some(scrape) = &state.last else { return };
    let there: Vec<_> = TALLIES.iter().filter(|(_, name, _)| scrape.family(name).is_some()).collect();
    let areas = grid(area, there.len());
    for (area, (title, name, label)) in areas.into_iter().zip(there) {
        let inner = panel(buffer, palette, area, title, &[]);
        let rows = tally(scrape, &state.families, name, label);
        if rows.is_empty() {
            write(buffer, (inner.x, inner.y), inner.width, "none so far", palette.style(Tone::Dim));
            continue;
        }
        for (y, (name, total, per_second)) in (inner.y..inner.bottom()).zip(rows) {
            let told = match per_second.filter(|value| *value > 0.0) {
                Some(value) => format!("{} {:>7}", plain(total), rate(value, Unit::Plain)),
                None => format!("{}        ", plain(total)),
            };
            let start = inner.right().saturating_sub(told.chars().count() as u16).max(inner.x);
            write(buffer, (inner.x, y), start.saturating_sub(inner.x + 1), name, palette.style(Tone::Plain));
            write(buffer, (start, y), inner.right() - start, &told, palette.style(Tone::Figure));
        }
    }
}

/// So many areas, side by side if they are wide enough for that, else in two rows.
fn grid(area: Rect, count: usize) -> Vec<Rect> {
    const WIDE: u16 = 27;
    let side_by_side = |area: Rect, count: usize| match count {
        0 => Vec::new(),
        1 => vec![area],
        2 => beside(area, [1, 1]).to_vec(),
        3 => beside(area, [1, 1, 1]).to_vec(),
        _ => beside(area, [1, 1, 1, 1]).to_vec(),
    };
    if count < 2 || area.height < 6 || area.width >= WIDE * count as u16 {
        return side_by_side(area, count);
    }
    let [upper, lower] = below(area, [area.height.div_ceil(2), 0]);
    let mut areas = side_by_side(upper, count.div_ceil(2));
    areas.extend(side_by_side(lower, count / 2));
    areas
}

/// The values of a label with their count and rate, the largest first; without those that have never been.
fn tally<'a>(scrape: &'a Scrape, families: &Families, name: &str, label: &str) -> Vec<(&'a str, f64, Option<f64>)> {
    let Some(at) = scrape.families.iter().position(|family| family.name == name) else { return Vec::new() };
    let value =
        |series: &'a Series| series.labels.iter().find(|(name, _)| name == label).map_or("", |(_, value)| value.as_str());
    let series = scrape.families[at].series.iter().zip(&families.lines[at].series);
    let rows = series.filter_map(|(series, line)| Some((value(series), series.number()?, line.rate)));
    let mut rows: Vec<_> = rows.filter(|(_, total, _)| *total > 0.0).collect();
    rows.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(other.0)));
    rows
}
