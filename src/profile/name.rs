//! The names of routes and phases, kept once each: a profile holds numbers.
//!
//! There is room for so many names and so many bytes, and no name is ever forgotten, so a client that invents names fills it; what
//! comes then is `other`. A name that is known is found without a lock; one that is new is kept under a mutex, once.
//!
//! # Orderings
//!
//! As in `metric::hash_index`: a number is published after the name that it stands for.

use std::sync::Arc;

use crate::metric::hash_index::{HashIndex, hash_of};
use crate::metric::label::OTHER;
use crate::sync::{AtomicBool, AtomicU64, HashSeeds, Mutex, OnceLock, Ordering, lock};

/// Names that there may be, `other` among them: their numbers have eight bits.
pub(super) const NAMES: usize = 256;

/// The longest name that is kept, in bytes. Longer ones are inventions, or would fill the room too soon.
const LONGEST: usize = 128;

/// Bytes of all names together.
const BYTES: usize = 12 * 1024;

/// The number of `other`.
pub(super) const OTHER_NAME: u8 = 0;

#[derive(Debug)]
pub(super) struct Names {
    hasher: HashSeeds,
    index: HashIndex,
    /// By number; filled from the first on.
    names: Box<[OnceLock<Arc<str>>]>,
    /// Whether there is room for no more names. Only ever set, under the mutex.
    full: AtomicBool,
    /// How often a name was asked for that there was no room for.
    refused: AtomicU64,
    /// Names and their bytes so far. Entered when a name is kept: a mutex is enough.
    kept: Mutex<(usize, usize)>,
}

impl Names {
    pub(super) fn new() -> Self {
        let names = Self {
            hasher: HashSeeds::default(),
            index: HashIndex::new(),
            names: (0..NAMES).map(|_| OnceLock::new()).collect(),
            full: AtomicBool::new(false),
            refused: AtomicU64::new(0),
            kept: Mutex::new((0, 0)),
        };
        let other = names.number(OTHER);
        debug_assert_eq!(other, OTHER_NAME);
        names
    }

    /// The number of a name, which is kept now if it is new; that of `other` when there is no room for it.
    #[inline]
    pub(super) fn number(&self, name: &str) -> u8 {
        self.find(name).or_else(|| self.keep(name)).unwrap_or_else(|| {
            // Relaxed: a statistic.
            self.refused.fetch_add(1, Ordering::Relaxed);
            OTHER_NAME
        })
    }

    /// How often there was no room for a name.
    pub(super) fn refused(&self) -> u64 {
        // Relaxed: a statistic.
        self.refused.load(Ordering::Relaxed)
    }

    /// The name of a number. One that was never given out is `other`.
    pub(super) fn name(&self, number: u8) -> &Arc<str> {
        let name = self.names[usize::from(number)].get();
        name.or_else(|| self.names[usize::from(OTHER_NAME)].get()).expect("other is there from the start")
    }

    #[inline]
    fn hash(&self, name: &str) -> u32 {
        hash_of(&self.hasher, &[name]) as u32
    }

    #[inline]
    fn find(&self, name: &str) -> Option<u8> {
        let mut candidates = self.index.candidates(self.hash(name));
        let found = candidates.find(|&number| self.names[number].get().is_some_and(|known| **known == *name));
        found.map(|number| number as u8)
    }

    /// Keeps a name and tells its number; `None` without room for it.
    #[cold]
    fn keep(&self, name: &str) -> Option<u8> {
        // Relaxed: it is only ever set, and who does not see it yet asks again under the mutex.
        if name.len() > LONGEST || self.full.load(Ordering::Relaxed) {
            return None;
        }
        let mut kept = lock(&self.kept);
        let (names, bytes) = *kept;
        if let Some(number) = self.find(name) {
            return Some(number);
        }
        if names == NAMES || bytes + LONGEST > BYTES {
            // Relaxed: as above.
            self.full.store(true, Ordering::Relaxed);
            return None;
        }
        let _ = self.names[names].set(name.into());
        self.index.insert(names, |number| self.names[number].get().map(|name| self.hash(name)));
        *kept = (names + 1, bytes + name.len());
        Some(names as u8)
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let (names, bytes) = *lock(&self.kept);
        size_of_val(&*self.names) + self.index.heap_bytes() + bytes + names * 2 * size_of::<usize>()
    }
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_number_and_past_the_limit_it_is_other() {
        let names = Names::new();
        let numbers: Vec<u8> = (0..1_000).map(|n| names.number(&format!("/{n}"))).collect();
        for (n, &number) in numbers.iter().enumerate() {
            let expected = if n < NAMES - 1 { format!("/{n}") } else { OTHER.to_owned() };
            assert_eq!(**names.name(number), *expected);
            assert_eq!(names.number(&format!("/{n}")), number);
        }
        assert_eq!(names.number(OTHER), OTHER_NAME);
        assert_eq!(names.refused(), 2 * (1_000 - (NAMES as u64 - 1)));
    }

    #[test]
    fn long_names_do_not_take_the_room_of_others() {
        let names = Names::new();
        assert_eq!(names.number(&"x".repeat(LONGEST + 1)), OTHER_NAME);
        (0..1_000).for_each(|n| _ = names.number(&format!("{n:0LONGEST$}")));
        let (count, bytes) = *lock(&names.kept);
        assert!((BYTES - LONGEST..=BYTES).contains(&bytes) && count < NAMES, "{count} names, {bytes} bytes");
    }

    #[test]
    fn threads_that_bring_the_same_names_get_the_same_numbers() {
        let (names, together) = (Names::new(), std::sync::Barrier::new(4));
        let of_a_thread = || {
            together.wait();
            (0..200).map(|n| names.number(&n.to_string())).collect::<Vec<_>>()
        };
        let all = std::thread::scope(|scope| [(); 4].map(|()| scope.spawn(of_a_thread)).map(|thread| thread.join().unwrap()));
        assert!(all.iter().all(|numbers| *numbers == all[0]));
    }
}
