//! Log lines to standard error, as text or JSON.
//!
//! Nobody who logs waits for standard error, which may be a pipe whose reader hangs or a file on a disk that is full: lines go
//! through a queue to a thread of their own. Those for which it has no room, and those that cannot be written, are lost and
//! counted, and once lines go through again, one says how many are missing.

use std::cell::RefCell;
use std::io::{self, ErrorKind, IsTerminal, Write, stderr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use tachograph::{RegisterError, Registry};
use tracing_subscriber::filter::LevelFilter;

use crate::cli::{LogFormat, LogLevel};

/// Lines that wait to be written, of some hundred bytes each: more than a burst of failing requests logs while a disk is slow.
const QUEUE: usize = 1024;
/// How long the end waits for the last lines.
const LAST_LINES: Duration = Duration::from_secs(1);

/// From one line about lost lines to the next: else, while more is logged than can be written, every second line would be one.
const TELL_INTERVAL: Duration = Duration::from_secs(1);

thread_local! {
    /// What the thread that writes has to say itself, for which it needs no queue. None on all others.
    static OWN: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// The log of the process, to be ended last. A clone is the same log.
#[derive(Clone)]
pub(crate) struct Log(Arc<Queue>);

struct Queue {
    sender: SyncSender<Message>,
    /// Lines that were not written. Written by whoever logs and by the thread.
    lost: AtomicU64,
}

enum Message {
    Line(Box<[u8]>),
    /// Answered once all lines before it have been dealt with.
    Flush(SyncSender<()>),
}

/// Sends log lines of `level` and above to standard error from here on.
pub(crate) fn start(level: LogLevel, format: LogFormat) -> Result<Log, String> {
    let level = match level {
        LogLevel::Off => LevelFilter::OFF,
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let (sender, messages) = sync_channel(QUEUE);
    let queue = Arc::new(Queue { sender, lost: AtomicU64::new(0) });
    let lines = tracing_subscriber::fmt().with_max_level(level).with_writer(Arc::clone(&queue));
    match format {
        LogFormat::Text => lines.with_ansi(stderr().is_terminal()).init(),
        LogFormat::Json => lines.json().init(),
    }
    let writer = Arc::clone(&queue);
    // Detached: it may be stuck in a write when all else has ended.
    let thread = std::thread::Builder::new().name("tachograph-log".into()).spawn(move || run(&writer, &messages, stderr()));
    thread.map_err(|cause| format!("there is no thread for the log: {cause}"))?;
    Ok(Log(queue))
}

impl Log {
    /// Adds the count of lost lines to a registry's scrapes.
    pub(crate) fn register_metrics(&self, registry: &Registry) -> Result<(), RegisterError> {
        let queue = Arc::clone(&self.0);
        let help = "Log lines that standard error did not take, or not soon enough.";
        registry.counter_callback("log_lines_lost_total", help, move || queue.lost() as f64)
    }

    /// Waits for the lines so far to be written, for a second at most.
    pub(crate) fn end(&self) {
        let until = Instant::now() + LAST_LINES;
        let (done, written) = sync_channel(1);
        let mut flush = Message::Flush(done);
        while let Err(TrySendError::Full(back)) = self.0.sender.try_send(flush) {
            if Instant::now() >= until {
                return;
            }
            flush = back;
            std::thread::sleep(Duration::from_millis(1));
        }
        let _late = written.recv_timeout(until.saturating_duration_since(Instant::now()));
    }
}

impl Queue {
    fn lose(&self) {
        // Relaxed: a count that stands alone.
        self.lost.fetch_add(1, Ordering::Relaxed);
    }

    fn lost(&self) -> u64 {
        // Relaxed: as in `lose`.
        self.lost.load(Ordering::Relaxed)
    }
}

/// Gets each line whole, in one call. It never fails: the library that formats the lines would tell of it on standard error,
/// and panic when that fails too.
impl Write for &Queue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let own = OWN.with_borrow_mut(|own| own.as_mut().map(|own| own.extend_from_slice(line)).is_some());
        if !own && self.sender.try_send(Message::Line(line.into())).is_err() {
            self.lose();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The thread: writes lines for as long as there are any who log.
fn run(queue: &Queue, messages: &Receiver<Message>, out: impl Write) {
    OWN.set(Some(Vec::new()));
    let mut lines = Lines { out, torn: false };
    let (mut told, mut told_at) = (0, None::<Instant>);
    for message in messages {
        let line = match message {
            Message::Line(line) => line,
            Message::Flush(done) => {
                let _late = done.send(());
                continue;
            }
        };
        if !lines.write(&line) {
            queue.lose();
            continue;
        }
        let lost = queue.lost();
        if lost > told && told_at.is_none_or(|told_at| told_at.elapsed() >= TELL_INTERVAL) && lines.write(&missing(lost - told))
        {
            (told, told_at) = (lost, Some(Instant::now()));
        }
    }
}

/// The line that says how many are missing.
fn missing(lines: u64) -> Vec<u8> {
    tracing::warn!(lines, "log lines before this one were lost, they could not be written");
    OWN.with_borrow_mut(|own| own.as_mut().map(std::mem::take)).unwrap_or_default()
}

/// Where lines are written.
struct Lines<W> {
    out: W,
    /// Whether the last line was written in part, so that the next has to begin a new one.
    torn: bool,
}

impl<W: Write> Lines<W> {
    /// Tells whether all of it could be written.
    fn write(&mut self, line: &[u8]) -> bool {
        let written =
            if self.torn { write_all(&mut self.out, &[b"\n", line].concat()) } else { write_all(&mut self.out, line) };
        self.torn = match written {
            Ok(()) => false,
            Err(written) => self.torn || written > 0,
        };
        written.is_ok()
    }
}

/// Tells how much was written if not all was.
fn write_all(out: &mut impl Write, line: &[u8]) -> Result<(), usize> {
    let mut written = 0;
    while written < line.len() {
        match out.write(&line[written..]) {
            Ok(more) if more > 0 => written += more,
            Err(cause) if cause.kind() == ErrorKind::Interrupted => {}
            Ok(_) | Err(_) => return Err(written),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk with so many free bytes.
    struct Disk {
        free: Arc<std::sync::Mutex<usize>>,
        held: Arc<std::sync::Mutex<String>>,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut free = self.free.lock().unwrap();
            let fits = bytes.len().min(*free);
            *free -= fits;
            self.held.lock().unwrap().push_str(std::str::from_utf8(&bytes[..fits]).unwrap());
            if fits == 0 { Err(ErrorKind::StorageFull.into()) } else { Ok(fits) }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_full_disk_loses_lines_and_tears_none_that_it_takes_later() {
        let (sender, messages) = sync_channel(QUEUE);
        let log = Log(Arc::new(Queue { sender, lost: AtomicU64::new(0) }));
        let (free, held) = (Arc::new(std::sync::Mutex::new(6)), Arc::default());
        let disk = Disk { free: Arc::clone(&free), held: Arc::clone(&held) };
        let writer = Arc::clone(&log.0);
        std::thread::spawn(move || run(&writer, &messages, disk));
        let say = |line: &[u8]| {
            assert_eq!((&*log.0).write(line).unwrap(), line.len());
            log.end();
            log.0.lost()
        };
        assert_eq!(say(b"one\n"), 0);
        assert_eq!(say(b"two\n"), 1, "two bytes of it are there");
        assert_eq!(say(b"three\n"), 2);
        *free.lock().unwrap() = 100;
        assert_eq!(say(b"four\n"), 2);
        assert_eq!(say(b"five\n"), 2);
        assert_eq!(*held.lock().unwrap(), "one\ntw\nfour\nfive\n");
    }

    #[test]
    fn a_reader_that_hangs_delays_nobody() {
        let (sender, messages) = sync_channel(QUEUE);
        let log = Log(Arc::new(Queue { sender, lost: AtomicU64::new(0) }));
        for _ in 0..QUEUE + 7 {
            assert_eq!((&*log.0).write(b"line\n").unwrap(), 5);
        }
        assert_eq!(log.0.lost(), 7);
        // Nobody takes them: the end comes all the same.
        log.end();
        drop(messages);
    }
}
