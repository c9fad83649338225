//! Who looks at the page: limits, shutdown, slow and hostile ones, and the document that they get.

#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
#[path = "support/http.rs"]
mod http;
#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
#[path = "support/paged.rs"]
mod paged;
#[path = "support/scrape.rs"]
mod scrape;
#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
#[path = "support/server.rs"]
mod support;

use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use base64::Engine as _;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tachograph::health::{CheckOptions, CheckResult, HealthRegistry};
use tachograph::http::{HttpMetrics, HttpOptions};
use tachograph::page::{Page, PageOptions};
use tachograph::server::{self, Options, Routes, State};
use tachograph::{Collector, Descriptor, Kind, RegisterError, Registry, Sink};

use http::{Connection, eventually, get, request};
use paged::{Events, Paged, quick};
use support::Server;

#[test]
fn only_so_many_look_and_a_place_is_free_again() {
    let paged = Paged::start(PageOptions { max_viewers: 2, ..quick() });
    let (mut one, two) = (paged.events(), paged.events());
    one.of("tick");
    assert_eq!(paged.page.viewers(), 2);
    let refused = get(paged.server.address, "/events");
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("10")));
    assert_eq!(refused.json()["error"], "all 2 places are taken, close another page or come again");
    assert_eq!(get(paged.server.address, "/").status, 200);
    drop(two);
    let free = || eventually("a free place", || (paged.page.viewers() == 1).then_some(()));
    free();
    paged.events().of("tick");
    free();
    // One who asks for the head takes no place for longer.
    assert_eq!(request(paged.server.address, "HEAD", "/events", &[], b"").status, 200);
    free();
}

#[test]
fn who_accepts_gzip_gets_the_same_events_in_it() {
    let paged = Paged::start(quick());
    let (mut plain, mut packed) = (paged.events(), Events::open_with(paged.server.address, "Accept-Encoding: zstd, gzip\r\n"));
    assert!(packed.head.contains("vary: accept-encoding") && plain.head.contains("vary: accept-encoding"));
    assert!(!plain.head.contains("content-encoding"), "{}", plain.head);
    let refused = Events::open_with(paged.server.address, "Accept-Encoding: gzip;q=0, *\r\n");
    assert!(!refused.head.contains("content-encoding"), "{}", refused.head);
    assert_eq!(packed.of("hello"), plain.of("hello"));
    assert_eq!(packed.next().unwrap().0, "history");
    let mut ticks: Vec<Value> = (0..5).map(|_| packed.of("tick")).collect();
    // Either may have missed some on a busy machine.
    eventually("a tick that both have got", || {
        ticks.push(packed.of("tick"));
        ticks.contains(&plain.of("tick")).then_some(())
    });
    // A new check of health begins new streams: this one ends as gzip does.
    let health = HealthRegistry::new();
    health.register("late", || async { CheckResult::healthy("so it is") }, CheckOptions::default()).unwrap();
    health.register_metrics(&paged.server.registry).unwrap();
    while packed.next().is_some() {}
    packed.assert_whole();
}

#[test]
fn who_comes_at_once_is_greeted_and_stays() {
    for _ in 0..20 {
        let paged = Paged::start(quick());
        let mut events = paged.events();
        assert_eq!((events.next().unwrap().0, events.next().unwrap().0), ("hello".into(), "history".into()));
        events.of("tick");
    }
}

#[test]
fn a_stream_is_counted_with_its_head() {
    let paged = Paged::start(quick());
    let mut events = paged.events();
    assert_eq!(paged.server.requests("/events", "GET", 200), Some(1.0));
    assert_eq!(events.of("tick")["conn"], json!(1));
    drop(events);
    eventually("the end of the stream", || (paged.page.viewers() == 0).then_some(()));
    assert_eq!(paged.server.all_requests("/events"), 1.0, "once is enough");
}

