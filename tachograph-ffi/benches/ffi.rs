//! What a call through the C ABI costs beside the call in Rust: of the shared library, as the loader finds it, and of the
//! static one.
//!
//! All subjects take turns in one process. With `SUBJECT WORK COUNT` as arguments it makes so many calls in `counted_calls`,
//! for callgrind. The static subject is the crate's own functions behind pointers that the compiler cannot look through: their
//! code and their access to thread-locals are those of a program that links the static library.

use std::ffi::{CString, c_void};
use std::hint::black_box;
use std::ptr::null;
use std::time::{Duration, Instant};

use tachograph::http::{Exchange, HttpMetrics, HttpOptions, Method};
use tachograph::profile::{ProfileOptions, Profiler, Sizes};
use tachograph::{Buckets, Registry};
use tachograph_ffi::*;

const ROUNDS: usize = 40;
const CALLS: u64 = 20_000;
const WORKS: [&str; 8] = [
    "nothing",
    "counter, held handle",
    "counter, 64 in turn",
    "counter, one run-time label",
    "histogram, 11 buckets, held",
    "request timed by the caller, held endpoint",
    "request started and finished",
    "request with a profile of 4 phases",
];
const BOUNDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0];
const PHASES: [&str; 4] = ["auth_validation", "scene_validation", "file_io", "response_serialization"];

type Calls = Box<dyn Fn(u64)>;

/// Makes so many calls. Neither inlined nor merged with others: callgrind looks for its name.
#[inline(never)]
fn counted_calls(calls: &dyn Fn(u64), count: u64) {
    calls(black_box(count));
}

fn in_rust() -> Vec<Calls> {
    let registry = Registry::new();
    let counter = registry.counter("a_total", "").unwrap();
    let family = registry.counter_family("b_total", "", ["kind"]).unwrap();
    let many: Vec<_> = (0..64).map(|n| registry.counter(&format!("c{n}_total"), "").unwrap()).collect();
    let histogram = registry.histogram("d", "", Buckets::seconds(&BOUNDS).unwrap()).unwrap();
    let http = HttpMetrics::register(&registry, HttpOptions::default()).unwrap();
    let endpoint = http.endpoint("/scene");
    let (timed, profiled) = (endpoint.clone(), endpoint.clone());
    let profiler = Profiler::new(ProfileOptions::default());
    let exchange = |duration| Exchange {
        method: Method::parse(black_box("GET")),
        status: 200,
        duration,
        request_bytes: 10,
        response_bytes: 20,
    };
    vec![
        Box::new(|count| (0..count).for_each(|n| _ = black_box(n))),
        Box::new(move |count| (0..count).for_each(|_| black_box(&counter).inc())),
        Box::new(move |count| (0..count).for_each(|n| black_box(&many[n as usize % 64]).inc())),
        Box::new(move |count| (0..count).for_each(|_| black_box(&family).inc([black_box("bullet")]))),
        Box::new(move |count| (0..count).for_each(|n| black_box(&histogram).observe(n * 1_000))),
        Box::new(move |count| (0..count).for_each(|n| endpoint.observe(&exchange(Duration::from_nanos(n * 1_000))))),
        Box::new(move |count| {
            (0..count).for_each(|_| {
                let started = Instant::now();
                timed.observe(&exchange(started.elapsed()));
            })
        }),
        Box::new(move |count| {
            (0..count).for_each(|_| {
                let profile = profiler.start("/scene", Method::parse(black_box("GET")));
                PHASES.iter().for_each(|name| drop(profile.phase(name)));
                profiled.observe_profile(&profile, 200, Sizes { request_bytes: 10, response_bytes: 20 });
            })
        }),
    ]
}

fn s(text: &str) -> TachographStr {
    TachographStr { data: text.as_ptr().cast(), len: text.len() }
}

