//! The `metrics` facade: what its macros count stands in a registry, as in the exporter whose place it takes, and nothing is lost.

use std::collections::BTreeMap;

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram, with_local_recorder};
use metrics_exporter_prometheus::PrometheusBuilder;
use proptest::prelude::*;
use tachograph::facade::{Facade, Recorder};
use tachograph::{Buckets, Registry, Value};

fn recorder() -> (Registry, Recorder) {
    let registry = Registry::new();
    let recorder = Facade::new(&registry).recorder();
    (registry, recorder)
}

/// The lines that have values, without histograms' buckets.
fn samples(text: &str) -> Vec<&str> {
    text.lines().filter(|line| !line.starts_with('#') && !line.contains("_bucket{")).collect()
}

#[test]
fn a_key_is_its_labels_in_any_order() {
    let (registry, recorder) = recorder();
    with_local_recorder(&recorder, || {
        counter!("jobs", "queue" => "mail", "result" => "ok").increment(1);
        counter!("jobs", "result" => "ok", "queue" => "mail").increment(2);
        counter!("jobs", "queue" => "mail").increment(4);
        counter!("jobs", "queue" => "mail", "result" => "").increment(8);
        counter!("jobs", "result" => "mail").increment(16);
        counter!("jobs").increment(32);
        counter!("jobs", "queue" => "first", "queue" => "mail").increment(64);
    });
    assert_eq!(
        registry.snapshot().text(),
        "# HELP jobs_total \n# TYPE jobs_total counter\njobs_total 32\njobs_total{queue=\"mail\"} 76\n\
         jobs_total{result=\"mail\"} 16\njobs_total{queue=\"mail\",result=\"ok\"} 3\n"
    );
    assert_eq!(registry.snapshot().series_count(), 4);
}

#[test]
fn metrics_of_one_name_are_kept_apart() {
    let (registry, recorder) = recorder();
    registry.gauge("taken", "").unwrap();
    with_local_recorder(&recorder, || {
        counter!("a").increment(1);
        gauge!("a").set(2.0);
        histogram!("a").record(3.0);
        gauge!("b.c").set(4.0);
        gauge!("b_c").set(5.0);
        gauge!("b-c").set(6.0);
        gauge!("taken").set(7.0);
        histogram!("d_total").record(8.0);
        counter!("d").increment(9);
        gauge!("_e", "_f" => "1", "__name__" => "2").set(10.0);
    });
    let snapshot = registry.snapshot();
    assert_eq!(
        samples(snapshot.text()),
        [
            "a_gauge 2",
            "a_histogram_sum 3",
            "a_histogram_count 1",
            "a_total 1",
            "b_c_gauge_2 6",
            "b_c 4",
            "b_c_gauge 5",
            "d_total 9",
            "d_total_histogram_sum 8",
            "d_total_histogram_count 1",
            "metric__e{label___name__=\"2\",label__f=\"1\"} 10",
            "taken 0",
            "taken_gauge 7",
        ]
    );
}

#[test]
fn labels_that_would_meet_are_kept_apart() {
    let registry = Registry::with_labels([("service", "api")]).unwrap();
    let recorder = Facade::new(&registry).recorder();
    with_local_recorder(&recorder, || {
        gauge!("g", "a.b" => "1", "service" => "2").set(1.0);
        gauge!("g", "a_b" => "1", "service" => "2").set(2.0);
        gauge!("g", "a-b" => "1", "a_b" => "2", "a.b" => "3").set(3.0);
        histogram!("h", "le" => "x").record(1.0);
    });
    let snapshot = registry.snapshot();
    let text = snapshot.text();
    for line in [
        "g{service=\"api\",a_b=\"1\",exported_service=\"2\"} 1",
        "g{service=\"api\",exported_a_b=\"1\",exported_service=\"2\"} 2",
        "g{service=\"api\",exported_a_b_2=\"1\",a_b=\"3\",exported_a_b=\"2\"} 3",
        "h_count{service=\"api\",exported_le=\"x\"} 1",
    ] {
        assert!(samples(text).contains(&line), "{line} is not in\n{text}");
    }
    tachograph_check::parse(text.as_bytes()).unwrap();
}

#[test]
fn descriptions_hold_whenever_they_come() {
    let (registry, recorder) = recorder();
    with_local_recorder(&recorder, || {
        describe_counter!("sent_bytes", Unit::Bytes, "Bytes sent.");
        counter!("sent_bytes").increment(1);
        gauge!("heat").set(20.0);
        describe_gauge!("heat", "How warm it is.");
        describe_histogram!("wait", Unit::Milliseconds, "Time waited.");
        histogram!("wait").record(2.0);
    });
    let snapshot = registry.snapshot();
    let told = |name: &str| {
        let descriptor = snapshot.family(name).unwrap().descriptor();
        (descriptor.help().to_owned(), descriptor.unit().map(str::to_owned))
    };
    assert_eq!(told("sent_bytes_total"), ("Bytes sent.".into(), Some("bytes".into())));
    assert_eq!(told("heat"), ("How warm it is.".into(), None));
    assert_eq!(told("wait"), ("Time waited.".into(), None));
    assert!(snapshot.text().contains("wait_bucket{le=\"1\"} 0\nwait_bucket{le=\"2.5\"} 1\n"));
}

