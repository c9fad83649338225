//! The [`metrics`] facade: code that is instrumented with its macros counts in a [`Registry`], in place of
//! `metrics-exporter-prometheus`.
//!
//! The way of `counter!("jobs_total", "queue" => "mail").increment(1)`: the thread finds the handle among those that it has made
//! (`held`), without a lock; the first time it makes one, of the family's series (`family`). Then it counts in its own memory, as
//! with every [`Counter`](crate::Counter).
//!
//! # Examples
//!
//! ```
//! use metrics::{Unit, counter, describe_counter, gauge, histogram};
//! use tachograph::Registry;
//! use tachograph::facade::Facade;
//!
//! let registry = Registry::new();
//! Facade::new(&registry).install()?;
//!
//! describe_counter!("mails.sent", Unit::Count, "Mails sent.");
//! counter!("mails.sent", "priority" => "high").increment(2);
//! gauge!("queue_depth").set(7);
//! histogram!("send_seconds").record(0.02);
//!
//! let snapshot = registry.snapshot();
//! assert!(snapshot.text().contains("# HELP mails_sent_total Mails sent.\n"));
//! assert!(snapshot.text().contains("\nmails_sent_total{priority=\"high\"} 2\n"));
//! assert!(snapshot.text().contains("\nqueue_depth 7\n"));
//! assert!(snapshot.text().contains("\nsend_seconds_bucket{le=\"0.025\"} 1\n"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Names
//!
//! Nothing that is counted is lost for its name. What a scrape could not show is called a little different:
//!
//! | called | in a scrape | because |
//! |---|---|---|
//! | counter `jobs` | `jobs_total` | a counter's name ends so |
//! | `http.requests`, `a b` | the same, or with `_` by who knows legacy names only | see [`Escaping`](crate::exposition::Escaping) |
//! | `_depth`, `9lives`; labels too | `metric__depth`, `label_9lives` | a name begins with a letter |
//! | gauge `jobs` beside counter `jobs` | `jobs_gauge` | two families would write one name |
//! | `a.b` beside gauge `a_b` | `a.b_gauge`, then `a.b_gauge_2` | they are the same with legacy names |
//! | label `le` of a histogram, or one of the [registry's own](Registry::with_labels) | `exported_le` | the name is taken |
//!
//! Labels without a value are left out, of two labels of one name the last one stands, and of more than 64 the first ones by name.
//!
//! # Differences
//!
//! Histograms are histograms with buckets, which add up over instances, where the exporter shows summaries unless told otherwise; which
//! buckets is told by unit and name, see [`Facade::buckets`]. Negative values are refused, and counted in
//! `tachograph_observations_refused_total`. A family has a limit of series, see [`Facade::limit`], and there is one of families, see
//! [`Facade::families`].

mod family;
mod handle;
mod held;
mod name;
mod recorder;
mod unit;

use std::fmt;

pub use recorder::Recorder;

use crate::metric::bucket::Buckets;
use crate::metric::label::{DEFAULT_LIMIT, MOST_LIMIT};
use crate::registry::Registry;

/// Chooses the buckets of a histogram by what the macros call it.
type Choose = dyn Fn(&str) -> Option<Buckets> + Send + Sync;

/// Families of a type unless told otherwise: as many as a family has series. Names stand in the code, of which there are some hundreds.
const DEFAULT_FAMILIES: usize = 1_000;

/// How what the macros count shall stand in a registry: made, told, and then [installed](Self::install).
pub struct Facade {
    registry: Registry,
    buckets: Box<Choose>,
    limit: usize,
    families: usize,
    unit_suffixes: bool,
}

impl Facade {
    /// For this registry, with the defaults.
    pub fn new(registry: &Registry) -> Self {
        Self {
            registry: registry.clone(),
            buckets: Box::new(|_| None),
            limit: DEFAULT_LIMIT,
            families: DEFAULT_FAMILIES,
            unit_suffixes: false,
        }
    }

    /// Chooses the buckets of histograms by the name that the macros call them. `choose` is asked once for each, when it is first
    /// recorded; where it answers `None`, its unit tells (as it was described before that, or as its name ends): for times 1 ms to 10 s,
    /// for sizes 256 bytes to 1 GiB, for percents 1 to 100, for all else two or three a power of ten from 0.001 to 10 000.
    ///
    /// # Examples
    ///
    /// ```
    /// use tachograph::facade::Facade;
    /// use tachograph::{Buckets, Registry};
    ///
    /// let registry = Registry::new();
    /// let ratios = Buckets::decimal(&[0.5, 0.9, 1.0])?;
    /// let recorder = Facade::new(&registry).buckets(move |name| name.ends_with("_ratio").then(|| ratios.clone())).recorder();
    /// metrics::with_local_recorder(&recorder, || metrics::histogram!("hit_ratio").record(0.75));
    /// assert!(registry.snapshot().text().contains("hit_ratio_bucket{le=\"0.9\"} 1\n"));
    /// # Ok::<(), tachograph::BucketError>(())
    /// ```
    #[must_use]
    pub fn buckets(self, choose: impl Fn(&str) -> Option<Buckets> + Send + Sync + 'static) -> Self {
        Self { buckets: Box::new(choose), ..self }
    }

