//! Two readers that share no code, ours and Python's prometheus_client, understand the same scrape alike.

use std::collections::BTreeMap;

use system::demo::Demo;
use system::understood::Families;
use system::{hostile, understood, wait};
use tachograph::exposition::{Encoding, Escaping, Format as Form};
use tachograph_check::Format;

/// The scrape of the demo as both understand it, once there was some traffic.
fn demo_in(format: Format) -> Families {
    let demo = Demo::start(&["--traffic", "50"]);
    let scrape = wait::until("some traffic", wait::LIMIT, || {
        let (_, scrape) = demo.scrape_as(format.content_type());
        let loads = tachograph_check::parse_as(scrape.as_bytes(), format).map_err(|finding| finding.to_string())?;
        if loads.sum("scene_loads_total", |_| true) > 3.0 { Ok(scrape) } else { Err("too few scenes are loaded".to_owned()) }
    });
    let families = understood::alike(format, &scrape);
    let requests = &families["http_requests"];
    assert_eq!(requests.kind, "counter");
    assert!(requests.samples.len() > 10, "{requests:?}");
    assert_eq!(families["http_request_duration_seconds"].kind, "histogram");
    families
}

#[test]
fn both_parsers_read_the_text_of_the_demo_alike() {
    demo_in(Format::Text);
}

#[test]
fn both_parsers_read_the_openmetrics_of_the_demo_alike() {
    let families = demo_in(Format::OpenMetrics);
    assert_eq!(families["http_request_duration_seconds"].unit, "seconds");
}

fn hostile_in(format: Format, form: Form) {
    let (registry, sent) = hostile::registry();
    let text = registry.snapshot().exposition(Encoding::new(form, Escaping::Underscores)).to_vec();
    let families = understood::alike(format, &String::from_utf8(text).expect("UTF-8"));
    let hostile = &families[hostile::NAME.strip_suffix("_total").expect("a counter")];
    assert_eq!((hostile.kind.as_str(), hostile.help.as_str()), ("counter", hostile::HELP));
    let held: BTreeMap<_, _> = hostile
        .samples
        .iter()
        .map(|((_, labels), count)| (hostile::LABELS.map(|name| labels[name].clone()), count.value.parse().expect("a count")))
        .collect();
    assert_eq!(held, sent);
}

#[test]
fn both_parsers_read_hostile_labels_in_text_alike() {
    hostile_in(Format::Text, Form::Text);
}

#[test]
fn both_parsers_read_hostile_labels_in_openmetrics_alike() {
    hostile_in(Format::OpenMetrics, Form::OpenMetrics);
}
