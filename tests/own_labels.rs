//! Labels of a registry itself: on every sample, before its own, and never twice.

use std::time::Duration;

use proptest::prelude::*;
use tachograph::http::{Exchange, HttpMetrics, HttpOptions, Method};
use tachograph::{Buckets, Collector, Descriptor, Kind, RegisterError, Registry, Sink, Snapshot};
use tachograph_check::Exposition;

fn scrape(registry: &Registry) -> Exposition {
    let text = registry.snapshot().text().to_owned();
    tachograph_check::parse(text.as_bytes()).unwrap_or_else(|finding| panic!("{finding}\n{text}"))
}

/// A gauge with the labels that it is given.
struct Pool(Vec<(&'static str, &'static str)>);

impl Collector for Pool {
    fn describe(&self) -> Result<Vec<Descriptor>, RegisterError> {
        Ok(vec![Descriptor::new("pool_connections", Kind::Gauge, "")?])
    }

    fn collect(&self, sink: &mut Sink<'_>) {
        sink.gauge("pool_connections", &self.0, 3.0);
    }
}

/// Registers one of everything, and writes the same into it each time.
fn fill(registry: &Registry) {
    let http = HttpMetrics::register(registry, HttpOptions::default()).unwrap();
    let exchange =
        Exchange { method: Method::Get, status: 200, duration: Duration::from_millis(1), request_bytes: 1, response_bytes: 1 };
    http.observe("/a", &exchange);
    registry.counter("jobs_total", "").unwrap().inc();
    registry.float_counter_family("busy_seconds_total", "", ["core"]).unwrap().inc_by(["0"], 0.5);
    registry.histogram("wait_seconds", "", Buckets::seconds(&[1.0]).unwrap()).unwrap().observe(1);
    registry.gauge_histogram("file_bytes", "", Buckets::bytes(&[1]).unwrap()).unwrap();
    registry.state_set("breaker", "", &["open", "closed"]).unwrap();
    registry.info("module_info", "", [("name", "a")]).unwrap();
    registry.register_collector("pool", Pool(vec![("state", "idle")])).unwrap();
}

/// Whether a sample's value may differ between two registries that were filled alike.
fn varies(name: &str) -> bool {
    name.starts_with("tachograph_")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn every_sample_has_them_first_and_is_the_same_otherwise(values in ["[\\\\\"\n\r{},= a]{1,8}", "\\PC{1,8}"]) {
        let own = [("service", values[0].as_str()), ("zone", values[1].as_str())];
        let (plain, labelled) = (Registry::new(), Registry::with_labels(own).unwrap());
        fill(&plain);
        fill(&labelled);
        let (plain, labelled) = (scrape(&plain), scrape(&labelled));
        prop_assert_eq!(plain.samples().count(), labelled.samples().count());
        for (plain, labelled) in plain.samples().zip(labelled.samples()) {
            prop_assert_eq!(&plain.name, &labelled.name);
            let (first, rest) = labelled.labels.split_at(own.len());
            let owned = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
            prop_assert_eq!(first, &owned[..]);
            prop_assert_eq!(rest, &plain.labels[..]);
            prop_assert!(varies(&plain.name) || plain.text == labelled.text, "{} {}", plain.text, labelled.text);
        }
    }
}

#[test]
fn labels_that_would_break_a_scrape_are_refused_at_once() {
    for (labels, what) in [
        (&[("le", "1")][..], "histogram"),
        (&[("quantile", "1")], "summaries"),
        (&[("a", "1"), ("a", "2")], "twice"),
        (&[("a.b", "1"), ("a-b", "2")], "twice"),
        (&[("__name__", "1")], "letter"),
        (&[("", "1")], "letter"),
    ] {
        let error = Registry::with_labels(labels.iter().copied()).unwrap_err();
        assert!(matches!(error, RegisterError::InvalidOwnLabel { .. }) && error.to_string().contains(what), "{error}");
    }
}

#[test]
fn an_empty_label_is_left_out_and_its_name_is_free() {
    let registry = Registry::with_labels([("service", ""), ("zone", "b")]).unwrap();
    let jobs = registry.counter_family("jobs_total", "", ["service"]).unwrap();
    jobs.inc(["api"]);
    assert_eq!(scrape(&registry).value("jobs_total", &[("zone", "b"), ("service", "api")]), Some(1.0));
}

#[test]
fn a_family_whose_label_a_registry_has_is_refused_whatever_it_is() {
    let refuses = |own: &'static str, register: &dyn Fn(&Registry) -> Result<(), RegisterError>| {
        let registry = Registry::with_labels([(own, "1")]).unwrap();
        let error = register(&registry).unwrap_err();
        assert!(matches!(&error, RegisterError::InvalidLabel { label, .. } if label == own), "{error}");
    };
    let buckets = || Buckets::bytes(&[1]).unwrap();
    refuses("a", &|registry| registry.counter_family("jobs_total", "", ["b", "a"]).map(drop));
    refuses("a", &|registry| registry.histogram_family("file_bytes", "", ["a"], buckets()).map(drop));
    refuses("a", &|registry| registry.info("a_info", "", [("a", "")]).map(drop));
    refuses("breaker", &|registry| registry.state_set("breaker", "", &["open"]).map(drop));
    for own in ["version", "profile", "os", "arch"] {
        refuses(own, &Registry::register_engine_metrics);
    }
    refuses("method", &|registry| HttpMetrics::register(registry, HttpOptions::default()).map(drop));
}

#[test]
fn a_series_has_64_labels_at_most_with_those_of_its_registry_and_comes_back_from_bytes() {
    let names: Vec<String> = (0..65).map(|at| format!("own{at}")).collect();
    let registry = |own: usize| Registry::with_labels(names[..own].iter().map(|name| (name.as_str(), "1")));
    let error = registry(65).unwrap_err();
    assert!(matches!(&error, RegisterError::InvalidOwnLabel { label, .. } if label == "own64"), "{error}");
    assert!(registry(64).unwrap().gauge_family("g", "", ["a"]).is_err());

    let registry = registry(60).unwrap();
    registry.register_engine_metrics().unwrap();
    let error = registry.gauge_family("g", "", ["a", "b", "c", "d", "e"]).unwrap_err();
    assert!(matches!(&error, RegisterError::InvalidLabel { label, .. } if label == "e"), "{error}");
    registry.gauge_family("g", "", ["a", "b", "c", "d"]).unwrap().set(["1", "2", "3", "4"], 3.0);
    registry.register_collector("pool", Pool(vec![("a", "1"), ("b", "2"), ("c", "3"), ("d", "4"), ("e", "5")])).unwrap();
    let snapshot = registry.snapshot();
    assert_eq!(snapshot.family("pool_connections").unwrap().len(), 0);
    assert_eq!(Snapshot::decode(&snapshot.encode()).unwrap().text(), snapshot.text());
}

#[test]
fn a_collector_that_gives_a_label_of_the_registrys_is_left_out() {
    let registry = Registry::with_labels([("state", "1")]).unwrap();
    registry.register_engine_metrics().unwrap();
    registry.register_collector("pool", Pool(vec![("state", "idle")])).unwrap();
    registry.snapshot();
    let scrape = scrape(&registry);
    assert!(scrape.family("pool_connections").unwrap().samples.is_empty());
    let labels = [("state", "1"), ("collector", "pool"), ("reason", "refused")];
    assert_eq!(scrape.value("tachograph_collector_failures_total", &labels), Some(1.0));
}
