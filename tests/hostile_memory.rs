//! A million of each thing that clients may make up: paths, methods, label values, names of phases and of families, ids. The memory of the
//! process stays within a bound, and what found no room is counted to the last one.
//!
//! One test, alone in its process, because the memory is the process's.
#![cfg(target_os = "linux")]

use std::thread;
use std::time::Duration;

use tachograph::http::{Exchange, HttpMetrics, HttpOptions, Method};
use tachograph::profile::{ProfileOptions, Profiler, Sizes, TraceId};
use tachograph::{Buckets, Labels, RegisterError, Registry, Series, Snapshot, Value, engine_stats};

/// Without optimisation a million take too long; `ci/bench.sh` runs this with it.
const MANY: u64 = if cfg!(debug_assertions) { 50_000 } else { 1_000_000 };

/// Threads that attack at once: each has cells of its own in all that they count in.
const THREADS: u64 = 4;

/// Series of a family, unless it is told otherwise.
const LIMIT: u64 = 1_000;

/// What all the attacks together may add to the resident set, in KiB. Measured: 8 500 to 9 500. A fiftieth of what a million inventions of one
/// kind take that are kept, 100 bytes each at the least, is 2 000; and there are fifteen kinds.
const MOST_KIB: u64 = 24 * 1_024;

/// What a process holds in memory now, in KiB.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("this is Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it has a resident set");
    line.trim().trim_end_matches(" kB").parse().expect("it is a number")
}

/// A name that a client makes up. To format a million of them would take most of the time.
struct Invented {
    text: [u8; 24],
}

impl Invented {
    fn number(&mut self, mut number: u64) -> &str {
        let digits = self.text.iter_mut().rev().take(8);
        digits.for_each(|digit| {
            *digit = b'0' + (number % 10) as u8;
            number /= 10;
        });
        std::str::from_utf8(&self.text).expect("it is ASCII")
    }
}

/// Calls `attack` with so many numbers and a name for each, on several threads at once.
fn many(attack: impl Fn(u64, &str) + Sync) {
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let attack = &attack;
            scope.spawn(move || {
                let mut invented = Invented { text: *b"/invented/path/000000000" };
                for number in (thread..MANY).step_by(THREADS as usize) {
                    attack(number, invented.number(number));
                }
            });
        }
    });
}

/// The sum of a family's series, all of them or those whose label has this value.
fn sum(snapshot: &Snapshot, family: &str, label: Option<(&str, &str)>) -> u64 {
    let family = snapshot.family(family).unwrap_or_else(|| panic!("there is no {family}"));
    let has = |series: &Series<'_>, wanted| series.labels.iter().any(|(name, value)| (name, &*value) == wanted);
    family.series().filter(|series| label.is_none_or(|label| has(series, label))).map(counted).sum()
}

/// What a series has counted.
fn counted(series: Series<'_>) -> u64 {
    match series.value {
        Value::Counter(count) => count,
        Value::Histogram(histogram) => histogram.count(),
        other => panic!("{other:?} is no count"),
    }
}

fn series(snapshot: &Snapshot, family: &str) -> u64 {
    snapshot.family(family).map_or(0, |family| family.series().count() as u64)
}

fn refused(snapshot: &Snapshot, family: &str) -> u64 {
    sum(snapshot, "tachograph_series_refused_total", Some(("family", family)))
}

fn exchange(method: Method, status: u16) -> Exchange {
    Exchange { method, status, duration: Duration::from_millis(3), request_bytes: 10, response_bytes: 100 }
}

/// Requests of a service that asks for a route by what the client has sent.
fn paths(registry: &Registry, http: &HttpMetrics) {
    many(|_, path| http.observe(path, &exchange(Method::Get, 404)));
    let snapshot = registry.snapshot();
    assert_eq!(sum(&snapshot, "http_requests_total", None), MANY);
    assert_eq!(sum(&snapshot, "http_request_duration_seconds", None), MANY);
    // One of the series is `other`.
    let others = sum(&snapshot, "http_requests_total", Some(("endpoint", "other")));
    assert_eq!((others, refused(&snapshot, "http_requests_total")), (MANY - LIMIT, MANY - LIMIT));
}

/// Methods and statuses, at one route.
fn methods(registry: &Registry, http: &HttpMetrics) {
    let scene = http.monitoring_endpoint("/scene");
    many(|number, method| scene.observe(&exchange(Method::parse(method), number as u16)));
    let snapshot = registry.snapshot();
    assert_eq!(sum(&snapshot, "http_requests_total", Some(("endpoint", "/scene"))), MANY);
    assert_eq!(sum(&snapshot, "http_requests_total", Some(("method", "other"))), MANY);
    // 100 to 599, and what is no status.
    let of_scene = snapshot.family("http_requests_total").unwrap().series();
    assert_eq!(of_scene.filter(|series| series.labels.iter().any(|label| label == ("endpoint", "/scene".into()))).count(), 501);
}

