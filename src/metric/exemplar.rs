//! Exemplars: for each bucket of a histogram one recent observation, with labels that lead to it, such as a trace's id.
//!
//! A place holds one exemplar in words of its own, allocated at a bucket's first one. It is written without a lock by whoever claims
//! it, at most once a second: who finds it claimed, or too young to be replaced, goes on without.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::descriptor::{is_legal, label_fault};
#[cfg(feature = "protobuf")]
use super::kept::closing_quote;
use super::series::Series;
#[cfg(feature = "protobuf")]
use crate::exposition::escape;
use crate::profile::RequestProfile;
use crate::seqlock::SeqLock;
use crate::shard::{Slot, SlotRun};
use crate::snapshot::OwnedLabels;
use crate::sync::{Arc, ArcSwap, Mutex, OnceLock, lock};

/// Code points that names and values of an exemplar's labels may have together, by OpenMetrics.
const MOST_CODE_POINTS: usize = 128;

/// Words of an exemplar's text: 128 code points of four bytes, and what stands between 16 labels.
const TEXT_WORDS: usize = 72;

/// How old an exemplar is before it is replaced.
const REPLACED_AFTER: Duration = Duration::from_secs(1);

/// An observation of a histogram that stands for others of its bucket.
///
/// # Examples
///
/// ```
/// use std::time::SystemTime;
/// use tachograph::{Buckets, Registry, Value};
///
/// let registry = Registry::new();
/// let wait = registry.histogram("wait_seconds", "", Buckets::seconds(&[0.1])?)?;
/// wait.observe_with_exemplar(250_000_000, &[("trace_id", "4bf92f3577b34da6")]);
/// let snapshot = registry.snapshot();
/// let value = snapshot.family("wait_seconds").unwrap().series().next().unwrap().value;
/// let Value::Histogram(value) = value else { panic!("it is a histogram") };
/// let exemplar = &value.exemplars()[0];
/// assert_eq!((exemplar.labels(), exemplar.value()), ("trace_id=\"4bf92f3577b34da6\"", 0.25));
/// assert!(exemplar.observed_at() <= SystemTime::now());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Exemplar {
    pub(crate) labels: Box<str>,
    pub(crate) value: f64,
    pub(crate) observed_at: SystemTime,
}

impl Exemplar {
    /// The exemplar that leads to a profile.
    pub(crate) fn of(profile: &RequestProfile) -> Option<Self> {
        let trace_id = profile.trace_id.map(|id| id.to_string());
        let trace_id = trace_id.iter().map(|id| ("trace_id", &**id));
        let labels: Vec<_> = trace_id.chain([("request_id", &*profile.request_id)]).collect();
        let observed_at = profile.started_at + profile.duration;
        Some(Self { labels: text(&labels)?, value: profile.duration.as_secs_f64(), observed_at })
    }

    /// The labels as OpenMetrics shows them, without braces: `trace_id="4bf92f3577b34da6"`.
    pub fn labels(&self) -> &str {
        &self.labels
    }

    /// Each label's name and value.
    #[cfg(feature = "protobuf")]
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, std::borrow::Cow<'_, str>)> {
        let mut rest = &*self.labels;
        std::iter::from_fn(move || {
            // Names are legal: the first `="` ends one.
            let (name, value) = rest.trim_start_matches(',').split_once("=\"")?;
            let (value, after) = value.split_at(closing_quote(value.as_bytes()));
            rest = &after[1..];
            Some((name, escape::unescaped(value.as_bytes())))
        })
    }

    /// The value that was observed, in the unit that a scrape shows.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// When it was observed.
    pub fn observed_at(&self) -> SystemTime {
        self.observed_at
    }
}

/// The text of an exemplar's labels, or `None` when they are too long or a name is not legal.
pub(crate) fn text(labels: &[(&str, &str)]) -> Option<Box<str>> {
    let code_points: usize = labels.iter().map(|(name, value)| name.chars().count() + value.chars().count()).sum();
    let names: Vec<&str> = labels.iter().map(|(name, _)| *name).collect();
    // OpenMetrics keeps names that begin with `_` for itself, here as in series.
    let fits = |name: &str| is_legal(name, false) && label_fault(name).is_none();
    let legal = (0..names.len()).all(|at| fits(names[at]) && !names[..at].contains(&names[at]));
    if code_points > MOST_CODE_POINTS || !legal {
        return None;
    }
    let values: Vec<&str> = labels.iter().map(|(_, value)| *value).collect();
    let text = OwnedLabels::new(&names, &values).get().to_string();
    (text.len() <= TEXT_WORDS * size_of::<u64>()).then(|| text.into())
}

