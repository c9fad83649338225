//! What scrapers read: a snapshot rendered in an exposition format.

pub(crate) mod escape;
pub(crate) mod number;
pub(crate) mod text;

pub use text::TEXT_CONTENT_TYPE;