/// Label values known at run time only: of counters, histograms with exemplars, and gauges that expire.
fn label_values(registry: &Registry) {
    let labels = Labels::new(["path", "status"]).unbounded(["path"]);
    let loads = registry.counter_family("loads_total", "", labels).unwrap();
    many(|number, path| loads.inc([path, ["200", "500"][number as usize % 2]]));
    let snapshot = registry.snapshot();
    assert_eq!(sum(&snapshot, "loads_total", None), MANY);
    let others = sum(&snapshot, "loads_total", Some(("path", "other")));
    assert_eq!((others, refused(&snapshot, "loads_total")), (MANY - LIMIT, MANY - LIMIT));
    // An error under a scan is still one.
    assert_eq!(sum(&snapshot, "loads_total", Some(("status", "500"))), MANY / 2);

    let waits = registry.histogram_family("wait_seconds", "", ["client"], Buckets::seconds(&[0.1, 1.0]).unwrap()).unwrap();
    many(|number, client| {
        let wait = waits.handle([client]);
        if number % 16 == 0 {
            wait.observe_with_exemplar(number, &[("trace_id", client)]);
        } else {
            wait.observe(number);
        }
    });
    let snapshot = registry.snapshot();
    assert_eq!(sum(&snapshot, "wait_seconds", None), MANY);
    assert_eq!(sum(&snapshot, "wait_seconds", Some(("client", "other"))), refused(&snapshot, "wait_seconds"));
    assert_eq!(refused(&snapshot, "wait_seconds"), MANY - LIMIT);

    let labels = Labels::new(["device"]).expire_after(Duration::from_secs(3_600));
    let seen = registry.gauge_family("device_seen", "", labels).unwrap();
    many(|_, device| seen.set([device], 1.0));
    let snapshot = registry.snapshot();
    assert_eq!((series(&snapshot, "device_seen"), refused(&snapshot, "device_seen")), (LIMIT + 1, MANY - LIMIT));
}

/// Strings in a typed label set, and states that there are not.
#[cfg(feature = "derive")]
fn typed_labels(registry: &Registry) {
    #[derive(tachograph::LabelSet)]
    struct Load<'a> {
        scene: &'a str,
        cached: bool,
    }
    let loads = registry.typed_counter_family::<Load<'static>>("typed_loads_total", "").unwrap();
    many(|number, scene| loads.inc(&Load { scene, cached: number % 2 == 0 }));
    let snapshot = registry.snapshot();
    assert_eq!(sum(&snapshot, "typed_loads_total", None), MANY);
    let others = sum(&snapshot, "typed_loads_total", Some(("scene", "other")));
    assert_eq!((others, refused(&snapshot, "typed_loads_total")), (MANY - LIMIT, MANY - LIMIT));
}

#[cfg(not(feature = "derive"))]
fn typed_labels(_: &Registry) {}

fn states(registry: &Registry) {
    let link = registry.state_set("link", "", &["up", "down"]).unwrap();
    many(|_, state| link.set(state));
    assert_eq!(sum(&registry.snapshot(), "tachograph_settings_refused_total", None), MANY);
}

/// Names, values and names of labels, by the macros of the `metrics` crate.
#[cfg(feature = "metrics")]
fn facade(registry: &Registry) {
    use metrics::{Key, KeyName, Label, Level, Metadata, Recorder};

    let recorder = tachograph::facade::Facade::new(registry).recorder();
    let metadata = Metadata::new(module_path!(), Level::INFO, None);
    let count = |name: &str, labels: Vec<Label>| {
        recorder.register_counter(&Key::from_parts(name.to_owned(), labels), &metadata).increment(1);
    };

    many(|_, queue| count("jobs", vec![Label::new("queue", queue.to_owned())]));
    let snapshot = registry.snapshot();
    assert_eq!(sum(&snapshot, "jobs_total", None), MANY);
    let others = sum(&snapshot, "jobs_total", Some(("queue", "other")));
    assert_eq!((others, refused(&snapshot, "jobs_total")), (MANY - LIMIT, MANY - LIMIT));

    many(|_, label| count("tasks", vec![Label::new(label.to_owned(), "x")]));
    let snapshot = registry.snapshot();
    assert_eq!(sum(&snapshot, "tasks_total", None), MANY);
    let others = sum(&snapshot, "tasks_total", Some(("labels", "other")));
    assert_eq!((others, refused(&snapshot, "tasks_total")), (MANY - 64, MANY - 64));

    many(|_, name| {
        recorder.describe_counter(KeyName::from(name.to_owned()), None, "a text of some length that explains it".into());
        count(name, Vec::new());
    });
    // Two names are there, and one has come for those that have no room.
    let snapshot = registry.snapshot();
    let others = sum(&snapshot, "other_total", None);
    assert_eq!((others, refused(&snapshot, "other_total")), (MANY - (LIMIT - 2), MANY - (LIMIT - 2)));
    let own = snapshot.families().filter(|family| family.descriptor().name().contains("/invented/path/"));
    assert_eq!(own.clone().count() as u64, LIMIT - 2);
    assert_eq!(own.flat_map(|family| family.series()).map(counted).sum::<u64>(), LIMIT - 2);
}

#[cfg(not(feature = "metrics"))]
fn facade(_: &Registry) {}