#[test]
fn past_the_limit_series_count_together() {
    let registry = Registry::new();
    registry.register_engine_metrics().unwrap();
    let recorder = Facade::new(&registry).limit(3).recorder();
    with_local_recorder(&recorder, || {
        for n in 0..10 {
            counter!("a", "n" => n.to_string()).increment(1);
            counter!("a", "n" => n.to_string()).increment(1);
        }
        counter!("a").increment(1);
        for n in 0..100 {
            counter!("b", format!("label_{n}") => "x").increment(1);
        }
    });
    let snapshot = registry.snapshot();
    let text = snapshot.text();
    for line in [
        "a_total{n=\"2\"} 2",
        "a_total{n=\"other\"} 14",
        "a_total 1",
        "b_total{label_2=\"x\"} 1",
        "b_total{label_3=\"other\"} 1",
        "b_total{label_62=\"other\"} 1",
        "b_total{labels=\"other\"} 36",
        "tachograph_series_refused_total{family=\"a_total\"} 15",
        "tachograph_series_refused_total{family=\"b_total\"} 97",
    ] {
        assert!(samples(text).contains(&line), "{line} is not in\n{text}");
    }
}

#[test]
fn threads_count_exactly_beside_snapshots_and_may_end_in_between() {
    let (registry, recorder) = recorder();
    let mut before = 0.0;
    for _ in 0..4 {
        std::thread::scope(|scope| {
            // The exporter loses observations while it reads them out.
            scope.spawn(|| {
                for _ in 0..200 {
                    let snapshot = registry.snapshot();
                    let Some(family) = snapshot.family("h") else { continue };
                    let Value::Histogram(value) = family.series().next().unwrap().value else { panic!("it is a histogram") };
                    assert_eq!(value.sum(), 2.0 * value.count() as f64);
                    assert!(value.sum() >= before);
                    before = value.sum();
                }
            });
            for thread in 0..4_u64 {
                let recorder = &recorder;
                scope.spawn(move || {
                    with_local_recorder(recorder, || {
                        for n in 0..10_000_u64 {
                            counter!("c", "n" => (n % 7).to_string()).increment(thread);
                            histogram!("h").record(2.0);
                            gauge!("g").increment(1.0);
                        }
                    });
                });
            }
        });
    }
    let text = registry.snapshot();
    let sum: u64 = (0..7).map(|n| value(text.text(), &format!("c_total{{n=\"{n}\"}}")) as u64).sum();
    assert_eq!(sum, 4 * 10_000 * (1 + 2 + 3));
    assert_eq!((value(text.text(), "h_count"), value(text.text(), "h_sum")), (160_000.0, 320_000.0));
    assert_eq!(value(text.text(), "g"), 160_000.0);
}

#[test]
fn more_keys_than_a_thread_holds_are_found_again() {
    let registry = Registry::new();
    let recorder = Facade::new(&registry).limit(20_000).recorder();
    with_local_recorder(&recorder, || {
        for n in (0..10_000).chain(0..10_000) {
            counter!("c", "n" => n.to_string()).increment(1);
        }
    });
    let snapshot = registry.snapshot();
    assert_eq!(snapshot.series_count(), 10_000);
    assert!(samples(snapshot.text()).iter().all(|line| line.ends_with(" 2")));
}

#[test]
fn a_recorder_that_is_gone_is_not_mistaken_for_the_next() {
    for n in 1..100 {
        let (registry, recorder) = recorder();
        with_local_recorder(&recorder, || counter!("c").increment(n));
        assert_eq!(value(registry.snapshot().text(), "c_total"), n as f64);
    }
}

#[test]
fn absolute_raises_and_never_lowers() {
    let (registry, recorder) = recorder();
    with_local_recorder(&recorder, || {
        let counted = counter!("c");
        counted.increment(5);
        counted.absolute(3);
        assert_eq!(value(registry.snapshot().text(), "c_total"), 5.0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..=1_000).for_each(|n| counted.absolute(n)));
            }
        });
        assert_eq!(value(registry.snapshot().text(), "c_total"), 1_000.0);
        counted.increment(1);
        assert_eq!(value(registry.snapshot().text(), "c_total"), 1_001.0);
    });
}

