//! A family of the facade: its series' labels are not all called the same, so there is a group for each set of label names.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use super::name;
use crate::metric::descriptor::{Descriptor, MOST_LABELS, same_label};
use crate::metric::family::Instrument;
use crate::metric::label::OTHER;
use crate::metric::reading::reading;
use crate::metric::series::Series;
use crate::metric::table::LabelTable;
use crate::registry::{Faults, Registry};
use crate::snapshot::{FamilySnapshot, Reading, Source};

/// Sets of label names that a family keeps apart.
const MOST_GROUPS: usize = 64;

/// Bytes that the names of a set may have together. So the names of a family take no more than 128 KiB.
const LONGEST_NAMES: usize = 2_048;

/// The only label of the series that counts what has labels of yet another set of names.
const OVERFLOW: &str = "labels";

/// The only label of the series that counts what has yet another name.
const OTHER_NAMES: &str = "name";

pub(super) struct FacadeFamily<M: Instrument> {
    registered: [Arc<Descriptor>; 1],
    /// As scrapes show it: help may be told later.
    described: Mutex<Arc<Descriptor>>,
    shape: M::Shape,
    /// Series that there may be.
    limit: usize,
    groups: RwLock<Groups<M>>,
    /// What the registry's own labels are called.
    own_labels: Box<[Box<str>]>,
    faults: Arc<Faults>,
}

struct Groups<M: Instrument> {
    all: Vec<Arc<Group<M>>>,
    /// What a label is called in scrapes, by what the macros call it: the same in all groups, and no two of them the same.
    labels: HashMap<Box<str>, Box<str>>,
}

struct Group<M: Instrument> {
    /// As the macros call them, in order.
    names: Box<[Box<str>]>,
    table: LabelTable<M::Cells>,
}

/// A metric for a key, and whether it is that of the key alone.
pub(super) struct Made<M> {
    pub(super) metric: M,
    pub(super) is_own: bool,
}

impl<M: Instrument> FacadeFamily<M> {
    pub(super) fn new(registry: &Registry, descriptor: Descriptor, shape: M::Shape, limit: usize) -> Self {
        let registered = Arc::new(descriptor);
        Self {
            described: Mutex::new(Arc::clone(&registered)),
            registered: [registered],
            shape,
            limit,
            groups: RwLock::new(Groups { all: Vec::new(), labels: HashMap::new() }),
            own_labels: registry.own_label_names(),
            faults: registry.faults(),
        }
    }

    pub(super) fn name(&self) -> &str {
        self.registered[0].name()
    }

    /// Tells what the family means, and in which unit if its name ends in it.
    pub(super) fn describe(&self, help: &str, unit: Option<&str>) {
        let [family] = &self.registered;
        let told = Descriptor::new(family.name(), family.kind(), help).expect("it is registered by this name");
        *self.described() = Arc::new(told.with_known_unit(unit.or(family.unit())));
    }

    fn described(&self) -> MutexGuard<'_, Arc<Descriptor>> {
        self.described.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The series with these labels, made at zero if there is none; past the limit the one that stands for those that have no room.
    pub(super) fn make<'a>(&self, labels: impl Iterator<Item = (&'a str, &'a str)>) -> Made<M> {
        // To a scraper a label without a value is not there.
        let mut labels: Vec<_> = labels.filter(|(_, value)| !value.is_empty()).collect();
        // Of two of one name the last one stands, and a stable order keeps it the last one.
        labels.reverse();
        labels.sort_by_key(|&(name, _)| name);
        labels.dedup_by_key(|&mut (name, _)| name);
        labels.truncate(MOST_LABELS - self.own_labels.len());
        let (names, mut values): (Vec<&str>, Vec<&str>) = labels.into_iter().unzip();

