//! What befalls pushes: receivers that fail, refuse, hang, break off, go away and come back. Nothing doubles, and all is accounted for.

#[path = "support/receiver.rs"]
mod receiver;
#[path = "support/remote_model.rs"]
mod remote_model;

use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use receiver::{Reaction, Received, Receiver};
use remote_model::{Held, is_stale, read};
use tachograph::push::{Endpoint, Options, Pusher, RemoteWrite};
use tachograph::{Counter, Registry, Value};

/// As fast as may be, and patient at the end.
fn fast() -> Options {
    Options {
        interval: Duration::from_millis(5),
        timeout: Duration::from_millis(100),
        shortest_pause: Duration::from_millis(1),
        longest_pause: Duration::from_millis(5),
        shutdown_timeout: Duration::from_secs(60),
        queue_snapshots: 100_000,
        ..Options::default()
    }
}

/// A registry with a counter that rises, pushed to a URL.
fn start(url: &str, options: Options) -> (Registry, Counter, Pusher) {
    let registry = Registry::new();
    let jobs = registry.counter("jobs_total", "Jobs done.").unwrap();
    let pusher = RemoteWrite::new(Endpoint::new(url).unwrap()).start(&registry, options).unwrap();
    (registry, jobs, pusher)
}

/// The sum of a counter of the registry's, or the value of a gauge.
fn told(registry: &Registry, name: &str) -> u64 {
    let snapshot = registry.snapshot();
    let each = snapshot.family(name).unwrap().series().map(|series| match series.value {
        Value::Counter(value) => value,
        Value::Float(value) => value as u64,
        _ => panic!("{name} is no number"),
    });
    each.sum()
}

