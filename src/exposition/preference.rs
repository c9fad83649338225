//! Lists of what a client takes, with weights, as `Accept` and `Accept-Encoding` have them (RFC 9110, sections 12.5.1 and 12.5.3).
//!
//! Anyone writes these headers, so nothing here allocates, and each byte is looked at a fixed number of times. An element that is not
//! of the grammar says nothing: it is left out, and the others count.

/// Thousandths: the weight of what has no `q`.
const FULL: u16 = 1000;

/// One well-formed element of a list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Element<'a> {
    /// What is weighed: a media range, or a coding. Not empty, but any bytes.
    pub(crate) name: &'a [u8],
    /// Everything after the name's semicolon.
    parameters: &'a [u8],
    /// 0 to 1000; 0 is a refusal.
    pub(crate) weight: u16,
}

impl<'a> Element<'a> {
    /// The value of the first parameter of this name, in lower case.
    pub(crate) fn parameter(&self, name: &str) -> Option<Text<'a>> {
        let mut parameters = split(self.parameters, b';').filter_map(parameter);
        parameters.find_map(|(known, value)| known.eq_ignore_ascii_case(name.as_bytes()).then_some(value))
    }

    fn new(element: &'a [u8]) -> Option<Self> {
        let name = split(element, b';').next()?;
        let parameters = element.get(name.len() + 1..).unwrap_or_default();
        let well_formed = |piece: &[u8]| piece.trim_ascii().is_empty() || parameter(piece).is_some();
        let mut element = Self { name: name.trim_ascii(), parameters, weight: FULL };
        if element.name.is_empty() || !split(parameters, b';').all(well_formed) {
            return None;
        }
        if let Some(q) = element.parameter("q") {
            element.weight = weight(q)?;
        }
        Some(element)
    }
}

/// The well-formed elements of one header's value.
pub(crate) fn elements(header: &[u8]) -> impl Iterator<Item = Element<'_>> {
    split(header, b',').filter_map(Element::new)
}

/// A parameter's value, as a token or in quotes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Text<'a> {
    Token(&'a [u8]),
    /// What stands between the quotes, escapes included.
    Quoted(&'a [u8]),
}

impl Text<'_> {
    /// Its bytes, without the escapes.
    fn bytes(self) -> impl Iterator<Item = u8> {
        let (mut bytes, quoted) = match self {
            Self::Token(token) => (token.iter(), false),
            Self::Quoted(quoted) => (quoted.iter(), true),
        };
        std::iter::from_fn(move || match bytes.next() {
            Some(b'\\') if quoted => bytes.next().copied(),
            byte => byte.copied(),
        })
    }

    pub(crate) fn is(self, text: &str) -> bool {
        self.bytes().eq(text.bytes())
    }
}

/// Reads `name=value`; a name alone has an empty value. `None` for what is neither.
fn parameter(piece: &[u8]) -> Option<(&[u8], Text<'_>)> {
    let equals = piece.iter().position(|byte| *byte == b'=').unwrap_or(piece.len());
    let name = piece[..equals].trim_ascii();
    let value = piece.get(equals + 1..).unwrap_or_default().trim_ascii();
    let value = match value.strip_prefix(b"\"") {
        None => Text::Token(value),
        Some(value) => {
            let end = closing_quote(value)?;
            // Anything after the quote makes it neither a quoted text nor a token.
            (end + 1 == value.len()).then_some(Text::Quoted(&value[..end]))?
        }
    };
    let token = |text: &[u8]| text.iter().copied().all(is_token);
    (!name.is_empty() && token(name) && !matches!(value, Text::Token(value) if !token(value))).then_some((name, value))
}

/// Where a quoted text ends, from after its first quote.
fn closing_quote(text: &[u8]) -> Option<usize> {
    let mut escaped = false;
    text.iter().position(|byte| {
        let closes = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        closes
    })
}

