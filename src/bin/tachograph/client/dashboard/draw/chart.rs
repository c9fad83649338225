//! Charts of blocks: columns over time, the newest at the right.

use std::collections::VecDeque;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Color;

use super::paint::{Palette, Tone, write};
use crate::client::dashboard::history::History;

const BLOCKS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
const SHADES: [&str; 5] = [" ", "░", "▒", "▓", "█"];
/// Columns of the numbers beside a chart.
pub(super) const SCALE: u16 = 8;

/// One line of bars, none of them as high as the line: those of the next one stand apart.
pub(super) fn spark(buffer: &mut Buffer, palette: Palette, area: Rect, past: &History, tone: Tone) {
    let width = usize::from(area.width);
    let (most, least) = (past.most(width), past.newest(width).flatten().fold(0.0, f64::min));
    let points: Vec<Option<f64>> = past.newest(width).collect();
    let start = area.right() - points.len() as u16;
    for (x, point) in (start..).zip(points) {
        let Some(value) = point else { continue };
        let share = if most > least { (value - least) / (most - least) } else { 0.0 };
        let height = if value == 0.0 && least == 0.0 { 0 } else { ((share * 7.0).ceil() as usize).clamp(1, 7) };
        let symbol = if height == 0 { "▁" } else { BLOCKS[height] };
        let style = palette.style(if height == 0 { Tone::Dim } else { tone });
        buffer[(x, area.y)].set_symbol(symbol).set_style(style);
    }
}

/// Layers on each other with a scale at their left. A column holds the tops of its layers, the lowest first; `None` is a gap.
pub(super) fn layers(
    buffer: &mut Buffer,
    palette: Palette,
    area: Rect,
    columns: &[Option<Vec<f64>>],
    colors: &[Color],
    scale: impl Fn(f64) -> String,
) {
    if area.height == 0 || area.width <= SCALE {
        return;
    }
    let chart = Rect { x: area.x + SCALE, width: area.width - SCALE, ..area };
    let columns = &columns[columns.len().saturating_sub(usize::from(chart.width))..];
    let most = round_up(columns.iter().flatten().filter_map(|tops| tops.last()).copied().fold(0.0, f64::max));
    let dim = palette.style(Tone::Dim);
    if most > 0.0 {
        let text = scale(most);
        let start = SCALE.saturating_sub(2).saturating_sub(text.chars().count() as u16);
        write(buffer, (area.x + start, area.y), SCALE - 1 - start, &text, dim);
    }
    if area.height > 1 {
        write(buffer, (area.x + SCALE - 3, area.bottom() - 1), 1, "0", dim);
    }
    for y in area.y..area.bottom() {
        write(buffer, (area.x + SCALE - 1, y), 1, "│", dim);
    }
    let start = chart.right() - columns.len() as u16;
    for (x, column) in (start..).zip(columns) {
        match column {
            Some(tops) => draw_column(buffer, palette, chart, x, tops, colors, most),
            None => _ = write(buffer, (x, chart.bottom() - 1), 1, "·", dim),
        }
    }
}

fn draw_column(buffer: &mut Buffer, palette: Palette, area: Rect, x: u16, tops: &[f64], colors: &[Color], most: f64) {
    let whole = u32::from(area.height) * 8;
    let eighths = |top: f64| match most > 0.0 && top > 0.0 {
        true => ((top / most * f64::from(whole)).round() as u32).clamp(1, whole),
        false => 0,
    };
    let mut tops: Vec<u32> = tops.iter().map(|top| eighths(*top)).collect();
    if !palette.colored {
        // Without colours the layers cannot be told apart.
        tops.drain(..tops.len().saturating_sub(1));
    }
    for row in 0..u32::from(area.height) {
        let floor = row * 8;
        let Some(lowest) = tops.iter().position(|top| *top > floor) else { break };
        let filled = (tops[lowest] - floor).min(8);
        let cell = &mut buffer[(x, area.bottom() - 1 - row as u16)];
        cell.set_symbol(BLOCKS[filled as usize]).set_fg(palette.color(colors[lowest.min(colors.len() - 1)]));
        // What is above it in the same cell is the background.
        let above = tops[lowest..].iter().position(|top| *top > tops[lowest]);
        if let Some(above) = above.filter(|_| filled < 8 && palette.colored) {
            cell.set_bg(colors[lowest + above]);
        }
    }
}

/// The next of 1, 2, 5, 10 and so on, so that the scale stands still.
fn round_up(most: f64) -> f64 {
    if most <= 0.0 || !most.is_finite() {
        return 0.0;
    }
    let power = 10_f64.powf(most.log10().floor());
    let steps = [1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0];
    steps.into_iter().map(|step| step * power).find(|step| *step >= most * 0.999).unwrap_or(10.0 * power)
}

