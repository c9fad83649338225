//! Names for programs that know a frame by its name, and print it on a line of text.

use std::borrow::Cow;

use super::tree::{Frame, UNACCOUNTED, is_unaccounted};

/// The name of the last frame of a stack, on a line. A phase that is called as what no phase covers is `unaccounted (phase)`.
pub(super) fn last_of<'a>(stack: &[&'a Frame]) -> Cow<'a, str> {
    match stack.last() {
        Some(frame) if &*frame.name == UNACCOUNTED && !is_unaccounted(stack) => Cow::Borrowed("unaccounted (phase)"),
        Some(frame) => on_a_line(&frame.name),
        None => Cow::Borrowed(""),
    }
}

/// A text without what would break a line: white space is a space, a control character `U+FFFD`.
pub(super) fn on_a_line(text: &str) -> Cow<'_, str> {
    let kept = |c: char| match c {
        _ if c.is_whitespace() => ' ',
        _ if c.is_control() => char::REPLACEMENT_CHARACTER,
        _ => c,
    };
    if text.chars().all(|c| kept(c) == c) { Cow::Borrowed(text) } else { Cow::Owned(text.chars().map(kept).collect()) }
}
