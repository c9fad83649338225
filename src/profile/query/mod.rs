//! What somebody wants to see of the profiles: filters, an order, and how many.
//!
//! A [`Query`] is read from the pairs of a query string or from a JSON object (`object`), filter by filter (`filter`), each
//! value by what it is (`value`, `span`). What cannot be meant is an `error` that says what to write instead.

mod error;
mod filter;
mod object;
mod span;
mod value;

use std::cmp::Reverse;
use std::ops::RangeInclusive;
use std::time::{Duration, SystemTime};

pub use error::QueryError;
pub use span::TimeSpan;

use super::{RequestProfile, TraceId};
use crate::http::Method;
use filter::Reading;

/// Profiles of an answer whose query has no `limit`.
///
/// # Examples
///
/// ```
/// use tachograph::profile::query::{DEFAULT_LIMIT, Query, Wanted};
///
/// assert_eq!(Query::from_json(Wanted::Profiles, 1_000, b"{}")?.limit, Some(DEFAULT_LIMIT));
/// # Ok::<(), tachograph::profile::query::QueryError>(())
/// ```
pub const DEFAULT_LIMIT: usize = 100;

/// What is asked for, which decides the filters that there are.
///
/// # Examples
///
/// ```
/// use tachograph::profile::query::{Query, Wanted};
///
/// let drawn = [("format", "svg")];
/// assert!(Query::from_pairs(Wanted::FlameGraph, 1_000, drawn).is_ok());
/// assert!(Query::from_pairs(Wanted::Profiles, 1_000, drawn).is_err());
/// assert!(Query::from_pairs(Wanted::Unfiltered, 1_000, [("slow", "true")]).is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Profiles: all filters but `format` and `compare`; as many as `limit` says, 100 without.
    Profiles,
    /// A flame graph of profiles: all filters; of all that match without `limit`.
    FlameGraph,
    /// Something that takes no filters.
    Unfiltered,
}

/// The order of profiles.
///
/// # Examples
///
/// ```
/// use tachograph::profile::query::{Query, Sort, Wanted};
///
/// assert_eq!(Query::from_pairs(Wanted::Profiles, 1_000, [("sort", "slowest")])?.sort, Sort::Slowest);
/// # Ok::<(), tachograph::profile::query::QueryError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// The one that ended last comes first.
    #[default]
    Newest,
    /// The slowest one comes first.
    Slowest,
}

/// The form of a flame graph.
///
/// # Examples
///
/// ```
/// use tachograph::profile::query::{Format, Query, Wanted};
///
/// assert_eq!(Query::from_pairs(Wanted::FlameGraph, 1_000, [("format", "folded")])?.format, Format::Folded);
/// # Ok::<(), tachograph::profile::query::QueryError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// d3-flame-graph's tree.
    #[default]
    Json,
    /// Brendan Gregg's stacks.
    Folded,
    /// A picture.
    Svg,
    /// speedscope's file.
    Speedscope,
    /// Chrome's trace events.
    Trace,
    /// pprof's file.
    Pprof,
}

/// Which profiles, in which order, and how many of them. What is `None` filters nothing.
///
/// | filter | matches |
/// |---|---|
/// | `endpoint` | the route exactly |
/// | `method` | the method, in any case |
/// | `status` | a status, or a class such as `5xx` |
/// | `min_duration_ms`, `max_duration_ms` | durations of at least, of at most so many milliseconds |
/// | `slow` | `true`, or `false`: those that are not |
/// | `recent` | `true`: the last requests, all of them; `false`: those before, the slowest of their route or an exemplar |
/// | `request_id`, `trace_id` | the id exactly |
/// | `phase` | requests that have a phase of this name |
/// | `aborted` | `true`, or `false`: those that are not |
/// | `span` | requests that began in a [`TimeSpan`], `START..END` |
/// | `sort` | `newest` (default) or `slowest` first |
/// | `limit`, `offset` | so many of them, after leaving out so many |
/// | `format` | of a flame graph: `json` (default), `folded`, `svg`, `speedscope`, `trace`, `pprof` |
/// | `compare` | of a flame graph in `json`, `folded` or `svg`: a span, whose requests these are compared with; without `span`, those after it |
///
/// # Examples
///
/// ```
/// use tachograph::http::Method;
/// use tachograph::profile::query::{Query, Wanted};
/// use tachograph::profile::{ProfileOptions, Profiler, Sizes};
///
/// let profiler = Profiler::new(ProfileOptions::default());
/// profiler.start("/scene", Method::Post).finish(200, Sizes::default());
/// profiler.start("/scene", Method::Get).finish(404, Sizes::default());
///
/// let query = Query::from_pairs(Wanted::Profiles, profiler.most(), [("method", "get"), ("status", "4xx")])?;
/// let matching = query.matching(profiler.profiles());
/// assert_eq!((matching.len(), matching[0].status), (1, 404));
/// assert_eq!(query, Query::from_json(Wanted::Profiles, profiler.most(), br#"{"method": "GET", "status": "4xx"}"#)?);
///
/// let refused = Query::from_pairs(Wanted::Profiles, profiler.most(), [("limit", "5000")]).unwrap_err();
/// assert_eq!(refused.to_string(), "limit is 5000, write a whole number from 1 to 1160, as many are kept");
/// # Ok::<(), tachograph::profile::query::QueryError>(())
/// ```
///
/// A page of those that match, and what they are compared with:
///
/// ```
/// use tachograph::http::Method;
/// use tachograph::profile::query::{Query, Wanted};
/// use tachograph::profile::{ProfileOptions, Profiler, Sizes};
///
/// let profiler = Profiler::new(ProfileOptions::default());
/// [200, 404, 200].map(|status| profiler.start("/scene", Method::Get).finish(status, Sizes::default()));
/// let query = Query::from_pairs(Wanted::FlameGraph, 1_000, [("status", "200"), ("offset", "1"), ("compare", "..-10m")])?;
/// let matching = query.matching(profiler.profiles());
/// assert!(matching.iter().all(|profile| query.matches(profile)));
/// assert_eq!((matching.len(), query.page(&matching).len()), (2, 1));
/// // What these are compared with: the same, of before.
/// assert!(query.before().unwrap().matching(profiler.profiles()).is_empty());
/// # Ok::<(), tachograph::profile::query::QueryError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each is the filter that it is named after")]
pub struct Query {
    pub endpoint: Option<String>,
    pub method: Option<Method>,
    pub status: Option<RangeInclusive<u16>>,
    pub min_duration: Option<Duration>,
    pub max_duration: Option<Duration>,
    pub slow: Option<bool>,
    pub recent: Option<bool>,
    /// Cut as those of profiles are.
    pub request_id: Option<String>,
    pub trace_id: Option<TraceId>,
    pub phase: Option<String>,
    pub aborted: Option<bool>,
    pub span: Option<TimeSpan>,
    pub sort: Sort,
    /// `None` for all of them.
    pub limit: Option<usize>,
    pub offset: usize,
    pub format: Format,
    pub compare: Option<TimeSpan>,
}

