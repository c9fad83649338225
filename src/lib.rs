//! A metrics engine for services: counting costs about a nanosecond at any number of threads, and a scrape shows every
//! increment that happened before it.
//!
//! Each thread counts in memory that it alone writes, with plain loads and stores. A snapshot thread adds all of it up when a
//! scrape asks, and renders the format that is asked for. There is no `unsafe` in the crate.
//!
//! # Tour
//!
//! ```
//! use std::time::Duration;
//! use tachograph::{Buckets, Registry};
//!
//! let registry = Registry::new();
//! let jobs = registry.counter_family("jobs_total", "Jobs done.", ["queue"])?;
//! let wait = registry.histogram("wait_seconds", "Time in the queue.", Buckets::seconds(&[0.01, 0.1, 1.0])?)?;
//!
//! // A handle needs no look-up; keep one where the labels are known beforehand.
//! let mails = jobs.handle(["mail"]);
//! mails.inc();
//! // Labels that are known only at run time are looked up, without a lock and without an allocation.
//! jobs.inc([String::from("video").as_str()]);
//! wait.observe_duration(Duration::from_millis(20));
//!
//! assert_eq!(
//!     registry.snapshot().text(),
//!     r#"# HELP jobs_total Jobs done.
//! ## TYPE jobs_total counter
//! jobs_total{queue="mail"} 1
//! jobs_total{queue="video"} 1
//! ## HELP wait_seconds Time in the queue.
//! ## TYPE wait_seconds histogram
//! wait_seconds_bucket{le="0.01"} 0
//! wait_seconds_bucket{le="0.1"} 1
//! wait_seconds_bucket{le="1"} 1
//! wait_seconds_bucket{le="+Inf"} 1
//! wait_seconds_sum 0.02
//! wait_seconds_count 1
//! "#
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! - [`Registry`] holds families; [`Counter`], [`FloatCounter`], [`UpDownCounter`], [`Gauge`], [`Histogram`], [`Summary`],
//!   [`GaugeHistogram`], [`StateSet`] and [`Info`] are handles to one series each. A [`Timer`] observes when it is dropped.
//! - [`Family`] finds a series by its label values. It has a limit: past it, labels that come from outside become `other`.
//! - [`TypedFamily`] does it by labels that the compiler knows, a struct of enums and the like: by an index instead of a hash.
//! - [`Collector`] reads values when a scrape comes: of the process, of a pool; [`Registry::gauge_callback`] makes one of a closure.
//! - [`Snapshot`] is what readers see; [`exposition`] is how it is written.
//! - [`Registry::register_engine_metrics`] adds `tachograph_*` to the scrapes: what the engine holds, costs and has refused.
#![cfg_attr(feature = "process", doc = "- [`Registry::register_process_metrics`] adds `process_*`: what the process uses.")]
#![cfg_attr(feature = "runtime", doc = "- [`Registry::register_runtime_metrics`] adds `tokio_*`: what a tokio runtime does.")]
//! - [`profile::Profiler`] keeps the last requests with their phases, the slowest among them, and those that exemplars name.
//! - [`http::HttpMetrics`] are the families of an HTTP service, observed with one look-up a request.
#![cfg_attr(
    feature = "health",
    doc = "- [`health`] tells whether all is well: checks in the background, their results as metrics and JSON."
)]
#![cfg_attr(feature = "server", doc = "- [`server`] serves all of it over HTTP.")]
//!
//! # Features
//!
//! `default-features = false` is the engine alone: no async runtime, no server. `derive` adds the derives of [`LabelSet`] and
//! [`LabelValue`], `protobuf` the scrape in protobuf, `compression` in gzip and zstd, `tracing` a line in the log for what
//! goes wrong, and spans as phases of profiles, `profiles` profiles as JSON and flame graphs, `process` what the process
//! uses, `runtime` what a tokio runtime does, `health` health checks, `server` the hyper server with all of these but
//! `derive`, `cli` the `tachograph` binary with its demo API, `hdr-log` HdrHistogram's interval log. `derive` and `cli` are
//! the default.
//!
//! # Where it does not belong
//!
//! Do not count in signal handlers. A child after `fork` counts on from what its parent had, and starts a snapshot thread of its own
//! at its first snapshot. A global allocator may count, but only through handles that it keeps: a look-up may allocate.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod exposition;
#[cfg(feature = "health")]
pub mod health;
pub mod http;
mod metric;
mod panic;
#[cfg(feature = "process")]
pub mod process;
pub mod profile;
mod registry;
#[cfg(feature = "runtime")]
mod runtime;
mod seqlock;
#[cfg(feature = "server")]
pub mod server;
mod shard;
mod snapshot;
mod sync;

/// The HdrHistogram library, as [`HistogramValue::to_hdr`] makes its histograms.
pub use hdrhistogram;
pub use metric::bucket::{BucketError, Buckets, Resolution};
pub use metric::counter::{Counter, UpDownCounter};
pub use metric::descriptor::{Descriptor, Kind};
pub use metric::exemplar::Exemplar;
pub use metric::family::{Family, Instrument};
pub use metric::float_counter::FloatCounter;
pub use metric::gauge::Gauge;
pub use metric::gauge_histogram::GaugeHistogram;
pub use metric::histogram::Histogram;
pub use metric::info::Info;
pub use metric::label::Labels;
pub use metric::quantile::{QuantileError, Quantiles};
pub use metric::state_set::StateSet;
pub use metric::summary::Summary;
pub use metric::timer::Timer;
pub use metric::typed::TypedFamily;
pub use metric::typed::label::{LabelSet, LabelValue, TypedLabel};
pub use registry::{Collector, RegisterError, Registry, Sink};
pub use shard::{EngineStats, engine_stats};
pub use snapshot::{
    DecodeError, DifferentBuckets, FamilySnapshot, GaugeHistogramValue, HistogramSnapshot, HistogramValue, MergeError,
    NativeHistogram, Series, SeriesLabels, Snapshot, StateSetValue, SummaryValue, Value,
};
#[cfg(feature = "derive")]
pub use tachograph_derive::{LabelSet, LabelValue};

/// The examples of the README, so that they are compiled and run.
#[cfg(all(doctest, feature = "derive", feature = "health"))]
#[doc = include_str!("../README.md")]
struct Readme;
