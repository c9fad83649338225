//! Who is told of alerts: an HTTP server that keeps what is sent to it, and a mail server that does.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use system::wait;

/// How long a notification may be waited for.
pub const LIMIT: Duration = Duration::from_secs(60);

/// A request that came.
#[derive(Clone, Debug)]
pub struct Received {
    /// Path and query.
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: String,
}

impl Received {
    /// Its body, which is JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {}", self.body))
    }

    /// The first header of that name, given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// A server on a free port, for as long as the process lives. It answers every request with 200.
#[derive(Clone, Debug)]
pub struct Receiver {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Receiver {
    /// Listens.
    pub fn start() -> Self {
        let received = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&received);
        let address = serve(move |stream| http(stream, &kept));
        Self { address, received }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Everything that came so far.
    pub fn received(&self) -> Vec<Received> {
        locked(&self.received).clone()
    }

    /// Everything that came to that path.
    pub fn at(&self, path: &str) -> Vec<Received> {
        self.received().into_iter().filter(|received| received.path == path).collect()
    }

    /// Waits for a request to that path which `wanted` says yes to.
    pub fn wait_for(&self, path: &str, wanted: impl Fn(&Received) -> bool) -> Received {
        wait::until(&format!("a request to {path}"), LIMIT, || {
            let there = self.at(path);
            there.iter().find(|received| wanted(received)).cloned().ok_or_else(|| format!("there came {there:#?}"))
        })
    }

    /// The alerts that came to the webhook's path, each with the status that it came with, in their order.
    pub fn alerts(&self, path: &str) -> Vec<Value> {
        let alerts = |received: &Received| received.json()["alerts"].as_array().expect("alerts are a list").clone();
        self.at(path).iter().flat_map(alerts).collect()
    }

    /// Waits for an alert of that name and status (`firing` or `resolved`) at the webhook's path.
    pub fn wait_for_alert(&self, path: &str, name: &str, status: &str) -> Value {
        wait::until(&format!("{name} to be {status} at {path}"), LIMIT, || {
            let is = |alert: &&Value| alert["labels"]["alertname"] == name && alert["status"] == status;
            let there = self.alerts(path);
            there.iter().find(is).cloned().ok_or_else(|| {
                let told = |alert: &Value| format!("{} {}", alert["labels"]["alertname"], alert["status"]);
                format!("there came {:?}", there.iter().map(told).collect::<Vec<_>>())
            })
        })
    }
}

/// A mail server on a free port, for as long as the process lives.
#[derive(Clone, Debug)]
pub struct MailServer {
    address: SocketAddr,
    mails: Arc<Mutex<Vec<String>>>,
}

impl MailServer {
    /// Listens.
    pub fn start() -> Self {
        let mails = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&mails);
        let address = serve(move |stream| smtp(stream, &kept));
        Self { address, mails }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits for a conversation that holds a text: all lines that the client sent in it, those of the mail as they went.
    pub fn wait_for(&self, text: &str) -> String {
        wait::until(&format!("a mail with {text:?}"), LIMIT, || {
            let mails = locked(&self.mails).clone();
            mails.iter().find(|mail| mail.contains(text)).cloned().ok_or_else(|| format!("there came {mails:#?}"))
        })
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Serves each connection in a thread of its own.
fn serve(one: impl Fn(TcpStream) -> io::Result<()> + Clone + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("a bound socket has an address");
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let one = one.clone();
            // A client that goes away is nobody's fault.
            thread::spawn(move || one(stream).unwrap_or_else(|error| eprintln!("a client of the test's server: {error}")));
        }
    });
    address
}

fn http(stream: TcpStream, received: &Mutex<Vec<Received>>) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut headers = Vec::new();
        loop {
            line.clear();
            stream.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut request = Received { path, headers, body: String::new() };
        let length = request.header("content-length").unwrap_or("0").parse().map_err(io::Error::other)?;
        let mut body = vec![0; length];
        stream.read_exact(&mut body)?;
        request.body = String::from_utf8_lossy(&body).into_owned();
        locked(received).push(request);
        // As Slack, PagerDuty and Opsgenie answer.
        let answer = "{\"ok\":true,\"status\":\"success\"}";
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", answer.len());
        stream.get_mut().write_all(format!("{head}{answer}").as_bytes())?;
    }
}

/// As much of RFC 5321 as a client needs to hand over a mail, authenticated or not.
fn smtp(stream: TcpStream, mails: &Mutex<Vec<String>>) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut told = String::new();
    let mut data = false;
    stream.get_mut().write_all(b"220 test\r\n")?;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            locked(mails).push(told);
            return Ok(());
        }
        told.push_str(&line);
        let answer = match line.trim_end() {
            "." if data => "250 kept",
            _ if data => continue,
            "DATA" => "354 go on",
            "QUIT" => "221 bye",
            // Go's client sends a password over an unencrypted connection to localhost alone.
            line if line.starts_with("EHLO") => "250-test\r\n250 AUTH PLAIN LOGIN",
            line if line.starts_with("AUTH") => "235 welcome",
            _ => "250 ok",
        };
        data = answer.starts_with("354");
        stream.get_mut().write_all(format!("{answer}\r\n").as_bytes())?;
    }
}
