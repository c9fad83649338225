use std::time::UNIX_EPOCH;

use super::*;
use crate::profile::flame::handmade::request;

const MOST: usize = 1160;

fn read(wanted: Wanted, pairs: &[(&str, &str)]) -> Result<Query, QueryError> {
    Query::from_pairs(wanted, MOST, pairs.iter().copied())
}

fn told(wanted: Wanted, pairs: &[(&str, &str)]) -> String {
    read(wanted, pairs).expect_err("it cannot be meant").to_string()
}

fn told_json(json: &str) -> String {
    Query::from_json(Wanted::FlameGraph, MOST, json.as_bytes()).expect_err("it cannot be meant").to_string()
}

#[test]
fn each_filter_lets_through_what_it_names() {
    let mut one = request("/scene", 145_300_123, &[("file_io", None, 0, 1)]);
    (one.status, one.is_slow, one.aborted, one.request_id) = (503, true, true, "é".repeat(32).into());
    one.is_recent = true;
    let mut other = request("/scenes", 99, &[("parse", None, 0, 1)]);
    (other.method, other.trace_id, other.request_id) = (Method::Get, None, "other".into());
    other.started_at = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    for (name, value) in [
        ("endpoint", "/scene"),
        ("method", "POST"),
        ("method", "pOsT"),
        ("status", "503"),
        ("status", "5xx"),
        ("status", "5XX"),
        ("min_duration_ms", "145.300123"),
        ("min_duration_ms", "1e2"),
        ("slow", "true"),
        ("recent", "true"),
        ("request_id", &"é".repeat(40)),
        ("trace_id", "0af7651916cd43dd8448eb211c80319c"),
        ("phase", "file_io"),
        ("aborted", "true"),
        ("span", "1733158245.1..1733158246"),
        ("span", "..-1s"),
    ] {
        let query = read(Wanted::Profiles, &[(name, value)]).unwrap();
        assert_eq!((query.matches(&one), query.matches(&other)), (true, false), "{name}={value}");
    }
    for (name, value) in [
        ("max_duration_ms", "0.000099"),
        ("slow", "false"),
        ("recent", "false"),
        ("aborted", "false"),
        ("status", "2xx"),
        ("status", "200"),
        ("method", "get"),
        ("span", "1800000000..1900000000"),
    ] {
        let query = read(Wanted::Profiles, &[(name, value)]).unwrap();
        assert_eq!((query.matches(&one), query.matches(&other)), (false, true), "{name}={value}");
    }
    let both = read(Wanted::Profiles, &[("min_duration_ms", "0.000099"), ("max_duration_ms", "145.300123")]).unwrap();
    assert!(both.matches(&one) && both.matches(&other), "both ends are in it");
    assert!(Query::default().matches(&one));
}

#[test]
fn json_says_the_same_as_pairs() {
    let pairs = [
        ("endpoint", "/a\"b"),
        ("method", "get"),
        ("status", "404"),
        ("min_duration_ms", "1.5"),
        ("max_duration_ms", "20"),
        ("slow", "false"),
        ("recent", "true"),
        ("request_id", "7f"),
        ("trace_id", "0af7651916cd43dd8448eb211c80319c"),
        ("phase", "io"),
        ("aborted", "true"),
        ("span", "5..6"),
        ("sort", "slowest"),
        ("limit", "7"),
        ("offset", "3"),
        ("format", "folded"),
        ("compare", "..5"),
    ];
    let json = r#" {"endpoint": "/a\"b", "method": "get", "status": 404, "min_duration_ms": 1.5, "max_duration_ms": 20,
        "slow": false, "recent": true, "request_id": "7f", "trace_id": "0af7651916cd43dd8448eb211c80319c", "phase": "io", "aborted": true,
        "span": "5..6", "sort": "slowest", "limit": 7, "offset": 3, "format": "folded", "compare": "..5"}"#;
    let query = read(Wanted::FlameGraph, &pairs).unwrap();
    assert_eq!(query, Query::from_json(Wanted::FlameGraph, MOST, json.as_bytes()).unwrap());
    let before = query.before().unwrap();
    assert_eq!((before.span, before.compare, before.limit), (query.compare, None, Some(7)));
    assert_eq!(before.before(), None);
    let class = Query::from_json(Wanted::Profiles, MOST, br#"{"status": "4xx"}"#).unwrap();
    assert_eq!(class.status, Some(400..=499));
}

