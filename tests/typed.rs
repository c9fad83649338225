//! Typed label sets, as a user meets them.

use std::collections::HashMap;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use proptest::prelude::*;
use tachograph::{Buckets, Counter, LabelSet, LabelValue, RegisterError, Registry, TypedFamily};
use tachograph_check::Exposition;

#[derive(Clone, Copy, Debug, LabelValue)]
enum Method {
    #[label("GET")]
    Get,
    #[label("PO\"ST\\")]
    Post,
    AnyOther,
}

#[derive(Clone, Debug, LabelSet)]
struct Dense {
    method: Method,
    #[label(range = -1..=2)]
    retries: i8,
    cached: bool,
    #[label(rename = "type", values("scene", "other", "mesh"))]
    kind: &'static str,
}

#[derive(Clone, Debug, LabelSet)]
#[label(limit = 10)]
struct Mixed<'a, 'b> {
    path: &'a str,
    method: Method,
    r#type: &'b str,
    #[label(range = 0..=255)]
    byte: u8,
}

fn scrape(registry: &Registry) -> Exposition {
    tachograph_check::parse(registry.snapshot().text().as_bytes()).unwrap()
}

/// What a scrape shall say of a method, spelt out once more.
fn method_text(method: Method) -> &'static str {
    match method {
        Method::Get => "GET",
        Method::Post => "PO\"ST\\",
        Method::AnyOther => "any_other",
    }
}

fn method() -> impl Strategy<Value = Method> {
    prop_oneof![Just(Method::Get), Just(Method::Post), Just(Method::AnyOther)]
}

fn dense() -> impl Strategy<Value = Dense> {
    (method(), -4i8..6, any::<bool>(), prop::sample::select(vec!["scene", "other", "mesh", "sound", ""]))
        .prop_map(|(method, retries, cached, kind)| Dense { method, retries, cached, kind })
}

