//! What a check says of its subsystem, and how much of that is kept.

use std::borrow::Cow;
use std::fmt;

use super::status::HealthStatus;

/// Bytes of a message that are kept: a few lines of a terminal.
const MAX_MESSAGE: usize = 1024;
/// Details that are kept.
const MAX_DETAILS: usize = 32;
/// Bytes of a detail's name or text that are kept.
const MAX_DETAIL: usize = 256;

/// What a [`HealthCheck`](super::HealthCheck) found: a status, a message for humans, and details for programs.
///
/// A kilobyte of the message and 32 details of 256 bytes are kept, without control characters; what is longer is cut, and the message
/// says so.
///
/// # Examples
///
/// ```
/// use tachograph::health::{CheckResult, Detail, HealthStatus};
///
/// let result = CheckResult::degraded("one of two replicas answers").detail("replicas", 1).detail("leader", "eu-1");
/// assert_eq!(result.status(), HealthStatus::Degraded);
/// assert_eq!(result.message(), "one of two replicas answers");
/// assert_eq!(result.details()[0], ("replicas".into(), Detail::Integer(1)));
/// ```
///
/// ```
/// use tachograph::health::{CheckResult, HealthStatus};
///
/// assert_eq!(CheckResult::healthy("it answers").status(), HealthStatus::Healthy);
/// assert_eq!(CheckResult::unhealthy("no answer"), CheckResult::new(HealthStatus::Unhealthy, "no answer"));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct CheckResult {
    status: HealthStatus,
    message: Cow<'static, str>,
    details: Vec<(Cow<'static, str>, Detail)>,
}

impl CheckResult {
    /// A result of a status that is known at run time only.
    pub fn new(status: HealthStatus, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, message: message.into(), details: Vec::new() }
    }

    /// It works.
    pub fn healthy(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(HealthStatus::Healthy, message)
    }

    /// It works, but not as it should.
    pub fn degraded(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(HealthStatus::Degraded, message)
    }

    /// It does not work.
    pub fn unhealthy(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(HealthStatus::Unhealthy, message)
    }

    /// Adds a detail. Of several of one name the last one is kept, where the first one was.
    pub fn detail(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Detail>) -> Self {
        self.details.push((name.into(), value.into()));
        self
    }

    /// The status.
    pub fn status(&self) -> HealthStatus {
        self.status
    }

    /// The message for humans.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The details for programs, in the order in which they were added.
    pub fn details(&self) -> &[(Cow<'static, str>, Detail)] {
        &self.details
    }

    /// Cuts what is too long and replaces what could do harm in a log or a terminal.
    pub(super) fn bounded(mut self) -> Self {
        let bytes = self.message.len();
        self.message = plain(self.message, MAX_MESSAGE);
        if bytes > MAX_MESSAGE {
            self.message.to_mut().push_str(&format!("… (cut, it had {bytes} bytes)"));
        }
        let details = self.details.len();
        if details > MAX_DETAILS {
            self.details.truncate(MAX_DETAILS);
            self.message.to_mut().push_str(&format!(" ({MAX_DETAILS} of its {details} details are kept)"));
        }
        for (name, value) in &mut self.details {
            *name = plain(std::mem::take(name), MAX_DETAIL);
            if let Detail::Text(text) = value {
                *text = plain(Cow::Owned(std::mem::take(text)), MAX_DETAIL).into_owned();
            }
        }
        // An object in JSON has a name once.
        let mut kept: Vec<(_, Detail)> = Vec::with_capacity(self.details.len());
        for (name, value) in self.details {
            match kept.iter_mut().find(|(known, _)| *known == name) {
                Some((_, before)) => *before = value,
                None => kept.push((name, value)),
            }
        }
        self.details = kept;
        self
    }
}

/// The value of a detail.
///
/// # Examples
///
/// ```
/// use tachograph::health::Detail;
///
/// assert_eq!(Detail::from(7_u32), Detail::Integer(7));
/// assert_eq!(Detail::from("eu-1"), Detail::Text("eu-1".to_owned()));
/// assert_eq!((Detail::from(0.5), Detail::from(true)), (Detail::Number(0.5), Detail::Flag(true)));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Detail {
    /// A whole number.
    Integer(i64),
    /// A number with a fraction. What JSON has no number for (NaN, infinity) is `null` there.
    Number(f64),
    /// Yes or no.
    Flag(bool),
    /// A text.
    Text(String),
}

macro_rules! from {
    ($($type:ty => $variant:ident($convert:expr);)*) => {
        $(impl From<$type> for Detail {
            fn from(value: $type) -> Self {
                Self::$variant($convert(value))
            }
        })*
    };
}

from! {
    // The type of a number that is written down, as in `detail("replicas", 3)`.
    i32 => Integer(i64::from);
    u32 => Integer(i64::from);
    i64 => Integer(std::convert::identity);
    // What is beyond 2^63 is of no gauge that a detail could tell.
    u64 => Integer(|value: u64| i64::try_from(value).unwrap_or(i64::MAX));
    usize => Integer(|value: usize| i64::try_from(value).unwrap_or(i64::MAX));
    f64 => Number(std::convert::identity);
    bool => Flag(std::convert::identity);
    String => Text(std::convert::identity);
    &str => Text(str::to_owned);
}

impl fmt::Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => value.fmt(f),
            Self::Number(value) => value.fmt(f),
            Self::Flag(value) => value.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

/// The text up to so many bytes, with a space for each character that could make it look like something else.
fn plain(text: Cow<'static, str>, most: usize) -> Cow<'static, str> {
    let kept = text.floor_char_boundary(most);
    if kept == text.len() && !text.contains(misleads) {
        return text;
    }
    Cow::Owned(text[..kept].replace(misleads, " "))
}

/// Whether it begins a line of its own, moves the cursor, or turns the direction of what follows.
fn misleads(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_kept_as_it_is() {
        let result = CheckResult::healthy("fine, größer than ever").detail("n", 3u64).detail("t", "x");
        assert_eq!(result.clone().bounded(), result);
    }

    #[test]
    fn a_flood_is_cut_and_says_so() {
        let mut result = CheckResult::unhealthy("é".repeat(5_000_000));
        for n in 0..100u64 {
            result = result.detail(format!("{n:x<1000}"), "x".repeat(1_000_000));
        }
        let result = result.bounded();
        let told = "… (cut, it had 10000000 bytes) (32 of its 100 details are kept)";
        assert_eq!(result.message(), "é".repeat(512) + told);
        assert_eq!(result.details().len(), 32);
        for (name, value) in result.details() {
            assert_eq!((name.len(), value.to_string().len()), (256, 256));
        }
    }

    #[test]
    fn of_two_details_of_one_name_the_last_one_is_kept() {
        let result = CheckResult::healthy("").detail("n", 1u64).detail("m", true).detail("n", 2u64).bounded();
        assert_eq!(result.details(), [("n".into(), Detail::Integer(2)), ("m".into(), Detail::Flag(true))]);
    }

    #[test]
    fn control_characters_reach_no_log() {
        let result = CheckResult::healthy("a\nINFO all is\u{202e} well\u{1b}[2J").detail("\r", "\u{7}").bounded();
        assert_eq!(result.message(), "a INFO all is  well [2J");
        assert_eq!(result.details(), [(" ".into(), Detail::Text(" ".into()))]);
    }

    #[test]
    fn numbers_beyond_the_range_are_its_end() {
        assert_eq!(Detail::from(u64::MAX), Detail::Integer(i64::MAX));
    }
}
