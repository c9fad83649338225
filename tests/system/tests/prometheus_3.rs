//! A Prometheus of generation 3 knows names of any alphabet. It asks for each format and each spelling of names by itself, and holds
//! the series that the scrape tells a reader of ours.

#[path = "../../support/everything.rs"]
mod everything;

use system::api::{Metadata, SeriesValues};
use system::exporter::Exporter;
use system::prometheus::{Generation, Job, Prometheus, Setup};
use system::proxy::Proxy;
use system::sent::{assert_same, comparable, native, sent};
use tachograph::exposition::{Encoding, Escaping, Format};
use tachograph_check::openmetrics_float;

/// What Prometheus is told to ask for, and what it has to get. Protobuf it asks for without a spelling of names.
const ASKED: [(&str, &[&str], Encoding); 7] = [
    ("text", &["scrape_protocols: [PrometheusText0.0.4]"], Encoding::TEXT),
    ("text_1", &["scrape_protocols: [PrometheusText1.0.0]"], Encoding::new(Format::Utf8Text, Escaping::AllowUtf8)),
    (
        "text_1_values",
        &["scrape_protocols: [PrometheusText1.0.0]", "metric_name_escaping_scheme: values"],
        Encoding::new(Format::Utf8Text, Escaping::Values),
    ),
    ("openmetrics", &["scrape_protocols: [OpenMetricsText1.0.0]"], Encoding::new(Format::OpenMetrics, Escaping::AllowUtf8)),
    (
        "openmetrics_dots",
        &["scrape_protocols: [OpenMetricsText1.0.0]", "metric_name_escaping_scheme: dots"],
        Encoding::new(Format::OpenMetrics, Escaping::Dots),
    ),
    (
        "openmetrics_underscores",
        &["scrape_protocols: [OpenMetricsText1.0.0]", "metric_name_escaping_scheme: underscores"],
        Encoding::new(Format::OpenMetrics, Escaping::Underscores),
    ),
    (
        "protobuf",
        &["scrape_protocols: [PrometheusProto]", "always_scrape_classic_histograms: true"],
        Encoding::new(Format::Protobuf, Escaping::Underscores),
    ),
];

/// This generation spells bounds and quantiles as OpenMetrics does, whatever it has scraped.
fn with_its_spelling(series: SeriesValues) -> SeriesValues {
    let spell = |(mut labels, value): (std::collections::BTreeMap<String, String>, String)| {
        for name in ["le", "quantile"] {
            if let Some(number) = labels.get_mut(name) {
                *number = openmetrics_float(number.parse().expect("a number"));
            }
        }
        (labels, value)
    };
    series.into_iter().map(spell).collect()
}

/// What text tells, and native histograms beside the classic ones.
fn in_protobuf(sent: SeriesValues) -> SeriesValues {
    let native = native(&sent, "size_bytes");
    sent.into_iter().chain(native).collect()
}

#[test]
fn prometheus_3_holds_what_was_sent_in_every_format_and_spelling_of_names() {
    let registry = everything::registry();
    let exporter = Exporter::serving(&registry);
    let proxies = ASKED.map(|_| Proxy::new(exporter.address(), None));
    let jobs = ASKED.iter().zip(&proxies);
    let jobs = jobs.map(|((name, options, _), proxy)| Job { name, target: proxy.address(), options }).collect();
    let features = &["native-histograms", "exemplar-storage"];
    let prometheus = Prometheus::start(&Setup { generation: Generation::Forky, features, jobs, rules: None });

    for ((job, _, encoding), proxy) in ASKED.into_iter().zip(&proxies) {
        let exchange = proxy.last();
        assert_eq!(exchange.content_type, encoding.content_type(), "for {}", exchange.accept);
        assert_eq!(exchange.content_encoding, "gzip");
        let expected = match encoding.format() {
            Format::Protobuf => in_protobuf(sent(&registry, Encoding::TEXT)),
            _ => sent(&registry, encoding),
        };
        assert_same(&comparable(prometheus.series(job)), &with_its_spelling(expected));
    }
    let quoted = "{\"http.requests_total\",\"http.status\"=\"200\",job=~\"text_1|openmetrics\"}";
    assert_eq!(prometheus.query(quoted).len(), 2);
}

#[test]
fn prometheus_3_asks_for_names_of_any_alphabet_and_gets_them() {
    let registry = everything::registry();
    let exporter = Exporter::serving(&registry);
    let proxy = Proxy::new(exporter.address(), None);
    let setup = Setup { generation: Generation::Forky, ..Setup::of([("tachograph", proxy.address())]) };
    let prometheus = Prometheus::start(&setup);
    let exchange = proxy.last();
    assert!(exchange.accept.contains("escaping=allow-utf-8"), "{}", exchange.accept);
    let encoding = Encoding::new(Format::OpenMetrics, Escaping::AllowUtf8);
    assert_eq!(exchange.content_type, encoding.content_type());
    assert_same(&comparable(prometheus.series("tachograph")), &sent(&registry, encoding));
}

#[test]
fn prometheus_3_learns_units_and_names_of_any_alphabet_from_metadata() {
    let registry = everything::registry();
    let exporter = Exporter::serving(&registry);
    let jobs = ASKED.iter().filter(|(name, ..)| ["openmetrics", "protobuf"].contains(name));
    let jobs = jobs.map(|(name, options, _)| Job { name, target: exporter.address(), options }).collect();
    let features = &["native-histograms"];
    let prometheus = Prometheus::start(&Setup { generation: Generation::Forky, features, jobs, rules: None });
    let metadata = |kind: &str, help: &str, unit: &str| {
        let [kind, help, unit] = [kind, help, unit].map(str::to_owned);
        Metadata { kind, help, unit }
    };
    let openmetrics = prometheus.metadata("openmetrics");
    assert_eq!(openmetrics["told.disk_bytes"], metadata("gauge", "Bytes free.", "bytes"));
    assert_eq!(openmetrics["door.state"], metadata("stateset", "Door.", ""));
    let protobuf = prometheus.metadata("protobuf");
    assert_eq!(protobuf["told_disk_bytes"], metadata("gauge", "Bytes free.", "bytes"));
    assert_eq!(protobuf["wait_seconds"], metadata("histogram", "Waiting.", "seconds"));
}
