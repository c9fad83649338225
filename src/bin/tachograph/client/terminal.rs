//! What is written, and how: colours where they are wanted, and nothing that a server has sent reaches the terminal as it is.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::time::Duration;

use unicode_width::UnicodeWidthChar;

use crate::cli::When;
use crate::fetch::Progress;

/// Columns of a terminal that does not tell.
const USUAL_WIDTH: usize = 80;
/// From when on it is told that something takes long.
const LONG: Duration = Duration::from_millis(300);

/// What a text is, whatever colour that has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    Name,
    Dim,
    Good,
    Warning,
    Bad,
    Figure,
    /// Where the cursor is.
    Chosen,
}

impl Tone {
    /// One of the sixteen colours that each terminal has, as its user has chosen them.
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "0",
            Self::Name => "1",
            Self::Dim => "2",
            Self::Good => "32",
            Self::Warning => "33",
            Self::Bad => "1;31",
            Self::Figure => "36",
            Self::Chosen => "7",
        }
    }
}

/// Where standard output goes to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terminal {
    pub(crate) colored: bool,
    /// Whether a person looks.
    pub(crate) interactive: bool,
    pub(crate) width: usize,
    /// Columns and lines, if it is a terminal that can be drawn on anew.
    pub(crate) screen: Option<(usize, usize)>,
}

impl Terminal {
    /// Looks at standard output and at the environment.
    pub(crate) fn of(color: When) -> Self {
        let interactive = io::stdout().is_terminal();
        let size = terminal_size::terminal_size().filter(|_| interactive);
        let size = size.map(|(width, height)| (usize::from(width.0), usize::from(height.0)));
        let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
        let width = size.map(|(width, _)| width).or(columns).unwrap_or(USUAL_WIDTH);
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let colored = match color {
            When::Always => true,
            When::Never => false,
            When::Auto if set("NO_COLOR").is_some() => false,
            When::Auto if set("CLICOLOR_FORCE").is_some_and(|value| value != "0") => true,
            When::Auto => interactive && !is_dumb(),
        };
        Self { colored, interactive, width: width.clamp(20, 1000), screen: size.filter(|_| !is_dumb()) }
    }

    /// The same, but JSON is written line by line, also where a person looks.
    pub(crate) fn for_json(self, json: bool) -> Self {
        Self { screen: self.screen.filter(|_| !json), ..self }
    }

    /// The text in that tone, which must hold no escapes.
    pub(crate) fn paint<'a>(&self, tone: Tone, text: &'a str) -> Cow<'a, str> {
        self.colour(tone.code(), text)
    }

    /// The text in black on one of six backgrounds.
    pub(crate) fn block<'a>(&self, number: u32, text: &'a str) -> Cow<'a, str> {
        self.colour(["30;41", "30;43", "30;42", "30;46", "30;45", "30;103"][number as usize % 6], text)
    }

    fn colour<'a>(&self, code: &str, text: &'a str) -> Cow<'a, str> {
        match self.colored && !text.is_empty() {
            true => Cow::Owned(format!("\x1b[{code}m{text}\x1b[0m")),
            false => Cow::Borrowed(text),
        }
    }
}

/// Whether the terminal says that it knows no escapes.
pub(crate) fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

/// The text with everything escaped that a terminal might obey, or that might hide or turn around what stands beside it.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hostile) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\n' => clean.push_str("\\n"),
            '\t' => clean.push_str("\\t"),
            '\r' => clean.push_str("\\r"),
            _ if is_hostile(character) => {
                let _infallible = write!(clean, "\\u{{{:x}}}", u32::from(character));
            }
            _ => clean.push(character),
        }
    }
    Cow::Owned(clean)
}

/// JSON on one line, without what a terminal might obey: blanks between values and escapes within texts mean the same.
pub(crate) fn json_line(json: &str) -> String {
    let mut line = String::with_capacity(json.len() + 1);
    for character in json.trim().chars() {
        match character {
            '\n' | '\t' | '\r' => line.push(' '),
            _ if is_hostile(character) => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    let _infallible = write!(line, "\\u{unit:04x}");
                }
            }
            _ => line.push(character),
        }
    }
    line.push('\n');
    line
}

