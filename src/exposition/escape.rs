//! The one escaper: label values and HELP of the text formats.

use std::borrow::Cow;

/// Appends a label value with `\`, line feed and `"` escaped; every other character stands for itself.
pub(crate) fn label_value(out: &mut Vec<u8>, value: &str) {
    escape(out, value, |byte| matches!(byte, b'\\' | b'\n' | b'"'));
}

/// Appends a HELP text of format 0.0.4 with `\` and line feed escaped; a `"` must stand as it is there.
pub(crate) fn help(out: &mut Vec<u8>, text: &str) {
    escape(out, text, |byte| matches!(byte, b'\\' | b'\n'));
}

/// The escape sequence of one byte that needs one.
fn sequence(byte: u8) -> &'static str {
    match byte {
        b'\\' => "\\\\",
        b'\n' => "\\n",
        _ => "\\\"",
    }
}

fn escape(out: &mut Vec<u8>, text: &str, needs: fn(u8) -> bool) {
    let mut rest = text;
    // The bytes that need an escape are ASCII, so cutting there never cuts a character.
    while let Some(at) = rest.bytes().position(needs) {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        out.extend_from_slice(sequence(rest.as_bytes()[at]).as_bytes());
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest.as_bytes());
}

/// What follows in `text` after the escaped form of `value`, or `None` when `text` does not start with it. Allocates nothing.
pub(crate) fn strip_label_value<'a>(text: &'a [u8], value: &str) -> Option<&'a [u8]> {
    value.bytes().try_fold(text, |text, byte| match byte {
        b'\\' | b'\n' | b'"' => text.strip_prefix(sequence(byte).as_bytes()),
        _ => text.strip_prefix(&[byte]),
    })
}

/// The value of which this is the escaped form.
pub(crate) fn unescaped(text: &[u8]) -> Cow<'_, str> {
    let whole = "a value is made of a string, escapes cut none of its characters";
    match unescaped_bytes(text) {
        Cow::Borrowed(bytes) => Cow::Borrowed(str::from_utf8(bytes).expect(whole)),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8(bytes).expect(whole)),
    }
}

/// The same for who needs no string.
#[inline]
pub(crate) fn unescaped_bytes(text: &[u8]) -> Cow<'_, [u8]> {
    if text.contains(&b'\\') { Cow::Owned(without_escapes(text)) } else { Cow::Borrowed(text) }
}

fn without_escapes(text: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    while let Some(&byte) = bytes.next() {
        value.push(match byte {
            b'\\' => match bytes.next() {
                Some(b'n') => b'\n',
                Some(&other) => other,
                None => b'\\',
            },
            _ => byte,
        });
    }
    value
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use super::*;

    fn escaped(value: &str) -> String {
        let mut out = Vec::new();
        label_value(&mut out, value);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn label_values_escape_backslash_line_feed_and_quote_only() {
        assert_eq!(escaped("a\\b\n\"c\"\t\r\0é"), "a\\\\b\\n\\\"c\\\"\t\r\0é");
    }

    #[test]
    fn help_leaves_quotes_alone() {
        let mut out = Vec::new();
        help(&mut out, "say \"a\\b\"\nor not");
        assert_eq!(out, b"say \"a\\\\b\"\\nor not");
    }

    #[test]
    fn what_is_escaped_can_be_undone() {
        for value in ["", "plain", "a\\", "\\\"", "\n\n", "é\\n"] {
            assert_eq!(unescaped(escaped(value).as_bytes()), value);
        }
    }

    #[test]
    fn stripping_takes_off_the_escaped_form_and_nothing_else() {
        for value in ["", "plain", "a\\", "\\\"", "\n\n", "é\\n"] {
            let text = escaped(value) + "\",rest";
            assert_eq!(strip_label_value(text.as_bytes(), value), Some(&b"\",rest"[..]), "{value:?}");
        }
        assert_eq!(strip_label_value(b"\\\\\"", "\\n"), None);
        assert_eq!(strip_label_value(b"ab", "abc"), None);
    }
}
