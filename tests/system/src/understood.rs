//! What a reader understood of a scrape, in a form in which two readers that share no code can be compared.

use std::collections::BTreeMap;

use tachograph::Registry;
use tachograph::exposition::{self, Encoding, Escaping};
use tachograph_check::{Format, Kind, Rules};

use crate::judge;

/// Values by names.
pub type Labels = BTreeMap<String, String>;

/// Families by name; a counter of any format is called as OpenMetrics does, without `_total`.
pub type Families = BTreeMap<String, Family>;

/// OpenMetrics as most scrapers ask for it.
pub const OPENMETRICS: Encoding = Encoding::new(exposition::Format::OpenMetrics, Escaping::Underscores);

/// A family of metrics.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// The type as OpenMetrics calls it.
    pub kind: String,
    /// Without its escapes; empty when there is none.
    pub help: String,
    /// Empty when there is none.
    pub unit: String,
    /// The samples by name and labels.
    pub samples: BTreeMap<(String, Labels), Reading>,
}

/// What a sample line says.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// The value in one spelling. Whole numbers keep all their digits, which a float would not.
    pub value: String,
    /// Labels, value and time of the exemplar. A time is compared as the float that it is nearest to.
    pub exemplar: Option<(Labels, String, Option<String>)>,
}

fn spelt(text: &str) -> String {
    let number: f64 = text.parse().unwrap_or_else(|_| panic!("{text:?} is no number"));
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.to_owned() } else { number.to_string() }
}

fn is_openmetrics(format: Format) -> bool {
    matches!(format, Format::OpenMetrics | Format::OpenMetricsUtf8)
}

/// What the checker of this repository understands.
///
/// # Panics
///
/// When it finds any fault.
pub fn ours(format: Format, scrape: &str) -> Families {
    // Names that are escaped stand in the order of those that are not.
    let rules = Rules { families_sorted: false, ..Rules::OURS };
    let exposition = tachograph_check::parse_by(scrape.as_bytes(), format, rules);
    let exposition = exposition.unwrap_or_else(|finding| panic!("{finding}\n{scrape}"));
    let labels = |labels: Vec<_>| labels.into_iter().collect();
    let sample = |sample: tachograph_check::Sample| {
        let exemplar = sample.exemplar.map(|exemplar| {
            let time = exemplar.timestamp.map(|time| spelt(&time.text));
            (labels(exemplar.labels), spelt(&exemplar.text), time)
        });
        ((sample.name, labels(sample.labels)), Reading { value: spelt(&sample.text), exemplar })
    };
    let family = |family: tachograph_check::Family| {
        let kind = family.kind.expect("each family of ours has a type");
        let name = match kind {
            Kind::Counter => family.name.strip_suffix("_total").unwrap_or(&family.name).to_owned(),
            _ => family.name,
        };
        let understood = Family {
            kind: format!("{kind:?}").to_lowercase(),
            help: family.help.unwrap_or_default(),
            unit: family.unit.unwrap_or_default(),
            samples: family.samples.into_iter().map(sample).collect(),
        };
        (name, understood)
    };
    exposition.families.into_iter().map(family).collect()
}

/// What the checker of this repository understands of a registry's scrape.
///
/// # Panics
///
/// When it finds any fault, or the format is no text.
pub fn scrape(registry: &Registry, encoding: Encoding) -> Families {
    let snapshot = registry.snapshot();
    let text = String::from_utf8(snapshot.exposition(encoding).to_vec()).expect("UTF-8");
    ours(Format::of_content_type(encoding.content_type()).expect("a text format"), &text)
}

/// Name, type, HELP, unit and samples, as `python/families.py` writes a family.
type Written = (String, String, String, String, Vec<WrittenSample>);
type WrittenSample = (String, Labels, String, Option<(Labels, String, Option<String>)>);

/// What Python's `prometheus_client` understands.
///
/// # Errors
///
/// Its complaint when it refuses the scrape.
pub fn pythons(format: Format, scrape: &str) -> Result<Families, String> {
    let verdict = judge::python(if is_openmetrics(format) { "openmetrics" } else { "text" }, scrape);
    if verdict.code != 0 {
        return Err(verdict.complaints);
    }
    let families: Vec<Written> = serde_json::from_str(&verdict.output).expect("families.py writes this");
    let sample = |(name, labels, value, exemplar): WrittenSample| {
        let exemplar = exemplar.map(|(labels, value, time)| (labels, spelt(&value), time.map(|time| spelt(&time))));
        ((name, labels), Reading { value: spelt(&value), exemplar })
    };
    let family = |(name, kind, help, unit, samples): Written| {
        (name, Family { kind, help, unit, samples: samples.into_iter().map(sample).collect() })
    };
    Ok(families.into_iter().map(family).collect())
}

/// What both understand of a scrape.
///
/// # Panics
///
/// When one refuses it, or they differ.
pub fn alike(format: Format, scrape: &str) -> Families {
    let ours = ours(format, scrape);
    let pythons = pythons(format, scrape).unwrap_or_else(|complaint| panic!("{complaint}\n{scrape}"));
    // One by one, since a difference in hundreds of families cannot be found in one message.
    for (name, family) in &ours {
        assert_eq!(pythons.get(name), Some(family), "{name}");
    }
    assert_eq!(pythons.keys().collect::<Vec<_>>(), ours.keys().collect::<Vec<_>>());
    ours
}
