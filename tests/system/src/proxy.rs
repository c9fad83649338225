//! Stands between a scraper and its target: it hands every scrape on, remembers what was asked and answered, and may ask for
//! another format than the scraper does.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// One scrape.
#[derive(Clone, Debug, PartialEq)]
pub struct Exchange {
    /// The `Accept` of the scraper, before it was replaced.
    pub accept: String,
    /// The format that came.
    pub content_type: String,
    /// How it was compressed; empty when it was not.
    pub content_encoding: String,
}

/// A proxy on a free port, for as long as the process lives.
#[derive(Clone, Debug)]
pub struct Proxy {
    address: SocketAddr,
    last: Arc<Mutex<Option<Exchange>>>,
}

impl Proxy {
    /// Hands scrapes on to `target`, with `accept` in place of what the scraper accepts.
    pub fn new(target: SocketAddr, accept: Option<&'static str>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let last = Arc::default();
        let proxy = Self { address, last: Arc::clone(&last) };
        thread::spawn(move || {
            for stream in listener.incoming() {
                // A scraper or a target that goes away early is the scraper's loss: it sees a failed scrape.
                let _ = stream.and_then(|stream| hand_on(stream, target, accept, &last));
            }
        });
        proxy
    }

    /// Where the scraper has to ask.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The last scrape that went through.
    pub fn last(&self) -> Exchange {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.clone().expect("a scrape has gone through")
    }
}

/// One request and its answer; then both connections are closed.
fn hand_on(mut scraper: TcpStream, target: SocketAddr, accept: Option<&str>, last: &Mutex<Option<Exchange>>) -> io::Result<()> {
    let mut head = String::new();
    let mut accepted = String::new();
    for line in BufReader::new(scraper.try_clone()?).lines() {
        let line = line?;
        if line.is_empty() {
            break;
        }
        match line.split_once(':').map(|(name, value)| (name.to_ascii_lowercase(), value.trim())) {
            Some((name, value)) if name == "accept" => {
                accepted.push_str(value);
                head.push_str(&format!("accept: {}\r\n", accept.unwrap_or(value)));
            }
            Some((name, _)) if name == "connection" => {}
            _ => head.push_str(&format!("{line}\r\n")),
        }
    }
    let mut upstream = TcpStream::connect(target)?;
    write!(upstream, "{head}connection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    upstream.read_to_end(&mut answer)?;

    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or(answer.len());
    let head = String::from_utf8_lossy(&answer[..end]);
    let header = |wanted: &str| {
        let mut headers = head.lines().filter_map(|line| line.split_once(':'));
        headers.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map_or("", |(_, value)| value.trim()).to_owned()
    };
    let (content_type, content_encoding) = (header("content-type"), header("content-encoding"));
    let exchange = Exchange { accept: accepted, content_type, content_encoding };
    // Before the scraper has it, so that whoever sees its scrape sees this one.
    *last.lock().unwrap_or_else(PoisonError::into_inner) = Some(exchange);
    scraper.write_all(&answer)
}
