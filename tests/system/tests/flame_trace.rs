//! What opens trace events reads the requests that were meant: Perfetto, chrome://tracing, speedscope.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use serde_json::Value;
use system::requests::{hostile, refused, scene};
use system::viewers::{self, Slice, TRACE_VIEWERS};
use tachograph::profile::RequestProfile;
use tachograph::profile::flame::chrome_trace;

/// A scene, and 100 ms later, while it goes on, a request that is refused. The wall clock shows as many digits as it ever does.
fn overlapping() -> [RequestProfile; 2] {
    let mut profiles = [scene(), refused()];
    profiles[0].started_at = SystemTime::UNIX_EPOCH + Duration::new(1_733_158_245, 123_456_000);
    profiles[1].started_at = profiles[0].started_at + Duration::from_millis(100);
    profiles
}

#[test]
fn perfetto_and_chromes_tracing_have_each_request_on_its_track() {
    let profiles = overlapping();
    let [scene, refused] = profiles.each_ref().map(|profile| profile.request_id.to_string());
    let concurrent = format!("{scene} (concurrent 1)");
    let slice = |track: &str, name: &str, (start, duration): (u64, u64), parent: Option<&str>| Slice {
        track: track.to_owned(),
        name: name.to_owned(),
        category: "phase".to_owned(),
        start: start * 1_000,
        duration: duration * 1_000,
        parent: parent.map(str::to_owned),
        status: None,
    };
    let request = |track: &str, times: (u64, u64), status: u16| Slice {
        category: "request".to_owned(),
        status: Some(status),
        ..slice(track, "POST /scene", times, None)
    };
    let route = Some("POST /scene");
    let meant = [
        request(&scene, (0, 145_300), 200),
        slice(&scene, "auth_validation", (0, 2_100), route),
        slice(&scene, "scene_validation", (2_200, 15_000), route),
        slice(&scene, "file_io", (17_400, 98_300), route),
        slice(&scene, "fsync", (20_000, 90_000), Some("file_io")),
        slice(&scene, "response_serialization", (117_000, 28_100), route),
        slice(&concurrent, "log", (117_000, 20_000), None),
        request(&refused, (100_000, 700), 503),
        slice(&refused, "auth_validation", (100_000, 500), route),
    ];
    for viewer in TRACE_VIEWERS {
        let trace = viewers::trace(viewer, &chrome_trace(&profiles));
        assert_eq!(trace.slices, meant, "{viewer}");
        for name in ["POST /scene", "file_io", "fsync"] {
            assert!(trace.texts.iter().any(|text| text == name), "{viewer} drew no {name}: {trace:?}");
        }
    }
}

/// A name as the viewer has it. Perfetto undoes what JSON escapes only where a quote is among it, and says if there is no name.
fn in_viewer(viewer: &str, name: &str) -> String {
    match (viewer, name) {
        ("perfetto", "") => "[No name]".to_owned(),
        ("perfetto", name) if !name.contains('"') => Value::from(name).to_string().replace('"', ""),
        _ => name.to_owned(),
    }
}

#[test]
fn perfetto_and_chromes_tracing_take_hostile_names() {
    let profile = hostile();
    let route = format!("POST {}", profile.endpoint);
    for viewer in TRACE_VIEWERS {
        let trace = viewers::trace(viewer, &chrome_trace(std::slice::from_ref(&profile)));
        let names: Vec<&str> = trace.slices.iter().map(|slice| &*slice.name).collect();
        let phases = profile.phases.iter().map(|phase| &*phase.name);
        let meant: Vec<String> = [&*route].into_iter().chain(phases).map(|name| in_viewer(viewer, name)).collect();
        assert_eq!(names, meant, "{viewer}");
        assert!(trace.slices[1..].iter().all(|slice| slice.duration == 1_000_000), "{viewer}: {trace:?}");
    }
}

#[test]
fn speedscope_draws_the_tracks_of_a_trace_with_their_totals() {
    let profiles = overlapping();
    let viewed = viewers::speedscope(&chrome_trace(&profiles));
    let [scene, refused] = profiles.each_ref().map(|profile| &profile.request_id);
    let tracks: Vec<&str> = viewed.tracks.iter().map(|track| &*track.name).collect();
    let named = |name: &str, tid: u32| format!("{name} (pid 1, tid {tid})");
    assert_eq!(tracks, [named(scene, 2), named(&format!("{scene} (concurrent 1)"), 3), named(refused, 4)]);
    for (track, name, total, own) in [
        (0, "POST /scene", "145.30ms", "1.80ms"),
        (0, "auth_validation", "2.10ms", "2.10ms"),
        (0, "file_io", "98.30ms", "8.30ms"),
        (0, "fsync", "90.00ms", "90.00ms"),
        (1, "log", "20.00ms", "20.00ms"),
        (2, "POST /scene", "700.00µs", "200.00µs"),
        (2, "auth_validation", "500.00µs", "500.00µs"),
    ] {
        // It has the arguments in the name.
        let is_named = |text: &String| text.starts_with(&format!("{name} {{\"request_id\":"));
        let row = viewed.tracks[track].rows.iter().find(|row| row.get(2).is_some_and(is_named));
        let row = row.unwrap_or_else(|| panic!("no {name} in {viewed:?}"));
        let time = |cell: usize| row[cell].split(' ').next();
        assert_eq!((time(0), time(1)), (Some(total), Some(own)), "{name}");
    }
    for (track, name) in [(0, "POST /scene"), (0, "file_io"), (0, "fsync"), (1, "log"), (2, "auth_validation")] {
        assert!(viewed.tracks[track].texts.iter().any(|text| text.starts_with(name)), "{name}: {viewed:?}");
    }
}

#[test]
fn trace_events_have_what_their_format_asks_for() {
    let trace: Value = serde_json::from_str(&chrome_trace(&[scene(), hostile(), refused()])).expect("JSON");
    let events = trace["traceEvents"].as_array().expect("events");
    assert_eq!(trace["displayTimeUnit"], "ms");
    let (mut rows, mut requests) = (BTreeSet::new(), BTreeSet::new());
    for event in events {
        assert!(
            event["name"].is_string() && event["pid"].is_u64() && event["tid"].is_u64() && event["args"].is_object(),
            "{event}"
        );
        match event["ph"].as_str() {
            Some("X") => assert!(event["ts"].is_u64() && event["dur"].is_u64() && event["cat"].is_string(), "{event}"),
            Some("M") => assert!(rows.insert(event["tid"].as_u64()), "a row has one name: {event}"),
            _ => panic!("an event of another kind: {event}"),
        }
        if event["cat"] == "request" {
            assert!(requests.insert(event["tid"].as_u64()), "two requests are on one row: {event}");
        }
    }
    // One for each request, and one for the log that is written while a response is.
    assert_eq!((rows.len(), requests.len()), (4, 3));
}
