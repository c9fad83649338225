//! What a scrape shows of the requests: all families that a request writes are read from the same listing and the same fold, so that
//! none shows a request that another does not.

use std::sync::{Arc, PoisonError};
use std::time::Instant;

use super::block::{Block, DURATION, REQUEST_SIZE, RESPONSE_SIZE};
use super::endpoint::{Combinations, EndpointCells};
use super::{Families, HttpCore};
use crate::metric::bucket::Buckets;
use crate::metric::created::Created;
use crate::metric::descriptor::{Descriptor, Kind};
use crate::metric::exemplar::Exemplar;
use crate::metric::histogram::{Shape, nanoseconds};
use crate::metric::kept::by_value;
use crate::metric::label::LabelNames;
use crate::profile::{Profiler, RequestProfile};
use crate::shard::{Totals, writes};
use crate::snapshot::{
    BucketCells, CollectedSeries, CollectedValue, FamilySnapshot, LabelTexts, OwnedLabels, Previous, Reading, Snapshot, Source,
    SummaryValue, Values, window,
};

/// The quantiles that are shown.
const QUANTILES: [(f64, &str); 4] = [(0.5, "0.5"), (0.9, "0.9"), (0.95, "0.95"), (0.99, "0.99")];

const NANOS_A_MILLI: f64 = 1e6;
const NANOS_A_SECOND: f64 = 1e9;

/// All families that a request writes.
pub(super) struct Requests(pub(super) Arc<HttpCore>);

impl Source for Requests {
    fn descriptors(&self) -> &[Arc<Descriptor>] {
        self.0.families.all()
    }

    fn label_names(&self, family: &Descriptor) -> Vec<&str> {
        match family.kind() {
            Kind::Counter => vec!["endpoint", "method", "status"],
            Kind::Gauge => vec!["quantile"],
            Kind::Summary => Vec::new(),
            _ => vec!["endpoint"],
        }
    }

    fn list(&self) -> Reading {
        let core = Arc::clone(&self.0);
        let endpoints = core.sorted();
        // A block that comes later is in no fold of now. A combination that comes later to one of these blocks may be.
        let blocks: Vec<usize> = endpoints.iter().map(|endpoint| endpoint.block().each().count()).collect();
        // Before the fold, which counts what they stand for.
        let exemplars = core.exemplars.get().map(Profiler::exemplars).unwrap_or_default();
        Box::new(move |totals, last, families| {
            let mut read = Read::new(&core, last);
            for (endpoint, blocks) in endpoints.iter().zip(blocks) {
                read.endpoint(endpoint, blocks, totals);
            }
            read.finish(endpoints, exemplars, totals, families);
        })
    }

    fn series(&self) -> usize {
        let endpoints = self.0.sorted();
        let combinations: usize = endpoints.iter().map(|endpoint| endpoint.combinations().len()).sum();
        let Families { gauges, summary, .. } = &self.0.families;
        combinations + 3 * endpoints.len() + if gauges.is_some() { QUANTILES.len() } else { 0 } + usize::from(summary.is_some())
    }

    fn heap_bytes(&self) -> usize {
        let core = &*self.0;
        let endpoints: usize = core.endpoints.values().map(|endpoint| endpoint.heap_bytes()).sum();
        core.endpoints.heap_bytes() + endpoints + core.window.heap_bytes()
    }
}

/// The values as far as they are read.
struct Read<'a> {
    core: &'a HttpCore,
    /// Of the counters, and of the histograms.
    previous: (Previous<'a>, [Previous<'a>; 3]),
    counts: Vec<u64>,
    combinations: Vec<Combinations>,
    /// Endpoint and place among its combinations, of each counter.
    places: Vec<(u32, u32)>,
    /// Sum and buckets of one endpoint after another.
    histograms: [Vec<u64>; 3],
    /// Sum and count of the durations of the endpoints that are no monitoring traffic.
    user: (u64, u64),
}

impl<'a> Read<'a> {
    fn new(core: &'a HttpCore, last: Option<&'a Snapshot>) -> Self {
        let Families { requests, histograms, .. } = &core.families;
        let previous = histograms.each_ref().map(|family| Previous::of(last, family.name(), 1));
        Self {
            core,
            previous: (Previous::of(last, requests.name(), 3), previous),
            counts: Vec::new(),
            combinations: Vec::new(),
            places: Vec::new(),
            histograms: Default::default(),
            user: (0, 0),
        }
    }

