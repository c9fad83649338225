//! What comes beside the samples reaches a real Prometheus too: types, HELP texts, units and exemplars.

#[path = "../../support/everything.rs"]
mod everything;

use std::collections::{BTreeMap, BTreeSet};

use system::api::{Exemplar, Metadata, milliseconds};
use system::stored::Stored;
use system::understood::{self, Families, OPENMETRICS};
use tachograph::exposition::Encoding;

/// Families as Prometheus tells of them; those of counters are called as `counter` says.
fn metadata(families: &Families, counter: impl Fn(&str) -> String) -> BTreeMap<String, Metadata> {
    let told = |(name, family): (&String, &understood::Family)| {
        let name = if family.kind == "counter" { counter(name) } else { name.clone() };
        (name, Metadata { kind: family.kind.clone(), help: family.help.clone(), unit: family.unit.clone() })
    };
    families.iter().map(told).collect()
}

/// The exemplars that are sent.
fn exemplars(families: &Families) -> BTreeSet<Exemplar> {
    let samples = families.values().flat_map(|family| &family.samples);
    let exemplar = |((name, labels), reading): (&(String, understood::Labels), &understood::Reading)| {
        let (own, value, time) = reading.exemplar.clone()?;
        let mut series = labels.clone();
        series.insert("__name__".to_owned(), name.clone());
        let time = milliseconds(time.expect("ours have a time").parse().expect("a number"));
        Some(Exemplar { series, labels: own, value, time })
    };
    samples.filter_map(exemplar).collect()
}

#[test]
fn types_help_texts_and_units_reach_prometheus() {
    let registry = everything::registry();
    let stored = Stored::of(&registry);
    let with_total = |name: &str| format!("{name}_total");
    let text = metadata(&understood::scrape(&registry, Encoding::TEXT), with_total);
    assert_eq!(stored.prometheus.metadata("text"), text);

    let openmetrics = understood::scrape(&registry, OPENMETRICS);
    assert_eq!(stored.prometheus.metadata("openmetrics"), metadata(&openmetrics, str::to_owned));
    assert_eq!(openmetrics["size_bytes"].unit, "bytes");

    // Of units in protobuf this Prometheus knows nothing.
    assert_eq!(stored.prometheus.metadata("protobuf"), text);
}

#[test]
fn exemplars_reach_prometheus() {
    let registry = everything::registry();
    let stored = Stored::of(&registry);
    let sent = exemplars(&understood::scrape(&registry, OPENMETRICS));
    assert_eq!(sent.len(), 2);
    let held = |job: &str| -> BTreeSet<Exemplar> {
        let own = |mut exemplar: Exemplar| {
            exemplar.series.remove("job");
            exemplar.series.remove("instance");
            exemplar
        };
        stored.prometheus.exemplars(&format!("{{job=\"{job}\"}}")).into_iter().map(own).collect()
    };
    // In OpenMetrics this Prometheus, like 2.53 and 3.5, leaves the escapes of an exemplar's labels where they are.
    let with_escapes = |mut exemplar: Exemplar| {
        exemplar.labels.values_mut().for_each(|value| *value = value.replace('"', "\\\""));
        exemplar
    };
    assert_eq!(held("openmetrics"), sent.iter().cloned().map(with_escapes).collect());
    // A native histogram has them itself, without its buckets.
    let of_native = |mut exemplar: Exemplar| {
        if exemplar.series["__name__"] == "size_bytes_bucket" {
            exemplar.series.insert("__name__".to_owned(), "size_bytes".to_owned());
            exemplar.series.remove("le");
        }
        exemplar
    };
    assert_eq!(held("protobuf"), sent.into_iter().map(of_native).collect());
    assert!(held("text").is_empty());
}
