//! Programs that are run for alerts: without a shell, one at a time for each alert name, within a time, from a bounded queue.

use std::collections::HashMap;
use std::path::PathBuf;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::metrics::{Metrics, Outcome};
use crate::cli::Run;

/// Alerts of one name that may wait for their program.
const MOST_WAITING: usize = 16;
/// How long a program that has ended is still read: what it wrote is there by then, and what it has started may never close the
/// pipe.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// Bytes that are logged of what a program wrote last to standard error.
const MOST_ERRORS: usize = 2_048;

/// The queues of all programs, by the name of the alert.
pub(super) struct Programs {
    queues: HashMap<String, mpsc::Sender<Arc<str>>>,
    metrics: Metrics,
}

/// The tasks that run them.
pub(super) struct Workers {
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
}

struct Worker {
    alert: String,
    program: PathBuf,
    patience: Duration,
    metrics: Metrics,
}

/// Refuses what could never be run.
pub(super) fn check(runs: &[Run]) -> Result<(), String> {
    for (at, run) in runs.iter().enumerate() {
        if runs[..at].iter().any(|before| before.alert == run.alert) {
            return Err(format!("--run names two programs for {}: write one that does both", run.alert));
        }
        let program = run.program.display();
        // Without a slash it is looked for in PATH, each time anew.
        if run.program.components().nth(1).is_some() || run.program.is_absolute() {
            let file = run.program.metadata().map_err(|cause| format!("--run cannot use {program}: {cause}"))?;
            if !file.is_file() || !is_executable(&file) {
                return Err(format!("--run cannot use {program}: it is no file that may be executed, see chmod +x"));
            }
        }
    }
    Ok(())
}

#[cfg(unix)]
fn is_executable(file: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &std::fs::Metadata) -> bool {
    true
}

/// Starts a worker for each program.
pub(super) fn start(runs: &[Run], patience: Duration, metrics: &Metrics) -> (Programs, Workers) {
    let mut queues = HashMap::new();
    let mut tasks = JoinSet::new();
    let (stop, stopping) = watch::channel(false);
    for Run { alert, program } in runs.iter().cloned() {
        let (queue, waiting) = mpsc::channel(MOST_WAITING);
        metrics.prepare(&alert);
        queues.insert(alert.clone(), queue);
        tasks.spawn(Worker { alert, program, patience, metrics: metrics.clone() }.work(waiting, stopping.clone()));
    }
    (Programs { queues, metrics: metrics.clone() }, Workers { tasks, stop })
}

impl Programs {
    /// Has the program of this alert run with `json`, if there is one and not too many wait already.
    pub(super) fn offer(&self, alert: &str, json: Arc<str>) {
        let Some(queue) = self.queues.get(alert) else { return };
        if queue.try_send(json).is_err() {
            self.metrics.ran(alert, Outcome::Dropped);
            tracing::warn!(alertname = alert, "a program is not run: {MOST_WAITING} alerts of this name wait for it already");
        }
    }
}

impl Workers {
    /// Lets the programs that run end within a time, and kills those that do not.
    pub(super) async fn end(mut self, patience: Duration) {
        self.stop.send_replace(true);
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if timeout(patience, all).await.is_err() {
            tracing::warn!("programs that still run are killed");
        }
        // What is left is aborted, and its programs with it.
        self.tasks.shutdown().await;
    }
}

impl Worker {
    async fn work(self, mut waiting: mpsc::Receiver<Arc<str>>, mut stopping: watch::Receiver<bool>) {
        loop {
            let next = tokio::select! {
                biased;
                _ = stopping.wait_for(|stop| *stop) => None,
                next = waiting.recv() => next,
            };
            let Some(json) = next else { break };
            self.metrics.running.inc();
            let outcome = self.run(&json).await;
            self.metrics.running.dec();
            self.metrics.ran(&self.alert, outcome);
        }
        let left = waiting.len();
        if left > 0 {
            tracing::warn!(alertname = &*self.alert, left, "alerts still waited for their program");
        }
    }

    async fn run(&self, json: &str) -> Outcome {
        let (alertname, program) = (&*self.alert, self.program.display());
        let mut last = Vec::new();
        match self.run_within(json, &mut last).await {
            Ok(Some(status)) if status.success() => {
                tracing::info!(alertname, %program, stderr = &*text(&last), "a program has run");
                Outcome::Succeeded
            }
            Ok(Some(status)) => {
                tracing::warn!(alertname, %program, %status, stderr = &*text(&last), "a program failed");
                Outcome::Failed
            }
            Ok(None) => {
                let seconds = self.patience.as_secs_f64();
                tracing::warn!(alertname, %program, seconds, stderr = &*text(&last), "a program took too long and was killed");
                Outcome::TimedOut
            }
            Err(cause) => {
                tracing::error!(alertname, %program, %cause, "a program could not be run");
                Outcome::Failed
            }
        }
    }

    /// Runs the program; its status is none if its time was over.
    async fn run_within(&self, json: &str, last: &mut Vec<u8>) -> std::io::Result<Option<ExitStatus>> {
        let mut command = Command::new(&self.program);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        command.env_remove("TACHOGRAPH_WEBHOOK_TOKEN").env_remove("TACHOGRAPH_TOKEN");
        #[cfg(unix)]
        command.process_group(0);
        let mut child = Whole(command.spawn()?);
        let (stdin, stderr) = (child.0.stdin.take(), child.0.stderr.take());
        let mut talk = pin!(async { tokio::join!(feed(stdin, json), keep_last(stderr, last)) });
        let mut talks = true;
        // Its end is what is waited for, and not that of all who write where it wrote: it may have started a service.
        let ended = timeout(self.patience, async {
            loop {
                tokio::select! {
                    status = child.0.wait() => break status,
                    _ = &mut talk, if talks => talks = false,
                }
            }
        });
        match ended.await {
            Ok(status) => {
                if talks {
                    let _held_open = timeout(LAST_WORDS, talk).await;
                }
                status.map(Some)
            }
            Err(_) => {
                child.kill();
                child.0.kill().await?;
                Ok(None)
            }
        }
    }
}

/// A child with all that it starts: they are killed together while it runs, also when the one who waits for it is gone.
struct Whole(Child);

impl Whole {
    fn kill(&self) {
        // A child that was waited for has no id, so that no other process is hit that has its number now.
        #[cfg(unix)]
        if let Some(group) = self.0.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed())) {
            let _gone_already = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

impl Drop for Whole {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Gives a program its alert; one that does not read it need not.
async fn feed(stdin: Option<ChildStdin>, json: &str) {
    if let Some(mut stdin) = stdin {
        let _unread = stdin.write_all(json.as_bytes()).await;
        let _unread = stdin.write_all(b"\n").await;
    }
}

/// Reads to the end, and keeps the last of it.
async fn keep_last(stderr: Option<impl AsyncRead + Unpin>, last: &mut Vec<u8>) {
    let Some(mut stderr) = stderr else { return };
    let mut piece = [0; 4_096];
    while let Ok(read) = stderr.read(&mut piece).await {
        if read == 0 {
            break;
        }
        last.extend_from_slice(&piece[..read]);
        last.drain(..last.len().saturating_sub(MOST_ERRORS));
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}
