//! What a round of six health checks costs, from the question to the results of all: a scene is read, a folder counted, the
//! process weighed, two peers asked over TCP, loads and frames looked through. The checks are the demo's, but for the scene,
//! which is searched instead of parsed.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tachograph::Registry;
use tachograph::health::checks::{DapLspCheck, FolderCheck, FrameCheck, FrameClock, LoadCheck, Loads, MemoryCheck, framing};
use tachograph::health::{CheckOptions, CheckResult, HealthRegistry, HealthStatus, Selection};
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::measure::{Bench, Operation};
use crate::row::{Amount, Row};

/// What a full health check may take.
pub(crate) const BUDGET: Amount = Amount::Nanoseconds(15e6);

pub(crate) fn rows(bench: &Bench) -> Vec<Row> {
    vec![health_full(bench)]
}

/// A round of all checks, none of whose results is young enough to be taken instead.
fn health_full(bench: &Bench) -> Row {
    let runs = Arc::new(AtomicU64::new(0));
    let health = six_checks(&runs);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime starts");
    let mut round = Operation::new(|_| {
        let report = runtime.block_on(health.fresh(&Selection::all(), Duration::ZERO));
        assert_eq!((report.checks().len(), report.status()), (6, HealthStatus::Healthy), "{:?}", report.issues());
    });
    bench.measure([&mut round]);
    assert!(runs.load(Ordering::Relaxed) >= round.calls(), "each round has run it");
    Row::judged("full health check, all checks run", BUDGET, BUDGET, round.fastest())
}

/// The six, which have run once; the runs of one are counted.
pub(crate) fn six_checks(runs: &Arc<AtomicU64>) -> HealthRegistry {
    let health = HealthRegistry::new().with_version("1.2.3");
    let scenes = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenes");
    let (scene, runs) = (scenes.join("lobby.tscn"), Arc::clone(runs));
    let scene_loader = move || {
        runs.fetch_add(1, Ordering::Relaxed);
        std::future::ready(load(&scene))
    };
    let loads = Loads::new();
    // They go on for as long as the process does.
    (0..100).for_each(|at| std::mem::forget(loads.begin(&format!("res://{at}.png"))));
    let frames = FrameClock::new();
    (0..600).for_each(|_| frames.observe(Instant::now(), Duration::from_millis(4)));

    let options = CheckOptions::default;
    health.register("scene_loader", scene_loader, options()).expect("the name is new");
    health.register("file_system", FolderCheck::new(scenes, "tscn"), options()).expect("the name is new");
    health.register("memory", MemoryCheck::new(&Registry::new()), options()).expect("the name is new");
    health.register("dap_lsp", DapLspCheck::new(peer(), peer()), options()).expect("the name is new");
    health
        .register("resource_loader", LoadCheck::new(loads).with_stuck_after(Duration::MAX), options())
        .expect("the name is new");
    health.register("engine", FrameCheck::new(frames).with_min_fps(0.0), options()).expect("the name is new");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime starts");
    runtime.block_on(health.fresh(&Selection::all(), Duration::MAX));
    health
}

fn load(scene: &Path) -> CheckResult {
    match std::fs::read_to_string(scene) {
        Ok(text) => CheckResult::healthy("loaded").detail("nodes", text.matches("\n[node ").count()),
        Err(cause) => CheckResult::unhealthy(cause.to_string()),
    }
}

/// Starts a debug adapter, or language server, on a thread of its own.
fn peer() -> SocketAddr {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
            tell.send(listener.local_addr().expect("it is bound")).expect("somebody waits for it");
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream));
            }
        });
    });
    told.recv().expect("it tells its address")
}

/// Answers each request, by either protocol, for as long as the connection lasts.
async fn answer(stream: TcpStream) {
    let mut stream = BufReader::new(stream);
    while let Ok(body) = framing::read(&mut stream).await {
        let request: Value = serde_json::from_slice(&body).expect("a request is JSON");
        let answer = match (request.get("seq"), request.get("id")) {
            (Some(seq), _) => json!({
                "seq": seq, "type": "response", "request_seq": seq, "success": true, "command": request["command"], "body": {},
            }),
            (None, Some(id)) => json!({ "jsonrpc": "2.0", "id": id, "result": { "capabilities": {} } }),
            // A notification.
            (None, None) => continue,
        };
        if stream.write_all(&framing::framed(answer.to_string().as_bytes())).await.is_err() {
            return;
        }
    }
}
