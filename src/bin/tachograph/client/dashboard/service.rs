//! The HTTP side of a service over time: requests by class, errors, latencies, routes.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use super::found::{FAILED, Found, class, route};
use super::history::{History, POINTS};
use crate::client::scrape::{Histogram, Scrape, Since};

/// Latencies are those of the requests of this time, or of the time between two scrapes if that is longer.
const WINDOW: Duration = Duration::from_secs(10);
/// Routes that are followed at most: those with most requests.
const MOST_ROUTES: usize = 100;
/// The quantiles that are shown.
pub(super) const QUANTILES: [f64; 4] = [0.5, 0.9, 0.95, 0.99];

/// What the scrapes have told so far.
#[derive(Debug, Default)]
pub(super) struct Service {
    /// Requests a second: 2xx, 3xx, 4xx, 5xx, others.
    pub(super) classes: [History; 5],
    pub(super) total: History,
    /// The share of 5xx.
    pub(super) errors: History,
    /// By [`QUANTILES`], in seconds.
    pub(super) quantiles: [History; 4],
    /// Upper bounds of the buckets.
    pub(super) bounds: Vec<f64>,
    /// How many requests ended in each bucket between two scrapes; `None` is a gap.
    pub(super) heat: VecDeque<Option<Vec<f32>>>,
    window: Window,
    pub(super) routes: Vec<Route>,
    windows: HashMap<String, (Window, History)>,
    /// The scrape tells of requests.
    pub(super) found: bool,
}

/// What is known of a route.
#[derive(Clone, Debug)]
pub(super) struct Route {
    pub(super) name: String,
    /// Requests a second.
    pub(super) rate: Option<f64>,
    pub(super) errors: Option<f64>,
    pub(super) total: f64,
    /// By [`QUANTILES`].
    pub(super) quantiles: [Option<f64>; 4],
    pub(super) history: History,
}

/// What was observed in the last time.
#[derive(Clone, Debug, Default)]
struct Window(VecDeque<(Instant, Histogram)>);

impl Window {
    fn push(&mut self, at: Instant, observed: Histogram) {
        self.0.retain(|(then, _)| at.saturating_duration_since(*then) < WINDOW);
        self.0.push_back((at, observed));
    }

    fn quantiles(&self) -> [Option<f64>; 4] {
        let mut all = Histogram::default();
        self.0.iter().for_each(|(_, observed)| add(&mut all, observed));
        QUANTILES.map(|quantile| all.quantile(quantile))
    }
}

/// Adds what another histogram has observed; one with other buckets says nothing of these.
pub(super) fn add(sum: &mut Histogram, other: &Histogram) {
    if sum.buckets.is_empty() {
        *sum = other.clone();
        return;
    }
    if sum.buckets.len() != other.buckets.len() || sum.buckets.iter().zip(&other.buckets).any(|(one, other)| one.0 != other.0) {
        return;
    }
    sum.buckets.iter_mut().zip(&other.buckets).for_each(|(one, other)| one.1 += other.1);
    sum.sum = sum.sum.zip(other.sum).map(|(one, other)| one + other);
    sum.count = sum.count.zip(other.count).map(|(one, other)| one + other);
}

impl Service {
    /// Takes a scrape, and what has changed since the one before.
    pub(super) fn take(&mut self, scrape: &Scrape, since: Option<&Since<'_>>) {
        let found = Found::of(scrape);
        self.found = found.anything();
        let rates = since.zip(found.requests).map(|(since, family)| {
            let mut rates = [0.0; 5];
            for series in found.of_users(family) {
                rates[class(series)] += since.rate(family, series).unwrap_or(0.0);
            }
            rates
        });
        self.push_rates(rates);
        self.take_latencies(scrape, since, &found);
        self.take_routes(scrape, since, &found);
    }

    fn push_rates(&mut self, rates: Option<[f64; 5]>) {
        self.classes.iter_mut().enumerate().for_each(|(at, history)| history.push(rates.map(|rates| rates[at])));
        let total = rates.map(|rates| rates.iter().sum::<f64>());
        self.total.push(total);
        self.errors.push(rates.zip(total).filter(|(_, total)| *total > 0.0).map(|(rates, total)| rates[FAILED] / total));
    }

