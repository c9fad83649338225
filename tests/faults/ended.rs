//! Ends by SIGTERM and SIGKILL under load, and a port that is taken.

use std::net::{SocketAddr, TcpStream};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::net::TcpSocket;

use crate::http::{Connection, eventually, get};
use crate::program::{Program, TOKEN, command};
use crate::scrape::sum;
use crate::{BEARER, LOBBY, load};

/// User traffic, by the endpoints that the clients below ask for.
const ENDPOINTS: [&str; 3] = ["endpoint=\"/scenes\"", "endpoint=\"/scene\"", "endpoint=\"unmatched\""];
/// More than a client sends before the test is done.
const MOST: usize = 1_000_000;

#[test]
fn a_second_server_on_the_port_says_so_and_leaves_the_first_alone() {
    let program = Program::serve(&["--rate-limit", "0"]);
    let address = program.address;
    let mut kept = Connection::open(address);
    for sent in 1..=3u32 {
        assert_eq!(kept.request("GET", "/scenes", &[], b"").status, 200);
        let second = command(&["serve", "--listen", &address.to_string(), "--token", TOKEN]).output().unwrap();
        let errors = String::from_utf8(second.stderr).unwrap();
        assert_eq!((second.status.code(), errors.lines().count(), &*second.stdout), (Some(2), 1, &b""[..]), "{errors}");
        assert!(errors.starts_with(&format!("tachograph: cannot listen on {address}: ")), "{errors}");
        assert_eq!(sum(get(address, "/metrics").text(), "http_requests_total", &[ENDPOINTS[0]]), f64::from(sent));
    }
    // Nor can anybody share the port, and take half of the connections.
    let other = TcpSocket::new_v4().unwrap();
    other.set_reuseport(true).unwrap();
    other.set_reuseaddr(true).unwrap();
    assert_eq!(other.bind(address).unwrap_err().kind(), std::io::ErrorKind::AddrInUse);
    assert_eq!(load(address).status, 200);
}

#[test]
fn after_a_kill_under_open_connections_the_port_can_be_had_at_once() {
    let mut program = Program::serve(&["--rate-limit", "0"]);
    let address = program.address;
    let mut held = Vec::new();
    for _ in 0..3 {
        for at in 0..20 {
            let mut connection = Connection::open(address);
            assert_eq!(connection.request("GET", "/scenes", &[], b"").status, 200);
            if at % 2 == 0 {
                connection.send("POST", "/scene", &[BEARER, ("Expect", "100-continue"), ("Content-Length", "10")], b"");
            }
            held.push(connection);
        }
        program.signal("KILL");
        let (status, ..) = program.join();
        assert_eq!(status.code(), None, "it was killed");
        program = Program::start(&mut command(&["serve", "--listen", &address.to_string(), "--token", TOKEN]));
        assert_eq!((program.address, load(address).status), (address, 200));
    }
}

#[test]
fn what_had_come_before_sigterm_is_answered() {
    let program = Program::serve(&["--rate-limit", "0"]);
    let address = program.address;
    let mut idle: Vec<Connection> = (0..20).map(|_| Connection::open(address)).collect();
    idle.iter_mut().for_each(|connection| assert_eq!(connection.request("GET", "/scenes", &[], b"").status, 200));
    let mut silent: Vec<Connection> = (0..20).map(|_| Connection::open(address)).collect();
    // So that it sees all of this at the same moment as the signal.
    program.suspend();
    let mut late: Vec<Connection> = (0..20).map(|_| Connection::open(address)).collect();
    for connection in idle.iter_mut().chain(&mut silent).chain(&mut late) {
        connection.send("GET", "/scenes", &[], b"");
    }
    program.signal("TERM");
    program.signal("CONT");
    for (connection, which) in [(&mut idle, "idle"), (&mut silent, "silent"), (&mut late, "late")]
        .into_iter()
        .flat_map(|(connections, which)| connections.iter_mut().map(move |connection| (connection, which)))
    {
        let answer = connection.read(true).unwrap_or_else(|cause| panic!("a connection that was {which}: {cause}"));
        // With or without a word on the end: it may have been dealt with a moment before the signal.
        assert_eq!(answer.status, 200, "{which}: {}", answer.text());
        assert!(connection.is_closed());
    }
    let (status, _, errors) = program.join();
    assert_eq!(status.code(), Some(0), "{errors}");
    assert!(TcpStream::connect(address).is_err(), "nobody listens any more");
}

/// How a client sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// One request after the other on a connection.
    KeptAlive,
    /// Several at once on a connection.
    Pipelined,
    /// Each on a connection of its own.
    Apart,
}

const WAYS: [Way; 6] = [Way::KeptAlive, Way::Pipelined, Way::Apart, Way::KeptAlive, Way::Pipelined, Way::Apart];
const AT_ONCE: usize = 8;

