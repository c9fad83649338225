//! The server: one route, and layers around it.

use std::fmt;
use std::io::{self, BufRead, Write};
use std::sync::Arc;
use std::thread;

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use axum_prometheus::PrometheusMetricLayer;
use cpu_time::ProcessTime;
use tachograph::Registry;
use tachograph::http::{HttpMetrics, HttpOptions};
use tachograph::profile::{ProfileOptions, Profiler};
use tachograph::tower::{ConnectionLayer, HttpLayer};
use tokio::net::TcpListener;
use tower_layer::Layer;

/// What is around the route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Layers {
    /// Nothing.
    Bare,
    /// Requests and connections.
    Tachograph,
    /// The same, and a profile of each request.
    Profiles,
    /// The layer of the `axum-prometheus` crate, as its documentation shows it.
    AxumPrometheus,
}

impl fmt::Display for Layers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Bare => "none",
            Self::Tachograph => "Tachograph",
            Self::Profiles => "Tachograph, with profiles",
            Self::AxumPrometheus => "axum-prometheus",
        })
    }
}

async fn scene(Path(name): Path<String>) -> String {
    format!("scene {name}\n")
}

/// A scrape.
type Render = Arc<dyn Fn() -> String + Send + Sync>;

/// Serves until the standard input ends. Each line of it is answered with the processor time so far, in nanoseconds, and the requests
/// counted; the first line of all is the address.
pub(crate) fn serve(layers: Layers) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
    println!("{}", listener.local_addr().expect("an address"));
    let router = Router::new().route("/scene/{name}", get(scene));
    let registry = Registry::new();
    let http = || HttpMetrics::register(&registry, HttpOptions::default()).expect("names that are free");
    match layers {
        Layers::Bare => {
            answer(Arc::new(String::new));
            runtime.block_on(async { axum::serve(listener, router).await.expect("a server") });
        }
        Layers::Tachograph | Layers::Profiles => {
            let http = http();
            let mut layer = HttpLayer::axum(&http);
            if layers == Layers::Profiles {
                layer = layer.profiler(&Profiler::new(ProfileOptions::default()));
            }
            let app = ConnectionLayer::new(&http).layer(router.layer(layer).into_make_service());
            answer(Arc::new(move || registry.snapshot().text().to_owned()));
            runtime.block_on(async { axum::serve(listener, app).await.expect("a server") });
        }
        Layers::AxumPrometheus => {
            let _entered = runtime.enter();
            let (layer, handle) = PrometheusMetricLayer::pair();
            answer(Arc::new(move || handle.render()));
            runtime.block_on(async { axum::serve(listener, router.layer(layer)).await.expect("a server") });
        }
    }
}

fn answer(render: Render) {
    thread::spawn(move || {
        for _ in io::stdin().lock().lines() {
            let cpu = ProcessTime::now().as_duration().as_nanos();
            println!("{cpu} {}", counted(&render()));
            io::stdout().flush().expect("the bench reads");
        }
        std::process::exit(0);
    });
}

/// The requests of a scrape.
fn counted(scrape: &str) -> u64 {
    let names = ["http_requests_total{", "axum_http_requests_total{"];
    let samples = scrape.lines().filter(|line| names.iter().any(|name| line.starts_with(name)));
    samples.map(|line| line.rsplit(' ').next().and_then(|value| value.parse::<u64>().ok()).expect("a count")).sum()
}
