//! The recorder: from the key that a macro has to the handle.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use metrics::{Key, KeyName, Metadata, SharedString, Unit};

use super::family::{FacadeFamily, Made};
use super::held::{self, Holds};
use super::{Facade, name, unit};
use crate::metric::counter::Counter;
use crate::metric::descriptor::{Descriptor, Kind};
use crate::metric::family::Instrument;
use crate::metric::gauge::Gauge;
use crate::metric::histogram::{Histogram, Shape};
use crate::metric::label::OTHER;

/// Bytes that the name of a family may have: what is longer is made of what somebody says.
const LONGEST_NAME: usize = 256;

/// Has the macros count in a [`Registry`](crate::Registry); made by [`Facade::recorder`]. Clones are the same recorder.
#[derive(Clone)]
pub struct Recorder(Arc<Core>);

pub(super) struct Core {
    facade: Facade,
    counters: Families<Counter>,
    gauges: Families<Gauge>,
    histograms: Families<Histogram>,
}

/// Families of one type, by what the macros call them.
struct Families<M: Instrument>(RwLock<Known<M>>);

struct Known<M: Instrument> {
    families: HashMap<Box<str>, Arc<FacadeFamily<M>>>,
    described: HashMap<Box<str>, Described>,
}

#[derive(Clone)]
struct Described {
    unit: Option<Unit>,
    help: SharedString,
}

/// A type of metric that the facade knows.
trait Facaded: Instrument + Holds {
    const KIND: Kind;

    fn families(core: &Core) -> &Families<Self>;
    /// What the series of a family share, by its unit and what the macros call it.
    fn shape(facade: &Facade, unit: Option<Unit>, called: &str) -> Self::Shape;
}

impl Facaded for Counter {
    const KIND: Kind = Kind::Counter;

    fn families(core: &Core) -> &Families<Self> {
        &core.counters
    }

    fn shape(_: &Facade, _: Option<Unit>, _: &str) {}
}

impl Facaded for Gauge {
    const KIND: Kind = Kind::Gauge;

    fn families(core: &Core) -> &Families<Self> {
        &core.gauges
    }

    fn shape(_: &Facade, _: Option<Unit>, _: &str) {}
}

impl Facaded for Histogram {
    const KIND: Kind = Kind::Histogram;

    fn families(core: &Core) -> &Families<Self> {
        &core.histograms
    }

    fn shape(facade: &Facade, unit: Option<Unit>, called: &str) -> Arc<Shape> {
        let buckets = (facade.buckets)(called).unwrap_or_else(|| unit::buckets(unit, called));
        Shape::new(buckets, facade.registry.faults())
    }
}

impl Recorder {
    pub(super) fn new(facade: Facade) -> Self {
        let (counters, gauges, histograms) = (Families::new(), Families::new(), Families::new());
        Self(Arc::new(Core { facade, counters, gauges, histograms }))
    }
}

impl Core {
    /// The metric of a key, made if there is none.
    #[cold]
    fn make<M: Facaded>(&self, key: &Key) -> Made<M> {
        match self.family::<M>(key.name(), self.facade.families) {
            Some(family) => family.make(key.labels().map(|label| (label.key(), label.value()))),
            None => self.family::<M>(OTHER, usize::MAX).expect("it has no limit, and is not long").make_other(),
        }
    }

    /// The family that the macros call so, made if there is none yet and there are fewer than `most`.
    fn family<M: Facaded>(&self, called: &str, most: usize) -> Option<Arc<FacadeFamily<M>>> {
        if called.len() > LONGEST_NAME {
            return None;
        }
        let families = M::families(self);
        let described = {
            let known = families.read();
            if let Some(family) = known.families.get(called) {
                return Some(Arc::clone(family));
            }
            if known.families.len() >= most {
                return None;
            }
            known.described.get(called).cloned()
        };
        let unit = described.as_ref().and_then(|described| described.unit);
        // With no lock held: it is the caller's code, and may count itself.
        let shape = M::shape(&self.facade, unit, called);
        let mut known = families.write();
        if let Some(family) = known.families.get(called) {
            return Some(Arc::clone(family));
        }
        if known.families.len() >= most {
            return None;
        }
        let (at, family) = self.register::<M>(called, unit, &shape);
        if let Some(Described { unit, help }) = known.described.get(called) {
            family.describe(help, unit.and_then(unit::suffix));
        }
        known.families.insert(called.into(), Arc::clone(&family));
        drop(known);
        if at > 0 {
            tell(M::KIND, called, family.name());
        }
        Some(family)
    }

