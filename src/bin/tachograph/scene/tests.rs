//! What the reader accepts, what it refuses and how it says so, on whole files.

use std::path::Path;

use super::error::NodeProblem;
use super::value::DEPTH_LIMIT;
use super::{ParseError, Scene, parse};

pub(super) const HEADER: &str = "[gd_scene format=3]\n";
pub(super) const ROOT: &str = "[node name=\"Root\" type=\"Node3D\"]\n";

/// A scene of one node with `property` as its only property.
fn with_property(property: &str) -> Result<Scene, ParseError> {
    parse(&format!("{HEADER}{ROOT}{property}\n"))
}

/// What is wrong with the last node of a scene whose nodes follow a root.
fn node_problem(nodes: &str) -> Option<NodeProblem> {
    let header = format!("{HEADER}[ext_resource type=\"PackedScene\" path=\"res://a.tscn\" id=\"1\"]\n");
    match parse(&format!("{header}{ROOT}{nodes}")) {
        Ok(_) => None,
        Err(ParseError::BadNode { problem, .. }) => Some(problem),
        Err(other) => panic!("expected a bad node, got: {other}"),
    }
}

pub(super) fn scene_file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenes").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn the_scenes_of_the_repository_have_their_counts() {
    // name, root, type, nodes, external, internal, connections, depth
    let expected = [
        ("lobby.tscn", "Lobby", "Node3D", [12, 2, 6, 3, 3]),
        ("gallery.tscn", "Gallery", "Node3D", [28, 5, 13, 4, 4]),
        ("workshop.tscn", "Workshop", "(instance)", [17, 6, 10, 4, 6]),
        ("arena.tscn", "Arena", "Node3D", [419, 3, 6, 28, 6]),
        ("city.tscn", "City", "Node3D", [629, 3, 154, 5, 5]),
    ];
    for (file, name, kind, counts) in expected {
        let scene = parse(&scene_file(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        let found =
            [scene.node_count, scene.ext_resource_count, scene.sub_resource_count, scene.connection_count, scene.tree_depth];
        assert_eq!((scene.root_name.as_str(), scene.root_type.as_str(), found), (name, kind, counts), "{file}");
        assert_eq!(scene.nodes_by_type.values().sum::<usize>(), scene.node_count, "{file}");
    }
}

#[test]
fn the_broken_scene_is_told_to_be_cut_short() {
    let error = parse(&scene_file("broken.tscn")).unwrap_err();
    assert_eq!(error, ParseError::Truncated { line: 32, since: 23 });
    assert_eq!(error.to_string(), "line 32: the file ends inside what begins on line 23, it is cut short");
}

#[test]
fn nodes_are_counted_by_type_and_instances_apart() {
    let scene = parse(&scene_file("workshop.tscn")).unwrap();
    let of = |kind: &str| scene.nodes_by_type.get(kind).copied();
    assert_eq!(of("(instance)"), Some(4));
    assert_eq!(of("(override)"), Some(3));
    assert_eq!(of("StaticBody3D"), Some(2));
    assert_eq!(of("Node3D"), None);
}

#[test]
fn a_property_may_have_any_name_that_the_engine_writes() {
    for name in ["mesh", "surfaces/0", "theme_override_colors/font_color", "metadata/_x", "\"with space\"", "2d", "a.b:c"] {
        assert!(with_property(&format!("{name} = 1")).is_ok(), "{name}");
    }
}

#[test]
fn a_syntax_error_names_its_line_and_what_it_found() {
    let error = with_property("a = 1\nb = [1, 2\nc = 3").unwrap_err();
    assert_eq!(error.to_string(), "line 5: expected `,` or `]`, found \"c = 3\"");
    let error = with_property("text = \"never closed\n\n").unwrap_err();
    assert_eq!(error, ParseError::Truncated { line: 6, since: 3 });
}

#[test]
fn a_file_that_is_no_scene_of_godot_4_is_told_so() {
    for (text, found) in [
        ("", "an empty file"),
        ("; only a comment\n", "an empty file"),
        ("{\"json\": true}", "no heading at all"),
        ("[gd_resource type=\"Theme\" format=3]\n", "[gd_resource]"),
        ("[gd_scene load_steps=2 format=2]\n", "format=2"),
        ("[gd_scene load_steps=2]\n", "no format"),
    ] {
        match parse(text).unwrap_err() {
            ParseError::NotAScene { found: told, .. } => assert_eq!(told, found),
            other => panic!("{text:?}: {other}"),
        }
    }
    assert!(parse(&format!("[gd_scene format=4]\n{ROOT}")).is_ok());
}

#[test]
fn sections_stand_in_the_order_of_the_engine() {
    let late = format!("{HEADER}{ROOT}[sub_resource type=\"Sky\" id=\"1\"]\n");
    assert_eq!(parse(&late), Err(ParseError::MisplacedSection { line: 3, section: "sub_resource".into() }));
    let unknown = format!("{HEADER}[nodes]\n");
    assert_eq!(parse(&unknown), Err(ParseError::MisplacedSection { line: 2, section: "nodes".into() }));
    assert_eq!(parse(HEADER), Err(ParseError::NoRoot { line: 2 }));
    assert!(matches!(parse(&format!("{HEADER}x = 1\n{ROOT}")), Err(ParseError::Syntax { line: 2, .. })));
}

#[test]
fn a_heading_needs_its_fields() {
    for (heading, section, field) in [
        ("[ext_resource type=\"Script\" id=\"1\"]", "ext_resource", "path"),
        ("[ext_resource type=\"Script\" path=\"res://a\"]", "ext_resource", "id"),
        ("[sub_resource id=\"1\"]", "sub_resource", "type"),
        ("[node type=\"Node\"]", "node", "name"),
        ("[node name=\"A\" type=3]", "node", "type"),
        ("[node name=\"A\" instance=\"1\"]", "node", "instance"),
        ("[connection signal=\"s\" from=\".\" to=\".\"]", "connection", "method"),
        ("[editable]", "editable", "path"),
    ] {
        let expected = ParseError::MissingField { line: 2, section, field };
        assert_eq!(parse(&format!("{HEADER}{heading}\n")), Err(expected));
    }
}

#[test]
fn resources_are_declared_once_and_before_their_use() {
    let sky = "[sub_resource type=\"Sky\" id=\"S\"]\n";
    let twice = parse(&format!("{HEADER}{sky}{sky}"));
    assert_eq!(twice, Err(ParseError::DuplicateResource { line: 3, kind: "SubResource", id: "S".into() }));
    let unknown = with_property("a = {\"deep\": [SubResource(\"S\")]}");
    assert_eq!(unknown, Err(ParseError::UnknownResource { line: 3, kind: "SubResource", id: "S".into() }));
    let unknown = with_property("a = Array[ExtResource(\"E\")]([])");
    assert_eq!(unknown, Err(ParseError::UnknownResource { line: 3, kind: "ExtResource", id: "E".into() }));
    let same_id_of_both_kinds = "[ext_resource type=\"T\" path=\"p\" id=\"S\"]\n";
    let text = format!("{HEADER}{same_id_of_both_kinds}{sky}{ROOT}a = [SubResource(\"S\"), ExtResource(\"S\")]\n");
    assert!(parse(&text).is_ok());
}

#[test]
fn a_node_hangs_below_a_parent_that_exists() {
    let a = "[node name=\"A\" type=\"Node\" parent=\".\"]\n";
    assert_eq!(node_problem(&format!("{a}[node name=\"B\" type=\"Node\" parent=\"A\"]\n")), None);
    let unknown = node_problem(&format!("{a}[node name=\"B\" type=\"Node\" parent=\"A/C\"]\n"));
    assert_eq!(unknown, Some(NodeProblem::UnknownParent("A/C".into())));
    for path in ["", "/", "A/", "../A", "A//A", "Root"] {
        let problem = node_problem(&format!("{a}[node name=\"B\" type=\"Node\" parent=\"{path}\"]\n"));
        assert_eq!(problem, Some(NodeProblem::UnknownParent(path.into())));
    }
    assert_eq!(node_problem(&format!("{a}{a}")), Some(NodeProblem::SameName(4)));
    assert_eq!(node_problem(ROOT), Some(NodeProblem::SecondRoot));
    assert_eq!(node_problem("[node name=\"B\" parent=\".\"]\n"), Some(NodeProblem::NoType));
    assert_eq!(node_problem("[node name=\"a/b\" type=\"Node\" parent=\".\"]\n"), Some(NodeProblem::Name));
    let orphan = parse(&format!("{HEADER}[node name=\"B\" type=\"Node\" parent=\".\"]\n")).unwrap_err();
    assert_eq!(orphan.to_string(), "line 2: node \"B\" names a parent, but the first node must be the root");
}

#[test]
fn paths_into_an_instanced_scene_are_believed() {
    let instance = "[node name=\"I\" parent=\".\" instance=ExtResource(\"1\")]\n";
    assert_eq!(node_problem(&format!("{instance}[node name=\"X\" parent=\"I/Deep/Inside\"]\n")), None);
    assert_eq!(node_problem(&format!("{instance}[node name=\"X\" type=\"Node\" parent=\"I/Deep\"]\n")), None);
    // What is added there is the file's own again, and so are its children.
    let own = format!("{instance}[node name=\"X\" type=\"Node\" parent=\"I/Deep\"]\n");
    let below = format!("{own}[node name=\"Y\" type=\"Node\" parent=\"I/Deep/X/None\"]\n");
    assert_eq!(node_problem(&below), Some(NodeProblem::UnknownParent("I/Deep/X/None".into())));
    // A node may be named as a parent first and changed afterwards, but only once.
    let changed = format!("{own}[node name=\"Deep\" parent=\"I\"]\n");
    assert_eq!(node_problem(&changed), None);
    let again = format!("{changed}[node name=\"Deep\" parent=\"I\"]\n");
    assert_eq!(node_problem(&again), Some(NodeProblem::SameName(6)));
}

#[test]
fn hostile_nesting_meets_a_limit_and_not_the_stack() {
    let nested = |levels: usize| format!("x = {}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(with_property(&nested(DEPTH_LIMIT)).is_ok());
    let expected = ParseError::TooDeep { line: 3, limit: DEPTH_LIMIT };
    assert_eq!(with_property(&nested(DEPTH_LIMIT + 1)), Err(expected.clone()));
    assert_eq!(with_property(&format!("x = {}", "[".repeat(1_000_000))), Err(expected.clone()));
    assert_eq!(with_property(&format!("x = {}", "{".repeat(1_000_000))), Err(expected));
    let chain = format!("[node name=\"X\" parent=\"I{}\"]\n", "/a".repeat(1_000_000));
    let instance = "[node name=\"I\" parent=\".\" instance=ExtResource(\"1\")]\n";
    assert_eq!(node_problem(&format!("{instance}{chain}")), None);
}