/// Values of all samples by their label values, in the order of the scrape.
fn samples(scrape: &Exposition, name: &str) -> Vec<(Vec<String>, f64)> {
    let samples = scrape.samples().filter(|sample| sample.name == name);
    samples.map(|sample| (sample.labels.iter().map(|(_, value)| value.clone()).collect(), sample.value)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn dense_families_count_like_a_map_by_texts(steps in prop::collection::vec((dense(), 0u64..100), 0..100)) {
        let registry = Registry::new();
        let counters = registry.typed_counter_family::<Dense>("a_total", "").unwrap();
        let gauges = registry.typed_gauge_family::<Dense>("b", "").unwrap();
        let up_down = registry.typed_up_down_counter_family::<Dense>("c", "").unwrap();
        let floats = registry.typed_float_counter_family::<Dense>("e_total", "").unwrap();
        let sizes = registry.typed_histogram_family::<Dense>("d", "", Buckets::whole(&[10, 50]).unwrap()).unwrap();
        let mut map: HashMap<Vec<String>, Vec<u64>> = HashMap::new();
        for (at, (labels, n)) in steps.iter().enumerate() {
            if at % 2 == 0 {
                counters.inc_by(labels, *n);
            } else {
                counters.handle(labels).inc_by(*n);
            }
            gauges.set(labels, *n as f64);
            up_down.inc_by(labels, *n as i64);
            up_down.inc(labels);
            up_down.dec(labels);
            floats.inc_by(labels, *n as f64 / 4.0);
            sizes.observe(labels, *n);
            let retries = if (-1..=2).contains(&labels.retries) { labels.retries.to_string() } else { "other".into() };
            let kind = if ["scene", "mesh"].contains(&labels.kind) { labels.kind } else { "other" };
            let texts = vec![method_text(labels.method).into(), retries, labels.cached.to_string(), kind.into()];
            map.entry(texts).or_default().push(*n);
        }
        prop_assert_eq!(counters.len(), map.len());
        let scrape = scrape(&registry);
        let mut expected: Vec<_> = map.into_iter().collect();
        expected.sort();
        let of = |value: fn(&[u64]) -> f64| expected.iter().map(|(labels, n)| (labels.clone(), value(n))).collect::<Vec<_>>();
        let sum = |n: &[u64]| n.iter().sum::<u64>() as f64;
        prop_assert_eq!(samples(&scrape, "a_total"), of(sum));
        prop_assert_eq!(samples(&scrape, "b"), of(|n| n[n.len() - 1] as f64));
        prop_assert_eq!(samples(&scrape, "c"), of(sum));
        prop_assert_eq!(samples(&scrape, "e_total"), of(|n| n.iter().sum::<u64>() as f64 / 4.0));
        prop_assert_eq!(samples(&scrape, "d_sum"), of(sum));
        prop_assert_eq!(samples(&scrape, "d_count"), of(|n| n.len() as f64));
    }

    #[test]
    fn families_with_strings_count_like_a_map_until_the_limit_and_lose_nothing_past_it(
        steps in prop::collection::vec(("[ab\"\\\\\n]{0,2}", method(), "[xy]{0,1}", any::<u8>()), 0..60),
    ) {
        let registry = Registry::new();
        registry.register_engine_metrics().unwrap();
        let family = registry.typed_counter_family::<Mixed>("a_total", "").unwrap();
        let mut map: HashMap<Vec<String>, f64> = HashMap::new();
        let mut refused = 0.0;
        let mut others = 0;
        for (path, method, kind, byte) in &steps {
            family.inc(&Mixed { path, method: *method, r#type: kind, byte: *byte });
            let texts = |path: &str, kind: &str| vec![path.into(), method_text(*method).into(), kind.into(), byte.to_string()];
            let mut labels = texts(path, kind);
            if !map.contains_key(&labels) && map.len() >= 10 {
                labels = texts("other", "other");
                refused += 1.0;
                others += usize::from(!map.contains_key(&labels));
            }
            *map.entry(labels).or_default() += 1.0;
        }
        prop_assert!(family.len() <= 10 + others);
        let scrape = scrape(&registry);
        let mut expected: Vec<_> = map.into_iter().collect();
        expected.sort_by(|(a, _), (b, _)| a.cmp(b));
        prop_assert_eq!(samples(&scrape, "a_total"), expected);
        let told = scrape.value("tachograph_series_refused_total", &[("family", "a_total")]).unwrap_or(0.0);
        prop_assert_eq!(told, refused);
    }
}

#[test]
fn a_scrape_shows_the_labels_in_the_order_of_the_fields() {
    let registry = Registry::new();
    let family = registry.typed_counter_family::<Mixed>("a_total", "Help.").unwrap();
    family.inc(&Mixed { path: "/b", method: Method::Post, r#type: "t", byte: 255 });
    family.inc_by(&Mixed { path: "/a\n", method: Method::AnyOther, r#type: "", byte: 7 }, 3);
    assert_eq!(
        registry.snapshot().text(),
        r#"# HELP a_total Help.
# TYPE a_total counter
a_total{path="/a\n",method="any_other",type="",byte="7"} 3
a_total{path="/b",method="PO\"ST\\",type="t",byte="255"} 1
"#
    );
}

#[test]
fn all_series_of_a_dense_set_can_be_declared() {
    let registry = Registry::new();
    let family = registry.typed_histogram_family::<Dense>("a", "", Buckets::whole(&[1]).unwrap()).unwrap();
    let labels = Dense { method: Method::Get, retries: 0, cached: true, kind: "mesh" };
    family.observe_duration(&labels, Duration::from_nanos(5));
    family.declare_all();
    family.declare_all();
    assert_eq!(family.len(), 3 * 5 * 2 * 3);
    let scrape = scrape(&registry);
    assert_eq!(samples(&scrape, "a_count").len(), 90);
    assert_eq!(scrape.sum("a_count", |_| true), 1.0);
    assert_eq!(family.handle(&labels).count(), 1);
    assert_eq!(Dense::LABELS.iter().map(|label| label.values().unwrap().len()).product::<usize>(), 90);
}

#[test]
fn a_typed_histogram_knows_its_unit() {
    let registry = Registry::new();
    registry.typed_histogram_family::<Dense>("wait_seconds", "", Buckets::seconds(&[1.0]).unwrap()).unwrap();
    assert_eq!(registry.snapshot().family("wait_seconds").unwrap().descriptor().unit(), Some("seconds"));
}

#[test]
fn refused_observations_are_counted_in_typed_families_too() {
    let registry = Registry::new();
    registry.register_engine_metrics().unwrap();
    let family = registry.typed_histogram_family::<Dense>("a", "", Buckets::whole(&[1]).unwrap()).unwrap();
    let labels = Dense { method: Method::Get, retries: 0, cached: true, kind: "mesh" };
    for value in [f64::NAN, -1.0, 2.0] {
        family.observe_f64(&labels, value);
    }
    let scrape = scrape(&registry);
    assert_eq!(scrape.sum("a_count", |_| true), 1.0);
    assert_eq!(scrape.value("tachograph_observations_refused_total", &[]), Some(2.0));
}

/// What a service keeps; the strings that it counts live shorter.
struct Kept {
    loads: TypedFamily<Counter, Mixed<'static, 'static>>,
}

#[test]
fn threads_that_meet_at_new_series_count_into_the_same_ones() {
    const THREADS: usize = 4;
    const ROUNDS: usize = 200;
    let registry = Registry::new();
    let dense = registry.typed_counter_family::<Dense>("a_total", "").unwrap();
    let kept = Kept { loads: registry.typed_counter_family("b_total", "").unwrap() };
    let barrier = Barrier::new(THREADS);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for round in 0..ROUNDS {
                    barrier.wait();
                    let method = [Method::Get, Method::Post, Method::AnyOther][round % 3];
                    let retries = (round / 3 % 5) as i8;
                    dense.inc(&Dense { method, retries, cached: round / 15 % 2 == 0, kind: "mesh" });
                    let path = format!("/{}", round % 20);
                    kept.loads.clone().inc(&Mixed { path: &path, method, r#type: "", byte: round as u8 });
                }
            });
        }
    });
    let scrape = scrape(&registry);
    let total = (THREADS * ROUNDS) as f64;
    assert_eq!(scrape.sum("a_total", |_| true), total);
    assert_eq!(scrape.sum("b_total", |_| true), total);
    // Of the five numbers of retries two are `other`.
    assert_eq!(dense.len(), 3 * 4 * 2);
    assert!(kept.loads.len() <= 10 + 3 * 256);
}

#[derive(LabelSet)]
struct Answer {
    #[label(rename = "code")]
    ok: bool,
}

#[test]
fn typed_families_clash_like_any_others() {
    let registry = Registry::new();
    registry.typed_gauge_family::<Answer>("a", "").unwrap().set(&Answer { ok: true }, 2.5);
    let error = registry.typed_counter_family::<Answer>("a_total", "").unwrap_err();
    assert!(matches!(error, RegisterError::Clash { .. }), "{error}");
    assert!(registry.typed_counter_family::<Answer>("b", "").is_err());
    assert_eq!(scrape(&registry).value("a", &[("code", "true")]), Some(2.5));
}
