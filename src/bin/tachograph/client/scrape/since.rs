//! What has changed between two scrapes.

use std::collections::{HashMap, HashSet};

use super::{Family, Histogram, Scrape, Series, Value};

/// A name, and labels in the order of theirs.
type Key<'a> = (&'a str, Vec<(&'a str, &'a str)>);

/// The series of a scrape by name and labels, to be compared with a later one.
#[derive(Debug)]
pub(crate) struct Since<'a> {
    earlier: HashMap<Key<'a>, &'a Value>,
    /// The names of their families.
    families: HashSet<&'a str>,
    /// Seconds between the two, more than 0.
    pub(crate) seconds: f64,
    /// The process is another one: all that it has counted, it has counted since.
    pub(crate) restarted: bool,
}

impl<'a> Since<'a> {
    /// What has changed from `earlier` to `now`.
    pub(crate) fn new(earlier: &'a Scrape, now: &Scrape) -> Self {
        let both = |name| earlier.number(name).zip(now.number(name));
        // A process that has used more time than before is the same one: then it is its clock that was set.
        let restarted = both("process_start_time_seconds").is_some_and(|(before, now)| before != now)
            && both("process_cpu_seconds_total").is_none_or(|(before, now)| now < before);
        let series = |family: &'a Family| family.series.iter().map(move |series| (key(family, series), &series.value));
        let seconds = now.at.saturating_duration_since(earlier.at).as_secs_f64().max(1e-3);
        let families = earlier.families.iter().map(|family| family.name.as_str()).collect();
        Self { earlier: earlier.families.iter().flat_map(series).collect(), families, seconds, restarted }
    }

    /// By how much a counter has grown. One that is new in its family has grown from 0: it was not there before. One that has
    /// fallen was reset, and has grown from 0 too. Never negative; `None` for what is no counter, NaN or infinite, and for a
    /// family that was not there at all: what asks for it may have failed for a while, and it has been counting for long.
    pub(crate) fn growth(&self, family: &Family, series: &Series) -> Option<f64> {
        let count = |value: &Value| match value {
            Value::Number(number, _) => Some(*number),
            Value::Histogram(histogram) => Some(histogram.observations()),
            Value::Summary(summary) => summary.count,
        };
        if !family.is_counted() || !(self.restarted || self.families.contains(family.name.as_str())) {
            return None;
        }
        let now = count(&series.value)?;
        let before = self.before(family, series).and_then(count).filter(|before| *before <= now).unwrap_or(0.0);
        Some(now - before).filter(|growth| growth.is_finite() && *growth >= 0.0)
    }

    /// The same by second.
    pub(crate) fn rate(&self, family: &Family, series: &Series) -> Option<f64> {
        self.growth(family, series).map(|growth| growth / self.seconds)
    }

    /// What a histogram has observed since.
    pub(crate) fn observed(&self, family: &Family, series: &Series) -> Option<Histogram> {
        let Value::Histogram(now) = &series.value else { return None };
        match self.before(family, series) {
            Some(Value::Histogram(before)) => Some(now.since(before)),
            _ => self.growth(family, series).map(|_| now.clone()),
        }
    }

    fn before(&self, family: &Family, series: &Series) -> Option<&'a Value> {
        if self.restarted {
            return None;
        }
        // The names live as long as the later scrape, and the map as long as the earlier one: a key of either is looked up.
        self.find(key(family, series))
    }

    fn find<'b>(&self, key: Key<'b>) -> Option<&'a Value>
    where
        'a: 'b,
    {
        let earlier: &HashMap<Key<'b>, &'a Value> = &self.earlier;
        earlier.get(&key).copied()
    }
}

/// The name and the labels in order.
fn key<'a>(family: &'a Family, series: &'a Series) -> Key<'a> {
    let mut labels: Vec<(&str, &str)> = series.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    labels.sort_unstable();
    (&family.name, labels)
}
