//! Collectors: values that are read when a scrape comes, not counted as they happen.
//!
//! A collector is somebody else's code. It runs with no lock held, on a thread of its own, against a deadline; if it panics, is
//! late, its own families are left out of that snapshot; what it gives against the rules is left out; both are counted.

use std::collections::HashSet;
use std::fmt;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::{OwnLabels, RegisterError};
use crate::metric::bucket::Buckets;
use crate::metric::descriptor::{Descriptor, Kind};
use crate::panic::caught;
use crate::snapshot::{CollectedSeries, CollectedValue, FamilySnapshot, GaugeHistogramValue, Identity, OwnedLabels, identity};
use crate::sync::{AtomicBool, Ordering};

/// Reads values when a snapshot is taken: of the process, of a runtime, of a pool.
///
/// # Examples
///
/// ```
/// use tachograph::{Collector, Descriptor, Kind, RegisterError, Registry, Sink};
///
/// struct Pool;
///
/// impl Collector for Pool {
///     fn describe(&self) -> Result<Vec<Descriptor>, RegisterError> {
///         Ok(vec![Descriptor::new("pool_connections", Kind::Gauge, "Connections by state.")?])
///     }
///
///     fn collect(&self, sink: &mut Sink<'_>) {
///         sink.gauge("pool_connections", &[("state", "idle")], 3.0);
///     }
/// }
///
/// let registry = Registry::new();
/// registry.register_collector("pool", Pool)?;
/// assert!(registry.snapshot().text().ends_with("pool_connections{state=\"idle\"} 3\n"));
/// # Ok::<(), RegisterError>(())
/// ```
pub trait Collector: Send + Sync + 'static {
    /// The families that `collect` may give values to. Asked once, at registration.
    ///
    /// # Errors
    ///
    /// Whatever [`Descriptor::new`] refuses; it refuses the registration.
    fn describe(&self) -> Result<Vec<Descriptor>, RegisterError>;

    /// Gives the values of now to the sink. A snapshot waits a second for it, other registries' snapshots with it: what takes
    /// longer than some milliseconds is better read beforehand, elsewhere. Do not take a snapshot of the same registry here:
    /// that one waits for this.
    fn collect(&self, sink: &mut Sink<'_>);
}

/// Takes the values of a [`Collector`].
///
/// A value is refused when its family was not described, is of another type, or has these labels already, when a label's name
/// is not legal or one of the registry's own labels', when a counter is negative or not finite, or when a gauge histogram is what [`GaugeHistogram`](crate::GaugeHistogram)
/// refuses. Refused values are left out and counted as failures of the collector.
///
/// # Examples
///
/// ```
/// use tachograph::{Buckets, Collector, Descriptor, Kind, RegisterError, Registry, Sink};
///
/// struct Engine(Buckets);
///
/// impl Collector for Engine {
///     fn describe(&self) -> Result<Vec<Descriptor>, RegisterError> {
///         Ok(vec![
///             Descriptor::new("frames_total", Kind::Counter, "Frames drawn.")?,
///             Descriptor::new("busy_seconds_total", Kind::Counter, "Time at work.")?,
///             Descriptor::new("players", Kind::Gauge, "Players now.")?,
///             Descriptor::new("textures_bytes", Kind::GaugeHistogram, "Textures, by size.")?,
///         ])
///     }
///
///     fn collect(&self, sink: &mut Sink<'_>) {
///         sink.counter("frames_total", &[], 3_600);
///         sink.counter_f64("busy_seconds_total", &[], 41.5);
///         sink.gauge("players", &[], 3.0);
///         sink.gauge_histogram("textures_bytes", &[], &self.0, &[2, 1], 5_000.0);
///     }
/// }
///
/// let registry = Registry::new();
/// registry.register_collector("engine", Engine(Buckets::bytes(&[1_024])?))?;
/// let text = String::from(registry.snapshot().text());
/// assert!(text.contains("frames_total 3600\n") && text.contains("busy_seconds_total 41.5\n"));
/// assert!(text.contains("players 3\n"));
/// assert!(text.contains("textures_bytes_bucket{le=\"1024\"} 2\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Sink<'a> {
    families: &'a [Arc<Descriptor>],
    own_labels: &'a OwnLabels,
    /// Series by family, in the order of `families`.
    series: Vec<Vec<CollectedSeries>>,
    seen: HashSet<(usize, Identity)>,
    /// What was refused first, and why.
    refused: Option<String>,
}

