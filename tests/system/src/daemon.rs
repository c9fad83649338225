//! A server of another project as a process of its own, with a folder of its own, on a free port.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::{http, port, wait};

/// A free port may be taken between our look and the server's, so it is tried again with another one.
const ATTEMPTS: usize = 3;

/// A running server. It is killed when this is dropped.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    command: Command,
    /// What is answered with 200 when it is ready.
    ready: String,
    address: SocketAddr,
    folder: TempDir,
}

impl Daemon {
    /// Starts the command that `command` makes for a folder and an address, and waits until `ready` is answered with 200.
    pub fn start(ready: &str, command: impl Fn(&Path, SocketAddr) -> Command) -> Self {
        for _ in 0..ATTEMPTS {
            let folder = TempDir::new().expect("a temporary folder");
            let log = File::create(folder.path().join("log")).expect("a file in it");
            let address = port::free();
            let mut command = command(folder.path(), address);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
            let child = command.spawn();
            let child = child.unwrap_or_else(|error| panic!("cannot start {command:?}: {error}; ci/system.sh installs it"));
            let mut daemon = Self { child, command, ready: ready.to_owned(), address, folder };
            if daemon.is_ready() {
                return daemon;
            }
            eprintln!("{:?} ended:\n{}", daemon.command, daemon.log());
        }
        panic!("it ended {ATTEMPTS} times before it was ready");
    }

    /// Waits until it answers. False when it has ended.
    fn is_ready(&mut self) -> bool {
        wait::until(&format!("{} to be answered", self.ready), wait::LIMIT, || {
            let answer = http::get(self.address, &self.ready);
            // The process is looked at after the answer: if the port is a stranger's, ours has ended.
            if self.child.try_wait().expect("a child can be waited for").is_some() {
                return Ok(false);
            }
            match answer {
                Ok(response) if response.status == 200 => Ok(true),
                Ok(response) => Err(format!("it answers {}", response.status)),
                Err(error) => Err(error.to_string()),
            }
        })
    }

    /// Kills it in the midst of what it does.
    pub fn kill(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it once more after [`kill`](Self::kill), on the same port, with what its folder has, and waits until it is ready.
    pub fn start_again(&mut self) {
        self.child = self.command.spawn().expect("what was started once starts again");
        assert!(self.is_ready(), "{:?} ended:\n{}", self.command, self.log());
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The folder that its command was made for.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What it has written to standard error so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.kill();
    }
}
