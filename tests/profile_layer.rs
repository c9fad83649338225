//! Spans of requests as phases: which profile they go to, what they are a part of, and when they end.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Barrier, Once};
use std::thread;

use proptest::prelude::*;
use tachograph::http::Method;
use tachograph::profile::{OpenProfile, ProfileLayer, ProfileOptions, Profiler, RequestProfile, Sizes};
use tokio::runtime;
use tokio::task::{JoinSet, spawn_blocking, yield_now};
use tracing::{Instrument, Span, debug_span, info_span};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::prelude::*;

/// A profiler, in a process whose spans go to the layer.
fn profiler() -> Profiler {
    static LAYER: Once = Once::new();
    LAYER.call_once(|| tracing_subscriber::registry().with(ProfileLayer::new()).init());
    Profiler::new(ProfileOptions::default())
}

fn request(profiler: &Profiler) -> Arc<OpenProfile> {
    Arc::new(profiler.start("/scene", Method::Get))
}

/// The names of the phases, each with that of its parent.
fn phases(profile: &RequestProfile) -> Vec<(&str, Option<&str>)> {
    let name = |at: usize| &*profile.phases[at].name;
    profile.phases.iter().map(|phase| (&*phase.name, phase.parent.map(name))).collect()
}

/// Finishes the request, and gives what became of it.
fn finished(profiler: &Profiler, request: &OpenProfile) -> RequestProfile {
    request.finish(200, Sizes::default());
    profiler.profiles().swap_remove(0)
}

