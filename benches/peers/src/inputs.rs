//! What all subjects are given: labels, values and requests, made once and in the same order for everybody.

use std::fmt;
use std::sync::LazyLock;
use std::time::Duration;

use tachograph::http::Method;

use crate::typed::{self, Typed};
use crate::work::{BYTES, NANOSECONDS};

/// Endpoints there are.
pub const ENDPOINTS: usize = 20;
/// Methods there are.
pub const METHODS: [Method; 4] = [Method::Get, Method::Post, Method::Put, Method::Delete];
/// Statuses there are.
pub const STATUSES: [u16; 5] = [200, 201, 304, 404, 500];

/// Length of the lists: a power of two, so that walking through them costs a mask. Short enough for the caches, long enough that
/// branch prediction cannot learn them by heart.
pub const LEN: usize = 1_024;

/// Which endpoint, method and status, as indices.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pick {
    /// Below [`ENDPOINTS`].
    pub endpoint: u8,
    /// Into [`METHODS`].
    pub method: u8,
    /// Into [`STATUSES`].
    pub status: u8,
}

/// A finished request, in the forms that the subjects take.
#[derive(Clone, Copy, Debug, Default)]
pub struct Request {
    /// What it was.
    pub pick: Pick,
    /// How long it took.
    pub duration: Duration,
    /// The same for those who want floats.
    pub seconds: f64,
    /// Bytes of the request.
    pub request_bytes: u32,
    /// Bytes of the response.
    pub response_bytes: u32,
}

/// The lists.
#[derive(Debug)]
pub struct Inputs {
    /// Label values, made at run time.
    pub endpoints: [&'static str; ENDPOINTS],
    /// See [`METHODS`].
    pub methods: [&'static str; METHODS.len()],
    /// See [`STATUSES`].
    pub statuses: [&'static str; STATUSES.len()],
    picks: Box<[Pick; LEN]>,
    typed: Box<[Typed; LEN]>,
    durations: Box<[(u64, f64); LEN]>,
    requests: Box<[Request; LEN]>,
}

/// The lists of this process.
pub fn inputs() -> &'static Inputs {
    static INPUTS: LazyLock<Inputs> = LazyLock::new(Inputs::new);
    &INPUTS
}

impl Inputs {
    /// Values of the three labels of operation `i`.
    #[inline]
    pub fn labels(&self, i: usize) -> [&'static str; 3] {
        self.spell(self.picks[i % LEN])
    }

    /// Typed values of the three labels of operation `i`.
    #[inline]
    pub fn typed(&self, i: usize) -> Typed {
        self.typed[i % LEN]
    }

    /// All values that [`labels`](Self::labels) may give.
    pub fn all_labels(&self) -> Vec<[&'static str; 3]> {
        (0..ENDPOINTS * METHODS.len() * STATUSES.len()).map(|at| self.spell(pick(at))).collect()
    }

    /// Nanoseconds and seconds of operation `i`.
    #[inline]
    pub fn duration(&self, i: usize) -> (u64, f64) {
        self.durations[i % LEN]
    }

    /// The request of operation `i`.
    #[inline]
    pub fn request(&self, i: usize) -> &Request {
        &self.requests[i % LEN]
    }

    /// Label values of a pick.
    #[inline]
    pub fn spell(&self, pick: Pick) -> [&'static str; 3] {
        let Pick { endpoint, method, status } = pick;
        [self.endpoints[usize::from(endpoint)], self.methods[usize::from(method)], self.statuses[usize::from(status)]]
    }

    fn new() -> Self {
        let mut random = Random(0x9E37_79B9_7F4A_7C15);
        let series = ENDPOINTS * METHODS.len() * STATUSES.len();
        let picks: Vec<Pick> = random.shuffled(series).map(pick).collect();
        let nanos = |random: &mut Random| -> Vec<u64> {
            let buckets: Vec<usize> = random.shuffled(NANOSECONDS.len() + 1).collect();
            buckets.into_iter().map(|bucket| random.within(bucket, &NANOSECONDS)).collect()
        };
        let bytes = |random: &mut Random| -> Vec<u32> {
            let buckets: Vec<usize> = random.shuffled(BYTES.len() + 1).collect();
            buckets.into_iter().map(|bucket| random.within(bucket, &BYTES) as u32).collect()
        };
        let durations: Vec<(u64, f64)> = nanos(&mut random).into_iter().map(|nanos| (nanos, nanos as f64 / 1e9)).collect();
        let (took, sent, received) = (nanos(&mut random), bytes(&mut random), bytes(&mut random));
        let order: Vec<usize> = random.shuffled(LEN).collect();
        let request = |at: usize| Request {
            pick: picks[order[at]],
            duration: Duration::from_nanos(took[at]),
            seconds: took[at] as f64 / 1e9,
            request_bytes: sent[at],
            response_bytes: received[at],
        };
        Self {
            endpoints: std::array::from_fn(|at| &*format!("/api/v1/resource-{at}/{{id}}").leak()),
            methods: METHODS.map(|method| &*method.as_str().to_owned().leak()),
            statuses: STATUSES.map(|status| &*status.to_string().leak()),
            requests: Box::new(std::array::from_fn(request)),
            picks: boxed(picks),
            typed: boxed(random.shuffled(typed::SERIES).map(Typed::nth).collect()),
            durations: boxed(durations),
        }
    }
}

/// Number `at` of all picks.
fn pick(at: usize) -> Pick {
    Pick {
        endpoint: (at / (METHODS.len() * STATUSES.len())) as u8,
        method: (at / STATUSES.len() % METHODS.len()) as u8,
        status: (at % STATUSES.len()) as u8,
    }
}

fn boxed<T: fmt::Debug>(list: Vec<T>) -> Box<[T; LEN]> {
    list.into_boxed_slice().try_into().expect("every list is LEN long")
}

/// SplitMix64: the same numbers on every machine and in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// The numbers below `n`, shuffled, again and again, `LEN` in all.
    fn shuffled(&mut self, n: usize) -> impl Iterator<Item = usize> + use<> {
        let mut all = Vec::with_capacity(LEN + n);
        while all.len() < LEN {
            let start = all.len();
            all.extend(0..n);
            for left in (1..n).rev() {
                all.swap(start + left, start + (self.next() % (left as u64 + 1)) as usize);
            }
        }
        all.into_iter().take(LEN)
    }

    /// A value of a bucket; the one past the last bound ends at twice that bound. One in eight is the bound itself.
    fn within(&mut self, bucket: usize, bounds: &[u64]) -> u64 {
        let below = if bucket == 0 { 0 } else { bounds[bucket - 1] };
        let upto = bounds.get(bucket).copied().unwrap_or(2 * below);
        if self.next().is_multiple_of(8) { upto } else { below + 1 + self.next() % (upto - below) }
    }
}
