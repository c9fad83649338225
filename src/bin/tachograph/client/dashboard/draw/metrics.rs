//! View 4: all families of any server, and the series of one.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Color;
use tachograph_check::Kind;

use super::chart;
use super::paint::{Cell, Palette, Tone, below, lines_for, name, number, panel, table, text, write};
use crate::client::dashboard::families::{quantiles, short};
use crate::client::dashboard::state::{Sort, State};
use crate::client::figure::{self, Unit, bars, duration, figure, plain};
use crate::client::scrape::{Family, Histogram, Scrape, Series, Value};

pub(super) fn draw(state: &State, palette: Palette, area: Rect, buffer: &mut Buffer) {
    match state.family() {
        Some((at, family)) => details(state, palette, area, buffer, at, family),
        None => list(state, palette, area, buffer, state.sort, Some(state.cursor())),
    }
}

/// The families in that order. Without a cursor all of them are meant, and those that move are enough.
pub(super) fn list(state: &State, palette: Palette, area: Rect, buffer: &mut Buffer, sort: Sort, cursor: Option<usize>) {
    let Some(scrape) = &state.last else { return };
    let listed = if cursor.is_some() { state.listed() } else { moving(state, scrape) };
    let dim = palette.style(Tone::Dim);
    let mut told = vec![(
        format!("{} of {}", plain(listed.len() as f64), plain(scrape.families.len() as f64)),
        palette.style(Tone::Figure),
    )];
    let order = match sort {
        Sort::Given => "as the scrape has them",
        Sort::Name => "by name",
        Sort::Rate => "by rate",
        Sort::Value => "by value",
    };
    told.push((order.to_owned(), dim));
    if !state.filter.is_empty() && cursor.is_some() {
        told.push((format!("with {:?}", state.filter), palette.style(Tone::Warning)));
    }
    told.push((scrape_told(scrape), dim));
    let inner = panel(buffer, palette, area, "metrics", &told);
    if listed.is_empty() {
        let told =
            if cursor.is_some() { "none has that in its name or help; Esc clears the filter" } else { "nothing moves yet" };
        write(buffer, (inner.x, inner.y), inner.width, told, dim);
        return;
    }
    let columns = [
        name("family", 32),
        text("type", 9, 6),
        number("series", 6, 5),
        number("value", 18, 1),
        number("rate", 11, 2),
        text("", (area.width / 6).max(8), 4),
    ];
    table(buffer, palette, inner, &columns, (listed.len(), cursor), |at| {
        let (family, line) = (&scrape.families[listed[at]], &state.families.lines[listed[at]]);
        let unit = if is_distribution(family) { Unit::Plain } else { line.unit };
        vec![
            Cell::plain(&*family.name),
            Cell::Text(family.kind_told().to_owned(), Tone::Dim),
            Cell::plain(plain(family.series.len() as f64)),
            Cell::Text(line.value.clone(), Tone::Figure),
            Cell::plain(line.rate.map_or(String::new(), |rate| figure::rate(rate, unit))),
            Cell::Past(state.families.past(family)),
        ]
    });
}

/// The families that grow, the fastest first.
fn moving(state: &State, scrape: &Scrape) -> Vec<usize> {
    let rate = |at: usize| state.families.lines[at].rate.unwrap_or(0.0);
    let mut moving: Vec<usize> = (0..scrape.families.len()).filter(|at| rate(*at) > 0.0).collect();
    moving.sort_by(|one, other| rate(*other).total_cmp(&rate(*one)));
    moving
}

fn scrape_told(scrape: &Scrape) -> String {
    let cut = if scrape.report.cut { ", not read to its end" } else { "" };
    let bytes = figure::bytes(scrape.bytes as f64);
    format!("{} samples, {bytes} in {}{cut}", plain(scrape.samples as f64), duration(scrape.took.as_secs_f64()))
}

fn is_distribution(family: &Family) -> bool {
    matches!(family.kind, Kind::Histogram | Kind::GaugeHistogram | Kind::Summary)
}

