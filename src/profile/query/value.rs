//! The values of filters: each is read, or says what to write.

use std::borrow::Cow;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::{Format, Sort};
use crate::http::Method;
use crate::profile::{TraceId, id};

/// What a value means, or what is to be written instead.
pub(super) type Understood<T> = Result<T, Cow<'static, str>>;

const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

const SORTS: [(&str, Sort); 2] = [("newest", Sort::Newest), ("slowest", Sort::Slowest)];

const FORMATS: [(&str, Format); 6] = [
    ("json", Format::Json),
    ("folded", Format::Folded),
    ("svg", Format::Svg),
    ("speedscope", Format::Speedscope),
    ("trace", Format::Trace),
    ("pprof", Format::Pprof),
];

/// The milliseconds of a second.
const MILLI: f64 = 1e3;

pub(super) fn word(text: &str, write: &'static str) -> Understood<String> {
    if text.is_empty() { Err(write.into()) } else { Ok(text.to_owned()) }
}

pub(super) fn flag(text: &str) -> Understood<bool> {
    text.parse().map_err(|_| "true or false".into())
}

pub(super) fn whole(text: &str) -> Understood<usize> {
    text.parse().map_err(|_| "a whole number from 0 on".into())
}

pub(super) fn limit(text: &str, most: usize) -> Understood<usize> {
    let limit = text.parse().ok().filter(|limit| (1..=most).contains(limit));
    limit.ok_or_else(|| format!("a whole number from 1 to {most}, as many are kept").into())
}

/// Milliseconds to nanoseconds, so that what a profile shows is what it has.
pub(super) fn milliseconds(text: &str) -> Understood<Duration> {
    seconds(text, MILLI).ok_or_else(|| "a number of milliseconds from 0 on, such as 12.5".into())
}

/// A number of which so many are a second, to nanoseconds; `None` of none, of a negative one and of one without end. What is
/// too long for nanoseconds is 584 years.
pub(super) fn seconds(text: &str, parts: f64) -> Option<Duration> {
    let number: f64 = text.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0)?;
    Some(Duration::from_nanos((number * (1e9 / parts)).round() as u64))
}

pub(super) fn method(text: &str) -> Understood<Method> {
    let capitals = text.to_ascii_uppercase();
    if capitals == "OTHER" {
        return Ok(Method::Other);
    }
    match Method::parse(&capitals) {
        Method::Other => Err(format!("one of {}, or other for all that are none of these", METHODS.join(", ")).into()),
        method => Ok(method),
    }
}

pub(super) fn status(text: &str) -> Understood<RangeInclusive<u16>> {
    if let [class @ b'1'..=b'9', b'x' | b'X', b'x' | b'X'] = text.as_bytes() {
        let first = u16::from(class - b'0') * 100;
        return Ok(first..=first + 99);
    }
    let status = text.parse().ok().filter(|status| (100..1000).contains(status));
    status.map(|status| status..=status).ok_or_else(|| "a status from 100 to 999, or a class such as 5xx".into())
}

/// Cut as those of profiles are.
pub(super) fn request_id(text: &str) -> Understood<String> {
    id::cut(text).map(str::to_owned).ok_or_else(|| "the id of a request".into())
}

pub(super) fn trace_id(text: &str) -> Understood<TraceId> {
    text.parse().map_err(|_| "32 hexadecimal digits in lower case, not all 0".into())
}

pub(super) fn sort(text: &str) -> Understood<Sort> {
    one_of(&SORTS, text)
}

pub(super) fn format(text: &str) -> Understood<Format> {
    one_of(&FORMATS, text)
}

pub(super) fn format_name(format: Format) -> &'static str {
    FORMATS.iter().find(|(_, known)| *known == format).map_or("", |(name, _)| name)
}

fn one_of<T: Copy>(known: &[(&str, T)], text: &str) -> Understood<T> {
    let found = known.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
    found.ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        format!("one of {}", names.join(", ")).into()
    })
}
