//! Reads every form of a snapshot back and compares it with what was put in.

use std::collections::BTreeMap;

use tachograph::Snapshot;
use tachograph::exposition::{Encoding, Escaping, Format};
use tachograph_check::{Kind, Rules};

use crate::client_model::{self, MetricFamily};
use crate::expected::{Expected, Labels, Number};

type Families = BTreeMap<String, Expected>;

const SCHEMES: [Escaping; 4] = [Escaping::AllowUtf8, Escaping::Underscores, Escaping::Dots, Escaping::Values];

pub(crate) fn check(snapshot: &Snapshot, mut expected: Families) {
    for escaping in SCHEMES {
        for format in [Format::Text, Format::Utf8Text, Format::OpenMetrics] {
            for created in [false, true] {
                let encoding = Encoding::new(format, escaping).with_created(created);
                let read = read_text(snapshot, encoding);
                let wanted = shown(&expected, encoding);
                compare(&read, &wanted, encoding);
                // What a collector told is what the first format shows of it.
                if encoding == Encoding::new(Format::Utf8Text, Escaping::AllowUtf8) {
                    for (name, family) in expected.iter_mut().filter(|(_, family)| family.open) {
                        family.samples = read[name].samples.clone();
                    }
                }
            }
        }
        let encoding = Encoding::new(Format::Protobuf, escaping);
        compare(&read_protobuf(snapshot, encoding), &shown(&expected, encoding), encoding);
    }
}

fn compare(read: &Families, wanted: &Families, encoding: Encoding) {
    assert!(read.keys().eq(wanted.keys()), "{encoding:?}: {:?} {:?}", read.keys(), wanted.keys());
    for (name, family) in wanted {
        let read = &read[name];
        assert_eq!((read.kind, &read.help), (family.kind, &family.help), "{encoding:?}: {name}");
        // Before the first format has been read, nobody knows.
        if !family.open || !family.samples.is_empty() {
            assert_eq!(read.samples, family.samples, "{encoding:?}: {name}");
        }
    }
}

/// The schemes once more, from their description.
fn escaped(name: &str, escaping: Escaping, colons: bool) -> String {
    let legal =
        |at: usize, c: char| matches!(c, 'a'..='z' | 'A'..='Z' | '_') || (c == ':' && colons) || (c.is_ascii_digit() && at > 0);
    let all_legal = name.chars().enumerate().all(|(at, c)| legal(at, c));
    let with = |replace: &dyn Fn(char) -> String, double: bool| -> String {
        let chars = name.chars().enumerate();
        chars
            .map(|(at, c)| {
                if c == '_' && double {
                    "__".into()
                } else if legal(at, c) {
                    c.into()
                } else {
                    replace(c)
                }
            })
            .collect()
    };
    match escaping {
        Escaping::AllowUtf8 => name.to_owned(),
        Escaping::Underscores => with(&|_| "_".into(), false),
        Escaping::Dots => with(&|c| if c == '.' { "_dot_".into() } else { "__".into() }, true),
        Escaping::Values if all_legal => name.to_owned(),
        Escaping::Values => format!("U__{}", with(&|c| format!("_{:x}_", u32::from(c)), true)),
    }
}

