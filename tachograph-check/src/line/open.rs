//! The lines of OpenMetrics.

use super::cursor::Cursor;
use super::{Line, Parts, kind};
use crate::finding::{Broken, quoted};
use crate::{Exemplar, Kind, Rule, Sample, Timestamp, number};

/// Characters that the labels of an exemplar may have together.
const MOST_OF_EXEMPLAR: usize = 128;

pub(super) fn read(mut cursor: Cursor<'_>) -> Result<Line, Broken> {
    let line = cursor.line();
    if line.trim_matches([' ', '\t']).is_empty() {
        return Err(Broken::new(Rule::OmBlankLine, 0, "a blank line"));
    }
    if line == "# EOF" {
        return Ok(Line::Eof);
    }
    if line.starts_with([' ', '\t']) {
        return Err(Broken::new(Rule::OmSpace, 0, "a line that begins with a blank"));
    }
    if !cursor.eat('#') {
        return read_sample(cursor);
    }
    let words: Vec<&str> = cursor.rest().split_whitespace().take(2).collect();
    match words.first() {
        Some(word) if ["HELP", "TYPE", "UNIT"].contains(word) => {}
        Some(&"EOF") if words.len() == 1 => {
            return Err(Broken::new(Rule::OmEof, 0, format!("{} is not `# EOF`", quoted(line))));
        }
        _ => return Err(Broken::new(Rule::OmComment, 0, "a comment")),
    }
    space(&mut cursor)?;
    let keyword = cursor.take_while(|c| c != ' ' && c != '\t');
    space(&mut cursor)?;
    let start = cursor.at;
    let name = cursor.metric_name()?;
    if name.starts_with('_') {
        return Err(reserved(start, &name));
    }
    match keyword {
        "HELP" => {
            space_before_text(&mut cursor)?;
            read_help(cursor, name)
        }
        "TYPE" => {
            space(&mut cursor)?;
            Ok(Line::Type { name, kind: read_kind(cursor) })
        }
        _ => {
            space_before_text(&mut cursor)?;
            read_unit(cursor, name)
        }
    }
}

fn read_kind(cursor: Cursor<'_>) -> Result<Kind, Broken> {
    let word = cursor.rest();
    kind(word, true).ok_or_else(|| {
        let rule = if word.ends_with([' ', '\t']) { Rule::OmSpace } else { Rule::Type };
        let broken = Broken::new(rule, cursor.at, format!("{} is not a type", quoted(word)));
        if word == "untyped" { broken.remedy("write `unknown`") } else { broken }
    })
}

fn read_unit(mut cursor: Cursor<'_>, name: String) -> Result<Line, Broken> {
    let at = cursor.at;
    let unit = cursor.take_while(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':');
    match cursor.peek() {
        None => Ok(Line::Unit { name, unit: unit.to_owned(), at }),
        Some(' ' | '\t') => Err(cursor.broken(Rule::OmSpace, "in a unit")),
        Some(_) => Err(cursor.broken(Rule::OmUnit, "in a unit").remedy("write letters, digits and `_`")),
    }
}

fn read_help(mut cursor: Cursor<'_>, name: String) -> Result<Line, Broken> {
    let mut text = String::new();
    loop {
        text.push_str(cursor.take_while(|c| c != '\\' && c != '"'));
        let at = cursor.at;
        match cursor.next() {
            None => return Ok(Line::Help { name, text }),
            Some('"') => return Err(Broken::new(Rule::OmHelpEscape, at, "a quote in HELP").remedy("write `\\\"`")),
            Some(_) => match cursor.next() {
                Some('\\') => text.push('\\'),
                Some('n') => text.push('\n'),
                Some('"') => text.push('"'),
                Some(other) if cursor.rules.canonical => {
                    return Err(Broken::new(Rule::OwnEscape, at, format!("an escape of {other:?}")));
                }
                Some(other) => text.extend(['\\', other]),
                None => return Err(Broken::new(Rule::OmHelpEscape, at, "HELP ends with a backslash").remedy("write `\\\\`")),
            },
        }
    }
}

fn read_sample(mut cursor: Cursor<'_>) -> Result<Line, Broken> {
    let mut parts = Parts::default();
    let mut labels = Vec::new();
    let mut name = cursor.name_outside()?;
    parts.labels = cursor.at;
    if cursor.eat('{') {
        read_labels(&mut cursor, &mut name, &mut labels)?;
    }
    let Some(name) = name else {
        return Err(Broken::new(Rule::MetricName, parts.labels, "a sample without a name"));
    };
    if name.starts_with('_') {
        return Err(reserved(0, &name));
    }
    space(&mut cursor)?;
    parts.value = cursor.at;
    let (text, value) = cursor.number()?;
    let mut sample = Sample { name, labels, text, value, timestamp: None, exemplar: None, line: 0 };
    if !cursor.is_at_end() {
        space(&mut cursor)?;
        if cursor.peek() != Some('#') {
            parts.timestamp = cursor.at;
            sample.timestamp = Some(read_timestamp(&mut cursor)?);
            if cursor.is_at_end() {
                return Ok(Line::Sample(sample, parts));
            }
            space(&mut cursor)?;
        }
        parts.exemplar = cursor.at;
        let exemplar = read_exemplar(&mut cursor, &mut parts)?;
        sample.exemplar = Some(Box::new(exemplar));
    }
    Ok(Line::Sample(sample, parts))
}

