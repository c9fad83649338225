//! A profile as the words of a slot.
//!
//! | word | holds |
//! |---|---|
//! | 0 | its number |
//! | 1 | [`Head`] |
//! | 2, 3 | trace id, high half first; 0 for none |
//! | 4 | its start, nanoseconds since 1970 |
//! | 5 | its duration in nanoseconds |
//! | 6, 7 | bytes of request and response, 48 bits each; above them the number in its id, 16 bits each, low half first |
//! | 8 to 15 | the caller's own id |
//! | 16 to 47 | the phases, two words each: [`PhaseHead`], duration in nanoseconds |

use std::time::{Duration, UNIX_EPOCH};

use super::id::Generated;
use super::name::Names;
use super::{PhaseTiming, RequestProfile, TraceId};
use crate::http::Method;

/// Phases that a profile has room for. More are counted as dropped.
pub(super) const PHASES: usize = 16;

/// Words of a profile.
pub(super) const WORDS: usize = FIRST_PHASE + 2 * PHASES;

pub(super) type Words = [u64; WORDS];

pub(super) const HEAD: usize = 1;
pub(super) const TRACE: usize = 2;
pub(super) const STARTED: usize = 4;
pub(super) const DURATION: usize = 5;
pub(super) const SIZES: usize = 6;
pub(super) const ID: usize = 8;
pub(super) const FIRST_PHASE: usize = 16;

/// The most bytes of a body that are told: 256 TiB.
const MOST_BYTES: u64 = (1 << 48) - 1;

/// What fits into a few bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) endpoint: u8,
    pub(super) method: Method,
    pub(super) status: u16,
    pub(super) aborted: bool,
    /// At most `PHASES`.
    pub(super) phases: u8,
    pub(super) phases_dropped: u8,
    /// Bytes of the caller's own id: at most 64, 0 for none.
    pub(super) id_len: u8,
}

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

impl Head {
    pub(super) fn word(self) -> u64 {
        let bytes = [self.endpoint, self.method as u8, self.phases, self.phases_dropped, self.id_len, self.aborted.into()];
        let low = bytes.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte));
        low | u64::from(self.status) << 48
    }

    pub(super) fn of(word: u64) -> Self {
        let [endpoint, method, phases, phases_dropped, id_len, aborted, low, high] = word.to_le_bytes();
        Self {
            endpoint,
            method: METHODS.get(usize::from(method)).copied().unwrap_or(Method::Other),
            status: u16::from_le_bytes([low, high]),
            aborted: aborted != 0,
            phases,
            phases_dropped,
            id_len,
        }
    }
}

/// What a phase has beside its duration. Its word is never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PhaseHead {
    pub(super) name: u8,
    /// The place of its parent; `None` for the request itself.
    pub(super) parent: Option<u8>,
    /// Nanoseconds from the request's start on, up to 2^48: three days.
    pub(super) start: u64,
}

impl PhaseHead {
    /// Bits of a start.
    const START_BITS: u32 = 48;
    /// Stands above the parent, so that no word is 0.
    const THERE: u64 = 1 << 63;

    pub(super) fn word(self) -> u64 {
        let parent = self.parent.map_or(0, |parent| u64::from(parent) + 1);
        let start = self.start.min((1 << Self::START_BITS) - 1);
        Self::THERE | parent << (Self::START_BITS + 8) | u64::from(self.name) << Self::START_BITS | start
    }

    pub(super) fn of(word: u64) -> Self {
        let parent = (word & !Self::THERE) >> (Self::START_BITS + 8);
        Self {
            name: (word >> Self::START_BITS) as u8,
            parent: (parent as u8).checked_sub(1),
            start: word & ((1 << Self::START_BITS) - 1),
        }
    }
}

/// Two sizes with the number of the request's id above them.
pub(super) fn sizes(request: u64, response: u64, number: u32) -> [u64; 2] {
    let halves = [number & 0xffff, number >> 16].map(u64::from);
    [request.min(MOST_BYTES) | halves[0] << 48, response.min(MOST_BYTES) | halves[1] << 48]
}

/// The first phases that these words tell.
pub(super) fn phases(words: &Words, phases: usize, names: &Names) -> Vec<PhaseTiming> {
    let (pairs, _) = words[FIRST_PHASE..].as_chunks::<2>();
    let phase = |[head, duration]: &[u64; 2]| {
        let head = PhaseHead::of(*head);
        PhaseTiming {
            name: names.name(head.name).clone(),
            parent: head.parent.map(usize::from),
            start: Duration::from_nanos(head.start),
            duration: Duration::from_nanos(*duration),
        }
    };
    pairs.iter().take(phases).map(phase).collect()
}

/// The profile that these words tell. Whether it is slow or recent is for the store to say.
pub(super) fn profile(words: &Words, names: &Names) -> RequestProfile {
    let head = Head::of(words[HEAD]);
    let endpoint = names.name(head.endpoint);
    let started = Duration::from_nanos(words[STARTED]);
    let number = (words[SIZES] >> 48 | words[SIZES + 1] >> 48 << 16) as u32;
    let request_id = match usize::from(head.id_len) {
        0 => Generated { endpoint, second: started.as_secs(), number }.to_string(),
        len => {
            let bytes: Vec<u8> = words[ID..FIRST_PHASE].iter().flat_map(|word| word.to_le_bytes()).take(len).collect();
            String::from_utf8_lossy(&bytes).into_owned()
        }
    };
    let duration = Duration::from_nanos(words[DURATION]);
    RequestProfile {
        request_id: request_id.into(),
        endpoint: endpoint.clone(),
        method: head.method,
        status: head.status,
        aborted: head.aborted,
        started_at: UNIX_EPOCH + started,
        duration,
        request_bytes: words[SIZES] & MOST_BYTES,
        response_bytes: words[SIZES + 1] & MOST_BYTES,
        trace_id: TraceId::new(u128::from(words[TRACE]) << 64 | u128::from(words[TRACE + 1])),
        is_slow: false,
        is_recent: false,
        phases: phases(words, head.phases.into(), names),
        phases_dropped: head.phases_dropped,
        number: words[0],
    }
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_packed_is_unpacked(
            (endpoint, method, status, aborted) in (any::<u8>(), 0..METHODS.len(), any::<u16>(), any::<bool>()),
            (phases, phases_dropped, id_len) in (0u8..=16, any::<u8>(), 0u8..=64),
            (name, parent, start) in (any::<u8>(), prop::option::of(0u8..16), 0u64..1 << 48),
        ) {
            let head = Head { endpoint, method: METHODS[method], status, aborted, phases, phases_dropped, id_len };
            prop_assert_eq!(Head::of(head.word()), head);
            let phase = PhaseHead { name, parent, start };
            prop_assert_eq!(PhaseHead::of(phase.word()), phase);
            prop_assert_ne!(phase.word(), 0);
        }

        #[test]
        fn sizes_are_told_up_to_256_tib(request: u64, response: u64, number: u32) {
            let mut words = [0; WORDS];
            words[SIZES..SIZES + 2].copy_from_slice(&sizes(request, response, number));
            let profile = profile(&words, &Names::new());
            prop_assert_eq!((profile.request_bytes, profile.response_bytes), (request.min(MOST_BYTES), response.min(MOST_BYTES)));
            prop_assert_eq!(&*profile.request_id, &*format!("other_0_{number:x}"));
        }
    }

    #[test]
    fn methods_stand_by_their_numbers() {
        assert!(METHODS.iter().enumerate().all(|(at, &method)| method as usize == at));
    }
}