/// Where one exemplar lies.
#[derive(Debug)]
struct Place(SeqLock<WORDS>);

/// In base units.
const VALUE: usize = 0;
/// When it was observed: nanoseconds since 1970.
const OBSERVED_AT: usize = 1;
/// Bytes of the text.
const LEN: usize = 2;
const TEXT: usize = 3;
const WORDS: usize = TEXT + TEXT_WORDS;

impl Place {
    fn new() -> Self {
        Self(SeqLock::new())
    }

    /// Whether what is there may be replaced at this time.
    fn is_due(&self, now: u64) -> bool {
        // A hint: who claims the place decides. After a step back of the clock too.
        now.abs_diff(self.0.peek(OBSERVED_AT)) >= REPLACED_AFTER.as_nanos() as u64
    }

    /// Replaces the exemplar, unless another thread is at it. The text fits.
    fn set(&self, value: u64, now: u64, text: &str) {
        let Some(claim) = self.0.claim_next() else { return };
        let mut words = [0; WORDS];
        words[..TEXT].copy_from_slice(&[value, now, text.len() as u64]);
        let chunks = text.as_bytes().chunks(size_of::<u64>());
        let used = TEXT + chunks.len();
        for (word, bytes) in words[TEXT..].iter_mut().zip(chunks) {
            let mut whole = [0; size_of::<u64>()];
            whole[..bytes.len()].copy_from_slice(bytes);
            *word = u64::from_le_bytes(whole);
        }
        claim.write(&words[..used]);
    }

    /// Value, time and text of the exemplar; `None` when there is none, or it is being replaced just now.
    fn get(&self) -> Option<(u64, u64, Box<str>)> {
        let words = self.0.read()?;
        let mut text: Vec<u8> = words[TEXT..].iter().flat_map(|word| word.to_le_bytes()).collect();
        text.truncate(words[LEN] as usize);
        let text = String::from_utf8(text).expect("a whole text is one that was set");
        Some((words[VALUE], words[OBSERVED_AT], text.into()))
    }
}

/// The exemplars of one series: a place a bucket.
#[derive(Debug)]
struct OfSeries {
    /// Held, so that its slots stay its own for as long as this is found by them.
    series: Series<SlotRun>,
    buckets: Box<[OnceLock<Box<Place>>]>,
}

/// The exemplars of a family. They lie beside the series, since most have none.
#[derive(Debug)]
pub(crate) struct Exemplars {
    /// By the first slot of the series. Replaced whole when a series gets its first exemplar, and when a scrape finds one removed.
    by_slot: ArcSwap<HashMap<Slot, Arc<OfSeries>>>,
    /// Held by who replaces it: a mutex is enough.
    replacing: Mutex<()>,
    /// Buckets of a series.
    buckets: usize,
}

impl Exemplars {
    pub(crate) fn new(buckets: usize) -> Self {
        Self { by_slot: ArcSwap::from_pointee(HashMap::new()), replacing: Mutex::new(()), buckets }
    }

