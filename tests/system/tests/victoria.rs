//! A real VictoriaMetrics holds the series that were sent, too.

#[path = "../../support/everything.rs"]
mod everything;

use system::exporter::Exporter;
use system::hostile;
use system::proxy::Proxy;
use system::sent::{comparable, sent};
use system::victoria::{VictoriaMetrics, assert_near};
use tachograph::Registry;
use tachograph::exposition::Encoding;

const JOB: &str = "tachograph";

#[test]
fn victoria_metrics_holds_what_was_sent() {
    let registry = everything::registry();
    let exporter = Exporter::serving(&registry);
    let proxy = Proxy::new(exporter.address(), None);
    let victoria = VictoriaMetrics::scraping(JOB, proxy.address());
    let exchange = proxy.last();
    assert_eq!(exchange.content_type, "text/plain; version=0.0.4; charset=utf-8", "for {}", exchange.accept);
    assert_eq!(exchange.content_encoding, "gzip");

    assert_near(comparable(victoria.series(JOB)), sent(&registry, Encoding::TEXT));
}

#[test]
fn victoria_metrics_holds_the_largest_exact_count() {
    let registry = Registry::new();
    registry.counter("odd_total", "The largest odd count that a float holds.").expect("a valid counter").inc_by((1 << 53) - 1);
    let exporter = Exporter::serving(&registry);
    let victoria = VictoriaMetrics::scraping(JOB, exporter.address());
    assert_eq!(victoria.number("odd_total"), "9007199254740991");
}

#[test]
fn victoria_metrics_holds_hostile_labels() {
    let (registry, sent) = hostile::registry();
    let exporter = Exporter::serving(&registry);
    let victoria = VictoriaMetrics::scraping(JOB, exporter.address());
    assert_eq!(hostile::held(victoria.series(JOB)), sent);
}
