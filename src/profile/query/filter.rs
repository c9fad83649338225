//! The filters that there are, and the reading of them one by one.

use std::time::SystemTime;

use serde_json::Value;

use super::value::{self, Understood};
use super::{DEFAULT_LIMIT, Format, Query, QueryError, TimeSpan, Wanted};

/// The JSON types of a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    NumberOrText,
    Flag,
}

impl Kind {
    fn takes(self, value: &Value) -> bool {
        match value {
            Value::String(_) => matches!(self, Self::Text | Self::NumberOrText),
            Value::Number(_) => matches!(self, Self::Number | Self::NumberOrText),
            Value::Bool(_) => self == Self::Flag,
            Value::Null | Value::Array(_) | Value::Object(_) => false,
        }
    }

    fn write(self) -> &'static str {
        match self {
            Self::Text => "a string, or leave it out",
            Self::Number => "a number, or leave it out",
            Self::NumberOrText => "a number or a string, or leave it out",
            Self::Flag => "true or false, or leave it out",
        }
    }
}

/// A filter.
pub(super) struct Filter {
    pub(super) name: &'static str,
    kind: Kind,
    set: fn(&mut Query, &str, Bounds) -> Understood<()>,
}

const fn filter(name: &'static str, kind: Kind, set: fn(&mut Query, &str, Bounds) -> Understood<()>) -> Filter {
    Filter { name, kind, set }
}

/// All filters. Those from [`FLAME_ONLY`] on are of flame graphs alone.
pub(super) static FILTERS: [Filter; 17] = [
    filter("endpoint", Kind::Text, |query, text, _| {
        put(&mut query.endpoint, value::word(text, "a route such as /scene").map(Some))
    }),
    filter("method", Kind::Text, |query, text, _| put(&mut query.method, value::method(text).map(Some))),
    filter("status", Kind::NumberOrText, |query, text, _| put(&mut query.status, value::status(text).map(Some))),
    filter("min_duration_ms", Kind::Number, |query, text, _| put(&mut query.min_duration, value::milliseconds(text).map(Some))),
    filter("max_duration_ms", Kind::Number, |query, text, _| put(&mut query.max_duration, value::milliseconds(text).map(Some))),
    filter("slow", Kind::Flag, |query, text, _| put(&mut query.slow, value::flag(text).map(Some))),
    filter("recent", Kind::Flag, |query, text, _| put(&mut query.recent, value::flag(text).map(Some))),
    filter("request_id", Kind::Text, |query, text, _| put(&mut query.request_id, value::request_id(text).map(Some))),
    filter("trace_id", Kind::Text, |query, text, _| put(&mut query.trace_id, value::trace_id(text).map(Some))),
    filter("phase", Kind::Text, |query, text, _| {
        put(&mut query.phase, value::word(text, "the name of a phase such as file_io").map(Some))
    }),
    filter("aborted", Kind::Flag, |query, text, _| put(&mut query.aborted, value::flag(text).map(Some))),
    filter("span", Kind::Text, |query, text, bounds| put(&mut query.span, TimeSpan::parse(text, bounds.now).map(Some))),
    filter("sort", Kind::Text, |query, text, _| put(&mut query.sort, value::sort(text))),
    filter("limit", Kind::Number, |query, text, bounds| put(&mut query.limit, value::limit(text, bounds.most).map(Some))),
    filter("offset", Kind::Number, |query, text, _| put(&mut query.offset, value::whole(text))),
    filter("format", Kind::Text, |query, text, _| put(&mut query.format, value::format(text))),
    filter("compare", Kind::Text, |query, text, bounds| put(&mut query.compare, TimeSpan::parse(text, bounds.now).map(Some))),
];

fn put<T>(place: &mut T, understood: Understood<T>) -> Understood<()> {
    *place = understood?;
    Ok(())
}

const FLAME_ONLY: usize = 15;

/// What values depend on beside their text.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    /// The largest limit.
    most: usize,
    /// What a time ago is counted from.
    now: SystemTime,
}

/// A query that is being read.
#[derive(Debug)]
pub(super) struct Reading {
    wanted: Wanted,
    bounds: Bounds,
    query: Query,
    /// By filter, whether it was given.
    given: [bool; FILTERS.len()],
}

impl Reading {
    pub(super) fn new(wanted: Wanted, most: usize, now: SystemTime) -> Self {
        Self { wanted, bounds: Bounds { most, now }, query: Query::default(), given: [false; FILTERS.len()] }
    }

    /// Reads a filter of a query string.
    pub(super) fn text(&mut self, name: &str, text: &str) -> Result<(), QueryError> {
        let filter = self.filter(name)?;
        (filter.set)(&mut self.query, text, self.bounds).map_err(|write| QueryError::value(filter.name, text, write))
    }

    /// Reads a field of a JSON object.
    pub(super) fn json(&mut self, name: &str, value: &Value) -> Result<(), QueryError> {
        let filter = FILTERS.iter().find(|filter| filter.name == name);
        if let Some(filter) = filter.filter(|filter| !filter.kind.takes(value)) {
            return Err(QueryError::value(filter.name, &value.to_string(), filter.kind.write()));
        }
        match value {
            Value::String(text) => self.text(name, text),
            value => self.text(name, &value.to_string()),
        }
    }

    /// The filter of this name, if it may be given here and now.
    fn filter(&mut self, name: &str) -> Result<&'static Filter, QueryError> {
        let at = FILTERS.iter().position(|filter| filter.name == name).ok_or_else(|| QueryError::unknown(name))?;
        let filter = &FILTERS[at];
        let taken = match self.wanted {
            Wanted::Profiles => at < FLAME_ONLY,
            Wanted::FlameGraph => true,
            Wanted::Unfiltered => false,
        };
        if !taken {
            return Err(QueryError::NotTaken { name: filter.name, wanted: self.wanted });
        }
        if std::mem::replace(&mut self.given[at], true) {
            return Err(QueryError::Twice { name: filter.name });
        }
        Ok(filter)
    }

    /// Looks at what the filters are together.
    pub(super) fn finish(self) -> Result<Query, QueryError> {
        let mut query = self.query;
        if let (Some(min), Some(max)) = (query.min_duration, query.max_duration)
            && min > max
        {
            return Err(QueryError::NoDuration);
        }
        if query.compare.is_some() && !matches!(query.format, Format::Json | Format::Folded | Format::Svg) {
            return Err(QueryError::NotCompared { format: value::format_name(query.format) });
        }
        if let (Some(compare), None) = (query.compare, query.span) {
            // What came after it, else both sides would have the same requests.
            let start = compare.end.ok_or(QueryError::NoEnd)?;
            query.span = Some(TimeSpan { start: Some(start), end: None });
        }
        if self.wanted == Wanted::Profiles {
            query.limit = query.limit.or(Some(DEFAULT_LIMIT.min(self.bounds.most)));
        }
        Ok(query)
    }
}
