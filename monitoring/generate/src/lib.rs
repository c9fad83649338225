//! The limits that alerts, dashboard and documents share, and what is generated from them.
#![forbid(unsafe_code)]

pub mod dashboard;
pub mod documents;
pub mod files;
pub mod limits;
pub mod queries;
pub mod reference;
pub mod rules;
pub mod runbooks;
pub mod tables;
pub mod variants;

/// The Rust of the guide compiles and does what it says.
#[cfg(doctest)]
#[doc = include_str!("../../MONITORING.md")]
mod guide {}
