//! What needs no C to be tested: NULL, texts that are none, wrong order, threads.

use std::ptr::{null, null_mut};

use tachograph_ffi::*;

fn s(text: &str) -> TachographStr {
    bytes(text.as_bytes())
}

fn bytes(bytes: &[u8]) -> TachographStr {
    TachographStr { data: bytes.as_ptr().cast(), len: bytes.len() }
}

fn error() -> String {
    let text = tachograph_last_error();
    // SAFETY: it stays until the next failure on this thread.
    let bytes = unsafe { std::slice::from_raw_parts(text.data.cast::<u8>(), text.len) };
    str::from_utf8(bytes).unwrap().to_owned()
}

/// The body's bytes; it is freed.
fn text(body: *mut TachographBody) -> String {
    assert!(!body.is_null(), "{}", error());
    // SAFETY: it is alive, and is freed once.
    unsafe {
        let copy = std::slice::from_raw_parts(tachograph_body_data(body), tachograph_body_len(body)).to_vec();
        tachograph_body_free(body);
        String::from_utf8(copy).unwrap()
    }
}

fn scrape(registry: *mut TachographRegistry) -> String {
    // SAFETY: it is alive.
    text(unsafe { tachograph_registry_render(registry, s(""), s("")) })
}

#[test]
fn everything_takes_null() {
    // SAFETY: NULL is a handle that nothing is done with.
    unsafe {
        assert!(tachograph_counter_new(null(), s("a_total"), s("")).is_null());
        assert_eq!((tachograph_last_status(), &*error()), (TachographStatus::NullPointer, "registry is NULL"));
        tachograph_counter_inc(null());
        tachograph_counter_inc_by(null(), 2);
        tachograph_counter_prepare(null());
        assert_eq!(tachograph_counter_value(null()), 0);
        assert!(tachograph_counter_clone(null()).is_null());
        tachograph_counter_free(null_mut());
        assert_eq!(tachograph_counter_family_inc_by(null(), null(), 0, 1), TachographStatus::NullPointer);
        tachograph_gauge_set(null(), 1.0);
        tachograph_histogram_observe(null(), 1);
        assert_eq!(tachograph_histogram_sum(null()), 0.0);
        assert!(tachograph_registry_render(null(), s(""), s("")).is_null());
        assert!(tachograph_body_data(null()).is_null());
        assert_eq!((tachograph_body_len(null()), tachograph_body_content_type(null()).len), (0, 0));
        assert_eq!(tachograph_http_scene_loaded(null(), s("a")), TachographStatus::NullPointer);
        tachograph_http_connection_opened(null());
        assert!(tachograph_request_start(null(), null(), s("GET"), null()).is_null());
        assert!(tachograph_phase_begin(null(), s("a")).is_null());
        tachograph_phase_end(null_mut());
        assert_eq!(tachograph_request_finish(null_mut(), 200, 0, 0), 0);
        tachograph_request_abort(null_mut());
        assert_eq!(tachograph_request_id(null(), null_mut(), 0), 0);
        assert_eq!(tachograph_profiler_clear(null()), 0);
        assert_eq!(tachograph_exporter_port(null()), 0);
        assert_eq!(tachograph_exporter_stop(null_mut(), null_mut()), TachographStatus::Ok);
        // A text of NULL is empty, and nothing else.
        let registry = tachograph_registry_new();
        let nowhere = |len| TachographStr { data: null(), len };
        assert!(tachograph_gauge_new(registry, nowhere(3), s("")).is_null());
        assert_eq!(error(), "name is NULL");
        let gauge = tachograph_gauge_new(registry, s("a"), nowhere(0));
        assert!(!gauge.is_null());
        tachograph_gauge_free(gauge);
        tachograph_registry_free(registry);
    }
}

#[test]
fn what_is_no_utf8_is_refused_of_the_program_and_shown_of_a_client() {
    let cut = &b"K\xc3\xb6ln"[..2];
    // SAFETY: the handles are alive, and freed once; the texts are there.
    unsafe {
        let registry = tachograph_registry_new();
        assert!(tachograph_counter_new(registry, bytes(cut), s("")).is_null());
        assert_eq!(tachograph_last_status(), TachographStatus::InvalidUtf8);
        assert_eq!(error(), "name is no UTF-8: incomplete utf-8 byte sequence from index 1");
        let family = tachograph_counter_family_new(registry, s("a_total"), s(""), [s("x"), s("y")].as_ptr(), 2, null());
        let values = [bytes(cut), s("b")];
        assert_eq!(tachograph_counter_family_inc_by(family, values.as_ptr(), 2, 3), TachographStatus::Ok);
        assert_eq!(tachograph_counter_family_inc_by(family, values.as_ptr(), 1, 3), TachographStatus::InvalidArgument);
        assert_eq!(error(), "the family has 2 labels, not 1");
        assert!(tachograph_counter_family_handle(family, values.as_ptr(), 9).is_null());
        assert!(scrape(registry).ends_with("\na_total{x=\"K\u{fffd}\",y=\"b\"} 3\n"));
        assert_eq!(tachograph_counter_family_remove(family, values.as_ptr(), 2), TachographStatus::Ok);
        assert_eq!(scrape(registry), "# HELP a_total \n# TYPE a_total counter\n");
        tachograph_counter_family_free(family);
        tachograph_registry_free(registry);
    }
}