#[test]
fn buckets_may_be_chosen_by_code_that_counts() {
    let registry = Registry::new();
    let choose = |name: &str| {
        counter!("asked", "for" => name.to_owned()).increment(1);
        Some(Buckets::whole(&[1]).unwrap())
    };
    let recorder = Facade::new(&registry).buckets(choose).recorder();
    with_local_recorder(&recorder, || histogram!("h").record(1.0));
    assert!(registry.snapshot().text().contains("asked_total{for=\"h\"} 1\n"));
}

fn value(text: &str, sample: &str) -> f64 {
    let found = text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("{sample} is not in\n{text}")).parse().unwrap()
}

/// What a program under test does.
#[derive(Clone, Debug)]
enum Step {
    Increment(u64),
    Absolute(u64),
    Add(f64),
    Subtract(f64),
    Set(f64),
    Record(f64),
}

impl Step {
    fn take(&self, metric: usize, labels: &[(&'static str, String)]) {
        let labels = labels.to_vec();
        match *self {
            Step::Increment(n) => counter!(["a", "b.c", "d_total"][metric], &labels).increment(n),
            Step::Absolute(n) => counter!(["a", "b.c", "d_total"][metric], &labels).absolute(n),
            Step::Add(x) => gauge!(["e", "f/g", "h:i"][metric], &labels).increment(x),
            Step::Subtract(x) => gauge!(["e", "f/g", "h:i"][metric], &labels).decrement(x),
            Step::Set(x) => gauge!(["e", "f/g", "h:i"][metric], &labels).set(x),
            Step::Record(x) => histogram!(["j", "k.l", "m_seconds"][metric], &labels).record(x),
        }
    }
}

fn step() -> impl Strategy<Value = Step> {
    // Quarters add up without rounding, in whatever order.
    let quarters = (0..400_u32).prop_map(|n| f64::from(n) / 4.0);
    prop_oneof![
        (0..9_u64).prop_map(Step::Increment),
        (0..90_u64).prop_map(Step::Absolute),
        quarters.clone().prop_map(Step::Add),
        quarters.clone().prop_map(Step::Subtract),
        quarters.clone().prop_map(Step::Set),
        quarters.prop_map(Step::Record),
    ]
}

fn labels() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    // Without backslashes: the exporter takes one and two for the same.
    let value = "[ab\"\n,=}]{1,2}";
    prop_oneof![
        Just(Vec::new()),
        value.prop_map(|x| vec![("x", x)]),
        (value, value).prop_map(|(x, y)| vec![("x", x), ("y.z", y)]),
        (value, value).prop_map(|(x, y)| vec![("y.z", y), ("x", x)]),
        value.prop_map(|y| vec![("y.z", y)]),
    ]
}

/// Samples by name and sorted labels. The counters of the exporter get the ending that ours have.
fn parsed(text: &str) -> BTreeMap<(String, Vec<String>), f64> {
    let mut counters = Vec::new();
    let mut samples = BTreeMap::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(name) = line.strip_prefix("# TYPE ").and_then(|rest| rest.strip_suffix(" counter")) {
            counters.push(name.to_owned());
        }
        if line.starts_with('#') {
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        let mut name = name.to_owned();
        if counters.contains(&name) && !name.ends_with("_total") {
            name.push_str("_total");
        }
        let mut labels: Vec<String> = split(labels.strip_suffix('}').unwrap());
        labels.sort();
        assert!(samples.insert((name, labels), value.parse().unwrap()).is_none(), "{line} is there twice");
    }
    samples
}

/// Labels apart, by commas that no quotes are around.
fn split(labels: &str) -> Vec<String> {
    let (mut parts, mut quoted, mut escaped) = (vec![String::new()], false, false);
    for letter in labels.chars() {
        match letter {
            ',' if !quoted => parts.push(String::new()),
            letter => {
                quoted ^= letter == '"' && !escaped;
                escaped = letter == '\\' && !escaped;
                parts.last_mut().unwrap().push(letter);
            }
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

proptest! {
    #[test]
    fn a_program_counts_the_same_as_in_the_exporter(
        steps in prop::collection::vec((step(), 0..3_usize, labels()), 0..60),
    ) {
        const BOUNDS: [f64; 3] = [0.5, 2.5, 50.0];
        let exporter = PrometheusBuilder::new().set_buckets(&BOUNDS).unwrap().build_recorder();
        let registry = Registry::new();
        let ours = Facade::new(&registry).buckets(|_| Some(Buckets::decimal(&BOUNDS).unwrap())).recorder();
        for recorder in [&exporter as &dyn metrics::Recorder, &ours] {
            with_local_recorder(recorder, || steps.iter().for_each(|(step, metric, labels)| step.take(*metric, labels)));
        }
        let snapshot = registry.snapshot();
        tachograph_check::parse(snapshot.text().as_bytes()).unwrap();
        prop_assert_eq!(parsed(snapshot.text()), parsed(&exporter.handle().render()));
    }
}
