//! Shares in a store: an open profile holds one, so that the store is there for as long as it needs it.
//!
//! Were there one share for all, every thread would count in it at the start and the end of each request, and take it from the others: two
//! threads took 641 to 753 ns a profile with one share, 549 to 614 ns with eight, in three runs each. A share is picked by the number of the
//! request, which threads take in blocks.

use std::sync::Arc;

use crossbeam_utils::CachePadded;

use super::ProfileOptions;
use super::id;
use super::store::ProfileStore;

/// A power of two.
const SHARES: usize = 8;

const _: () = assert!(SHARES.is_power_of_two());

/// Padded, for its count must not lie beside that of another one.
#[derive(Debug)]
pub(super) struct Share(CachePadded<Arc<ProfileStore>>);

impl Share {
    pub(super) fn store(&self) -> &ProfileStore {
        &self.0
    }
}

/// A store and the shares in it.
#[derive(Debug)]
pub(super) struct Shares {
    pub(super) store: Arc<ProfileStore>,
    shares: [Arc<Share>; SHARES],
}

impl Shares {
    pub(super) fn new(options: ProfileOptions) -> Self {
        let store = Arc::new(ProfileStore::new(options));
        let shares = std::array::from_fn(|_| Arc::new(Share(Arc::clone(&store).into())));
        Self { store, shares }
    }

    /// The share of a request with this number.
    pub(super) fn of(&self, number: u32) -> Arc<Share> {
        Arc::clone(&self.shares[id::block(number) as usize % SHARES])
    }

    pub(super) fn heap_bytes(&self) -> usize {
        // Each `Arc` has two counts in front, and they are aligned as what it holds is.
        let with_counts = |bytes: usize, align: usize| bytes + (2 * size_of::<usize>()).next_multiple_of(align);
        let each = with_counts(size_of::<Share>(), align_of::<Share>());
        with_counts(size_of::<Self>(), align_of::<Self>()) + SHARES * each + self.store.heap_bytes()
    }
}