#[test]
fn options_are_as_large_as_they_say() {
    #[repr(C)]
    struct Newer {
        known: TachographHttpOptions,
        unknown: u64,
    }
    let options = |size, window_ms| TachographHttpOptions {
        size,
        window_ms,
        limit: 1,
        without_latency_gauges: 1,
        without_latency_summary: 1,
    };
    // SAFETY: the handles are alive, and freed once; the options are as large as they say.
    unsafe {
        let registry = tachograph_registry_new();
        for size in [0, 1, size_of::<TachographHttpOptions>() - 1, 1 << 40] {
            assert!(tachograph_http_new(registry, &options(size, 0)).is_null());
            assert_eq!(tachograph_last_status(), TachographStatus::InvalidArgument, "{size}");
        }
        let mut newer = Newer { known: options(size_of::<Newer>(), 0), unknown: 1 };
        assert!(tachograph_http_new(registry, (&raw const newer).cast()).is_null());
        assert_eq!(error(), "options asks for something that this version does not know");
        newer.unknown = 0;
        let http = tachograph_http_new(registry, (&raw const newer).cast());
        assert!(!http.is_null(), "{}", error());
        assert!(!scrape(registry).contains("http_request_latency"));
        tachograph_http_free(http);
        tachograph_registry_free(registry);
    }
}

#[test]
fn buckets_are_checked_before_they_are_used() {
    let registry = tachograph_registry_new();
    let refused = |bounds: &[f64], unit, resolution, highest_trackable| {
        let buckets = TachographBuckets {
            size: size_of::<TachographBuckets>(),
            bounds: bounds.as_ptr(),
            count: bounds.len(),
            unit,
            resolution,
            highest_trackable,
        };
        // SAFETY: all of it is there; a histogram that is made after all is not freed.
        assert!(unsafe { tachograph_histogram_new(registry, s("a"), s(""), &buckets) }.is_null());
        assert_eq!(tachograph_last_status(), TachographStatus::InvalidArgument);
        error()
    };
    refused(&[], 0, 0, 0);
    refused(&[0.2, 0.1], 0, 0, 0);
    refused(&[f64::NAN], 0, 0, 0);
    assert_eq!(refused(&[1.5], 1, 0, 0), "a bound of bytes or whole numbers is no whole number");
    refused(&[f64::NAN], 2, 0, 0);
    refused(&[f64::INFINITY], 1, 0, 0);
    assert_eq!(refused(&[1.0], 4, 0, 0), "4 is no TachographUnit");
    assert_eq!(refused(&[1.0], 0, 3, 0), "3 is no TachographResolution");
    refused(&[1.0], 0, 2, 1);
    // SAFETY: it is alive, and freed once.
    unsafe { tachograph_registry_free(registry) };
}

#[test]
fn handles_end_in_any_order_and_what_they_led_to_goes_on() {
    // SAFETY: the handles are alive, and freed once.
    unsafe {
        let registry = tachograph_registry_new();
        let http = tachograph_http_new(registry, null());
        let profiler = tachograph_profiler_new(null());
        let endpoint = tachograph_http_endpoint(http, s("/scene"));
        let observed = tachograph_registry_clone(registry);
        let kept = tachograph_profiler_clone(profiler);
        let request = tachograph_request_start(endpoint, profiler, s("POST"), null());
        let phase = tachograph_phase_begin(request, s("file_io"));
        let inner = tachograph_phase_begin_in(phase, s("parse"));
        tachograph_registry_free(registry);
        tachograph_http_free(http);
        tachograph_endpoint_free(endpoint);
        tachograph_profiler_free(profiler);
        // The outer one before the inner one, and that after the request.
        tachograph_phase_end(phase);
        assert!(tachograph_request_finish(request, 200, 1, 2) > 0);
        // Begun after the end of its request it is nowhere, but has a handle as any other.
        tachograph_phase_end(tachograph_phase_begin_in(inner, s("too late")));
        tachograph_phase_end(inner);

        let counted = "\nhttp_requests_total{endpoint=\"/scene\",method=\"POST\",status=\"200\"} 1\n";
        assert!(scrape(observed).contains(counted));
        let listing = text(tachograph_profiler_listing(kept, s("{\"phase\": \"parse\"}")));
        assert!(listing.starts_with("{\"total_profiles\":1,"), "{listing}");
        assert!(tachograph_profiler_listing(kept, s("{\"limit\": -1}")).is_null());
        assert_eq!(tachograph_last_status(), TachographStatus::InvalidArgument);
        assert_eq!(tachograph_profiler_clear(kept), 1);
        tachograph_profiler_free(kept);
        tachograph_registry_free(observed);
    }
}

