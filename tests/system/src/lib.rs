//! What the system tests share: the demo as a process of its own, the programs that judge it, and a small HTTP client.
//!
//! Run them by `ci/system.sh`, which installs the judges, builds the binary and says where they lie. A test fails when
//! one is missing, it never skips. Waiting for another program is bounded and says what it waited for.
#![forbid(unsafe_code)]

pub mod api;
pub mod browser;
pub mod daemon;
pub mod demo;
pub mod exporter;
pub mod hostile;
pub mod http;
pub mod judge;
pub mod parrot;
pub mod port;
pub mod prometheus;
pub mod proxy;
pub mod requests;
pub mod sent;
pub mod stored;
pub mod tmux;
pub mod understood;
pub mod victoria;
pub mod viewers;
pub mod wait;
