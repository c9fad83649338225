//! The lines of text 0.0.4 and 1.0.0.

use super::cursor::{Cursor, is_blank};
use super::{Line, Parts, kind};
use crate::finding::{Broken, quoted};
use crate::{Rule, Sample, Timestamp};

pub(super) fn read(mut cursor: Cursor<'_>) -> Result<Line, Broken> {
    cursor.take_while(is_blank);
    if cursor.eat('#') {
        cursor.take_while(is_blank);
        return match cursor.take_while(|c| !is_blank(c)) {
            "HELP" => read_help(cursor),
            "TYPE" => read_type(cursor),
            _ => Ok(Line::Nothing),
        };
    }
    if cursor.is_at_end() { Ok(Line::Nothing) } else { read_sample(cursor) }
}

fn read_help(mut cursor: Cursor<'_>) -> Result<Line, Broken> {
    cursor.take_while(is_blank);
    let name = cursor.metric_name()?;
    // One blank ends the name, and everything behind it is the text.
    if !cursor.is_at_end() && !cursor.eat(' ') && !cursor.eat('\t') {
        return Err(cursor.broken(Rule::MetricName, "behind the name of a metric"));
    }
    let mut text = String::new();
    loop {
        text.push_str(cursor.take_while(|c| c != '\\'));
        let at = cursor.at;
        if cursor.next().is_none() {
            return Ok(Line::Help { name, text });
        }
        text.push(match cursor.next() {
            Some('\\') => '\\',
            Some('n') => '\n',
            Some(other) => return Err(Broken::new(Rule::TextHelpEscape, at, format!("an escape of {other:?} in HELP"))),
            None => return Err(Broken::new(Rule::TextHelpEscape, at, "HELP ends with a backslash")),
        });
    }
}

fn read_type(mut cursor: Cursor<'_>) -> Result<Line, Broken> {
    cursor.take_while(is_blank);
    let name = cursor.metric_name()?;
    blanks(&mut cursor)?;
    let word = cursor.rest();
    let kind = kind(word, false);
    let kind = kind.ok_or_else(|| Broken::new(Rule::Type, cursor.at, format!("{} is not a type", quoted(word))));
    Ok(Line::Type { name, kind })
}

fn read_sample(mut cursor: Cursor<'_>) -> Result<Line, Broken> {
    let mut parts = Parts::default();
    let mut labels = Vec::new();
    let mut name = cursor.name_outside()?;
    let mut at_labels = cursor;
    at_labels.take_while(is_blank);
    parts.labels = at_labels.at;
    if at_labels.eat('{') {
        cursor = at_labels;
        read_labels(&mut cursor, &mut name, &mut labels)?;
    }
    let Some(name) = name else {
        return Err(Broken::new(Rule::MetricName, parts.labels, "a sample without a name"));
    };
    blanks(&mut cursor)?;
    parts.value = cursor.at;
    let (text, value) = cursor.number()?;
    let mut timestamp = None;
    if !cursor.is_at_end() {
        cursor.take_while(is_blank);
        parts.timestamp = cursor.at;
        let rest = cursor.rest();
        let millis: i64 = rest.parse().map_err(|_| {
            Broken::new(Rule::Timestamp, cursor.at, format!("{} is not a time in whole milliseconds", quoted(rest)))
        })?;
        timestamp = Some(Timestamp { text: rest.to_owned(), value: millis as f64 });
    }
    Ok(Line::Sample(Sample { name, labels, text, value, timestamp, exemplar: None, line: 0 }, parts))
}

/// Reads the labels behind the opening brace, and the closing one. The metric's name stands first if it is not known yet.
fn read_labels(cursor: &mut Cursor<'_>, name: &mut Option<String>, labels: &mut Vec<(String, String)>) -> Result<(), Broken> {
    loop {
        cursor.take_while(is_blank);
        if cursor.eat('}') {
            return Ok(());
        }
        let start = cursor.at;
        if cursor.format.has_quoted_names() && cursor.peek() == Some('"') {
            let word = cursor.quoted_name(Rule::LabelName)?;
            cursor.take_while(is_blank);
            if cursor.peek() == Some('=') {
                read_value(cursor, word, labels)?;
            } else if name.is_none() && labels.is_empty() {
                *name = Some(word);
            } else {
                let broken = Broken::new(Rule::MetricName, start, "a name of the metric that is not the first and only one");
                return Err(broken.remedy("write the quoted name first between the braces"));
            }
        } else {
            let label = cursor.label_name()?;
            cursor.take_while(is_blank);
            read_value(cursor, label, labels)?;
        }
        cursor.take_while(is_blank);
        if !cursor.eat(',') && cursor.peek() != Some('}') {
            return Err(cursor.broken(Rule::Syntax, "behind a label"));
        }
    }
}

fn read_value(cursor: &mut Cursor<'_>, label: String, labels: &mut Vec<(String, String)>) -> Result<(), Broken> {
    cursor.expect('=')?;
    cursor.take_while(is_blank);
    cursor.expect('"')?;
    labels.push((label, cursor.label_value()?));
    Ok(())
}

/// Takes blanks, of which there must be one.
fn blanks(cursor: &mut Cursor<'_>) -> Result<(), Broken> {
    if cursor.take_while(is_blank).is_empty() {
        return Err(cursor.broken(Rule::Syntax, "where a blank must stand"));
    }
    Ok(())
}
