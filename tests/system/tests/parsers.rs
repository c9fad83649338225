//! Two readers that share no code, ours and Python's prometheus_client, understand the same scrape alike.

use std::collections::BTreeMap;
use std::time::Duration;

use system::demo::Demo;
use system::{hostile, judge, wait};

use tachograph_check::Kind;

type Labels = BTreeMap<String, String>;

/// Type, HELP and samples of a family.
type Family = (String, String, BTreeMap<(String, Labels), String>);

/// A family as `families.py` writes it: name, type, HELP and samples.
type Written = (String, String, String, Vec<(String, Labels, String)>);

/// One spelling for each value. Whole numbers keep all their digits, which a float would not.
fn spelt(text: &str) -> String {
    let number: f64 = text.parse().unwrap_or_else(|_| panic!("{text:?} is no number"));
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.to_owned() } else { number.to_string() }
}

fn ours(scrape: &str) -> BTreeMap<String, Family> {
    let exposition = tachograph_check::parse(scrape.as_bytes()).unwrap_or_else(|finding| panic!("{finding}\n{scrape}"));
    let family = |family: tachograph_check::Family| {
        let kind = match family.kind.expect("each family of ours has a type") {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
            Kind::Summary => "summary",
            Kind::Untyped => "untyped",
            other => panic!("{other:?} is no type of this format"),
        };
        let samples = family.samples.into_iter();
        let samples = samples.map(|sample| ((sample.name, sample.labels.into_iter().collect()), spelt(&sample.text)));
        (family.name, (kind.to_owned(), family.help.unwrap_or_default(), samples.collect()))
    };
    exposition.families.into_iter().map(family).collect()
}

fn pythons(scrape: &str) -> BTreeMap<String, Family> {
    let verdict = judge::python(scrape);
    assert_eq!(verdict.code, 0, "{}", verdict.complaints);
    let families: Vec<Written> = serde_json::from_str(&verdict.output).expect("families.py writes this");
    let family = |(name, kind, help, samples): Written| {
        // Python calls a counter as OpenMetrics does.
        let name = if kind == "counter" { format!("{name}_total") } else { name };
        let samples = samples.into_iter().map(|(name, labels, value)| ((name, labels), spelt(&value)));
        (name, (kind, help, samples.collect()))
    };
    families.into_iter().map(family).collect()
}

fn both_read(scrape: &str) -> BTreeMap<String, Family> {
    let (ours, pythons) = (ours(scrape), pythons(scrape));
    assert_eq!(ours, pythons);
    ours
}

#[test]
fn both_parsers_read_the_scrape_of_the_demo_alike() {
    let demo = Demo::start(&["--traffic", "50"]);
    let scrape = wait::until("some traffic", Duration::from_secs(10), || {
        let scrape = demo.scrape();
        let loads = tachograph_check::parse(scrape.as_bytes()).map_err(|finding| finding.to_string())?;
        if loads.sum("scene_loads_total", |_| true) > 3.0 { Ok(scrape) } else { Err("too few scenes are loaded".to_owned()) }
    });
    let families = both_read(&scrape);
    let (kind, _, samples) = &families["http_requests_total"];
    assert_eq!(kind, "counter");
    assert!(samples.len() > 10, "{samples:?}");
    assert_eq!(families["http_request_duration_seconds"].0, "histogram");
}

#[test]
fn both_parsers_read_hostile_labels_alike() {
    let (registry, sent) = hostile::registry();
    let families = both_read(registry.snapshot().text());
    let (kind, help, samples) = &families[hostile::NAME];
    assert_eq!((kind.as_str(), help.as_str()), ("counter", hostile::HELP));
    let held: BTreeMap<_, _> = samples
        .iter()
        .map(|((_, labels), count)| (hostile::LABELS.map(|name| labels[name].clone()), count.parse().expect("a count")))
        .collect();
    assert_eq!(held, sent);
}
