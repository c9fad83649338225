//! Facts that are labels: versions, names of builds and machines.

use super::family::{Family, Instrument, Parts, Sealed};
use super::series::Series;
use crate::shard::{Exhausted, Totals};
use crate::snapshot::{Previous, Values};

/// A fact that does not change while its series exists, told by labels. The value is always 1.
///
/// The name ends in `_info`. To tell something else, remove the series from its [`Family`] and make the other one.
///
/// # Examples
///
/// ```
/// let registry = tachograph::Registry::new();
/// registry.info("build_info", "What is running.", [("version", "1.4.0"), ("commit", "0b2aedd")])?;
/// assert_eq!(
///     registry.snapshot().text(),
///     "# HELP build_info What is running.\n\
///      ## TYPE build_info gauge\n\
///      build_info{version=\"1.4.0\",commit=\"0b2aedd\"} 1\n"
/// );
/// # Ok::<(), tachograph::RegisterError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Info {
    /// Kept, so that an info is like other handles: there as long as somebody has it, even when it is no longer exposed.
    _series: Series<()>,
}

impl<const N: usize> Family<Info, N> {
    /// Tells the fact of these label values from now on, until it is [removed](Self::remove).
    pub fn set(&self, values: [&str; N]) {
        self.with_cells(values, |(), ()| ());
    }
}

impl Sealed for Info {}
impl Instrument for Info {}

impl Parts for Info {
    type Cells = ();
    type Shape = ();

    fn cells((): &()) -> Result<(), Exhausted> {
        Ok(())
    }

    fn sink((): &()) {}

    fn handle(series: Series<()>, (): &()) -> Self {
        Self { _series: series }
    }

    fn values(_: &[Series<()>], (): &(), _totals: &Totals, _previous: &Previous<'_>) -> Values {
        Values::Info
    }
}