fn wait_until(what: &str, enough: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !enough() {
        assert!(Instant::now() < end, "waited for {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// What a receiver holds that took all that it did not refuse. It panics where a sample changed or went back.
fn held(received: &[Received]) -> Held {
    Held::of(received.iter().filter(|received| received.may_be_taken()).map(|received| read(&received.body)))
}

/// The counter never falls, and ends at `last`.
fn assert_counted(received: &[Received], last: u64) {
    let held = held(received);
    let values: Vec<f64> = held.one("jobs_total").values().copied().filter(|value| !is_stale(*value)).collect();
    assert!(values.is_sorted() && values.last() == Some(&(last as f64)), "{values:?}");
}

/// Whatever happens at first, what comes after is what would have come, and what was tried again is the same to the byte.
fn gets_over(reactions: &[Reaction]) {
    let first = reactions.to_vec();
    let receiver = Receiver::start(move |nth, _| first.get(nth).cloned().unwrap_or(Reaction::status(204)));
    let (registry, jobs, pusher) = start(&receiver.url("/w"), fast());
    jobs.inc_by(3);
    receiver.wait_until("it to get over", |received| received.len() > reactions.len() + 3);
    jobs.inc_by(4);
    assert_eq!(pusher.shutdown().dropped, 0);
    let received = receiver.received();
    for at in 0..reactions.len() {
        assert_eq!(received[at].body, received[at + 1].body, "request {at}");
    }
    assert_counted(&received, 7);
    let failures = reactions.len() as u64;
    assert_eq!(told(&registry, "tachograph_push_failures_total"), failures);
    assert_eq!(told(&registry, "tachograph_push_retries_total"), failures);
    let samples: usize = received[reactions.len()..].iter().map(|received| read(&received.body).timeseries.len()).sum();
    assert_eq!(told(&registry, "tachograph_push_samples_sent_total"), samples as u64);
    assert_eq!(told(&registry, "tachograph_push_queue_snapshots"), 0);
    assert!(told(&registry, "tachograph_push_last_success_timestamp_seconds") > 1_600_000_000);
}

#[test]
fn a_receiver_that_fails_gets_the_same_again() {
    gets_over(&[Reaction::status(500), Reaction::Answer(503, "Retry-After: 0\r\n", Vec::new())]);
}

#[test]
fn a_receiver_that_asks_for_less_gets_the_same_again() {
    gets_over(&[Reaction::Answer(429, "Retry-After: 0\r\n", Vec::new()), Reaction::status(429)]);
}

#[test]
fn a_receiver_that_hangs_gets_the_same_again() {
    gets_over(&[Reaction::Hang, Reaction::Hang]);
}

#[test]
fn a_request_that_may_have_arrived_comes_again_and_doubles_nothing() {
    gets_over(&[Reaction::Close, Reaction::Close, Reaction::Close]);
}

#[test]
fn a_receiver_that_asks_for_a_pause_is_left_alone() {
    let receiver = Receiver::start(|_, _| Reaction::Answer(429, "Retry-After: 3600\r\n", Vec::new()));
    let (registry, _jobs, pusher) =
        start(&receiver.url("/w"), Options { shutdown_timeout: Duration::from_millis(50), ..fast() });
    receiver.wait_until("the first request", |received| !received.is_empty());
    // Thirty snapshots later nothing has come, although the longest pause of our own is 5 ms.
    wait_until("the queue to fill", || told(&registry, "tachograph_push_queue_snapshots") > 30);
    let ended = pusher.shutdown();
    assert_eq!(receiver.received().len(), 1);
    assert!(ended.dropped > 30, "{ended:?}");
    assert_eq!(told(&registry, "tachograph_push_samples_dropped_total"), ended.dropped);
}

#[test]
fn what_is_refused_is_given_up_and_the_rest_goes_on() {
    let receiver = Receiver::start(|nth, _| Reaction::status(if nth == 1 { 400 } else { 204 }));
    let (registry, jobs, pusher) = start(&receiver.url("/w"), fast());
    receiver.wait_until("some requests", |received| received.len() > 4);
    jobs.inc_by(5);
    assert_eq!(pusher.shutdown().dropped, 0);
    let received = receiver.received();
    assert_ne!(received[1].body, received[2].body);
    assert_counted(&received, 5);
    let refused = read(&received[1].body).timeseries.len();
    assert_eq!(told(&registry, "tachograph_push_samples_refused_total"), refused as u64);
    assert_eq!(told(&registry, "tachograph_push_retries_total"), 0);
}

#[test]
fn a_receiver_that_is_away_finds_all_of_it_when_it_comes_back() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let (registry, jobs, pusher) = start(&format!("http://{address}/w"), fast());
    wait_until("a failure", || told(&registry, "tachograph_push_failures_total") > 0);
    for _ in 0..3 {
        jobs.inc();
        let failures = told(&registry, "tachograph_push_failures_total");
        wait_until("more failures", || told(&registry, "tachograph_push_failures_total") > failures);
    }
    let receiver = Receiver::on(TcpListener::bind(address).unwrap(), |_, _| Reaction::status(204));
    receiver.wait_until("what has waited", |received| received.len() > 3);
    assert_eq!(pusher.shutdown().dropped, 0);
    let received = receiver.received();
    assert_counted(&received, 3);
    assert_eq!(*held(&received).one("jobs_total").first_key_value().unwrap().1, 0.0, "from the first snapshot on");
}

#[test]
fn a_full_queue_gives_up_the_oldest_and_counts_it() {
    let open = Arc::new(AtomicBool::new(false));
    let opened = Arc::clone(&open);
    let receiver = Receiver::start(move |_, _| Reaction::status(if opened.load(Ordering::SeqCst) { 204 } else { 503 }));
    let (registry, jobs, pusher) = start(&receiver.url("/w"), Options { queue_snapshots: 3, ..fast() });
    wait_until("the queue to overflow", || told(&registry, "tachograph_push_samples_dropped_total") > 1_000);
    assert!(told(&registry, "tachograph_push_queue_snapshots") <= 3);
    jobs.inc_by(9);
    open.store(true, Ordering::SeqCst);
    let ended = pusher.shutdown();
    let received = receiver.received();
    assert_counted(&received, 9);
    assert!(ended.dropped > 1_000);
    assert_eq!(told(&registry, "tachograph_push_samples_dropped_total"), ended.dropped);
    // The oldest one tried is not among those that were taken, and what was taken is what is told to be.
    let taken: Vec<_> = received.iter().filter(|received| received.may_be_taken()).collect();
    assert!(taken.iter().all(|taken| taken.body != received[0].body));
    let samples: usize = taken.iter().map(|taken| read(&taken.body).timeseries.len()).sum();
    assert_eq!(told(&registry, "tachograph_push_samples_sent_total"), samples as u64);
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn trouble_is_said_once_and_no_secret_with_it() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false).init();
    let receiver = Receiver::start(|nth, _| Reaction::status(if nth < 3 { 500 } else { 401 }));
    let endpoint = Endpoint::new(&receiver.url("/once?key=secret")).unwrap().bearer("secret").unwrap();
    let pusher = RemoteWrite::new(endpoint).start(&Registry::new(), fast()).unwrap();
    let received = receiver.wait_until("some requests", |received| received.len() > 8);
    assert_eq!(received[0].headers["authorization"], "Bearer secret");
    assert_eq!(received[0].line, "POST /once?key=secret HTTP/1.1");
    pusher.shutdown();
    let said = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<_> = said.lines().filter(|line| line.contains(&receiver.url("/once"))).collect();
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert!(lines[0].contains("tried again") && lines[0].contains("500"), "{lines:#?}");
    assert!(lines[1].contains("given up") && lines[1].contains("401"), "{lines:#?}");
    assert!(!said.contains("secret"));
}
