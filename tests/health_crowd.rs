//! `/health` under many who ask at once, who leave, and while a check hangs: one run for all, and nobody else is held up.
#![cfg(feature = "server")]

#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
#[path = "support/http.rs"]
mod http;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::time::Duration;

use tachograph::Registry;
use tachograph::health::{CheckOptions, CheckResult, HealthRegistry, Selection};
use tachograph::http::{HttpMetrics, HttpOptions};
use tachograph::server::{self, Options, Route, Routes, State, StatusCode};
use tokio::runtime::Runtime;

use http::{Connection, PATIENCE, eventually, get};

const CROWD: usize = 500;
/// The age up to which `/health` answers with a result.
const FRESH: Duration = Duration::from_secs(1);

/// A server with one worker thread; it goes with the runtime.
fn serve(health: &HealthRegistry, routes: Routes) -> (Runtime, SocketAddr) {
    let registry = Registry::new();
    let metrics = HttpMetrics::register(&registry, HttpOptions::default()).unwrap();
    let options = Options { health: health.clone(), ..Options::default() };
    let state = State::new(&registry, &metrics, routes, options).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(server::run(listener, state, std::future::pending()));
    (runtime, address)
}

/// Options of a check that runs by itself but once.
fn seldom(timeout: Duration) -> CheckOptions {
    CheckOptions { interval: Duration::from_secs(86_400), timeout, ..CheckOptions::default() }
}

/// A check that tells when a run begins, and ends it when it may.
struct Gated {
    runs: Arc<AtomicUsize>,
    begun: Mutex<mpsc::Receiver<()>>,
    end: mpsc::Sender<()>,
}

impl Gated {
    /// Registers it under this name.
    fn register(health: &HealthRegistry, name: &str) -> Self {
        let runs = Arc::new(AtomicUsize::new(0));
        let (begin, begun) = mpsc::channel();
        let (end, ending) = mpsc::channel();
        let (counted, ending) = (Arc::clone(&runs), Mutex::new(ending));
        let check = move || {
            counted.fetch_add(1, Ordering::Relaxed);
            begin.send(()).unwrap();
            // It ends too when the test has failed.
            let _gone = ending.lock().unwrap().recv();
            async { CheckResult::healthy("") }
        };
        health.register(name, check, seldom(Duration::from_secs(3_600))).unwrap();
        Self { runs, begun: Mutex::new(begun), end }
    }

    fn wait_for_a_run(&self) {
        self.begun.lock().unwrap().recv_timeout(PATIENCE).unwrap();
    }

    fn runs(&self) -> usize {
        self.runs.load(Ordering::Relaxed)
    }
}

/// Waits until the last result of a check is too old to answer with.
fn wait_until_old(health: &HealthRegistry, check: &str) {
    eventually("its result is old", || (health.report(&Selection::check(check)).age() > Some(FRESH)).then_some(()));
}

#[test]
fn a_crowd_shares_one_run_of_each_check() {
    let health = HealthRegistry::new();
    let checks = ["a", "b"].map(|name| Gated::register(&health, name));
    for check in &checks {
        check.wait_for_a_run();
        check.end.send(()).unwrap();
    }
    let (_runtime, address) = serve(&health, Routes::new());
    ["a", "b"].iter().for_each(|check| wait_until_old(&health, check));

    let mut crowd: Vec<Connection> = (0..CROWD).map(|_| Connection::open(address)).collect();
    for connection in &mut crowd {
        connection.send("GET", "/health", &[], b"");
    }
    checks.iter().for_each(Gated::wait_for_a_run);
    // Some leave, one of them the first that asked.
    drop(crowd.drain(..10));
    // Meanwhile the server answers what waits for nothing, and has a second for those that it has not read yet.
    assert_eq!(get(address, "/health/quick").status, 200);
    assert_eq!(checks.each_ref().map(Gated::runs), [2, 2]);
    checks.iter().for_each(|check| check.end.send(()).unwrap());
    let answers: Vec<_> = crowd.iter_mut().map(|connection| connection.read(true).unwrap()).collect();
    for answer in &answers {
        assert_eq!(answer.status, 200);
        assert_eq!(answer.json()["checks"], answers[0].json()["checks"]);
    }
    assert_eq!(answers.len(), CROWD - 10);
    assert_eq!(checks.each_ref().map(Gated::runs), [2, 2], "one run for all");
}

/// A latch that blocks threads until it is open.
#[derive(Clone, Default)]
struct Latch(Arc<(Mutex<bool>, Condvar)>);

impl Latch {
    fn wait(&self) {
        let open = self.0.0.lock().unwrap();
        drop(self.0.1.wait_while(open, |open| !*open).unwrap());
    }

    fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }
}

#[test]
fn a_check_that_blocks_its_thread_delays_nobody_and_is_waited_for_once() {
    let routes = Routes::new().route(Route::get("/other"), |_| async { server::plain(StatusCode::OK, "text/plain", "here") });
    let health = HealthRegistry::new();
    let (runtime, address) = serve(&health, routes);
    let latch = Latch::default();
    let (blocked, held) = (latch.clone(), Arc::new(AtomicUsize::new(0)));
    let runs = Arc::clone(&held);
    let hangs = move || {
        runs.fetch_add(1, Ordering::Relaxed);
        blocked.wait();
        async { CheckResult::healthy("it came back") }
    };
    {
        // As most register theirs: in the runtime of the server.
        let _context = runtime.enter();
        health.register("hangs", hangs, seldom(Duration::from_millis(100))).unwrap();
        health.register("well", || async { CheckResult::healthy("") }, CheckOptions::default()).unwrap();
    }
    let mut waiting = Connection::open(address);
    waiting.send("GET", "/health", &[], b"");
    assert_eq!(get(address, "/other").text(), "here", "while the check hangs");
    let answer = waiting.read(true).unwrap();
    assert_eq!(answer.status, 503);
    assert_eq!(answer.json()["checks"]["hangs"]["status"], "unhealthy");
    assert_eq!(answer.json()["checks"]["well"]["status"], "healthy");
    wait_until_old(&health, "hangs");
    let again = get(address, "/health");
    assert_eq!((again.status, held.load(Ordering::Relaxed)), (503, 1), "no second run beside the one that hangs");

    latch.open();
    // What it said came too late. Its next run counts, which begins when its last result is a second old.
    eventually("it is well again", || (get(address, "/health/check/hangs").status == 200).then_some(()));
    assert_eq!(get(address, "/other").text(), "here");
}
