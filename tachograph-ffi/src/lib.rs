//! The C ABI of the Tachograph metrics engine, for engines and services in C and C++, for a GDExtension, and for whatever else
//! can call C.
//!
//! The header is `include/tachograph.h`, the README says how it is linked. What is said here of a function is the comment that
//! the header has of it: cbindgen writes it from this source. From Rust, use the crate `tachograph` itself.
//!
//! # How it is made
//!
//! Each handle is a box with what the Rust API has: a share in something that lives for as long as anybody has a share. So
//! handles may be freed in any order and on any thread, and no function keeps what it is passed a pointer to. `failure` has
//! what all functions do with errors and panics, `borrowed` what they do with pointers: the unsafe code is there, and in the
//! one block of each function.
//!
//! There is no magic number in a handle that would find a double free: reading it would be the very use after free that it is
//! to find, and valgrind and the address sanitizer find those without.
#![deny(missing_docs, unsafe_op_in_unsafe_fn)]
#![deny(clippy::missing_safety_doc, clippy::undocumented_unsafe_blocks)]

mod body;
mod borrowed;
mod counter;
mod exporter;
mod failure;
mod family;
mod gauge;
mod histogram;
mod http;
mod profiler;
mod registry;
mod request;
mod version;

pub use body::*;
pub use borrowed::TachographStr;
pub use counter::*;
pub use exporter::*;
pub use failure::*;
pub use family::TachographFamilyOptions;
pub use gauge::*;
pub use histogram::*;
pub use http::*;
pub use profiler::*;
pub use registry::*;
pub use request::*;
pub use version::*;
