//! A service of axum that is recorded: requests, latency, sizes, connections, profiles with phases and spans, health.
//!
//! `cargo run --example axum_service --features axum`, then `curl http://127.0.0.1:3000/scene/castle` and
//! `curl http://127.0.0.1:3000/metrics`.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Extension, Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use tachograph::Registry;
use tachograph::exposition::{Coding, Encoding};
use tachograph::http::{HttpMetrics, HttpOptions};
use tachograph::profile::{OpenProfile, ProfileOptions, Profiler};
use tachograph::tower::{ConnectionLayer, HttpLayer};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use tower_layer::Layer;

/// What the handlers share.
#[derive(Clone)]
pub(crate) struct Service {
    /// Its metrics.
    pub(crate) registry: Registry,
    /// Those of HTTP.
    pub(crate) http: HttpMetrics,
    /// The profiles of its requests.
    pub(crate) profiler: Profiler,
}

impl Service {
    /// A service of which nothing is counted yet.
    pub(crate) fn new() -> Result<Self, tachograph::RegisterError> {
        let registry = Registry::new();
        let http = HttpMetrics::register(&registry, HttpOptions::default())?;
        Ok(Self { registry, http, profiler: Profiler::new(ProfileOptions::default()) })
    }

    /// Its routes. The layer comes last, so it is around all of them.
    pub(crate) fn router(&self) -> Router {
        Router::new()
            .route("/scene/{name}", get(scene))
            .route("/upload", post(upload))
            .route("/metrics", get(metrics))
            .layer(HttpLayer::axum(&self.http).profiler(&self.profiler).monitoring(["/metrics"]))
            .with_state(self.clone())
    }

    /// Serves on a listener until the process ends.
    pub(crate) async fn serve(self, listener: TcpListener) -> io::Result<()> {
        let app = ConnectionLayer::new(&self.http).layer(self.router().into_make_service());
        axum::serve(listener, app).await
    }
}

async fn scene(
    State(service): State<Service>,
    Extension(profile): Extension<Arc<OpenProfile>>,
    Path(name): Path<String>,
) -> impl IntoResponse {
    if name != "castle" {
        service.http.scene_load_errors().inc(["not_found"]);
        return (StatusCode::NOT_FOUND, "there is no such scene\n".to_owned());
    }
    let reading = profile.phase("read");
    tokio::time::sleep(Duration::from_millis(2)).await;
    drop(reading);
    service.http.scene_loads().inc(["castle"]);
    (StatusCode::OK, format!("scene {name}\n"))
}

async fn upload(body: Bytes) -> String {
    format!("{} bytes\n", body.len())
}

/// In the format and coding that the scraper asks for, of a snapshot that no thread of the runtime waits for.
async fn metrics(State(service): State<Service>, headers: HeaderMap) -> Result<impl IntoResponse, StatusCode> {
    let asked = |name| headers.get_all(name).iter().map(HeaderValue::as_bytes);
    let encoding = Encoding::negotiate(asked(header::ACCEPT));
    let coding = Coding::negotiate(asked(header::ACCEPT_ENCODING));
    let (give, take) = oneshot::channel();
    service.registry.snapshot_with(move |snapshot| drop(give.send(snapshot)));
    let snapshot = take.await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    let render = spawn_blocking(move || snapshot.compressed(encoding, coding).to_vec());
    let body = render.await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    let coded = coding.content_encoding().map(|coding| [(header::CONTENT_ENCODING, coding)]);
    let headers = [(header::CONTENT_TYPE, encoding.content_type()), (header::VARY, "Accept, Accept-Encoding")];
    Ok((headers, coded, body))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    println!("http://{}", listener.local_addr()?);
    Service::new()?.serve(listener).await?;
    Ok(())
}