#[test]
fn a_shutdown_ends_the_streams_and_cuts_none() {
    let mut paged = Paged::start(quick());
    let mut streams: Vec<_> = (0..20).map(|_| paged.events()).collect();
    streams.iter_mut().for_each(|events| _ = events.of("tick"));
    paged.server.stop();
    assert_eq!(paged.server.join().cut, 0);
    for events in &mut streams {
        while events.next().is_some() {}
    }
    assert_eq!(paged.page.viewers(), 0);
}

#[test]
fn who_serves_connections_himself_ends_the_streams_with_the_shutdown() {
    let registry = Registry::new();
    let http = HttpMetrics::register(&registry, HttpOptions::default()).unwrap();
    let page = Page::start(&registry, quick()).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let state = State::new(&registry, &http, page.routes(Routes::new()), Options::default()).unwrap();
        let (mut client, io) = tokio::io::duplex(1 << 20);
        let serving = tokio::spawn(server::serve_connection(io, "127.0.0.1:1".parse().unwrap(), state.clone()));
        client.write_all(b"GET /events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut first = [0; 15];
        client.read_exact(&mut first).await.unwrap();
        assert_eq!(&first, b"HTTP/1.1 200 OK");
        state.begin_shutdown();
        let mut rest = String::new();
        client.read_to_string(&mut rest).await.unwrap();
        assert!(rest.ends_with("0\r\n\r\n"), "{rest}");
        serving.await.unwrap();
    });
}

#[test]
fn one_who_never_reads_is_cut() {
    let registry = Registry::new();
    let http = HttpMetrics::register(&registry, HttpOptions::default()).unwrap();
    let page = Page::start(&registry, quick()).unwrap();
    let limits = Options { write_timeout: Duration::from_millis(300), ..Options::default() };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let state = State::new(&registry, &http, page.routes(Routes::new()), limits).unwrap();
        let (mut client, io) = tokio::io::duplex(256);
        let serving = tokio::spawn(server::serve_connection(io, "127.0.0.1:1".parse().unwrap(), state));
        tokio::io::AsyncWriteExt::write_all(&mut client, b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        serving.await.unwrap();
        assert_eq!(page.viewers(), 0);
        drop(client);
    });
}

/// The text between the only pair of tags.
fn block<'a>(html: &'a str, open: &str, close: &str) -> &'a str {
    assert_eq!(html.matches(open).count(), 1, "{open}");
    let start = html.find(open).unwrap() + open.len();
    &html[start..start + html[start..].find(close).unwrap()]
}

#[test]
fn the_policy_names_the_blocks_that_are_there() {
    let paged = Paged::start(quick());
    let page = get(paged.server.address, "/");
    let policy = page.header("content-security-policy").unwrap();
    for (directive, block) in
        [("style-src", block(page.text(), "<style>", "</style>")), ("script-src", block(page.text(), "<script>", "</script>"))]
    {
        let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(block));
        assert!(policy.contains(&format!("{directive} 'sha256-{hash}';")), "{policy}");
    }
    for directive in
        ["default-src 'none'", "connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"]
    {
        assert!(policy.split("; ").any(|known| known == directive), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    // What the policy would refuse.
    for refused in [" style=\"", " onclick=", " onload=", "javascript:", "src=\"http"] {
        assert!(!page.text().contains(refused), "{refused}");
    }
    assert!(page.text().contains("<noscript><meta http-equiv=\"refresh\" content=\"5\"></noscript>"));
}

#[test]
fn the_document_is_compressed_and_told_apart_by_its_tag() {
    // Long enough for the same figures at each of the requests.
    let paged = Paged::start(PageOptions { tick: Duration::from_secs(10), ..PageOptions::default() });
    let address = paged.server.address;
    let ask = |method: &str, headers: &[(&str, &str)]| request(address, method, "/", headers, b"");
    let plain = ask("GET", &[]);
    assert_eq!((plain.header("content-encoding"), plain.header("vary")), (None, Some("Accept-Encoding")));
    let gzip = ask("GET", &[("Accept-Encoding", "gzip")]);
    assert_eq!(gzip.header("content-encoding"), Some("gzip"));
    let mut decoded = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&*gzip.body), &mut decoded).unwrap();
    assert_eq!(decoded, plain.text());
    assert!(gzip.body.len() < 30_000, "{}", gzip.body.len());
    let zstd = ask("GET", &[("Accept-Encoding", "gzip, zstd")]);
    assert_eq!(zstd.header("content-encoding"), Some("zstd"));
    assert_eq!(zstd::decode_all(&*zstd.body).unwrap(), plain.body);
    let tags: BTreeSet<&str> = [&plain, &gzip, &zstd].iter().map(|answer| answer.header("etag").unwrap()).collect();
    assert_eq!(tags.len(), 3, "{tags:?}");
    let tag = plain.header("etag").unwrap();
    for known in [tag, &format!("W/{tag}"), &format!("\"x\", {tag}"), "*"] {
        let same = ask("GET", &[("If-None-Match", known)]);
        assert_eq!((same.status, same.body.len(), same.header("etag")), (304, 0, Some(tag)), "{known}");
        assert!(same.header("content-security-policy").is_some());
    }
    assert_eq!(ask("GET", &[("If-None-Match", "\"x\"")]).status, 200);
    let gzip_tag = gzip.header("etag").unwrap();
    assert_eq!(ask("GET", &[("If-None-Match", gzip_tag)]).status, 200, "another form is another document");
    let head = ask("HEAD", &[]);
    assert_eq!((head.status, head.header("etag"), head.body.len()), (200, Some(tag), 0));
    assert_eq!(head.header("content-length"), Some(&*plain.body.len().to_string()));
}

