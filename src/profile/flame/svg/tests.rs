use std::collections::HashSet;

use proptest::prelude::*;
use roxmltree::{Document as Xml, Node};

use super::*;
use crate::profile::flame::handmade::{HOSTILE, request, requests, scene};

fn frame(name: &str, total: u64, total_before: u64, children: Vec<Frame>) -> Frame {
    let own = total.saturating_sub(children.iter().map(|child| child.total).sum());
    Frame { name: name.into(), own, total, own_before: 0, total_before, children }
}

fn leaf(name: &str, total: u64, total_before: u64) -> Frame {
    frame(name, total, total_before, Vec::new())
}

/// A frame as a reader of the document finds it.
#[derive(Debug, PartialEq)]
struct Drawn {
    name: String,
    /// The lines of its title after the name.
    numbers: String,
    class: String,
    level: usize,
    left: f64,
    right: f64,
    hatched: bool,
}

/// Reads the document by a parser that is not ours: frames, and all other text.
fn read(svg: &str) -> (Vec<Drawn>, Vec<String>) {
    let xml = Xml::parse(svg).unwrap_or_else(|error| panic!("{error}\n{svg}"));
    let attribute = |node: Node<'_, '_>, name: &str| node.attribute(name).unwrap_or_else(|| panic!("no {name}")).to_owned();
    let number = |node, name| attribute(node, name).trim_end_matches('%').parse::<f64>().expect("a number");
    let is_frame = |node: &Node<'_, '_>| node.attribute("role") == Some("treeitem");
    let frames = xml.descendants().filter(is_frame).map(|node| {
        let title = node.children().find(|child| child.has_tag_name("title")).and_then(|title| title.text()).expect("a title");
        let (name, numbers) = title.split_once('\n').expect("a name and numbers");
        let (left, width) = (number(node, "x"), number(node, "width"));
        Drawn {
            name: name.to_owned(),
            numbers: numbers.to_owned(),
            class: attribute(node, "class"),
            level: number(node, "aria-level") as usize,
            left,
            right: left + width,
            hatched: node.children().any(|child| child.attribute("class") == Some("hatched")),
        }
    });
    let is_text = |node: &Node<'_, '_>| node.has_tag_name("text") && !node.parent().is_some_and(|parent| is_frame(&parent));
    let texts = xml.descendants().filter(is_text).filter_map(|node| node.text()).map(str::to_owned);
    (frames.collect(), texts.collect())
}

fn draw(root: Frame, compared: bool) -> (Vec<Drawn>, Vec<String>) {
    read(&FlameGraph { root, compared }.svg("A title"))
}

/// Trees of any names and of times that need not fit each other.
fn trees() -> impl Strategy<Value = Frame> {
    let name = prop_oneof![any::<String>(), prop::sample::select(&HOSTILE[..]).prop_map(str::to_owned)];
    let time = prop_oneof![3 => 0u64..1_000, 1 => any::<u64>()];
    let numbers = (name, time.clone(), time.clone(), time.clone(), time);
    let of = |(name, own, total, own_before, total_before): (String, u64, u64, u64, u64), children| Frame {
        name: name.into(),
        own,
        total,
        own_before,
        total_before,
        children,
    };
    numbers.clone().prop_map(move |numbers| of(numbers, Vec::new())).prop_recursive(6, 64, 6, move |child| {
        (numbers.clone(), prop::collection::vec(child, 0..6)).prop_map(move |(numbers, children)| of(numbers, children))
    })
}

/// What a frame is in, of a list in which each stands before those in it.
fn parents(frames: &[Drawn]) -> Vec<Option<usize>> {
    let mut above: Vec<usize> = Vec::new();
    let parents = frames.iter().enumerate().map(|(place, frame)| {
        above.truncate(frame.level - 1);
        assert_eq!(above.len(), frame.level - 1, "a level without the one above: {frames:?}");
        above.push(place);
        above.iter().rev().nth(1).copied()
    });
    parents.collect()
}

