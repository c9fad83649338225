//! `/debug/profile*` under many who ask at once: what they ask for is computed one after the other, and all are answered.
#![cfg(feature = "server")]

#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
#[path = "support/http.rs"]
mod http;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tachograph::Registry;
use tachograph::http::{HttpMetrics, HttpOptions, Method};
use tachograph::profile::{ProfileOptions, Profiler, Sizes};
use tachograph::server::{self, Options, Routes, State, Token};

use http::Connection;

const WORKERS: usize = 2;

#[test]
fn a_crowd_that_asks_for_profiles_leaves_blocking_threads_to_others() {
    let profiler = Profiler::new(ProfileOptions::default());
    for _ in 0..300 {
        let profile = profiler.start("/scene", Method::Get);
        (0..16).for_each(|_| drop(profile.phase("part")));
        profile.finish(200, Sizes::default());
    }
    let registry = Registry::new();
    let metrics = HttpMetrics::register(&registry, HttpOptions::default()).unwrap();
    let tokens = Token::new("open-sesame").unwrap().into();
    let options = Options { profiler: Some(profiler), tokens, ..Options::default() };
    let state = State::new(&registry, &metrics, Routes::new(), options).unwrap();

    let threads = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&threads);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .on_thread_start(move || _ = counted.fetch_add(1, Ordering::Relaxed))
        .enable_all()
        .build()
        .unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(server::run(listener, state, std::future::pending()));

    let bearer = [("Authorization", "Bearer open-sesame")];
    let mut crowd: Vec<Connection> = (0..16).map(|_| Connection::open(address)).collect();
    crowd.iter_mut().for_each(|connection| connection.send("GET", "/debug/profile?limit=300", &bearer, b""));
    // Somebody leaves, and takes no turn along.
    crowd.truncate(12);
    for connection in &mut crowd {
        assert_eq!(connection.read(true).unwrap().status, 200);
    }
    let threads = threads.load(Ordering::Relaxed);
    // Two for what is computed; one that has just done with it may not be idle yet when the next turn begins.
    assert!(threads <= WORKERS + 2 * 2, "{threads} threads");
}
