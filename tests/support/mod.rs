//! What several integration tests share. Each test is a crate of its own that includes this module.

#![allow(dead_code, unused_imports, reason = "no single test uses all of it, and each one compiles the whole")]
#![allow(unreachable_pub, reason = "a test crate exports nothing, but its modules still have an interface")]

pub mod http;
