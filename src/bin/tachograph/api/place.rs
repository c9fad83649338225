//! How many may wait for the disk at once. A file system that hangs holds the thread of whoever asks it, for as long as it
//! likes: without a bound it would get them all, and scrapes and pages need some too.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Listings at once.
pub(crate) const MOST_LISTINGS: usize = 32;
/// How long one waits for its turn: a burst passes sooner, a disk that hangs does not.
const PATIENCE: Duration = Duration::from_secs(1);

/// Places for one kind of work.
pub(crate) struct Places(Arc<Semaphore>);

impl Places {
    pub(crate) fn new(count: usize) -> Self {
        Self(Arc::new(Semaphore::new(count)))
    }

    /// Takes a place, which is to be held until the work is over; none if all are still taken after a second.
    pub(crate) async fn take(&self) -> Option<OwnedSemaphorePermit> {
        let turn = Arc::clone(&self.0).acquire_owned();
        tokio::time::timeout(PATIENCE, turn).await.ok()?.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_place_is_waited_for_a_second_and_no_longer() {
        let places = Places::new(1);
        let held = places.take().await.expect("it is free");
        let begun = tokio::time::Instant::now();
        assert!(places.take().await.is_none());
        assert_eq!(begun.elapsed(), PATIENCE);
        let (next, ()) = tokio::join!(places.take(), async {
            tokio::time::sleep(PATIENCE / 2).await;
            drop(held);
        });
        assert!(next.is_some());
        assert_eq!(begun.elapsed(), PATIENCE * 3 / 2);
    }
}
