//! Whether a scrape is whole: it shows a request in all families or in none, and no counter falls from one scrape to a later
//! one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use crate::reading::{Reading, Series};

/// One observation of each in a request.
const OBSERVED: [&str; 3] = ["http_request_duration_seconds", "http_request_size_bytes", "http_response_size_bytes"];
const REQUESTS: &str = "http_requests_total";
/// Scrapes in which a block showed what it had shown before, because a thread was stopped in the middle of a write.
pub(crate) const STALE: &str = "tachograph_stale_blocks_total";

/// What is monitoring traffic, and so is left out of the window of latencies.
fn is_monitoring(endpoint: &str) -> bool {
    let below = |path: &str| endpoint.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    ["/events", "/metrics", "/health", "/debug", "/demo"].into_iter().any(below) || endpoint == "/"
}

/// All that does not fit together within one scrape.
pub(crate) fn torn(reading: &Reading) -> Vec<String> {
    let mut torn = Vec::new();
    for (series, histogram) in &reading.histograms {
        let rising = histogram.buckets.is_sorted_by(|one, next| one.0 < next.0 && one.1 <= next.1);
        let last = histogram.buckets.last().copied();
        if !rising || last != Some((f64::INFINITY, histogram.count)) {
            torn.push(format!("{series}: its buckets do not rise to its count {}: {:?}", histogram.count, histogram.buckets));
        }
        if !histogram.sum.is_finite() || histogram.sum < 0.0 || (histogram.count == 0.0 && histogram.sum != 0.0) {
            torn.push(format!("{series}: the sum of {} is {}", histogram.count, histogram.sum));
        }
    }
    let mut requests: BTreeMap<&str, f64> = BTreeMap::new();
    for (series, value) in reading.of(REQUESTS) {
        *requests.entry(series.label("endpoint")).or_default() += value;
    }
    if requests.is_empty() {
        torn.push(format!("there is no {REQUESTS}"));
    }
    for (endpoint, requests) in &requests {
        for family in OBSERVED {
            let of = Series::new(family, [("endpoint".to_owned(), (*endpoint).to_owned())]);
            let count = reading.histograms.get(&of).map(|histogram| histogram.count);
            if count != Some(*requests) {
                torn.push(format!("{endpoint}: {requests} requests, but {count:?} observations in {family}"));
            }
        }
    }
    let of_users: f64 = requests.iter().filter(|(endpoint, _)| !is_monitoring(endpoint)).map(|(_, requests)| requests).sum();
    if let Some((series, count)) = reading.summaries.iter().find(|(series, _)| series.name == "http_request_latency_seconds")
        && *count != of_users
    {
        torn.push(format!("{series}: {count} requests, but {of_users} of users"));
    }
    torn
}

/// The most that any scrape has shown of each counter so far.
#[derive(Debug, Default)]
pub(crate) struct Floor(Mutex<Arc<BTreeMap<Series, f64>>>);

impl Floor {
    /// As it is before a scrape begins.
    pub(crate) fn now(&self) -> Arc<BTreeMap<Series, f64>> {
        Arc::clone(&self.0.lock().expect("nothing under the lock panics"))
    }

    /// Takes in a scrape that has ended.
    pub(crate) fn raise(&self, reading: &Reading) {
        let mut floor = self.0.lock().expect("nothing under the lock panics");
        let floor = Arc::make_mut(&mut floor);
        for (series, value) in counts(reading) {
            match floor.get_mut(&series) {
                Some(most) => *most = most.max(value),
                None => _ = floor.insert(series, value),
            }
        }
    }
}

/// What has fallen below a floor that stood before the scrape began, or has gone.
pub(crate) fn fallen(floor: &BTreeMap<Series, f64>, reading: &Reading) -> Vec<String> {
    let counts = counts(reading);
    let mut fallen = Vec::new();
    for (series, before) in floor {
        match counts.get(series) {
            Some(value) if value >= before => {}
            Some(value) => fallen.push(format!("{series} fell from {before} to {value}")),
            // A collector that is late leaves its own families out of a scrape; those of requests are of no collector.
            None if series.name.starts_with("http_") => fallen.push(format!("{series} has gone")),
            None => {}
        }
    }
    fallen
}