fn read_exemplar(cursor: &mut Cursor<'_>, parts: &mut Parts) -> Result<Exemplar, Broken> {
    let start = cursor.at;
    cursor.expect('#')?;
    space(cursor)?;
    if !cursor.eat('{') {
        let broken = cursor.broken(Rule::Syntax, "where the labels of an exemplar must stand");
        return Err(broken.remedy("write `{}` for an exemplar without labels"));
    }
    let mut labels = Vec::new();
    read_labels(cursor, &mut Some(String::new()), &mut labels)?;
    let length: usize = labels.iter().map(|(name, value)| name.chars().count() + value.chars().count()).sum();
    if length > MOST_OF_EXEMPLAR {
        return Err(Broken::new(Rule::OmExemplarLength, start, format!("the labels of the exemplar have {length} characters")));
    }
    if let Some((name, _)) = labels.iter().find(|(name, _)| name.starts_with('_')) {
        return Err(reserved(start, name));
    }
    if let Some(name) = repeated(&labels) {
        return Err(Broken::new(Rule::LabelTwice, start, format!("label {} twice on one exemplar", quoted(name))));
    }
    space(cursor)?;
    parts.exemplar_value = cursor.at;
    let (text, value) = cursor.number()?;
    let mut timestamp = None;
    if !cursor.is_at_end() {
        space(cursor)?;
        timestamp = Some(read_timestamp(cursor)?);
        if !cursor.is_at_end() {
            return Err(cursor
                .broken(Rule::Syntax, "behind the exemplar")
                .remedy("leave it out: there is one exemplar at most"));
        }
    }
    Ok(Exemplar { labels, text, value, timestamp })
}

fn read_timestamp(cursor: &mut Cursor<'_>) -> Result<Timestamp, Broken> {
    let at = cursor.at;
    let text = cursor.take_while(|c| c != ' ' && c != '\t');
    if text.is_empty() {
        return Err(cursor.broken(Rule::OmSpace, "where a timestamp must stand"));
    }
    let value = number::real(text);
    let value = value.ok_or_else(|| Broken::new(Rule::Timestamp, at, format!("{} is not a time in seconds", quoted(text))))?;
    Ok(Timestamp { text: text.to_owned(), value })
}

/// Reads the labels behind the opening brace, and the closing one. The metric's name stands first if it is not known yet.
fn read_labels(cursor: &mut Cursor<'_>, name: &mut Option<String>, labels: &mut Vec<(String, String)>) -> Result<(), Broken> {
    if cursor.eat('}') {
        return Ok(());
    }
    loop {
        refuse_blank(cursor)?;
        let start = cursor.at;
        let label = if cursor.format.has_quoted_names() && cursor.peek() == Some('"') {
            let word = cursor.quoted_name(Rule::LabelName)?;
            if cursor.peek() == Some('=') || name.is_some() || !labels.is_empty() {
                word
            } else {
                *name = Some(word);
                String::new()
            }
        } else if cursor.peek() == Some('}') {
            return Err(cursor.broken(Rule::Syntax, "where a label must stand").remedy("leave the last comma out"));
        } else {
            cursor.label_name()?
        };
        if !label.is_empty() {
            if label.starts_with('_') && label != "__name__" {
                return Err(reserved(start, &label));
            }
            refuse_blank(cursor)?;
            cursor.expect('=')?;
            refuse_blank(cursor)?;
            cursor.expect('"')?;
            labels.push((label, cursor.label_value()?));
        }
        refuse_blank(cursor)?;
        if cursor.eat('}') {
            return Ok(());
        }
        if !cursor.eat(',') {
            return Err(cursor.broken(Rule::Syntax, "behind a label"));
        }
    }
}

/// The name of a label that stands there twice.
fn repeated(labels: &[(String, String)]) -> Option<&str> {
    let mut names: Vec<&str> = labels.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    names.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}

fn reserved(at: usize, name: &str) -> Broken {
    Broken::new(Rule::OmReservedName, at, format!("the name {} begins with `_`", quoted(name)))
}

fn refuse_blank(cursor: &Cursor<'_>) -> Result<(), Broken> {
    match cursor.peek() {
        Some(' ' | '\t') => Err(cursor.broken(Rule::OmSpace, "between the braces").remedy("leave it out")),
        _ => Ok(()),
    }
}

/// Takes the one space that stands between two parts, behind which the next one must begin.
fn space(cursor: &mut Cursor<'_>) -> Result<(), Broken> {
    space_before_text(cursor)?;
    match cursor.peek() {
        Some(' ' | '\t') | None => Err(cursor.broken(Rule::OmSpace, "behind a space")),
        _ => Ok(()),
    }
}

/// Takes one space; what follows is a text, which may be empty or begin with more.
fn space_before_text(cursor: &mut Cursor<'_>) -> Result<(), Broken> {
    let rule = if cursor.peek() == Some('\t') { Rule::OmSpace } else { Rule::Syntax };
    if cursor.eat(' ') { Ok(()) } else { Err(cursor.broken(rule, "where a space must stand")) }
}
