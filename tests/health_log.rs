//! What the log is told of health: each change once. And what readers are told while the log itself is stuck.
#![cfg(feature = "health")]

#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
#[path = "support/http.rs"]
mod http;

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use tachograph::health::{CheckOptions, CheckResult, HealthRegistry, HealthStatus, Selection};
use tracing_subscriber::fmt::MakeWriter;

use http::eventually;

/// A log whose writers block on lines about `stuck` until it is let go, and panic on lines about `explodes`.
#[derive(Clone, Default)]
struct Log(Arc<(Mutex<State>, Condvar)>);

#[derive(Default)]
struct State {
    text: String,
    let_go: bool,
    panics: usize,
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8(bytes.to_vec()).expect("lines are text");
        let mut state = self.0.0.lock().unwrap();
        state.text.push_str(&text);
        if text.contains("stuck") {
            drop(self.0.1.wait_while(state, |state| !state.let_go).unwrap());
        } else if text.contains("explodes") {
            state.panics += 1;
            drop(state);
            panic!("the log explodes");
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Log {
    fn let_go(&self) {
        self.0.0.lock().unwrap().let_go = true;
        self.0.1.notify_all();
    }

    /// The lines so far that have all of these words.
    fn lines(&self, words: &[&str]) -> Vec<String> {
        let state = self.0.0.lock().unwrap();
        let wanted = |line: &&str| words.iter().all(|word| line.contains(word));
        state.text.lines().filter(wanted).map(str::to_owned).collect()
    }
}

#[test]
fn a_change_is_said_once_and_a_stuck_log_makes_results_stale() {
    let log = Log::default();
    tracing_subscriber::fmt().with_writer(log.clone()).with_ansi(false).init();
    let health = HealthRegistry::new();

    // Ill three times, then slow three times, then well.
    let (runs, count) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&runs);
    let check = move || {
        let status = match count.fetch_add(1, Ordering::Relaxed) {
            0..3 => HealthStatus::Unhealthy,
            3..6 => HealthStatus::Degraded,
            _ => HealthStatus::Healthy,
        };
        counted.fetch_add(1, Ordering::Relaxed);
        async move { CheckResult::new(status, "so it is\nINFO and this is no line of its own") }
    };
    let interval = Duration::from_millis(2);
    let patient = CheckOptions { interval, timeout: Duration::from_secs(60), ..CheckOptions::default() };
    health.register("changes", check, patient.clone()).unwrap();
    health.register("well", || async { CheckResult::healthy("") }, patient).unwrap();
    eventually("it has run often", || (runs.load(Ordering::Relaxed) > 12).then_some(()));
    let said = |words: &[&str]| log.lines(&[&["health changed", "check=\"changes\""], words].concat()).len();
    assert_eq!(said(&["ERROR", "from=\"unknown\" to=\"unhealthy\"", "so it is"]), 1);
    assert_eq!(said(&["WARN", "from=\"unhealthy\" to=\"degraded\""]), 1);
    assert_eq!(said(&["INFO", "from=\"degraded\" to=\"healthy\""]), 1);
    assert_eq!(said(&[]), 3);
    assert!(log.lines(&["check=\"well\""]).is_empty(), "what is well from the start has not changed");
    assert_eq!(log.lines(&["health changed"]).len(), log.lines(&[]).len(), "a message has one line");

    // The hung run is told by the registry's own thread, which the log now keeps: nothing runs any more, and that shows.
    let hasty = CheckOptions { interval, timeout: interval, ..CheckOptions::default() };
    let young =
        CheckOptions { interval: Duration::from_millis(200), timeout: Duration::from_millis(200), ..CheckOptions::default() };
    health.register("young", || async { CheckResult::healthy("once") }, young).unwrap();
    health.register("stuck", std::future::pending, hasty).unwrap();
    let stale = eventually("it is stale", || {
        let report = health.report(&Selection::check("young"));
        report.issues().into_iter().find(|issue| issue.contains("that is stale"))
    });
    assert!(stale.starts_with("young is unhealthy: its last result is ") && stale.ends_with("it was: once"), "{stale}");
    log.let_go();
    eventually("it runs again", || (health.report(&Selection::check("young")).status() == HealthStatus::Healthy).then_some(()));
    assert_eq!(log.lines(&["check=\"stuck\""]).len(), 1, "it hangs again and again, and was so before");

    // A log that panics, once more where it is told so, ends no thread.
    let hasty = CheckOptions { interval, timeout: interval, ..CheckOptions::default() };
    health.register("explodes", std::future::pending, hasty).unwrap();
    eventually("it has panicked twice", || (log.0.0.lock().unwrap().panics >= 2).then_some(()));
    let before = runs.load(Ordering::Relaxed);
    eventually("checks run on", || (runs.load(Ordering::Relaxed) > before + 3).then_some(()));
}