proptest! {
    #[test]
    fn any_tree_is_well_formed_and_nested(root in trees(), compared: bool, title: String) {
        let graph = FlameGraph { root, compared };
        let svg = graph.svg(&title);
        let (frames, _) = read(&svg);
        prop_assert_eq!(&svg, &graph.svg(&title));
        let forbidden = |c: char| c.is_control() && c != '\n' || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        prop_assert_eq!(svg.find(forbidden), None);
        let mut filled = vec![0.0; frames.len()];
        for (frame, parent) in frames.iter().zip(parents(&frames)) {
            prop_assert!(frame.left < frame.right, "{:?}", frame);
            let Some(parent) = parent else { continue };
            filled[parent] += frame.right - frame.left;
            prop_assert!(frames[parent].left <= frame.left && frame.right <= frames[parent].right + 1e-9, "{:?}", frames);
        }
        for (frame, filled) in frames.iter().zip(filled) {
            prop_assert!(filled <= frame.right - frame.left + 1e-9, "{:?}", frames);
        }
    }

    #[test]
    fn a_frame_is_as_wide_as_its_share_of_the_time(requests in requests()) {
        let graph = FlameGraph::of(&requests);
        let (frames, _) = read(&graph.svg("Requests"));
        let mut expected = vec![graph.root.total];
        graph.stacks(|stack| expected.push(stack[stack.len() - 1].total));
        // Of times this short a nanosecond is more than the least share that is drawn.
        expected.retain(|total| *total > 0);
        prop_assert_eq!(frames.len(), expected.len());
        for (frame, total) in frames.iter().zip(expected) {
            let share = total as f64 / graph.root.total as f64 * 100.0;
            prop_assert!((frame.right - frame.left - share).abs() < 2e-4 * frame.level as f64, "{:?}: {}", frame, share);
        }
    }
}

#[test]
fn a_scene_is_drawn_with_its_numbers() {
    let (frames, texts) = read(&FlameGraph::of(&[scene(), scene()]).svg("Two scenes & more"));
    let shown: Vec<_> = frames.iter().map(|frame| (frame.level, &*frame.name, &*frame.numbers, frame.hatched)).collect();
    assert_eq!(
        shown,
        [
            (1, "all", "total 291 ms, 100.00 % · own 0 s", false),
            (2, "POST /scene", "total 291 ms, 100.00 % · own 0 s", false),
            (3, "auth_validation", "total 4.20 ms, 1.45 % · own 4.20 ms", false),
            (3, "file_io", "total 197 ms, 67.65 % · own 16.6 ms", false),
            (4, "fsync", "total 180 ms, 61.94 % · own 180 ms", false),
            (3, "response_serialization", "total 56.2 ms, 19.34 % · own 56.2 ms", false),
            (3, "scene_validation", "total 30.0 ms, 10.32 % · own 30.0 ms", false),
            (3, "unaccounted", "total 3.60 ms, 1.24 % · own 3.60 ms", true),
        ]
    );
    assert_eq!(texts[..2], ["Two scenes & more", "total 291 ms · 8 frames"]);
    let colours: HashSet<_> = frames.iter().map(|frame| &frame.class).collect();
    assert!(colours.len() > 4, "{colours:?}");
}

#[test]
fn a_phase_called_unaccounted_is_no_unaccounted_time() {
    let (frames, _) = read(&FlameGraph::of(&[request("/a", 10, &[("unaccounted", None, 0, 7)])]).svg(""));
    let shown: Vec<_> = frames[2..].iter().map(|frame| (&*frame.name, frame.class == "u")).collect();
    assert_eq!(shown, [("unaccounted (phase)", false), ("unaccounted", true)]);
}

#[test]
fn nothing_to_draw_is_said() {
    for compared in [false, true] {
        let (frames, texts) = draw(leaf("all", 0, 0), compared);
        assert_eq!(frames, []);
        assert!(texts.contains(&"no requests match".to_owned()), "{texts:?}");
    }
}

#[test]
fn a_difference_is_coloured_by_the_change_of_the_share() {
    // Twice as much of everything is no change.
    let same = draw(frame("all", 200, 100, vec![leaf("a", 100, 50)]), true).0;
    assert_eq!(same.iter().map(|frame| &*frame.class).collect::<Vec<_>>(), ["even", "even"]);
    assert_eq!(same[1].numbers, "total 100 ns, 50.00 % · own 100 ns\nbefore 50 ns, 50.00 % (±0.00 points) · own 0 s");

    let class = |now, before| draw(frame("all", 10_000, 10_000, vec![leaf("a", now, before)]), true).0.remove(1).class;
    for (change, class_of_change) in [(9, "even"), (10, "1"), (99, "1"), (100, "2"), (300, "3"), (1_000, "4"), (3_000, "5")] {
        let [grew, shrank] = match class_of_change {
            "even" => ["even".to_owned(), "even".to_owned()],
            strength => [format!("grew{strength}"), format!("shrank{strength}")],
        };
        assert_eq!(class(1_000 + change, 1_000), grew);
        assert_eq!(class(1_000, 1_000 + change), shrank);
    }
    // There was nothing before: of that no share has changed.
    assert_eq!(draw(frame("all", 10, 0, vec![leaf("a", 10, 0)]), true).0[1].class, "even");
}

