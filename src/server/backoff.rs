//! The waiting after accepts that fail, such as for want of descriptors; told once when it begins and once when it is over.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep_until};

/// The pause after a first failed accept; it doubles with each further one up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
/// Shorter than the accept loop's heartbeat, so that a beat can never keep a pause from ending.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_millis(320);
/// Without a failure for so long, all is well again. At the limit of descriptors accepts fail and succeed by turns, as connections
/// come and go: told each time, that would fill the log just when there is much to read in it.
const QUIET: Duration = Duration::from_secs(2);

/// What the accept loop knows of failed accepts.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    /// When to try again, and the pause that led there; none after an accept that succeeded.
    waiting: Option<(Instant, Duration)>,
    /// None while all is well.
    episode: Option<Episode>,
}

#[derive(Clone, Copy, Debug)]
struct Episode {
    began: Instant,
    last: Instant,
    failures: u64,
}

impl Backoff {
    /// Waits for the next connection, after the pause if there is one.
    pub(super) async fn accept(&self, listener: &TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
        if let Some((until, _)) = self.waiting {
            sleep_until(until).await;
        }
        listener.accept().await
    }

    /// Says that an accept has succeeded.
    pub(super) fn succeeded(&mut self) {
        self.waiting = None;
    }

    /// Says that an accept has failed.
    pub(super) fn failed(&mut self, cause: &io::Error) {
        use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
        // These speak of the one connection, which is gone; the next may be taken at once.
        if matches!(cause.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted) {
            return;
        }
        let now = Instant::now();
        let pause = self.waiting.map_or(FIRST_PAUSE, |(_, pause)| (pause * 2).min(LONGEST_PAUSE));
        self.waiting = Some((now + pause, pause));
        match &mut self.episode {
            Some(episode) => (episode.last, episode.failures) = (now, episode.failures + 1),
            None => {
                tracing::warn!(%cause, "a connection could not be accepted; they are tried again, and this is not said again");
                self.episode = Some(Episode { began: now, last: now, failures: 1 });
            }
        }
    }

    /// Tells that all is well again, once it is. To be called now and then.
    pub(super) fn look(&mut self) {
        if let Some(Episode { began, last, failures }) = self.episode
            && last.elapsed() >= QUIET
        {
            let seconds = (last - began).as_secs_f64();
            tracing::info!(failures, seconds, "connections can be accepted again");
            self.episode = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn no_room() -> io::Error {
        io::Error::other("no descriptor is left")
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_double_up_to_the_longest_and_begin_anew_after_a_success() {
        let mut backoff = Backoff::default();
        let mut pauses = Vec::new();
        for _ in 0..7 {
            backoff.failed(&no_room());
            pauses.push(backoff.waiting.unwrap().1.as_millis());
        }
        assert_eq!(pauses, [10, 20, 40, 80, 160, 320, 320]);
        backoff.succeeded();
        backoff.failed(&no_room());
        assert_eq!(backoff.waiting.unwrap().1, FIRST_PAUSE);
    }

    #[tokio::test(start_paused = true)]
    async fn failures_and_successes_by_turns_are_one_episode() {
        let mut backoff = Backoff::default();
        for _ in 0..100 {
            backoff.failed(&no_room());
            backoff.succeeded();
            tokio::time::advance(QUIET / 2).await;
            backoff.look();
        }
        assert_eq!(backoff.episode.unwrap().failures, 100);
        tokio::time::advance(QUIET / 2).await;
        backoff.look();
        assert!(backoff.episode.is_none(), "all is well again");
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_is_gone_is_no_reason_to_wait() {
        let mut backoff = Backoff::default();
        backoff.failed(&io::ErrorKind::ConnectionAborted.into());
        assert!(backoff.waiting.is_none() && backoff.episode.is_none());
    }
}
