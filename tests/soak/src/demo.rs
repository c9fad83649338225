//! The program that is driven, as a process of its own, and what the kernel says of it.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::request::TOKEN;

/// Requests a second of one client of the scene API, and as many at once.
const RATE_LIMIT: &str = "500";
/// What starting and ending may take: machines are busy when all checks run.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the allocator of the C library does with memory that the program has freed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Allocator {
    /// It gives it back soon, so that what is resident is what the program holds: in minutes a leak can be told from what is
    /// kept.
    GivesBack,
    /// Keeps what it wants, as for everybody who runs the program: in an hour it has all that it wants
    AsItIs,
}

/// Settings of glibc. That of a threshold turns off that it rises to the largest block that was ever freed.
const GIVING_BACK: [(&str, &str); 3] =
    [("MALLOC_ARENA_MAX", "2"), ("MALLOC_MMAP_THRESHOLD_", "131072"), ("MALLOC_TRIM_THRESHOLD_", "131072")];

/// A running demo. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Demo {
    child: Child,
    pub(crate) address: SocketAddr,
    folder: TempDir,
}

/// What a process holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Held {
    /// Resident memory.
    pub(crate) mebibytes: f64,
    pub(crate) threads: u64,
    pub(crate) descriptors: u64,
}

impl Demo {
    /// Starts the program without faults and traffic of its own, and waits until it says where it listens.
    pub(crate) fn start(program: &Path, allocator: Allocator) -> Result<Self, String> {
        let folder = TempDir::new().map_err(|cause| format!("no temporary folder: {cause}"))?;
        let log = File::create(folder.path().join("stderr")).map_err(|cause| format!("no file for the log: {cause}"))?;
        let mut child = Command::new(program)
            .args(["serve", "--listen", "127.0.0.1:0", "--traffic", "0", "--trust-forwarded-for", "--log-level", "warn"])
            .args(["--rate-limit", RATE_LIMIT, "--rate-burst", RATE_LIMIT])
            // Who guesses is not what this is about: all clients have one address, which would be refused for the guesses of a few.
            .args(["--auth-failures", "0"])
            .arg("--scenes")
            .arg(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../scenes"))
            .env("TACHOGRAPH_TOKEN", TOKEN)
            .envs(GIVING_BACK.into_iter().filter(|_| allocator == Allocator::GivesBack))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .map_err(|cause| format!("cannot start {}: {cause}", program.display()))?;
        // The reader lives on, so that the process never writes into a closed pipe.
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
        let address =
            address.recv_timeout(PATIENCE).map_err(|_| format!("it does not say where it listens: {}", demo.log()))?;
        demo.address = address.parse().map_err(|cause| format!("{address:?} is no address: {cause}"))?;
        Ok(demo)
    }

    /// What it has written to standard error so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("stderr")).unwrap_or_default()
    }

    /// What it holds now; `None` if it has ended.
    pub(crate) fn held(&self) -> Option<Held> {
        let folder = PathBuf::from(format!("/proc/{}", self.child.id()));
        let (mebibytes, threads) = memory_and_threads(&fs::read_to_string(folder.join("status")).ok()?)?;
        let descriptors = fs::read_dir(folder.join("fd")).ok()?.count() as u64;
        Some(Held { mebibytes, threads, descriptors })
    }

    /// Processor seconds that it has used.
    pub(crate) fn processor_seconds(&self) -> f64 {
        processor_seconds(&self.child.id().to_string())
    }

    /// Asks it to end, as a service manager does, and says what is wrong with its end.
    pub(crate) fn end(&mut self) -> Result<(), String> {
        kill_process(Pid::from_child(&self.child), Signal::TERM).map_err(|cause| format!("it ended before: {cause}"))?;
        let begun = Instant::now();
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(status)) => return Err(format!("it ended with {status}")),
                Ok(None) if begun.elapsed() < PATIENCE => thread::sleep(Duration::from_millis(50)),
                Ok(None) => return Err("it did not end".to_owned()),
                Err(cause) => return Err(format!("it cannot be waited for: {cause}")),
            }
        }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads a `/proc/PID/status`.
fn memory_and_threads(status: &str) -> Option<(f64, u64)> {
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let kibibytes: f64 = field("VmRSS:")?.strip_suffix(" kB")?.trim().parse().ok()?;
    Some((kibibytes / 1024.0, field("Threads:")?.parse().ok()?))
}

/// Processor seconds of a process, user and system; of `self` those of this one.
pub(crate) fn processor_seconds(process: &str) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    ticks(&stat).unwrap_or(0.0) / rustix::param::clock_ticks_per_second() as f64
}

/// Reads a `/proc/PID/stat`: what follows the name of the program, which may hold anything.
fn ticks(stat: &str) -> Option<f64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    Some(fields.next()?.parse::<f64>().ok()? + fields.next()?.parse::<f64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_says_is_read() {
        assert_eq!(memory_and_threads("Name:\tx\nVmRSS:\t   30720 kB\nThreads:\t12\n"), Some((30.0, 12)));
        assert_eq!(memory_and_threads("Name:\tx\n"), None);
        assert_eq!(ticks("7 (a b) c) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0"), Some(300.0));
        assert!(processor_seconds("self") >= 0.0);
    }
}
