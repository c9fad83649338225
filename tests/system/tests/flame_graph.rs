//! The flame graph in a browser: it zooms, searches, follows keys, and tells a screen reader what it shows.

use std::path::PathBuf;

use system::browser;
use tachograph::http::Method;
use tachograph::profile::flame::{FlameGraph, Frame};
use tachograph::profile::{ProfileOptions, Profiler, Sizes};

const MS: u64 = 1_000_000;

/// A frame of so many milliseconds, those of its children included, and so many before.
fn frame(name: &str, ms: u64, ms_before: u64, children: &[Frame]) -> Frame {
    // A frame can only be had from a graph; what is in it is ours to say.
    let mut frame = FlameGraph::of(&[]).root;
    frame.name = name.into();
    frame.total = ms * MS;
    frame.total_before = ms_before * MS;
    frame.own = frame.total - children.iter().map(|child| child.total).sum::<u64>();
    frame.own_before = frame.total_before - children.iter().map(|child| child.total_before).sum::<u64>();
    frame.children = children.to_vec();
    frame
}

/// 100 ms of two routes. `file` is in the name of a frame of 30 and of one of 10, and of a third one that is a part of the 30.
fn root() -> Frame {
    let file_io = frame("file_io", 30, 21, &[frame("file_io: write", 10, 1, &[]), frame("fsync", 5, 12, &[])]);
    let post = [
        frame("auth_validation", 1, 1, &[]),
        file_io,
        frame("response_serialization", 17, 16, &[]),
        frame("scene_validation", 19, 18, &[frame("references", 8, 9, &[])]),
        frame("unaccounted", 3, 2, &[]),
    ];
    let get = frame("GET /scene", 20, 32, &[frame("read_file", 10, 20, &[]), frame("unaccounted", 10, 12, &[])]);
    let delete = frame("DELETE /scene/{id}", 0, 6, &[frame("file_io", 0, 6, &[])]);
    frame("all", 100, 108, &[delete, get, frame("POST /scene", 80, 70, &post)])
}

fn graph() -> FlameGraph {
    FlameGraph { root: root(), compared: false }
}

fn comparison() -> FlameGraph {
    FlameGraph { root: root(), compared: true }
}

/// Writes a graph where a person finds it who wants to look at it, and the pictures of it.
fn file(name: &str, svg: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, svg).expect("a folder for the tests' files");
    path
}

/// Has a part of the script look at the graph.
fn judge(part: &str, graph: &FlameGraph) {
    let kind = if graph.compared { "comparison" } else { "graph" };
    let title = "POST /scene & GET /scene, the last five minutes, one <b>name</b> of which is long";
    browser::judge("flame.js", part, &file(&format!("flame-{part}-{kind}.svg"), &graph.svg(title)));
}

#[test]
fn a_click_zooms_in_and_escape_goes_back() {
    judge("zoom", &graph());
    judge("zoom", &comparison());
}

#[test]
fn labels_fit_their_frames_when_the_window_changes() {
    judge("labels", &graph());
}

#[test]
fn a_search_tells_the_share_and_counts_no_time_twice() {
    judge("search", &graph());
}

#[test]
fn keys_go_from_frame_to_frame() {
    judge("keys", &graph());
}

#[test]
fn a_screen_reader_gets_names_levels_and_roles() {
    judge("spoken", &graph());
}

#[test]
fn pointing_at_a_frame_shows_its_numbers() {
    judge("numbers", &graph());
}

#[test]
fn letters_stand_out_from_every_colour_in_light_and_in_dark() {
    judge("contrast", &graph());
}

#[test]
fn a_page_with_a_strict_policy_shows_the_same_graph() {
    judge("embedded", &graph());
    judge("embedded", &comparison());
}

#[test]
fn it_is_whole_without_scripts() {
    judge("scriptless", &graph());
}

#[test]
fn it_is_no_wider_than_a_telephone() {
    judge("pictures", &graph());
    judge("pictures", &comparison());
}

#[test]
fn two_thousand_frames_zoom_at_once() {
    let phases: Vec<_> = (0..30).map(|phase| frame(&format!("phase_{phase}"), 10, 0, &[])).collect();
    let routes: Vec<_> = (0..100).map(|route| frame(&format!("GET /route/{route}"), 300, 0, &phases)).collect();
    judge("many", &FlameGraph { root: frame("all", 30_000, 0, &routes), compared: false });
}

#[test]
fn a_graph_of_nothing_says_so() {
    judge("nothing", &FlameGraph::of(&[]));
    judge("nothing", &FlameGraph::difference(&[], &[]));
}

#[test]
fn a_graph_of_real_profiles_with_hostile_names_opens() {
    let profiler = Profiler::new(ProfileOptions::default());
    for endpoint in ["/scene", "</title></svg><script>throw 1</script>", "]]>\0\u{ffff}\u{202e}&amp;\"'"] {
        let open = profiler.start(endpoint, Method::Post);
        {
            let _outer = open.phase("<img src=x onerror=throw(1)>");
            let _inner = open.phase("]]></script><script>throw 1</script>");
        }
        open.finish(200, Sizes { request_bytes: 1, response_bytes: 1 });
    }
    judge("hostile", &FlameGraph::of(&profiler.profiles()));
}
