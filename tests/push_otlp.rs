//! Snapshots pushed by OTLP, read back by messages that a derive has made of `metrics.proto`.

#[path = "support/everything.rs"]
mod everything;
#[path = "support/otlp_model.rs"]
mod otlp_model;
#[path = "support/receiver.rs"]
mod receiver;

use std::time::Duration;

use otlp_model::{Metric, Request, pairs};
use prost::Message;
use receiver::{Reaction, Receiver};
use tachograph::push::{Endpoint, Options, Otlp};
use tachograph::{Buckets, Registry};

const CUMULATIVE: i32 = 2;
const NO_VALUE: u32 = 1;

fn options() -> Options {
    Options {
        interval: Duration::from_secs(3_600),
        shortest_pause: Duration::from_millis(1),
        longest_pause: Duration::from_millis(5),
        shutdown_timeout: Duration::from_secs(60),
        ..Options::default()
    }
}

/// Pushes a registry until something has come, and returns all metrics in order.
fn pushed(registry: &Registry, options: Options, change: impl FnOnce(Otlp) -> Otlp) -> Vec<Metric> {
    let receiver = Receiver::patient();
    let otlp = Otlp::new(Endpoint::new(&receiver.url("")).unwrap(), "worker").attribute("service.instance.id", "a").unwrap();
    let most = options.max_samples;
    let pusher = change(otlp).start(registry, options).unwrap();
    receiver.wait_until("the first snapshot", |received| !received.is_empty());
    assert_eq!(pusher.shutdown().dropped, 0);
    let mut metrics = Vec::new();
    for received in receiver.received() {
        assert_eq!(received.line, "POST /v1/metrics HTTP/1.1");
        assert_eq!(received.headers["content-type"], "application/x-protobuf");
        let request = Request::decode(&received.body[..]).unwrap();
        let [of_resource] = &request.resources[..] else { panic!("one resource") };
        let resource = pairs(&of_resource.resource.as_ref().unwrap().attributes);
        assert_eq!(resource, [("service.name", "worker"), ("service.instance.id", "a")]);
        let all = of_resource.scopes.iter().flat_map(|scope| scope.metrics.clone());
        let before = metrics.len();
        metrics.extend(all);
        let points: usize = metrics[before..].iter().map(points).sum();
        assert!((1..=most).contains(&points), "{points}");
    }
    metrics
}

fn points(metric: &Metric) -> usize {
    let number =
        metric.gauge.as_ref().map_or(0, |gauge| gauge.points.len()) + metric.sum.as_ref().map_or(0, |sum| sum.points.len());
    let histogram = metric.histogram.as_ref().map_or(0, |histogram| histogram.points.len());
    let exponential = metric.exponential.as_ref().map_or(0, |exponential| exponential.points.len());
    number + histogram + exponential + metric.summary.as_ref().map_or(0, |summary| summary.points.len())
}