/// How many observations each bucket has over time: slow ones at the top.
pub(super) fn heat(
    buffer: &mut Buffer,
    palette: Palette,
    area: Rect,
    columns: &VecDeque<Option<Vec<f32>>>,
    bounds: &[f64],
    scale: impl Fn(f64) -> String,
) {
    if area.height == 0 || area.width <= SCALE || bounds.is_empty() {
        return;
    }
    let width = usize::from(area.width - SCALE);
    let seen = || columns.iter().skip(columns.len().saturating_sub(width));
    // Only buckets in which anything has been are worth a line, and what is between them.
    let hit = |at: &usize| seen().flatten().any(|column| column.get(*at).is_some_and(|count| *count > 0.0));
    let (Some(first), Some(last)) = ((0..bounds.len()).find(hit), (0..bounds.len()).rfind(hit)) else { return };
    let (buckets, rows) = (last - first + 1, usize::from(area.height));
    let rows = rows.min(buckets);
    let of_row = |row: usize| first + row * buckets / rows..first + (row + 1) * buckets / rows;
    let count = |column: &[f32], row: usize| column.get(of_row(row)).map_or(0.0, |counts| counts.iter().sum::<f32>());
    let most = seen().flatten().flat_map(|column| (0..rows).map(|row| count(column, row))).fold(0.0, f32::max);
    let dim = palette.style(Tone::Dim);
    // Each bucket is as high as there is room for all.
    let high = usize::from(area.height) / rows;
    for place in 0..rows * high {
        let row = place / high;
        let y = area.y + (rows * high - 1 - place) as u16;
        let bound = bounds[of_row(row).end - 1];
        let text = match place % high == high - 1 {
            false => String::new(),
            true if bound.is_finite() => scale(bound),
            true => "more".to_owned(),
        };
        let start = SCALE.saturating_sub(2).saturating_sub(text.chars().count() as u16);
        write(buffer, (area.x + start, y), SCALE - 1 - start, &text, dim);
        write(buffer, (area.x + SCALE - 1, y), 1, "│", dim);
        let start = area.right() - seen().count() as u16;
        for (x, column) in (start..).zip(seen()) {
            let Some(column) = column else { continue };
            let count = count(column, row);
            // The square root shows a few slow ones beside many fast ones.
            let share = if most > 0.0 { (count / most).sqrt() } else { 0.0 };
            let shade = if count > 0.0 { ((share * 4.0).ceil() as usize).clamp(1, 4) } else { 0 };
            let colors = [Color::Reset, Color::Blue, Color::Cyan, Color::Yellow, Color::LightRed];
            buffer[(x, y)].set_symbol(SHADES[shade]).set_fg(palette.color(colors[shade]));
        }
    }
}

/// How something was: low is well, high is not.
pub(super) fn strip(buffer: &mut Buffer, palette: Palette, area: Rect, past: &History) {
    let points: Vec<Option<f64>> = past.newest(usize::from(area.width)).collect();
    let start = area.right() - points.len() as u16;
    for (x, point) in (start..).zip(points) {
        let (symbol, tone) = match point {
            None => ("·", Tone::Dim),
            Some(level) if level < 0.5 => ("▂", Tone::Good),
            Some(level) if level < 1.5 => ("▅", Tone::Warning),
            Some(_) => ("█", Tone::Bad),
        };
        buffer[(x, area.y)].set_symbol(symbol).set_style(palette.style(tone));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(buffer: &Buffer) -> Vec<String> {
        let line = |y| (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        (0..buffer.area.height).map(line).collect()
    }

    #[test]
    fn layers_stand_on_each_other_and_gaps_are_dots() {
        let area = Rect::new(0, 0, SCALE + 4, 2);
        let mut buffer = Buffer::empty(area);
        let columns = [Some(vec![1.0, 2.0]), None, Some(vec![0.0, 1.0]), Some(vec![0.25, 0.5])];
        layers(&mut buffer, Palette { colored: true }, area, &columns, &[Color::Green, Color::Red], |most| most.to_string());
        assert_eq!(text(&buffer), ["     2 │█   ", "     0 │█·█▂"]);
        assert_eq!((buffer[(8, 1)].fg, buffer[(8, 0)].fg), (Color::Green, Color::Red));
        // A quarter is one layer, the next one is behind it.
        assert_eq!((buffer[(11, 1)].fg, buffer[(11, 1)].bg), (Color::Green, Color::Red));
    }

    #[test]
    fn without_colours_only_the_whole_is_drawn() {
        let area = Rect::new(0, 0, SCALE + 1, 1);
        let mut buffer = Buffer::empty(area);
        layers(&mut buffer, Palette { colored: false }, area, &[Some(vec![0.5, 1.0])], &[Color::Green, Color::Red], |_| {
            String::new()
        });
        assert_eq!((buffer[(8, 0)].symbol(), buffer[(8, 0)].fg, buffer[(8, 0)].bg), ("█", Color::Reset, Color::Reset));
    }

    #[test]
    fn the_heat_has_a_row_for_each_bucket_that_was_hit() {
        let area = Rect::new(0, 0, SCALE + 2, 4);
        let mut buffer = Buffer::empty(area);
        let columns = VecDeque::from([Some(vec![0.0, 16.0, 0.0, 1.0]), Some(vec![0.0, 4.0, 0.0, 0.0])]);
        let bounds = [1.0, 2.0, 3.0, f64::INFINITY];
        heat(&mut buffer, Palette { colored: false }, area, &columns, &bounds, |bound| bound.to_string());
        assert_eq!(text(&buffer), ["  more │░ ", "     3 │  ", "     2 │█▒", "          "]);
    }

    #[test]
    fn a_spark_and_a_strip_leave_gaps() {
        let mut past = History::default();
        [Some(0.0), None, Some(1.0), Some(2.0)].into_iter().for_each(|value| past.push(value));
        let area = Rect::new(0, 0, 5, 1);
        let mut buffer = Buffer::empty(area);
        spark(&mut buffer, Palette { colored: false }, area, &past, Tone::Figure);
        assert_eq!(text(&buffer), [" ▁ ▄▇"]);
        let mut buffer = Buffer::empty(area);
        strip(&mut buffer, Palette { colored: true }, area, &past);
        assert_eq!(text(&buffer), [" ▂·▅█"]);
    }

    #[test]
    fn scales_are_round() {
        for (most, round) in
            [(0.0, 0.0), (0.7, 0.8), (1.0, 1.0), (47.0, 50.0), (101.0, 150.0), (9.7, 10.0), (f64::INFINITY, 0.0)]
        {
            assert!((round_up(most) - round).abs() < 1e-9, "{most}: {}", round_up(most));
        }
    }
}
