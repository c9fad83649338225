//! A round: a server of its own, a second of warming up, and what wrk and the server say of the time that counts.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::server::Layers;

/// What one round has shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    /// Requests a second.
    pub(crate) rate: f64,
    /// The 99th percentile of latency, in milliseconds, as wrk has it.
    pub(crate) p99_ms: f64,
    /// The server's processor time for each request, in microseconds.
    pub(crate) cpu_us: f64,
}

/// Ends its process when it is dropped.
struct Server {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    fn start(layers: Layers) -> Self {
        let value = clap::ValueEnum::to_possible_value(&layers).expect("each has a name");
        let mut process = Command::new(std::env::current_exe().expect("the bench knows its file"))
            .args(["--serve", value.get_name()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the bench can start itself");
        let input = process.stdin.take().expect("stdin is piped");
        let output = BufReader::new(process.stdout.take().expect("stdout is piped"));
        Self { process, input, output }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("a line of the server");
        line.trim_end().to_owned()
    }

    /// Nanoseconds of processor time, and requests counted.
    fn state(&mut self) -> (u64, u64) {
        self.input.write_all(b"\n").expect("the server reads");
        let line = self.line();
        let (cpu, counted) = line.split_once(' ').expect("two numbers");
        (cpu.parse().expect("nanoseconds"), counted.parse().expect("a count"))
    }
}

/// wrk's report of so many seconds.
fn wrk(url: &str, connections: u32, seconds: u32) -> String {
    let output = Command::new("wrk")
        .args(["--latency", "-t1", &format!("-c{connections}"), &format!("-d{seconds}s"), url])
        .output()
        .unwrap_or_else(|error| panic!("cannot start wrk: {error}; install it, Debian's package is called wrk"));
    let report = String::from_utf8(output.stdout).expect("a report in UTF-8");
    assert!(output.status.success(), "{report}");
    assert!(!report.contains("Non-2xx") && !report.contains("Socket errors"), "{report}");
    report
}

/// The number and its unit that follow or precede a word on a line of wrk's.
fn figure<'report>(report: &'report str, pick: impl Fn(&'report str) -> Option<&'report str>) -> &'report str {
    report.lines().find_map(|line| pick(line.trim())).unwrap_or_else(|| panic!("wrk says something else: {report}"))
}

fn milliseconds(time: &str) -> f64 {
    let units = [("us", 1e-3), ("ms", 1.0), ("s", 1e3)];
    let (number, unit) = units.iter().find_map(|(unit, of)| Some((time.strip_suffix(unit)?, of))).expect("a unit of time");
    number.parse::<f64>().expect("a number") * unit
}

/// Measures a server with these layers.
pub(crate) fn round(layers: Layers, connections: u32, seconds: u32) -> Measured {
    let mut server = Server::start(layers);
    let url = format!("http://{}/scene/castle", server.line());
    wrk(&url, connections, 1);
    let (cpu_before, counted_before) = server.state();
    let report = wrk(&url, connections, seconds);
    let (cpu, counted) = server.state();

    let requests = figure(&report, |line| Some(line.split_once(" requests in")?.0)).parse::<u64>().expect("a count");
    if layers != Layers::Bare {
        // wrk leaves without the answers to its last requests, and the server may count those of the warming up late.
        let counted = counted - counted_before;
        let open = 2 * u64::from(connections);
        assert!(counted.abs_diff(requests) <= open, "{layers} counted {counted}, wrk {requests}");
    }
    let rate = figure(&report, |line| line.strip_prefix("Requests/sec:")).trim().parse().expect("a rate");
    let p99 = figure(&report, |line| line.strip_prefix("99%")).trim();
    #[expect(clippy::cast_precision_loss, reason = "both are far below 2^53")]
    let cpu_us = (cpu - cpu_before) as f64 / requests as f64 / 1e3;
    Measured { rate, p99_ms: milliseconds(p99), cpu_us }
}
