//! The binary under test, as a process of its own.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::{http, wait};

/// The bearer token of every demo that these tests start.
pub const TOKEN: &str = "system-test-token";

/// The program that is judged.
pub fn program() -> String {
    std::env::var("TACHOGRAPH_BIN").expect("TACHOGRAPH_BIN must name the built binary: run these tests by ci/system.sh")
}

/// The same, optimised: for who sends it more than a build for debugging takes.
pub fn optimised() -> String {
    std::env::var("TACHOGRAPH_OPTIMISED_BIN")
        .expect("TACHOGRAPH_OPTIMISED_BIN must name an optimised build: run these tests by ci/system.sh")
}

/// A running `tachograph serve` on a free port. It is killed when this is dropped.
#[derive(Debug)]
pub struct Demo {
    child: Child,
    address: SocketAddr,
    folder: TempDir,
}

impl Demo {
    /// Starts the demo with `options` and waits until it says where it listens.
    pub fn start(options: &[&str]) -> Self {
        Self::start_at(any_port(), options)
    }

    /// The same at an address: where one listened that has ended.
    pub fn start_at(address: SocketAddr, options: &[&str]) -> Self {
        Self::start_through(&[], address, options)
    }

    /// The same through another program, which becomes the demo by `exec`: what stands before its own command line.
    pub fn start_through(wrapper: &[&str], address: SocketAddr, options: &[&str]) -> Self {
        Self::start_command(&[wrapper, &[&program()]].concat(), address, options)
    }

    /// The optimised one, on a free port.
    pub fn start_optimised(options: &[&str]) -> Self {
        Self::start_command(&[&optimised()], any_port(), options)
    }

    fn start_command(words: &[&str], address: SocketAddr, options: &[&str]) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let log = File::create(folder.path().join("stderr")).expect("a file in it");
        let mut child = Command::new(words[0])
            .args(&words[1..])
            .args(["serve", "--listen", &address.to_string(), "--token", TOKEN])
            .args(options)
            .current_dir(repository())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {words:?}: {error}"));

        // The reader lives on after the address has come, so that the process never writes into a closed pipe.
        let stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let (sender, address) = mpsc::channel();
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if let Some(address) = line.strip_prefix("listening on http://") {
                    // Nobody takes a second one.
                    let _ = sender.send(address.trim_end_matches('/').to_owned());
                }
            }
        });
        let mut demo = Self { child, address: SocketAddr::from(([127, 0, 0, 1], 0)), folder };
        match address.recv_timeout(wait::LIMIT) {
            Ok(address) => demo.address = address.parse().expect("an address with a port after 'listening on http://'"),
            Err(_) => panic!("the demo did not say where it listens; on stderr:\n{}", demo.log()),
        }
        demo
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it holds in memory now, in KiB.
    pub fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it has a resident set");
        line.trim().trim_end_matches(" kB").parse().expect("a number of KiB")
    }

    /// What it has written to standard error so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("stderr")).expect("the log is a readable file")
    }

    /// Its scrape in the format of a client that has no wishes.
    pub fn scrape(&self) -> String {
        let (content_type, scrape) = self.scrape_as("*/*");
        assert_eq!(content_type, "text/plain; version=0.0.4; charset=utf-8");
        scrape
    }

    /// The content type and the text of its scrape for who accepts that.
    pub fn scrape_as(&self, accept: &str) -> (String, String) {
        let headers = [("accept", accept), ("connection", "close")];
        let connection = http::Connection::open(self.address);
        let response = connection.and_then(|mut connection| connection.request("GET", "/metrics", &headers, ""));
        let response = response.expect("a scrape");
        assert_eq!(response.status, 200, "{}", response.body);
        (response.header("content-type").expect("a content type").to_owned(), response.body)
    }

    /// Asks it to end, as a service manager does.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("the demo still runs");
    }

    /// What the system says of it: `/proc` and its number.
    pub fn proc(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}", self.child.id()))
    }

    /// Waits for its end.
    pub fn exit_status(&mut self) -> ExitStatus {
        let child = &mut self.child;
        wait::until("the demo to end", wait::LIMIT, || {
            child.try_wait().expect("a child can be waited for").ok_or_else(|| "it still runs".to_owned())
        })
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Loopback, at a port that is free.
pub fn any_port() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

/// The repository's root: the demo finds its scenes from there.
pub fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}
