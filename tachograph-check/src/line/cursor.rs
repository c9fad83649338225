//! The parts that the lines of all formats have in common: names, values between quotes, numbers.

use crate::finding::{Broken, quoted};
use crate::{Format, Rule, Rules, number};

/// What is left of a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    line: &'a str,
    /// Bytes that are read.
    pub(super) at: usize,
    pub(super) format: Format,
    pub(super) rules: Rules,
}

/// What stands between two quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Within {
    /// The value of a label, in OpenMetrics with a backslash before anything.
    Value,
    /// A name, with the three escapes alone.
    Name,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(line: &'a str, format: Format, rules: Rules) -> Self {
        Self { line, at: 0, format, rules }
    }

    pub(super) fn line(&self) -> &'a str {
        self.line
    }

    pub(super) fn rest(&self) -> &'a str {
        &self.line[self.at..]
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.line.len()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    pub(super) fn eat(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }

    pub(super) fn expect(&mut self, wanted: char) -> Result<(), Broken> {
        if self.eat(wanted) { Ok(()) } else { Err(self.broken(Rule::Syntax, &format!("where {wanted:?} must stand"))) }
    }

    pub(super) fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let taken = &rest[..rest.find(|c| !belongs(c)).unwrap_or(rest.len())];
        self.at += taken.len();
        taken
    }

    /// What stands here, and why it must not.
    pub(super) fn broken(&self, rule: Rule, why: &str) -> Broken {
        let found = self.peek().map_or("the end of the line".to_owned(), |c| format!("{c:?}"));
        Broken::new(rule, self.at, format!("{found} {why}"))
    }

    /// The metric name that a sample begins with; none where it stands in quotes between the braces.
    pub(super) fn name_outside(&mut self) -> Result<Option<String>, Broken> {
        match self.peek() {
            Some('{') if self.format.has_quoted_names() => Ok(None),
            Some('"') => Err(Broken::new(Rule::MetricName, self.at, "a quote outside of the braces")
                .remedy("write the quoted name first between the braces")),
            _ => self.metric_name().map(Some),
        }
    }

    /// A metric name behind a keyword, or at the beginning of a sample.
    pub(super) fn metric_name(&mut self) -> Result<String, Broken> {
        if self.format.has_quoted_names() && self.peek() == Some('"') {
            return self.quoted_name(Rule::MetricName);
        }
        self.name(Rule::MetricName, |c| c.is_ascii_alphanumeric() || c == '_' || c == ':')
    }

    pub(super) fn label_name(&mut self) -> Result<String, Broken> {
        self.name(Rule::LabelName, |c| c.is_ascii_alphanumeric() || c == '_')
    }

    fn name(&mut self, rule: Rule, belongs: impl Fn(char) -> bool) -> Result<String, Broken> {
        let start = self.at;
        let name = self.take_while(belongs);
        let ends = self.peek().is_none_or(|c| matches!(c, ' ' | '\t' | '{' | '}' | '=' | ',' | '"'));
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || !ends {
            let end = self.rest().find([' ', '\t', '{', '}', '=', ',', '"']).unwrap_or(self.rest().len());
            let whole = &self.line[start..self.at + end];
            let at = if ends { start } else { self.at };
            return Err(Broken::new(rule, at, format!("{} is not the name of a {}", quoted(whole), what(rule))));
        }
        Ok(name.to_owned())
    }

    /// A name between quotes, which begins here.
    pub(super) fn quoted_name(&mut self, rule: Rule) -> Result<String, Broken> {
        let start = self.at;
        self.expect('"')?;
        let name = self.quoted(Within::Name)?;
        if name.is_empty() {
            return Err(Broken::new(rule, start, format!("an empty name of a {}", what(rule))));
        }
        Ok(name)
    }

    /// The value of a label behind its opening quote, and the closing one.
    pub(super) fn label_value(&mut self) -> Result<String, Broken> {
        self.quoted(Within::Value)
    }

    fn quoted(&mut self, within: Within) -> Result<String, Broken> {
        let mut value = String::new();
        loop {
            let plain = self.take_while(|c| c != '"' && c != '\\');
            value.push_str(plain);
            let at = self.at;
            match self.next() {
                Some('\\') => self.escaped(within, at, &mut value)?,
                Some(_) => return Ok(value),
                None => {
                    let told = "the line ends before the closing quote";
                    return Err(
                        Broken::new(Rule::LabelEscape, at, told).remedy("close the quote, and write a line feed as `\\n`")
                    );
                }
            }
        }
    }

    /// What stands behind a backslash.
    fn escaped(&mut self, within: Within, at: usize, value: &mut String) -> Result<(), Broken> {
        match self.next() {
            Some('\\') => value.push('\\'),
            Some('n') => value.push('\n'),
            Some('"') => value.push('"'),
            Some(other) if within == Within::Value && self.format.is_open() => {
                if self.rules.canonical {
                    return Err(Broken::new(Rule::OwnEscape, at, format!("an escape of {other:?}")));
                }
                value.extend(['\\', other]);
            }
            Some(other) => return Err(Broken::new(Rule::LabelEscape, at, format!("an escape of {other:?} between quotes"))),
            None => return Err(Broken::new(Rule::LabelEscape, at, "the line ends with a backslash between quotes")),
        }
        Ok(())
    }

    /// A value, up to the next blank.
    pub(super) fn number(&mut self) -> Result<(String, f64), Broken> {
        let at = self.at;
        let text = self.take_while(|c| !is_blank(c));
        if text.is_empty() {
            return Err(self.broken(Rule::Syntax, "where a number must stand"));
        }
        let value = number::read(text);
        let value = value.ok_or_else(|| Broken::new(Rule::Number, at, format!("{} is not a number", quoted(text))))?;
        if self.rules.canonical && !number::is_plain(text) {
            return Err(Broken::new(Rule::OwnNumber, at, format!("the spelling {}", quoted(text))));
        }
        Ok((text.to_owned(), value))
    }
}

fn what(rule: Rule) -> &'static str {
    if rule == Rule::LabelName { "label" } else { "metric" }
}

pub(super) fn is_blank(c: char) -> bool {
    c == ' ' || c == '\t'
}

/// Where a label stands on a sample line that has been read; the beginning of the line if it has no such label.
pub(crate) fn label_place(line: &[u8], name: &str) -> usize {
    let mut within = false;
    let mut escaped = false;
    for (at, byte) in line.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if within => escaped = true,
            b'"' => within = !within,
            b'{' | b',' if !within => {
                let blanks = line[at + 1..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
                let start = at + 1 + blanks;
                let bare = line[start..].strip_prefix(b"\"").unwrap_or(&line[start..]);
                if let Some(rest) = bare.strip_prefix(name.as_bytes())
                    && matches!(rest.first(), Some(b'=' | b' ' | b'\t' | b'"'))
                {
                    return start;
                }
            }
            _ => {}
        }
    }
    0
}
