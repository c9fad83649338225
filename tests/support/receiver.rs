//! A receiver of pushes that reads HTTP by itself, writes down what comes, and answers as it is told.
#![allow(dead_code, reason = "no single test uses all of it")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take.
const LIMIT: Duration = Duration::from_secs(60);

/// A request as it came.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Received {
    pub(crate) line: String,
    /// By names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
    pub(crate) reaction: Reaction,
}

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Reaction {
    /// Status, further headers, body.
    Answer(u16, &'static str, Vec<u8>),
    /// It is never answered.
    Hang,
    /// The connection is closed without an answer.
    Close,
}

impl Reaction {
    pub(crate) fn status(status: u16) -> Self {
        Self::Answer(status, "", Vec::new())
    }
}

impl Received {
    /// Whether a receiver that reacts so has taken it. One that does not answer may have.
    pub(crate) fn may_be_taken(&self) -> bool {
        !matches!(self.reaction, Reaction::Answer(400.., ..))
    }
}

type React = dyn Fn(usize, &[u8]) -> Reaction + Send + Sync;

/// Listens until the process ends.
#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    log: Arc<(Mutex<Vec<Received>>, Condvar)>,
}

impl Receiver {
    /// Reacts to each request by its number, from 0 on, and its body.
    pub(crate) fn start(react: impl Fn(usize, &[u8]) -> Reaction + Send + Sync + 'static) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap(), react)
    }

    pub(crate) fn on(listener: TcpListener, react: impl Fn(usize, &[u8]) -> Reaction + Send + Sync + 'static) -> Self {
        let receiver = Self { address: listener.local_addr().unwrap(), log: Arc::default() };
        let (log, react): (_, Arc<React>) = (Arc::clone(&receiver.log), Arc::new(react));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (log, react) = (Arc::clone(&log), Arc::clone(&react));
                thread::spawn(move || serve(stream.unwrap(), &log, &*react));
            }
        });
        receiver
    }

    /// One that takes everything.
    pub(crate) fn patient() -> Self {
        Self::start(|_, _| Reaction::status(204))
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.log.0.lock().unwrap().clone()
    }

    /// Waits until what has come is enough.
    pub(crate) fn wait_until(&self, what: &str, enough: impl Fn(&[Received]) -> bool) -> Vec<Received> {
        let end = Instant::now() + LIMIT;
        let mut log = self.log.0.lock().unwrap();
        while !enough(&log) {
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "waited {LIMIT:?} for {what}; {} requests came", log.len());
            log = self.log.1.wait_timeout(log, left).unwrap().0;
        }
        log.clone()
    }
}

/// Reads requests of one connection until it ends.
fn serve(stream: TcpStream, (log, came): &(Mutex<Vec<Received>>, Condvar), react: &React) {
    let mut stream = BufReader::new(stream);
    while let Some((line, headers, body)) = request(&mut stream) {
        let mut all = log.lock().unwrap();
        let reaction = react(all.len(), &body);
        all.push(Received { line, headers, body, reaction: reaction.clone() });
        drop(all);
        came.notify_all();
        match reaction {
            Reaction::Answer(status, headers, body) => {
                let head = format!("HTTP/1.1 {status} so\r\n{headers}content-length: {}\r\n\r\n", body.len());
                // A bodiless status may have no length; hyper takes one of 0.
                if stream.get_mut().write_all(&[head.as_bytes(), &body].concat()).is_err() {
                    return;
                }
            }
            Reaction::Hang => {
                // Until the other side has enough.
                let _ = stream.read_to_end(&mut Vec::new());
                return;
            }
            Reaction::Close => return,
        }
    }
}

fn request(stream: &mut impl BufRead) -> Option<(String, BTreeMap<String, String>, Vec<u8>)> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let header = |line: &String| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
    let headers: BTreeMap<String, String> = lines[1..].iter().filter_map(header).collect();
    let mut body = vec![0; headers["content-length"].parse().unwrap()];
    stream.read_exact(&mut body).ok()?;
    Some((lines.swap_remove(0), headers, body))
}