#[test]
fn frames_that_vanished_are_listed_once_the_greatest_first() {
    let gone = frame("POST /b", 0, 400, vec![leaf("file_io", 0, 400)]);
    let root = frame(
        "all",
        100_000,
        1_000,
        vec![frame("POST /a", 100_000, 600, vec![leaf("x", 1, 500), leaf("y", 99_999, 100)]), gone],
    );
    let (frames, texts) = draw(root, true);
    assert_eq!(frames.iter().map(|frame| &*frame.name).collect::<Vec<_>>(), ["all", "POST /a", "y"]);
    assert_eq!(
        texts[texts.len() - 3..],
        [
            "Gone, or too little now to be drawn:",
            "POST /a › x: before 500 ns, 50.00 %; now 1 ns",
            "POST /b: before 400 ns, 40.00 %; now 0 s"
        ]
    );

    let all_gone = frame("all", 0, 30, (0..30).map(|n| leaf(&format!("GET /{n}"), 0, 1)).collect());
    let (frames, texts) = draw(all_gone, true);
    assert_eq!(frames, []);
    assert_eq!(texts.iter().filter(|text| text.starts_with("GET /")).count(), 20);
    assert_eq!(texts.last().map(String::as_str), Some("and 10 more"));
}

#[test]
fn the_narrow_are_left_out_and_counted() {
    let narrow = frame("narrow", 9, 0, vec![leaf("below", 9, 0)]);
    let (frames, texts) =
        draw(frame("all", 100_000, 0, vec![leaf("just wide enough", 10, 0), leaf("nothing", 0, 0), narrow]), false);
    assert_eq!(frames.iter().map(|frame| &*frame.name).collect::<Vec<_>>(), ["all", "just wide enough"]);
    assert_eq!(texts[1], "total 100 µs · 2 frames · 2 narrower frames left out");
}

#[test]
fn of_many_frames_the_widest_are_drawn_in_less_than_half_a_megabyte() {
    let route = |route: u64| {
        let phases = (0..40).map(|phase| leaf(&format!("response_serialization_{phase}"), 1_000 + route, 0)).collect();
        frame(&format!("POST /a/rather/long/route/{route}"), 40 * (1_000 + route), 0, phases)
    };
    let routes: Vec<_> = (0..100).map(route).collect();
    let root = frame("all", routes.iter().map(|route| route.total).sum(), 0, routes);
    let svg = FlameGraph { root, compared: false }.svg("Many");
    let (frames, texts) = read(&svg);
    assert_eq!(frames.len(), 2_000);
    assert!(texts[1].ends_with(" · 2000 frames · 2101 narrower frames left out"), "{}", texts[1]);
    assert!(svg.len() < 500_000, "{} bytes", svg.len());
}

#[test]
fn of_many_frames_as_wide_as_each_other_those_above_them_are_all_drawn() {
    let route =
        |route: u64| frame(&format!("GET /{route}"), 40, 0, (0..40).map(|phase| leaf(&phase.to_string(), 1, 0)).collect());
    let (frames, _) = draw(frame("all", 4_000, 0, (0..100).map(route).collect()), false);
    assert_eq!(frames.len(), 2_000);
    assert_eq!(frames.iter().filter(|frame| frame.level == 2).count(), 100);
}

#[test]
fn the_document_runs_nothing_but_its_script_and_asks_for_nothing() {
    let svg = FlameGraph::of(&[scene()]).svg("A scene");
    let xml = Xml::parse(&svg).expect("well-formed");
    for attribute in xml.descendants().flat_map(|node| node.attributes()) {
        let name = attribute.name();
        assert!(!name.starts_with("on") && !["style", "href", "src"].contains(&name), "{attribute:?}");
    }
    let scripts: Vec<_> = xml.descendants().filter(|node| node.has_tag_name("script")).collect();
    assert_eq!(scripts.len(), 1);
    assert_eq!(scripts[0].text().map(str::trim), Some(SCRIPT.trim()));
    // A page may have both in its HTML, where these would end them.
    for (text, most) in [(SCRIPT, 14_000), (STYLE, 7_000)] {
        assert!(["]]>", "</", "<!--"].iter().all(|end| !text.contains(end)));
        assert!(["eval(", "Function(", "innerHTML", "@import", "url(h", "fetch("].iter().all(|word| !text.contains(word)));
        assert!(text.len() < most, "{} bytes", text.len());
    }
}

#[test]
fn durations_have_three_digits_and_a_unit() {
    let written = |nanoseconds| Duration(nanoseconds).to_string();
    for (nanoseconds, expected) in [
        (0, "0 s"),
        (1, "1 ns"),
        (999, "999 ns"),
        (1_000, "1.00 µs"),
        (9_994, "9.99 µs"),
        (9_996, "10.0 µs"),
        (99_949, "99.9 µs"),
        (99_951, "100 µs"),
        (999_499, "999 µs"),
        (999_500, "1.00 ms"),
        (145_300_000, "145 ms"),
        (999_499_999, "999 ms"),
        (999_500_000, "1.00 s"),
        (3_600_000_000_000, "3600 s"),
        (u64::MAX, "18446744074 s"),
    ] {
        assert_eq!(written(nanoseconds), expected);
    }
}
