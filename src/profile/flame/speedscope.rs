//! Files for speedscope.

use std::collections::HashMap;

use serde::Serialize;

use super::spans::Spans;
use super::tracks::{Placed, tracks};
use super::tree::{FlameGraph, is_unaccounted, route_name};
use crate::profile::RequestProfile;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct File<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    exporter: &'static str,
    name: String,
    active_profile_index: usize,
    shared: Shared<'a>,
    profiles: Vec<Profile>,
}

#[derive(Serialize)]
struct Shared<'a> {
    frames: Vec<Frame<'a>>,
}

#[derive(Serialize)]
struct Frame<'a> {
    name: &'a str,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Profile {
    Evented { name: String, unit: &'static str, start_value: u64, end_value: u64, events: Vec<Event> },
    Sampled { name: String, unit: &'static str, start_value: u64, end_value: u64, samples: Vec<Vec<usize>>, weights: Vec<u64> },
}

#[derive(Serialize)]
struct Event {
    /// `O` where it opens, `C` where it closes.
    #[serde(rename = "type")]
    kind: char,
    frame: usize,
    at: u64,
}

impl Event {
    fn close((frame, at): (usize, u64)) -> Self {
        Self { kind: 'C', frame, at }
    }
}

/// What a frame is: two kinds of one name are two frames.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Route,
    Phase,
    Unaccounted,
}

/// The frames that all profiles of a file share: one for each name, so that a phase is the same one in all routes.
#[derive(Default)]
struct Frames<'a> {
    frames: Vec<Frame<'a>>,
    places: HashMap<(Kind, &'a str), usize>,
}

impl<'a> Frames<'a> {
    fn place_of(&mut self, kind: Kind, name: &'a str) -> usize {
        *self.places.entry((kind, name)).or_insert_with(|| {
            self.frames.push(Frame { name });
            self.frames.len() - 1
        })
    }
}

/// A file for [speedscope](https://www.speedscope.app), in nanoseconds. One request is shown in the order of time, and what no
/// phase covers is the request's own. Phases that are concurrent with others are profiles of their own in the file, `REQUEST_ID
/// (concurrent 1)`. Several requests are shown merged, as [`FlameGraph::of`] merges them.
///
/// # Examples
///
/// ```
/// use tachograph::http::Method;
/// use tachograph::profile::flame::speedscope;
/// use tachograph::profile::{ProfileOptions, Profiler, Sizes};
///
/// let profiler = Profiler::new(ProfileOptions::default());
/// let request = profiler.start("/scene", Method::Post);
/// drop(request.phase("file_io"));
/// request.finish(200, Sizes::default());
/// let file = speedscope(&profiler.profiles());
/// assert!(file.starts_with(r#"{"$schema":"https://www.speedscope.app/file-format-schema.json","#));
/// assert!(file.contains(r#""shared":{"frames":[{"name":"POST /scene"},{"name":"file_io"}]},"profiles":[{"type":"evented","#));
/// ```
pub fn speedscope(profiles: &[RequestProfile]) -> String {
    match profiles {
        [profile] => evented(profile),
        _ => merged(profiles),
    }
}

fn evented(profile: &RequestProfile) -> String {
    let route = route_name(profile);
    let mut frames = Frames::default();
    let request = frames.place_of(Kind::Route, &route);
    let phases: Vec<usize> = profile.phases.iter().map(|phase| frames.place_of(Kind::Phase, &phase.name)).collect();
    let spans = Spans::of(profile);
    let tracks = tracks(&spans).into_iter().enumerate().map(|(track, placed)| {
        let (name, around) = match track {
            0 => (profile.request_id.to_string(), Some((request, spans.end))),
            _ => (format!("{} (concurrent {track})", profile.request_id), None),
        };
        let events = events(around, &placed, &phases);
        Profile::Evented { name, unit: "nanoseconds", start_value: 0, end_value: spans.end, events }
    });
    let tracks = tracks.collect();
    write(format!("{route} {}", profile.request_id), frames, tracks)
}

/// The events of a track: `around` all of it a frame from 0 to that time, if there is one.
fn events(around: Option<(usize, u64)>, placed: &[Placed], frames: &[usize]) -> Vec<Event> {
    let mut events = Vec::with_capacity(2 * placed.len() + 2);
    let mut open: Vec<(usize, u64)> = around.into_iter().collect();
    let outside = open.len();
    events.extend(around.map(|(frame, _)| Event { kind: 'O', frame, at: 0 }));
    for phase in placed {
        events.extend(open.drain(outside + phase.depth..).rev().map(Event::close));
        let frame = frames[phase.phase];
        events.push(Event { kind: 'O', frame, at: phase.start });
        open.push((frame, phase.end));
    }
    events.extend(open.into_iter().rev().map(Event::close));
    events
}

fn merged(profiles: &[RequestProfile]) -> String {
    let flame = FlameGraph::of(profiles);
    let mut frames = Frames::default();
    let (mut samples, mut weights, mut places) = (Vec::new(), Vec::new(), Vec::new());
    flame.stacks(|stack| {
        let frame = stack[stack.len() - 1];
        let kind = match stack.len() {
            1 => Kind::Route,
            _ if is_unaccounted(stack) => Kind::Unaccounted,
            _ => Kind::Phase,
        };
        places.truncate(stack.len() - 1);
        places.push(frames.place_of(kind, &frame.name));
        if frame.own > 0 {
            samples.push(places.clone());
            weights.push(frame.own);
        }
    });
    let name = format!("{} requests", profiles.len());
    let (start_value, end_value) = (0, flame.root.total);
    let merged = Profile::Sampled { name: name.clone(), unit: "nanoseconds", start_value, end_value, samples, weights };
    write(name, frames, vec![merged])
}

