//! Colours, panels and tables: what all views are made of.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use super::chart;
use crate::client::dashboard::history::History;
pub(super) use crate::client::terminal::Tone;
use crate::client::terminal::{clean, cut, width};

/// Whether there are colours.
#[derive(Clone, Copy, Debug)]
pub(in crate::client::dashboard) struct Palette {
    pub(in crate::client::dashboard) colored: bool,
}

impl Palette {
    pub(super) fn style(self, tone: Tone) -> Style {
        let style = Style::new();
        match tone {
            // Also where something else stood before.
            Tone::Plain => style.fg(Color::Reset),
            Tone::Name => style.fg(Color::Reset).add_modifier(Modifier::BOLD),
            Tone::Dim if self.colored => style.fg(Color::DarkGray),
            Tone::Dim => style.add_modifier(Modifier::DIM),
            Tone::Good => style.fg(self.color(Color::Green)),
            Tone::Warning => style.fg(self.color(Color::Yellow)),
            Tone::Bad => style.fg(self.color(Color::Red)).add_modifier(Modifier::BOLD),
            Tone::Figure => style.fg(self.color(Color::Cyan)),
            Tone::Chosen => style.add_modifier(Modifier::REVERSED),
        }
    }

    pub(super) fn color(self, color: Color) -> Color {
        if self.colored { color } else { Color::Reset }
    }
}

/// Writes a text whatever it holds, cut to so many columns, and returns where it ends.
pub(super) fn write(buffer: &mut Buffer, (x, y): (u16, u16), columns: u16, text: &str, style: Style) -> u16 {
    if columns == 0 || !buffer.area.contains((x, y).into()) {
        return x;
    }
    let text = clean(text);
    buffer.set_stringn(x, y, cut(&text, usize::from(columns)), usize::from(columns), style).0
}

/// Lines for so many things, and no fewer if there are more than lines can be counted.
pub(super) fn lines_for(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

/// Writes texts one after the other.
pub(super) fn write_all(buffer: &mut Buffer, (x, y): (u16, u16), columns: u16, texts: &[(String, Style)]) -> u16 {
    let end = x + columns;
    texts.iter().fold(x, |x, (text, style)| write(buffer, (x, y), end.saturating_sub(x), text, *style))
}

/// Writes a sentence into an area, over as many lines as it takes and there are.
pub(super) fn note(buffer: &mut Buffer, area: Rect, told: &str, style: Style) {
    let told = clean(told);
    let columns = usize::from(area.width);
    let mut lines = vec![String::new()];
    for word in told.split(' ') {
        let mut word = word.to_owned();
        let line = lines.last_mut().expect("there is always one");
        if !line.is_empty() && width(line) + 1 + width(&word) <= columns {
            line.push(' ');
            line.push_str(&word);
            continue;
        }
        // A URL may be longer than a line.
        while width(&word) > columns && columns > 0 {
            let taken: String = word.chars().take(columns).collect();
            word = word.chars().skip(columns).collect();
            lines.push(taken);
        }
        lines.push(word);
    }
    let lines = lines.iter().filter(|line| !line.is_empty());
    for (y, line) in (area.y..area.bottom()).zip(lines) {
        write(buffer, (area.x, y), area.width, line, style);
    }
}

/// A line with a title, and what is below it. What does not fit whole beside the title is left out: half a number is wrong.
pub(super) fn panel(buffer: &mut Buffer, palette: Palette, area: Rect, title: &str, told: &[(String, Style)]) -> Rect {
    if area.is_empty() {
        return area;
    }
    let rule = "─".repeat(usize::from(area.width));
    buffer.set_stringn(area.x, area.y, rule, usize::from(area.width), palette.style(Tone::Dim));
    let mut x = write(buffer, (area.x, area.y), area.width, title, palette.style(Tone::Name));
    for (text, style) in told {
        if usize::from(area.right().saturating_sub(x)) > width(&clean(text)) + 1 {
            x = write(buffer, (x, area.y), 1, " ", Style::new());
            x = write(buffer, (x, area.y), area.width, text, *style);
        }
    }
    if x < area.right() {
        write(buffer, (x, area.y), 1, " ", Style::new());
    }
    Rect { y: area.y + 1, height: area.height - 1, ..area }
}

/// The areas beside each other, with a column between them; by their share of the width.
pub(super) fn beside<const N: usize>(area: Rect, shares: [u16; N]) -> [Rect; N] {
    let whole: u16 = shares.iter().sum();
    let mut x = area.x;
    let mut before = 0;
    shares.map(|share| {
        before += share;
        let end = area.x + (u32::from(area.width) * u32::from(before) / u32::from(whole)) as u16;
        let gap = if end < area.right() { 2 } else { 0 };
        let part = Rect { x, width: end.saturating_sub(x).saturating_sub(gap), ..area };
        x = end;
        part
    })
}

/// The areas below each other, each so high, the last one what is left.
pub(super) fn below<const N: usize>(area: Rect, heights: [u16; N]) -> [Rect; N] {
    let mut y = area.y;
    let mut at = 0;
    heights.map(|height| {
        at += 1;
        let left = area.bottom().saturating_sub(y);
        let height = if at == N { left } else { height.min(left) };
        let part = Rect { y, height, ..area };
        y += height;
        part
    })
}

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub(super) title: &'static str,
    pub(super) width: u16,
    /// It takes whatever is left, too.
    pub(super) grows: bool,
    /// Numbers end at one column.
    pub(super) right: bool,
    /// Where there is no room for all, those with the largest number are left out first.
    pub(super) worth: u8,
}

