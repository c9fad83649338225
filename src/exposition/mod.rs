//! What scrapers read: a snapshot rendered in an exposition format.

pub(crate) mod body;
mod encoding;
pub(crate) mod escape;
mod escaping;
#[cfg(feature = "hdr-log")]
mod hdr_log;
mod lines;
mod names;
pub(crate) mod number;
mod openmetrics;
#[cfg(feature = "protobuf")]
mod protobuf;
pub(crate) mod text;
#[cfg(feature = "protobuf")]
mod wire;

pub use encoding::{Encoding, Format};
pub use escaping::Escaping;
#[cfg(feature = "hdr-log")]
pub use hdr_log::HdrLog;
pub use text::TEXT_CONTENT_TYPE;
