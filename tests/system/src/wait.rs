//! Bounded waiting for other programs.

use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take: machines are busy when all tests run.
pub const LIMIT: Duration = Duration::from_secs(60);

/// Asks `probe` until it has an answer, and panics with what it said last when `limit` has passed.
pub fn until<T>(what: &str, limit: Duration, mut probe: impl FnMut() -> Result<T, String>) -> T {
    let end = Instant::now() + limit;
    loop {
        match probe() {
            Ok(answer) => return answer,
            Err(reason) if Instant::now() >= end => panic!("waited {limit:?} for {what}: {reason}"),
            Err(_) => thread::sleep(Duration::from_millis(50)),
        }
    }
}
