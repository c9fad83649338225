//! A pusher whose process is suspended: when it goes on it pushes what is now, and tries once what it would have tried again and
//! again. The process is this one a second time.
#![cfg(target_os = "linux")]

#[path = "support/receiver.rs"]
mod receiver;

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use receiver::{Reaction, Receiver};
use rustix::process::{Pid, Signal, kill_process};
use tachograph::Registry;
use tachograph::push::{Endpoint, Options, RemoteWrite};

const STOPPED: Duration = Duration::from_secs(5);
const INTERVAL: Duration = Duration::from_millis(200);
const URL: &str = "TACHOGRAPH_TEST_PUSHES_TO";

/// The process that is suspended: pushes until nobody holds its standard input any more.
fn push(url: &str) {
    let registry = Registry::new();
    registry.counter("jobs_total", "Jobs done.").unwrap().inc();
    let options = Options {
        interval: INTERVAL,
        shortest_pause: INTERVAL,
        longest_pause: INTERVAL,
        shutdown_timeout: Duration::ZERO,
        ..Options::default()
    };
    let _pusher = RemoteWrite::new(Endpoint::new(url).unwrap()).start(&registry, options).unwrap();
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

struct Pushing(Child);

impl Pushing {
    fn start(test: &str, receiver: &Receiver) -> Self {
        let mut again = Command::new(std::env::current_exe().unwrap());
        again.args(["--exact", test]).env(URL, receiver.url("/"));
        Self(again.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap())
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }
}

impl Drop for Pushing {
    fn drop(&mut self) {
        let _gone_already = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// Suspends a pusher to that receiver, and checks that no more than one request in `shortest` follows, and one that was due.
fn suspend(test: &str, receiver: &Receiver, shortest: Duration) {
    if let Ok(url) = std::env::var(URL) {
        return push(&url);
    }
    let pushing = Pushing::start(test, receiver);
    receiver.wait_until("pushes", |received| received.len() >= 5);
    let asked = Instant::now();
    pushing.signal(Signal::STOP);
    std::thread::sleep(STOPPED);
    // What was on its way has come by now.
    let before = receiver.received().len();
    pushing.signal(Signal::CONT);
    let received = receiver.wait_until("pushes to go on", |received| received.len() >= before + 5).len();
    let awake = asked.elapsed() - STOPPED;
    let most = awake.as_secs_f64() / shortest.as_secs_f64() + 3.0;
    assert!((received - before) as f64 <= most, "{} requests within {awake:?}", received - before);
}

#[test]
fn snapshots_that_were_missed_are_not_made_up_for() {
    suspend("snapshots_that_were_missed_are_not_made_up_for", &Receiver::patient(), INTERVAL);
}

#[test]
fn a_push_that_fails_is_tried_once_after_a_suspension() {
    // A pause is cut at random by up to its half.
    let receiver = Receiver::start(|_, _| Reaction::status(503));
    suspend("a_push_that_fails_is_tried_once_after_a_suspension", &receiver, INTERVAL / 2);
}
