//! What scrapers read: a snapshot rendered in an exposition format.

pub(crate) mod body;
mod coding;
mod encoding;
pub(crate) mod escape;
mod escaping;
#[cfg(feature = "hdr-log")]
mod hdr_log;
mod lines;
pub(crate) mod names;
mod negotiate;
pub(crate) mod number;
mod openmetrics;
mod preference;
#[cfg(feature = "protobuf")]
mod protobuf;
pub(crate) mod text;
#[cfg(feature = "protobuf")]
mod wire;

pub use coding::Coding;
pub use encoding::{Encoding, Format};
pub use escaping::Escaping;
#[cfg(feature = "hdr-log")]
pub use hdr_log::HdrLog;
pub use text::TEXT_CONTENT_TYPE;