/// Whether a byte may stand in a token.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Reads a weight, `0` to `1` with three decimals at most, in thousandths.
fn weight(q: Text<'_>) -> Option<u16> {
    let mut bytes = q.bytes();
    let whole = match bytes.next()? {
        b'0' => 0,
        b'1' => FULL,
        _ => return None,
    };
    match bytes.next() {
        None => return Some(whole),
        Some(b'.') => {}
        Some(_) => return None,
    }
    let mut decimals = 0;
    let mut place = FULL;
    for byte in bytes {
        place /= 10;
        if place == 0 || !byte.is_ascii_digit() {
            return None;
        }
        decimals += u16::from(byte - b'0') * place;
    }
    (whole + decimals <= FULL).then_some(whole + decimals)
}

/// The pieces between separators that are not inside quotes.
fn split(text: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let (mut quoted, mut escaped) = (false, false);
        let end = text.iter().position(|byte| {
            let ends = *byte == separator && !quoted;
            quoted ^= *byte == b'"' && !escaped;
            escaped = quoted && *byte == b'\\' && !escaped;
            ends
        });
        rest = end.map(|end| &text[end + 1..]);
        Some(&text[..end.unwrap_or(text.len())])
    })
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use super::*;

    /// Each element as its name, its weight and its parameter `v`.
    fn read(header: &str) -> Vec<(String, u16, Option<String>)> {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let read = |element: Element<'_>| {
            let v = element.parameter("v").map(|v| text(v.bytes().collect()));
            (text(element.name.to_vec()), element.weight, v)
        };
        elements(header.as_bytes()).map(read).collect()
    }

    fn weights(header: &str) -> Vec<u16> {
        read(header).into_iter().map(|(_, weight, _)| weight).collect()
    }

    #[test]
    fn spaces_and_empty_elements_mean_nothing() {
        let expected = [("a".to_owned(), 500, Some("1".to_owned())), ("b".to_owned(), 1000, None)];
        for header in ["a;v=1;q=0.5,b", " a ;\tv = 1 ; Q=0.5 ,\t b ", ",,a;;v=1;;q=0.5;,,b,"] {
            assert_eq!(read(header), expected, "{header}");
        }
        assert_eq!(read(""), []);
        assert_eq!(read(" , ;q=1, "), []);
    }

    #[test]
    fn quotes_hide_separators_and_escapes() {
        for (header, v) in [
            (r#"a;v="1""#, "1"),
            (r#"a;v="1,2;3=4""#, "1,2;3=4"),
            (r#"a;v="\1\"\\,""#, r#"1"\,"#),
            (r#"a;v="""#, ""),
            ("a;v=", ""),
            ("a;v", ""),
            ("a;v=1;v=2", "1"),
        ] {
            assert_eq!(read(header), [("a".to_owned(), 1000, Some(v.to_owned()))], "{header}");
        }
    }

    #[test]
    fn a_malformed_element_is_left_out_and_the_others_count() {
        for malformed in [
            "a;q=abc",
            "a;q=2",
            "a;q=1.001",
            "a;q=0.0001",
            "a;q=",
            "a;q",
            "a;q=-1",
            "a;q=.5",
            "a;q=\"",
            "a;v=\"1\"2",
            "a;v=1 2",
            "a;=1",
            "a;\"v\"=1",
            "a;v=é",
            "a;v=(",
        ] {
            assert_eq!(weights(&format!("b;q=0.1,{malformed}")), [100], "{malformed}");
        }
        assert_eq!(weights("a;q=abc,b;q=0.1"), [100]);
        assert!(weights("a;v=\"never closed,b;q=0.1").is_empty(), "it may all be one text");
    }

    #[test]
    fn weights_are_thousandths() {
        assert_eq!(
            weights("a;q=0,a;q=0.,a;q=0.000,a;q=0.001,a;q=0.25,a;q=1,a;q=1.000,a;q=\"0.5\""),
            [0, 0, 0, 1, 250, 1000, 1000, 500]
        );
    }
}
