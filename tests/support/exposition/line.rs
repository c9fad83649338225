//! One line of the text format: metadata or a sample.

use super::number::parse_number;
use super::{Kind, Sample};

/// What a line says.
#[derive(Debug)]
pub(super) enum Line {
    /// A blank line or a comment.
    Nothing,
    Help {
        name: String,
        text: String,
    },
    Type {
        name: String,
        kind: Kind,
    },
    /// Its line number is still 0.
    Sample(Sample),
}

/// The number of the broken rule, and how it is broken.
pub(super) type Broken = (u8, String);

/// Reads a line without its LF.
pub(super) fn read(line: &str) -> Result<Line, Broken> {
    let mut cursor = Cursor { rest: line };
    cursor.skip_blanks();
    if cursor.eat('#') {
        cursor.skip_blanks();
        let keyword = cursor.take_while(|c| !is_blank(c));
        if keyword == "HELP" {
            // The only line on which a carriage return is content: see the head of the parent module.
            return read_help(cursor);
        }
        refuse_carriage_return(line)?;
        return if keyword == "TYPE" { read_type(cursor) } else { Ok(Line::Nothing) };
    }
    refuse_carriage_return(line)?;
    if cursor.rest.is_empty() { Ok(Line::Nothing) } else { read_sample(cursor).map(Line::Sample) }
}

fn refuse_carriage_return(line: &str) -> Result<(), Broken> {
    if line.ends_with('\r') { Err((1, "a line that ends with CR and LF".to_owned())) } else { Ok(()) }
}

fn read_help(mut cursor: Cursor<'_>) -> Result<Line, Broken> {
    cursor.skip_blanks();
    let name = cursor.metric_name()?;
    // One blank ends the name, and everything behind it is the text.
    if !cursor.rest.is_empty() && !cursor.eat(' ') && !cursor.eat('\t') {
        return Err((6, format!("a metric name with {:?} in it", cursor.peek())));
    }
    let mut text = String::new();
    while let Some(c) = cursor.next() {
        text.push(match c {
            '\\' => match cursor.next() {
                Some('\\') => '\\',
                Some('n') => '\n',
                other => return Err((2, format!("an escape of {other:?} in HELP"))),
            },
            plain => plain,
        });
    }
    Ok(Line::Help { name, text })
}

fn read_type(mut cursor: Cursor<'_>) -> Result<Line, Broken> {
    cursor.skip_blanks();
    let name = cursor.metric_name()?;
    cursor.blanks()?;
    let kind = match cursor.rest {
        "counter" => Kind::Counter,
        "gauge" => Kind::Gauge,
        "histogram" => Kind::Histogram,
        "summary" => Kind::Summary,
        "untyped" => Kind::Untyped,
        other => return Err((4, format!("a type {other:?}"))),
    };
    Ok(Line::Type { name, kind })
}

fn read_sample(mut cursor: Cursor<'_>) -> Result<Sample, Broken> {
    let name = cursor.metric_name()?;
    let mut at_labels = cursor;
    at_labels.skip_blanks();
    let mut labels = Vec::new();
    if at_labels.eat('{') {
        cursor = at_labels;
        labels = read_labels(&mut cursor)?;
    }
    cursor.blanks()?;
    let text = cursor.take_while(|c| !is_blank(c));
    let value = parse_number(text).ok_or_else(|| (7, format!("a value {text:?}")))?;
    let mut timestamp = None;
    if !cursor.rest.is_empty() {
        cursor.skip_blanks();
        let millis: i64 = cursor.rest.parse().map_err(|_| (10, format!("a timestamp {:?}", cursor.rest)))?;
        timestamp = Some(millis);
    }
    Ok(Sample { name, labels, text: text.to_owned(), value, timestamp, line: 0 })
}

/// Reads the labels behind the opening brace, and the closing one.
fn read_labels(cursor: &mut Cursor<'_>) -> Result<Vec<(String, String)>, Broken> {
    let mut labels = Vec::new();
    loop {
        cursor.skip_blanks();
        if cursor.eat('}') {
            return Ok(labels);
        }
        let name = cursor.label_name()?;
        cursor.skip_blanks();
        cursor.expect('=')?;
        cursor.skip_blanks();
        cursor.expect('"')?;
        labels.push((name, read_label_value(cursor)?));
        cursor.skip_blanks();
        if !cursor.eat(',') && cursor.peek() != Some('}') {
            return Err((0, format!("{:?} behind a label", cursor.peek())));
        }
    }
}

/// Reads a label value behind its opening quote, and the closing one.
fn read_label_value(cursor: &mut Cursor<'_>) -> Result<String, Broken> {
    let mut value = String::new();
    loop {
        value.push(match cursor.next() {
            Some('"') => return Ok(value),
            Some('\\') => match cursor.next() {
                Some('\\') => '\\',
                Some('n') => '\n',
                Some('"') => '"',
                other => return Err((3, format!("an escape of {other:?} in a label value"))),
            },
            Some(plain) => plain,
            None => return Err((3, "a label value that does not end on its line".to_owned())),
        });
    }
}

/// What is left of a line.
#[derive(Clone, Copy, Debug)]
struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn eat(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.next();
        }
        found
    }

    fn expect(&mut self, wanted: char) -> Result<(), Broken> {
        if self.eat(wanted) { Ok(()) } else { Err((0, format!("{:?} where {wanted:?} must stand", self.peek()))) }
    }

    fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !belongs(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn skip_blanks(&mut self) {
        self.take_while(is_blank);
    }

    /// Takes blanks, of which there must be one.
    fn blanks(&mut self) -> Result<(), Broken> {
        if self.take_while(is_blank).is_empty() {
            return Err((0, format!("{:?} where a blank must stand", self.peek())));
        }
        Ok(())
    }

    fn metric_name(&mut self) -> Result<String, Broken> {
        self.name("metric", |c| c.is_ascii_alphanumeric() || c == '_' || c == ':')
    }

    fn label_name(&mut self) -> Result<String, Broken> {
        self.name("label", |c| c.is_ascii_alphanumeric() || c == '_')
    }

    fn name(&mut self, what: &str, belongs: impl Fn(char) -> bool) -> Result<String, Broken> {
        let name = self.take_while(belongs);
        let ends = self.peek().is_none_or(|c| is_blank(c) || matches!(c, '{' | '='));
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || !ends {
            return Err((6, format!("a {what} name that begins with {:?}", format!("{name}{}", self.rest))));
        }
        Ok(name.to_owned())
    }
}

fn is_blank(c: char) -> bool {
    c == ' ' || c == '\t'
}
