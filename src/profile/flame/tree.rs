//! The tree that all flame graphs are drawn from.
//!
//! # Exactness
//!
//! Each nanosecond of each request lies in exactly one frame, so that the frames' own times add up to the durations of the
//! requests. Phases that ran concurrently share the time in which they did.

use std::ptr;

use super::merge::{Merge, Side};
use crate::profile::RequestProfile;

/// The name of the frame that holds what no phase covers, in each route.
pub(super) const UNACCOUNTED: &str = "unaccounted";

/// Where the time of some requests went, merged by route and phase; or how that differs from other requests.
#[derive(Clone, Debug, PartialEq)]
pub struct FlameGraph {
    /// All requests.
    pub root: Frame,
    /// Whether it is a difference: then the frames say what they were before.
    pub compared: bool,
}

/// A frame: the root, a route with its method (`POST /scene`), a phase in it, or what no phase of a request covers.
///
/// # Examples
///
/// ```
/// use tachograph::http::Method;
/// use tachograph::profile::flame::FlameGraph;
/// use tachograph::profile::{ProfileOptions, Profiler, Sizes};
///
/// let profiler = Profiler::new(ProfileOptions::default());
/// profiler.start("/scene", Method::Get).finish(200, Sizes::default());
/// let root = FlameGraph::of(&profiler.profiles()).root;
/// let route = &root.children[0];
/// assert_eq!((&*route.name, route.total, root.own), ("GET /scene", root.total, 0));
/// assert_eq!(&*route.children[0].name, "unaccounted");
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Frame {
    /// What it is.
    pub name: Box<str>,
    /// Nanoseconds of its own, those of its children left out.
    pub own: u64,
    /// Nanoseconds of its own and of all below it.
    pub total: u64,
    /// Of the requests that these are compared with, as `own`; 0 where nothing is compared.
    pub own_before: u64,
    /// Of the requests that these are compared with, as `total`; 0 where nothing is compared.
    pub total_before: u64,
    /// What it is made of, by name.
    pub children: Vec<Frame>,
}

impl FlameGraph {
    /// Merges requests into a tree: `all`, in it a frame for each route and method, in these the phases by name, nested as they
    /// were, and beside them a frame `unaccounted` for what no phase covers, also if a phase has the same name.
    ///
    /// - All own times add up to the durations of the requests, to the nanosecond.
    /// - Time in which several phases were open is that of the deepest ones; if there are several of these, equal parts of it.
    /// - A phase that outlasts its parent keeps its place below it, one that outlasts its request is cut.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tachograph::http::Method;
    /// use tachograph::profile::flame::FlameGraph;
    /// use tachograph::profile::{ProfileOptions, Profiler, Sizes};
    ///
    /// let profiler = Profiler::new(ProfileOptions::default());
    /// let request = profiler.start("/scene", Method::Post);
    /// drop(request.phase("file_io"));
    /// request.finish(200, Sizes::default());
    ///
    /// let mut profiles = profiler.profiles();
    /// // Times that an example can know.
    /// profiles[0].duration = Duration::from_millis(5);
    /// (profiles[0].phases[0].start, profiles[0].phases[0].duration) = (Duration::ZERO, Duration::from_millis(4));
    /// let flame = FlameGraph::of(&profiles);
    /// assert_eq!(flame.root.total, 5_000_000);
    /// assert_eq!(flame.folded(), "POST /scene;file_io 4000\nPOST /scene;unaccounted 1000\n");
    /// ```
    pub fn of(profiles: &[RequestProfile]) -> Self {
        Self::merged(profiles)
    }

    /// Merges requests, and others that they are compared with, into one tree. A frame that only one of both has is 0 in the
    /// other.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tachograph::http::Method;
    /// use tachograph::profile::flame::FlameGraph;
    /// use tachograph::profile::{ProfileOptions, Profiler, Sizes};
    ///
    /// let profiler = Profiler::new(ProfileOptions::default());
    /// profiler.start("/scene", Method::Post).finish(200, Sizes::default());
    /// let mut before = profiler.profiles();
    /// before[0].duration = Duration::from_millis(5);
    /// let mut now = before.clone();
    /// now[0].duration = Duration::from_millis(7);
    /// assert_eq!(FlameGraph::difference(&now, &before).folded(), "POST /scene;unaccounted 5000 7000\n");
    /// ```
    pub fn difference(now: &[RequestProfile], before: &[RequestProfile]) -> Self {
        let mut merge = Merge::new();
        now.iter().for_each(|profile| merge.insert(Side::Now, profile));
        before.iter().for_each(|profile| merge.insert(Side::Before, profile));
        Self { root: merge.finish(), compared: true }
    }