/// Names of routes and phases, ids of requests and traces.
fn profiles(registry: &Registry) {
    let profiler = Profiler::new(ProfileOptions::default());
    profiler.register_metrics(registry).unwrap();
    let held = profiler.heap_bytes();
    many(|number, text| {
        let profile = profiler.start(text, Method::Get).with_request_id(text).with_trace_id(TraceId::new(number.into()));
        drop(profile.phase(&text[1..]));
        profile.finish(200, Sizes::default());
    });
    let snapshot = registry.snapshot();
    assert_eq!(sum(&snapshot, "tachograph_profiles_total", None), MANY);
    // 255 names have room, of routes and phases together.
    assert_eq!(sum(&snapshot, "tachograph_profile_names_refused_total", None), 2 * MANY - 255);
    assert!(profiler.profiles().len() <= profiler.most());
    // What it may take for names.
    assert!(profiler.heap_bytes() <= held + 24 * 1_024, "{} bytes after {held}", profiler.heap_bytes());
}

/// Label values as long as servers take headers: each of them is refused, and none is kept.
fn long_values(registry: &Registry) {
    const HOW_MANY: u64 = if cfg!(debug_assertions) { 200 } else { 2_000 };
    let agents = registry.counter_family("agents_total", "", ["agent"]).unwrap();
    let mut agent = "a".repeat(300 * 1_024);
    for number in 0..HOW_MANY {
        agent.replace_range(..8, &format!("{number:08}"));
        agents.inc([&agent]);
    }
    let snapshot = registry.snapshot();
    assert_eq!(sum(&snapshot, "agents_total", Some(("agent", "other"))), HOW_MANY);
    assert_eq!((series(&snapshot, "agents_total"), refused(&snapshot, "agents_total")), (1, HOW_MANY));
}

/// What a program does again and again that it should do once.
fn again_and_again(registry: &Registry) {
    const HOW_OFTEN: u64 = if cfg!(debug_assertions) { 4_000 } else { 100_000 };
    let slots = engine_stats().slots;
    let queues = registry.gauge_family("queue_depth", "", ["queue"]).unwrap();
    let waits = registry.histogram_family("queue_wait_seconds", "", ["queue"], Buckets::seconds(&[0.1]).unwrap()).unwrap();
    for number in 0..HOW_OFTEN {
        // The name is taken.
        let error = registry.gauge("queue_depth", "").unwrap_err();
        assert!(matches!(error, RegisterError::Clash { .. }), "{error}");
        // Series that come and go, with an exemplar each, and nobody who scrapes meanwhile.
        let queue = &*number.to_string();
        queues.set([queue], 1.0);
        waits.handle([queue]).observe_with_exemplar(1, &[("trace_id", queue)]);
        assert!(queues.remove([queue]) && waits.remove([queue]));
    }
    assert_eq!((queues.len(), waits.len()), (0, 0));
    for _ in 0..HOW_OFTEN / 50 {
        let other = Registry::new();
        let http = HttpMetrics::register(&other, HttpOptions::default()).unwrap();
        http.observe("/scene", &exchange(Method::Get, 200));
        other.snapshot();
    }
    registry.snapshot();
    let more = engine_stats().slots - slots;
    assert!(more < 10_000, "{more} slots more than before");
}

/// Threads that come and go have the shards of those that have gone.
fn threads(registry: &Registry) {
    const HOW_MANY: u64 = if cfg!(debug_assertions) { 500 } else { 10_000 };
    let jobs = registry.counter_family("thread_jobs_total", "", ["thread"]).unwrap();
    let shards = engine_stats().shards;
    for number in 0..HOW_MANY {
        let jobs = jobs.clone();
        thread::spawn(move || jobs.inc([&*number.to_string()])).join().unwrap();
    }
    let snapshot = registry.snapshot();
    assert_eq!(sum(&snapshot, "thread_jobs_total", None), HOW_MANY);
    assert_eq!(engine_stats().shards, shards);
}

#[test]
fn a_million_inventions_of_each_kind_stay_within_a_bound() {
    let registry = Registry::new();
    let http = HttpMetrics::register(&registry, HttpOptions::default()).unwrap();
    // What a process has once, whatever comes.
    registry.snapshot();
    let begun = std::time::Instant::now();
    let before = resident_kib();
    let mut last = before;
    let mut tell = |what: &str| {
        let now = resident_kib();
        println!("{what}: {now} KiB, {} more, {:?}", now as i64 - last as i64, begun.elapsed());
        last = now;
    };
    paths(&registry, &http);
    tell("paths");
    methods(&registry, &http);
    tell("methods");
    label_values(&registry);
    tell("label values");
    typed_labels(&registry);
    tell("typed labels");
    states(&registry);
    tell("states");
    facade(&registry);
    tell("facade");
    profiles(&registry);
    tell("profiles");
    long_values(&registry);
    tell("long values");
    again_and_again(&registry);
    tell("again and again");
    threads(&registry);
    tell("threads");
    let more = last.saturating_sub(before);
    assert!(more <= MOST_KIB, "{more} KiB more than the {before} KiB before");
}
