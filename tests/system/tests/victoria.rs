//! A real VictoriaMetrics holds the series that were sent, too.

#[path = "../../support/everything.rs"]
mod everything;

use system::exporter::Exporter;
use system::hostile;
use system::proxy::Proxy;
use system::sent::{assert_same, comparable, sent};
use system::victoria::VictoriaMetrics;
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

    let mut expected = sent(&registry, Encoding::TEXT);
    // It takes NaN, and shows it to nobody.
    expected.retain(|_, value| value != "NaN");
    let mut held = comparable(victoria.series(JOB));
    for (labels, value) in &mut held {
        if let Some(sent) = expected.get(labels).filter(|sent| is_as_near_as_it_can(value, sent)) {
            value.clone_from(sent);
        }
    }
    assert_same(&held, &expected);
}

/// It keeps values as decimal fractions: 15 digits for sure, and nothing of what is too small to have so many.
fn is_as_near_as_it_can(held: &str, sent: &str) -> bool {
    let [held, sent] = [held, sent].map(|value| value.parse::<f64>().expect("a number"));
    let digits = format!("{sent:e}").split('e').next().expect("a mantissa").bytes().filter(u8::is_ascii_digit).count();
    let all_but_the_last = digits > 15 && ((held - sent) / sent).abs() < 1e-14;
    all_but_the_last || (sent.is_subnormal() && held == 0.0)
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
    let held: hostile::Series = victoria
        .series(JOB)
        .into_iter()
        .map(|(labels, count)| {
            (hostile::LABELS.map(|name| labels.get(name).cloned().unwrap_or_default()), count.parse().expect("a whole number"))
        })
        .collect();
    assert_eq!(held, sent);
}