/// Clients that send until they are told to stop, or until the server is gone.
struct Clients {
    address: SocketAddr,
    /// Whole answers that they have got.
    answered: AtomicU64,
    stop: AtomicBool,
    /// Passed once everybody has had an answer.
    begun: Barrier,
}

impl Clients {
    fn new(address: SocketAddr) -> Self {
        Self { address, answered: AtomicU64::new(0), stop: AtomicBool::new(false), begun: Barrier::new(WAYS.len() + 1) }
    }

    fn answered(&self) -> u64 {
        self.answered.load(Ordering::SeqCst)
    }

    /// Waits for so many more answers.
    fn until_answered(&self, more: u64) {
        let before = self.answered();
        eventually("answers", || (self.answered() >= before + more).then_some(()));
    }

    /// Sends, and returns why it ended: by the end of the server, or by ours.
    fn run(&self, way: Way) {
        let mut waited = false;
        for round in 0..MOST {
            let Ok(mut connection) = Connection::try_open(self.address) else { return };
            while !self.stop.load(Ordering::SeqCst) {
                let goes_on = self.batch(&mut connection, way, round);
                if !std::mem::replace(&mut waited, true) {
                    self.begun.wait();
                }
                if !goes_on {
                    break;
                }
            }
            if self.stop.load(Ordering::SeqCst) {
                return;
            }
        }
        panic!("the server still answers");
    }

    /// Sends one request or several; whether the connection can be used again.
    fn batch(&self, connection: &mut Connection, way: Way, round: usize) -> bool {
        let requests = if way == Way::Pipelined { AT_ONCE } else { 1 };
        let mut batch = String::new();
        for at in 0..requests {
            batch.push_str(&match (round + at) % 3 {
                0 => "GET /scenes HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
                1 => "GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
                _ => {
                    let body = std::str::from_utf8(LOBBY).unwrap();
                    let (name, token) = BEARER;
                    let length = body.len();
                    format!(
                        "POST /scene HTTP/1.1\r\nHost: localhost\r\n{name}: {token}\r\nContent-Length: {length}\r\n\r\n{body}"
                    )
                }
            });
        }
        if connection.write(batch.as_bytes()).is_err() {
            return false;
        }
        for _ in 0..requests {
            // It may be closed between two answers, never within one.
            if !connection.has_answer() {
                return false;
            }
            let answer = connection.read(true).unwrap_or_else(|cause| panic!("an answer was cut: {cause}"));
            assert!([200, 404].contains(&answer.status), "{}: {}", answer.status, answer.text());
            self.answered.fetch_add(1, Ordering::SeqCst);
            if answer.header("connection") == Some("close") {
                return false;
            }
        }
        way != Way::Apart
    }
}

#[test]
fn a_scrape_of_the_drain_shows_exactly_the_answers_that_clients_got() {
    let program = Program::serve(&["--drain-delay", "86400000", "--rate-limit", "0"]);
    let address = program.address;
    eventually("it is ready", || (get(address, "/health/ready").status == 200).then_some(()));
    let clients = Clients::new(address);
    std::thread::scope(|scope| {
        let running: Vec<_> = WAYS.iter().map(|way| scope.spawn(|| clients.run(*way))).collect();
        clients.begun.wait();
        clients.until_answered(200);
        program.signal("TERM");
        eventually("it is not ready", || (get(address, "/health/ready").status == 503).then_some(()));
        clients.until_answered(200);
        clients.stop.store(true, Ordering::SeqCst);
        running.into_iter().for_each(|client| client.join().unwrap());
    });
    let scrape = get(address, "/metrics");
    assert_eq!(scrape.header("connection"), Some("close"));
    for family in ["http_requests_total", "http_request_duration_seconds_count"] {
        let counted: f64 = ENDPOINTS.iter().map(|endpoint| sum(scrape.text(), family, &[endpoint])).sum();
        assert_eq!(counted, clients.answered() as f64, "{family}");
    }
    program.signal("TERM");
    assert_eq!(program.join().0.code(), Some(1), "the drain is cut short");
}

#[test]
fn sigterm_under_load_cuts_no_answer() {
    let program = Program::serve(&["--rate-limit", "0"]);
    let clients = Clients::new(program.address);
    std::thread::scope(|scope| {
        let running: Vec<_> = WAYS.iter().map(|way| scope.spawn(|| clients.run(*way))).collect();
        clients.begun.wait();
        clients.until_answered(200);
        program.signal("TERM");
        // They end when nobody listens any more.
        running.into_iter().for_each(|client| client.join().unwrap());
    });
    let (status, _, errors) = program.join();
    assert_eq!(status.code(), Some(0), "{errors}");
    assert!(!errors.contains("panicked") && !errors.contains("were cut"), "{errors}");
}