#[test]
fn without_filters_the_newest_hundred_are_listed_and_a_graph_is_of_all() {
    for query in [
        read(Wanted::Profiles, &[]),
        Query::from_json(Wanted::Profiles, MOST, b" \n"),
        Query::from_json(Wanted::Profiles, MOST, b"{}"),
    ] {
        let query = query.unwrap();
        assert_eq!((query.limit, query.offset, query.sort), (Some(100), 0, Sort::Newest));
    }
    assert_eq!(read(Wanted::FlameGraph, &[]).unwrap(), Query::default());
    assert_eq!(read(Wanted::Unfiltered, &[]).unwrap(), Query::default());
    let small = Query::from_pairs(Wanted::Profiles, 7, <[(&str, &str); 0]>::default()).unwrap();
    assert_eq!(small.limit, Some(7));
}

#[test]
fn what_cannot_be_meant_is_told_what_to_write() {
    for (name, value, expected) in [
        ("endpoint", "", "endpoint is empty, write a route such as /scene"),
        (
            "method",
            "GTE",
            "method is GTE, write one of GET, HEAD, POST, PUT, DELETE, CONNECT, OPTIONS, TRACE, PATCH, \
             or other for all that are none of these",
        ),
        ("status", "99", "status is 99, write a status from 100 to 999, or a class such as 5xx"),
        ("status", "0xx", "status is 0xx, write a status from 100 to 999, or a class such as 5xx"),
        ("status", "ok", "status is ok, write a status from 100 to 999, or a class such as 5xx"),
        ("min_duration_ms", "-5", "min_duration_ms is -5, write a number of milliseconds from 0 on, such as 12.5"),
        ("min_duration_ms", "NaN", "min_duration_ms is NaN, write a number of milliseconds from 0 on, such as 12.5"),
        ("max_duration_ms", "inf", "max_duration_ms is inf, write a number of milliseconds from 0 on, such as 12.5"),
        ("max_duration_ms", "5ms", "max_duration_ms is 5ms, write a number of milliseconds from 0 on, such as 12.5"),
        ("slow", "yes", "slow is yes, write true or false"),
        ("slow", "", "slow is empty, write true or false"),
        ("request_id", "", "request_id is empty, write the id of a request"),
        ("trace_id", "0AF7", "trace_id is 0AF7, write 32 hexadecimal digits in lower case, not all 0"),
        ("phase", "", "phase is empty, write the name of a phase such as file_io"),
        ("aborted", "1", "aborted is 1, write true or false"),
        ("sort", "fastest", "sort is fastest, write one of newest, slowest"),
        ("limit", "0", "limit is 0, write a whole number from 1 to 1160, as many are kept"),
        ("limit", "1161", "limit is 1161, write a whole number from 1 to 1160, as many are kept"),
        ("limit", "-1", "limit is -1, write a whole number from 1 to 1160, as many are kept"),
        ("offset", "1.5", "offset is 1.5, write a whole number from 0 on"),
        ("format", "png", "format is png, write one of json, folded, svg, speedscope, trace, pprof"),
    ] {
        assert_eq!(told(Wanted::FlameGraph, &[(name, value)]), expected);
    }
    for name in ["span", "compare"] {
        let told = told(Wanted::FlameGraph, &[(name, "yesterday")]);
        assert!(told.starts_with(&format!("{name} is yesterday, write START..END")), "{told}");
    }
}

