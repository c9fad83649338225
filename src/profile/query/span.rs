//! Spans of time: `START..END`.

use std::time::{SystemTime, UNIX_EPOCH};

use super::value::{Understood, seconds};

/// A span of time, from its start on to before its end. An end that is `None` is open.
///
/// In a query it is `START..END`, each of them empty, a time in UTC (`2024-12-02T16:37:25Z`), unix seconds (`1733158245.5`) or a time ago
/// (`-90s`, `-10m`): `span=-5m..` are the last five minutes.
///
/// # Examples
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
/// use tachograph::profile::query::{Query, TimeSpan, Wanted};
///
/// let span = Query::from_pairs(Wanted::Profiles, 1_000, [("span", "1733158245..")])?.span.unwrap();
/// assert_eq!(span, TimeSpan { start: Some(UNIX_EPOCH + Duration::from_secs(1_733_158_245)), end: None });
/// assert!(span.contains(UNIX_EPOCH + Duration::from_secs(1_733_158_245)) && !span.contains(UNIX_EPOCH));
/// # Ok::<(), tachograph::profile::query::QueryError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeSpan {
    /// The first moment of it.
    pub start: Option<SystemTime>,
    /// The first moment after it.
    pub end: Option<SystemTime>,
}

const WRITE: &str =
    "START..END, each of them empty, a time in UTC such as 2024-12-02T16:37:25Z, unix seconds, or a time ago such as -10m";

impl TimeSpan {
    /// Whether a moment is in it.
    pub fn contains(&self, moment: SystemTime) -> bool {
        self.start.is_none_or(|start| start <= moment) && self.end.is_none_or(|end| moment < end)
    }

    pub(super) fn parse(text: &str, now: SystemTime) -> Understood<Self> {
        let (start, end) = text.split_once("..").ok_or(WRITE)?;
        let span = Self { start: moment(start, now)?, end: moment(end, now)? };
        if let (Some(start), Some(end)) = (span.start, span.end)
            && end <= start
        {
            return Err("a start that is before the end".into());
        }
        Ok(span)
    }
}

/// A moment; `None` of nothing. What is before 1970 is 1970.
fn moment(text: &str, now: SystemTime) -> Understood<Option<SystemTime>> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let moment = if let Some(ago) = text.strip_prefix('-') {
        let ago = humantime::parse_duration(ago).map_err(|_| WRITE)?;
        now.checked_sub(ago).unwrap_or(UNIX_EPOCH).max(UNIX_EPOCH)
    } else if let Ok(moment) = humantime::parse_rfc3339(text) {
        moment
    } else {
        UNIX_EPOCH + seconds(text, 1.0).ok_or(WRITE)?
    };
    Ok(Some(moment))
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: u64 = 1_733_158_245;

    fn at(seconds: f64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs_f64(seconds)
    }

    fn parse(text: &str) -> Understood<TimeSpan> {
        TimeSpan::parse(text, at(NOW as f64))
    }

    #[test]
    fn each_end_is_a_time_of_some_kind_or_open() {
        let now = NOW as f64;
        for (text, start, end) in [
            ("..", None, None),
            (" .. ", None, None),
            ("-10m..", Some(now - 600.0), None),
            ("..-90s", None, Some(now - 90.0)),
            ("-1h 5m..-1m30s", Some(now - 3_900.0), Some(now - 90.0)),
            ("-100000years..", Some(0.0), None),
            ("1733158245..1733158246.5", Some(now), Some(now + 1.5)),
            ("2024-12-02T16:50:45Z..2024-12-02T16:50:45.250Z", Some(now), Some(now + 0.25)),
            ("2024-12-02T16:50:45+00:00..", Some(now), None),
            ("1e9..", Some(1e9), None),
        ] {
            assert_eq!(parse(text), Ok(TimeSpan { start: start.map(at), end: end.map(at) }), "{text}");
        }
    }

    #[test]
    fn what_is_no_span_is_told_what_one_is() {
        for text in [
            "",
            "-10m",
            "10m..",
            "-10..",
            "-..",
            "--5s..",
            "now..",
            "NaN..",
            "inf..",
            "a..b",
            "2024-13-02T16:50:45Z..",
            "é..",
            "...-1",
        ] {
            assert_eq!(parse(text), Err(WRITE.into()), "{text}");
        }
        for text in ["-1s..-2s", "5..5", "..0".replace("..", "1..").as_str()] {
            assert_eq!(parse(text), Err("a start that is before the end".into()), "{text}");
        }
    }

    #[test]
    fn the_start_is_in_a_span_and_the_end_is_not() {
        let span = parse("100..200").unwrap();
        assert_eq!([99.9, 100.0, 199.9, 200.0].map(|second| span.contains(at(second))), [false, true, true, false]);
        assert!(TimeSpan::default().contains(at(0.0)));
    }
}