#[test]
fn a_registry_that_has_nothing_is_told_as_nulls() {
    let page = Page::start(&Registry::new(), quick()).unwrap();
    let server = Server::start(page.routes(support::routes()));
    let mut events = paged::Events::open(server.address);
    assert_eq!(events.of("hello")["checks"], json!([]));
    let (tick, now) = (events.of("tick"), events.of("now"));
    for (key, value) in tick.as_object().unwrap() {
        match &**key {
            "t" => assert!(value.as_u64().unwrap() > 1_700_000_000_000),
            "hc" => assert_eq!(*value, json!([])),
            _ => assert_eq!(*value, Value::Null, "{key}"),
        }
    }
    assert!(now.as_object().unwrap().values().all(|table| *table == json!([])), "{now}");
    let html = get(server.address, "/");
    assert!(!html.text().contains("<table>"), "no figures, no tables");
}

/// A collector that waits until it may go on.
struct Waits(Arc<(Mutex<bool>, Condvar)>);

impl Collector for Waits {
    fn describe(&self) -> Result<Vec<Descriptor>, RegisterError> {
        Ok(vec![Descriptor::new("waits", Kind::Gauge, "")?])
    }

    fn collect(&self, sink: &mut Sink<'_>) {
        drop(self.0.1.wait_while(self.0.0.lock().unwrap(), |waits| *waits).unwrap());
        sink.gauge("waits", &[], 1.0);
    }
}

#[test]
fn a_snapshot_that_does_not_come_is_told_and_got_over() {
    let paged = Paged::start(quick());
    let mut events = paged.events();
    events.of("tick");
    let gate = Arc::new((Mutex::new(true), Condvar::new()));
    paged.server.registry.register_collector("waits", Waits(Arc::clone(&gate))).unwrap();
    let trouble = events.of("trouble");
    assert!(trouble["text"].as_str().unwrap().starts_with("a snapshot takes longer"), "{trouble}");
    assert!(trouble["t"].is_u64());
    let page = eventually("the page says so", || {
        Some(get(paged.server.address, "/")).filter(|page| page.text().contains("<p role=\"alert\">a snapshot takes longer"))
    });
    assert!(page.text().contains("<table>"), "the last figures stay");
    *gate.0.lock().unwrap() = false;
    gate.1.notify_all();
    events.of("tick");
    let mut connection = Connection::open(paged.server.address);
    assert!(!connection.request("GET", "/", &[], b"").text().contains("role=\"alert\""));
}
