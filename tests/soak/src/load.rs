//! What all clients share, and the one way in which they send a request and see its answer.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::time::{Instant, sleep, sleep_until};

use crate::request::Request;
use crate::tally::{Ledger, Target};
use crate::whole::Floor;
use crate::wire::{Answer, Connection, Head};

/// Findings that are told in full; more of them say nothing new.
const MOST_FINDINGS: usize = 40;

/// What is wrong with the server.
#[derive(Debug, Default)]
pub(crate) struct Findings(Mutex<(usize, Vec<String>)>);

impl Findings {
    pub(crate) fn tell(&self, what: String) {
        let mut findings = self.0.lock().expect("nothing under the lock panics");
        findings.0 += 1;
        if findings.1.len() < MOST_FINDINGS {
            eprintln!("finding: {what}");
            findings.1.push(what);
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.0.lock().expect("nothing under the lock panics").0
    }

    pub(crate) fn told(&self) -> Vec<String> {
        self.0.lock().expect("nothing under the lock panics").1.clone()
    }
}

/// Times from the first byte sent to the last byte read, in nanoseconds.
#[derive(Debug, Default)]
pub(crate) struct Latencies(Mutex<BTreeMap<Target, Histogram<u64>>>);

impl Latencies {
    fn take_in(&self, target: Target, took: Duration) {
        let mut all = self.0.lock().expect("nothing under the lock panics");
        let new = || Histogram::new_with_bounds(1_000, 120_000_000_000, 3).expect("the bounds are in order");
        all.entry(target).or_insert_with(new).saturating_record(took.as_nanos() as u64);
    }

    pub(crate) fn of(&self, target: Target) -> Option<Histogram<u64>> {
        self.0.lock().expect("nothing under the lock panics").get(&target).cloned()
    }
}

/// A run, as its clients see it.
#[derive(Debug)]
pub(crate) struct Load {
    pub(crate) address: SocketAddr,
    pub(crate) until: Instant,
    pub(crate) ledger: Ledger,
    pub(crate) floor: Floor,
    pub(crate) findings: Findings,
    pub(crate) latencies: Latencies,
    pub(crate) scrapes: AtomicU64,
    /// Scrapes in which the server says that a block showed what it had shown before.
    pub(crate) stale: AtomicU64,
    pub(crate) events: AtomicU64,
    pub(crate) profiles: AtomicU64,
    pub(crate) healths: AtomicU64,
    /// Heads that never became requests.
    pub(crate) half_heads: AtomicU64,
}

impl Load {
    pub(crate) fn new(address: SocketAddr, length: Duration) -> Self {
        Self {
            address,
            until: Instant::now() + length,
            ledger: Ledger::default(),
            floor: Floor::default(),
            findings: Findings::default(),
            latencies: Latencies::default(),
            scrapes: AtomicU64::new(0),
            stale: AtomicU64::new(0),
            events: AtomicU64::new(0),
            profiles: AtomicU64::new(0),
            healths: AtomicU64::new(0),
            half_heads: AtomicU64::new(0),
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        Instant::now() >= self.until
    }

    /// Waits, but not beyond the end.
    pub(crate) async fn pause(&self, pause: Duration) {
        sleep_until((Instant::now() + pause).min(self.until)).await;
    }

    /// Opens a connection; one that cannot be opened is a finding, and is waited for a little.
    pub(crate) async fn open(&self) -> Option<Connection> {
        match Connection::open(self.address).await {
            Ok(connection) => Some(connection),
            Err(cause) => {
                self.findings.tell(format!("no connection: {cause}"));
                sleep(Duration::from_millis(200)).await;
                None
            }
        }
    }

    /// Sends a request and reads its answer without keeping it. Says whether the connection can be used again.
    pub(crate) async fn exchange(&self, connection: &mut Connection, request: &Request) -> bool {
        self.exchanged(connection, request, None).await.is_some_and(|head| !head.closes())
    }

    /// The same, and keeps the answer.
    pub(crate) async fn ask(&self, connection: &mut Connection, request: &Request) -> Option<Answer> {
        let mut body = Vec::new();
        let head = self.exchanged(connection, request, Some(&mut body)).await?;
        Some(Answer { head, body })
    }

    async fn exchanged(&self, connection: &mut Connection, request: &Request, mut kept: Option<&mut Vec<u8>>) -> Option<Head> {
        self.ledger.begin(request.target);
        let (begun, mut length) = (Instant::now(), 0);
        let answered = async {
            connection.send(&request.bytes).await?;
            let head = connection.head().await?;
            if !request.is_head() {
                let take = |bytes: &[u8]| {
                    length += bytes.len() as u64;
                    if let Some(kept) = &mut kept {
                        kept.extend_from_slice(bytes);
                    }
                };
                connection.body(&head, take).await?;
            }
            Ok::<Head, io::Error>(head)
        };
        match answered.await {
            Ok(head) => {
                self.latencies.take_in(request.target, begun.elapsed());
                self.see(request, head.status, length);
                Some(head)
            }
            Err(cause) => {
                self.unanswered(request, &cause);
                None
            }
        }
    }

    /// Takes an answer that was read whole into the account.
    pub(crate) fn see(&self, request: &Request, status: u16, bytes: u64) {
        let effects = request.kind.effects(request.target, status);
        if effects.is_none() {
            let first = request.bytes.split(|byte| *byte == b'\r').next().unwrap_or_default();
            self.findings.tell(format!("{} was answered {status}: {:?}", String::from_utf8_lossy(first), request.kind));
        }
        self.ledger.see(request.target, status, bytes, &effects.unwrap_or_default());
    }

    /// A request that its client meant to see answered.
    pub(crate) fn unanswered(&self, request: &Request, cause: &io::Error) {
        let Request { target, kind, .. } = request;
        self.findings.tell(format!("{} {} ({kind:?}) was not answered: {cause}", target.method, target.endpoint));
        self.ledger.doubt(*target, &kind.possible(*target));
    }

    /// A request whose client leaves on purpose, once the server has it.
    pub(crate) fn leave(&self, request: &Request) {
        self.ledger.leave(request.target, &request.kind.possible(request.target));
    }

    /// A request whose client leaves on purpose, as soon as it is sent.
    pub(crate) fn left(&self, request: &Request, sent: &io::Result<()>) {
        match sent {
            Ok(()) => self.leave(request),
            Err(_) => self.doubt(request),
        }
    }

    /// A request whose client leaves on purpose, and the server may not even have it.
    pub(crate) fn doubt(&self, request: &Request) {
        self.ledger.doubt(request.target, &request.kind.possible(request.target));
    }
}

/// Keeps a client to its rate.
#[derive(Debug)]
pub(crate) struct Pace {
    next: Instant,
    each: Duration,
}

/// What is made up for after a pause of the machine, at most.
const CATCH_UP: Duration = Duration::from_millis(500);

impl Pace {
    pub(crate) fn new(rate: f64) -> Self {
        Self { next: Instant::now(), each: Duration::from_secs_f64(1.0 / rate.max(0.001)) }
    }

    /// Waits for the turn of so many requests.
    pub(crate) async fn take(&mut self, requests: u32) {
        sleep_until(self.next).await;
        let late = Instant::now().checked_sub(CATCH_UP).unwrap_or(self.next);
        self.next = self.next.max(late) + self.each * requests;
    }
}