#[test]
fn a_request_is_aborted_profiled_alone_or_has_no_profile() {
    // SAFETY: the handles are alive, and freed once; the buffer has the room that it is said to have.
    unsafe {
        let registry = tachograph_registry_new();
        let http = tachograph_http_new(registry, null());
        let profiler = tachograph_profiler_new(null());
        let endpoint = tachograph_http_endpoint(http, s("/scene"));
        let options = TachographRequestOptions {
            size: size_of::<TachographRequestOptions>(),
            request_id: bytes(b"r\xff7"),
            traceparent: s("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        };
        let request = tachograph_request_start(endpoint, profiler, s("PATCH"), &options);
        let mut id = [0; 3];
        assert_eq!(tachograph_request_id(request, id.as_mut_ptr(), id.len()), 5);
        assert_eq!(id.map(|byte| byte as u8), *b"r\xef\xbf");
        tachograph_request_abort(request);

        let load = tachograph_profile_start(profiler, s("load"), s("none"), null());
        tachograph_request_finish(load, 200, 0, 0);
        let without = tachograph_request_start(endpoint, null(), s("GET"), null());
        assert!(tachograph_phase_begin(without, s("nowhere")).is_null());
        assert_eq!(tachograph_request_id(without, null_mut(), 9), 0);
        tachograph_request_finish(without, 204, 0, 0);
        assert_eq!(tachograph_endpoint_observe(endpoint, s("BREW"), 418, 5_000_000, 1, 2), TachographStatus::Ok);

        let shown = scrape(registry);
        for (method, status) in [("PATCH", 499), ("GET", 204), ("other", 418)] {
            let line = format!("\nhttp_requests_total{{endpoint=\"/scene\",method=\"{method}\",status=\"{status}\"}} 1\n");
            assert!(shown.contains(&line), "{line}");
        }
        let aborted = text(tachograph_profiler_listing(profiler, s("{\"aborted\": true}")));
        assert!(aborted.contains("\"request_id\":\"r\u{fffd}7\"") && aborted.contains("4bf92f3577b34da6a3ce929d0e0e4736"));
        let loaded = text(tachograph_profiler_flame_graph(profiler, s("{\"endpoint\": \"load\", \"format\": \"speedscope\"}")));
        assert!(loaded.contains("load"), "{loaded}");
        tachograph_endpoint_free(endpoint);
        tachograph_profiler_free(profiler);
        tachograph_http_free(http);
        tachograph_registry_free(registry);
    }
}

#[test]
fn threads_that_come_and_go_leave_their_counts() {
    let registry = tachograph_registry_new();
    // SAFETY: the registry is alive, the texts are there.
    let counter = unsafe { tachograph_counter_new(registry, s("a_total"), s("")) };
    #[derive(Clone, Copy)]
    struct Shared(*mut TachographCounter);
    // SAFETY: all that is done with it may be done on any thread.
    unsafe impl Send for Shared {}
    let shared = Shared(counter);
    for _ in 0..3 {
        let threads = [(); 4].map(|()| {
            std::thread::spawn(move || {
                let Shared(counter) = { shared };
                // SAFETY: it is freed after all threads have ended; the clone is this thread's own.
                unsafe {
                    let own = tachograph_counter_clone(counter);
                    (0..100).for_each(|_| tachograph_counter_inc(own));
                    tachograph_counter_free(own);
                    tachograph_counter_inc(counter);
                }
            })
        });
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    }
    // SAFETY: it is alive, and freed once.
    unsafe {
        assert_eq!(tachograph_counter_value(counter), 1_212);
        tachograph_counter_free(counter);
        tachograph_registry_free(registry);
    }
}

#[test]
fn the_guide_shows_the_program_that_is_run() {
    let guide = include_str!("../../docs/game_loops.md");
    let program = include_str!("c/request_path.c");
    let shown = guide.split("```c\n").nth(1).and_then(|rest| rest.split("```").next());
    assert_eq!(shown, Some(program), "docs/game_loops.md must have tests/c/request_path.c as it is");
}