#[test]
fn filters_that_do_not_go_together_are_refused() {
    let list = |pairs: &[(&str, &str)]| told(Wanted::Profiles, pairs);
    let graph = |pairs: &[(&str, &str)]| told(Wanted::FlameGraph, pairs);
    assert_eq!(list(&[("slow", "true"), ("slow", "true")]), "slow is given twice, give it once");
    assert_eq!(
        list(&[("min_duration_ms", "2"), ("max_duration_ms", "1")]),
        "min_duration_ms is above max_duration_ms, exchange them"
    );
    let unknown = list(&[("endpont\n", "/")]);
    assert!(unknown.starts_with(r#"there is no filter "endpont\n", take one of endpoint, method, status, "#), "{unknown}");
    let graphs_alone = "is not taken here: it is of flame graphs, leave it out or ask for one";
    assert_eq!(list(&[("format", "svg")]), format!("format {graphs_alone}"));
    assert_eq!(list(&[("compare", "..")]), format!("compare {graphs_alone}"));
    assert_eq!(told(Wanted::Unfiltered, &[("slow", "true")]), "slow is not taken here: no filter is, leave it out");
    for format in ["speedscope", "trace", "pprof"] {
        let expected =
            format!("compare is not taken with the format {format}, write json, folded or svg, or leave compare out");
        assert_eq!(graph(&[("compare", ".."), ("format", format)]), expected);
    }
    for format in ["json", "folded", "svg"] {
        assert!(read(Wanted::FlameGraph, &[("compare", "..5"), ("format", format)]).is_ok());
    }
    let endless = "compare has no end, write one such as -10m..-5m, or give the span that is compared too";
    assert_eq!(graph(&[("compare", "-10m..")]), endless);
    let both = read(Wanted::FlameGraph, &[("compare", "-10m.."), ("span", "..")]).unwrap();
    assert_eq!(both.span, Some(TimeSpan::default()));
    let after = read(Wanted::FlameGraph, &[("compare", "3..5")]).unwrap();
    assert_eq!(after.span, Some(TimeSpan { start: after.compare.unwrap().end, end: None }));
}

#[test]
fn json_of_another_type_is_refused() {
    for (json, expected) in [
        (r#"{"slow": "true"}"#, r#"slow is "true", write true or false, or leave it out"#),
        (r#"{"limit": "5"}"#, r#"limit is "5", write a number, or leave it out"#),
        (r#"{"limit": 5.0}"#, "limit is 5.0, write a whole number from 1 to 1160, as many are kept"),
        (r#"{"endpoint": null}"#, "endpoint is null, write a string, or leave it out"),
        (r#"{"status": [200]}"#, "status is [200], write a number or a string, or leave it out"),
        (r#"{"min_duration_ms": -0.5}"#, "min_duration_ms is -0.5, write a number of milliseconds from 0 on, such as 12.5"),
        (r#"{"slow": true, "slow": false}"#, "slow is given twice, give it once"),
    ] {
        assert_eq!(told_json(json), expected);
    }
    assert!(told_json(r#"{"unknown": null}"#).starts_with("there is no filter \"unknown\", take one of"));
    for json in ["[]", "5", "\"x\"", "null", "{", "{} {}", "{\"limit\": 1e999}", "{\"a\": \"\u{0}\"}", &"[".repeat(500)] {
        let told = told_json(json);
        assert!(told.starts_with("the body is no JSON object of filters: "), "{json}: {told}");
    }
}

#[test]
fn an_error_repeats_only_the_beginning_of_what_was_sent() {
    let long = "é".repeat(1_000);
    assert!(told(Wanted::Profiles, &[(&long, "1")]).len() < 500);
    assert!(told(Wanted::Profiles, &[("sort", &long)]).len() < 300);
    let text = Query::from_json(Wanted::Profiles, MOST, format!("\"{}\"", "é\\n".repeat(5_000)).as_bytes()).unwrap_err();
    assert!(text.to_string().chars().count() < 250, "{text}");
}

#[test]
fn a_page_is_a_part_of_the_matching_ones() {
    let profiles: Vec<_> = [5, 9, 5, 7]
        .iter()
        .enumerate()
        .map(|(at, nanos)| {
            let mut profile = request("/a", *nanos, &[]);
            profile.number = 10 - at as u64;
            profile
        })
        .collect();
    let page = |pairs: &[(&str, &str)]| {
        let query = read(Wanted::Profiles, pairs).unwrap();
        let matching = query.matching(profiles.clone());
        query.page(&matching).iter().map(|profile| profile.number).collect::<Vec<_>>()
    };
    assert_eq!(page(&[]), [10, 9, 8, 7]);
    assert_eq!(page(&[("sort", "slowest")]), [9, 7, 10, 8], "of equal ones the newest first");
    assert_eq!(page(&[("limit", "2"), ("offset", "1")]), [9, 8]);
    assert_eq!(page(&[("limit", "2"), ("offset", "3")]), [7]);
    assert!(page(&[("offset", "4")]).is_empty());
    assert!(page(&[("offset", "18446744073709551615")]).is_empty());
}
