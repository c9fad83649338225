//! Any registry, in every format and escaping scheme: what it renders is accepted by the strict checker, or decoded as protobuf, neither
//! of which shares code with the encoders, and holds the very names, labels, HELP texts and values that went in. Every input makes and
//! drops a registry, so slots are recycled too.

#![no_main]

use std::collections::BTreeMap;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use tachograph::{Buckets, Collector, Descriptor, RegisterError, Registry, Sink};
use tachograph_check::Kind;

use expected::Expected;

#[path = "../../tests/support/client_model.rs"]
#[allow(dead_code, reason = "made for tests that need more of it")]
mod client_model;
#[path = "exposition/expected.rs"]
mod expected;
#[path = "exposition/formats.rs"]
mod formats;

/// Families and series of one input: enough for every neighbourhood, few enough to be quick.
const MOST: usize = 24;

/// What a histogram counts every higher value as.
const HIGHEST: u64 = 1 << 44;

#[derive(Arbitrary, Debug)]
struct Family<'a> {
    /// Without one, a good name that no other family has.
    name: Option<&'a str>,
    help: &'a str,
    series: Series<'a>,
}

#[derive(Arbitrary, Debug)]
enum Series<'a> {
    Counter(u64),
    UpDownCounter(i64),
    Gauge(f64),
    Histogram(Vec<u64>),
    Counters(Vec<([&'a str; 2], u32)>),
    UpDownCounters(Vec<([&'a str; 1], i32)>),
    Gauges(Vec<([&'a str; 3], f64)>),
    Histograms(Vec<([&'a str; 1], u32)>),
    FloatCounters(Vec<([&'a str; 1], f64)>),
    Infos(Vec<[&'a str; 2]>),
    /// The states, then the label of a series and which state it is in.
    StateSets(Vec<&'a str>, Vec<([&'a str; 1], u8)>),
    GaugeHistograms(Vec<([&'a str; 1], [u64; 4], f64)>),
    /// Told by a collector: names and values of each series' labels.
    Told(Vec<(Vec<(&'a str, &'a str)>, f64)>),
}

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    /// A label that the registry itself has: none if the value is empty.
    own: (Option<&'a str>, &'a str),
    families: Vec<Family<'a>>,
}

fn buckets() -> Buckets {
    Buckets::whole(&[1, 100, 1_000_000]).expect("valid bounds")
}

/// Whether a family takes these label values: with longer ones a series is another one.
fn fit(values: &[&str]) -> bool {
    values.iter().all(|value| value.len() <= 2_048)
}

/// Puts the values of the same labels together, in the order in which they come.
fn grouped<'a, const N: usize, V: Copy>(series: &[([&'a str; N], V)]) -> BTreeMap<[&'a str; N], Vec<V>> {
    let mut groups = BTreeMap::<[&'a str; N], Vec<V>>::new();
    for &(labels, value) in series.iter().take(MOST).filter(|(labels, _)| fit(labels)) {
        groups.entry(labels).or_default().push(value);
    }
    groups
}

/// Registers a family, fills it, and says how it has to be read back.
fn fill(registry: &Registry, name: &str, help: &str, series: &Series<'_>) -> Result<Expected, RegisterError> {
    let mut expected = Expected::new(Kind::Gauge, help);
    match series {
        Series::Counter(count) => {
            expected.kind = Kind::Counter;
            registry.counter(name, help)?.inc_by(*count);
            expected.sample(name, &[], *count as f64);
        }
        Series::UpDownCounter(count) => {
            registry.up_down_counter(name, help)?.inc_by(*count);
            expected.sample(name, &[], *count as f64);
        }
        Series::Gauge(value) => {
            registry.gauge(name, help)?.set(*value);
            expected.sample(name, &[], *value);
        }
        Series::Histogram(values) => {
            expected.kind = Kind::Histogram;
            let histogram = registry.histogram(name, help, buckets())?;
            values.iter().take(MOST).for_each(|&value| histogram.observe(value));
            let values: Vec<_> = values.iter().take(MOST).map(|&value| value.min(HIGHEST)).collect();
            expected.histogram(name, &[], &values);
        }
        Series::Counters(series) => {
            expected.kind = Kind::Counter;
            let family = registry.counter_family(name, help, ["first", "second"])?;
            for ([first, second], counts) in grouped(series) {
                counts.iter().for_each(|&count| family.inc_by([first, second], count.into()));
                let sum = counts.iter().map(|&count| u64::from(count)).sum::<u64>();
                expected.sample(name, &[("first", first), ("second", second)], sum as f64);
            }
        }
        Series::UpDownCounters(series) => {
            let family = registry.up_down_counter_family(name, help, ["le"])?;
            for ([le], counts) in grouped(series) {
                counts.iter().for_each(|&count| family.inc_by([le], count.into()));
                expected.sample(name, &[("le", le)], counts.iter().map(|&count| i64::from(count)).sum::<i64>() as f64);
            }
        }
        Series::Gauges(series) => {
            let family = registry.gauge_family(name, help, ["a", "b", "c"])?;
            for ([a, b, c], values) in grouped(series) {
                values.iter().for_each(|&value| family.set([a, b, c], value));
                let last = values.last().copied().expect("a group is never empty");
                expected.sample(name, &[("a", a), ("b", b), ("c", c)], last);
            }
        }
        Series::Histograms(series) => {
            expected.kind = Kind::Histogram;
            let family = registry.histogram_family(name, help, ["phase"], buckets())?;
            for ([phase], values) in grouped(series) {
                let values: Vec<_> = values.into_iter().map(u64::from).collect();
                values.iter().for_each(|&value| family.observe([phase], value));
                expected.histogram(name, &[("phase", phase)], &values);
            }
        }
        Series::FloatCounters(series) => {
            expected.kind = Kind::Counter;
            let family = registry.float_counter_family(name, help, ["core"])?;
            for ([core], values) in grouped(series) {
                values.iter().for_each(|&value| family.inc_by([core], value));
                let taken = values.into_iter().filter(|value| value.is_finite() && *value >= 0.0);
                expected.sample(name, &[("core", core)], taken.fold(0.0, |sum, value| sum + value).min(f64::MAX));
            }
        }
        Series::Infos(series) => {
            expected.kind = Kind::Info;
            let family = registry.info_family(name, help, ["a", "b"])?;
            for [a, b] in series.iter().take(MOST).filter(|labels| fit(&labels[..])) {
                family.set([a, b]);
                expected.sample(name, &[("a", a), ("b", b)], 1.0);
            }
        }
        Series::StateSets(states, series) => {
            let mut states: Vec<&str> = states.iter().take(MOST).copied().filter(|state| !state.is_empty()).collect();
            states.push("a state at least");
            states.sort_unstable();
            states.dedup();
            expected.kind = Kind::StateSet;
            let family = registry.state_set_family(name, help, ["of"], &states)?;
            for ([of], chosen) in grouped(series) {
                let state = |at: u8| states[usize::from(at) % states.len()];
                chosen.iter().for_each(|&at| family.set([of], state(at)));
                let last = chosen.last().copied().map(state);
                for &state in &states {
                    expected.sample(name, &[("of", of), (name, state)], if last == Some(state) { 1.0 } else { 0.0 });
                }
            }
        }
        Series::GaugeHistograms(series) => {
            expected.kind = Kind::GaugeHistogram;
            let family = registry.gauge_histogram_family(name, help, ["disk"], buckets())?;
            let series: Vec<_> =
                series.iter().map(|&(disk, counts, sum)| (disk, (counts.map(|count| count >> 2), sum))).collect();
            for ([disk], values) in grouped(&series) {
                values.iter().for_each(|(counts, sum)| family.set([disk], counts, *sum));
                let taken = values.into_iter().rfind(|(_, sum)| sum.is_finite() && *sum >= 0.0);
                let (counts, sum) = taken.unwrap_or(([0; 4], 0.0));
                let below = |at: usize| counts[..=at].iter().sum::<u64>() as f64;
                for (at, le) in ["1", "100", "1e+06", "+Inf"].into_iter().enumerate() {
                    expected.sample(&format!("{name}_bucket"), &[("disk", disk), ("le", le)], below(at));
                }
                expected.sample(&format!("{name}_sum"), &[("disk", disk)], sum);
                expected.sample(&format!("{name}_count"), &[("disk", disk)], below(3));
            }
        }
        Series::Told(series) => {
            let told: Vec<_> = series
                .iter()
                .take(MOST)
                .map(|(labels, value)| {
                    let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
                    (labels.iter().take(4).map(owned).collect::<Vec<_>>(), *value)
                })
                .collect();
            let descriptor = Descriptor::new(name, tachograph::Kind::Gauge, help)?;
            registry.register_collector(name, Told { descriptor, told })?;
            // What is taken of it depends on what labels fall together: the formats have to agree, and the checker to be content.
            expected.open = true;
        }
    }
    Ok(expected)
}

/// Gauges with labels that each series has for itself.
struct Told {
    descriptor: Descriptor,
    told: Vec<(Vec<(String, String)>, f64)>,
}

impl Collector for Told {
    fn describe(&self) -> Result<Vec<Descriptor>, RegisterError> {
        Ok(vec![self.descriptor.clone()])
    }

    fn collect(&self, sink: &mut Sink<'_>) {
        for (labels, value) in &self.told {
            let labels: Vec<_> = labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            sink.gauge(self.descriptor.name(), &labels, *value);
        }
    }
}

fuzz_target!(|input: Input<'_>| {
    let Input { own: (own_name, own), families } = input;
    let own_name = own_name.unwrap_or("own");
    let Ok(registry) = Registry::with_labels([(own_name, own)]) else {
        assert!(own_name != "own", "a good label was refused");
        return;
    };
    let mut expected = BTreeMap::new();
    let any_named = own_name != "own" || families.iter().any(|family| family.name.is_some());
    for (number, Family { name, help, series }) in families.iter().take(MOST).enumerate() {
        let suffix = match series {
            Series::Counter(_) | Series::Counters(_) | Series::FloatCounters(_) => "_total",
            Series::Infos(_) => "_info",
            _ => "",
        };
        let good = format!("m{number}{suffix}");
        let name = name.map_or(good, |name| format!("{name}{suffix}"));
        match fill(&registry, &name, help, series) {
            Ok(mut family) => {
                if !own.is_empty() {
                    family.carry(own_name, own);
                }
                assert!(expected.insert(name.clone(), family).is_none(), "{name} was taken twice");
            }
            // A name that is no name or clashes is refused, and then nothing of it may be in the scrape.
            Err(error) => assert!(any_named, "a good name was refused: {error}"),
        }
    }
    let snapshot = registry.snapshot();
    formats::check(&snapshot, expected);
    assert_eq!(registry.snapshot().text(), snapshot.text(), "an unchanged registry renders the same text");
});
