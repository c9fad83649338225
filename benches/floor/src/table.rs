//! From label values to a number.

use std::hash::{BuildHasher, Hash, Hasher};

use foldhash::fast::RandomState;

/// A hash table: open addressing, full comparison, never full to more than a quarter. It is filled before it is used, so that a look-up
/// needs nothing to guard it.
#[derive(Debug)]
pub struct Table<const N: usize> {
    hasher: RandomState,
    places: Vec<Option<(u64, u32)>>,
    keys: Vec<[Box<str>; N]>,
}

impl<const N: usize> Table<N> {
    /// Numbers the keys in their order. They must be different.
    pub fn new<'a>(keys: impl IntoIterator<Item = [&'a str; N]>) -> Self {
        let keys: Vec<_> = keys.into_iter().map(|values| values.map(Box::from)).collect();
        let mut places = vec![None; (4 * keys.len()).next_power_of_two()];
        let hasher = RandomState::default();
        let mask = places.len() - 1;
        for (number, key) in keys.iter().enumerate() {
            let hash = Self::hash(&hasher, key.each_ref().map(|value| &**value));
            let free = (hash as usize..).find(|place| places[place & mask].is_none()).expect("three places in four are free");
            places[free & mask] = Some((hash, number as u32));
        }
        Self { hasher, places, keys }
    }

    /// The number of these values.
    #[inline]
    pub fn number(&self, values: [&str; N]) -> Option<usize> {
        let hash = Self::hash(&self.hasher, values);
        let mask = self.places.len() - 1;
        let mut place = hash as usize;
        while let Some((known, number)) = self.places[place & mask] {
            if known == hash && self.keys[number as usize].iter().zip(values).all(|(key, value)| **key == *value) {
                return Some(number as usize);
            }
            place += 1;
        }
        None
    }

    /// The keys, by number.
    pub fn keys(&self) -> &[[Box<str>; N]] {
        &self.keys
    }

    #[inline]
    fn hash(hasher: &RandomState, values: [&str; N]) -> u64 {
        let mut hasher = hasher.build_hasher();
        values.iter().for_each(|value| value.hash(&mut hasher));
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_found_and_no_other() {
        let names: Vec<String> = (0..300).map(|n| n.to_string()).collect();
        let table = Table::new(names.iter().map(|name| [name.as_str(), "x"]));
        for (number, name) in names.iter().enumerate() {
            assert_eq!(table.number([name, "x"]), Some(number));
            assert_eq!(table.number([name, "y"]), None);
        }
        assert_eq!(table.keys().len(), 300);
    }
}
