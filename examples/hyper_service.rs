//! A service of hyper alone that is recorded, without axum: the layer around a service, one connection after another.
//!
//! `cargo run --example hyper_service --features tower`, then `curl http://127.0.0.1:3000/hello`.

use std::convert::Infallible;

use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tachograph::Registry;
use tachograph::http::{HttpMetrics, HttpOptions};
use tachograph::tower::{ConnectionLayer, CountedBody, HttpLayer};
use tokio::net::TcpListener;
use tower::{Layer, Service, service_fn};

/// The route of a path: the paths of clients must not become endpoints.
fn route(head: &http::request::Parts) -> Option<&str> {
    match head.uri.path() {
        "/hello" => Some("/hello"),
        "/metrics" => Some("/metrics"),
        _ => None,
    }
}

/// Serves on a listener until the process ends.
pub(crate) async fn serve(listener: TcpListener) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let registry = Registry::new();
    let http = HttpMetrics::register(&registry, HttpOptions::default())?;
    let answer = move |path: &str| match path {
        "/hello" => (StatusCode::OK, "hello\n".to_owned()),
        "/metrics" => (StatusCode::OK, registry.snapshot().text().to_owned()),
        _ => (StatusCode::NOT_FOUND, "there is nothing here\n".to_owned()),
    };
    let service = service_fn(move |request: Request<CountedBody<Incoming>>| {
        let (status, text) = answer(request.uri().path());
        let mut response = Response::new(Full::new(Bytes::from(text)));
        *response.status_mut() = status;
        std::future::ready(Ok::<_, Infallible>(response))
    });
    let service = HttpLayer::new(&http, route).monitoring(["/metrics"]).layer(service);
    let mut connections =
        ConnectionLayer::new(&http).layer(service_fn(move |()| std::future::ready(Ok::<_, Infallible>(service.clone()))));
    loop {
        let (stream, _) = listener.accept().await?;
        let service = connections.call(()).await?;
        tokio::spawn(async move {
            // A client that leaves is no fault of ours.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), TowerToHyperService::new(service)).await;
        });
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    println!("http://{}", listener.local_addr()?);
    serve(listener).await
}