        let make = || M::cells(&self.shape);
        let group = match self.group(&names) {
            Some(group) => {
                // Without its own, which may grow meanwhile.
                let others: usize =
                    self.groups().iter().filter(|other| !Arc::ptr_eq(other, &group)).map(|other| other.table.len()).sum();
                if let Ok(series) = group.table.insert(&values, self.limit.saturating_sub(others), make) {
                    return Made { metric: M::handle(series, &self.shape), is_own: true };
                }
                values.fill(OTHER);
                Some(group)
            }
            None => {
                values = vec![OTHER];
                self.group(&[OVERFLOW])
            }
        };
        self.stand_in(group, &values)
    }

    /// The series that stands for families that have no room.
    pub(super) fn make_other(&self) -> Made<M> {
        self.stand_in(self.group(&[OTHER_NAMES]), &[OTHER])
    }

    /// A series that stands for others, and counts that it does.
    fn stand_in(&self, group: Option<Arc<Group<M>>>, values: &[&str]) -> Made<M> {
        self.faults.series_refused(self.name());
        let series = group.and_then(|group| group.table.insert(values, usize::MAX, || M::cells(&self.shape)).ok());
        let series = series.unwrap_or_else(|| Series::detached(M::sink(&self.shape)));
        Made { metric: M::handle(series, &self.shape), is_own: false }
    }

    fn groups(&self) -> Vec<Arc<Group<M>>> {
        self.groups.read().unwrap_or_else(PoisonError::into_inner).all.clone()
    }

    /// The group of series whose labels are called so, made if there is room for it.
    fn group(&self, names: &[&str]) -> Option<Arc<Group<M>>> {
        let find = |groups: &Groups<M>| groups.all.iter().find(|group| group.is(names)).cloned();
        // The two that stand for others always have room.
        let stands_in = names == [OVERFLOW] || names == [OTHER_NAMES];
        let fits = stands_in || names.iter().map(|name| name.len()).sum::<usize>() <= LONGEST_NAMES;
        let has_room = |groups: &Groups<M>| fits && (stands_in || groups.all.len() < MOST_GROUPS);
        {
            let groups = self.groups.read().unwrap_or_else(PoisonError::into_inner);
            let found = find(&groups);
            // Without room too: of names without end most find none, and they shall not wait for one another.
            if found.is_some() || !has_room(&groups) {
                return found;
            }
        }
        let mut groups = self.groups.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(group) = find(&groups) {
            return Some(group);
        }
        if !has_room(&groups) {
            return None;
        }
        let shown: Vec<_> = names.iter().map(|name| self.label(&mut groups.labels, name)).collect();
        let table = LabelTable::new(&shown.iter().map(|name| &**name).collect::<Vec<_>>());
        let group = Arc::new(Group { names: names.iter().map(|&name| name.into()).collect(), table });
        groups.all.push(Arc::clone(&group));
        Some(group)
    }

    /// What a label is called in scrapes, from its first series on.
    fn label(&self, labels: &mut HashMap<Box<str>, Box<str>>, called: &str) -> Box<str> {
        if let Some(shown) = labels.get(called) {
            return shown.clone();
        }
        let own = self.registered[0].own_label();
        let is_taken = |name: &String| {
            let mut taken = self.own_labels.iter().chain(labels.values()).map(|taken| &**taken).chain(own);
            taken.any(|taken| same_label(taken, name))
        };
        let shown: Box<str> = name::labels(called).find(|name| !is_taken(name)).expect("numbers do not end").into();
        labels.insert(called.into(), shown.clone());
        shown
    }
}

impl<M: Instrument> Group<M> {
    fn is(&self, names: &[&str]) -> bool {
        self.names.iter().map(|name| &**name).eq(names.iter().copied())
    }
}

impl<M: Instrument> Source for FacadeFamily<M> {
    fn descriptors(&self) -> &[Arc<Descriptor>] {
        &self.registered
    }

    /// None that could clash: they are called so that they do not.
    fn label_names(&self, _family: &Descriptor) -> Vec<&str> {
        Vec::new()
    }

    fn list(&self) -> Reading {
        let descriptor = Arc::clone(&self.described());
        let of = |group: Arc<Group<M>>| reading::<M>(&descriptor, &self.shape, group.table.sorted(), group.table.names());
        let readings: Vec<Reading> = self.groups().into_iter().map(of).collect();
        Box::new(move |totals, last, families| {
            let mut parts = Vec::with_capacity(readings.len());
            readings.into_iter().for_each(|read| read(totals, last, &mut parts));
            families.push(FamilySnapshot::joined(descriptor, parts));
        })
    }

    fn series(&self) -> usize {
        self.groups().iter().map(|group| group.table.len()).sum()
    }

    fn heap_bytes(&self) -> usize {
        self.groups().iter().map(|group| group.table.heap_bytes() + group.table.sum(M::heap_bytes)).sum()
    }
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use super::*;
    use crate::metric::bucket::Buckets;
    use crate::metric::descriptor::Kind;
    use crate::metric::histogram::{Histogram, Shape};
    use crate::shard;

    #[test]
    fn a_block_that_cannot_be_read_shows_what_its_own_series_showed() {
        let registry = Registry::new();
        let shape = Shape::new(Buckets::whole(&[1, 9]).unwrap(), registry.faults());
        let descriptor = Descriptor::new("h", Kind::Histogram, "").unwrap();
        let family = Arc::new(FacadeFamily::<Histogram>::new(&registry, descriptor, shape, 99));
        registry.register_sources(vec![Arc::clone(&family) as _]).unwrap();
        // The values are the same, what they are called is not.
        let handles = ["a", "b", "c"].map(|name| family.make([(name, "x")].into_iter()).metric);
        handles.iter().zip(1..).for_each(|(handle, n)| (0..n).for_each(|_| handle.observe(n)));
        let before = registry.snapshot();
        assert!(before.text().contains("h_sum{b=\"x\"} 4\n"));
        // Each block is in the middle of a write, and its sum has been written.
        for handle in &handles {
            shard::inc_by(handle.series_first(), 1);
            shard::inc_by(handle.series_first().plus(1), 77);
        }
        assert_eq!(registry.snapshot().text(), before.text());
    }
}
