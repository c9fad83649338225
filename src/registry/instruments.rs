//! Registration of the instruments that are less common than those in the parent module.

use super::{RegisterError, Registry};
use crate::metric::descriptor::{Descriptor, Kind};
use crate::metric::family::Family;
use crate::metric::float_counter::FloatCounter;
use crate::metric::label::Labels;

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
}