#[test]
fn every_kind_is_pushed_as_what_it_is() {
    let registry = everything::registry();
    let metrics = pushed(&registry, options(), |otlp| otlp);
    let of = |name: &str| metrics.iter().find(|metric| metric.name == name).unwrap_or_else(|| panic!("there is no {name}"));

    let sum = of("http.requests_total").sum.as_ref().unwrap();
    assert_eq!((sum.temporality, sum.monotonic), (CUMULATIVE, true));
    let point = sum.points.iter().find(|point| point.int == Some(1_000_000)).unwrap();
    let own = [("service", "a\"p\\i\n"), ("host.name", "é")];
    assert_eq!(pairs(&point.attributes), [&own[..], &[("endpoint", "/a\"b\\c\nd"), ("http.status", "200")]].concat());
    assert!(point.start > 1_600_000_000_000_000_000 && point.start <= point.time, "{point:?}");
    assert_eq!(sum.points.iter().find(|point| point.int == Some(1)).unwrap().attributes.len(), 3, "empty is not there");
    // Above what 63 bits hold.
    assert_eq!(of("plain_total").sum.as_ref().unwrap().points[0].double, Some(u64::MAX as f64));
    assert_eq!(of("plain_total").description, "A \"quoted\" \\ help\nof two lines");
    let told = &of("told_seconds_total").sum.as_ref().unwrap().points[0];
    assert_eq!((told.double, told.start), (Some(0.7), 0), "nobody knows when it began");
    assert_eq!(of("depth").gauge.as_ref().unwrap().points[0].double, Some(-3.0));
    assert_eq!(of("build_info").gauge.as_ref().unwrap().points[0].double, Some(1.0));
    let states: Vec<_> = of("door.state")
        .gauge
        .as_ref()
        .unwrap()
        .points
        .iter()
        .map(|point| (pairs(&point.attributes)[2], point.double.unwrap()))
        .collect();
    assert_eq!(states, [(("door.state", "cl\"osed"), 0.0), (("door.state", "open"), 1.0)]);
    let buckets: Vec<_> = of("file_bytes_bucket")
        .gauge
        .as_ref()
        .unwrap()
        .points
        .iter()
        .map(|point| (pairs(&point.attributes)[2], point.double.unwrap()))
        .collect();
    assert_eq!(buckets, [(("le", "10"), 2.0), (("le", "100"), 3.0), (("le", "+Inf"), 3.0)]);
    assert_eq!(of("file_bytes_sum").gauge.as_ref().unwrap().points[0].double, Some(31.5));

    let wait = of("wait_seconds");
    assert_eq!((wait.unit.as_str(), wait.histogram.as_ref().unwrap().temporality), ("s", CUMULATIVE));
    let point = &wait.histogram.as_ref().unwrap().points[0];
    assert_eq!((&point.bounds[..], &point.counts[..]), (&[0.001, 0.25, 1.0, 10.0][..], &[1, 0, 0, 1, 0][..]));
    assert_eq!((point.count, point.sum), (2, Some(2.001)));
    // That is no trace id of 16 bytes, so it stays a label.
    assert_eq!(pairs(&point.exemplars[0].attributes), [("trace_id", "4bf92f35\"77b34da6"), ("span", "é")]);

    let sizes = of("size_bytes").exponential.as_ref().unwrap();
    let point = &sizes.points[0];
    assert_eq!((point.count, point.sum, point.scale, point.zero_count), (6, Some(5_000_033.0), 3, 1));
    let positive = point.positive.as_ref().unwrap();
    let told: Vec<_> = (positive.offset..).zip(&positive.counts).filter(|(_, count)| **count > 0).collect();
    // The bucket `i` of OTLP reaches from base^i to base^(i + 1).
    let index = |value: f64| (value.log2() * 8.0).ceil() as i32 - 1;
    assert_eq!(told, [(index(1.0), &1), (index(10.0), &1), (index(11.0), &2), (index(5e6), &1)]);
    assert_eq!(sizes.points[1].positive, None);

    let latency = &of("latency_seconds").summary.as_ref().unwrap().points[0];
    assert_eq!((latency.count, latency.sum, latency.quantiles.len()), (1, 0.002, 2));

    // At the end all have ended.
    let last = metrics.iter().rfind(|metric| metric.name == "plain_total").unwrap();
    let point = &last.sum.as_ref().unwrap().points[0];
    assert_eq!((point.flags, point.int, point.double), (NO_VALUE, None, None));
    let last = metrics.iter().rfind(|metric| metric.name == "size_bytes").unwrap();
    let point = &last.exponential.as_ref().unwrap().points[0];
    assert_eq!(point.flags, NO_VALUE);
    assert!(point.positive.is_some(), "which buckets have ended");
}

