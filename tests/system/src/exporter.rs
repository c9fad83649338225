//! The server under test in this process: a registry of the test's own, scraped as any user's is.

use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tachograph::Registry;
use tachograph::http::{HttpMetrics, HttpOptions};
use tachograph::server::{self, Options, Routes, State};
use tokio::sync::oneshot;

/// A running server. It ends when this is dropped.
#[derive(Debug)]
pub struct Exporter {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Exporter {
    /// Serves the scrape of `registry`, and nothing else in it.
    pub fn serving(registry: &Registry) -> Self {
        Self::serving_with(registry, Options::default())
    }

    /// As [`serving`](Self::serving), with a server that is set up otherwise.
    pub fn serving_with(registry: &Registry, options: Options) -> Self {
        // The server's own metrics go elsewhere.
        let http = HttpMetrics::register(&Registry::new(), HttpOptions::default()).expect("an empty registry takes them");
        // Who ends a test does not wait for connections that a scraper holds open.
        let options = Options { shutdown_timeout: Duration::ZERO, ..options };
        let state = State::new(registry, &http, Routes::new(), options).expect("no routes cannot clash");
        let (stop, stopping) = oneshot::channel();
        let (tell, told) = mpsc::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
            runtime.expect("threads can be started").block_on(async move {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
                tell.send(listener.local_addr().expect("a bound listener has an address")).expect("the starter waits");
                // The sender may also be gone without a word.
                server::run(listener, state, async { drop(stopping.await) }).await;
            });
        });
        let address = told.recv().expect("the server says where it listens");
        Self { address, stop: Some(stop), thread: Some(thread) }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // Its panic was printed already, and a test that has failed must not panic twice.
            let _ = thread.join();
        }
    }
}