fn write(name: String, frames: Frames<'_>, profiles: Vec<Profile>) -> String {
    let file = File {
        schema: "https://www.speedscope.app/file-format-schema.json",
        exporter: "tachograph",
        name,
        active_profile_index: 0,
        shared: Shared { frames: frames.frames },
        profiles,
    };
    serde_json::to_string(&file).expect("text and numbers can be written")
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::profile::flame::handmade::{request, requests, scene};

    fn read(profiles: &[RequestProfile]) -> Value {
        serde_json::from_str(&speedscope(profiles)).expect("JSON")
    }

    #[test]
    fn one_request_is_shown_in_the_order_of_time() {
        let phases = [("a", None, 0, 4), ("b", Some(0), 1, 3), ("a", None, 4, 2), ("c", None, 5, 1)];
        let events = |events: &[(&str, usize, u64)]| -> Value {
            events.iter().map(|(kind, frame, at)| json!({"type": kind, "frame": frame, "at": at})).collect()
        };
        let first = [("O", 0, 0), ("O", 1, 0), ("O", 2, 1), ("C", 2, 4), ("C", 1, 4), ("O", 1, 4), ("C", 1, 6), ("C", 0, 9)];
        let evented = |name: &str, all: &[(&str, usize, u64)]| {
            json!({
                "type": "evented", "name": name, "unit": "nanoseconds", "startValue": 0, "endValue": 9, "events": events(all)
            })
        };
        assert_eq!(
            read(&[request("/a", 9, &phases)]),
            json!({
                "$schema": "https://www.speedscope.app/file-format-schema.json",
                "exporter": "tachograph",
                "name": "POST /a scene_1733158245_7f",
                "activeProfileIndex": 0,
                "shared": {"frames": [{"name": "POST /a"}, {"name": "a"}, {"name": "b"}, {"name": "c"}]},
                "profiles": [
                    evented("scene_1733158245_7f", &first),
                    evented("scene_1733158245_7f (concurrent 1)", &[("O", 3, 5), ("C", 3, 6)]),
                ],
            })
        );
    }

    #[test]
    fn several_requests_are_stacks_with_their_own_time() {
        let file = read(&[scene(), scene(), request("/b", 7, &[("unaccounted", None, 0, 3)])]);
        assert_eq!((&file["name"], &file["profiles"][1]), (&json!("3 requests"), &Value::Null));
        let merged = &file["profiles"][0];
        assert_eq!((&merged["type"], &merged["endValue"]), (&json!("sampled"), &json!(2 * 145_300_000 + 7)));
        let name_of = |place: &Value| file["shared"]["frames"][place.as_u64().expect("a place") as usize]["name"].clone();
        let stacks = merged["samples"].as_array().expect("samples").iter();
        let stacks: Vec<Vec<Value>> =
            stacks.map(|stack| stack.as_array().expect("a stack").iter().map(name_of).collect()).collect();
        assert_eq!(stacks[..2], [[json!("POST /b"), json!("unaccounted")], [json!("POST /b"), json!("unaccounted")]]);
        assert_ne!(merged["samples"][0], merged["samples"][1]);
        let file_io = stacks.iter().position(|stack| stack.ends_with(&[json!("file_io")])).expect("file_io");
        assert_eq!(merged["weights"][file_io], 2 * 8_300_000);
        assert_eq!(read(&[])["profiles"][0]["samples"], json!([]));
    }

    /// What speedscope asks of events beyond their schema: in the order of time, each closing the one that was opened last.
    fn assert_nested(profile: &Value) {
        let (mut open, mut last) = (Vec::new(), 0);
        for event in profile["events"].as_array().expect("events") {
            let at = event["at"].as_u64().expect("nanoseconds");
            assert!(last <= at && at <= profile["endValue"].as_u64().expect("nanoseconds"), "{profile}");
            last = at;
            match event["type"].as_str() {
                Some("O") => open.push(&event["frame"]),
                _ => assert_eq!(open.pop(), Some(&event["frame"]), "{profile}"),
            }
        }
        assert_eq!(open, Vec::<&Value>::new(), "{profile}");
    }

    proptest! {
        #[test]
        fn events_are_nested_and_weights_are_all_of_the_time(profiles in requests()) {
            for profile in &profiles {
                let file = read(std::slice::from_ref(profile));
                let tracks = file["profiles"].as_array().expect("profiles");
                tracks.iter().for_each(assert_nested);
                let events: usize = tracks.iter().map(|track| track["events"].as_array().map_or(0, Vec::len)).sum();
                prop_assert_eq!(events, 2 + 2 * profile.phases.len());
            }
            let file: Value = serde_json::from_str(&merged(&profiles)).expect("JSON");
            let merged = &file["profiles"][0];
            let weights = merged["weights"].as_array().expect("weights");
            prop_assert_eq!(weights.len(), merged["samples"].as_array().expect("samples").len());
            let sum: u64 = weights.iter().map(|weight| weight.as_u64().expect("nanoseconds")).sum();
            prop_assert_eq!(json!(sum), merged["endValue"].clone());
        }
    }
}
