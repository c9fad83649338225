//! The characters of a scene file: blanks and comments, strings, numbers, identifiers, and the line that each stands on.

use std::borrow::Cow;

use super::error::ParseError;

/// Longest piece of offending text that an error repeats.
const SHOWN: usize = 32;

/// A position in the text of a scene file.
#[derive(Debug)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    /// Offset of the next byte, always on a character boundary when a method returns.
    at: usize,
    /// Line of the next byte, counted from 1.
    line: usize,
    /// Line on which the heading or property that is being read begins.
    item: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0, line: 1, item: 1 }
    }

    pub(super) fn line(&self) -> usize {
        self.line
    }

    /// Marks the beginning of a heading or a property, so that a file that ends inside it can be told so.
    pub(super) fn begin_item(&mut self) {
        self.item = self.line;
    }

    /// Skips blanks, line ends and comments, and shows the byte that follows without taking it.
    pub(super) fn peek(&mut self) -> Option<u8> {
        loop {
            match self.byte()? {
                b'\n' => {
                    self.line += 1;
                    self.at += 1;
                }
                b' ' | b'\t' | b'\r' => self.at += 1,
                b';' => self.at = self.line_end(),
                other => return Some(other),
            }
        }
    }

    /// Takes `wanted` if it comes next after blanks.
    pub(super) fn eat(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.at += 1;
        }
        found
    }

    /// Takes `wanted` or says that `expected` was expected.
    pub(super) fn expect(&mut self, wanted: u8, expected: &'static str) -> Result<(), ParseError> {
        if self.eat(wanted) { Ok(()) } else { Err(self.unexpected(expected)) }
    }

    /// Demands that nothing but blanks and a comment follows on this line.
    pub(super) fn expect_line_end(&mut self) -> Result<(), ParseError> {
        let line = self.line;
        match self.peek() {
            Some(_) if self.line == line => Err(self.unexpected("the end of the line")),
            _ => Ok(()),
        }
    }

    /// Takes the name of a property: all up to a blank or an equals sign, or a quoted string.
    pub(super) fn property_name(&mut self) -> Result<(), ParseError> {
        if self.peek() == Some(b'"') {
            return self.string().map(drop);
        }
        let end = self.span(|b| b > b' ' && !matches!(b, b'=' | b'"' | b';' | b'[' | b']' | b'{' | b'}'));
        if end == self.at {
            return Err(self.unexpected("a property or a [section]"));
        }
        self.at = end;
        Ok(())
    }

    /// Takes an identifier, which may be empty when none stands here.
    pub(super) fn identifier(&mut self) -> &'a str {
        self.peek();
        let end = self.span(|b| b.is_ascii_alphanumeric() || b == b'_');
        self.take(end)
    }

    /// Takes a number as the engine writes it, or `inf`, `-inf`, `inf_neg`, `nan`.
    pub(super) fn number(&mut self) -> Result<&'a str, ParseError> {
        self.peek();
        let rest = &self.text.as_bytes()[self.at..];
        let digits = |from: usize| rest[from..].iter().take_while(|b| b.is_ascii_digit()).count();
        let sign = usize::from(rest.first() == Some(&b'-'));
        let mut length = sign + digits(sign);
        if length == sign {
            return self.named_number(sign);
        }
        if rest.get(length) == Some(&b'.') {
            length += 1 + digits(length + 1);
        }
        if matches!(rest.get(length), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(rest.get(length + 1), Some(b'+' | b'-')));
            let exponent = digits(length + 1 + sign);
            if exponent == 0 {
                self.at += length;
                return Err(self.unexpected("an exponent"));
            }
            length += 1 + sign + exponent;
        }
        Ok(self.take(self.at + length))
    }

    fn named_number(&mut self, sign: usize) -> Result<&'a str, ParseError> {
        let start = self.at;
        self.at += sign;
        let name = self.span(|b| b.is_ascii_alphanumeric() || b == b'_');
        self.at = start;
        match &self.text[start..name] {
            "inf" | "-inf" | "inf_neg" | "nan" => Ok(self.take(name)),
            _ => Err(self.unexpected("a number")),
        }
    }

    /// Takes a colour such as `#3f8fff`.
    pub(super) fn colour(&mut self) -> Result<(), ParseError> {
        let start = self.at;
        self.at += 1;
        let end = self.span(|b| b.is_ascii_hexdigit());
        if matches!(end - self.at, 3 | 4 | 6 | 8) {
            self.at = end;
            return Ok(());
        }
        self.at = start;
        Err(self.unexpected("a colour with 3, 4, 6 or 8 hexadecimal digits"))
    }

    /// Takes a quoted string, which may hold line ends, and resolves its escapes.
    pub(super) fn string(&mut self) -> Result<Cow<'a, str>, ParseError> {
        self.expect(b'"', "a string in quotes")?;
        let mut owned = String::new();
        loop {
            let end = self.span(|b| b != b'"' && b != b'\\');
            let plain = self.take(end);
            self.line += plain.bytes().filter(|b| *b == b'\n').count();
            match self.byte() {
                Some(b'"') => {
                    self.at += 1;
                    if owned.is_empty() {
                        return Ok(Cow::Borrowed(plain));
                    }
                    owned.push_str(plain);
                    return Ok(Cow::Owned(owned));
                }
                Some(_) => {
                    owned.push_str(plain);
                    owned.push(self.escape()?);
                }
                None => return Err(self.unexpected("the end of the string")),
            }
        }
    }

    /// Takes one escape, or two when they are the halves of a UTF-16 pair.
    fn escape(&mut self) -> Result<char, ParseError> {
        let start = self.at;
        let mut unit = self.escape_unit()?;
        if (0xd800..0xdc00).contains(&unit) && self.byte() == Some(b'\\') {
            let low = self.escape_unit()?;
            if (0xdc00..0xe000).contains(&low) {
                unit = 0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
            }
        }
        char::from_u32(unit).ok_or_else(|| {
            self.at = start;
            self.unexpected("an escape that stands for a character")
        })
    }

    fn escape_unit(&mut self) -> Result<u32, ParseError> {
        self.at += 1;
        let Some(letter) = self.text[self.at..].chars().next() else {
            return Err(self.unexpected("the rest of the escape"));
        };
        self.at += letter.len_utf8();
        let digits = match letter {
            'u' => 4,
            'U' => 6,
            'b' => return Ok(8),
            't' => return Ok(9),
            'n' => return Ok(10),
            'f' => return Ok(12),
            'r' => return Ok(13),
            other => {
                // The engine takes any other escaped character as itself, a line end included.
                self.line += usize::from(other == '\n');
                return Ok(other.into());
            }
        };
        let end = self.span(|b| b.is_ascii_hexdigit()).min(self.at + digits);
        if end < self.at + digits {
            self.at = end;
            return Err(self.unexpected("a hexadecimal digit"));
        }
        let text = self.take(end);
        Ok(u32::from_str_radix(text, 16).expect("four or six hexadecimal digits fit into 32 bits"))
    }

    /// Says that `expected` was expected where the text goes on, or that the file is cut short where it does not.
    pub(super) fn unexpected(&self, expected: &'static str) -> ParseError {
        let rest = &self.text[self.at..];
        if rest.is_empty() {
            return ParseError::Truncated { line: self.line, since: self.item };
        }
        let found: String = rest.chars().take(SHOWN).take_while(|c| !c.is_control()).collect();
        let found = match found.trim_end() {
            "" if rest.starts_with(['\n', '\r']) => "the end of the line".to_owned(),
            "" => format!("{:?}", rest.chars().next().unwrap_or_default()),
            shown => format!("{shown:?}"),
        };
        ParseError::Syntax { line: self.line, expected, found }
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn line_end(&self) -> usize {
        self.span(|b| b != b'\n')
    }

    /// End of the run of bytes that `belongs` accepts. Such a run ends on a character boundary, because each caller's
    /// predicate accepts all bytes above 127 or none.
    fn span(&self, belongs: impl Fn(u8) -> bool) -> usize {
        let rest = &self.text.as_bytes()[self.at..];
        self.at + rest.iter().position(|b| !belongs(*b)).unwrap_or(rest.len())
    }

    fn take(&mut self, end: usize) -> &'a str {
        let taken = &self.text[self.at..end];
        self.at = end;
        taken
    }
}