macro_rules! api {
    ($($name:ident: fn($($argument:ty),*) $(-> $result:ty)?;)*) => {
        #[derive(Clone, Copy)]
        struct Api { $($name: unsafe extern "C" fn($($argument),*) $(-> $result)?,)* }

        impl Api {
            fn of_static() -> Self {
                Self { $($name: black_box($name),)* }
            }

            fn of_shared(library: *mut c_void) -> Self {
                $(
                    let name = CString::new(stringify!($name)).unwrap();
                    // SAFETY: the library is open, and the name is a string of C.
                    let found = unsafe { libc::dlsym(library, name.as_ptr()) };
                    assert!(!found.is_null(), "{name:?} is not in the library");
                    // SAFETY: it is this very function, built from the same source.
                    let $name: unsafe extern "C" fn($($argument),*) $(-> $result)? = unsafe { std::mem::transmute(found) };
                )*
                Self { $($name,)* }
            }
        }
    };
}

api! {
    tachograph_registry_global: fn() -> *mut TachographRegistry;
    tachograph_counter_new: fn(*const TachographRegistry, TachographStr, TachographStr) -> *mut TachographCounter;
    tachograph_counter_inc: fn(*const TachographCounter);
    tachograph_counter_value: fn(*const TachographCounter) -> u64;
    tachograph_counter_family_new: fn(
        *const TachographRegistry,
        TachographStr,
        TachographStr,
        *const TachographStr,
        usize,
        *const TachographFamilyOptions
    ) -> *mut TachographCounterFamily;
    tachograph_counter_family_inc_by: fn(*const TachographCounterFamily, *const TachographStr, usize, u64) -> TachographStatus;
    tachograph_histogram_new: fn(
        *const TachographRegistry,
        TachographStr,
        TachographStr,
        *const TachographBuckets
    ) -> *mut TachographHistogram;
    tachograph_histogram_observe: fn(*const TachographHistogram, u64);
    tachograph_histogram_count: fn(*const TachographHistogram) -> u64;
    tachograph_http_new: fn(*const TachographRegistry, *const TachographHttpOptions) -> *mut TachographHttp;
    tachograph_http_endpoint: fn(*const TachographHttp, TachographStr) -> *mut TachographEndpoint;
    tachograph_endpoint_observe: fn(*const TachographEndpoint, TachographStr, u16, u64, u64, u64) -> TachographStatus;
    tachograph_profiler_new: fn(*const TachographProfilerOptions) -> *mut TachographProfiler;
    tachograph_request_start: fn(
        *const TachographEndpoint,
        *const TachographProfiler,
        TachographStr,
        *const TachographRequestOptions
    ) -> *mut TachographRequest;
    tachograph_phase_begin: fn(*const TachographRequest, TachographStr) -> *mut TachographPhase;
    tachograph_phase_end: fn(*mut TachographPhase);
    tachograph_request_finish: fn(*mut TachographRequest, u16, u64, u64) -> u64;
}

