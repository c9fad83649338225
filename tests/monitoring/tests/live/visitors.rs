//! Who uses the demo while a test looks on: requests at a pace, whatever becomes of them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use system::demo::TOKEN;
use system::http::Connection;

/// A request that is sent again and again.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    method: &'static str,
    path: &'static str,
    token: Option<&'static str>,
    body: String,
}

impl Visit {
    /// What everybody may see.
    pub(crate) const LIST: Self = Self { method: "GET", path: "/scenes", token: None, body: String::new() };

    /// A good load of a scene.
    pub(crate) fn load() -> Self {
        Self { method: "POST", path: "/scene", token: Some(TOKEN), body: "{\"path\": \"lobby.tscn\"}".to_owned() }
    }

    /// A load with a wrong token.
    pub(crate) fn guess() -> Self {
        Self { token: Some("a-guess"), ..Self::load() }
    }

    /// A good load whose body is padded with so many blanks.
    pub(crate) fn upload(blanks: usize) -> Self {
        let load = Self::load();
        Self { body: load.body + &" ".repeat(blanks), ..load }
    }
}

/// A client that comes as often as its pace says. It is stopped when this is dropped.
#[derive(Debug)]
pub(crate) struct Visitor {
    stopped: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Visitor {
    /// Sends the visits in turn, with a pause after each one's answer.
    pub(crate) fn start(address: SocketAddr, pause: Duration, visits: Vec<Visit>) -> Self {
        let (stopped, answered) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let (stop, count) = (Arc::clone(&stopped), Arc::clone(&answered));
        let thread = thread::spawn(move || {
            let mut connection = None;
            for (visit, number) in visits.iter().cycle().zip(1_u64..) {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                // As a client that traces its requests, so that each can be found again.
                let trace = format!("00-{number:032x}-{number:016x}-01");
                let bearer = visit.token.map(|token| format!("Bearer {token}"));
                let authorization = bearer.iter().map(|bearer| ("authorization", bearer.as_str()));
                let headers: Vec<(&str, &str)> = authorization.chain([("traceparent", trace.as_str())]).collect();
                connection = connection.or_else(|| Connection::open(address).ok());
                let answer = connection.as_mut().map(|open| open.request(visit.method, visit.path, &headers, &visit.body));
                match answer {
                    Some(Ok(_)) => {
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                    // The server may be killed meanwhile: then it is tried anew.
                    _ => connection = None,
                }
                thread::sleep(pause);
            }
        });
        Self { stopped, answered, thread: Some(thread) }
    }

    /// How many requests were answered.
    pub(crate) fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }
}

impl Drop for Visitor {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // Its panic was printed already, and a test that has failed must not panic twice.
            let _ = thread.join();
        }
    }
}
