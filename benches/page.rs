//! What the page costs the binary, looked at by nobody and by a hundred: `cargo bench --bench page`.
//!
//! The binary runs as a process of its own, without traffic. The cost of a tick is the processor time of the two threads that
//! make it, the page's and the engine's, as the kernel counts it (Linux alone); what viewers cost is the processor time of
//! the process, beside what it needs without them. With `-- --test` it looks for two seconds and asserts that all get their
//! ticks.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

const CROWD: usize = 100;

struct Program {
    child: Child,
    address: String,
}

impl Program {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tachograph"))
            .args(["serve", "--listen", "127.0.0.1:0", "--log-level", "error"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary runs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("it is piped")).read_line(&mut line).expect("a line");
        let address = line.trim().strip_prefix("listening on http://").expect("an address").to_owned();
        Self { child, address }
    }

    fn get(&self, path: &str, headers: &str) -> Vec<u8> {
        let mut stream = TcpStream::connect(&self.address).expect("it accepts");
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n").expect("it is sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer");
        let head = answer.windows(4).position(|end| end == b"\r\n\r\n").expect("a head");
        answer.split_off(head + 4)
    }

    fn sample(&self, name: &str) -> f64 {
        let scrape = String::from_utf8(self.get("/metrics", "")).expect("a text");
        let value = scrape.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.and_then(|value| value.parse().ok()).expect("there is such a sample")
    }

    /// Seconds that the threads of this name have run.
    fn ran(&self, thread: &str) -> Option<f64> {
        let mut nanoseconds = None;
        for task in std::fs::read_dir(format!("/proc/{}/task", self.child.id())).ok()?.flatten() {
            let read = |file| std::fs::read_to_string(task.path().join(file)).ok();
            if read("comm")?.trim() == thread {
                let ran: u64 = read("schedstat")?.split(' ').next()?.parse().ok()?;
                nanoseconds = Some(nanoseconds.unwrap_or(0) + ran);
            }
        }
        nanoseconds.map(|nanoseconds| nanoseconds as f64 / 1e9)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ended = self.child.kill().and_then(|()| self.child.wait());
    }
}

/// Processor seconds, those of the page's thread and of the engine's, and resident bytes.
fn state(program: &Program) -> (f64, Option<f64>, Option<f64>, f64) {
    let (page, engine) = (program.ran("tachograph-page"), program.ran("tachograph"));
    (program.sample("process_cpu_seconds_total"), page, engine, program.sample("process_resident_memory_bytes"))
}

/// What comes in chunks, without their sizes.
struct Chunks {
    stream: BufReader<TcpStream>,
    left: usize,
}

impl Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while self.left == 0 {
            let mut size = String::new();
            if self.stream.read_line(&mut size)? == 0 {
                return Ok(0);
            }
            // The line that ends a chunk has none.
            let Ok(size) = usize::from_str_radix(size.trim_end(), 16) else { continue };
            self.left = size;
            if size == 0 {
                return Ok(0);
            }
        }
        let most = buffer.len().min(self.left);
        let count = self.stream.read(&mut buffer[..most])?;
        self.left -= count;
        Ok(count)
    }
}

/// Opens streams as browsers do, reads them to their end on a thread each, and counts their ticks.
fn look(program: &Program, viewers: usize, ticks: &Arc<AtomicU64>) {
    let opened = Arc::new(Barrier::new(viewers + 1));
    for _ in 0..viewers {
        let (address, ticks, opened) = (program.address.clone(), Arc::clone(ticks), Arc::clone(&opened));
        std::thread::spawn(move || {
            let mut stream = TcpStream::connect(address).expect("it accepts");
            stream.write_all(b"GET /events HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n\r\n").expect("it is sent");
            let mut stream = BufReader::new(stream);
            while !stream.by_ref().lines().next().expect("a head").expect("a line").is_empty() {}
            let events = flate2::read::GzDecoder::new(Chunks { stream, left: 0 });
            let mut lines = BufReader::new(events).lines().map_while(Result::ok);
            let _history = lines.find(|line| line == "event: history").expect("a history");
            opened.wait();
            lines.filter(|line| line == "event: tick").for_each(|_| _ = ticks.fetch_add(1, Ordering::Relaxed));
        });
    }
    opened.wait();
}

fn main() {
    let testing = std::env::args().any(|argument| argument == "--test");
    let seconds = if testing { 2 } else { 10 };
    let program = Program::start();
    // Past the first round of everything.
    std::thread::sleep(Duration::from_secs(seconds));
    let page = program.get("/", "");
    let gzip = program.get("/", "Accept-Encoding: gzip\r\n");
    println!("the page: {} bytes, {} in gzip", page.len(), gzip.len());
    let (mut looking, ticks) = (0, Arc::new(AtomicU64::new(0)));
    for viewers in [0, 1, CROWD] {
        look(&program, viewers - looking, &ticks);
        looking = viewers;
        std::thread::sleep(Duration::from_millis(500));
        let before = (state(&program), ticks.load(Ordering::Relaxed));
        std::thread::sleep(Duration::from_secs(seconds));
        let (after, ticks) = (state(&program), ticks.load(Ordering::Relaxed));
        let cpu = (after.0 - before.0.0) / seconds as f64 * 1e3;
        let ran = |after: Option<f64>, before: Option<f64>| match (after, before) {
            (Some(after), Some(before)) => format!("{:.0} µs", (after - before) / seconds as f64 * 1e6),
            _ => "-".to_owned(),
        };
        println!(
            "{viewers:>3} viewers: {cpu:.2} ms of processor a second; a tick {} in the page's thread, {} in the \
             engine's; {:.2} MiB resident",
            ran(after.1, before.0.1),
            ran(after.2, before.0.2),
            after.3 / f64::from(1 << 20)
        );
        let got = ticks - before.1;
        assert!(got >= viewers as u64 * (seconds - 1), "{viewers} viewers got {got} ticks");
    }
}
