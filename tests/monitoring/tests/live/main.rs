//! The loop, live: a fault in the real demo, the shipped rules in a real Prometheus, the shipped routes in a real Alertmanager,
//! and what the webhook is told, until the fault has ended and that is told too.
//!
//! Windows and waits are shortened (`shortened`); expressions, labels and routes are those that are shipped. Each test has a
//! stack of its own, so that what one injects disturbs no other.

mod errors;
mod killed;
mod mended;
mod scenes;
mod slow;
mod visitors;
