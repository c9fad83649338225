//! The tree that d3-flame-graph draws.

use serde::Serialize;

use super::tree::{FlameGraph, Frame};

/// A frame as d3-flame-graph has it.
#[derive(Serialize)]
struct Node<'a> {
    name: &'a str,
    /// Nanoseconds with those of the children, as it takes them unless `selfValue` is set. Whole ones: it takes those of the
    /// children away and adds them again, and what a fraction loses there is seen in labels, and a new frame is not known as
    /// one, whose `delta` is to be its value.
    value: u64,
    /// The same less those before, as it takes them unless `computeDelta` is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    delta: Option<i128>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    children: Vec<Node<'a>>,
}

impl<'a> Node<'a> {
    fn of(frame: &'a Frame, compared: bool) -> Self {
        let delta = compared.then(|| i128::from(frame.total) - i128::from(frame.total_before));
        let children = frame.children.iter().map(|child| Self::of(child, compared)).collect();
        Node { name: &frame.name, value: frame.total, delta, children }
    }
}

impl FlameGraph {
    /// JSON for d3-flame-graph as it is set by default: `{"name": "all", "value": 145300000, "children": [...]}`, where `value`
    /// is a frame's total in nanoseconds. A difference has a `delta` too, by how much it has grown, for its
    /// `differentialColorMapper`.
    ///
    /// # Examples
    ///
    /// ```
    /// use tachograph::profile::flame::FlameGraph;
    ///
    /// assert_eq!(FlameGraph::of(&[]).d3(), r#"{"name":"all","value":0}"#);
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
    fn a_frame_has_its_total_in_nanoseconds_and_a_difference_by_how_much_it_has_grown() {
        let now = request("/a", 2500, &[("x", None, 0, 1001)]);
        let mut x = r#"{"name":"x","value":1001}"#.to_owned();
        let mut unaccounted = r#"{"name":"unaccounted","value":1499}"#.to_owned();
        assert_eq!(
            FlameGraph::of(std::slice::from_ref(&now)).d3(),
            format!(
                r#"{{"name":"all","value":2500,"children":[{{"name":"POST /a","value":2500,"children":[{unaccounted},{x}]}}]}}"#
            )
        );
        let before = request("/a", 1500, &[("x", None, 0, 1500)]);
        x.insert_str(x.len() - 1, r#","delta":-499"#);
        unaccounted.insert_str(unaccounted.len() - 1, r#","delta":1499"#);
        let route = format!(r#"{{"name":"POST /a","value":2500,"delta":1000,"children":[{unaccounted},{x}]}}"#);
        assert_eq!(
            FlameGraph::difference(&[now], &[before]).d3(),
            format!(r#"{{"name":"all","value":2500,"delta":1000,"children":[{route}]}}"#)
        );
        assert_eq!(FlameGraph::of(&[]).d3(), r#"{"name":"all","value":0}"#);
        assert!(
            FlameGraph::of(&[scene()]).d3().starts_with(r#"{"name":"all","value":145300000,"children":[{"name":"POST /scene""#)
        );
    }

    fn same(frame: &Frame, node: &Value) {
        assert_eq!(node["name"], &*frame.name);
        assert_eq!(node["value"], frame.total);
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
