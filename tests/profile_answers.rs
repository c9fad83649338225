//! `/debug/profile*` of the library's server, over real connections: who is let in, what filters do, what the answers look
//! like.
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

use std::time::Duration;

use serde_json::json;
use tachograph::http::Method;
use tachograph::profile::{ProfileOptions, Profiler, RequestProfile};
use tachograph::server::{Options, Route, RouteError, Token};

use http::{Connection, get, request};
use profiled::{BEARER, HOSTILE, Profiled, TRACE, told};
use scrape::sample;
use support::{Server, routes, text};

/// Every route, as somebody would ask it who may.
const ROUTES: [(&str, &str, u16); 6] = [
    ("GET", "/debug/profile", 200),
    ("POST", "/debug/profile", 200),
    ("GET", "/debug/profile/summary", 200),
    ("GET", "/debug/profile/flamegraph", 200),
    ("GET", "/debug/profile/one", 200),
    ("POST", "/debug/profile/clear", 200),
];

#[test]
fn who_does_not_bring_the_token_learns_and_changes_nothing() {
    let profiled = Profiled::open();
    let address = profiled.server.address;
    for (method, path, status) in ROUTES {
        for (headers, challenge) in [
            (&[][..], "Bearer realm=\"tachograph\""),
            (&[("Authorization", "Bearer open-sesam")], "Bearer realm=\"tachograph\", error=\"invalid_token\""),
            (&[("Authorization", "open-sesame")], "Bearer realm=\"tachograph\", error=\"invalid_request\""),
            (&[BEARER, BEARER], "Bearer realm=\"tachograph\", error=\"invalid_request\""),
        ] {
            // With a query that would be refused, and a body that is too large and never comes: neither is looked at.
            let query = format!("{path}?nonsense=1");
            let body = [("Expect", "100-continue"), ("Content-Length", "70000")];
            let fields = if method == "POST" { [headers, &body].concat() } else { headers.to_vec() };
            let answer = request(address, method, &query, &fields, b"");
            assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some(challenge)), "{method} {path}");
            assert!(told(&answer).contains("token") || told(&answer).contains("Authorization"), "{}", answer.text());
            for secret in ["open-sesame", "file_io", TRACE, "/scene", "nonsense"] {
                assert!(!answer.text().contains(secret), "{method} {path}: {}", answer.text());
            }
        }
        assert_eq!(profiled.profiler.profiles().len(), 4, "{method} {path}");
        assert_eq!(request(address, method, path, &[BEARER], b"").status, status, "{method} {path}");
    }
    let scrape = profiled.server.registry.snapshot();
    for (result, expected) in [("success", 6.0), ("missing_token", 6.0), ("wrong_token", 6.0), ("malformed_header", 12.0)] {
        assert_eq!(sample(scrape.text(), &format!("auth_attempts_total{{result=\"{result}\"}}")), Some(expected));
    }
}

#[test]
fn without_a_configured_token_everything_is_closed_to_everybody() {
    let profiled = Profiled::start(Options::default());
    let address = profiled.server.address;
    for (method, path, _) in ROUTES {
        for headers in [&[][..], &[BEARER], &[("Authorization", "Bearer ")], &[("Authorization", "Bearer =")]] {
            let answer = request(address, method, path, headers, b"");
            assert_eq!(answer.status, 401, "{method} {path} {headers:?}");
            assert!(answer.header("www-authenticate").is_some_and(|challenge| challenge.starts_with("Bearer")));
            assert!(told(&answer).contains("start it with one"), "{}", answer.text());
        }
    }
    assert_eq!(profiled.profiler.profiles().len(), 4);
    let without_profiler =
        Server::start_with(routes(), Options { tokens: Token::new("open-sesame").unwrap().into(), ..Options::default() });
    assert_eq!(request(without_profiler.address, "GET", "/debug/profile", &[BEARER], b"").status, 404);
}

