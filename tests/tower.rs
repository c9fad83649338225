//! The layers, around services of axum and of hyper on real connections.

#[path = "../examples/axum_service.rs"]
#[allow(dead_code, reason = "its main is not called")]
mod axum_service;
#[path = "support/http.rs"]
#[allow(dead_code, reason = "not all of it is asked for here")]
mod http;
#[path = "../examples/hyper_service.rs"]
#[allow(dead_code, reason = "its main is not called")]
mod hyper_service;
#[path = "support/scrape.rs"]
#[allow(dead_code, reason = "not all of it is asked for here")]
mod scrape;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Extension;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use tachograph::Registry;
use tachograph::http::{HttpMetrics, HttpOptions};
use tachograph::profile::{OpenProfile, ProfileLayer, ProfileOptions, Profiler};
use tachograph::tower::{ConnectionLayer, HttpLayer};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tower::{Layer, Service, ServiceExt, service_fn};
use tracing_subscriber::prelude::*;

use http::{Connection, eventually, get as get_from};
use scrape::sample;

/// A service of axum on a port of its own.
struct Served {
    registry: Registry,
    http: HttpMetrics,
    profiler: Profiler,
    address: SocketAddr,
    _runtime: Runtime,
}

impl Served {
    fn start(routes: Router) -> Self {
        let registry = Registry::new();
        let http = HttpMetrics::register(&registry, HttpOptions::default()).unwrap();
        let profiler = Profiler::new(ProfileOptions::default());
        let app = routes.layer(HttpLayer::axum(&http).profiler(&profiler).monitoring(["/scrape"]));
        let app = ConnectionLayer::new(&http).layer(app.into_make_service());
        let (runtime, address) = start(|listener| async move { axum::serve(listener, app).await.unwrap() });
        Self { registry, http, profiler, address, _runtime: runtime }
    }

    fn count(&self, series: &str) -> Option<f64> {
        sample(self.registry.snapshot().text(), series)
    }

    fn requests(&self, endpoint: &str, method: &str, status: u16) -> Option<f64> {
        let series = format!("http_requests_total{{endpoint=\"{endpoint}\",method=\"{method}\",status=\"{status}\"}}");
        self.count(&series)
    }
}

fn start<F: Future<Output = ()> + Send + 'static>(serve: impl FnOnce(TcpListener) -> F) -> (Runtime, SocketAddr) {
    let runtime = Runtime::new().unwrap();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(serve(listener));
    (runtime, address)
}

#[test]
fn a_handler_finds_a_profile_whether_there_are_profiles_or_not() {
    let registry = Registry::new();
    let http = HttpMetrics::register(&registry, HttpOptions::default()).unwrap();
    let phased = async |Extension(profile): Extension<Arc<OpenProfile>>| drop(profile.phase("work"));
    let routes = || Router::new().route("/item", get(phased)).route("/scrape", get(phased));
    let without = routes().layer(HttpLayer::axum(&http).monitoring(["/scrape"]));
    let profiler = Profiler::new(ProfileOptions::default());
    let with = routes().layer(HttpLayer::axum(&http).profiler(&profiler));
    Runtime::new().unwrap().block_on(async {
        for (app, path) in [(&without, "/item"), (&without, "/scrape"), (&with, "/scrape"), (&with, "/item")] {
            let request = axum::http::Request::get(path).body(Body::empty()).unwrap();
            assert_eq!(app.clone().oneshot(request).await.unwrap().status(), 200, "{path}");
        }
    });
    let profiles = profiler.profiles();
    assert_eq!(profiles.iter().map(|profile| &*profile.endpoint).collect::<Vec<_>>(), ["/item"]);
    assert_eq!(&*profiles[0].phases[0].name, "work");
}