fn is_hostile(character: char) -> bool {
    // Controls of both sets, then what is written from right to left or is seen by nobody.
    character.is_control()
        || matches!(character, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(character, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Columns that a clean text takes.
pub(crate) fn width(text: &str) -> usize {
    text.chars().map(|character| character.width().unwrap_or(0)).sum()
}

/// The text cut to so many columns, with an ellipsis for what is missing.
pub(crate) fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let (mut taken, mut used) = (String::new(), 0);
    for character in text.chars() {
        used += character.width().unwrap_or(0);
        if used + 1 > columns {
            break;
        }
        taken.push(character);
    }
    if columns > 0 {
        taken.push('…');
    }
    Cow::Owned(taken)
}

/// The text, which may be painted, cut to so many columns; the colours take none, and end as they would.
pub(crate) fn crop(painted: &str, columns: usize) -> String {
    let (mut taken, mut used, mut in_escape) = (String::with_capacity(painted.len()), 0, false);
    for character in painted.chars() {
        if in_escape || character == '\x1b' {
            in_escape = character != 'm';
            taken.push(character);
            continue;
        }
        used += character.width().unwrap_or(0);
        if used <= columns {
            taken.push(character);
        }
    }
    taken
}

/// The text cut or filled up to so many columns.
pub(crate) fn fit(text: &str, columns: usize) -> String {
    let cut = cut(text, columns);
    let missing = columns.saturating_sub(width(&cut));
    format!("{cut}{}", " ".repeat(missing))
}

/// Rows in columns as wide as the widest of their cells; those of `right` end at the same column.
pub(crate) fn columns(rows: &[Vec<String>], right: &[usize]) -> Vec<Vec<String>> {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widest = |at: usize| rows.iter().filter_map(|row| row.get(at)).map(|cell| width(cell)).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count).map(widest).collect();
    let pad = |at: usize, cell: &String| {
        let missing = " ".repeat(widths[at] - width(cell));
        if right.contains(&at) { format!("{missing}{cell}") } else { format!("{cell}{missing}") }
    };
    rows.iter().map(|row| row.iter().enumerate().map(|(at, cell)| pad(at, cell)).collect()).collect()
}

/// Why writing has ended.
#[derive(Debug)]
pub(crate) enum Unwritten {
    /// The reader has seen enough.
    Closed,
    /// One line.
    Failed(String),
}

/// Writes to standard output.
pub(crate) fn write_out(bytes: &[u8]) -> Result<(), Unwritten> {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(|cause| match cause.kind() {
        ErrorKind::BrokenPipe => Unwritten::Closed,
        _ => Unwritten::Failed(format!("cannot write to standard output: {cause}; is there room left?")),
    })
}

/// Writes what a server has sent to standard output as it is; to a terminal without what that might obey.
pub(crate) fn write_as_it_came(bytes: &[u8]) -> Result<(), Unwritten> {
    if !io::stdout().is_terminal() {
        return write_out(bytes);
    }
    let text = String::from_utf8_lossy(bytes);
    let lines: String = text.lines().map(|line| format!("{}\n", clean(line))).collect();
    write_out(lines.as_bytes())
}

/// Says on standard error how far a request is, if a person looks and it takes long.
pub(crate) fn tell_progress(progress: Progress) {
    let mut stderr = io::stderr();
    if !stderr.is_terminal() || is_dumb() {
        return;
    }
    // It is told for a while and then wiped out; if it cannot be written, nothing is lost.
    let _closed = match progress {
        Progress::Waited(waited, _) | Progress::Ended(waited) if waited < LONG => return,
        Progress::Waited(waited, 0) => write!(stderr, "\r\x1b[Kwaiting for the answer, {:.1} s", waited.as_secs_f64()),
        Progress::Waited(waited, bytes) => {
            let mebibytes = bytes as f64 / f64::from(1 << 20);
            write!(stderr, "\r\x1b[K{mebibytes:.1} MiB have come, {:.1} s", waited.as_secs_f64())
        }
        Progress::Ended(_) => write!(stderr, "\r\x1b[K"),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        let hostile = "a\x1b[2J\x07\u{9b}31m\x7f\u{202e}b\u{200b}\r\n\tü漢";
        assert_eq!(clean(hostile), "a\\u{1b}[2J\\u{7}\\u{9b}31m\\u{7f}\\u{202e}b\\u{200b}\\r\\n\\tü漢");
        assert!(matches!(clean("ü漢 x"), Cow::Borrowed(_)));
    }

    #[test]
    fn json_stays_the_same_without_what_a_terminal_obeys() {
        let json = "{\n\t\"a\": \"\u{9b}31m\u{202e}\u{e0001}\u{7f}ü漢\\n\"}\r\n";
        let line = json_line(json);
        assert_eq!(line, "{  \"a\": \"\\u009b31m\\u202e\\udb40\\udc01\\u007fü漢\\n\"}\n");
        let read = |json: &str| serde_json::from_str::<serde_json::Value>(json).unwrap();
        assert_eq!(read(&line), read(json));
    }

    #[test]
    fn what_is_painted_is_cut_by_what_is_seen_of_it() {
        assert_eq!(crop("a\x1b[1;31mbcd\x1b[0mef", 3), "a\x1b[1;31mbc\x1b[0m");
        assert_eq!((&*crop("漢漢a", 3), &*crop("abc", 3), &*crop("abc", 0)), ("漢", "abc", ""));
    }

    #[test]
    fn a_text_is_cut_by_columns() {
        assert_eq!((width("ü漢"), fit("ü漢", 5)), (3, "ü漢  ".to_owned()));
        assert_eq!((&*cut("abcd", 3), &*cut("漢漢漢", 4), &*cut("ab", 0)), ("ab…", "漢…", ""));
        let rows = columns(&[vec!["a".into(), "1".into()], vec!["漢".into(), "22".into()]], &[1]);
        assert_eq!(rows, [["a ", " 1"], ["漢", "22"]]);
    }
}