/// The calls of one of the libraries. Handles are not freed: they serve to the end.
fn in_c(api: Api) -> Vec<Calls> {
    // SAFETY, of all blocks: the handles are alive to the end of the process, and the texts to the end of each call.
    let text = |text: &'static str| s(text);
    // SAFETY: as above.
    let registry = unsafe { (api.tachograph_registry_global)() };
    // SAFETY: as above.
    let counter_of = |name: &str| unsafe { (api.tachograph_counter_new)(registry, s(name), s("")) };
    let counter = counter_of("a_total");
    let many: Vec<_> = (0..64).map(|n| counter_of(&format!("c{n}_total"))).collect();
    // SAFETY: as above.
    let family = unsafe { (api.tachograph_counter_family_new)(registry, text("b_total"), text(""), &text("kind"), 1, null()) };
    let buckets = TachographBuckets {
        size: size_of::<TachographBuckets>(),
        bounds: BOUNDS.as_ptr(),
        count: BOUNDS.len(),
        unit: 0,
        resolution: 0,
        highest_trackable: 0,
    };
    // SAFETY: as above.
    let (histogram, http) = unsafe {
        ((api.tachograph_histogram_new)(registry, text("d"), text(""), &buckets), (api.tachograph_http_new)(registry, null()))
    };
    // SAFETY: as above.
    let (endpoint, profiler) =
        unsafe { ((api.tachograph_http_endpoint)(http, text("/scene")), (api.tachograph_profiler_new)(null())) };
    assert!(!counter.is_null() && !family.is_null() && !histogram.is_null() && !endpoint.is_null() && !profiler.is_null());
    // SAFETY: as above.
    unsafe {
        (api.tachograph_counter_inc)(counter);
        assert_eq!((api.tachograph_counter_value)(counter), 1);
        (api.tachograph_histogram_observe)(histogram, 1);
        assert_eq!((api.tachograph_histogram_count)(histogram), 1);
    }
    vec![
        Box::new(|count| (0..count).for_each(|n| _ = black_box(n))),
        // SAFETY, of these too: as above.
        Box::new(move |count| (0..count).for_each(|_| unsafe { (api.tachograph_counter_inc)(counter) })),
        Box::new(move |count| (0..count).for_each(|n| unsafe { (api.tachograph_counter_inc)(many[n as usize % 64]) })),
        Box::new(move |count| {
            (0..count).for_each(|_| _ = unsafe { (api.tachograph_counter_family_inc_by)(family, &text("bullet"), 1, 1) })
        }),
        Box::new(move |count| (0..count).for_each(|n| unsafe { (api.tachograph_histogram_observe)(histogram, n * 1_000) })),
        Box::new(move |count| {
            (0..count)
                .for_each(|n| _ = unsafe { (api.tachograph_endpoint_observe)(endpoint, text("GET"), 200, n * 1_000, 10, 20) })
        }),
        Box::new(move |count| {
            (0..count).for_each(|_| unsafe {
                let request = (api.tachograph_request_start)(endpoint, null(), text("GET"), null());
                (api.tachograph_request_finish)(request, 200, 10, 20);
            })
        }),
        Box::new(move |count| {
            (0..count).for_each(|_| unsafe {
                let request = (api.tachograph_request_start)(endpoint, profiler, text("GET"), null());
                for name in PHASES {
                    (api.tachograph_phase_end)((api.tachograph_phase_begin)(request, text(name)));
                }
                (api.tachograph_request_finish)(request, 200, 10, 20);
            })
        }),
    ]
}

fn main() {
    // Both lie in the folder of what is built for the bench.
    let folder = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    let path = CString::new(folder.join("libtachograph_ffi.so").to_str().unwrap()).unwrap();
    // SAFETY: the path is a string of C; what the library does when it is loaded is nothing.
    let library = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
    assert!(!library.is_null(), "{path:?} cannot be loaded");
    let subjects = [("Rust", in_rust()), ("static", in_c(Api::of_static())), ("shared", in_c(Api::of_shared(library)))];

    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    if let [subject, work, count] = &arguments[..] {
        let (_, works) = subjects.iter().find(|(name, _)| name == subject).expect("Rust, static or shared");
        let calls = &works[work.parse::<usize>().unwrap()];
        // What the first time takes is not what is asked for.
        calls(1_000);
        return counted_calls(calls, count.parse().unwrap());
    }

    let (rounds, count) = if std::env::args().any(|argument| argument == "--test") { (1, 100) } else { (ROUNDS, CALLS) };
    println!("{:<44} {:>8} {:>8} {:>8}", "ns a call, the best of 40 rounds in turns", "Rust", "static", "shared");
    for (work, name) in WORKS.iter().enumerate() {
        let mut best = [f64::INFINITY; 3];
        for _ in 0..rounds {
            for ((_, works), best) in subjects.iter().zip(&mut best) {
                let started = Instant::now();
                counted_calls(&works[work], count);
                *best = best.min(started.elapsed().as_nanos() as f64 / count as f64);
            }
        }
        println!("{name:<44} {:>8.2} {:>8.2} {:>8.2}", best[0], best[1], best[2]);
    }
}
