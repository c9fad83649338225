//! How long to wait after a push that failed.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, SystemTime};

use hyper::header::{HeaderMap, RETRY_AFTER};

/// A receiver may ask for no longer pause than this: by then its restart or its quota is over, and what waits here grows old.
const LONGEST_ASKED: Duration = Duration::from_secs(600);

/// Pauses that double from the shortest to the longest, each cut at random by up to its half: of many who fail at the same moment no two
/// come back at the same one.
#[derive(Debug)]
pub(super) struct Backoff {
    shortest: Duration,
    longest: Duration,
    /// The next pause, uncut.
    next: Duration,
}

impl Backoff {
    pub(super) fn new(shortest: Duration, longest: Duration) -> Self {
        Self { shortest, longest, next: shortest }
    }

    /// All went well: the next pause is the shortest again.
    pub(super) fn reset(&mut self) {
        self.next = self.shortest;
    }

    /// The pause after one more failure.
    pub(super) fn pause(&mut self) -> Duration {
        let whole = self.next;
        self.next = (self.next * 2).min(self.longest);
        whole / 2 + whole.mul_f64(random() / 2.0)
    }
}

/// From 0 to 1. The seeds of the standard library's hash tables are random numbers of the system, and the same for nobody.
fn random() -> f64 {
    RandomState::new().build_hasher().finish() as f64 / u64::MAX as f64
}

/// How long a receiver asks to be left alone: `Retry-After` in seconds, or until a date.
pub(super) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let asked = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match asked.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => httpdate::parse_http_date(asked).ok()?.duration_since(now).unwrap_or_default(),
    };
    Some(wait.min(LONGEST_ASKED))
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_begin_anew() {
        let second = Duration::from_secs(1);
        let mut backoff = Backoff::new(second, 5 * second);
        for _ in 0..2 {
            for whole in [1, 2, 4, 5, 5] {
                let pause = backoff.pause();
                assert!((whole * second / 2..=whole * second).contains(&pause), "{pause:?} of {whole} s");
            }
            backoff.reset();
        }
        let mut pauses: Vec<_> = (0..20).map(|_| Backoff::new(second, second).pause()).collect();
        pauses.dedup();
        assert!(pauses.len() > 10, "they differ");
    }

    #[test]
    fn a_receiver_asks_in_seconds_or_by_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let asked = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, value.parse().unwrap());
            retry_after(&headers, now).map(|wait| wait.as_secs())
        };
        assert_eq!(asked("120"), Some(120));
        assert_eq!(asked("86400"), Some(600));
        assert_eq!(asked("Sun, 06 Nov 1994 08:50:07 GMT"), Some(30));
        assert_eq!(asked("Sun, 06 Nov 1994 08:40:07 GMT"), Some(0));
        assert_eq!([asked("soon"), asked("-1"), asked("")], [None; 3]);
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