/// One family: its help, what it is as a whole, and its series.
fn details(state: &State, palette: Palette, area: Rect, buffer: &mut Buffer, at: usize, family: &Family) {
    let line = &state.families.lines[at];
    let count = format!("{} series", plain(family.series.len() as f64));
    let told = [(family.kind_told().to_owned(), palette.style(Tone::Figure)), (count, palette.style(Tone::Dim))];
    let inner = panel(buffer, palette, area, &family.name, &told);
    let distribution = line.observed.as_ref().filter(|observed| observed.observations() > 0.0);
    let above = 1 + u16::from(distribution.is_some());
    let listed = lines_for(family.series.len()).saturating_add(2).min(inner.height);
    // Room that the list leaves shows the chosen series over time.
    let listed = if inner.height >= above + listed + 5 { listed } else { inner.height.saturating_sub(above) };
    let [help, whole, rows, over_time] = below(inner, [1, above - 1, listed, 0]);
    write(buffer, (help.x, help.y), help.width, &family.help, palette.style(Tone::Dim));
    if let Some(observed) = distribution {
        write(buffer, (whole.x, whole.y), whole.width, &spread(observed, line.unit), palette.style(Tone::Figure));
    }
    let histogram = family.series.iter().any(|series| !matches!(series.value, Value::Number(..)));
    let (value, rate) = if histogram { (26, 11) } else { (14, 12) };
    let columns = [
        name("labels", 20),
        number(if histogram { "p50 p95 p99" } else { "value" }, value, 1),
        number("rate", rate, 2),
        text("", (area.width / 4).max(8), 3),
    ];
    let unit = if is_distribution(family) { Unit::Plain } else { line.unit };
    table(buffer, palette, rows, &columns, (family.series.len(), Some(state.cursor())), |at| {
        let (series, told) = (&family.series[at], &line.series[at]);
        vec![
            Cell::plain(labels(series)),
            Cell::figure(value_of(series, told.quantiles, line.unit)),
            Cell::plain(told.rate.map_or(String::new(), |rate| figure::rate(rate, unit))),
            Cell::Past(state.families.past_of(family, series)),
        ]
    });
    chart_of(state, palette, over_time, buffer, family, unit);
}

/// The chosen series over time.
fn chart_of(state: &State, palette: Palette, area: Rect, buffer: &mut Buffer, family: &Family, unit: Unit) {
    let Some(series) = family.series.get(state.cursor()) else { return };
    let Some(past) = state.families.past_of(family, series).filter(|_| area.height > 2) else { return };
    let counted = family.is_counted();
    let title = if counted { "a second, over time" } else { "over time" };
    let inner = panel(buffer, palette, area, title, &[(labels(series), palette.style(Tone::Dim))]);
    let columns: Vec<_> = past.newest(usize::from(area.width)).map(|value| value.map(|value| vec![value.max(0.0)])).collect();
    chart::layers(buffer, palette, inner, &columns, &[Color::Cyan], |most| figure(most, short(unit)));
}

/// What has been observed between the last two scrapes.
fn spread(observed: &Histogram, unit: Unit) -> String {
    let told = quantiles(observed).map_or(String::new(), |[p50, p95, p99]| {
        format!("p50 {}  p95 {}  p99 {}", figure(p50, unit), figure(p95, unit), figure(p99, unit))
    });
    let counts: Vec<f64> = observed.parts().map(|(_, count)| count).collect();
    format!("just now: {} observed  {told}  {}", plain(observed.observations()), bars(counts.into_iter()))
}

fn value_of(series: &Series, quantiles: Option<[f64; 3]>, unit: Unit) -> Option<String> {
    let many = |values: &mut dyn Iterator<Item = f64>| values.map(|value| figure(value, unit)).collect::<Vec<_>>().join(" ");
    match &series.value {
        Value::Number(number, _) => Some(figure(*number, short(unit))),
        Value::Histogram(_) => quantiles.map(|quantiles| many(&mut quantiles.into_iter())),
        Value::Summary(summary) if summary.quantiles.is_empty() => summary.count.map(|count| format!("count {}", plain(count))),
        Value::Summary(summary) => Some(many(&mut summary.quantiles.iter().map(|(_, value)| *value))),
    }
}

fn labels(series: &Series) -> String {
    let labels: Vec<String> = series.labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    if labels.is_empty() { "(no labels)".to_owned() } else { labels.join(" ") }
}
