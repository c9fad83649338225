//! Registration of families whose labels the compiler knows.

use super::{RegisterError, Registry};
use crate::metric::bucket::Buckets;
use crate::metric::counter::{Counter, UpDownCounter};
use crate::metric::descriptor::{Descriptor, Kind};
use crate::metric::family::Instrument;
use crate::metric::float_counter::FloatCounter;
use crate::metric::gauge::Gauge;
use crate::metric::histogram::{Histogram, Shape};
use crate::metric::typed::TypedFamily;
use crate::metric::typed::label::{LabelSet, TypedLabel};

impl Registry {
    /// Registers counters with the labels of a [`LabelSet`].
    ///
    /// # Errors
    ///
    /// As [`counter_family`](Self::counter_family).
    pub fn typed_counter_family<L: LabelSet>(&self, name: &str, help: &str) -> Result<TypedFamily<Counter, L>, RegisterError> {
        self.typed_family(Descriptor::new(name, Kind::Counter, help)?, ())
    }

    /// Registers counters of fractions with the labels of a [`LabelSet`].
    ///
    /// # Errors
    ///
    /// As [`counter_family`](Self::counter_family).
    pub fn typed_float_counter_family<L: LabelSet>(
        &self,
        name: &str,
        help: &str,
    ) -> Result<TypedFamily<FloatCounter, L>, RegisterError> {
        self.typed_family(Descriptor::new(name, Kind::Counter, help)?, self.faults())
    }

    /// Registers up-down counters with the labels of a [`LabelSet`].
    ///
    /// # Errors
    ///
    /// As [`up_down_counter_family`](Self::up_down_counter_family).
    pub fn typed_up_down_counter_family<L: LabelSet>(
        &self,
        name: &str,
        help: &str,
    ) -> Result<TypedFamily<UpDownCounter, L>, RegisterError> {
        self.typed_family(Descriptor::new(name, Kind::Gauge, help)?, ())
    }

    /// Registers gauges with the labels of a [`LabelSet`].
    ///
    /// # Errors
    ///
    /// As [`gauge_family`](Self::gauge_family).
    pub fn typed_gauge_family<L: LabelSet>(&self, name: &str, help: &str) -> Result<TypedFamily<Gauge, L>, RegisterError> {
        self.typed_family(Descriptor::new(name, Kind::Gauge, help)?, ())
    }

    /// Registers histograms with the labels of a [`LabelSet`], all with the same buckets.
    ///
    /// # Errors
    ///
    /// As [`histogram_family`](Self::histogram_family).
    pub fn typed_histogram_family<L: LabelSet>(
        &self,
        name: &str,
        help: &str,
        buckets: Buckets,
    ) -> Result<TypedFamily<Histogram, L>, RegisterError> {
        let shape = Shape::new(buckets, self.0.shared_faults());
        self.typed_family(Descriptor::new(name, Kind::Histogram, help)?, shape)
    }

    fn typed_family<M: Instrument, L: LabelSet>(
        &self,
        descriptor: Descriptor,
        shape: M::Shape,
    ) -> Result<TypedFamily<M, L>, RegisterError> {
        let descriptor = descriptor.with_known_unit(M::unit(&shape));
        let names: Vec<&str> = L::LABELS.iter().map(TypedLabel::name).collect();
        descriptor.validate_labels(&names)?;
        // As for other families: a process without room hears of it here and not at the first look-up.
        M::cells(&shape).map_err(|_| RegisterError::Exhausted { family: descriptor.name().into() })?;
        let family = TypedFamily::new(descriptor, shape, self.0.shared_faults());
        self.register_sources(vec![family.source()])?;
        Ok(family)
    }
}