impl Query {
    /// Reads the pairs of a query string. `most` is the largest `limit` that makes sense:
    /// [`Profiler::most`](super::Profiler::most).
    ///
    /// # Errors
    ///
    /// When a filter is unknown, given twice, or makes no sense.
    pub fn from_pairs<K: AsRef<str>, V: AsRef<str>>(
        wanted: Wanted,
        most: usize,
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self, QueryError> {
        let mut reading = Reading::new(wanted, most, SystemTime::now());
        pairs.into_iter().try_for_each(|(name, value)| reading.text(name.as_ref(), value.as_ref()))?;
        reading.finish()
    }

    /// Reads a JSON object. Durations, `limit` and `offset` are numbers, `slow`, `recent` and `aborted` booleans, `status` is a number or
    /// a string, all others are strings. Of nothing but white space there are no filters.
    ///
    /// # Errors
    ///
    /// When it is no JSON object, or a filter is unknown, given twice, of another type, or makes no sense.
    pub fn from_json(wanted: Wanted, most: usize, json: &[u8]) -> Result<Self, QueryError> {
        let mut reading = Reading::new(wanted, most, SystemTime::now());
        if !json.trim_ascii().is_empty() {
            object::fields(json)?.iter().try_for_each(|(name, value)| reading.json(name, value))?;
        }
        reading.finish()
    }

    /// Whether a profile is one of those that are asked for.
    pub fn matches(&self, profile: &RequestProfile) -> bool {
        fn is<T: PartialEq>(filter: Option<T>, value: T) -> bool {
            filter.is_none_or(|filter| filter == value)
        }
        is(self.endpoint.as_deref(), &profile.endpoint)
            && is(self.method, profile.method)
            && self.status.as_ref().is_none_or(|status| status.contains(&profile.status))
            && self.min_duration.is_none_or(|min| profile.duration >= min)
            && self.max_duration.is_none_or(|max| profile.duration <= max)
            && is(self.slow, profile.is_slow)
            && is(self.recent, profile.is_recent)
            && is(self.request_id.as_deref(), &profile.request_id)
            && self.trace_id.is_none_or(|id| profile.trace_id == Some(id))
            && self.phase.as_deref().is_none_or(|name| profile.phases.iter().any(|phase| *phase.name == *name))
            && is(self.aborted, profile.aborted)
            && self.span.is_none_or(|span| span.contains(profile.started_at))
    }

    /// Those of the profiles that match, in the order that is asked for. They must be newest first, as [`Profiler::profiles`]
    /// has them.
    ///
    /// [`Profiler::profiles`]: super::Profiler::profiles
    pub fn matching(&self, mut profiles: Vec<RequestProfile>) -> Vec<RequestProfile> {
        profiles.retain(|profile| self.matches(profile));
        match self.sort {
            Sort::Newest => {}
            Sort::Slowest => profiles.sort_by_key(|profile| Reverse(profile.duration)),
        }
        profiles
    }

    /// The part of the matching ones that `offset` and `limit` leave.
    pub fn page<'a>(&self, matching: &'a [RequestProfile]) -> &'a [RequestProfile] {
        let rest = matching.get(self.offset..).unwrap_or_default();
        &rest[..self.limit.map_or(rest.len(), |limit| limit.min(rest.len()))]
    }

    /// The same query for the requests that these are compared with, if they are.
    pub fn before(&self) -> Option<Self> {
        let span = self.compare?;
        Some(Self { span: Some(span), compare: None, ..self.clone() })
    }
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests;