    fn take_latencies(&mut self, scrape: &Scrape, since: Option<&Since<'_>>, found: &Found<'_>) {
        let observed = since.zip(found.durations).map(|(since, family)| {
            let mut all = Histogram::default();
            for series in found.of_users(family) {
                since.observed(family, series).iter().for_each(|observed| add(&mut all, observed));
            }
            all
        });
        if let Some(observed) = observed {
            let bounds = || observed.buckets.iter().map(|(bound, _)| *bound);
            if !bounds().eq(self.bounds.iter().copied()) {
                self.bounds = bounds().collect();
                self.heat.clear();
            }
            self.push_heat(Some(observed.parts().map(|(_, count)| count as f32).collect()));
            self.window.push(scrape.at, observed);
            let quantiles = self.window.quantiles();
            self.quantiles.iter_mut().zip(quantiles).for_each(|(history, value)| history.push(value));
        } else {
            self.push_heat(None);
            self.quantiles.iter_mut().for_each(|history| history.push(None));
        }
    }

    fn push_heat(&mut self, column: Option<Vec<f32>>) {
        if self.heat.len() == POINTS {
            self.heat.pop_front();
        }
        self.heat.push_back(column);
    }

    fn take_routes(&mut self, scrape: &Scrape, since: Option<&Since<'_>>, found: &Found<'_>) {
        #[derive(Default)]
        struct Sum {
            total: f64,
            growth: Option<f64>,
            failed: f64,
            observed: Histogram,
        }
        let mut sums: HashMap<&str, Sum> = HashMap::new();
        let of_users = |family| found.of_users(family).map(move |series| (family, series));
        for (family, series) in found.requests.into_iter().flat_map(of_users) {
            let Some(route) = route(series) else { continue };
            let sum = sums.entry(route).or_default();
            sum.total += total(&series.value);
            if let Some(growth) = since.and_then(|since| since.growth(family, series)) {
                *sum.growth.get_or_insert(0.0) += growth;
                sum.failed += if class(series) == FAILED { growth } else { 0.0 };
            }
        }
        for (family, series) in found.durations.into_iter().flat_map(of_users) {
            let sum = route(series).and_then(|route| sums.get_mut(route));
            let observed = since.and_then(|since| since.observed(family, series));
            if let Some((sum, observed)) = sum.zip(observed) {
                add(&mut sum.observed, &observed);
            }
        }
        let mut sums: Vec<(&str, Sum)> = sums.into_iter().filter(|(_, sum)| sum.total > 0.0).collect();
        sums.sort_unstable_by(|one, other| other.1.total.total_cmp(&one.1.total).then(one.0.cmp(other.0)));
        sums.truncate(MOST_ROUTES);
        let gaps = self.total.len().saturating_sub(1);
        let mut windows = std::mem::take(&mut self.windows);
        self.routes = sums
            .into_iter()
            .map(|(name, sum)| {
                let known = windows.remove(name);
                let (mut window, mut history) = known.unwrap_or_else(|| (Window::default(), History::after(gaps)));
                let rate = sum.growth.zip(since).map(|(growth, since)| growth / since.seconds);
                history.push(rate);
                window.push(scrape.at, sum.observed);
                let quantiles = window.quantiles();
                self.windows.insert(name.to_owned(), (window, history.clone()));
                let errors = sum.growth.filter(|growth| *growth > 0.0).map(|growth| sum.failed / growth);
                Route { name: name.to_owned(), rate, errors, total: sum.total, quantiles, history }
            })
            .collect();
    }

    /// A time without an answer.
    pub(super) fn miss(&mut self) {
        self.push_rates(None);
        self.push_heat(None);
        self.quantiles.iter_mut().for_each(|history| history.push(None));
        self.routes.iter_mut().for_each(|route| {
            route.history.push(None);
            route.rate = None;
        });
        self.windows.values_mut().for_each(|(_, history)| history.push(None));
    }
}

fn total(value: &crate::client::scrape::Value) -> f64 {
    use crate::client::scrape::Value;
    match value {
        Value::Number(number, _) => *number,
        Value::Histogram(histogram) => histogram.observations(),
        Value::Summary(summary) => summary.count.unwrap_or(0.0),
    }
}