/// What was put in, as this form shows it.
fn shown(expected: &Families, encoding: Encoding) -> Families {
    let open = encoding.format() == Format::OpenMetrics;
    let escaping = encoding.escaping();
    let family = |(name, family): (&String, &Expected)| {
        let escaped_name = escaped(name, escaping, true);
        let distribution = matches!(family.kind, Kind::Histogram | Kind::GaugeHistogram);
        let sample = |((sample, labels), value): (&(String, Labels), &Number)| {
            let suffix = sample.strip_prefix(name.as_str()).expect("a sample's name begins with its family's");
            let suffix = match (suffix, family.kind) {
                ("_sum", Kind::GaugeHistogram) if open => "_gsum",
                ("_count", Kind::GaugeHistogram) if open => "_gcount",
                _ => suffix,
            };
            let label = |(label, value): (&String, &String)| {
                let whole = distribution && label == "le" && value.bytes().all(|byte| byte.is_ascii_digit());
                let value = if whole && open { format!("{value}.0") } else { value.clone() };
                (escaped(label, escaping, false), value)
            };
            ((format!("{escaped_name}{suffix}"), labels.iter().map(label).collect()), *value)
        };
        let samples = family.samples.iter().map(sample).collect();
        let suffix = match family.kind {
            Kind::Counter => "_total",
            Kind::Info => "_info",
            _ => "",
        };
        let told_as = if open { escaped_name.strip_suffix(suffix).expect("as registered").to_owned() } else { escaped_name };
        let kind = match family.kind {
            Kind::Info | Kind::StateSet if !open => Kind::Gauge,
            Kind::GaugeHistogram if !open => Kind::Histogram,
            kind => kind,
        };
        (told_as, Expected { kind, samples, ..family.clone() })
    };
    expected.iter().map(family).collect()
}

fn read_text(snapshot: &Snapshot, encoding: Encoding) -> Families {
    let text = snapshot.exposition(encoding);
    let format = tachograph_check::Format::of_content_type(encoding.content_type()).expect("a text format");
    let own_names = encoding.escaping() == Escaping::AllowUtf8 && encoding.format() != Format::OpenMetrics;
    let exposition = tachograph_check::parse_by(text, format, Rules { families_sorted: own_names, ..Rules::OURS })
        .unwrap_or_else(|finding| panic!("{encoding:?}: {finding} in\n{}", String::from_utf8_lossy(text)));
    let family = |family: tachograph_check::Family| {
        let is_created = |name: &str| encoding.created() && name == format!("{}_created", family.name);
        let samples = family.samples.iter().filter(|sample| !is_created(&sample.name));
        let samples = samples.map(|sample| {
            // More digits than the float has in which it is handed back.
            assert!(!sample.text.bytes().all(|byte| byte.is_ascii_digit()) || sample.text.parse::<u64>().is_ok());
            ((sample.name.clone(), sample.labels.iter().cloned().collect()), sample.value.into())
        });
        let samples = samples.collect();
        let kind = family.kind.expect("each family of ours has a type");
        (family.name.clone(), Expected { kind, help: family.help.clone().unwrap_or_default(), samples, open: false })
    };
    exposition.families.into_iter().map(family).collect()
}

fn read_protobuf(snapshot: &Snapshot, encoding: Encoding) -> Families {
    client_model::read(snapshot.exposition(encoding)).iter().map(read_message).collect()
}

fn read_message(family: &MetricFamily) -> (String, Expected) {
    let kind = match family.r#type {
        Some(0) => Kind::Counter,
        Some(1) => Kind::Gauge,
        Some(4) => Kind::Histogram,
        other => panic!("type {other:?}"),
    };
    let name = family.name();
    let mut read = Expected::new(kind, family.help());
    for metric in &family.metric {
        let labels: Vec<(&str, &str)> = metric.label.iter().map(|pair| (pair.name(), pair.value())).collect();
        if let Some(counter) = &metric.counter {
            read.sample(name, &labels, counter.value());
        }
        if let Some(gauge) = &metric.gauge {
            read.sample(name, &labels, gauge.value());
        }
        if let Some(histogram) = &metric.histogram {
            for bucket in &histogram.bucket {
                let le = match bucket.upper_bound() {
                    1.0 => "1",
                    100.0 => "100",
                    1e6 => "1e+06",
                    f64::INFINITY => "+Inf",
                    other => panic!("no histogram of this target has the bound {other}"),
                };
                let labels = [&labels[..], &[("le", le)]].concat();
                read.sample(&format!("{name}_bucket"), &labels, bucket.cumulative_count() as f64);
            }
            read.sample(&format!("{name}_sum"), &labels, histogram.sample_sum());
            read.sample(&format!("{name}_count"), &labels, histogram.sample_count() as f64);
        }
    }
    (name.to_owned(), read)
}