    pub(super) fn merged<'a>(profiles: impl IntoIterator<Item = &'a RequestProfile>) -> Self {
        let mut merge = Merge::new();
        profiles.into_iter().for_each(|profile| merge.insert(Side::Now, profile));
        Self { root: merge.finish(), compared: false }
    }

    /// Shows all frames but the root with those above them, from the route on. A frame comes before those below it.
    pub(super) fn stacks<'a>(&'a self, mut show: impl FnMut(&[&'a Frame])) {
        fn descend<'a>(frame: &'a Frame, stack: &mut Vec<&'a Frame>, show: &mut impl FnMut(&[&'a Frame])) {
            for child in &frame.children {
                stack.push(child);
                show(stack);
                descend(child, stack, show);
                stack.pop();
            }
        }
        descend(&self.root, &mut Vec::new(), &mut show);
    }
}

/// The name of a request's route, with its method.
pub(super) fn route_name(profile: &RequestProfile) -> String {
    format!("{} {}", profile.method.as_str(), profile.endpoint)
}

/// Whether the last frame of a stack is what no phase covers. It stands after a phase of that name.
pub(super) fn is_unaccounted(stack: &[&Frame]) -> bool {
    let [route, frame] = stack else { return false };
    let last = route.children.iter().rfind(|child| &*child.name == UNACCOUNTED);
    last.is_some_and(|last| ptr::eq(last, *frame))
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;
    use crate::profile::flame::handmade::{request, requests, scene};

    /// Each frame but the root: the names above it and its own, whether it is what no phase covers, and its own time.
    fn owns(flame: &FlameGraph) -> Vec<(Vec<String>, bool, u64)> {
        let mut owns = Vec::new();
        flame.stacks(|stack| {
            let names = stack.iter().map(|frame| frame.name.to_string()).collect();
            owns.push((names, is_unaccounted(stack), stack[stack.len() - 1].own));
        });
        owns
    }

    fn own_of(flame: &FlameGraph, stack: &str) -> u64 {
        let found = owns(flame).into_iter().find(|(names, ..)| names.join(";") == stack);
        found.unwrap_or_else(|| panic!("no {stack} in {flame:?}")).2
    }

    /// Asks for each nanosecond alone who was running, and counts the parts that each gets of it.
    fn by_nanosecond(profiles: &[RequestProfile]) -> HashMap<(Vec<String>, bool), f64> {
        let mut shares = HashMap::new();
        for profile in profiles {
            let parent_of = |place: usize| profile.phases[place].parent.filter(|parent| *parent < place);
            let line_of = |place: usize| std::iter::successors(Some(place), |place| parent_of(*place)).collect::<Vec<_>>();
            let route = format!("POST {}", profile.endpoint);
            for now in 0..profile.duration.as_nanos() {
                let open = |place: &usize| {
                    let phase = &profile.phases[*place];
                    phase.start.as_nanos() <= now && now < (phase.start + phase.duration).as_nanos()
                };
                let open: Vec<_> = (0..profile.phases.len()).filter(open).collect();
                let is_above = |place: usize| open.iter().any(|other| line_of(*other)[1..].contains(&place));
                let deepest: Vec<_> = open.iter().copied().filter(|place| !is_above(*place)).collect();
                for place in &deepest {
                    let line = line_of(*place).into_iter().rev().map(|place| profile.phases[place].name.to_string());
                    let stack = std::iter::once(route.clone()).chain(line).collect();
                    *shares.entry((stack, false)).or_insert(0.0) += 1.0 / deepest.len() as f64;
                }
                if deepest.is_empty() {
                    *shares.entry((vec![route.clone(), "unaccounted".to_owned()], true)).or_insert(0.0) += 1.0;
                }
            }
        }
        shares
    }

    fn sum_up(frame: &Frame) {
        let sum = |of: fn(&Frame) -> u64| frame.children.iter().map(of).sum::<u64>();
        assert_eq!(frame.total, frame.own + sum(|child| child.total), "{frame:?}");
        assert_eq!(frame.total_before, frame.own_before + sum(|child| child.total_before), "{frame:?}");
        assert!(frame.children.is_sorted_by(|a, b| a.name <= b.name), "{frame:?}");
        frame.children.iter().for_each(sum_up);
    }

    fn nanos(profiles: &[RequestProfile]) -> u64 {
        profiles.iter().map(|profile| profile.duration.as_nanos() as u64).sum()
    }

    proptest! {
        #[test]
        fn own_times_are_those_of_each_nanosecond_and_add_up_to_the_durations(profiles in requests()) {
            let flame = FlameGraph::of(&profiles);
            sum_up(&flame.root);
            prop_assert_eq!(flame.root.total, nanos(&profiles));
            let owns = owns(&flame);
            prop_assert_eq!(owns.iter().map(|(.., own)| own).sum::<u64>(), nanos(&profiles));
            let mut expected = by_nanosecond(&profiles);
            // A nanosecond that cannot be divided may go to another one wherever a phase begins or ends.
            let most = profiles.iter().map(|profile| 2 * profile.phases.len()).sum::<usize>() as f64;
            for (stack, is_unaccounted, own) in owns {
                let share = expected.remove(&(stack.clone(), is_unaccounted)).unwrap_or(0.0);
                prop_assert!((own as f64 - share).abs() <= most, "{:?}: {} instead of {}", stack, own, share);
            }
            prop_assert!(expected.is_empty(), "missing: {:?}", expected);
        }

        #[test]
        fn a_difference_is_both_graphs_in_one_and_turns_round(now in requests(), before in requests()) {
            let difference = FlameGraph::difference(&now, &before);
            sum_up(&difference.root);
            let back = FlameGraph::difference(&before, &now);
            let sides = |flame: &FlameGraph, turned: bool| {
                let mut sides = Vec::new();
                flame.stacks(|stack| {
                    let names: Vec<_> = stack.iter().map(|frame| frame.name.clone()).collect();
                    let frame = stack[stack.len() - 1];
                    let (a, b) = ((frame.own, frame.total), (frame.own_before, frame.total_before));
                    sides.push((names, if turned { (b, a) } else { (a, b) }));
                });
                sides
            };
            prop_assert_eq!(sides(&difference, false), sides(&back, true));
            let alone = |flame: &FlameGraph| {
                let sides = sides(flame, false).into_iter().map(|(names, (now, _))| (names, now));
                sides.filter(|(_, now)| *now != (0, 0)).collect::<Vec<_>>()
            };
            prop_assert_eq!(alone(&difference), alone(&FlameGraph::of(&now)));
            prop_assert_eq!((difference.root.total, difference.root.total_before), (nanos(&now), nanos(&before)));
        }
    }

    #[test]
    fn a_parent_keeps_what_its_children_leave_and_the_route_keeps_nothing() {
        let flame = FlameGraph::of(&[scene(), scene()]);
        assert_eq!((&*flame.root.name, flame.root.own, flame.root.total), ("all", 0, 2 * 145_300_000));
        assert_eq!(own_of(&flame, "POST /scene"), 0);
        assert_eq!(own_of(&flame, "POST /scene;file_io"), 2 * 8_300_000);
        assert_eq!(own_of(&flame, "POST /scene;file_io;fsync"), 2 * 90_000_000);
        assert_eq!(own_of(&flame, "POST /scene;unaccounted"), 2 * 1_800_000);
    }

    #[test]
    fn concurrent_phases_share_and_the_first_gets_what_cannot_be_divided() {
        let flame = FlameGraph::of(&[request("/a", 11, &[("x", None, 0, 11), ("y", None, 0, 11), ("z", Some(0), 0, 5)])]);
        // 0 to 5: z and y, 5 to 11: x and y.
        assert_eq!(own_of(&flame, "POST /a;x;z"), 2);
        assert_eq!(own_of(&flame, "POST /a;y"), 3 + 3);
        assert_eq!(own_of(&flame, "POST /a;x"), 3);
    }

    #[test]
    fn a_phase_that_outlasts_its_parent_stays_below_it_and_is_cut_where_the_request_ends() {
        let flame = FlameGraph::of(&[request("/a", 10, &[("x", None, 0, 2), ("y", Some(0), 1, 100)])]);
        assert_eq!(own_of(&flame, "POST /a;x"), 1);
        assert_eq!(own_of(&flame, "POST /a;x;y"), 9);
    }

    #[test]
    fn a_phase_called_unaccounted_is_another_frame_than_what_no_phase_covers() {
        let flame = FlameGraph::of(&[request("/a", 10, &[("unaccounted", None, 0, 7)])]);
        let path = vec!["POST /a".to_owned(), "unaccounted".to_owned()];
        assert_eq!(owns(&flame)[1..], [(path.clone(), false, 7), (path, true, 3)]);
    }

    #[test]
    fn a_list_that_was_tampered_with_is_no_deeper_and_sums_stop_at_the_most() {
        let chain: Vec<_> = (0..3000).map(|place: usize| ("x", place.checked_sub(1), 0, u64::MAX)).collect();
        let long = request("/a", u64::MAX, &chain);
        let flame = FlameGraph::of(&[long.clone(), long]);
        assert_eq!(flame.root.total, u64::MAX);
        let mut deepest = 0;
        flame.stacks(|stack| deepest = deepest.max(stack.len()));
        assert_eq!(deepest, 17);
        let of_itself = request("/a", 10, &[("x", Some(0), 0, 5), ("y", Some(usize::MAX), 5, 5)]);
        assert_eq!(own_of(&FlameGraph::of(&[of_itself]), "POST /a;y"), 5);
    }
}
