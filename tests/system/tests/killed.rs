//! SIGKILL under load and a start on the same port: a real Prometheus takes it for what it is, a start anew at zero.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::process::Signal;
use system::demo::Demo;
use system::http::Connection;
use system::port;
use system::prometheus::{Generation, Job, Prometheus, Setup};
use system::wait;

const REQUESTS: &str = "http_requests_total{job=\"tachograph\",endpoint=\"/scenes\",method=\"GET\",status=\"200\"}";
/// Requests before the first scrape: were a start anew taken for progress, or progress for a start anew, it would show.
const BEFORE: u64 = 3_000;
/// From one request to the next.
const PACE: Duration = Duration::from_millis(20);

/// Sends requests at its pace for as long as it may; over a new connection when one ends.
fn send(address: SocketAddr, answered: &AtomicU64, stop: &AtomicBool) {
    while !stop.load(Ordering::SeqCst) {
        // Nobody listens for a moment.
        let Ok(mut connection) = Connection::open(address) else {
            thread::sleep(PACE);
            continue;
        };
        while !stop.load(Ordering::SeqCst)
            && connection.request("GET", "/scenes", &[], "").is_ok_and(|answer| answer.status == 200)
        {
            answered.fetch_add(1, Ordering::SeqCst);
            thread::sleep(PACE);
        }
    }
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_secs_f64()
}

/// Waits for so many good scrapes that begin after this call.
fn wait_for_scrapes(prometheus: &Prometheus, count: usize) {
    for _ in 0..count {
        let begin = now();
        wait::until("a scrape", wait::LIMIT, || {
            let newest = prometheus.query("max(timestamp(up) and up == 1)");
            let last: f64 = newest.first().map_or(0.0, |(_, last)| last.parse().expect("a number"));
            if last > begin { Ok(()) } else { Err(format!("the last one is of {last}")) }
        });
    }
}

/// The samples of the last ten minutes.
fn samples(prometheus: &Prometheus, selector: &str) -> Vec<(u64, u64)> {
    let whole = |value: String| value.parse::<f64>().expect("a number") as u64;
    prometheus.samples(selector).into_iter().map(|(time, value)| (time, whole(value))).collect()
}

fn number(prometheus: &Prometheus, expression: &str) -> f64 {
    prometheus.number(expression).parse().expect("a number")
}

/// What happened: how many answers there were before the kill and in all, and the times of the two starts.
struct Story {
    before: u64,
    after: u64,
    starts: Vec<u64>,
}

/// Kills and starts a demo that `prometheus`, made for its address, scrapes.
fn kill(prometheus: impl Fn(SocketAddr) -> Prometheus) -> (Story, Prometheus) {
    let options = ["--traffic", "0", "--rate-limit", "0", "--created-timestamps"];
    let address = port::free();
    let mut demo = Demo::start_at(address, &options);
    let mut connection = Connection::open(address).expect("a connection");
    for _ in 0..BEFORE {
        assert_eq!(connection.request("GET", "/scenes", &[], "").expect("an answer").status, 200);
    }
    drop(connection);
    let prometheus = prometheus(address);
    let (answered, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let story = thread::scope(|scope| {
        let client = scope.spawn(|| send(address, &answered, &stop));
        wait_for_scrapes(&prometheus, 6);
        demo.signal(Signal::KILL);
        demo.exit_status();
        let before = answered.load(Ordering::SeqCst);
        demo = Demo::start_at(address, &options);
        wait_for_scrapes(&prometheus, 6);
        stop.store(true, Ordering::SeqCst);
        client.join().expect("it ends");
        wait_for_scrapes(&prometheus, 2);
        let starts = samples(&prometheus, "process_start_time_seconds{job=\"tachograph\"}");
        let mut starts: Vec<u64> = starts.into_iter().map(|(_, start)| start).collect();
        starts.dedup();
        Story { before, after: answered.load(Ordering::SeqCst) - before, starts }
    });
    drop(demo);
    (story, prometheus)
}

#[test]
fn a_kill_is_one_start_anew_and_no_spike() {
    let (story, prometheus) = kill(Prometheus::scraping);
    assert_eq!(story.starts.len(), 2, "{:?}", story.starts);
    let series = "process_start_time_seconds{job=\"tachograph\"}";
    assert_eq!(number(&prometheus, &format!("changes({series}[10m])")), 1.0);
    assert_eq!(number(&prometheus, &format!("resets({REQUESTS}[10m])")), 1.0);

    let samples = samples(&prometheus, REQUESTS);
    let anew = samples.windows(2).position(|pair| pair[1].1 < pair[0].1).expect("it began anew") + 1;
    let (first, second) = samples.split_at(anew);
    assert!(first.is_sorted_by_key(|(_, count)| *count) && second.is_sorted_by_key(|(_, count)| *count));
    let last = first[first.len() - 1].1;
    // One may have been answered, and not seen by its client, as the kill came.
    assert!((BEFORE..=BEFORE + story.before + 1).contains(&last), "{last}, {}", story.before);
    let total = second[second.len() - 1].1;
    assert!((story.after..=story.after + 1).contains(&total), "{total}, {}", story.after);

    // A client sends at most 50 a second; a rate that is stretched to its window may say a little more.
    let most = 2.0 / PACE.as_secs_f64();
    for expression in
        [format!("rate({REQUESTS}[5s])"), format!("increase({REQUESTS}[5s]) / 5"), format!("irate({REQUESTS}[5s])")]
    {
        let of = |what: &str| number(&prometheus, &format!("{what}_over_time(({expression})[5m:1s])"));
        let (least, greatest) = (of("min"), of("max"));
        assert!(least >= 0.0 && greatest <= most, "{expression}: {least} to {greatest}");
    }
    let grown = number(&prometheus, &format!("increase({REQUESTS}[10m])"));
    let known = (last - first[0].1 + total) as f64;
    assert!(grown >= known * 0.9 && grown <= known * 1.5, "{grown}, {known} are known");
}

#[test]
fn when_it_began_tells_of_the_start_anew_and_loses_nothing() {
    let (story, prometheus) = kill(|target| {
        let options = &["scrape_protocols: [PrometheusProto]"];
        let jobs = vec![Job { name: "tachograph", target, options }];
        let features = &["created-timestamp-zero-ingestion"];
        Prometheus::start(&Setup { generation: Generation::Trixie, features, jobs, rules: None })
    });
    let samples = samples(&prometheus, REQUESTS);
    let zeros: Vec<usize> = (0..samples.len()).filter(|at| samples[*at].1 == 0).collect();
    assert_eq!(zeros.len(), 2, "one for each process: {samples:?}");
    assert_eq!((zeros[0], story.starts.len()), (0, 2));
    // The zero is as old as the series, which is hardly younger than its process, and later than all of the one before.
    let zero = samples[zeros[1]].0;
    assert!(zero >= story.starts[1] * 1000, "{zero}, started {:?}", story.starts);
    assert!(zero < samples[zeros[1] + 1].0 && zero > samples[zeros[1] - 1].0, "{samples:?}");
    // So nothing between the start and its first scrape is missing, and the requests before the first scrape of all are there.
    let (last, total) = (samples[zeros[1] - 1].1, samples[samples.len() - 1].1);
    assert!((BEFORE..=BEFORE + story.before + 1).contains(&last), "{last}, {}", story.before);
    assert!((story.after..=story.after + 1).contains(&total), "{total}, {}", story.after);
    assert_eq!(number(&prometheus, &format!("resets({REQUESTS}[10m])")), 1.0);
    assert!(number(&prometheus, &format!("increase({REQUESTS}[10m])")) >= (last + total) as f64);
}
