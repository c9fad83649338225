//! Requests made by hand, for tests.

use std::time::{Duration, SystemTime};

use proptest::prelude::*;

use crate::http::Method;
use crate::profile::{PhaseTiming, RequestProfile};

/// Name, parent, start and duration in nanoseconds.
pub(in crate::profile) type Phase<'a> = (&'a str, Option<usize>, u64, u64);

/// Names that a format may trip over.
pub(in crate::profile) const HOSTILE: [&str; 12] = [
    "",
    " ",
    "a;b",
    "say \"hello\\\"",
    "two\nlines 7\r\n",
    "\0\u{1b}[31m\u{85}\u{2028}",
    "</script><!-- ]]> &amp;",
    "🦀 ünïcode",
    "step 2",
    "1.5",
    "unaccounted",
    "{}[],:'%s\t",
];

/// A `POST` that was answered with 200.
pub(in crate::profile) fn request(endpoint: &str, nanos: u64, phases: &[Phase<'_>]) -> RequestProfile {
    let phases = phases.iter().map(|(name, parent, start, duration)| PhaseTiming {
        name: (*name).into(),
        parent: *parent,
        start: Duration::from_nanos(*start),
        duration: Duration::from_nanos(*duration),
    });
    RequestProfile {
        request_id: "scene_1733158245_7f".into(),
        endpoint: endpoint.into(),
        method: Method::Post,
        status: 200,
        aborted: false,
        started_at: SystemTime::UNIX_EPOCH + Duration::from_nanos(1_733_158_245_123_456_789),
        duration: Duration::from_nanos(nanos),
        request_bytes: 512,
        response_bytes: 64,
        trace_id: "0af7651916cd43dd8448eb211c80319c".parse().ok(),
        is_slow: false,
        is_recent: false,
        phases: phases.collect(),
        phases_dropped: 0,
        number: 1,
    }
}

/// A scene of 145.3 ms, whose phases cover 143.5 of them.
pub(in crate::profile) fn scene() -> RequestProfile {
    let phases = [
        ("auth_validation", None, 0, 2_100_000),
        ("scene_validation", None, 2_200_000, 15_000_000),
        ("file_io", None, 17_400_000, 98_300_000),
        ("fsync", Some(2), 20_000_000, 90_000_000),
        ("response_serialization", None, 117_000_000, 28_100_000),
    ];
    request("/scene", 145_300_000, &phases)
}

/// Some requests of few nanoseconds, with phases that overlap, outlast what they are in, and have parents that cannot be.
pub(in crate::profile) fn requests() -> impl Strategy<Value = Vec<RequestProfile>> {
    let phase = (0..HOSTILE.len(), prop::option::of(0usize..8), 0u64..70, 0u64..50);
    let request = (0usize..4, 0u64..60, prop::collection::vec(phase, 0..7)).prop_map(|(endpoint, nanos, phases)| {
        let phases: Vec<_> = phases.into_iter().map(|(name, parent, start, len)| (HOSTILE[name], parent, start, len)).collect();
        request(HOSTILE[endpoint], nanos, &phases)
    });
    prop::collection::vec(request, 0..5)
}
