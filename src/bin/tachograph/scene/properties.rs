//! What holds for every text: a generated tree comes back with its counts, and nothing makes the reader panic.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use proptest::prelude::*;

use super::tests::{HEADER, ROOT, scene_file};
use super::{Scene, parse};

/// What a generated node is: how its parent is picked among the nodes before it, its type, its property.
type Plan = Vec<(prop::sample::Index, usize, String)>;

const TYPES: [&str; 4] = ["Node3D", "MeshInstance3D", "Area3D", "OmniLight3D"];

/// A string as the engine escapes it.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Writes a tree as a scene, together with what its summary must be, counted while it is built.
fn write_tree(plan: &Plan, resources: usize, connections: usize) -> (String, Scene) {
    let mut text = "[gd_scene format=3]\n\n".to_owned();
    for id in 0..resources {
        writeln!(text, "[ext_resource type=\"Texture2D\" path=\"res://{id}.png\" id=\"{id}_t\"]").unwrap();
    }
    for id in 0..resources {
        writeln!(text, "\n[sub_resource type=\"Sky\" id=\"{id}\"]\ntexture = ExtResource(\"{id}_t\")").unwrap();
    }
    text.push_str("\n[node name=\"Root\" type=\"Node3D\"]\n");
    let mut paths = vec![(".".to_owned(), 1)];
    let mut nodes_by_type = BTreeMap::from([("Node3D".to_owned(), 1)]);
    for (number, (pick, kind, property)) in plan.iter().enumerate() {
        let (parent, depth) = pick.get(&paths).clone();
        let (name, kind) = (format!("N{number}"), TYPES[*kind]);
        writeln!(text, "\n[node name=\"{name}\" type=\"{kind}\" parent=\"{parent}\"]\ntext = {}", quoted(property)).unwrap();
        let path = if parent == "." { name } else { format!("{parent}/{name}") };
        paths.push((path, depth + 1));
        *nodes_by_type.entry(kind.to_owned()).or_default() += 1;
    }
    for number in 0..connections {
        writeln!(text, "\n[connection signal=\"s{number}\" from=\".\" to=\".\" method=\"m\"]").unwrap();
    }
    let summary = Scene {
        root_name: "Root".to_owned(),
        root_type: "Node3D".to_owned(),
        node_count: paths.len(),
        nodes_by_type,
        ext_resource_count: resources,
        sub_resource_count: resources,
        connection_count: connections,
        tree_depth: paths.iter().map(|(_, depth)| *depth).max().unwrap_or_default(),
    };
    (text, summary)
}

proptest! {
    #[test]
    fn a_generated_tree_comes_back_with_its_counts(
        plan in prop::collection::vec((any::<prop::sample::Index>(), 0..TYPES.len(), any::<String>()), 0..40),
        resources in 0_usize..5,
        connections in 0_usize..5,
    ) {
        let (text, summary) = write_tree(&plan, resources, connections);
        prop_assert_eq!(parse(&text), Ok(summary));
    }

    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _ = parse(&text);
    }

    #[test]
    fn no_soup_of_tokens_panics(tokens in prop::collection::vec(prop::sample::select(vec![
        "[", "]", "{", "}", "(", ")", "\"", "\\", "&", "=", ",", ":", ";", "#", "-", "\n", " ", "a", "é", "1", "1e", ".",
        "[gd_scene format=3]", "[node name=\"A\" type=\"B\"]", "parent=\".\"", "Array[int]", "Dictionary[", "Object(A,",
        "ExtResource(", "Vector3(1, 2", "PackedByteArray(\"", "\\ud83d", "\\u", "x = ",
    ]), 0..40)) {
        let _ = parse(&tokens.concat());
        let _ = parse(&format!("{HEADER}{ROOT}x = {}", tokens.concat()));
    }

    #[test]
    fn a_scene_cut_or_garbled_anywhere_does_not_panic(at in any::<prop::sample::Index>(), garble in any::<char>()) {
        let text = scene_file("workshop.tscn");
        let at = at.index(text.len());
        let _ = parse(&text[..at]);
        let _ = parse(&format!("{}{garble}{}", &text[..at], &text[at..]));
    }
}