#[test]
fn each_filter_lets_through_what_it_names() {
    let profiled = Profiled::open();
    let all = profiled.profiler.profiles();
    let duration_of = |at: usize| all[at].duration.as_nanos() as f64 / 1e6;
    let start_of = |at: usize| humantime::format_rfc3339_nanos(all[at].started_at).to_string();
    let (shortest, from, to) = (duration_of(2), start_of(2), start_of(1));
    type Oracle<'a> = &'a dyn Fn(&RequestProfile) -> bool;
    let filters: [(String, Oracle<'_>); 24] = [
        ("endpoint=/scene".into(), &|profile| &*profile.endpoint == "/scene"),
        ("endpoint=/scen".into(), &|_| false),
        ("method=get".into(), &|profile| profile.method == Method::Get),
        ("method=PATCH".into(), &|profile| profile.method == Method::Patch),
        ("status=404".into(), &|profile| profile.status == 404),
        ("status=4xx".into(), &|profile| (400..500).contains(&profile.status)),
        ("status=5XX".into(), &|profile| profile.status >= 500),
        (format!("min_duration_ms={shortest}"), &|profile| profile.duration >= all[2].duration),
        (format!("max_duration_ms={shortest}"), &|profile| profile.duration <= all[2].duration),
        ("slow=true".into(), &|profile| profile.is_slow),
        ("slow=false".into(), &|profile| !profile.is_slow),
        ("request_id=one".into(), &|profile| &*profile.request_id == "one"),
        ("request_id=a%2Fb+c".into(), &|profile| &*profile.request_id == "a/b c"),
        (format!("trace_id={TRACE}"), &|profile| profile.trace_id.is_some()),
        ("phase=auth_validation".into(), &|profile| profile.phases.iter().any(|phase| &*phase.name == "auth_validation")),
        ("phase=parse".into(), &|profile| &*profile.request_id == "one"),
        ("aborted=true".into(), &|profile| profile.aborted),
        ("aborted=false".into(), &|profile| !profile.aborted),
        (format!("span={from}..{to}"), &|profile| {
            profile.started_at >= all[2].started_at && profile.started_at < all[1].started_at
        }),
        ("span=-1h..".into(), &|_| true),
        ("span=..-1h".into(), &|_| false),
        ("span=1..2".into(), &|_| false),
        ("endpoint=/scene&status=404&method=GET".into(), &|profile| profile.status == 404),
        (String::new(), &|_| true),
    ];
    for (query, oracle) in filters {
        let expected: Vec<String> =
            all.iter().filter(|profile| oracle(profile)).map(|profile| profile.request_id.to_string()).collect();
        assert_eq!(profiled.ids(&query), expected, "{query}");
    }
}

#[test]
fn a_page_is_a_part_of_the_sorted_list_and_the_numbers_are_of_all() {
    let profiled = Profiled::open();
    let mut slowest = profiled.profiler.profiles();
    slowest.sort_by_key(|profile| std::cmp::Reverse(profile.duration));
    let slowest: Vec<&str> = slowest.iter().map(|profile| &*profile.request_id).collect();
    assert_eq!(profiled.ids("sort=slowest"), slowest);
    assert_eq!(profiled.ids("sort=slowest&limit=2&offset=1"), slowest[1..3]);
    assert_eq!(profiled.ids("offset=3&sort=newest"), ["one"]);
    assert!(profiled.ids("offset=4").is_empty());
    let beyond = profiled.get("/debug/profile?offset=1000000&limit=1&method=get").json();
    assert_eq!((&beyond["total_profiles"], &beyond["slow_profiles"]), (&json!(2), &json!(1)));
    assert_eq!((&beyond["limit"], &beyond["offset"], &beyond["profiles"]), (&json!(1), &json!(1_000_000), &json!([])));
    let all = profiled.get("/debug/profile").json();
    assert_eq!((&all["limit"], &all["offset"]), (&json!(100), &json!(0)));
    let phases = all["phase_statistics"].as_array().unwrap();
    let validation = phases.iter().find(|phase| phase["name"] == "auth_validation").unwrap();
    assert_eq!(validation["count"], 2);
    assert!((0.0..=1.0).contains(&validation["share"].as_f64().unwrap()));
    let scenes = all["endpoints"].as_array().unwrap().iter().find(|of| of["endpoint"] == "/scenes").unwrap();
    assert_eq!(
        (&scenes["method"], &scenes["count"], &scenes["errors"], &scenes["slow"]),
        (&json!("GET"), &json!(1), &json!(1), &json!(1))
    );
    assert_eq!(scenes["p99_ms"], scenes["max_ms"]);
}

#[test]
fn a_profile_has_its_keys_in_the_order_that_is_promised() {
    let profiled = Profiled::open();
    let answer = profiled.get("/debug/profile?request_id=one");
    let profile = profiled.profiler.profiles().into_iter().find(|profile| &*profile.request_id == "one").unwrap();
    let ms = |duration: Duration| json!(duration.as_nanos() as f64 / 1e6);
    let (total, validation) = (ms(profile.duration), ms(profile.phases[0].duration));
    let started_at = humantime::format_rfc3339_micros(profile.started_at);
    let slow = profile.is_slow;
    let beginning: String = [
        format!(
            r#"{{"total_profiles":1,"slow_profiles":{},"profiles":[{{"request_id":"one","endpoint":"/scene","#,
            u8::from(slow)
        ),
        format!(r#""method":"POST","status":200,"started_at":"{started_at}","total_duration_ms":{total},"is_slow":{slow},"#),
        format!(r#""phases":[{{"name":"auth_validation","duration_ms":{validation},"#),
    ]
    .concat();
    assert!(answer.text().starts_with(&beginning), "{}\n{beginning}", answer.text());
    assert!(answer.text().ends_with("\"limit\":100,\"offset\":0}\n"), "{}", answer.text());
    let parse = &answer.json()["profiles"][0]["phases"][2];
    assert_eq!((&parse["name"], &parse["parent"]), (&json!("parse"), &json!(1)));
    let headers = ["content-type", "cache-control"].map(|name| answer.header(name).unwrap().to_owned());
    assert_eq!(headers, ["application/json", "no-store"]);
}

#[test]
fn what_cannot_be_meant_is_a_400_that_names_the_filter() {
    let profiled = Profiled::open();
    for (path, query, filter, write) in [
        ("", "endpont=/scene", "endpont", "take one of endpoint, method"),
        ("", "slow=true&slow=true", "slow", "give it once"),
        ("", "slow=1", "slow", "true or false"),
        ("", "min_duration_ms=-1", "min_duration_ms", "from 0 on"),
        ("", "max_duration_ms=NaN", "max_duration_ms", "from 0 on"),
        ("", "max_duration_ms=inf", "max_duration_ms", "from 0 on"),
        ("", "min_duration_ms=2&max_duration_ms=1", "min_duration_ms", "exchange them"),
        ("", "limit=0", "limit", "from 1 to 1160"),
        ("", "limit=1161", "limit", "from 1 to 1160"),
        ("", "offset=-1", "offset", "whole number"),
        ("", "status=1000", "status", "from 100 to 999"),
        ("", "trace_id=xyz", "trace_id", "32 hexadecimal digits"),
        ("", "request_id=", "request_id", "the id of a request"),
        ("", "sort=best", "sort", "newest, slowest"),
        ("", "span=today", "span", "START..END"),
        ("", "format=svg", "format", "leave it out"),
        ("", "compare=..", "compare", "leave it out"),
        ("/flamegraph", "format=png", "format", "speedscope"),
        ("/flamegraph", "format=pprof&compare=-1h..", "compare", "json, folded or svg"),
        ("/flamegraph", "limit=5000", "limit", "from 1 to 1160"),
        ("/summary", "slow=true", "slow", "leave it out"),
        ("/one", "slow=true", "slow", "leave it out"),
    ] {
        let answer = profiled.get(&format!("/debug/profile{path}?{query}"));
        assert_eq!(answer.status, 400, "{query}: {}", answer.text());
        assert!(told(&answer).contains(filter) && told(&answer).contains(write), "{query}: {}", told(&answer));
    }
    for (path, body, part) in [
        ("/debug/profile", "[]", "no JSON object of filters"),
        ("/debug/profile", "{\"slow\": tru", "no JSON object of filters"),
        ("/debug/profile", "{\"slow\": \"true\"}", "slow is \"true\", write true or false"),
        ("/debug/profile", "{\"limits\": 5}", "no filter \"limits\""),
        ("/debug/profile", "{\"limit\": 5, \"limit\": 6}", "limit is given twice"),
        ("/debug/profile?slow=true", "{}", "in its body"),
        ("/debug/profile/clear", "{\"endpoint\": \"/scene\"}", "endpoint is not taken here"),
        ("/debug/profile/clear?endpoint=/scene", "", "in its body"),
    ] {
        let answer = profiled.post(path, body);
        assert_eq!(answer.status, 400, "{body}: {}", answer.text());
        assert!(told(&answer).contains(part), "{body}: {}", told(&answer));
    }
    assert_eq!(profiled.profiler.profiles().len(), 4, "nothing was cleared");
}

#[test]
fn a_post_is_answered_as_a_get_of_the_same_filters() {
    let profiled = Profiled::open();
    for (query, body) in [
        ("", ""),
        ("", " {} "),
        ("endpoint=/scene&method=post", r#"{"endpoint": "/scene", "method": "post"}"#),
        ("status=404&slow=false&limit=1", r#"{"status": 404, "slow": false, "limit": 1}"#),
        (
            "status=5xx&min_duration_ms=0.5&sort=slowest&offset=0",
            r#"{"status": "5xx", "min_duration_ms": 0.5, "sort": "slowest", "offset": 0}"#,
        ),
    ] {
        let posted = profiled.post("/debug/profile", body);
        assert_eq!((posted.status, posted.text()), (200, profiled.get(&format!("/debug/profile?{query}")).text()), "{body}");
    }
}

#[test]
fn a_body_of_filters_has_a_limit_of_its_own() {
    let tokens = Token::new("open-sesame").unwrap().into();
    let profiled = Profiled::start(Options { tokens, body_limit: 10, ..Options::default() });
    let body = |len: usize| format!("{{\"slow\": true{}}}", " ".repeat(len - 14));
    assert_eq!(profiled.post("/debug/profile", &body(64 * 1024)).status, 200);
    let refused = profiled.post("/debug/profile", &body(64 * 1024 + 1));
    assert_eq!(refused.status, 413);
    assert!(told(&refused).contains("65536 bytes"));
    assert_eq!(profiled.server.requests("/debug/profile", "POST", 413), Some(1.0));
}

#[test]
fn one_profile_is_found_by_its_id_or_its_trace() {
    let profiled = Profiled::open();
    let one = profiled.get("/debug/profile/one");
    assert!(one.text().starts_with(r#"{"request_id":"one","endpoint":"/scene","method":"POST","#), "{}", one.text());
    assert_eq!(profiled.get("/debug/profile/a%2Fb%20c").json()["status"], 404);
    let all = profiled.profiler.profiles();
    let of_trace = all.iter().filter(|profile| profile.trace_id == TRACE.parse().ok());
    let slowest = &*of_trace.max_by_key(|profile| profile.duration).unwrap().request_id;
    assert_eq!(profiled.get(&format!("/debug/profile/{TRACE}")).json()["request_id"], slowest);
    let hostile: String = HOSTILE.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let found = profiled.get(&format!("/debug/profile/{hostile}")).json();
    assert_eq!([&found["request_id"], &found["endpoint"], &found["phases"][0]["name"]], [HOSTILE; 3]);
    assert_eq!((&found["aborted"], &found["status"]), (&json!(true), &json!(499)));
    let retried = |pause| {
        let profile = profiled.profiler.start("/scene", Method::Get).with_request_id("retried");
        std::thread::sleep(Duration::from_millis(pause));
        profile.finish(200, Default::default());
    };
    [0, 20, 0].into_iter().for_each(retried);
    let slowest = profiled.get("/debug/profile/retried").json()["total_duration_ms"].as_f64();
    assert!(slowest >= Some(20.0), "{slowest:?}: of those with one id the slowest is told");
    let long = "x".repeat(100);
    profiled.profiler.start("/scene", Method::Get).with_request_id(&long).finish(204, Default::default());
    assert_eq!(profiled.get(&format!("/debug/profile/{long}")).json()["status"], 204, "ids are cut alike");
    for id in ["nobody", "%ff", "0af7651916cd43dd8448eb211c80319c"] {
        let answer = profiled.get(&format!("/debug/profile/{id}"));
        assert_eq!(answer.status, 404, "{id}");
        assert!(told(&answer).contains("no profile that is kept"));
    }
}

#[test]
fn a_summary_tells_what_the_store_holds() {
    let profiled = Profiled::open();
    let summary = profiled.get("/debug/profile/summary").json();
    let all = profiled.profiler.profiles();
    let slow = all.iter().filter(|profile| profile.is_slow).count();
    assert_eq!((&summary["total_profiles"], &summary["slow_profiles"]), (&json!(4), &json!(slow)));
    assert_eq!((&summary["recorded"], &summary["dropped"], &summary["capacity"]), (&json!(4), &json!(0), &json!(1_000)));
    assert_eq!(
        (&summary["slow_threshold_ms"], &summary["memory_bytes"]),
        (&json!(20.0), &json!(profiled.profiler.heap_bytes()))
    );
    assert_eq!(summary["oldest_started_at"], humantime::format_rfc3339_micros(all[3].started_at).to_string());
    assert_eq!(summary["newest_started_at"], humantime::format_rfc3339_micros(all[0].started_at).to_string());
    assert_eq!((summary["slowest"].as_array().unwrap().len(), summary["endpoints"].as_array().unwrap().len()), (4, 4));
}

#[test]
fn a_clear_tells_how_many_went() {
    let profiled = Profiled::open();
    assert_eq!(profiled.post("/debug/profile/clear", "").text(), "{\"cleared\":4}\n");
    assert_eq!(profiled.post("/debug/profile/clear", "{}").text(), "{\"cleared\":0}\n");
    assert_eq!(profiled.get("/debug/profile").json()["profiles"], json!([]));
    get(profiled.server.address, "/hello/you");
    assert_eq!(profiled.get("/debug/profile").json()["profiles"][0]["endpoint"], "/hello/{name}");
}

#[test]
fn head_has_no_body_and_other_methods_are_told_which_there_are() {
    let profiled = Profiled::open();
    let address = profiled.server.address;
    let mut connection = Connection::open(address);
    for path in ["/debug/profile", "/debug/profile/flamegraph?format=svg", "/debug/profile/one"] {
        let length = connection.request("GET", path, &[BEARER], b"").body.len().to_string();
        let head = connection.request("HEAD", path, &[BEARER], b"");
        assert_eq!((head.status, head.header("content-length")), (200, Some(&*length)), "{path}");
        assert_eq!(connection.request("HEAD", path, &[], b"").status, 401, "{path}");
    }
    for (method, path, allow) in [
        ("DELETE", "/debug/profile", "GET, POST, HEAD"),
        ("GET", "/debug/profile/clear", "POST"),
        ("POST", "/debug/profile/summary", "GET, HEAD"),
        ("POST", "/debug/profile/flamegraph", "GET, HEAD"),
        ("POST", "/debug/profile/one", "GET, HEAD"),
    ] {
        let answer = request(address, method, path, &[BEARER], b"");
        assert_eq!((answer.status, answer.header("allow")), (405, Some(allow)), "{method} {path}");
    }
    for path in ["/debug", "/debug/profile/", "/debug/profile/one/more"] {
        assert_eq!(profiled.get(path).status, 404, "{path}");
    }
    assert_eq!(profiled.profiler.profiles().len(), 4, "nothing below /debug has a profile");
}

#[test]
fn all_below_debug_asks_for_the_token_also_what_is_not_there_and_what_is_not_ours() {
    for options in [Options::default(), Options { tokens: Token::new("open-sesame").unwrap().into(), ..Options::default() }] {
        let open = !options.tokens.is_empty();
        let own = routes().route(Route::get("/debug/mine"), |_| async { text("mine") });
        let server = Server::start_with(own, options);
        for (method, path, status) in [
            ("GET", "/debug/mine", 200),
            ("HEAD", "/debug/mine", 200),
            ("OPTIONS", "/debug/mine", 405),
            ("BREW", "/debug/nothing", 404),
            ("GET", "/debug", 404),
            ("GET", "/debug/", 404),
        ] {
            assert_eq!(request(server.address, method, path, &[], b"").status, 401, "{method} {path}");
            let expected = if open { status } else { 401 };
            assert_eq!(request(server.address, method, path, &[BEARER], b"").status, expected, "{method} {path}");
        }
        assert_eq!(get(server.address, "/debugger").status, 404);
    }
}

#[test]
fn the_paths_are_the_servers_own_where_there_is_a_profiler() {
    use tachograph::server::State;
    let registry = tachograph::Registry::new();
    let metrics = tachograph::http::HttpMetrics::register(&registry, Default::default()).unwrap();
    for path in ["/debug/profile", "/debug/profile/clear", "/debug/profile/{id}"] {
        let own = || tachograph::server::Routes::new().route(Route::get(path), |_| async { text("mine") });
        let profiler = Some(Profiler::new(ProfileOptions::default()));
        let refused = State::new(&registry, &metrics, own(), Options { profiler, ..Options::default() }).unwrap_err();
        assert!(matches!(refused, RouteError::Reserved { path: taken } if taken == path));
        assert!(State::new(&registry, &metrics, own(), Options::default()).is_ok());
    }
}
