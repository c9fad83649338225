//! State sets: which one of a few states something is in.

use std::sync::Arc;

use super::family::{Family, Instrument, Parts, Sealed};
use super::series::Series;
use crate::registry::{Faults, RegisterError};
use crate::shard::{Exhausted, Totals};
use crate::snapshot::{Previous, Values};
use crate::sync::{AtomicU32, Ordering};

/// Which one of a few states something is in: a connection, a circuit breaker.
///
/// A scrape shows a sample a state, 1 for the one that it is in and 0 for the others. The label that tells them apart is called as
/// the family is, as OpenMetrics wants it. It is in the first of the states until one is set. A state that it does not have is
/// refused, and counted in `tachograph_settings_refused_total`.
///
/// # Examples
///
/// ```
/// let registry = tachograph::Registry::new();
/// let breaker = registry.state_set("breaker", "State of the circuit breaker.", &["closed", "open", "half_open"])?;
/// breaker.set("open");
/// assert_eq!(
///     registry.snapshot().text(),
///     "# HELP breaker State of the circuit breaker.\n\
///      ## TYPE breaker gauge\n\
///      breaker{breaker=\"closed\"} 0\n\
///      breaker{breaker=\"half_open\"} 0\n\
///      breaker{breaker=\"open\"} 1\n"
/// );
/// # Ok::<(), tachograph::RegisterError>(())
/// ```
#[derive(Clone, Debug)]
pub struct StateSet {
    series: Series<AtomicU32>,
    states: Arc<States>,
}

impl StateSet {
    /// Changes the state.
    pub fn set(&self, state: &str) {
        self.states.set(&self.series.value, state);
    }

    /// The state it is in.
    ///
    /// # Examples
    ///
    /// ```
    /// let registry = tachograph::Registry::new();
    /// let breaker = registry.state_set("breaker", "State of the circuit breaker.", &["closed", "open"])?;
    /// assert_eq!(breaker.state(), "closed");
    /// breaker.set("open");
    /// assert_eq!(breaker.state(), "open");
    /// # Ok::<(), tachograph::RegisterError>(())
    /// ```
    pub fn state(&self) -> &str {
        // Relaxed: as in `States::set`.
        &self.states.sorted[self.series.value.load(Ordering::Relaxed) as usize]
    }
}

impl<const N: usize> Family<StateSet, N> {
    /// Changes the state of the series with these label values.
    pub fn set(&self, values: [&str; N], state: &str) {
        self.with_cells(values, |cell, states| states.set(cell, state));
    }
}

/// What all series of a family share.
#[derive(Debug)]
pub(crate) struct States {
    /// At least one and each once, in order.
    sorted: Arc<[Box<str>]>,
    /// Index of the one that a new series is in.
    first: u32,
    faults: Arc<Faults>,
}

impl States {
    pub(crate) fn new(family: &str, states: &[&str], faults: Arc<Faults>) -> Result<Arc<Self>, RegisterError> {
        let mut sorted: Vec<Box<str>> = states.iter().map(|&state| state.into()).collect();
        sorted.sort_unstable();
        let refuse = |why| Err(RegisterError::InvalidStates { family: family.into(), why });
        let Some(first) = states.first() else { return refuse("there are none") };
        if sorted[0].is_empty() {
            return refuse("one is empty, which to a scraper is no label at all");
        }
        if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
            return refuse("one is there twice");
        }
        let first = sorted.partition_point(|state| **state < **first) as u32;
        Ok(Arc::new(Self { sorted: sorted.into(), first, faults }))
    }

    fn set(&self, cell: &AtomicU32, state: &str) {
        match self.sorted.binary_search_by(|known| (**known).cmp(state)) {
            // Relaxed: the state stands for itself; nothing else is published by it.
            Ok(at) => cell.store(at as u32, Ordering::Relaxed),
            Err(_) => self.faults.setting_refused(),
        }
    }
}

impl Sealed for StateSet {}
impl Instrument for StateSet {}

impl Parts for StateSet {
    /// Index of the state.
    type Cells = AtomicU32;
    type Shape = Arc<States>;

    fn cells(states: &Self::Shape) -> Result<AtomicU32, Exhausted> {
        Ok(Self::sink(states))
    }

    fn sink(states: &Self::Shape) -> AtomicU32 {
        AtomicU32::new(states.first)
    }

    fn handle(series: Series<AtomicU32>, states: &Self::Shape) -> Self {
        Self { series, states: Arc::clone(states) }
    }

    fn values(series: &[Series<AtomicU32>], states: &Self::Shape, _totals: &Totals, _previous: &Previous<'_>) -> Values {
        // Relaxed: as in `States::set`.
        let active = series.iter().map(|series| series.value.load(Ordering::Relaxed) as usize).collect();
        Values::StateSet { states: Arc::clone(&states.sorted), active }
    }
}
