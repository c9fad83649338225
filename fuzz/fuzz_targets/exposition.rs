//! Any registry: what it renders is accepted by the strict parser, which shares no code with the encoder, and holds the very
//! names, labels, HELP texts and values that went in. Every input makes and drops a registry, so slots are recycled too.

#![no_main]

use std::collections::BTreeMap;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use tachograph::{Buckets, RegisterError, Registry};
use tachograph_check::Kind;

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
}

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    /// Value of a label that the registry itself has; none if it is empty.
    own: &'a str,
    families: Vec<Family<'a>>,
}

/// Names and values of a sample's labels, in the order of their names.
type Labels = BTreeMap<String, String>;

/// What a family has to be read back as.
#[derive(Debug, PartialEq)]
struct Expected {
    kind: Kind,
    help: String,
    samples: BTreeMap<(String, Labels), Number>,
}

/// A value by its bits, with every NaN alike and no negative zero: rendering keeps all else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Number(u64);

impl From<f64> for Number {
    fn from(value: f64) -> Self {
        Self(if value.is_nan() { f64::NAN } else { value + 0.0 }.to_bits())
    }
}

impl Expected {
    fn new(kind: Kind, help: &str) -> Self {
        Self { kind, help: help.to_owned(), samples: BTreeMap::new() }
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        let labels = labels.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        self.samples.insert((name.to_owned(), labels), value.into());
    }

    /// Gives each sample the registry's own label.
    fn carry(&mut self, own: &str) {
        if !own.is_empty() {
            let carried = std::mem::take(&mut self.samples).into_iter().map(|((name, mut labels), value)| {
                labels.insert("own".to_owned(), own.to_owned());
                ((name, labels), value)
            });
            self.samples = carried.collect();
        }
    }

    /// The samples of a histogram of whole numbers with the bounds that this target gives all of them.
    fn histogram(&mut self, name: &str, labels: &[(&str, &str)], values: &[u64]) {
        for (le, bound) in [("1", 1), ("100", 100), ("1e+06", 1_000_000), ("+Inf", u64::MAX)] {
            let count = values.iter().filter(|&&value| value <= bound).count();
            self.sample(&format!("{name}_bucket"), &[labels, &[("le", le)]].concat(), count as f64);
        }
        self.sample(&format!("{name}_sum"), labels, values.iter().sum::<u64>() as f64);
        self.sample(&format!("{name}_count"), labels, values.len() as f64);
    }
}

fn buckets() -> Buckets {
    Buckets::whole(&[1, 100, 1_000_000]).expect("valid bounds")
}

/// Puts the values of the same labels together, in the order in which they come.
fn grouped<L: Ord + Copy, V: Copy>(series: &[(L, V)]) -> BTreeMap<L, Vec<V>> {
    let mut groups = BTreeMap::<L, Vec<V>>::new();
    for &(labels, value) in series.iter().take(MOST) {
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
            let family = registry.info_family(name, help, ["a", "b"])?;
            for [a, b] in series.iter().take(MOST) {
                family.set([a, b]);
                expected.sample(name, &[("a", a), ("b", b)], 1.0);
            }
        }
        Series::StateSets(states, series) => {
            let mut states: Vec<&str> = states.iter().take(MOST).copied().filter(|state| !state.is_empty()).collect();
            states.push("a state at least");
            states.sort_unstable();
            states.dedup();
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
            expected.kind = Kind::Histogram;
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
    }
    Ok(expected)
}

/// What the strict parser reads in a scrape.
fn read(scrape: &str) -> BTreeMap<String, Expected> {
    let exposition = tachograph_check::parse(scrape.as_bytes()).unwrap_or_else(|finding| panic!("{finding} in\n{scrape}"));
    let family = |family: tachograph_check::Family| {
        let samples = family.samples.into_iter();
        let samples = samples.map(|sample| ((sample.name, sample.labels.into_iter().collect()), sample.value.into()));
        let kind = family.kind.expect("each family of ours has a type");
        (family.name, Expected { kind, help: family.help.unwrap_or_default(), samples: samples.collect() })
    };
    exposition.families.into_iter().map(family).collect()
}

fuzz_target!(|input: Input<'_>| {
    let Input { own, families } = input;
    let registry = Registry::with_labels([("own", own)]).expect("the name is legal");
    let mut expected = BTreeMap::new();
    // Lines of counters, which have more digits than the float in which the parser hands them back.
    let mut counters = Vec::new();
    let any_named = families.iter().any(|family| family.name.is_some());
    for (number, Family { name, help, series }) in families.iter().take(MOST).enumerate() {
        let suffix = match series {
            Series::Counter(_) | Series::Counters(_) | Series::FloatCounters(_) => "_total",
            Series::Infos(_) => "_info",
            _ => "",
        };
        let good = format!("m{number}{suffix}");
        let name = name.unwrap_or(&good);
        match fill(&registry, name, help, series) {
            // A family without series may be left out of the scrape.
            Ok(family) if family.samples.is_empty() => {}
            Ok(mut family) => {
                family.carry(own);
                assert!(expected.insert(name.to_owned(), family).is_none(), "{name} was taken twice");
                if let Series::Counter(count) = series
                    && own.is_empty()
                {
                    counters.push(format!("{name} {count}"));
                }
            }
            // A name that is no name or clashes is refused, and then nothing of it may be in the scrape.
            Err(error) => assert!(any_named, "a good name was refused: {error}"),
        }
    }
    let snapshot = registry.snapshot();
    let mut held = read(snapshot.text());
    held.retain(|_, family| !family.samples.is_empty());
    assert_eq!(held, expected, "{}", snapshot.text());
    for counter in counters {
        assert!(snapshot.text().lines().any(|line| line == counter), "{counter} in {}", snapshot.text());
    }
    assert_eq!(registry.snapshot().text(), snapshot.text(), "an unchanged registry renders the same text");
});
