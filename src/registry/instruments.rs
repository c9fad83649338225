//! Registration of the instruments that are less common than those in the parent module.

use std::sync::Arc;

use super::{RegisterError, Registry};
use crate::metric::bucket::Buckets;
use crate::metric::descriptor::{Descriptor, Kind};
use crate::metric::family::Family;
use crate::metric::float_counter::FloatCounter;
use crate::metric::gauge_histogram::{self, GaugeHistogram};
use crate::metric::info::Info;
use crate::metric::label::Labels;
use crate::metric::quantile::Quantiles;
use crate::metric::state_set::{StateSet, States};
use crate::metric::summary::{self, Summary};

impl Registry {
    /// Registers a counter of fractions without labels.
    ///
    /// # Errors
    ///
    /// As [`counter`](Self::counter).
    pub fn float_counter(&self, name: &str, help: &str) -> Result<FloatCounter, RegisterError> {
        self.float_counter_family(name, help, []).map(|family| family.handle([]))
    }

    /// Registers counters of fractions with labels.
    ///
    /// # Errors
    ///
    /// As [`counter_family`](Self::counter_family).
    pub fn float_counter_family<const N: usize>(
        &self,
        name: &str,
        help: &str,
        labels: impl Into<Labels<N>>,
    ) -> Result<Family<FloatCounter, N>, RegisterError> {
        self.family(Descriptor::new(name, Kind::Counter, help)?, labels.into(), self.faults())
    }

    /// Registers an info and tells it, labels and values at once.
    ///
    /// # Errors
    ///
    /// [`RegisterError`] when the name is not legal, does not end in `_info` or clashes, and [`RegisterError::InvalidLabel`].
    pub fn info<const N: usize>(
        &self,
        name: &str,
        help: &str,
        labels: [(&'static str, &str); N],
    ) -> Result<Info, RegisterError> {
        let family = self.info_family(name, help, labels.map(|(name, _)| name))?;
        Ok(family.handle(labels.map(|(_, value)| value)))
    }

    /// Registers infos with these labels.
    ///
    /// # Errors
    ///
    /// As [`info`](Self::info).
    pub fn info_family<const N: usize>(
        &self,
        name: &str,
        help: &str,
        labels: impl Into<Labels<N>>,
    ) -> Result<Family<Info, N>, RegisterError> {
        self.family(Descriptor::new(name, Kind::Info, help)?, labels.into(), ())
    }

    /// Registers a state set without labels of the caller's. It starts in the first of the states.
    ///
    /// # Errors
    ///
    /// [`RegisterError`] when the name is not legal or clashes, or cannot be a label's name too, and
    /// [`RegisterError::InvalidStates`].
    pub fn state_set(&self, name: &str, help: &str, states: &[&str]) -> Result<StateSet, RegisterError> {
        self.state_set_family(name, help, [], states).map(|family| family.handle([]))
    }

    /// Registers state sets with labels, all of the same states.
    ///
    /// # Errors
    ///
    /// As [`state_set`](Self::state_set), and [`RegisterError::InvalidLabel`].
    pub fn state_set_family<const N: usize>(
        &self,
        name: &str,
        help: &str,
        labels: impl Into<Labels<N>>,
        states: &[&str],
    ) -> Result<Family<StateSet, N>, RegisterError> {
        let states = States::new(name, states, self.faults())?;
        self.family(Descriptor::new(name, Kind::StateSet, help)?, labels.into(), states)
    }

    /// Registers a gauge histogram without labels.
    ///
    /// # Errors
    ///
    /// [`RegisterError`] when the name is not legal or clashes.
    pub fn gauge_histogram(&self, name: &str, help: &str, buckets: Buckets) -> Result<GaugeHistogram, RegisterError> {
        self.gauge_histogram_family(name, help, [], buckets).map(|family| family.handle([]))
    }

    /// Registers gauge histograms with labels, all with the same buckets.
    ///
    /// # Errors
    ///
    /// As [`gauge_histogram`](Self::gauge_histogram), and [`RegisterError::InvalidLabel`].
    pub fn gauge_histogram_family<const N: usize>(
        &self,
        name: &str,
        help: &str,
        labels: impl Into<Labels<N>>,
        buckets: Buckets,
    ) -> Result<Family<GaugeHistogram, N>, RegisterError> {
        let shape = gauge_histogram::Shape { buckets: Arc::new(buckets), faults: self.faults() };
        self.family(Descriptor::new(name, Kind::GaugeHistogram, help)?, labels.into(), shape)
    }

    /// Registers a summary without labels.
    ///
    /// # Errors
    ///
    /// [`RegisterError`] when the name is not legal or clashes, or when there is no room.
    pub fn summary(&self, name: &str, help: &str, quantiles: Quantiles) -> Result<Summary, RegisterError> {
        self.summary_family(name, help, [], quantiles).map(|family| family.handle([]))
    }

    /// Registers summaries with labels, all with the same quantiles. Mind their [memory](Summary#memory).
    ///
    /// # Errors
    ///
    /// As [`summary`](Self::summary), and [`RegisterError::InvalidLabel`].
    pub fn summary_family<const N: usize>(
        &self,
        name: &str,
        help: &str,
        labels: impl Into<Labels<N>>,
        quantiles: Quantiles,
    ) -> Result<Family<Summary, N>, RegisterError> {
        let shape = summary::Shape::new(quantiles, Arc::clone(self.0.windows()), self.faults());
        let family = self.family(Descriptor::new(name, Kind::Summary, help)?, labels.into(), shape)?;
        self.keep_ticking();
        Ok(family)
    }
}
