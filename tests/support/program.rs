//! The `tachograph` binary as a child process.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use crate::http::eventually;

/// A token for tests.
pub(crate) const TOKEN: &str = "test-token";

/// A command that knows nothing of the environment's token.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tachograph"));
    command.args(arguments).env_remove("TACHOGRAPH_TOKEN").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A server that listens; killed when the test is done with it.
pub(crate) struct Program {
    pub(crate) address: SocketAddr,
    pub(crate) child: Child,
    stdout: BufReader<ChildStdout>,
    errors: Arc<Mutex<String>>,
    reading: Option<JoinHandle<()>>,
}

impl Program {
    /// Starts `tachograph serve` with the tests' token on a free port.
    pub(crate) fn serve(arguments: &[&str]) -> Self {
        let fixed = ["serve", "--listen", "127.0.0.1:0", "--token", TOKEN];
        Self::start(&mut command(&[&fixed, arguments].concat()))
    }

    /// Starts a command that is to listen, and waits until it does.
    pub(crate) fn start(command: &mut Command) -> Self {
        Self::started(command.spawn().expect("the binary can be started"))
    }

    /// Waits until a child listens.
    pub(crate) fn started(mut child: Child) -> Self {
        let errors = Arc::new(Mutex::new(String::new()));
        let reading = std::thread::spawn({
            let (errors, stderr) = (Arc::clone(&errors), child.stderr.take().expect("a pipe"));
            move || read_lines(stderr, &errors)
        });
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("a line");
        let said = line.trim_end().strip_prefix("listening on http");
        let Some(address) = said.and_then(|said| said.strip_prefix("://").or_else(|| said.strip_prefix("s://"))) else {
            let status = child.wait();
            panic!("it does not listen: {line:?}, {status:?}, {}", errors.lock().unwrap());
        };
        let address = address.parse().expect("an address");
        Self { address, child, stdout, errors, reading: Some(reading) }
    }

    /// The process's id.
    #[allow(dead_code, reason = "made for several test crates, of which few need it")]
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status();
        assert!(sent.expect("kill can be started").success());
    }

    /// Stops it, and waits until none of its threads runs.
    #[cfg(target_os = "linux")]
    #[allow(dead_code, reason = "made for several test crates, of which few need it")]
    pub(crate) fn suspend(&self) {
        self.signal("STOP");
        let tasks = format!("/proc/{}/task", self.child.id());
        eventually("all threads are stopped", || {
            let stopped = std::fs::read_dir(&tasks).expect("it has threads").all(|task| {
                let status = task.and_then(|task| std::fs::read_to_string(task.path().join("status")));
                status.is_ok_and(|status| status.contains("\nState:\tT"))
            });
            stopped.then_some(())
        });
    }

    /// What standard error has so far.
    pub(crate) fn errors(&self) -> String {
        self.errors.lock().unwrap().clone()
    }

    /// Waits for a line on standard error that holds `part`, and returns it.
    pub(crate) fn error_line(&self, part: &str) -> String {
        eventually(part, || self.errors().lines().find(|line| line.contains(part)).map(str::to_owned))
    }

    /// Waits for the end, and returns the status, the rest of standard output, and all of standard error.
    pub(crate) fn join(mut self) -> (ExitStatus, String, String) {
        let child = &mut self.child;
        let status = eventually("the end", || child.try_wait().expect("a child of ours"));
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).expect("text");
        self.reading.take().expect("joined once").join().expect("no panic");
        let errors = self.errors();
        (status, rest, errors)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _gone_already = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn read_lines(stderr: ChildStderr, into: &Mutex<String>) {
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        let mut text = into.lock().unwrap();
        text.push_str(&line);
        text.push('\n');
    }
}

/// An empty folder for one test.
pub(crate) fn folder(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    let _absent = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).expect("the folder for tests is writable");
    path
}
