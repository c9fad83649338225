//! Texts of outsiders, cut to bounds.

/// Bytes of what is wrong with a body, which may quote it.
pub(crate) const MOST_TOLD: usize = 300;

/// Cuts a text to so many bytes, and shows that it was cut.
pub(crate) fn clipped(mut text: String, most: usize) -> String {
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most));
        text.push('…');
    }
    text
}