pub(super) const fn text(title: &'static str, width: u16, worth: u8) -> Column {
    Column { title, width, grows: false, right: false, worth }
}

/// The column of names, at least so wide.
pub(super) const fn name(title: &'static str, least: u16) -> Column {
    Column { title, width: least, grows: true, right: false, worth: 0 }
}

pub(super) const fn number(title: &'static str, width: u16, worth: u8) -> Column {
    Column { title, width, grows: false, right: true, worth }
}

/// What stands in a table.
pub(super) enum Cell<'a> {
    Text(String, Tone),
    Past(Option<&'a History>),
}

impl<'a> Cell<'a> {
    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self::Text(text.into(), Tone::Plain)
    }

    pub(super) fn figure(text: Option<String>) -> Self {
        text.map_or(Self::Text("–".to_owned(), Tone::Dim), |text| Self::Text(text, Tone::Figure))
    }
}

/// A table, of which the lines around the cursor are seen. The rows are made by `row` as far as they are.
pub(super) fn table<'a>(
    buffer: &mut Buffer,
    palette: Palette,
    area: Rect,
    columns: &[Column],
    (count, cursor): (usize, Option<usize>),
    row: impl Fn(usize) -> Vec<Cell<'a>>,
) {
    if area.height < 2 {
        return;
    }
    let used = |columns: &[(usize, Column)]| columns.iter().map(|(_, column)| column.width + 1).sum::<u16>();
    let mut kept: Vec<(usize, Column)> = columns.iter().copied().enumerate().collect();
    while kept.len() > 1 && used(&kept) > area.width + 1 {
        let least =
            kept.iter().enumerate().max_by_key(|(_, (_, column))| column.worth).map(|(at, _)| at).expect("there is one");
        kept.remove(least);
    }
    let rest = (area.width + 1).saturating_sub(used(&kept));
    let line = |buffer: &mut Buffer, y: u16, cells: &[Cell<'_>], heading: bool| {
        let mut x = area.x;
        for (at, column) in &kept {
            let columns = if column.grows { column.width + rest } else { column.width }.min(area.right().saturating_sub(x));
            match &cells[*at] {
                Cell::Text(text, tone) => {
                    let missing = (columns).saturating_sub(width(&clean(text)) as u16);
                    let start = if column.right { x + missing } else { x };
                    let style = palette.style(if heading { Tone::Dim } else { *tone });
                    write(buffer, (start, y), (x + columns).saturating_sub(start), text, style);
                }
                Cell::Past(Some(past)) => {
                    let area = Rect { x, y, width: columns, height: 1 };
                    chart::spark(buffer, palette, area, past, Tone::Figure);
                }
                Cell::Past(None) => {}
            }
            x += columns + 1;
        }
    };
    let titles: Vec<Cell<'_>> = columns.iter().map(|column| Cell::plain(column.title)).collect();
    line(buffer, area.y, &titles, true);
    let room = usize::from(area.height - 1);
    let first = cursor.map_or(0, |cursor| (cursor + 1).saturating_sub(room));
    for (place, at) in (first..count).take(room).enumerate() {
        let y = area.y + 1 + place as u16;
        line(buffer, y, &row(at), false);
        if cursor == Some(at) {
            buffer.set_style(Rect { y, height: 1, ..area }, palette.style(Tone::Chosen));
        }
    }
}
