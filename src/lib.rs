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
#![cfg_attr(feature = "page", doc = "- [`page`] shows it in a browser, live.")]
#![cfg_attr(feature = "tower", doc = "- [`tower`] has layers that record the requests of axum and other tower services.")]
#![cfg_attr(feature = "metrics", doc = "- [`facade`] has the macros of the `metrics` crate count in a registry.")]
//!
//! # HTTP, profiles, health
//!
//! One look-up observes all of a request, and a profile says where its time went:
//!
//! ```
//! use tachograph::Registry;
//! use tachograph::http::{HttpMetrics, HttpOptions, Method};
//! use tachograph::profile::{ProfileOptions, Profiler, Sizes};
//!
//! let registry = Registry::new();
//! let http = HttpMetrics::register(&registry, HttpOptions::default())?;
//! let profiler = Profiler::new(ProfileOptions::default());
//!
//! let profile = profiler.start("/scene/{id}", Method::Get);
//! {
//!     let _reading = profile.phase("file_io"); // until it is dropped
//! }
//! http.observe_profile(&profile, 200, Sizes { request_bytes: 0, response_bytes: 512 });
//!
//! assert_eq!(&*profiler.profiles()[0].phases[0].name, "file_io");
//! let counted = "http_requests_total{endpoint=\"/scene/{id}\",method=\"GET\",status=\"200\"} 1\n";
//! assert!(registry.snapshot().text().contains(counted));
//! # Ok::<(), tachograph::RegisterError>(())
//! ```
//!
//! A layer does the same for axum and tower (feature `tower`), the [server](#features) for its own routes, beside `/metrics` and
//! `/health*`.
#![cfg_attr(
    feature = "health",
    doc = r##"Health checks run in the background, and asking for what they last said waits for nothing:

