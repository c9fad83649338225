//! Programs that read a scrape or another text from standard input and say what they think of it.

use std::ffi::OsStr;
use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::demo::repository;

/// What no judge takes, however busy the machine is.
const LIMIT: Duration = Duration::from_secs(300);

/// What a judge said.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// Its exit status.
    pub code: i32,
    /// What it wrote to standard output.
    pub output: String,
    /// What it wrote to standard error.
    pub complaints: String,
}

/// `promtool check metrics`: 0 = nothing to say, 1 = not readable, 3 = the linter's findings.
pub fn promtool(scrape: &str) -> Verdict {
    judge("promtool".as_ref(), &["check".as_ref(), "metrics".as_ref()], scrape)
}

/// A parser of Python's `prometheus_client`, the one of `format` (`text` or `openmetrics`), printing what it understood as JSON
/// (`python/families.py`).
pub fn python(format: &str, scrape: &str) -> Verdict {
    let python = std::env::var_os("TACHOGRAPH_PYTHON")
        .expect("TACHOGRAPH_PYTHON must name a Python that has prometheus_client: run these tests by ci/system.sh");
    let script = repository().join("tests/system/python/families.py");
    judge(&python, &[script.as_os_str(), format.as_ref()], scrape)
}

pub(crate) fn judge(program: &OsStr, arguments: &[&OsStr], scrape: &str) -> Verdict {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {}: {error}; ci/system.sh installs it", program.display()));
    // From another thread, since a judge may fill its output before it has read all.
    let mut stdin = child.stdin.take().expect("stdin is piped");
    let scrape = scrape.to_owned();
    let writer = thread::spawn(move || stdin.write_all(scrape.as_bytes()));
    let (ended, end) = mpsc::channel::<()>();
    let process = Pid::from_child(&child);
    let watch = thread::spawn(move || {
        let late = end.recv_timeout(LIMIT) == Err(mpsc::RecvTimeoutError::Timeout);
        late && kill_process(process, Signal::KILL).is_ok()
    });
    let Output { status, stdout, stderr } = child.wait_with_output().expect("a judge can be waited for");
    drop(ended);
    let late = watch.join().expect("the watch does not panic");
    assert!(!late, "{} took more than {LIMIT:?}: {}", program.display(), String::from_utf8_lossy(&stderr));
    writer.join().expect("the writer does not panic").expect("a judge reads all of its input");
    Verdict {
        code: status.code().expect("a judge is not killed"),
        output: String::from_utf8(stdout).expect("UTF-8 on stdout"),
        complaints: String::from_utf8(stderr).expect("UTF-8 on stderr"),
    }
}
