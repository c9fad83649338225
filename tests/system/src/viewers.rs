//! Programs that read flame graphs: speedscope, d3-flame-graph, Perfetto and chrome://tracing in a browser, inferno and Go's
//! pprof.

use std::ffi::OsStr;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use tempfile::TempDir;

use crate::demo::repository;
use crate::judge::{Verdict, judge};

/// What speedscope's viewer shows of a file.
#[derive(Clone, Debug, Deserialize)]
pub struct Viewed {
    /// The title of the page.
    pub title: String,
    /// One after the other.
    pub tracks: Vec<Track>,
    errors: Vec<String>,
}

/// What speedscope shows at once.
#[derive(Clone, Debug, Deserialize)]
pub struct Track {
    /// Its name in the list of tracks, which there is if they are several.
    pub name: String,
    /// The names and times that it drew on the flame graph.
    pub texts: Vec<String>,
    /// The rows of its table: total, self, name.
    pub rows: Vec<Vec<String>>,
}

/// What d3-flame-graph draws of a tree.
#[derive(Clone, Debug, Deserialize)]
pub struct Graph {
    /// Its frames, those above before those below.
    pub drawn: Vec<Drawn>,
    /// The same after a click on one of them.
    pub zoomed: Vec<Drawn>,
    /// What was said about that one.
    pub details: String,
    /// The frames after a click on the root.
    pub back: Vec<Drawn>,
}

/// A frame as d3-flame-graph draws it on a thousand pixels.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Drawn {
    /// What it is called.
    pub name: String,
    /// What is read on it: the name, or nothing if it is narrow.
    pub label: String,
    /// What is read where it is pointed at.
    pub title: String,
    /// Its left edge.
    pub x: f64,
    /// Its width.
    pub width: f64,
    /// On how many others it stands.
    pub depth: f64,
    /// Red, green, blue.
    pub fill: [u8; 3],
    /// Whether it is one of those that a frame zoomed into stands on.
    pub faded: bool,
}

/// What a viewer of trace events has read.
#[derive(Clone, Debug, Deserialize)]
pub struct Trace {
    /// The slices in the order of tracks, then of time.
    pub slices: Vec<Slice>,
    /// The names and times that it drew.
    pub texts: Vec<String>,
    errors: Vec<String>,
}

/// A slice as such a viewer has it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Slice {
    /// The name of its track.
    pub track: String,
    /// Its own name.
    pub name: String,
    /// Its category.
    pub category: String,
    /// Nanoseconds since the first slice of all.
    pub start: u64,
    /// Nanoseconds.
    pub duration: u64,
    /// The name of the slice that it is in.
    pub parent: Option<String>,
    /// Its argument `status`.
    pub status: Option<u16>,
}

/// A script of `node/`, with the packages that `ci/system.sh` has installed.
pub(crate) fn node(script: &str, input: &str) -> Verdict {
    let variable =
        |name: &str| std::env::var_os(name).unwrap_or_else(|| panic!("{name} is not set: run these tests by ci/system.sh"));
    let script = repository().join("tests/system/node").join(script);
    let mut packages = OsStr::new("NODE_PATH=").to_owned();
    packages.push(variable("TACHOGRAPH_NODE_MODULES"));
    judge("env".as_ref(), &[&packages, &variable("TACHOGRAPH_NODE"), script.as_os_str()], input)
}

/// speedscope's schema of its files: `Err` with what it finds.
pub fn speedscope_schema(file: &str) -> Result<(), String> {
    let verdict = node("speedscope_schema.js", file);
    assert_eq!(verdict.complaints, "", "the schema can be read");
    if verdict.code == 0 { Ok(()) } else { Err(verdict.output) }
}

/// What a script has seen in a browser.
fn seen<T: DeserializeOwned>(script: &str, input: &str) -> T {
    let verdict = node(script, input);
    assert_eq!((verdict.code, &*verdict.complaints), (0, ""), "the browser runs");
    serde_json::from_str(&verdict.output).unwrap_or_else(|error| panic!("{error}: {}", verdict.output))
}

/// speedscope itself. Nothing may go wrong in it.
pub fn speedscope(file: &str) -> Viewed {
    let viewed: Viewed = seen("speedscope_viewer.js", file);
    assert_eq!(viewed.errors, [""; 0], "{viewed:?}");
    viewed
}

/// d3-flame-graph, its `differentialColorMapper` with it if there is a `delta`, and a click on the frame of that name.
pub fn d3_flame_graph(tree: &str, click: &str) -> Graph {
    seen("d3_flame_graph.js", &format!("{click}\n{tree}"))
}

/// What opens trace events: Perfetto with its trace processor, and the page of chrome://tracing.
pub const TRACE_VIEWERS: [&str; 2] = ["perfetto", "catapult"];

/// One of those. Nothing may go wrong in it, and no track may be a program's main thread to it.
pub fn trace(viewer: &str, file: &str) -> Trace {
    let trace: Trace = seen("trace_viewers.js", &format!("{viewer}\n{file}"));
    assert_eq!(trace.errors, [""; 0], "{viewer}: {trace:?}");
    trace
}

/// `inferno-flamegraph`: the SVG that it makes of folded stacks. It may not have ignored a line.
pub fn inferno_flamegraph(folded: &str) -> String {
    let verdict = judge("inferno-flamegraph".as_ref(), &[], folded);
    assert_eq!((verdict.code, &*verdict.complaints), (0, ""), "{folded}");
    verdict.output
}

fn file(folder: &Path, name: &str, content: &[u8]) -> std::path::PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, content).expect("a file in a temporary folder");
    path
}

/// `inferno-diff-folded`: folded stacks before and now in one.
pub fn inferno_diff_folded(before: &str, now: &str) -> String {
    let folder = TempDir::new().expect("a temporary folder");
    let [before, now] = [("before", before), ("now", now)].map(|(name, text)| file(folder.path(), name, text.as_bytes()));
    let verdict = judge("inferno-diff-folded".as_ref(), &[before.as_os_str(), now.as_os_str()], "");
    assert_eq!((verdict.code, &*verdict.complaints), (0, ""));
    verdict.output
}

/// `go tool pprof` with these arguments: what it prints of a profile.
pub fn pprof(profile: &[u8], arguments: &[&str]) -> String {
    let folder = TempDir::new().expect("a temporary folder");
    let profile = file(folder.path(), "profile.pb.gz", profile);
    let arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).chain([profile.as_os_str()]).collect();
    let verdict = judge("pprof".as_ref(), &arguments, "");
    assert_eq!((verdict.code, &*verdict.complaints), (0, ""), "{arguments:?}");
    verdict.output
}
