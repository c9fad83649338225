//! The tree that d3-flame-graph draws.

use serde::Serialize;

use super::tree::{FlameGraph, Frame};

/// A frame as d3-flame-graph has it.
#[derive(Serialize)]
struct Node<'a> {
    name: &'a str,
    /// Microseconds with those of the children, as it takes them unless `selfValue` is set.
    value: f64,
    /// The same less those before, as it takes them unless `computeDelta` is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    delta: Option<f64>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    children: Vec<Node<'a>>,
}

impl<'a> Node<'a> {
    fn of(frame: &'a Frame, compared: bool) -> Self {
        let delta = compared.then(|| (i128::from(frame.total) - i128::from(frame.total_before)) as f64 / 1e3);
        let children = frame.children.iter().map(|child| Self::of(child, compared)).collect();
        Node { name: &frame.name, value: frame.total as f64 / 1e3, delta, children }
    }
}

impl FlameGraph {
    /// JSON for d3-flame-graph as it is set by default: `{"name": "all", "value": 145300.0, "children": [...]}`, where `value`
    /// is a frame's total in microseconds. A difference has a `delta` too, by how much it has grown, for its
    /// `differentialColorMapper`.
    ///
    /// # Examples
    ///
    /// ```
    /// use tachograph::profile::flame::FlameGraph;
    ///
    /// assert_eq!(FlameGraph::of(&[]).d3(), r#"{"name":"all","value":0.0}"#);
    /// ```
    pub fn d3(&self) -> String {
        serde_json::to_string(&Node::of(&self.root, self.compared)).expect("text and finite numbers can be written")
    }
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::profile::flame::handmade::{request, requests, scene};

    #[test]
    fn a_frame_has_its_total_in_microseconds_and_a_difference_by_how_much_it_has_grown() {
        let now = request("/a", 2500, &[("x", None, 0, 1001)]);
        let mut x = r#"{"name":"x","value":1.001}"#.to_owned();
        let mut unaccounted = r#"{"name":"unaccounted","value":1.499}"#.to_owned();
        assert_eq!(
            FlameGraph::of(std::slice::from_ref(&now)).d3(),
            format!(
                r#"{{"name":"all","value":2.5,"children":[{{"name":"POST /a","value":2.5,"children":[{unaccounted},{x}]}}]}}"#
            )
        );
        let before = request("/a", 1500, &[("x", None, 0, 1500)]);
        x.insert_str(x.len() - 1, r#","delta":-0.499"#);
        unaccounted.insert_str(unaccounted.len() - 1, r#","delta":1.499"#);
        let route = format!(r#"{{"name":"POST /a","value":2.5,"delta":1.0,"children":[{unaccounted},{x}]}}"#);
        assert_eq!(
            FlameGraph::difference(&[now], &[before]).d3(),
            format!(r#"{{"name":"all","value":2.5,"delta":1.0,"children":[{route}]}}"#)
        );
        assert_eq!(FlameGraph::of(&[]).d3(), r#"{"name":"all","value":0.0}"#);
        assert!(
            FlameGraph::of(&[scene()]).d3().starts_with(r#"{"name":"all","value":145300.0,"children":[{"name":"POST /scene""#)
        );
    }

    fn same(frame: &Frame, node: &Value) {
        assert_eq!(node["name"], &*frame.name);
        assert_eq!(node["value"].as_f64().map(|micros| (micros * 1e3).round() as u64), Some(frame.total));
        let children = node.get("children").and_then(Value::as_array).map_or(&[][..], |children| children);
        assert_eq!(children.len(), frame.children.len());
        frame.children.iter().zip(children).for_each(|(frame, node)| same(frame, node));
    }

    proptest! {
        #[test]
        fn the_json_says_what_the_tree_says(profiles in requests()) {
            let flame = FlameGraph::of(&profiles);
            same(&flame.root, &serde_json::from_str(&flame.d3()).expect("JSON"));
        }
    }
}