```
use tachograph::health::{CheckOptions, CheckResult, HealthRegistry, Selection};

let health = HealthRegistry::new();
health.register("queue", || async { CheckResult::degraded("900 jobs wait") }, CheckOptions::default())?;
assert_eq!(health.report(&Selection::all()).checks()[0].name(), "queue");
# Ok::<(), tachograph::health::HealthError>(())
```"##
)]
//!
//! # What costs what
//!
//! | to | costs |
//! |---|---|
//! | count by a handle, or by labels that the compiler knows | a nanosecond or two, at any number of threads |
//! | observe in a histogram | some nanoseconds |
//! | count by labels known at run time | a look-up: tens of nanoseconds, more with each string |
//! | use a series for the first time, in a process or on a thread | an allocation; `prepare` has it made beforehand |
//! | have a series | 8 bytes a thread that counts in it, for a histogram 8 bytes a bucket and thread |
//! | scrape | time for each series, on the snapshot thread and the asker's; nothing of it is on the threads that count |
//!
//! `PERFORMANCE.md` has the figures, and how they were measured.
//!
//! # Features
//!
//! `default-features = false` is the engine alone: no async runtime, no server. `derive` and `cli` are the default.
//!
//! | feature | adds |
//! |---|---|
//! | `derive` | the derives of [`LabelSet`] and [`LabelValue`] |
//! | `protobuf` | the scrape in protobuf, with native histograms |
//! | `compression` | the scrape in gzip and zstd; takes a C compiler |
//! | `tracing` | a line in the log for what goes wrong; spans as phases of profiles |
//! | `profiles` | profiles as JSON, statistics and flame graphs |
//! | `process`, `runtime` | what the process uses; what a tokio runtime does |
//! | `health` | health checks, with `process`, `runtime` and `tracing` |
//! | `server`, `page` | the hyper server, with `health` and `profiles`; a live page for it |
//! | `tls` | TLS for the server; takes a C compiler |
//! | `tower`, `axum` | layers for tower services; the routes of axum for them |
//! | `metrics` | a recorder for the macros of the `metrics` crate |
//! | `remote-write`, `otlp` | pushes of snapshots, for processes that nobody can scrape |
//! | `hdr-log` | HdrHistogram's interval log |
//! | `cli` | the `tachograph` binary with its demo API |
//!
//! # Which registry
//!
//! Hand a `&Registry` to whatever counts: then two instances of a library can be told apart, and each test has a registry of its own,
//! in which no other test counts. [`Registry::global`] is for code that is handed none. All tests of one process share it, and run at the
//! same time: what a test asserts of it must be a name that no other test uses, or a difference that others cannot make.
//! [`engine_stats`] is of the process too, whichever registries it has.
//!
//! # Two versions in one process
//!
//! Each version of this crate that cargo links has all of its own: a global registry, a snapshot thread, the memory that threads count
//! in. Both work, and neither sees the other's series: who scrapes `Registry::global` of one version sees nothing of the other. (Two
//! versions that semver calls compatible are never linked together.) So a library that has metrics should take a `&Registry` of the
//! version that it names in its own API, ask for a wide range of versions, and export this crate again (`pub use tachograph`), so that
//! its users reach the right one. Where two versions must live together, a [`Collector`] in the one can give what a
//! [`Snapshot`] of the other says; or the library counts by the macros of the `metrics` crate, which has one recorder a process.
//!
//! # Other crates in the API
//!
//! A new major version of one of these is one of this crate. All others are details that may change at any time.
//!
//! | crate | where | feature |
//! |---|---|---|
//! | `hdrhistogram` 7 | [`HistogramValue::to_hdr`]; exported again | |
//! | `serde` 1 | what profiles and health say can be serialized | `profiles`, `health` |
//! | `tokio` 1 | the runtime that is measured, listeners, streams | `runtime`, `health`, `server` |
//! | `tracing_core` 0.1 | the layer for spans | `tracing` |
//! | `tracing_subscriber` 0.3 | the layer for spans | `tracing` |
//! | `bytes` 1 | bodies | `server`, `tower` |
//! | `http` 1 | requests and answers; the server exports what it needs again | `server`, `tower` |
//! | `http_body` 1 | bodies | `server`, `tower` |
//! | `serde_json` 1 | JSON answers of the server | `server` |
//! | `tower_layer` 0.3 | the layers | `tower` |
//! | `tower_service` 0.3 | the services | `tower` |
//! | `metrics` 0.24 | the recorder | `metrics` |
//!
//! # 32 bits, and WebAssembly
//!
//! Counters are of 64 bits on every machine, and so are the sums of histograms: past 2^64 they start again from 0, which takes a counter
//! of nanoseconds 584 years. On a target of 32 bits each count is two instructions of the processor or more; a target without atomics of
//! 64 bits (`target_has_atomic = "64"`), such as MIPS of 32 bits, does not compile.
//!
//! On `wasm32-wasip1` the engine alone works, without threads: who asks for a snapshot takes it, collectors run in it, and windows do not
//! slide by themselves. On `wasm32-unknown-unknown` it compiles, but the standard library has no clock there: what reads one, which the
//! making of a series does, panics.
//!
//! # When memory runs out
//!
//! A thread that has counted in a metric before, or was [prepared](Counter::prepare), counts in it without an allocation. What makes a series,
//! the first touch of a thread, a snapshot and a scrape allocate; where the system has nothing left to give, the process ends there, as any
//! that is written in Rust does. So leave it room. How much that is, does not depend on what clients say: series, the lengths of their
//! labels, names and profiles have limits.
//!
//! # Where it does not belong
//!
//! Do not count in signal handlers. A child after `fork` counts on from what its parent had, and starts a snapshot thread of its own
//! at its first snapshot. A global allocator may count, but only through handles that it keeps: a look-up may allocate.
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod exposition;
#[cfg(feature = "metrics")]
pub mod facade;
#[cfg(feature = "health")]
pub mod health;
pub mod http;
mod metric;
#[cfg(feature = "page")]
pub mod page;
mod panic;
#[cfg(feature = "process")]
pub mod process;
pub mod profile;
#[cfg(any(feature = "otlp", feature = "remote-write"))]
pub mod push;
mod registry;
#[cfg(feature = "runtime")]
mod runtime;
mod seqlock;
#[cfg(feature = "server")]
pub mod server;
mod shard;
mod snapshot;
mod sync;
#[cfg(feature = "tower")]
pub mod tower;

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
