//! A process that is stopped for some seconds, and goes on: no window shows a spike.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::http::{Connection, PATIENCE, eventually, get};
use crate::program::Program;
use crate::scrape::{sample, sum};
use crate::{BEARER, LOBBY, value};

/// Longer than a tick of the page may be late, longer than the longest bound of the durations.
const STOPPED: Duration = Duration::from_secs(11);
const USERS: [&str; 1] = ["endpoint=\"/scene\""];
/// Requests a second of each client, and so many at once.
const LIMIT: u32 = 5;
/// Requests a second that the other demo sends itself.
const TRAFFIC: u32 = 20;

/// The ticks of the page as they come.
struct Ticks {
    ticks: Receiver<Value>,
    reading: JoinHandle<()>,
}

impl Ticks {
    fn read(address: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        // Without chunks.
        stream.write_all(b"GET /events HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
        let (send, ticks) = channel();
        let reading = std::thread::spawn(move || {
            let mut event = String::new();
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                match (line.strip_prefix("event: "), line.strip_prefix("data: ")) {
                    (Some(name), _) => event = name.to_owned(),
                    (_, Some(data)) if event == "tick" => {
                        let _nobody_waits = send.send(serde_json::from_str(data).unwrap());
                    }
                    _ => {}
                }
            }
        });
        Self { ticks, reading }
    }

    fn take(&self, count: usize) -> Vec<Value> {
        (0..count).map(|_| self.ticks.recv_timeout(PATIENCE).expect("a tick")).collect()
    }

    /// Those that have come and were not taken, once the server is gone.
    fn rest(self) -> Vec<Value> {
        self.reading.join().unwrap();
        self.ticks.try_iter().collect()
    }
}

fn time(tick: &Value) -> f64 {
    tick["t"].as_f64().unwrap() / 1e3
}

fn requests(address: SocketAddr) -> f64 {
    sum(get(address, "/metrics").text(), "http_requests_total", &USERS)
}

#[test]
fn no_window_of_a_process_that_was_suspended_shows_a_spike() {
    let limit = LIMIT.to_string();
    let limits = ["--rate-limit", &limit, "--rate-burst", &limit, "--health-interval", "1000", "--slow-threshold", "60000"];
    let program = Program::serve(&limits);
    let busy = Program::serve(&["--traffic", &TRAFFIC.to_string(), "--slow-threshold", "60000", "--log-level", "error"]);
    let address = program.address;
    let healthy = || {
        let text = get(address, "/metrics").text().to_owned();
        let is = |check: &str| sample(&text, &format!("health_check_status{{check=\"{check}\",status=\"healthy\"}}"));
        let all = ["scene_loader", "file_system", "memory", "dap_lsp", "resource_loader", "engine"].map(is);
        (all == [Some(1.0); 6]).then_some(())
    };
    eventually("all is well", healthy);
    // The check of the two small servers has clocks of its own: stopped in its midst, it takes them for silent.
    let unhealthy = || {
        let text = get(address, "/metrics").text().to_owned();
        let changes = |part: &str| sum(&text, "tachograph_health_changes_total", &["to=\"unhealthy\"", part]);
        changes("check=") - changes("check=\"dap_lsp\"")
    };
    let unhealthy_before = unhealthy();

    // Some that are fast, each with its own client's bucket.
    let mut client = Connection::open(address);
    for _ in 0..40 {
        let answer = client.request("GET", "/scene", &[BEARER], b"");
        assert!([404, 429].contains(&answer.status), "{}", answer.status);
    }
    let ticks = Ticks::read(address);
    let before = ticks.take(2);
    let mut in_flight = Connection::open(address);
    let length = LOBBY.len().to_string();
    in_flight.send("POST", "/scene", &[BEARER, ("Expect", "100-continue"), ("Content-Length", &length)], b"");
    assert_eq!(in_flight.read(false).unwrap().status, 100);
    let asked = Instant::now();
    let drawn = value(address, "engine_frames_total");
    let sent_by_itself = requests(busy.address);
    program.suspend();
    busy.suspend();
    std::thread::sleep(STOPPED);
    let resumed = Instant::now();
    program.signal("CONT");
    busy.signal("CONT");

    // The rate limiter lets no more through than ever.
    let mut admitted = 0;
    for _ in 0..60 {
        admitted += u32::from(client.request("GET", "/scene", &[BEARER], b"").status == 404);
    }
    let most = f64::from(LIMIT) * (1.0 + resumed.elapsed().as_secs_f64()) + 1.0;
    assert!(f64::from(admitted) <= most, "{admitted} of at most {most}");

    // Frames that were missed are not drawn.
    let awake = || (asked.elapsed() - STOPPED).as_secs_f64();
    let frames = value(address, "engine_frames_total") - drawn;
    let most = 60.0 * awake() + 2.0;
    assert!(frames <= most, "{frames} of at most {most}");
    // Nor are requests that the demo would have sent itself, but of a second.
    let sent = requests(busy.address) - sent_by_itself;
    let most = f64::from(TRAFFIC) * (awake() + 1.0) + 64.0;
    assert!(sent <= most, "{sent} of at most {most}");

    // The one in flight ends well, and is the one that lasted: its time is that of its client.
    in_flight.write(LOBBY).unwrap();
    assert_eq!(in_flight.read(true).unwrap().status, 200);
    let text = get(address, "/metrics").text().to_owned();
    let longer = |bound: &str| {
        let within = sum(&text, "http_request_duration_seconds_bucket", &[USERS[0], &format!("le=\"{bound}\"")]);
        sum(&text, "http_request_duration_seconds_count", &USERS) - within
    };
    assert_eq!(longer("10"), 1.0);
    let median = sample(&text, "http_request_latency_ms{quantile=\"0.5\"}").unwrap();
    assert!(median < 10_000.0, "{median}");

    // Health is itself again, and nothing was unhealthy.
    eventually("all is well again", healthy);
    assert_eq!(get(address, "/health/quick").status, 200);
    assert_eq!(unhealthy(), unhealthy_before);

    // The page shows a gap, and then a tick a second.
    let mut all = before;
    let after = all.len();
    all.extend(ticks.take(3));
    program.signal("TERM");
    assert_eq!(program.join().0.code(), Some(0));
    all.extend(ticks.rest());
    let gaps: Vec<f64> = all.windows(2).map(|pair| time(&pair[1]) - time(&pair[0])).collect();
    let long = gaps.iter().filter(|gap| **gap >= STOPPED.as_secs_f64() - 1.0).count();
    assert_eq!(long, 1, "{gaps:?}");
    let lasted = time(&all[all.len() - 1]) - time(&all[after - 1]) - STOPPED.as_secs_f64();
    assert!((all.len() - after) as f64 <= lasted + 2.0, "{gaps:?}");
    for tick in &all {
        let rate = |key: &str| tick[key].as_f64().unwrap_or_default();
        assert!(rate("fps") < 150.0, "{tick}");
        assert!(rate("cpu") < 64.0, "{tick}");
        assert!(rate("r2") + rate("r4") < 1_000.0, "{tick}");
    }
    drop(busy);
}