#[test]
fn the_example_of_axum_is_recorded() {
    let service = axum_service::Service::new().unwrap();
    let (registry, profiler) = (service.registry.clone(), service.profiler.clone());
    let (_runtime, address) = start(|listener| async move { service.serve(listener).await.unwrap() });
    let mut connection = Connection::open(address);
    let answer = connection.request("GET", "/scene/castle", &[("X-Request-Id", "mine")], b"");
    assert_eq!((answer.status, answer.text(), answer.header("x-request-id")), (200, "scene castle\n", Some("mine")));
    assert_eq!(connection.request("GET", "/scene/ruin", &[], b"").status, 404);
    assert_eq!(connection.request("GET", "/nowhere/7", &[], b"").status, 404);
    assert_eq!(connection.request("POST", "/upload", &[], &[b'x'; 70_000]).text(), "70000 bytes\n");
    let scraped = connection.request("GET", "/metrics", &[("Accept", "application/openmetrics-text;version=1.0.0")], b"");
    assert!(scraped.header("content-type").unwrap().starts_with("application/openmetrics-text"));
    assert_eq!(scraped.header("vary"), Some("Accept, Accept-Encoding"));
    let packed = connection.request("GET", "/metrics", &[("Accept-Encoding", "gzip")], b"");
    assert_eq!(packed.header("content-encoding"), cfg!(feature = "compression").then_some("gzip"));
    for (series, value) in [
        ("http_requests_total{endpoint=\"/scene/{name}\",method=\"GET\",status=\"200\"}", 1.0),
        ("http_requests_total{endpoint=\"/scene/{name}\",method=\"GET\",status=\"404\"}", 1.0),
        ("http_requests_total{endpoint=\"unmatched\",method=\"GET\",status=\"404\"}", 1.0),
        ("http_request_size_bytes_sum{endpoint=\"/upload\"}", 70_000.0),
        ("http_response_size_bytes_sum{endpoint=\"/upload\"}", 12.0),
        ("scene_loads_total{scene=\"castle\"}", 1.0),
        ("active_connections", 1.0),
    ] {
        assert_eq!(sample(registry.snapshot().text(), series), Some(value), "{series}");
    }
    // Exemplars name the request, and its profile its phase.
    assert!(scraped.text().contains("# {request_id=\"mine\"}"), "{}", scraped.text());
    let profiles = profiler.profiles();
    assert_eq!(profiles.len(), 4, "a scrape has none");
    let castle = profiles.iter().find(|profile| &*profile.request_id.to_string() == "mine").unwrap();
    assert_eq!(&*castle.phases[0].name, "read");
    drop(connection);
    eventually("the connection is closed", || {
        (sample(registry.snapshot().text(), "active_connections") == Some(0.0)).then_some(())
    });
}

#[test]
fn the_example_of_hyper_is_recorded() {
    let (_runtime, address) = start(|listener| async move { hyper_service::serve(listener).await.unwrap() });
    let mut connection = Connection::open(address);
    for _ in 0..3 {
        assert_eq!(connection.request("GET", "/hello", &[], b"").text(), "hello\n");
    }
    assert_eq!(connection.request("GET", "/a/b/c", &[], b"").status, 404);
    let scraped = get_from(address, "/metrics");
    for (series, value) in [
        ("http_requests_total{endpoint=\"/hello\",method=\"GET\",status=\"200\"}", 3.0),
        ("http_requests_total{endpoint=\"unmatched\",method=\"GET\",status=\"404\"}", 1.0),
        ("http_response_size_bytes_sum{endpoint=\"/hello\"}", 18.0),
        ("active_connections", 2.0),
    ] {
        assert_eq!(sample(scraped.text(), series), Some(value), "{series}");
    }
}

/// A body of these frames with a pause before each; it does not know its end beforehand.
fn slow_body(frames: &'static [&'static str], pause: Duration) -> Body {
    let stream = futures_util::stream::unfold(frames, move |left| async move {
        let (first, rest) = left.split_first()?;
        tokio::time::sleep(pause).await;
        Some((Ok::<_, Infallible>(*first), rest))
    });
    Body::from_stream(stream)
}

#[test]
fn whoever_gives_up_is_counted_for_what_it_got() {
    let soon = Duration::from_millis(1);
    let (entered, has_entered) = std::sync::mpsc::channel();
    let never = async move || {
        entered.send(()).unwrap();
        std::future::pending::<()>().await;
    };
    let served = Served::start(
        Router::new()
            .route("/never", get(never))
            .route("/stalls", get(async move || slow_body(&["12345"; 100_000], soon)))
            .route("/streams", get(async move || slow_body(&["one ", "two ", "three"], soon))),
    );
    assert_eq!(get_from(served.address, "/streams").text(), "one two three");
    assert_eq!(served.requests("/streams", "GET", 200), Some(1.0));
    assert_eq!(served.count("http_response_size_bytes_sum{endpoint=\"/streams\"}"), Some(13.0));

    let mut left = Connection::open(served.address);
    left.send("GET", "/never", &[], b"");
    has_entered.recv_timeout(http::PATIENCE).unwrap();
    drop(left);
    eventually("499 is counted", || (served.requests("/never", "GET", 499) == Some(1.0)).then_some(()));

    let mut left = Connection::open(served.address);
    left.send("GET", "/stalls", &[], b"");
    left.read_head().unwrap();
    drop(left);
    eventually("the answer's status is counted", || (served.requests("/stalls", "GET", 200) == Some(1.0)).then_some(()));
    let aborted = || served.profiler.profiles().iter().filter(|profile| profile.aborted).count();
    eventually("both are kept as aborted", || (aborted() == 2).then_some(()));
    eventually("all are closed", || (served.http.active_connections().value() == 0).then_some(()));
}

