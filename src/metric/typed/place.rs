//! Places: what a dense table holds for a combination of values, by kind of metric.
//!
//! # Orderings
//!
//! A place is filled after its series was made, and found by any thread: the store is Release, the load Acquire, so that what is counted
//! there comes after the zeroing of cells that another series had before. Two threads may fill a place at once: with the same series.

use std::fmt;

use crate::metric::counter::{Counter, UpDownCounter};
use crate::metric::family::Parts;
use crate::metric::float_counter::FloatCounter;
use crate::metric::gauge::Gauge;
use crate::metric::gauge_histogram::GaugeHistogram;
use crate::metric::histogram::Histogram;
use crate::metric::info::Info;
use crate::metric::series::Series;
use crate::metric::state_set::StateSet;
use crate::metric::summary::Summary;
use crate::shard::{NearSlot, SlotRun};
use crate::sync::{AtomicU32, OnceLock, Ordering};

/// A kind of metric that a dense table can hold.
pub(crate) trait Placed: Parts + Clone {
    /// Where it stands there.
    type Place: Place<Self>;
}

/// A place for one series of a dense table: empty, then filled for good.
pub(crate) trait Place<M: Parts>: Send + Sync + fmt::Debug + 'static {
    /// What is found there.
    type Found<'a>;

    fn empty() -> Self;
    fn get(&self) -> Option<Self::Found<'_>>;
    /// Fills the place. The family keeps the series for as long as it has the place.
    fn fill(&self, series: &Series<M::Cells>, shape: &M::Shape);
}

/// The slot of a metric that is one cell, 0 while there is none: slot 0 is the sink's, and no series has it. Four bytes, and counting needs
/// nothing of the series but these.
#[derive(Debug)]
pub(crate) struct SlotPlace(AtomicU32);

impl<M: Parts<Cells = SlotRun>> Place<M> for SlotPlace {
    type Found<'a> = NearSlot;

    fn empty() -> Self {
        Self(AtomicU32::new(0))
    }

    #[inline]
    fn get(&self) -> Option<NearSlot> {
        // Acquire: pairs with the store in `fill`.
        match self.0.load(Ordering::Acquire) {
            0 => None,
            bits => Some(NearSlot::from_bits(bits)),
        }
    }

    fn fill(&self, series: &Series<SlotRun>, _shape: &M::Shape) {
        // Release: pairs with the load in `get`.
        self.0.store(NearSlot::from(series.value.first()).bits(), Ordering::Release);
    }
}

/// A handle to the series.
#[derive(Debug)]
pub(crate) struct HandlePlace<M>(OnceLock<M>);

impl<M: Parts + Send + Sync + fmt::Debug> Place<M> for HandlePlace<M> {
    type Found<'a> = &'a M;

    fn empty() -> Self {
        Self(OnceLock::new())
    }

    #[inline]
    fn get(&self) -> Option<&M> {
        self.0.get()
    }

    fn fill(&self, series: &Series<M::Cells>, shape: &M::Shape) {
        // Whoever was first has put a handle to the same series there.
        let _ = self.0.set(M::handle(series.clone(), shape));
    }
}

impl Placed for Counter {
    type Place = SlotPlace;
}

impl Placed for UpDownCounter {
    type Place = SlotPlace;
}

macro_rules! placed_by_handle {
    ($($metric:ident)*) => { $(impl Placed for $metric { type Place = HandlePlace<Self>; })* };
}

placed_by_handle!(FloatCounter Gauge GaugeHistogram Histogram Info StateSet Summary);

/// Places in a piece of a [`Row`]. A row of 640 slots (ten methods, 64 statuses) in which two methods have four statuses each then takes
/// 672 bytes; with pieces of 32 it would take 832, with 16 1 024, whole 2 560.
const PIECE: usize = 64;

/// The places of one set of run-time strings. There may be as many rows as series, and most hold few of them, so a row is made of
/// pieces that come as they are needed.
#[derive(Debug)]
pub(crate) struct Row<P>(Box<[OnceLock<Box<[P; PIECE]>>]>);

impl<P> Row<P> {
    pub(crate) fn new(places: usize) -> Self {
        Self((0..places.div_ceil(PIECE)).map(|_| OnceLock::new()).collect())
    }

    #[inline]
    pub(crate) fn get(&self, place: usize) -> Option<&P> {
        Some(&self.0.get(place / PIECE)?.get()?[place % PIECE])
    }

    /// The same, made if it is not there. `None` beyond the last place.
    pub(crate) fn touch(&self, place: usize, empty: impl Fn() -> P) -> Option<&P> {
        let piece = self.0.get(place / PIECE)?;
        if piece.get().is_none() {
            // Whoever was first has put one there; ours is dropped.
            let _ = piece.set(Box::new(std::array::from_fn(|_| empty())));
        }
        Some(&piece.get()?[place % PIECE])
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        size_of_val(&*self.0) + self.0.iter().filter_map(OnceLock::get).map(|piece| size_of_val(&**piece)).sum::<usize>()
    }
}
