use std::time::Duration;

use hyper::StatusCode;
use tachograph_check::Kind;

use super::*;

fn answer(content_type: &str, body: &[u8]) -> Answer {
    let (status, took) = (StatusCode::OK, Duration::ZERO);
    Answer { status, content_type: content_type.to_owned(), location: None, body: body.to_vec(), took }
}

fn read(text: &str) -> Scrape {
    Scrape::read(&answer("", text.as_bytes())).unwrap()
}

const TEXT: &str = "\
# HELP a_total A.
# TYPE a_total counter
a_total{x=\"1\"} 3
# TYPE h histogram
h_bucket{x=\"1\",le=\"1\"} 1
h_bucket{x=\"1\",le=\"+Inf\"} 2
h_sum{x=\"1\"} 5
h_count{x=\"1\"} 2
# TYPE s summary
s{quantile=\"0.5\"} 7
s_sum 8
s_count 9
";

#[test]
fn each_format_has_the_same_names() {
    let open = TEXT.replace("# HELP a_total", "# HELP a").replace("# TYPE a_total", "# TYPE a") + "# EOF\n";
    let (text, open) = (read(TEXT), read(&open));
    assert_eq!((text.report.findings.len(), open.report.findings.len()), (0, 0));
    assert_eq!(text.families, open.families);
    assert_eq!((text.format, open.format), (Format::Text1, Format::OpenMetricsUtf8));
    let names: Vec<(&str, Kind)> = text.families.iter().map(|family| (family.name.as_str(), family.kind)).collect();
    assert_eq!(names, [("a_total", Kind::Counter), ("h", Kind::Histogram), ("s", Kind::Summary)]);
    let histogram = Histogram { buckets: vec![(1.0, 1.0), (f64::INFINITY, 2.0)], sum: Some(5.0), count: Some(2.0) };
    assert_eq!(text.families[1].series[0].value, Value::Histogram(histogram));
    assert_eq!(text.families[1].series[0].labels, [("x".to_owned(), "1".to_owned())]);
    let summary = Summary { quantiles: vec![(0.5, 7.0)], sum: Some(8.0), count: Some(9.0) };
    assert_eq!(text.families[2].series[0].value, Value::Summary(summary));
}

#[test]
fn findings_stop_nothing() {
    let scrape = read("# TYPE a counter\na -1\nb{x=\"\\q\"} 1\n!!!\nc 1\r\na 2");
    let values = |name: &str| scrape.family(name).unwrap().series[0].number();
    assert_eq!((values("a"), values("c")), (Some(2.0), Some(1.0)));
    assert!(scrape.report.findings.len() > 2);
}

#[test]
fn pieces_of_a_family_become_one() {
    let scrape = read("# TYPE h histogram\nh_bucket{le=\"+Inf\"} 2\nother 1\nh_sum 5\nh_count 2\n");
    let names: Vec<&str> = scrape.families.iter().map(|family| family.name.as_str()).collect();
    assert_eq!(names, ["h", "other"]);
    let histogram = Histogram { buckets: vec![(f64::INFINITY, 2.0)], sum: Some(5.0), count: Some(2.0) };
    assert_eq!(scrape.families[0].series[0].value, Value::Histogram(histogram));
}

#[test]
fn a_wrong_header_is_made_good_for() {
    let text = "# TYPE a_total counter\na_total 1\n";
    let scrape = Scrape::read(&answer("application/openmetrics-text; version=1.0.0", text.as_bytes())).unwrap();
    assert_eq!(scrape.family("a_total").unwrap().series[0].number(), Some(1.0));
    assert_eq!(scrape.family("a_total").unwrap().kind, Kind::Counter);
}

#[test]
fn what_is_no_scrape_is_told_to_be_none() {
    for (content_type, body, part) in [
        ("text/html; charset=utf-8", &b"hello"[..], "HTML"),
        ("", b"\n <!doctype html>", "HTML"),
        ("application/json", b"{\"a\": 1}", "JSON"),
        ("text/plain", b"[{}]", "JSON"),
        ("", b"\x1f\x8b\x08", "compressed"),
        ("application/vnd.google.protobuf; proto=x", b"\x0a", "protobuf"),
        ("text/plain", b"no such thing here\n", "no line of it is a metric"),
    ] {
        let told = Scrape::read(&answer(content_type, body)).unwrap_err();
        assert!(told.contains(part), "{content_type}: {told}");
    }
    assert_eq!(read("").samples, 0);
    assert_eq!(read("{\"a.b\"} 1\n").families[0].name, "a.b");
}

#[test]
fn a_clock_that_is_set_is_no_restart_and_a_collector_that_comes_back_no_burst() {
    let text = |began: &str, used: u32, more: &str| {
        format!(
            "# TYPE process_start_time_seconds gauge\n{began}# TYPE process_cpu_seconds_total counter\n\
             process_cpu_seconds_total {used}\n# TYPE a counter\na 1000000\n{more}"
        )
    };
    let grown = |earlier: &str, now: &str| {
        let (earlier, mut now) = (read(earlier), read(now));
        now.at = earlier.at + Duration::from_secs(2);
        let since = Since::new(&earlier, &now);
        let family = now.families.last().unwrap();
        (since.restarted, since.growth(family, &family.series[0]), since.observed(family, &family.series[0]))
    };
    let began = |at: u32| format!("process_start_time_seconds {at}\n");
    assert_eq!(grown(&text(&began(5), 7, ""), &text(&began(6), 7, "")), (false, Some(0.0), None));
    assert_eq!(grown(&text(&began(5), 7, ""), &text(&began(6), 1, "")), (true, Some(1e6), None));
    // One of many processes says nothing of the others.
    let many = |at: u32| format!("process_start_time_seconds{{x=\"1\"}} 5\nprocess_start_time_seconds{{x=\"2\"}} {at}\n");
    assert_eq!(grown(&text(&many(5), 7, ""), &text(&many(6), 1, "")), (false, Some(0.0), None));
    let back = "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 900\nh_sum 1\nh_count 900\n";
    assert_eq!(grown(&text(&began(5), 7, ""), &text(&began(5), 7, back)), (false, None, None));
}

#[test]
fn a_counter_never_grows_by_less_than_nothing() {
    let text = |began: u32, a: &str, count: u32| {
        format!(
            "# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds {began}\n# TYPE a counter\n{a}\
             # TYPE h histogram\nh_bucket{{le=\"+Inf\"}} {count}\nh_sum 1\nh_count {count}\n"
        )
    };
    let grown = |earlier: &str, now: &str| {
        let (earlier, mut now) = (read(earlier), read(now));
        now.at = earlier.at + Duration::from_secs(2);
        let since = Since::new(&earlier, &now);
        let grown = |name: &str| {
            let family = now.family(name).unwrap();
            let growth: Vec<Option<f64>> = family.series.iter().map(|series| since.growth(family, series)).collect();
            (growth, family.series.iter().map(|series| since.rate(family, series)).collect::<Vec<_>>())
        };
        assert_eq!(grown("process_start_time_seconds").0, [None]);
        let family = now.family("h").unwrap();
        let observed = since.observed(family, &family.series[0]).unwrap().observations();
        (since.restarted, grown("a"), grown("h").0, observed)
    };
    // The order of labels is nothing to it, and a new series begins at 0.
    let (earlier, now) = ("a{x=\"1\",y=\"2\"} 3\n", "a{y=\"2\",x=\"1\"} 7\na{x=\"new\"} 8\n");
    let growth = (vec![Some(4.0), Some(8.0)], vec![Some(2.0), Some(4.0)]);
    assert_eq!(grown(&text(1, earlier, 1), &text(1, now, 4)), (false, growth, vec![Some(3.0)], 3.0));
    // A counter that has fallen was reset.
    let (now, growth) = (text(1, "a{x=\"1\",y=\"2\"} 2\n", 0), (vec![Some(2.0)], vec![Some(1.0)]));
    assert_eq!(grown(&text(1, earlier, 1), &now), (false, growth, vec![Some(0.0)], 0.0));
    // One that has not, but whose process is another, too.
    let (now, growth) = (text(2, "a{x=\"1\",y=\"2\"} 4\n", 6), (vec![Some(4.0)], vec![Some(2.0)]));
    assert_eq!(grown(&text(1, earlier, 1), &now), (true, growth, vec![Some(6.0)], 6.0));
    // Where there are no types, a name tells.
    let (earlier, mut now) = (read("b_total 1\nb 1\n"), read("b_total 5\nb 5\n"));
    now.at = earlier.at + Duration::from_secs(2);
    let since = Since::new(&earlier, &now);
    let rates = now.families.iter().map(|family| since.rate(family, &family.series[0]));
    assert_eq!(rates.collect::<Vec<_>>(), [Some(2.0), None]);
    // What is no number has no rate.
    assert_eq!(grown(&text(1, "a 1\n", 1), &text(1, "a NaN\n", 1)).1.0, [None]);
}