    /// Registers a family by the first name that is free, and tells which of its names that is.
    fn register<M: Facaded>(&self, called: &str, unit: Option<Unit>, shape: &M::Shape) -> (usize, Arc<FacadeFamily<M>>) {
        let Facade { registry, limit, unit_suffixes, .. } = &self.facade;
        let unit = unit.and_then(unit::suffix);
        let names = name::families(called, unit.filter(|_| *unit_suffixes), M::KIND);
        let register = |(at, name): (usize, String)| {
            let descriptor = Descriptor::new(&name, M::KIND, "").ok()?.with_known_unit(unit.or(M::unit(shape)));
            let family = Arc::new(FacadeFamily::new(registry, descriptor, shape.clone(), *limit));
            registry.register_sources(vec![Arc::clone(&family) as _]).ok()?;
            Some((at, family))
        };
        names.enumerate().find_map(register).expect("numbers do not end")
    }
}

impl<M: Instrument> Families<M> {
    fn new() -> Self {
        Self(RwLock::new(Known { families: HashMap::new(), described: HashMap::new() }))
    }

    fn read(&self) -> RwLockReadGuard<'_, Known<M>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Known<M>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells what is called so, and keeps it for the family that may come, if there are fewer than `most`.
    fn describe(&self, called: &KeyName, unit: Option<Unit>, help: SharedString, most: usize) {
        let called = called.as_str();
        let has_room = |known: &Known<M>| {
            (called.len() <= LONGEST_NAME && known.described.len() < most) || known.described.contains_key(called)
        };
        let is_kept = |known: &Known<M>| has_room(known) || known.families.contains_key(called);
        // Of names without end most find no room, and meet nobody.
        if !is_kept(&self.read()) {
            return;
        }
        let mut known = self.write();
        if let Some(family) = known.families.get(called) {
            family.describe(&help, unit.and_then(unit::suffix));
        }
        if has_room(&known) {
            known.described.insert(called.into(), Described { unit, help });
        }
    }
}

impl metrics::Recorder for Recorder {
    fn describe_counter(&self, called: KeyName, unit: Option<Unit>, help: SharedString) {
        self.0.counters.describe(&called, unit, help, self.0.facade.families);
    }

    fn describe_gauge(&self, called: KeyName, unit: Option<Unit>, help: SharedString) {
        self.0.gauges.describe(&called, unit, help, self.0.facade.families);
    }

    fn describe_histogram(&self, called: KeyName, unit: Option<Unit>, help: SharedString) {
        self.0.histograms.describe(&called, unit, help, self.0.facade.families);
    }

    #[inline]
    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> metrics::Counter {
        metrics::Counter::from_arc(held::handle(&self.0, key, || self.0.make(key)))
    }

    #[inline]
    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> metrics::Gauge {
        metrics::Gauge::from_arc(held::handle(&self.0, key, || self.0.make(key)))
    }

    #[inline]
    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> metrics::Histogram {
        metrics::Histogram::from_arc(held::handle(&self.0, key, || self.0.make(key)))
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("facade", &self.0.facade).finish_non_exhaustive()
    }
}

/// Says in the log, once a family, that it goes by a name in scrapes that its users may not look for.
fn tell(kind: Kind, called: &str, shown: &str) {
    #[cfg(feature = "tracing")]
    tracing::warn!("the {kind} {called:?} is {shown:?} in scrapes: its own name is taken, or one that the type cannot have");
    #[cfg(not(feature = "tracing"))]
    let _ = (kind, called, shown);
}