#[test]
fn a_stream_of_events_is_counted_with_its_head() {
    let events = async || {
        let body = slow_body(&["data: 1\n\n"; 100_000], Duration::from_millis(1));
        ([("content-type", "text/event-stream")], body).into_response()
    };
    let served = Served::start(Router::new().route("/events", get(events)));
    let mut viewer = Connection::open(served.address);
    viewer.send("GET", "/events", &[], b"");
    viewer.read_head().unwrap();
    assert_eq!(served.requests("/events", "GET", 200), Some(1.0));
    drop(viewer);
    eventually("it is closed", || (served.http.active_connections().value() == 0).then_some(()));
    assert_eq!(served.requests("/events", "GET", 200), Some(1.0), "once is enough");
}

#[test]
fn a_panic_and_an_error_are_500() {
    let registry = Registry::new();
    let http = HttpMetrics::register(&registry, HttpOptions::default()).unwrap();
    let profiler = Profiler::new(ProfileOptions::default());
    let layer = HttpLayer::new(&http, |head| Some(if head.uri.path() == "/late" { "/late" } else { "/early" }));
    let layer = layer.profiler(&profiler);
    let panicking = service_fn(|request: axum::http::Request<_>| {
        drop::<axum::http::Request<tachograph::tower::CountedBody<Body>>>(request);
        async {
            tokio::task::yield_now().await;
            if true {
                panic!("on purpose")
            }
            Ok::<Response, Infallible>(Response::new(Body::empty()))
        }
    });
    let failing = service_fn(async |_| Err::<Response, _>("on purpose"));
    let request = |path: &str| axum::http::Request::get(path).body(Body::empty()).unwrap();
    let runtime = Runtime::new().unwrap();
    let mut service = layer.layer(panicking);
    runtime.block_on(async {
        let answering = service.call(request("/late"));
        assert!(tokio::spawn(answering).await.unwrap_err().is_panic());
        assert_eq!(layer.layer(failing).oneshot(request("/early")).await.unwrap_err(), "on purpose");
    });
    let count = |endpoint| {
        let series = format!("http_requests_total{{endpoint=\"{endpoint}\",method=\"GET\",status=\"500\"}}");
        sample(registry.snapshot().text(), &series)
    };
    assert_eq!((count("/late"), count("/early")), (Some(1.0), Some(1.0)));
    let profiles = profiler.profiles();
    assert!(profiles.len() == 2 && profiles.iter().all(|profile| profile.aborted && profile.status == 500), "{profiles:?}");
}

#[test]
fn the_spans_of_a_service_are_phases_of_its_requests() {
    let registry = Registry::new();
    let http = HttpMetrics::register(&registry, HttpOptions::default()).unwrap();
    let profiler = Profiler::new(ProfileOptions::default());
    let layer = HttpLayer::new(&http, |_| Some("/")).profiler(&profiler);
    let service = service_fn(|_| {
        // In the call itself, and in its future.
        drop(tracing::info_span!("calling").entered());
        async {
            tokio::task::yield_now().await;
            drop(tracing::info_span!("answering").entered());
            Ok::<_, Infallible>(Response::new(Body::empty()))
        }
    });
    let _guard = tracing_subscriber::registry().with(ProfileLayer::new()).set_default();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(layer.layer(service).oneshot(axum::http::Request::new(Body::empty()))).unwrap();
    let phases = &profiler.profiles()[0].phases;
    assert_eq!(phases.iter().map(|phase| &*phase.name).collect::<Vec<_>>(), ["calling", "answering"]);
}

#[test]
fn every_request_of_many_threads_is_counted_once() {
    let served = Served::start(
        Router::new()
            .route("/echo", post(async |body: String| body))
            .route("/scrape", any(async || "text"))
            .route("/item/{id}", get(async || "item")),
    );
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let address = served.address;
            scope.spawn(move || {
                let mut connection = Connection::open(address);
                for n in 0..200 {
                    assert_eq!(connection.request("POST", "/echo", &[], b"some bytes").text(), "some bytes");
                    assert_eq!(connection.request("GET", &format!("/item/{thread}-{n}"), &[], b"").status, 200);
                    assert_eq!(connection.request("HEAD", "/scrape", &[], b"").status, 200);
                }
            });
        }
    });
    assert_eq!(served.requests("/echo", "POST", 200), Some(800.0));
    assert_eq!(served.requests("/item/{id}", "GET", 200), Some(800.0));
    assert_eq!(served.requests("/scrape", "HEAD", 200), Some(800.0));
    assert_eq!(served.count("http_request_size_bytes_sum{endpoint=\"/echo\"}"), Some(8_000.0));
    assert_eq!(served.count("http_request_latency_seconds_count"), Some(1_600.0), "monitoring traffic is left out");
}
