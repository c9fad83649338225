//! When a series was made, in four bytes: to an eighth of a second, by a clock that never steps.

use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime};

/// Both clocks when the first series of the process was made.
static FIRST: LazyLock<(SystemTime, Instant)> = LazyLock::new(|| (SystemTime::now(), Instant::now()));

/// Parts of a second that are told apart: 17 years fit.
const A_SECOND: u32 = 8;

/// A moment since the first series was made, rounded down: what is counted in a series is never older than the series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Created(u32);

impl Created {
    pub(crate) fn now() -> Self {
        let since = FIRST.1.elapsed().as_nanos() * u128::from(A_SECOND) / Duration::from_secs(1).as_nanos();
        Self(u32::try_from(since).unwrap_or(u32::MAX))
    }

    /// Bytes that one takes.
    pub(crate) const BYTES: usize = size_of::<u32>();

    pub(crate) fn to_bytes(self) -> [u8; Self::BYTES] {
        self.0.to_le_bytes()
    }

    pub(crate) fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(u32::from_le_bytes(bytes))
    }

    /// The moment by the clock on the wall, as that went when the first series was made.
    pub(crate) fn time(self) -> SystemTime {
        FIRST.0 + Duration::from_secs(1) * self.0 / A_SECOND
    }
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_to_an_eighth_of_a_second() {
        let before = SystemTime::now();
        let created = Created::now();
        let after = SystemTime::now();
        let slack = Duration::from_millis(126);
        assert!(created.time() <= after && created.time() + slack >= before);
        assert_eq!(Created(16).time(), Created(0).time() + Duration::from_secs(2));
        assert_eq!(Created(3).time(), Created(2).time() + Duration::from_millis(125));
        assert!(Created(u32::MAX).time() > Created(1).time());
    }
}
