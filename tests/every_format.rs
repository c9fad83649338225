//! Any registry, in every text format and escaping scheme: the strict checker, which shares no code with the encoders, finds nothing,
//! and what it reads is what was put in.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tachograph::exposition::{Encoding, Escaping, Format};
use tachograph::{Buckets, Labels, Registry, Resolution, Snapshot};
use tachograph_check::{Exposition, Rules};

/// Every text format with every scheme, with and without times of creation.
fn encodings() -> Vec<Encoding> {
    let formats = [Format::Text, Format::Utf8Text, Format::OpenMetrics];
    let schemes = [Escaping::AllowUtf8, Escaping::Underscores, Escaping::Dots, Escaping::Values];
    let with =
        |format| schemes.map(|escaping| [false, true].map(|created| Encoding::new(format, escaping).with_created(created)));
    formats.into_iter().flat_map(with).flatten().collect()
}

fn read(snapshot: &Snapshot, encoding: Encoding) -> Result<Exposition, TestCaseError> {
    let text = snapshot.exposition(encoding);
    let format = tachograph_check::Format::of_content_type(encoding.content_type()).unwrap();
    let own_names = encoding.escaping() == Escaping::AllowUtf8 && encoding.format() != Format::OpenMetrics;
    let rules = Rules { families_sorted: own_names, ..Rules::OURS };
    tachograph_check::parse_by(text, format, rules)
        .map_err(|finding| TestCaseError::fail(format!("{encoding:?}: {finding}\n{}", String::from_utf8_lossy(text))))
}

/// A name: mostly of the legacy alphabet, often of any other.
fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-c][a-c_]{0,4}", "[a-c][a-c_.: \"\\\\\n/é-]{0,6}", "[a-zA-Z]\\PC{0,6}", any::<String>()]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[ab\"\\\\\n,={} #]{0,8}", any::<String>()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn gauges_come_back_with_their_labels_and_values_to_the_bit(
        name in name(), label in name(), help in text(),
        series in prop::collection::btree_map(text(), any::<u64>().prop_map(f64::from_bits), 0..6),
    ) {
        let registry = Registry::new();
        // Label names live as long as the program.
        let label: &'static str = label.leak();
        let Ok(family) = registry.gauge_family(&name, &help, Labels::new([label])) else { return Ok(()) };
        series.iter().for_each(|(value, number)| family.set([value], *number));
        let snapshot = registry.snapshot();
        for encoding in encodings() {
            let exposition = read(&snapshot, encoding)?;
            let escaping = encoding.escaping();
            let (name, label) = (escaping.family_name(&name), escaping.label_name(label));
            let family = exposition.family(&name).ok_or_else(|| TestCaseError::fail("the family is not there"))?;
            let told = family.help.as_deref().unwrap_or_default();
            prop_assert_eq!(told, &help);
            let read: BTreeMap<_, _> = family.samples.iter().map(|sample| (sample.label(&label).unwrap(), sample.value)).collect();
            prop_assert_eq!(read.len(), series.len());
            for (value, number) in &series {
                let read = read[value.as_str()];
                // The sign of a zero and the bits of a NaN are not told.
                let same = read.to_bits() == number.to_bits() || (read.is_nan() && number.is_nan()) || (read == 0.0 && *number == 0.0);
                prop_assert!(same, "{} {}", read, number);
            }
        }
    }

    #[test]
    fn names_that_fall_together_for_some_scraper_are_refused_and_all_others_stay_apart(
        names in prop::collection::vec((name(), 0u8..6), 1..12),
        own in prop::option::of(name()),
    ) {
        let Ok(registry) = Registry::with_labels(own.iter().map(|name| (name.as_str(), "own"))) else { return Ok(()) };
        let buckets = || Buckets::bytes(&[1, 10]).unwrap();
        let mut taken = 0;
        for (name, kind) in &names {
            taken += usize::from(match kind {
                0 => registry.counter(&format!("{name}_total"), "").map(|counter| counter.inc()).is_ok(),
                1 => registry.gauge(name, "").is_ok(),
                2 => registry.histogram(name, "", buckets()).map(|histogram| histogram.observe(5)).is_ok(),
                3 => registry.gauge_histogram(name, "", buckets().resolution(Resolution::Classic)).is_ok(),
                4 => registry.info(&format!("{name}_info"), "", [("a.b", "1")]).is_ok(),
                _ => registry.state_set(name, "", &["a", "b\"\\\n"]).is_ok(),
            });
        }
        let snapshot = registry.snapshot();
        for encoding in encodings() {
            prop_assert_eq!(read(&snapshot, encoding)?.families.len(), taken);
        }
    }

    #[test]
    fn exemplars_come_back_with_their_labels_or_are_left_out(
        labels in prop::collection::vec((prop_oneof![3 => "[a-c][a-c_1]{0,3}", 1 => "[a-c_][a-c_.]{0,3}", 1 => name()], text()), 0..4),
        (value, shift) in (any::<u64>(), 0u32..64),
    ) {
        let value = value >> shift;
        let registry = Registry::new();
        let buckets = Buckets::bytes(&[1, 1_000_000]).unwrap().resolution(Resolution::Native);
        let histogram = registry.histogram("h_bytes", "", buckets).unwrap();
        let pairs: Vec<(&str, &str)> = labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        histogram.observe_with_exemplar(value, &pairs);
        let legal = |name: &str| {
            name.starts_with(|c: char| c.is_ascii_alphabetic())
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                && !name.starts_with("U__")
        };
        let once = |name: &str| labels.iter().filter(|(other, _)| other == name).count() == 1;
        let characters: usize = labels.iter().map(|(name, value)| name.chars().count() + value.chars().count()).sum();
        let fit = characters <= 128 && labels.iter().all(|(name, _)| legal(name) && once(name));
        let snapshot = registry.snapshot();
        for encoding in encodings() {
            let exposition = read(&snapshot, encoding)?;
            let shown: Vec<_> = exposition.samples().filter_map(|sample| sample.exemplar.as_deref()).collect();
            let wanted = fit && encoding.format() == Format::OpenMetrics;
            prop_assert_eq!(shown.len(), usize::from(wanted));
            for exemplar in shown {
                prop_assert_eq!(&exemplar.labels, &labels);
                prop_assert_eq!(exemplar.value, value as f64);
            }
        }
    }

    #[test]
    fn labels_that_fall_together_for_some_scraper_are_refused(names in prop::collection::vec(name(), 2..5), own in name()) {
        let Ok(registry) = Registry::with_labels([(own.as_str(), "own")]) else { return Ok(()) };
        let mut names = names.into_iter().map(|name| &*name.leak());
        let [a, b] = [names.next().unwrap(), names.next().unwrap()];
        if let Ok(family) = registry.counter_family("c_total", "", [a, b]) {
            family.inc(["1", "2"]);
        }
        if let Ok(family) = registry.histogram_family("h_bytes", "", [a, b], Buckets::bytes(&[1]).unwrap()) {
            family.observe(["1", "2"], 3);
        }
        let snapshot = registry.snapshot();
        for encoding in encodings() {
            read(&snapshot, encoding)?;
        }
    }
}
