//! Trace events, as Chrome's tracing and Perfetto read them.

use std::time::SystemTime;

use serde::Serialize;

use super::spans::Spans;
use super::tracks::tracks;
use super::tree::route_name;
use crate::profile::RequestProfile;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Trace<'a> {
    trace_events: Vec<Event<'a>>,
    display_time_unit: &'static str,
}

/// The process that all events are of: the only one. No row has its number, since Perfetto would take that for the main thread.
const PID: usize = 1;

#[derive(Serialize)]
struct Event<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cat: Option<&'static str>,
    ph: char,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    time: Option<Time>,
    pid: usize,
    tid: usize,
    args: Args<'a>,
}

/// Microseconds, whole ones: what is a part of another lies within it also after a reader has made floating-point numbers of
/// them.
#[derive(Clone, Copy, Serialize)]
struct Time {
    ts: u64,
    dur: u64,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Args<'a> {
    Name {
        name: String,
    },
    Request {
        request_id: &'a str,
        endpoint: &'a str,
        method: &'static str,
        status: u16,
        #[serde(skip_serializing_if = "Option::is_none")]
        trace_id: Option<String>,
        request_bytes: u64,
        response_bytes: u64,
        duration_us: f64,
    },
    Phase {
        request_id: &'a str,
        duration_us: f64,
    },
}

/// JSON of trace events, as chrome://tracing and [Perfetto](https://ui.perfetto.dev) read it. Each request has a row of its
/// own, called by its id, and further rows for phases that are concurrent with others. Times are microseconds of the wall
/// clock, whole ones; the argument `duration_us` has the parts too.
///
/// # Examples
///
/// ```
/// use tachograph::http::Method;
/// use tachograph::profile::flame::chrome_trace;
/// use tachograph::profile::{ProfileOptions, Profiler, Sizes};
///
/// let profiler = Profiler::new(ProfileOptions::default());
/// profiler.start("/scene", Method::Post).with_request_id("r1").finish(200, Sizes::default());
/// let file = chrome_trace(&profiler.profiles());
/// let row = r#"{"name":"thread_name","ph":"M","pid":1,"tid":2,"args":{"name":"r1"}}"#;
/// assert!(file.starts_with(&format!(r#"{{"traceEvents":[{row},{{"name":"POST /scene","cat":"request","ph":"X","ts":"#)));
/// assert!(file.ends_with(r#"}}],"displayTimeUnit":"ms"}"#));
/// ```
pub fn chrome_trace(profiles: &[RequestProfile]) -> String {
    let routes: Vec<String> = profiles.iter().map(route_name).collect();
    let mut events = Vec::new();
    let mut row = PID;
    for (profile, route) in profiles.iter().zip(&routes) {
        let since_epoch = profile.started_at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
        let micros = |nanos: u64| u64::try_from((since_epoch + u128::from(nanos)) / 1000).unwrap_or(u64::MAX);
        let time = |start: u64, end: u64| Some(Time { ts: micros(start), dur: micros(end) - micros(start) });
        let request_id = &*profile.request_id;
        let spans = Spans::of(profile);
        for (track, placed) in tracks(&spans).into_iter().enumerate() {
            row += 1;
            let name = if track == 0 { request_id.to_owned() } else { format!("{request_id} (concurrent {track})") };
            events.push(Event {
                name: "thread_name",
                cat: None,
                ph: 'M',
                time: None,
                pid: PID,
                tid: row,
                args: Args::Name { name },
            });
            if track == 0 {
                let args = Args::Request {
                    request_id,
                    endpoint: &profile.endpoint,
                    method: profile.method.as_str(),
                    status: profile.status,
                    trace_id: profile.trace_id.map(|id| id.to_string()),
                    request_bytes: profile.request_bytes,
                    response_bytes: profile.response_bytes,
                    duration_us: spans.end as f64 / 1e3,
                };
                let time = time(0, spans.end);
                events.push(Event { name: route, cat: Some("request"), ph: 'X', time, pid: PID, tid: row, args });
            }
            events.extend(placed.iter().map(|placed| Event {
                name: &profile.phases[placed.phase].name,
                cat: Some("phase"),
                ph: 'X',
                time: time(placed.start, placed.end),
                pid: PID,
                tid: row,
                args: Args::Phase { request_id, duration_us: (placed.end - placed.start) as f64 / 1e3 },
            }));
        }
    }
    let trace = Trace { trace_events: events, display_time_unit: "ms" };
    serde_json::to_string(&trace).expect("text and finite numbers can be written")
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::profile::flame::handmade::{request, requests};

    fn read(profiles: &[RequestProfile]) -> Vec<Value> {
        let mut trace: Value = serde_json::from_str(&chrome_trace(profiles)).expect("JSON");
        assert_eq!(trace["displayTimeUnit"], "ms");
        serde_json::from_value(trace["traceEvents"].take()).expect("events")
    }

    #[test]
    fn a_request_has_a_row_and_what_is_concurrent_another_one() {
        let phases = [("io", None, 1_000, 2_500), ("log", None, 1_500, 5_000)];
        let (id, ts) = ("scene_1733158245_7f", 1_733_158_245_123_456_u64);
        let row =
            |tid: u64, name: &str| json!({"name": "thread_name", "ph": "M", "pid": 1, "tid": tid, "args": {"name": name}});
        let phase = |name: &str, tid: u64, ts: u64, dur: u64, micros: f64| {
            let args = json!({"request_id": id, "duration_us": micros});
            json!({"name": name, "cat": "phase", "ph": "X", "ts": ts, "dur": dur, "pid": 1, "tid": tid, "args": args})
        };
        let args = json!({
            "request_id": id, "endpoint": "/scene", "method": "POST", "status": 200,
            "trace_id": "0af7651916cd43dd8448eb211c80319c", "request_bytes": 512, "response_bytes": 64, "duration_us": 9.25,
        });
        assert_eq!(
            read(&[request("/scene", 9_250, &phases)]),
            [
                row(2, id),
                json!({
                    "name": "POST /scene", "cat": "request", "ph": "X", "ts": ts, "dur": 10, "pid": 1, "tid": 2, "args": args
                }),
                phase("io", 2, ts + 1, 3, 2.5),
                row(3, "scene_1733158245_7f (concurrent 1)"),
                phase("log", 3, ts + 2, 5, 5.0),
            ]
        );
        assert_eq!(read(&[]), Vec::<Value>::new());
    }

    proptest! {
        #[test]
        fn events_of_a_row_lie_within_each_other_or_apart(mut profiles in requests(), factor in 1u32..5000) {
            for profile in &mut profiles {
                profile.duration *= factor;
                for phase in &mut profile.phases {
                    (phase.start, phase.duration) = (phase.start * factor, phase.duration * factor);
                }
            }
            let events = read(&profiles);
            let mut rows: BTreeMap<u64, Vec<(u64, u64)>> = BTreeMap::new();
            for event in events.iter().filter(|event| event["ph"] == "X") {
                let number = |key: &str| event[key].as_u64().expect("a whole number");
                rows.entry(number("tid")).or_default().push((number("ts"), number("ts") + number("dur")));
            }
            let requests = events.iter().filter(|event| event["cat"] == "request").count();
            prop_assert_eq!(requests, profiles.len());
            for spans in rows.values() {
                for (place, one) in spans.iter().enumerate() {
                    for later in &spans[place + 1..] {
                        prop_assert!(one.1 <= later.0 || one.0 <= later.0 && later.1 <= one.1, "{:?} crosses {:?}", one, later);
                    }
                }
            }
        }
    }
}
