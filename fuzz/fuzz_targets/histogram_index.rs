//! Any bounds, any resolution, any values: the bucket in which an observation lands is the one that a search through all bounds finds,
//! and quantiles are as near to the sorted values as the resolution says.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use tachograph::{Buckets, Registry, Resolution, Value as Kind};

/// The highest value that may be told from higher ones, and the highest bound.
const HIGHEST: u64 = 1 << 44;

/// More values than this would let the sum grow beyond what a cell holds.
const MOST_VALUES: usize = 1_000;

#[derive(Arbitrary, Debug)]
struct Input {
    bounds: Bounds,
    resolution: u8,
    /// Above the last bound.
    trackable: Option<u64>,
    values: Vec<Value>,
}

#[derive(Arbitrary, Debug)]
enum Bounds {
    /// As they come, mostly such as are refused.
    Raw(Vec<u64>),
    /// Of any size, put in order.
    Sorted(Vec<(u64, u8)>),
    /// So close that several share each power of two.
    Neighbours { first: u64, steps: Vec<u8> },
}

#[derive(Arbitrary, Debug)]
enum Value {
    Any(u64),
    /// Beside a bound, where mistakes live.
    Near {
        bound: u8,
        offset: i8,
    },
    Float(f64),
}

impl Bounds {
    fn list(&self) -> Vec<u64> {
        match self {
            Self::Raw(bounds) => bounds.clone(),
            Self::Sorted(sizes) => {
                let mut bounds: Vec<_> = sizes.iter().map(|(size, shift)| 1 + ((size % HIGHEST) >> (shift % 44))).collect();
                bounds.sort_unstable();
                bounds.dedup();
                bounds
            }
            Self::Neighbours { first, steps } => {
                let mut bound = first % HIGHEST;
                let next = |step: &u8| {
                    bound += 1 + u64::from(*step % 4);
                    bound
                };
                steps.iter().map(next).collect()
            }
        }
    }
}

/// What the documentation of `Buckets::bytes` promises to take.
fn acceptable(bounds: &[u64]) -> bool {
    (1..=126).contains(&bounds.len())
        && bounds.iter().all(|&bound| (1..=HIGHEST).contains(&bound))
        && bounds.windows(2).all(|pair| pair[0] < pair[1])
}

fuzz_target!(|input: Input| {
    let bounds = input.bounds.list();
    let Ok(buckets) = Buckets::bytes(&bounds) else {
        assert!(!acceptable(&bounds), "good bounds were refused: {bounds:?}");
        return;
    };
    assert!(acceptable(&bounds), "bad bounds were taken: {bounds:?}");
    let last = bounds[bounds.len() - 1];
    // What the documentation of `Buckets::highest_trackable` says the default is.
    let (resolution, default) = match input.resolution % 3 {
        0 => (Resolution::Classic, HIGHEST),
        1 => (Resolution::Native, HIGHEST),
        _ => (Resolution::Hdr, last.max(1 << 34)),
    };
    let mut buckets = buckets.resolution(resolution);
    let highest = input.trackable.map_or(default, |above| (last + above % HIGHEST).min(HIGHEST));
    if input.trackable.is_some() {
        buckets = buckets.highest_trackable(highest).expect("from the last bound up to 2^44");
    }

    let registry = Registry::new();
    let histogram = registry.histogram("size_bytes", "Sizes.", buckets).expect("a valid name in an empty registry");
    // Observations by bucket, found one bound at a time, their sum, and all of them.
    let mut counts = vec![0u64; bounds.len() + 1];
    let mut sum = 0u64;
    let mut sorted = Vec::new();
    let mut expect = |value: u64| {
        let value = value.min(highest);
        sorted.push(value);
        counts[bounds.iter().filter(|&&bound| value > bound).count()] += 1;
        sum += value;
    };
    for value in input.values.iter().take(MOST_VALUES) {
        match *value {
            Value::Any(value) => {
                histogram.observe(value);
                expect(value);
            }
            Value::Near { bound, offset } => {
                let bound = bounds[usize::from(bound) % bounds.len()];
                let value = bound.saturating_add_signed(i64::from(offset));
                histogram.observe(value);
                expect(value);
            }
            Value::Float(value) => {
                histogram.observe_f64(value);
                if value.is_finite() && value >= 0.0 {
                    // `as` saturates.
                    expect(value.round() as u64);
                }
            }
        }
    }
    assert_eq!(histogram.count(), counts.iter().sum::<u64>());
    assert_eq!(histogram.sum(), sum as f64);

    let snapshot = registry.snapshot();
    let lines: Vec<_> =
        snapshot.text().lines().filter_map(|line| line.strip_prefix("size_bytes_bucket{le=\"")?.split_once("\"} ")).collect();
    assert_eq!(lines.len(), counts.len(), "{}", snapshot.text());
    let mut cumulative = 0;
    let limits = bounds.iter().map(|&bound| bound as f64).chain([f64::INFINITY]);
    for ((limit, count), (le, held)) in limits.zip(counts).zip(lines) {
        cumulative += count;
        assert_eq!(le.parse(), Ok(limit));
        assert_eq!(held.parse(), Ok(cumulative), "up to {le} of {bounds:?}");
    }

    sorted.sort_unstable();
    let family = snapshot.family("size_bytes").expect("the only family");
    let Some(Kind::Histogram(value)) = family.series().next().map(|series| series.value) else {
        panic!("the only series is a histogram");
    };
    // Tenths: the rank in whole numbers.
    for tenth in 0..=10 {
        let rank = (tenth * sorted.len()).div_ceil(10).max(1);
        let quantile = value.quantile(tenth as f64 / 10.0);
        let Some(&exact) = sorted.get(rank - 1) else {
            assert_eq!(quantile, None);
            continue;
        };
        let got = quantile.expect("something was observed") as u64;
        let most = match resolution {
            // The bound above, or the last one.
            Resolution::Classic => bounds.iter().copied().find(|&bound| bound >= exact).unwrap_or(last),
            // An eighth of a power of two is less than 1 in 11.
            Resolution::Native => exact + exact / 11,
            _ => exact + exact / 128,
        };
        let told_as_bound = resolution == Resolution::Classic && got == last;
        assert!(got <= most && (got >= exact || told_as_bound), "{got} for {exact}");
    }
});