    /// Sets how many series a family may have, 1 000 by default and 1 835 007 at most. Past it, series that are new count as one whose
    /// labels all have the value `other`, and each time in `tachograph_series_refused_total`.
    ///
    /// # Examples
    ///
    /// ```
    /// use tachograph::{Registry, facade::Facade};
    ///
    /// let registry = Registry::new();
    /// let recorder = Facade::new(&registry).limit(2).recorder();
    /// metrics::with_local_recorder(&recorder, || {
    ///     for path in ["/a", "/b", "/c", "/d"] {
    ///         metrics::counter!("requests_total", "path" => path).increment(1);
    ///     }
    /// });
    /// assert!(registry.snapshot().text().contains("requests_total{path=\"other\"} 2\n"));
    /// ```
    #[must_use]
    pub fn limit(self, series: usize) -> Self {
        Self { limit: series.min(MOST_LIMIT), ..self }
    }

    /// Sets how many families there may be of each type, 1 000 by default: a macro takes any text for a name, so what makes names of what
    /// clients say would have them grow for ever. Past it, and under a name of more than 256 bytes, all that is new counts as one series of
    /// the family `other`, and each time in `tachograph_series_refused_total`. As many names may be described.
    ///
    /// # Examples
    ///
    /// ```
    /// use tachograph::{Registry, facade::Facade};
    ///
    /// let registry = Registry::new();
    /// let recorder = Facade::new(&registry).families(1).recorder();
    /// metrics::with_local_recorder(&recorder, || {
    ///     metrics::counter!("logins_total").increment(1);
    ///     for user in ["ann", "bob"] {
    ///         metrics::counter!(format!("logins_of_{user}_total")).increment(1);
    ///     }
    /// });
    /// let text = registry.snapshot().text().to_owned();
    /// assert!(text.contains("\nlogins_total 1\n") && text.contains("\nother_total{name=\"other\"} 2\n"));
    /// ```
    #[must_use]
    pub fn families(self, most: usize) -> Self {
        Self { families: most, ..self }
    }

    /// Appends the units that metrics were described with to their names, if they do not end in them: `send` in seconds becomes
    /// `send_seconds`. Describe them before they are first counted. Off by default.
    ///
    /// # Examples
    ///
    /// ```
    /// use metrics::{Unit, counter, describe_counter};
    /// use tachograph::{Registry, facade::Facade};
    ///
    /// let registry = Registry::new();
    /// let recorder = Facade::new(&registry).unit_suffixes(true).recorder();
    /// metrics::with_local_recorder(&recorder, || {
    ///     describe_counter!("sent", Unit::Bytes, "Bytes sent.");
    ///     counter!("sent").increment(512);
    /// });
    /// assert_eq!(
    ///     registry.snapshot().text(),
    ///     "# HELP sent_bytes_total Bytes sent.\n# TYPE sent_bytes_total counter\nsent_bytes_total 512\n"
    /// );
    /// ```
    #[must_use]
    pub fn unit_suffixes(self, append: bool) -> Self {
        Self { unit_suffixes: append, ..self }
    }

    /// Has all threads count in the registry from now on. What was counted before is lost: the facade has nowhere to keep it.
    ///
    /// # Errors
    ///
    /// [`AlreadyInstalled`] when the process has a recorder: call it once, before any other.
    pub fn install(self) -> Result<(), AlreadyInstalled> {
        metrics::set_global_recorder(self.recorder()).map_err(|_| AlreadyInstalled)
    }

    /// The recorder, to install otherwise: below a layer of `metrics-util`, or for a test alone by `metrics::with_local_recorder`.
    ///
    /// # Examples
    ///
    /// ```
    /// use tachograph::{Registry, facade::Facade};
    ///
    /// let registry = Registry::new();
    /// let recorder = Facade::new(&registry).recorder();
    /// metrics::with_local_recorder(&recorder, || metrics::counter!("jobs_total").increment(3));
    /// assert!(registry.snapshot().text().ends_with("\njobs_total 3\n"));
    /// ```
    pub fn recorder(self) -> Recorder {
        Recorder::new(self)
    }
}

impl fmt::Debug for Facade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Facade")
            .field("limit", &self.limit)
            .field("families", &self.families)
            .field("unit_suffixes", &self.unit_suffixes)
            .finish_non_exhaustive()
    }
}

/// The process has a recorder already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlreadyInstalled;

impl fmt::Display for AlreadyInstalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the process has a metrics recorder already: install this one first, or the other one not at all")
    }
}

impl std::error::Error for AlreadyInstalled {}
