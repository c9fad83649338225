//! d3-flame-graph draws the tree that was meant, and a difference in red and blue.

use std::time::Duration;

use system::requests::{hostile, login, refused, request, scene};
use system::viewers::{self, Drawn};
use tachograph::http::Method;
use tachograph::profile::flame::{FlameGraph, Frame};

/// A frame and where it is to be: its left edge and its width in shares of all, and its depth.
type Place<'a> = (&'a Frame, f64, f64, usize);

/// The frames in the order in which the library has them: by depth, then from the left to the right.
fn places(root: &Frame) -> Vec<Place<'_>> {
    let mut places: Vec<Place<'_>> = vec![(root, 0.0, 1.0, 0)];
    let mut turn = 0;
    while let Some(&(frame, mut x, _, depth)) = places.get(turn) {
        for child in &frame.children {
            let width = child.total as f64 / root.total as f64;
            places.push((child, x, width, depth + 1));
            x += width;
        }
        turn += 1;
    }
    places
}

fn named<'a>(drawn: &'a [Drawn], name: &str) -> &'a Drawn {
    drawn.iter().find(|frame| frame.name == name).unwrap_or_else(|| panic!("no {name} in {drawn:?}"))
}

/// Each frame is where it is to be, as wide, and says its name, its share and its value.
fn is_drawn(flame: &FlameGraph, drawn: &[Drawn]) {
    let places = places(&flame.root);
    assert_eq!(drawn.len(), places.len());
    for (drawn, (frame, x, width, depth)) in drawn.iter().zip(places) {
        assert_eq!(drawn.name, *frame.name);
        let off = [drawn.x - x * 1000.0, drawn.width - width * 1000.0, drawn.depth - depth as f64];
        assert!(off.iter().all(|off| off.abs() < 0.01), "{off:?} of {drawn:?}");
        assert_eq!(drawn.title, format!("{} ({:.3}%, {} samples)", frame.name, width * 100.0, frame.total));
        // It hides the labels of narrow frames; of names that it shows, spaces are as in any page.
        if drawn.width >= 35.0 && !frame.name.contains(char::is_control) {
            assert_eq!(drawn.label, frame.name.trim());
        }
    }
}

#[test]
fn frames_are_as_wide_as_their_values_and_say_them() {
    let flame = FlameGraph::of(&[scene(), refused(), login()]);
    let graph = viewers::d3_flame_graph(&flame.d3(), "file_io");
    is_drawn(&flame, &graph.drawn);
    for (name, width, title) in [
        ("all", 1000.0, "all (100.000%, 150000000 samples)"),
        ("GET /auth", 26.667, "GET /auth (2.667%, 4000000 samples)"),
        ("file_io", 655.333, "file_io (65.533%, 98300000 samples)"),
        ("fsync", 600.0, "fsync (60.000%, 90000000 samples)"),
    ] {
        let frame = named(&graph.drawn, name);
        assert!((frame.width - width).abs() < 0.01, "{frame:?}");
        assert_eq!(frame.title, title);
    }
    assert_eq!(graph.details, "file_io (65.533%, 98300000 samples)");
}

#[test]
fn a_click_zooms_in_and_one_on_the_root_goes_back() {
    let graph = viewers::d3_flame_graph(&FlameGraph::of(&[scene(), refused(), login()]).d3(), "file_io");
    for (name, width, faded) in [
        ("all", 1000.0, true),
        ("POST /scene", 1000.0, true),
        ("file_io", 1000.0, false),
        ("fsync", 915.565, false),
        ("scene_validation", 0.0, false),
        ("GET /auth", 0.0, false),
    ] {
        let frame = named(&graph.zoomed, name);
        assert!((frame.width - width).abs() < 0.01 && frame.faded == faded, "{frame:?}");
    }
    assert_eq!(graph.back, graph.drawn);
}

#[test]
fn growth_is_red_and_shrinkage_blue() {
    let phases = |times: [(&'static str, u64); 4]| {
        let mut start = 0;
        times.map(|(name, micros)| {
            start += micros;
            (name, None, start - micros, micros)
        })
    };
    let before = phases([("grew", 1_000), ("shrank", 4_000), ("stayed", 2_000), ("vanished", 1_000)]);
    let now = phases([("grew", 4_000), ("shrank", 1_000), ("stayed", 2_000), ("came", 3_000)]);
    let [before, now] =
        [(10_000, before), (13_000, now)].map(|(micros, phases)| request("/a", Method::Get, 200, micros, &phases));
    let flame = FlameGraph::difference(&[now], &[before]);
    let graph = viewers::d3_flame_graph(&flame.d3(), "grew");
    is_drawn(&flame, &graph.drawn);
    let fill = |name: &str| named(&graph.drawn, name).fill;
    let is_red = |[red, green, blue]: [u8; 3]| red > green && green == blue;
    let is_blue = |[red, green, blue]: [u8; 3]| blue > green && green == red;
    for name in ["all", "GET /a", "grew", "unaccounted"] {
        assert!(is_red(fill(name)), "{name}: {:?}", fill(name));
    }
    for name in ["shrank", "vanished"] {
        assert!(is_blue(fill(name)), "{name}: {:?}", fill(name));
    }
    let [red, green, blue] = fill("stayed");
    assert!(red == green && green == blue, "{:?}", fill("stayed"));
    assert!(fill("grew")[1] < fill("unaccounted")[1], "what has grown by more of itself is redder");
    assert_eq!(fill("came"), ORANGE);
    assert_eq!(named(&graph.drawn, "vanished").width, 0.0);
}

/// What the library paints a frame that was not there before.
const ORANGE: [u8; 3] = [255, 190, 90];

/// Of 248 011 444 ns, 20 920 352 are a part's. In microseconds they are no whole numbers, and the library's sums miss by a
/// little: it said `248011.44400000002 samples`, and the frame was no new one.
#[test]
fn odd_nanoseconds_are_said_as_they_are_and_a_new_frame_is_a_new_one() {
    let mut profile = request("/a", Method::Get, 200, 0, &[("whole", None, 0, 0), ("part", Some(0), 0, 0)]);
    let [whole, part] = [248_011_444, 20_920_352].map(Duration::from_nanos);
    (profile.duration, profile.phases[0].duration, profile.phases[1].duration) = (whole, whole, part);
    let flame = FlameGraph::difference(&[profile], &[]);
    let graph = viewers::d3_flame_graph(&flame.d3(), "whole");
    is_drawn(&flame, &graph.drawn);
    for name in ["all", "GET /a", "whole", "part"] {
        assert_eq!(named(&graph.drawn, name).fill, ORANGE, "{name}");
    }
}

#[test]
fn hostile_names_are_drawn_as_they_are_and_run_nothing() {
    let flame = FlameGraph::of(&[hostile()]);
    is_drawn(&flame, &viewers::d3_flame_graph(&flame.d3(), "step 2").drawn);
}

#[test]
fn no_requests_are_an_empty_graph() {
    let graph = viewers::d3_flame_graph(&FlameGraph::of(&[]).d3(), "all");
    assert_eq!(graph.drawn.iter().map(|frame| &*frame.name).collect::<Vec<_>>(), ["all"]);
}
