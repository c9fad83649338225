//! What OpenMetrics 1.0 has and the text format has not: units, types of its own, exemplars, times of creation, an end.

use std::time::{SystemTime, UNIX_EPOCH};

use super::text::push;
use super::{escape, names, number};
use crate::metric::bucket::Buckets;
use crate::metric::descriptor::{Descriptor, Kind};
use crate::metric::exemplar::Exemplar;

/// The last line: what ends without it was cut off.
pub(super) const END: &[u8] = b"# EOF\n";

/// Appends type, unit and help of a family whose samples have this name.
pub(super) fn metadata(out: &mut Vec<u8>, descriptor: &Descriptor, name: &str) {
    let stem = stem(descriptor.kind(), name);
    let quoted = names::quoted(stem);
    push(out, &["# TYPE ", &quoted, " ", descriptor.kind().as_str(), "\n"]);
    // A scheme may have changed the name so that it does not end in the unit any more; then nothing is said of it.
    if let Some(unit) = descriptor.unit()
        && stem.strip_suffix(unit).is_some_and(|before| before.ends_with('_'))
    {
        push(out, &["# UNIT ", &quoted, " ", unit, "\n"]);
    }
    if !descriptor.help().is_empty() {
        push(out, &["# HELP ", &quoted, " "]);
        // Here HELP escapes the quote too, as a label's value does.
        escape::label_value(out, descriptor.help());
        out.push(b'\n');
    }
}

/// What a family is called whose samples have this name.
pub(super) fn stem(kind: Kind, name: &str) -> &str {
    let suffix = match kind {
        Kind::Counter => "_total",
        Kind::Info => "_info",
        _ => return name,
    };
    name.strip_suffix(suffix).unwrap_or(name)
}

/// The exemplar of each bucket among the bounds, the one up to `+Inf` included.
pub(crate) fn by_bucket<'a>(buckets: &Buckets, exemplars: &'a [Exemplar]) -> Vec<Option<&'a Exemplar>> {
    let mut places = vec![None; buckets.bounds().count() + 1];
    for exemplar in exemplars {
        let bucket = buckets.bounds().take_while(|&bound| bound < exemplar.value()).count();
        places[bucket] = Some(exemplar);
    }
    places
}

/// Appends what follows the value of a bucket.
pub(super) fn exemplar(out: &mut Vec<u8>, exemplar: &Exemplar) {
    push(out, &[" # {", exemplar.labels(), "} "]);
    number::openmetrics_float(out, exemplar.value());
    out.push(b' ');
    timestamp(out, exemplar.observed_at());
}

/// Appends a time in seconds since 1970, to the millisecond.
pub(super) fn timestamp(out: &mut Vec<u8>, at: SystemTime) {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    push(out, &[&format!("{}.{:03}", since.as_secs(), since.subsec_millis())]);
}
