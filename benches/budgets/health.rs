//! What a round of six health checks costs, from the question to the results of all: a scene is read, a folder counted, the
//! process weighed, two programs asked over TCP, loads and frames looked through.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tachograph::health::checks::FolderCheck;
use tachograph::health::{CheckOptions, CheckResult, HealthRegistry, HealthStatus, Selection};

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

/// Six checks that do what those of a service do; the runs of one are counted.
pub(crate) fn six_checks(runs: &Arc<AtomicU64>) -> HealthRegistry {
    let health = HealthRegistry::new().with_version("1.2.3");
    let scenes = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenes");
    let scene = scenes.join("lobby.tscn");
    let options = CheckOptions::default;
    let scene_loader = move || std::future::ready(load(&scene));
    health.register("scene_loader", scene_loader, options()).expect("the name is new");
    health.register("file_system", FolderCheck::new(scenes, "tscn"), options()).expect("the name is new");
    health.register("memory", || std::future::ready(weigh()), options()).expect("the name is new");

    let peers = Mutex::new([Peer::start(), Peer::start()]);
    let dap_lsp = move || std::future::ready(ask(&mut *peers.lock().expect("nobody panics with it")));
    health.register("dap_lsp", dap_lsp, options()).expect("the name is new");

    let loads: HashMap<String, Instant> = (0..1_000).map(|at| (format!("res://{at}.png"), Instant::now())).collect();
    let resource_loader = move || {
        let stuck = loads.values().filter(|begun| begun.elapsed() > Duration::from_secs(3_600)).count();
        std::future::ready(CheckResult::healthy("they come").detail("loads", loads.len()).detail("stuck", stuck))
    };
    health.register("resource_loader", resource_loader, options()).expect("the name is new");

    let frames: Vec<f64> = (0..600).map(|at| 16.0 + f64::from(at % 7) / 10.0).collect();
    let runs = Arc::clone(runs);
    let engine = move || {
        runs.fetch_add(1, Ordering::Relaxed);
        let mut sorted = frames.clone();
        sorted.sort_by(f64::total_cmp);
        std::future::ready(CheckResult::healthy("it draws").detail("frame_ms_p99", sorted[594]))
    };
    health.register("engine", engine, options()).expect("the name is new");
    health
}

fn load(scene: &Path) -> CheckResult {
    match std::fs::read_to_string(scene) {
        Ok(text) => CheckResult::healthy("loaded").detail("nodes", text.matches("\n[node ").count()),
        Err(cause) => CheckResult::unhealthy(cause.to_string()),
    }
}

/// Reads what the system says of the process, or where it does not, of this file.
fn weigh() -> CheckResult {
    let status = std::fs::read_to_string("/proc/self/status").or_else(|_| std::fs::read_to_string(file!()));
    match status {
        Ok(status) => CheckResult::healthy("light").detail("lines", status.lines().count()),
        Err(cause) => CheckResult::unhealthy(cause.to_string()),
    }
}

fn ask(peers: &mut [Peer]) -> CheckResult {
    match peers.iter_mut().try_for_each(Peer::ask) {
        Ok(()) => CheckResult::healthy("both answer"),
        Err(cause) => CheckResult::unhealthy(cause.to_string()),
    }
}

/// A program on another thread that sends back what it is sent; it ends with the connection.
struct Peer(TcpStream);

impl Peer {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let stream = TcpStream::connect(listener.local_addr().expect("it is bound")).expect("it listens");
        stream.set_nodelay(true).expect("a socket takes options");
        let (mut answering, _) = listener.accept().expect("the connection is there");
        std::thread::spawn(move || io::copy(&mut answering.try_clone()?, &mut answering));
        Self(stream)
    }

    fn ask(&mut self) -> io::Result<()> {
        let mut answer = [0; 4];
        self.0.write_all(b"ping")?;
        self.0.read_exact(&mut answer)
    }
}
