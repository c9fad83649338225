//! Names for programs that know a frame by its name, and print it on a line of text.

use std::borrow::Cow;

use super::tree::{Frame, UNACCOUNTED, is_unaccounted};

/// The name of the last frame of a stack without what would break a line: white space is a space, a control character `U+FFFD`.
/// A phase that is called as what no phase covers is `unaccounted (phase)`.
pub(super) fn on_a_line<'a>(stack: &[&'a Frame]) -> Cow<'a, str> {
    let Some(frame) = stack.last() else { return Cow::Borrowed("") };
    if &*frame.name == UNACCOUNTED && !is_unaccounted(stack) {
        return Cow::Borrowed("unaccounted (phase)");
    }
    let breaks = |c: char| c != ' ' && (c.is_whitespace() || c.is_control());
    if !frame.name.contains(breaks) {
        return Cow::Borrowed(&frame.name);
    }
    let kept = |c: char| match c {
        _ if c.is_whitespace() => ' ',
        _ if c.is_control() => char::REPLACEMENT_CHARACTER,
        _ => c,
    };
    Cow::Owned(frame.name.chars().map(kept).collect())
}
