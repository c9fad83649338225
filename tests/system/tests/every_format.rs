//! Whatever format a real Prometheus scrapes in, it holds the same series: those that the scrape tells a reader of ours.

#[path = "../../support/everything.rs"]
mod everything;

use system::api::SeriesValues;
use system::exporter::Exporter;
use system::prometheus::{Generation, Prometheus, Setup};
use system::proxy::Proxy;
use system::sent::{assert_same, comparable, name, native, sent};
use system::stored::{ACCEPTS, ACCEPTS_NATIVE, Stored};
use system::understood::OPENMETRICS;
use tachograph::exposition::Encoding;

/// The family that has native buckets.
const NATIVE: &str = "size_bytes";

#[test]
fn prometheus_holds_what_was_sent_in_every_format() {
    let registry = everything::registry();
    let stored = Stored::of(&registry);
    assert_same(&comparable(stored.prometheus.series("text")), &sent(&registry, Encoding::TEXT));
    let mut expected = sent(&registry, OPENMETRICS);
    assert_same(&comparable(stored.prometheus.series("openmetrics")), &expected);

    let held = comparable(stored.prometheus.series("protobuf"));
    // What has native buckets loses the classic ones.
    let native = native(&expected, NATIVE);
    expected.retain(|labels, _| !name(labels).starts_with(NATIVE));
    expected.extend(native);
    assert_same(&held, &as_histograms(expected));
}

#[test]
fn a_newer_prometheus_holds_native_and_classic_histograms() {
    let registry = everything::registry();
    let stored = Stored::in_prometheus(&registry, |mut setup| {
        setup.generation = Generation::Trixie;
        setup.jobs.iter_mut().for_each(|job| job.options = &["scrape_classic_histograms: true"]);
        setup
    });
    assert_same(&comparable(stored.prometheus.series("text")), &sent(&registry, Encoding::TEXT));
    let mut expected = sent(&registry, OPENMETRICS);
    assert_same(&comparable(stored.prometheus.series("openmetrics")), &expected);

    expected.extend(native(&expected, NATIVE));
    assert_same(&comparable(stored.prometheus.series("protobuf")), &as_histograms(expected));
}

/// What OpenMetrics told, with sum and count of the gauge histogram called as in protobuf, where it is a histogram.
fn as_histograms(series: SeriesValues) -> SeriesValues {
    let renamed = series.into_iter().map(|(mut labels, value)| {
        let as_any = name(&labels).replace("file_bytes_g", "file_bytes_");
        labels.insert("__name__".to_owned(), as_any);
        (labels, value)
    });
    renamed.collect()
}

#[test]
fn prometheus_gets_compressed_openmetrics_or_protobuf_as_it_asks() {
    let registry = everything::registry();
    let exporter = Exporter::serving(&registry);
    let proxies = [(); 2].map(|()| Proxy::new(exporter.address(), None));
    let [plain, native] = &proxies;
    let _plain = Prometheus::scraping(plain.address());
    let features = &["native-histograms"];
    let _native = Prometheus::start(&Setup { features, ..Setup::of([("native", native.address())]) });
    let (plain, native) = (plain.last(), native.last());
    assert_eq!((plain.accept.as_str(), native.accept.as_str()), (ACCEPTS, ACCEPTS_NATIVE));
    assert_eq!(plain.content_type, "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores");
    assert!(native.content_type.starts_with("application/vnd.google.protobuf"), "{}", native.content_type);
    assert_eq!((plain.content_encoding.as_str(), native.content_encoding.as_str()), ("gzip", "gzip"));
}
