//! What scrapers read: a snapshot rendered in an exposition format.
//!
//! An [`Encoding`] is a [`Format`] with an [`Escaping`] of names; a [`Coding`] is how its bytes go over the wire. The feature `server`
//! has a server that does all of this. A server of another kind negotiates both, asks the snapshot for the bytes, and names
//! them in its headers. Protobuf takes the feature `protobuf`, gzip and zstd take `compression`.
//!
//! # Examples
//!
//! In async code, where neither the snapshot nor the first rendering may be waited for on the spot:
//!
//! ```
//! use tachograph::exposition::{Coding, Encoding};
//! use tachograph::Registry;
//!
//! async fn scrape(registry: &Registry, accept: &str, accept_encoding: &str) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
//!     let (encoding, coding) = (Encoding::negotiate([accept]), Coding::negotiate([accept_encoding]));
//!     let (give, take) = tokio::sync::oneshot::channel();
//!     registry.snapshot_with(move |snapshot| drop(give.send(snapshot)));
//!     let snapshot = take.await?;
//!     // With `Content-Type`, `Content-Encoding` if there is one, and `Vary: Accept, Accept-Encoding` before it.
//!     let _headers = (encoding.content_type(), coding.content_encoding());
//!     Ok(tokio::task::spawn_blocking(move || snapshot.compressed(encoding, coding).to_vec()).await?)
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let registry = Registry::new();
//! registry.counter("jobs_total", "Jobs done.")?.inc();
//! let body = scrape(&registry, "application/openmetrics-text;version=1.0.0", "identity").await?;
//! assert_eq!(body, b"# TYPE jobs counter\n# HELP jobs Jobs done.\njobs_total 1\n# EOF\n");
//! # Ok(())
//! # })
//! # }
//! ```

pub(crate) mod body;
pub(crate) mod coding;
mod encoding;
pub(crate) mod escape;
mod escaping;
#[cfg(feature = "hdr-log")]
mod hdr_log;
mod lines;
pub(crate) mod names;
mod negotiate;
pub(crate) mod number;
pub(crate) mod openmetrics;
pub(crate) mod preference;
#[cfg(feature = "protobuf")]
mod protobuf;
pub(crate) mod text;
#[cfg(feature = "protobuf")]
pub(crate) mod wire;

pub use coding::Coding;
pub use encoding::{Encoding, Format};
pub use escaping::Escaping;
#[cfg(feature = "hdr-log")]
pub use hdr_log::HdrLog;
pub use text::TEXT_CONTENT_TYPE;