    fn endpoint(&mut self, endpoint: &EndpointCells, blocks: usize, totals: &Totals) {
        let whole: Option<Vec<Vec<u64>>> =
            endpoint.block().each().take(blocks).map(|block| Some(block.whole(totals)?.collect())).collect();
        let shapes = self.core.shapes();
        let starts = self.histograms.each_ref().map(Vec::len);
        match &whole {
            Some(blocks) => {
                for (values, (shape, offset)) in
                    self.histograms.iter_mut().zip(shapes.iter().zip([DURATION, REQUEST_SIZE, RESPONSE_SIZE]))
                {
                    sum(shape, offset, blocks, values);
                }
            }
            None => {
                self.core.faults.block_stale();
                for ((values, previous), shape) in self.histograms.iter_mut().zip(&self.previous.1).zip(shapes) {
                    previous.histogram(endpoint.text(), shape.buckets().len() + 1, values);
                }
            }
        }
        if !endpoint.is_monitoring() {
            let (duration, buckets) = self.histograms[0][starts[0]..].split_first().expect("a histogram has a sum");
            self.user.0 = self.user.0.wrapping_add(*duration);
            self.user.1 = buckets.iter().copied().fold(self.user.1, u64::wrapping_add);
        }
        let cells = whole.as_ref().map(|blocks| blocks.concat());
        let combinations = endpoint.combinations();
        for (at, combination) in (0..).zip(combinations.iter()) {
            let cell = Block::counter(combination.at);
            let count = match &cells {
                // A combination of a block that came after the listing.
                Some(cells) if cell >= cells.len() => continue,
                Some(cells) => cells[cell],
                None => self.previous.0.counter(combination.text()),
            };
            self.counts.push(count);
            self.places.push((self.combinations.len() as u32, at));
        }
        self.combinations.push(combinations);
    }

    fn finish(self, endpoints: Sorted, pinned: Vec<RequestProfile>, totals: &Totals, families: &mut Vec<FamilySnapshot>) {
        let Families { requests, histograms, gauges, summary, .. } = &self.core.families;
        let [durations, ..] = self.core.shapes();
        let mut exemplars =
            [exemplars_of(&endpoints, pinned, durations.buckets(), &self.histograms[0]), Vec::new(), Vec::new()];
        let endpoints = Arc::new(EndpointTexts { names: Arc::clone(&self.core.endpoint_label), endpoints });
        let texts = CombinationTexts {
            names: Arc::clone(&self.core.counter_labels),
            endpoints: self.combinations,
            places: self.places,
        };
        families.push(FamilySnapshot::folded(Arc::clone(requests), Arc::new(texts), Values::Counter(self.counts)));
        let shapes = histograms.iter().zip(self.core.shapes());
        for (((family, shape), values), exemplars) in shapes.zip(self.histograms).zip(exemplars.each_mut()) {
            let values = Values::Histogram(BucketCells::new(Arc::clone(shape.buckets()), values, std::mem::take(exemplars)));
            families.push(FamilySnapshot::folded(Arc::clone(family), Arc::clone(&endpoints) as _, values));
        }
        let recent = self.core.window.histogram(totals, Instant::now());
        if let Some(family) = gauges {
            let gauge = |(quantile, spelt): (f64, &str)| CollectedSeries {
                labels: OwnedLabels::new(&["quantile"], &[spelt]),
                value: CollectedValue::Gauge(window::quantile(&recent, quantile) / NANOS_A_MILLI),
            };
            families.push(FamilySnapshot::collected(Arc::clone(family), QUANTILES.map(gauge).into()));
        }
        if let Some(family) = summary {
            let (sum, count) = self.user;
            // The window is written first, and must tell nothing of a request that nothing counts yet.
            let quantile = |quantile| if count == 0 { f64::NAN } else { window::quantile(&recent, quantile) / NANOS_A_SECOND };
            let at = |(at, _)| (at, quantile(at));
            let value = SummaryValue { quantiles: QUANTILES.map(at).into(), sum: sum as f64 / NANOS_A_SECOND, count };
            let series = CollectedSeries { labels: OwnedLabels::none(), value: CollectedValue::Summary(value) };
            families.push(FamilySnapshot::collected(Arc::clone(family), vec![series]));
        }
    }
}