impl Sink<'_> {
    /// Gives a gauge's value.
    pub fn gauge(&mut self, family: &str, labels: &[(&str, &str)], value: f64) {
        self.push(family, Kind::Gauge, labels, CollectedValue::Gauge(value));
    }

    /// Gives a counter's value, a whole number.
    pub fn counter(&mut self, family: &str, labels: &[(&str, &str)], value: u64) {
        self.push(family, Kind::Counter, labels, CollectedValue::Counter(value));
    }

    /// Gives a counter's value that is no whole number, such as seconds of processor time.
    pub fn counter_f64(&mut self, family: &str, labels: &[(&str, &str)], value: f64) {
        if value.is_finite() && value >= 0.0 {
            self.push(family, Kind::Counter, labels, CollectedValue::FloatCounter(value));
        } else {
            self.refuse(family, format_args!("{value} is no value of a counter"));
        }
    }

    /// Gives how many there are now in each bucket (not cumulated, the bucket above the last bound at the end), and the sum of their
    /// values; see [`GaugeHistogram`](crate::GaugeHistogram).
    pub fn gauge_histogram(&mut self, family: &str, labels: &[(&str, &str)], buckets: &Buckets, counts: &[u64], sum: f64) {
        match GaugeHistogramValue::new(Arc::new(buckets.clone()), counts, sum) {
            Some(value) => self.push(family, Kind::GaugeHistogram, labels, CollectedValue::GaugeHistogram(value)),
            None => self.refuse(family, format_args!("the counts or the sum are no gauge histogram's")),
        }
    }

    fn push(&mut self, family: &str, kind: Kind, labels: &[(&str, &str)], value: CollectedValue) {
        let known = self.families.iter().position(|known| known.name() == family && known.kind() == kind);
        let Some(at) = known else {
            return self.refuse(family, format_args!("no {kind} of this name was described"));
        };
        // An empty label is to a scraper one that is not there.
        let (names, values): (Vec<&str>, Vec<&str>) = labels.iter().copied().filter(|(_, value)| !value.is_empty()).unzip();
        let valid = self.families[at].validate_labels(&names).and_then(|()| self.own_labels.check(&self.families[at], &names));
        if let Err(error) = valid {
            return self.refuse(family, format_args!("{error}"));
        }
        if !self.seen.insert((at, identity(&names, &values))) {
            return self.refuse(family, format_args!("there are two values of one series"));
        }
        let labels = match self.series[at].last() {
            Some(last) if last.labels.names().iter().eq(names.iter().copied()) => {
                OwnedLabels::with_names(Arc::clone(last.labels.names()), &values)
            }
            _ => OwnedLabels::new(&names, &values),
        };
        self.series[at].push(CollectedSeries { labels, value });
    }

    fn refuse(&mut self, family: &str, why: fmt::Arguments<'_>) {
        self.refused.get_or_insert_with(|| format!("a value of {family:?} is left out: {why}"));
    }
}

/// A registered collector and the thread it runs on.
pub(crate) struct Registered {
    name: Box<str>,
    families: Arc<[Arc<Descriptor>]>,
    collector: Arc<dyn Collector>,
    own_labels: Arc<OwnLabels>,
    /// Set while a collection has been asked for and has not come back: a collector that hangs is asked no second time.
    busy: Arc<AtomicBool>,
    /// Where the thread takes its work; `None` until the first collection, and after the thread could not be started.
    /// A mutex is enough: only a snapshot takes it.
    work: Mutex<Option<SyncSender<Work>>>,
}

/// What a collector's thread is to send its families to.
type Work = Sender<Collected>;

/// What came of one collection: a family snapshot each, and what was refused first. An error after a panic: its message.
type Collected = Result<(Vec<FamilySnapshot>, Option<String>), String>;