    /// Offers an observation as its bucket's exemplar. Locks and allocates nothing but for the first one of a series or bucket.
    pub(crate) fn offer(&self, series: &Series<SlotRun>, bucket: usize, value: u64, text: &str) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        let known = self.by_slot.load();
        let made;
        let of_series = match known.get(&series.value.first()) {
            Some(of_series) => of_series,
            None => {
                made = self.insert(series);
                &made
            }
        };
        let place = &of_series.buckets[bucket];
        if place.get().is_none() {
            let _ = place.set(Box::new(Place::new()));
        }
        let place = place.get().expect("it was set above, by us or by another");
        if place.is_due(now) {
            place.set(value, now, text);
        }
    }

    #[cold]
    fn insert(&self, series: &Series<SlotRun>) -> Arc<OfSeries> {
        let _replacing = lock(&self.replacing);
        let mut all = HashMap::clone(&self.by_slot.load());
        // Where nobody scrapes, nobody else lets go of series that come and go.
        all.retain(|_, of_series| !of_series.series.is_removed());
        let new = || OfSeries { series: series.clone(), buckets: (0..self.buckets).map(|_| OnceLock::new()).collect() };
        let of_series = Arc::clone(all.entry(series.value.first()).or_insert_with(|| Arc::new(new())));
        self.by_slot.store(Arc::new(all));
        of_series
    }

    /// The exemplars of those of these series that have any, with the place of each: by bucket.
    pub(crate) fn of(&self, series: &[Series<SlotRun>], shown: impl Fn(u64) -> f64) -> Vec<(usize, Vec<Exemplar>)> {
        let known = self.by_slot.load();
        // Most families have none, and a scrape asks all of their series.
        if known.is_empty() {
            return Vec::new();
        }
        let exemplar = |(value, at, labels): (u64, u64, Box<str>)| {
            let observed_at = UNIX_EPOCH + Duration::from_nanos(at);
            Exemplar { labels, value: shown(value), observed_at }
        };
        let of_buckets = |of_series: &Arc<OfSeries>| -> Vec<Exemplar> {
            of_series.buckets.iter().filter_map(|place| Some(exemplar(place.get()?.get()?))).collect()
        };
        let each = series.iter().enumerate();
        let found = each.filter_map(|(at, series)| Some((at, of_buckets(known.get(&series.value.first())?))));
        found.filter(|(_, exemplars)| !exemplars.is_empty()).collect()
    }

    /// Forgets the exemplars of series that are removed, and lets go of those.
    pub(crate) fn forget_removed(&self) {
        if self.by_slot.load().values().any(|of_series| of_series.series.is_removed()) {
            let _replacing = lock(&self.replacing);
            let mut all = HashMap::clone(&self.by_slot.load());
            all.retain(|_, of_series| !of_series.series.is_removed());
            self.by_slot.store(Arc::new(all));
        }
    }
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use super::*;

    #[test]
    fn labels_have_128_code_points_at_most_and_legal_names() {
        let value = "é".repeat(120);
        assert_eq!(text(&[("trace_id", &value)]).unwrap().len(), 240 + "trace_id=\"\"".len());
        assert_eq!(text(&[("trace_id", &(value + "é"))]), None);
        for name in ["trace-id", "trace.id", "", "1", "_a", "__name__", "U__a"] {
            assert_eq!(text(&[(name, "a")]), None, "{name:?}");
        }
        assert_eq!(text(&[("a", "1"), ("a", "2")]), None);
        assert_eq!(&*text(&[("a", "\""), ("b", "")]).unwrap(), "a=\"\\\"\",b=\"\"");
    }

    #[test]
    fn what_many_threads_set_is_read_whole() {
        let place = Place::new();
        let check = |(value, at, text): (u64, u64, Box<str>)| {
            assert_eq!((at, &*text), (value, &*value.to_string().repeat(500)));
        };
        std::thread::scope(|scope| {
            let writers = [1, 2, 3u64].map(|value| {
                let (place, text) = (&place, value.to_string().repeat(500));
                scope.spawn(move || {
                    for _ in 0..5_000 {
                        place.set(value, value, &text);
                        std::thread::yield_now();
                    }
                })
            });
            while writers.iter().any(|writer| !writer.is_finished()) {
                place.get().into_iter().for_each(check);
            }
        });
        check(place.get().unwrap());
    }

    #[test]
    fn a_place_keeps_an_exemplar_for_a_second_whichever_way_the_clock_goes() {
        let place = Place::new();
        let second = REPLACED_AFTER.as_nanos() as u64;
        assert!(place.is_due(10 * second));
        place.set(1, 10 * second, "first");
        for (now, due) in [(0, false), (second - 1, false), (second, true)] {
            assert_eq!(place.is_due(10 * second + now), due);
            assert_eq!(place.is_due(10 * second - now), due);
        }
        assert_eq!(place.get(), Some((1, 10 * second, "first".into())));
    }
}