/// The exemplars of those endpoints that have any, with the place of each. `cells` are sum and buckets of one endpoint after another:
/// a profile that ended without being counted, such as one that was dropped, does not stand for a bucket that has counted nothing.
fn exemplars_of(
    endpoints: &[Arc<EndpointCells>],
    mut pinned: Vec<RequestProfile>,
    buckets: &Buckets,
    cells: &[u64],
) -> Vec<(usize, Vec<Exemplar>)> {
    if pinned.is_empty() {
        return Vec::new();
    }
    pinned.sort_unstable_by_key(|profile| profile.duration);
    let bucket = |profile: &RequestProfile| {
        let nanos = nanoseconds(profile.duration);
        buckets.layout().ends().partition_point(|&end| end < nanos)
    };
    let each = endpoints.iter().zip(cells.chunks_exact(buckets.len() + 1)).enumerate().map(|(at, (endpoint, cells))| {
        let own = pinned.iter().filter(|profile| *profile.endpoint == *endpoint.name());
        (at, own.filter(|profile| cells[1 + bucket(profile)] > 0).filter_map(Exemplar::of).collect())
    });
    each.filter(|(_, exemplars): &(usize, Vec<Exemplar>)| !exemplars.is_empty()).collect()
}

/// Appends the sum and the buckets of a histogram, added up over the blocks of an endpoint.
fn sum(shape: &Shape, offset: usize, blocks: &[Vec<u64>], values: &mut Vec<u64>) {
    let count = blocks.iter().map(|block| writes(block[0])).fold(0, u64::wrapping_add);
    let cell = |at| blocks.iter().map(|block| block[offset + at]).fold(0, u64::wrapping_add);
    shape.read(count, (0..shape.cells()).map(cell), values);
}

/// The labels of the counters, borrowed from the endpoints.
struct CombinationTexts {
    names: Arc<LabelNames>,
    endpoints: Vec<Combinations>,
    /// Endpoint and place among its combinations, of each series.
    places: Vec<(u32, u32)>,
}

impl LabelTexts for CombinationTexts {
    fn len(&self) -> usize {
        self.places.len()
    }

    fn names(&self) -> &LabelNames {
        &self.names
    }

    fn kept(&self, series: usize) -> &[u8] {
        let (endpoint, at) = self.places[series];
        &self.endpoints[endpoint as usize][at as usize].kept
    }

    fn created(&self, series: usize) -> Created {
        let (endpoint, at) = self.places[series];
        self.endpoints[endpoint as usize][at as usize].created
    }
}

/// The endpoints by label values.
pub(super) type Sorted = Arc<[Arc<EndpointCells>]>;

impl HttpCore {
    /// All endpoints. They are only ever added to, so a list of as many as there are is the list.
    fn sorted(&self) -> Sorted {
        let mut last = self.sorted.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() != self.endpoints.len() {
            let mut endpoints: Vec<_> = self.endpoints.values().cloned().collect();
            endpoints.sort_unstable_by(|a, b| by_value(a.text(), b.text()));
            *last = endpoints.into();
        }
        Arc::clone(&last)
    }
}

/// The labels of the histograms.
struct EndpointTexts {
    names: Arc<LabelNames>,
    endpoints: Sorted,
}

impl LabelTexts for EndpointTexts {
    fn len(&self) -> usize {
        self.endpoints.len()
    }

    fn names(&self) -> &LabelNames {
        &self.names
    }

    fn kept(&self, series: usize) -> &[u8] {
        self.endpoints[series].kept()
    }

    fn created(&self, series: usize) -> Created {
        self.endpoints[series].created()
    }
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use std::time::Duration;

    use crate::http::{Exchange, HttpMetrics, HttpOptions, Method};
    use crate::{Registry, shard};

    #[test]
    fn blocks_that_cannot_be_read_show_what_the_last_snapshot_showed() {
        let registry = Registry::new();
        let options = HttpOptions { latency_gauges: false, latency_summary: false, limit: 100_000, ..HttpOptions::default() };
        let http = HttpMetrics::register(&registry, options).unwrap();
        for (n, name) in (0..).zip(["", "a", "a\"", "a\\", "\\", "\n", "é", "/b", "other", "a b"]) {
            for status in (90..620).step_by(7 + n as usize) {
                for method in [Method::Get, Method::Put, Method::Other] {
                    let duration = Duration::from_millis(u64::from(status));
                    http.observe(name, &Exchange { method, status, duration, request_bytes: 7, response_bytes: 100 * n });
                }
            }
        }
        let requests = || {
            let text = registry.snapshot().text().to_owned();
            text.lines().filter(|line| line.contains("http_re")).map(str::to_owned).collect::<Vec<_>>()
        };
        let before = requests();
        assert!(before.len() > 1_000);
        for endpoint in http.0.sorted().iter() {
            let (first, counter) = endpoint.block().place(0).unwrap();
            // In the middle of a write, which has counted the request and a sum.
            shard::inc_by(first, 1);
            shard::inc_by(first.plus(1), 5);
            shard::inc_by(first.plus(counter), 5);
        }
        assert_eq!(requests(), before);
    }
}