/// How a collection went wrong.
#[derive(Debug)]
pub(crate) struct Failure {
    /// As the label `reason` of `tachograph_collector_failures_total` has it.
    pub(crate) reason: &'static str,
    /// For the log.
    pub(crate) message: String,
}

/// A collection under way.
pub(crate) struct Pending<'a> {
    collector: &'a Registered,
    result: Option<Receiver<Collected>>,
}

impl fmt::Debug for Registered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collector").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Registered {
    pub(crate) fn new(name: &str, families: Vec<Descriptor>, collector: impl Collector, own_labels: Arc<OwnLabels>) -> Self {
        Self {
            name: name.into(),
            families: families.into_iter().map(Arc::new).collect(),
            collector: Arc::new(collector),
            own_labels,
            busy: Arc::new(AtomicBool::new(false)),
            work: Mutex::new(None),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Starts a collection; `Pending::wait` has its result.
    pub(crate) fn start(&self) -> Pending<'_> {
        // AcqRel: taken here, given back by the collector's thread after all it did.
        if self.busy.swap(true, Ordering::AcqRel) {
            return Pending { collector: self, result: None };
        }
        let (sender, result) = channel();
        let mut work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        if work.is_none() {
            *work = self.start_thread();
        }
        match &*work {
            Some(thread) => {
                if thread.send(sender).is_err() {
                    *work = None;
                    self.busy.store(false, Ordering::Release);
                }
            }
            // Where there are no threads to be had, the asker collects; it then waits as long as that takes.
            None => {
                let _ = sender.send(collect(&*self.collector, &self.families, &self.own_labels));
                self.busy.store(false, Ordering::Release);
            }
        }
        Pending { collector: self, result: Some(result) }
    }

    fn start_thread(&self) -> Option<SyncSender<Work>> {
        // The thread ends when the sender is dropped with its registry.
        let (work, todo) = sync_channel::<Work>(1);
        let (collector, families, busy) = (Arc::clone(&self.collector), Arc::clone(&self.families), Arc::clone(&self.busy));
        let own_labels = Arc::clone(&self.own_labels);
        let run = move || {
            for reply in todo {
                let collected = collect(&*collector, &families, &own_labels);
                // Release: pairs with the swap in `start`.
                busy.store(false, Ordering::Release);
                // Nobody listens any more if we are late.
                let _ = reply.send(collected);
            }
        };
        std::thread::Builder::new().name("tachograph-coll".into()).spawn(run).ok().map(|_| work)
    }
}

impl Pending<'_> {
    /// The families, and what went wrong if not all of them came, or not in time.
    pub(crate) fn wait(self, deadline: Instant) -> (Vec<FamilySnapshot>, Option<Failure>) {
        let left = deadline.saturating_duration_since(Instant::now());
        match self.result.and_then(|result| result.recv_timeout(left).ok()) {
            Some(Ok((families, None))) => (families, None),
            Some(Ok((families, Some(message)))) => (families, Some(Failure { reason: "refused", message })),
            Some(Err(message)) => (Vec::new(), Some(Failure { reason: "panicked", message })),
            None => {
                let message = "it is not done in time, its families are left out until it is".to_owned();
                (Vec::new(), Some(Failure { reason: "late", message }))
            }
        }
    }

    pub(crate) fn name(&self) -> &str {
        self.collector.name()
    }
}

fn collect(collector: &dyn Collector, families: &[Arc<Descriptor>], own_labels: &OwnLabels) -> Collected {
    let mut sink = Sink {
        families,
        own_labels,
        series: families.iter().map(|_| Vec::new()).collect(),
        seen: HashSet::new(),
        refused: None,
    };
    caught(|| collector.collect(&mut sink)).map_err(|panic| format!("it panicked, its families are left out: {panic}"))?;
    let refused = sink.refused;
    let snapshots = families
        .iter()
        .zip(sink.series)
        .map(|(family, series)| FamilySnapshot::collected(Arc::clone(family), series))
        .collect();
    Ok((snapshots, refused))
}
