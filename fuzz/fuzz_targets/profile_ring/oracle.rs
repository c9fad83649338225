//! What a profiler has to keep, by lists and maps.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use tachograph::http::Method;
use tachograph::profile::{ABORTED, ProfileOptions, Profiler, RequestProfile, Sizes, TraceId};

const PHASES: usize = 16;

/// Bytes that sizes are told up to: 48 bits.
const MOST_BYTES: u64 = 281_474_976_710_655;

/// Bounds of the buckets of durations.
const BOUNDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0];

/// A name as it is kept. (No input has so many that there is no room for one.)
pub fn name(name: &str) -> &str {
    if name.len() > 128 { "other" } else { name }
}

/// Checks the id of a request that brought this one.
pub fn check_id(id: &str, brought: Option<&str>) {
    match brought.filter(|brought| !brought.is_empty()) {
        Some(brought) => {
            assert!(id.len() <= 64 && brought.starts_with(id));
            let next = brought[id.len()..].chars().next();
            assert!(next.is_none_or(|next| id.len() + next.len_utf8() > 64), "cut too early: {id}");
        }
        None => {
            let parts: Vec<&str> = id.split('_').collect();
            assert!(parts.len() >= 3 && id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'));
            assert!(parts.iter().all(|part| !part.is_empty()), "{id}");
        }
    }
}

/// The trace id of a header, by its places.
pub fn trace_id(header: &str) -> Option<String> {
    let bytes = header.trim_matches([' ', '\t', '\n', '\r', '\u{c}']).as_bytes();
    let dashes = [2, 35, 52];
    let digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let known =
        bytes.get(..55)?.iter().enumerate().all(|(at, byte)| if dashes.contains(&at) { *byte == b'-' } else { digit(byte) });
    let whole = bytes.len() == 55 || (&bytes[..2] != b"00" && bytes[55] == b'-');
    let zero = |of: &[u8]| of.iter().all(|byte| *byte == b'0');
    let legal = known && whole && &bytes[..2] != b"ff" && !zero(&bytes[3..35]) && !zero(&bytes[36..52]);
    legal.then(|| String::from_utf8_lossy(&bytes[3..35]).into_owned())
}

/// A request, open or finished.
#[derive(Clone)]
pub struct Request {
    id: String,
    endpoint: String,
    method: Method,
    trace_id: Option<TraceId>,
    finished: bool,
    /// Name, parent, and whether it is open.
    phases: Vec<(String, Option<usize>, bool)>,
    dropped: usize,
    /// The phase that began last, or what it was a part of once it has ended.
    last: Option<usize>,
    status: u16,
    sizes: Sizes,
    /// `None` of one that was dropped.
    duration: Option<Duration>,
}

impl Request {
    pub fn new(id: String, endpoint: &str, method: Method, trace_id: Option<TraceId>) -> Self {
        let endpoint = name(endpoint).to_owned();
        let (phases, sizes) = (Vec::new(), Sizes::default());
        let (finished, dropped, last, status, duration) = (false, 0, None, ABORTED, None);
        Self { id, endpoint, method, trace_id, finished, phases, dropped, last, status, sizes, duration }
    }

    /// Begins a part of the innermost phase that is open.
    pub fn begin(&mut self, name: &str) -> Option<usize> {
        let mut parent = self.last;
        while let Some(at) = parent.filter(|&at| !self.phases[at].2) {
            parent = self.phases[at].1;
        }
        self.begin_in(parent, name)
    }

    pub fn begin_in(&mut self, parent: Option<usize>, name: &str) -> Option<usize> {
        if self.finished {
            return None;
        }
        if self.phases.len() == PHASES {
            self.dropped += 1;
            return None;
        }
        self.phases.push((self::name(name).to_owned(), parent, true));
        self.last = Some(self.phases.len() - 1);
        self.last
    }

    pub fn end(&mut self, at: usize) {
        self.phases[at].2 = false;
        if self.last == Some(at) {
            self.last = self.phases[at].1;
        }
    }

    fn failed(&self) -> bool {
        self.duration.is_none() || self.status >= 500
    }

    fn check(&self, profile: &RequestProfile) {
        assert_eq!((&*profile.request_id, &*profile.endpoint), (&*self.id, &*self.endpoint));
        assert_eq!((profile.method, profile.status, profile.trace_id), (self.method, self.status, self.trace_id));
        let sizes = [self.sizes.request_bytes, self.sizes.response_bytes].map(|bytes| bytes.min(MOST_BYTES));
        assert_eq!([profile.request_bytes, profile.response_bytes], sizes);
        assert_eq!(profile.aborted, self.duration.is_none());
        assert_eq!(profile.duration, self.duration.unwrap_or(profile.duration));
        assert_eq!(usize::from(profile.phases_dropped), self.dropped.min(255));
        let phases = profile.phases.iter().map(|phase| (&*phase.name, phase.parent));
        assert!(phases.eq(self.phases.iter().map(|(name, parent, _)| (&**name, *parent))));
        assert!(profile.phases.iter().all(|phase| phase.start + phase.duration <= profile.duration));
        assert!(profile.phases.is_sorted_by_key(|phase| phase.start));
    }
}

pub struct Oracle {
    options: ProfileOptions,
    started: Instant,
    /// All since the last clear, by number.
    all: BTreeMap<u64, Request>,
    ring: VecDeque<u64>,
    recorded: u64,
    phases_dropped: u64,
    endpoints: BTreeSet<String>,
}

impl Oracle {
    pub fn new(options: ProfileOptions) -> Self {
        let (all, ring, endpoints) = (BTreeMap::new(), VecDeque::new(), BTreeSet::new());
        Self { options, started: Instant::now(), all, ring, recorded: 0, phases_dropped: 0, endpoints }
    }

    /// Only the first end of a request counts.
    pub fn finished(&mut self, request: &mut Request, status: u16, sizes: Sizes, duration: Duration) {
        if !request.finished {
            (request.status, request.sizes, request.duration) = (status, sizes, Some(duration));
            self.aborted(request);
        }
    }

    pub fn aborted(&mut self, request: &mut Request) {
        if std::mem::replace(&mut request.finished, true) {
            return;
        }
        self.all.insert(self.recorded, request.clone());
        self.ring.push_back(self.recorded);
        if self.ring.len() > self.options.capacity.max(1) {
            self.ring.pop_front();
        }
        self.recorded += 1;
        self.phases_dropped += request.dropped.min(255) as u64;
        self.endpoints.insert(request.endpoint.clone());
    }

    pub fn clear(&mut self, profiler: &Profiler) {
        let kept = profiler.profiles().len();
        assert_eq!(profiler.clear(), kept);
        self.all.clear();
        self.ring.clear();
    }

    pub fn check(&self, profiler: &Profiler) {
        assert_eq!((profiler.recorded(), profiler.dropped()), (self.recorded, 0));
        assert_eq!(profiler.phases_dropped(), self.phases_dropped);
        let profiles = profiler.profiles();
        assert!(profiles.is_sorted_by(|a, b| a.number > b.number));
        profiles.iter().for_each(|profile| self.all[&profile.number].check(profile));
        let of_the_ring = profiles.iter().take(self.ring.len()).map(|profile| profile.number);
        assert!(of_the_ring.eq(self.ring.iter().rev().copied()), "the last ones");
        let beside = profiles.len() - self.ring.len();
        assert!(beside <= self.options.slowest + self.options.pinned, "{beside} beside the ring");
        self.check_slowest(&profiles);
        self.check_exemplars(profiler, &profiles);
    }

    /// Of each route, of failures and successes, the slowest is there, if there is a place for each. What is not told apart: 64 ns.
    fn check_slowest(&self, profiles: &[RequestProfile]) {
        let mut slowest: BTreeMap<(&str, bool), Duration> = BTreeMap::new();
        for request in self.all.values() {
            let most = slowest.entry((&request.endpoint, request.failed())).or_default();
            *most = request.duration.unwrap_or_default().max(*most);
        }
        if slowest.len() > self.options.slowest {
            return;
        }
        for ((endpoint, failed), duration) in slowest {
            let of_it = profiles
                .iter()
                .filter(|profile| *profile.endpoint == *endpoint && self.all[&profile.number].failed() == failed);
            let most = of_it.map(|profile| profile.duration).max();
            assert!(most.is_some_and(|most| most + Duration::from_nanos(64) > duration), "{endpoint}: {most:?}, {duration:?}");
        }
    }

    /// A place, that is a route and a bucket, has one exemplar at most; and one at least, when there are slots enough for the places.
    fn check_exemplars(&self, profiler: &Profiler, profiles: &[RequestProfile]) {
        let place = |profile: &RequestProfile| {
            let bucket = BOUNDS.iter().filter(|&&bound| profile.duration > Duration::from_secs_f64(bound)).count();
            (profile.endpoint.to_string(), bucket)
        };
        let exemplars = profiler.exemplars();
        assert!(exemplars.iter().all(|exemplar| profiles.contains(exemplar)));
        let places: BTreeSet<_> = exemplars.iter().map(place).collect();
        assert_eq!(places.len(), exemplars.len());
        // A place pins again after a second.
        let pins = (BOUNDS.len() + 1) * self.endpoints.len() * (1 + self.started.elapsed().as_secs() as usize);
        if pins <= self.options.pinned {
            assert!(profiles.iter().all(|profile| places.contains(&place(profile))), "a place has no exemplar");
        }
    }
}
