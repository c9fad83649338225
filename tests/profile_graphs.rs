//! `/debug/profile/flamegraph` of the library's server, over real connections.
#![cfg(feature = "server")]

#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
#[path = "support/http.rs"]
mod http;
#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
#[path = "support/profiled.rs"]
mod profiled;
#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
#[path = "support/scrape.rs"]
mod scrape;
#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
#[path = "support/server.rs"]
mod support;

use serde_json::json;

use profiled::Profiled;

#[test]
fn a_flame_graph_comes_in_each_format_with_its_type() {
    let profiled = Profiled::open();
    let graph = |query: &str| {
        let answer = profiled.get(&format!("/debug/profile/flamegraph?{query}"));
        assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")), "{query}");
        answer
    };
    for (format, content_type, file) in [
        ("json", "application/json", None),
        ("folded", "text/plain; charset=utf-8", None),
        ("svg", "image/svg+xml", None),
        ("speedscope", "application/json", Some("profile.speedscope.json")),
        ("trace", "application/json", Some("profile.trace.json")),
        ("pprof", "application/octet-stream", Some("profile.pb.gz")),
    ] {
        let answer = graph(&format!("format={format}"));
        assert_eq!(answer.header("content-type"), Some(content_type), "{format}");
        let disposition = file.map(|file| format!("attachment; filename=\"{file}\""));
        assert_eq!(answer.header("content-disposition"), disposition.as_deref(), "{format}");
        assert_eq!(answer.header("content-security-policy").is_some(), format == "svg", "{format}");
        match format {
            "pprof" => assert!(answer.body.starts_with(&[0x1f, 0x8b]), "gzip"),
            "folded" => assert!(answer.text().contains("POST /scene;file_io"), "{}", answer.text()),
            "svg" => assert!(answer.text().contains("<svg") && !answer.text().contains("</script>\"\\ "), "{}", answer.text()),
            _ => assert!(answer.json().is_object()),
        }
    }
    let policy = graph("format=svg").header("content-security-policy").unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'; ") && policy.ends_with("sandbox allow-scripts"), "{policy}");
    assert_eq!(graph("").text(), graph("format=json").text());
    assert_eq!(graph("endpoint=/nowhere").json(), json!({ "name": "all", "value": 0 }));
    assert_eq!(graph("sort=slowest&limit=1").json()["children"].as_array().unwrap().len(), 1);
}

#[test]
fn a_flame_graph_is_compared_with_requests_of_another_span() {
    let profiled = Profiled::open();
    let graph = |query: &str| profiled.get(&format!("/debug/profile/flamegraph?{query}"));
    let all = graph("endpoint=/scene").json()["value"].as_f64().unwrap();
    let delta = |query: &str| graph(query).json()["delta"].as_f64().unwrap();
    assert_eq!(delta("endpoint=/scene&span=..&compare=-1h.."), 0.0, "with themselves");
    assert_eq!(delta("endpoint=/scene&compare=..-1h"), all, "with none");
    assert_eq!(delta("endpoint=/scene&span=..-1h&compare=-1h.."), -all, "the filters are of both");
    let folded = graph("compare=-1h..&span=..&format=folded&endpoint=/scenes");
    assert!(
        folded.text().lines().all(|line| line.rsplit(' ').take(2).all(|number| number.parse::<u64>().is_ok())),
        "{}",
        folded.text()
    );
    assert!(graph("compare=-1h..&span=..&format=svg").text().contains("<svg"));
    let svg = graph("compare=..-1h&format=svg&endpoint=/scene&method=get");
    assert!(svg.text().contains("nothing to compare with: no requests match before"), "{}", svg.text());
    assert!(!svg.text().contains("<svg class='grew"), "what is not known is not red");
    assert!(svg.text().contains(" of GET /scene, 20"), "{}", svg.text());
}
