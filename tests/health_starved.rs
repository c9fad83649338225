//! A check that finds no thread, since the process may have no more memory.
#![cfg(all(feature = "health", target_os = "linux"))]

use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tachograph::health::{CheckOptions, CheckResult, HealthError, HealthRegistry, Selection};

/// Looks at the registry when it is dropped.
struct Asks(HealthRegistry);

impl Drop for Asks {
    fn drop(&mut self) {
        assert_eq!(self.0.report(&Selection::all()).checks().len(), 1);
    }
}

/// Bytes of address space that the process has.
fn address_space() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').next().unwrap().parse::<u64>().unwrap() * 4096
}

#[test]
fn a_check_without_a_thread_is_refused_and_may_ask_how_the_others_are_as_it_goes() {
    let health = HealthRegistry::new();
    health.register("first", || async { CheckResult::healthy("") }, CheckOptions::default()).unwrap();
    let (tell, told) = channel();
    thread::spawn(move || {
        let before = getrlimit(Resource::As);
        let asks = Asks(health.clone());
        let check = move || {
            let _held = &asks;
            async { CheckResult::healthy("") }
        };
        // Less than the stack of a thread more.
        let limit = Rlimit { current: Some(address_space() + (1 << 20)), ..before };
        setrlimit(Resource::As, limit).unwrap();
        let refused = health.register("second", check, CheckOptions::default());
        setrlimit(Resource::As, before).unwrap();
        tell.send(refused).unwrap();
    });
    let refused = told.recv_timeout(Duration::from_secs(60)).expect("it is refused, and nobody waits for himself");
    assert!(matches!(refused, Err(HealthError::NoThread { .. })), "{refused:?}");
}