#[test]
fn requests_have_no_more_points_than_they_may_and_lose_none() {
    let whole = pushed(&everything::registry(), options(), |otlp| otlp);
    let split = pushed(&everything::registry(), Options { max_samples: 3, ..options() }, |otlp| otlp);
    let count = |metrics: &[Metric]| {
        let mut counts = std::collections::BTreeMap::new();
        for metric in metrics.iter().filter(|metric| !metric.name.starts_with("tachograph_push_")) {
            *counts.entry(metric.name.clone()).or_insert(0) += points(metric);
        }
        counts
    };
    assert_eq!(count(&whole), count(&split));
}

#[test]
fn exponential_histograms_may_be_left_and_traces_are_told_by_their_ids() {
    let registry = Registry::new();
    let buckets = Buckets::bytes(&[10]).unwrap().resolution(tachograph::Resolution::Native);
    let sizes = registry.histogram("size_bytes", "", buckets).unwrap();
    let labels = [("trace_id", "4bf92f3577b34da6a3ce929d0e0e4736"), ("span_id", "00f067aa0ba902b7"), ("user", "7")];
    sizes.observe_with_exemplar(5, &labels);
    let metrics = pushed(&registry, options(), |otlp| otlp.exponential_histograms(false));
    let sizes = metrics.iter().find(|metric| metric.name == "size_bytes").unwrap();
    let point = &sizes.histogram.as_ref().unwrap().points[0];
    assert_eq!((&point.counts[..], sizes.unit.as_str()), (&[1, 0][..], "By"));
    let exemplar = &point.exemplars[0];
    assert_eq!(exemplar.trace_id[..3], [0x4b, 0xf9, 0x2f]);
    assert_eq!((exemplar.trace_id.len(), &exemplar.span_id[..2], exemplar.span_id.len()), (16, &[0, 0xf0][..], 8));
    assert_eq!((pairs(&exemplar.attributes), exemplar.value), (vec![("user", "7")], Some(5.0)));
    assert!(exemplar.time > 1_600_000_000_000_000_000);
}

#[test]
fn what_was_partly_rejected_is_counted_and_only_some_statuses_pass() {
    // Two points of the first request are rejected; 500 is for good, 503 passes.
    let receiver = Receiver::start(|nth, _| match nth {
        0 => Reaction::status(503),
        1 => Reaction::Answer(200, "", b"\x0a\x06\x08\x02\x12\x02no".to_vec()),
        2 => Reaction::status(500),
        _ => Reaction::status(200),
    });
    let registry = Registry::new();
    let otlp = Otlp::new(Endpoint::new(&receiver.url("/v1/metrics")).unwrap(), "worker");
    let pusher = otlp.start(&registry, options()).unwrap();
    receiver.wait_until("the first snapshot", |received| received.len() > 1);
    assert_eq!(pusher.shutdown().dropped, 0);
    let received = receiver.received();
    assert_eq!(received.len(), 4);
    assert_eq!(received[0].body, received[1].body);
    let points = |at: usize| -> usize {
        let request = Request::decode(&received[at].body[..]).unwrap();
        request.resources[0].scopes[0].metrics.iter().map(self::points).sum()
    };
    let told = |name: &str| {
        let line = format!("{name}{{url=\"{}\"}} ", receiver.url("/v1/metrics"));
        let text = registry.snapshot().text().to_owned();
        let told = text.lines().find_map(|known| known.strip_prefix(&line)).unwrap().to_owned();
        told.parse::<usize>().unwrap()
    };
    assert_eq!(told("tachograph_push_samples_refused_total"), 2 + points(2));
    assert_eq!(told("tachograph_push_samples_sent_total"), points(1) - 2 + points(3));
    assert_eq!(told("tachograph_push_retries_total"), 1);
}

#[test]
fn attributes_are_there_once() {
    let otlp = || Otlp::new(Endpoint::new("http://127.0.0.1:9/").unwrap(), "worker");
    assert!(otlp().attribute("", "a").is_err());
    assert!(otlp().attribute("service.name", "a").is_err());
}