fn block_on<F: Future>(future: F) -> F::Output {
    runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

#[test]
fn nested_spans_are_nested_phases() {
    let profiler = profiler();
    let request = request(&profiler);
    request.in_scope(|| {
        info_span!("auth").in_scope(|| ());
        info_span!("load").in_scope(|| {
            info_span!("read").in_scope(|| ());
            info_span!("parse").in_scope(|| info_span!("resolve").in_scope(|| ()));
        });
    });
    let profile = finished(&profiler, &request);
    let expected =
        [("auth", None), ("load", None), ("read", Some("load")), ("parse", Some("load")), ("resolve", Some("parse"))];
    assert_eq!(phases(&profile), expected);
    for phase in &profile.phases {
        let whole = phase.parent.map_or((Default::default(), profile.duration), |parent| {
            let parent = &profile.phases[parent];
            (parent.start, parent.start + parent.duration)
        });
        assert!(whole.0 <= phase.start && phase.start + phase.duration <= whole.1, "{profile:?}");
    }
}

/// A span or a guard, and those that are opened while it is open.
#[derive(Clone, Debug)]
struct Part {
    span: bool,
    parts: Vec<Part>,
}

impl Part {
    fn run(&self, request: &OpenProfile) {
        let all = || self.parts.iter().for_each(|part| part.run(request));
        if self.span {
            info_span!("span").in_scope(all);
        } else {
            let _guard = request.phase("guard");
            all();
        }
    }

    /// The kind and the parent of each, in the order in which they are opened.
    fn tell(&self, parent: Option<usize>, told: &mut Vec<(&'static str, Option<usize>)>) {
        let at = told.len();
        told.push((if self.span { "span" } else { "guard" }, parent));
        self.parts.iter().for_each(|part| part.tell(Some(at), told));
    }
}

fn parts() -> impl Strategy<Value = Vec<Part>> {
    let leaf = any::<bool>().prop_map(|span| Part { span, parts: Vec::new() });
    let part = leaf.prop_recursive(5, 16, 3, |part| {
        (any::<bool>(), prop::collection::vec(part, 0..3)).prop_map(|(span, parts)| Part { span, parts })
    });
    prop::collection::vec(part, 0..4)
}

proptest! {
    #[test]
    fn spans_and_guards_nest_as_they_are_opened(parts in parts()) {
        let profiler = profiler();
        let request = request(&profiler);
        request.in_scope(|| parts.iter().for_each(|part| part.run(&request)));
        let profile = finished(&profiler, &request);
        let mut told = Vec::new();
        parts.iter().for_each(|part| part.tell(None, &mut told));
        let dropped = told.len().saturating_sub(16);
        told.truncate(16);
        let phases: Vec<_> = profile.phases.iter().map(|phase| (&*phase.name, phase.parent)).collect();
        prop_assert_eq!(phases, told);
        prop_assert_eq!(usize::from(profile.phases_dropped), dropped);
    }
}

#[test]
fn spans_side_by_side_are_parts_of_the_same_phase() {
    let profiler = profiler();
    let request = request(&profiler);
    let branch = |name: Span| yield_now().instrument(name);
    block_on(request.clone().scope(async {
        tokio::join!(branch(info_span!("first")), branch(info_span!("second")));
        let _guard = request.phase("guard");
        let with_guard = async {
            let _inner = request.phase("inner");
            yield_now().instrument(info_span!("beneath")).await;
        };
        tokio::join!(with_guard.instrument(info_span!("third")), async { branch(info_span!("fourth")).await });
        async { tokio::join!(branch(info_span!("fifth")), branch(info_span!("sixth"))) }.instrument(info_span!("both")).await
    }));
    let guard = Some("guard");
    let expected = [
        ("first", None),
        ("second", None),
        ("guard", None),
        ("third", guard),
        ("inner", Some("third")),
        ("beneath", Some("inner")),
        ("fourth", guard),
        ("both", guard),
        ("fifth", Some("both")),
        ("sixth", Some("both")),
    ];
    assert_eq!(phases(&finished(&profiler, &request)), expected);
}

#[test]
fn each_of_many_requests_has_its_own_spans_on_whichever_thread_they_run() {
    async fn answer(mine: usize) {
        for _ in 0..mine % 3 {
            async {
                yield_now().await;
                yield_now().instrument(info_span!("inner")).await;
            }
            .instrument(info_span!("outer"))
            .await;
        }
        let span = info_span!("spawned");
        tokio::spawn(async { yield_now().instrument(info_span!("within")).await }.instrument(span)).await.unwrap();
        yield_now().await;
    }
    let profiler = profiler();
    runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap().block_on(async {
        let mut requests = JoinSet::new();
        for mine in 0..200 {
            let profile = Arc::new(profiler.start("/scene", Method::Get).with_request_id(&mine.to_string()));
            requests.spawn(async move {
                profile.clone().scope(answer(mine)).await;
                profile.finish(200, Sizes::default());
            });
        }
        requests.join_all().await;
    });
    let profiles = profiler.profiles();
    assert_eq!(profiles.len(), 200);
    for profile in profiles {
        let mine: usize = profile.request_id.parse().unwrap();
        let mut expected = [("outer", None), ("inner", Some("outer"))].repeat(mine % 3);
        expected.extend([("spawned", None), ("within", Some("spawned"))]);
        assert_eq!(phases(&profile), expected, "{mine}");
    }
}

#[test]
fn spans_of_one_request_on_many_threads_are_parts_of_what_they_are_in() {
    let profiler = profiler();
    for _ in 0..100 {
        let request = request(&profiler);
        let all = request.in_scope(|| info_span!("all"));
        let start = Barrier::new(4);
        thread::scope(|threads| {
            for _ in 0..4 {
                threads.spawn(|| {
                    start.wait();
                    for _ in 0..2 {
                        info_span!(parent: &all, "half").in_scope(|| info_span!("one").in_scope(|| ()));
                    }
                });
            }
        });
        let profile = finished(&profiler, &request);
        let places = phases(&profile);
        assert_eq!((places.len(), profile.phases_dropped), (16, 1));
        let parent = |name| if name == "half" { "all" } else { "half" };
        assert!(places[1..].iter().all(|(name, of)| *of == Some(parent(*name))), "{places:?}");
    }
}

#[test]
fn a_span_takes_its_request_along_to_other_threads() {
    let profiler = profiler();
    let request = request(&profiler);
    block_on(request.clone().scope(async {
        let span = info_span!("blocking");
        spawn_blocking(move || span.in_scope(|| info_span!("read").in_scope(|| ()))).await.unwrap();
        let parent = info_span!("parent");
        spawn_blocking(move || info_span!(parent: &parent, "named").in_scope(|| ())).await.unwrap();
        spawn_blocking(|| info_span!("alone").in_scope(|| ())).await.unwrap();
    }));
    let expected = [("blocking", None), ("read", Some("blocking")), ("parent", None), ("named", Some("parent"))];
    assert_eq!(phases(&finished(&profiler, &request)), expected);
}

#[test]
fn a_span_that_is_of_no_request_is_no_phase() {
    let profiler = profiler();
    let request = request(&profiler);
    info_span!("before").in_scope(|| {
        request.in_scope(|| info_span!(parent: None, "background").in_scope(|| info_span!("in it").in_scope(|| ())));
        info_span!("after").in_scope(|| ());
    });
    let disabled = Arc::new(OpenProfile::disabled(Method::Get));
    request.in_scope(|| disabled.in_scope(|| info_span!("unseen").in_scope(|| info_span!("unseen too").in_scope(|| ()))));
    assert_eq!(phases(&finished(&profiler, &request)), [("in it", None)]);
    request.in_scope(|| info_span!("late").in_scope(|| info_span!("later").in_scope(|| ())));
    assert_eq!(profiler.profiles()[0].phases.len(), 1);
}

#[test]
fn a_span_that_outlives_its_request_ends_with_it() {
    let profiler = profiler();
    let first = request(&profiler);
    let span = first.in_scope(|| info_span!("long"));
    let profile = finished(&profiler, &first);
    assert_eq!(profile.phases[0].start + profile.phases[0].duration, profile.duration);
    drop(span.clone());
    span.in_scope(|| info_span!("late").in_scope(|| ()));
    drop(span);
    assert_eq!(profiler.profiles(), [profile]);
}

#[test]
fn a_span_that_is_forgotten_keeps_no_request_from_being_recorded() {
    let profiler = profiler();
    let given_up = request(&profiler);
    let forgotten = given_up.in_scope(|| info_span!("forgotten"));
    drop(given_up);
    assert!(profiler.profiles()[0].aborted);
    assert_eq!(phases(&profiler.profiles()[0]), [("forgotten", None)]);
    let next = request(&profiler);
    next.in_scope(|| forgotten.in_scope(|| info_span!("mine").in_scope(|| ())));
    assert_eq!(phases(&finished(&profiler, &next)), [("mine", None)]);
}

#[test]
fn a_panic_ends_the_phase_and_leaves_the_scope() {
    let profiler = profiler();
    let (outer, inner) = (request(&profiler), request(&profiler));
    let panics = || info_span!("panics").in_scope(|| panic!("of the test"));
    outer.in_scope(|| {
        catch_unwind(AssertUnwindSafe(|| inner.in_scope(panics))).unwrap_err();
        info_span!("after").in_scope(|| ());
        catch_unwind(AssertUnwindSafe(|| block_on(inner.clone().scope(async { panics() })))).unwrap_err();
        info_span!("after").in_scope(|| ());
    });
    info_span!("outside").in_scope(|| ());
    assert_eq!(phases(&finished(&profiler, &outer)), [("after", None); 2]);
    let inner = finished(&profiler, &inner);
    assert_eq!(phases(&inner), [("panics", None); 2]);
    assert!(inner.phases[0].start + inner.phases[0].duration <= inner.phases[1].start, "the first has ended: {inner:?}");
}

#[test]
fn spans_beyond_the_room_are_counted() {
    let profiler = profiler();
    let request = request(&profiler);
    let last = request.in_scope(|| {
        let spans: Vec<_> = (0..17).map(|_| info_span!("one").entered()).collect();
        let last = spans[16].clone();
        spans.into_iter().rev().for_each(drop);
        last
    });
    // The request of a span that there was no room for is known all the same.
    last.in_scope(|| info_span!("another").in_scope(|| ()));
    let profile = finished(&profiler, &request);
    assert_eq!((profile.phases.len(), profile.phases_dropped), (16, 2));
}

#[test]
fn a_request_within_a_span_of_another_has_its_own_spans() {
    let profiler = profiler();
    let (outer, inner) = (request(&profiler), request(&profiler));
    outer.in_scope(|| {
        let calls = info_span!("calls").entered();
        inner.in_scope(|| {
            info_span!("answers").in_scope(|| info_span!("reads").in_scope(|| ()));
            info_span!(parent: &calls, "waits").in_scope(|| ());
        });
        info_span!("goes on").in_scope(|| ());
    });
    assert_eq!(phases(&finished(&profiler, &inner)), [("answers", None), ("reads", Some("answers"))]);
    let expected = [("calls", None), ("waits", Some("calls")), ("goes on", Some("calls"))];
    assert_eq!(phases(&finished(&profiler, &outer)), expected);
}

#[test]
fn what_a_future_leaves_behind_is_dropped_in_its_scope() {
    struct Leaving;

    impl Drop for Leaving {
        fn drop(&mut self) {
            info_span!("rollback").in_scope(|| ());
        }
    }

    let profiler = profiler();
    let request = request(&profiler);
    let leaving = Leaving;
    drop(request.clone().scope(async move {
        let _leaving = leaving;
    }));
    assert_eq!(phases(&finished(&profiler, &request)), [("rollback", None)]);
}

#[test]
fn what_is_between_two_spans_of_the_filter_is_left_out() {
    let profiler = Profiler::new(ProfileOptions::default());
    let request = request(&profiler);
    let everything = tracing_subscriber::layer::Identity::new().with_filter(LevelFilter::TRACE);
    let infos = ProfileLayer::new().with_filter(LevelFilter::INFO);
    tracing::subscriber::with_default(tracing_subscriber::registry().with(everything).with(infos), || {
        request.in_scope(|| {
            let _outer = info_span!("outer").entered();
            let _between = debug_span!("between").entered();
            let _inner = info_span!("inner").entered();
            assert!(!debug_span!("least").is_disabled(), "the other layer has it");
        });
    });
    assert_eq!(phases(&finished(&profiler, &request)), [("outer", None), ("inner", Some("outer"))]);
}

#[test]
fn a_second_layer_changes_nothing() {
    let profiler = Profiler::new(ProfileOptions::default());
    let request = request(&profiler);
    let twice = tracing_subscriber::registry().with(ProfileLayer::new()).with(ProfileLayer::new());
    tracing::subscriber::with_default(twice, || {
        request.in_scope(|| info_span!("outer").in_scope(|| info_span!("inner").in_scope(|| ())));
    });
    assert_eq!(phases(&finished(&profiler, &request)), [("outer", None), ("inner", Some("outer"))]);
}

#[test]
fn spans_of_several_subscribers_go_to_the_requests_of_several_profilers() {
    let (one, other) = (profiler(), profiler());
    let (first, second) = (request(&one), request(&other));
    let elsewhere = tracing_subscriber::registry().with(ProfileLayer::new());
    let span = tracing::subscriber::with_default(elsewhere, || first.in_scope(|| info_span!("elsewhere")));
    // It is entered and closed where another subscriber is the default, in which its parents and its number mean nothing.
    second.in_scope(|| info_span!("here").in_scope(|| span.in_scope(|| info_span!("within").in_scope(|| ()))));
    drop(span);
    let profile = finished(&one, &first);
    assert_eq!(phases(&profile), [("elsewhere", None)]);
    assert!(profile.phases[0].start + profile.phases[0].duration < profile.duration, "it has ended: {profile:?}");
    assert_eq!(phases(&finished(&other, &second)), [("here", None), ("within", Some("here"))]);
}
