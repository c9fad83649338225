//! Any requests, whatever they are called, whichever way their phases nest and they end: the profiler keeps what the plain `oracle` says,
//! which shares no code with it. The ring holds the last ones, and beside it are the slowest of each route and an exemplar of each place,
//! until a clear takes them all.

#![no_main]

use std::cell::OnceCell;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use tachograph::http::Method;
use tachograph::profile::{OpenProfile, Phase, ProfileOptions, Profiler, Sizes, TraceId};

use oracle::{Oracle, Request};

#[path = "profile_ring/oracle.rs"]
mod oracle;

/// Requests of one input that are open for a while: enough to nest and to cross, few enough to be quick.
const MOST_OPEN: usize = 32;

const METHODS: [Method; 10] = [
    Method::Get,
    Method::Head,
    Method::Post,
    Method::Put,
    Method::Delete,
    Method::Connect,
    Method::Options,
    Method::Trace,
    Method::Patch,
    Method::Other,
];

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    capacity: u8,
    slowest: u8,
    pinned: u8,
    steps: Vec<Step<'a>>,
}

/// Numbers of requests and phases are taken modulo what there is.
#[derive(Arbitrary, Debug)]
enum Step<'a> {
    Start(Start<'a>),
    Begin {
        request: u8,
        name: &'a str,
    },
    BeginIn {
        guard: u8,
        name: &'a str,
    },
    End {
        guard: u8,
    },
    Finish {
        request: u8,
        status: u16,
        sizes: (u64, u64),
    },
    /// Starts and drops so many.
    Burst {
        start: Start<'a>,
        requests: u8,
    },
    Clear,
    Read,
}

#[derive(Arbitrary, Debug)]
struct Start<'a> {
    endpoint: &'a str,
    method: u8,
    id: Option<&'a str>,
    traceparent: Option<&'a str>,
}

impl Start<'_> {
    fn start(&self, profiler: &Profiler) -> (OpenProfile, Request) {
        let method = METHODS[usize::from(self.method) % METHODS.len()];
        let trace_id = self.traceparent.and_then(TraceId::from_traceparent);
        let told = trace_id.map(|id| id.to_string());
        assert_eq!(told, self.traceparent.and_then(oracle::trace_id));
        let mut open = profiler.start(self.endpoint, method).with_trace_id(trace_id);
        if let Some(id) = self.id {
            open = open.with_request_id(id);
        }
        let id = open.request_id().to_string();
        oracle::check_id(&id, self.id);
        assert_eq!(open.endpoint(), oracle::name(self.endpoint));
        (open, Request::new(id, self.endpoint, method, trace_id))
    }
}

/// A guard, whose request it is of, and the place of its phase, if it got one.
type Guard<'a> = (Phase<'a>, usize, Option<usize>);

fn run(profiler: &Profiler, steps: &[Step], oracle: &mut Oracle) {
    let arena: Vec<OnceCell<OpenProfile>> = (0..MOST_OPEN).map(|_| OnceCell::new()).collect();
    let mut requests: Vec<Request> = Vec::new();
    // After the arena, so that guards are dropped before what they are of.
    let mut guards: Vec<Guard> = Vec::new();
    let open = |at: usize| arena[at].get().expect("it was started");
    for step in steps {
        match step {
            Step::Start(start) if requests.len() < MOST_OPEN => {
                let (profile, request) = start.start(profiler);
                arena[requests.len()].set(profile).expect("nothing is there yet");
                requests.push(request);
            }
            Step::Begin { request, name } if !requests.is_empty() => {
                let at = usize::from(*request) % requests.len();
                let guard = open(at).phase(name);
                guards.push((guard, at, requests[at].begin(name)));
            }
            Step::BeginIn { guard, name } if !guards.is_empty() => {
                let (outer, at, parent) = &guards[usize::from(*guard) % guards.len()];
                let (inner, at) = (outer.phase(name), *at);
                let place = requests[at].begin_in(*parent, name);
                guards.push((inner, at, place));
            }
            Step::End { guard } if !guards.is_empty() => {
                let (guard, at, place) = guards.swap_remove(usize::from(*guard) % guards.len());
                drop(guard);
                place.into_iter().for_each(|place| requests[at].end(place));
            }
            Step::Finish { request, status, sizes: (request_bytes, response_bytes) } if !requests.is_empty() => {
                let at = usize::from(*request) % requests.len();
                let sizes = Sizes { request_bytes: *request_bytes, response_bytes: *response_bytes };
                let duration = open(at).finish(*status, sizes);
                oracle.finished(&mut requests[at], *status, sizes, duration);
            }
            Step::Burst { start, requests } => {
                for _ in 0..*requests {
                    let (profile, mut request) = start.start(profiler);
                    drop(profile);
                    oracle.aborted(&mut request);
                }
            }
            Step::Clear => oracle.clear(profiler),
            Step::Read => oracle.check(profiler),
            _ => {}
        }
    }
    drop(guards);
    drop(arena);
    requests.iter_mut().for_each(|request| oracle.aborted(request));
}

fuzz_target!(|input: Input| {
    let (capacity, slowest) = (usize::from(input.capacity % 20), usize::from(input.slowest % 20));
    let pinned = [0, 1, 3, 80][usize::from(input.pinned) % 4];
    let options = ProfileOptions { capacity, slowest, pinned, ..ProfileOptions::default() };
    let profiler = Profiler::new(options.clone());
    let mut oracle = Oracle::new(options);
    run(&profiler, &input.steps, &mut oracle);
    oracle.check(&profiler);
    // What it allocates is fixed: profiles, their keys, and all that names need.
    assert!(profiler.heap_bytes() < 50_000 + 500 * (capacity + slowest + pinned));
    oracle.clear(&profiler);
    oracle.check(&profiler);
});