/// Everything that only ever rises.
fn counts(reading: &Reading) -> BTreeMap<Series, f64> {
    let counters = reading.counters.iter().map(|(series, value)| (series.clone(), *value));
    let histograms = reading.histograms.iter().flat_map(|(series, histogram)| {
        let of = |part: &str| Series { name: format!("{}_{part}", series.name), labels: series.labels.clone() };
        // The buckets rise to the count, and each is a sum of what never falls.
        let low = histogram.buckets.first().map(|(_, count)| (of("lowest"), *count));
        [(of("count"), histogram.count), (of("sum"), histogram.sum)].into_iter().chain(low)
    });
    counters.chain(histograms).collect()
}

#[cfg(test)]
mod tests {
    use tachograph_check::Format;

    use super::*;
    use crate::reading::of_text;
    use crate::reading::tests::{TEXT, reading};

    fn whole() -> Reading {
        let mut text = TEXT.to_owned();
        for family in &OBSERVED[1..] {
            let more = TEXT.lines().take(6).map(|line| line.replace(OBSERVED[0], family) + "\n").collect::<String>();
            let at = text.find("# HELP http_requests_total").unwrap();
            let at = if *family == OBSERVED[2] { text.len() } else { at };
            text.insert_str(at, &more);
        }
        of_text(text.as_bytes(), Format::Text).unwrap()
    }

    #[test]
    fn a_whole_scrape_is_not_torn() {
        assert_eq!(torn(&whole()), [""; 0]);
        assert_eq!(torn(&Reading::default()), ["there is no http_requests_total"]);
    }

    #[test]
    fn a_request_in_some_families_only_is_told() {
        let told = torn(&reading());
        assert_eq!(told.len(), 2, "{told:?}");
        assert_eq!(told[0], "/a: 3 requests, but None observations in http_request_size_bytes");
        let mut torn_one = whole();
        *torn_one.counters.values_mut().next().unwrap() += 1.0;
        assert_eq!(torn(&torn_one).len(), 3);
        let mut summary = whole();
        summary.summaries.insert(Series::new("http_request_latency_seconds", []), 2.0);
        assert_eq!(torn(&summary), ["http_request_latency_seconds{}: 2 requests, but 3 of users"]);
    }

    #[test]
    fn buckets_that_fall_and_sums_of_nothing_are_told() {
        let mut falling = whole();
        falling.histograms.values_mut().next().unwrap().buckets[0].1 = 4.0;
        assert_eq!(torn(&falling).len(), 1);
        let mut of_nothing = whole();
        let histogram = of_nothing.histograms.values_mut().next().unwrap();
        histogram.sum = f64::NAN;
        assert_eq!(torn(&of_nothing).len(), 1);
    }

    #[test]
    fn a_counter_that_falls_or_goes_is_told() {
        let floor = Floor::default();
        let (before, mut later) = (whole(), whole());
        floor.raise(&before);
        assert_eq!(fallen(&floor.now(), &later), [""; 0]);
        *later.counters.values_mut().next().unwrap() -= 1.0;
        let told = fallen(&floor.now(), &later);
        assert_eq!(told, ["http_requests_total{endpoint=\"/a\",method=\"GET\",status=\"200\"} fell from 2 to 1"]);
        floor.raise(&later);
        assert_eq!(fallen(&floor.now(), &before), [""; 0], "the floor is the most");
        later.counters.clear();
        assert_eq!(fallen(&floor.now(), &later).len(), 2);
    }

    #[test]
    fn monitoring_traffic_is_what_the_documents_say() {
        for endpoint in ["/", "/events", "/metrics", "/health", "/health/quick", "/debug/profile", "/demo/fault"] {
            assert!(is_monitoring(endpoint), "{endpoint}");
        }
        for endpoint in ["/scene", "unmatched", "/healthy", "/debugger"] {
            assert!(!is_monitoring(endpoint), "{endpoint}");
        }
    }
}
