//! What a scrape asks for: the form, some families or all, and how long it waits.

use std::collections::HashSet;
use std::time::Duration;

use hyper::header::{ACCEPT, ACCEPT_ENCODING, HeaderMap};
use hyper::{Uri, header::HeaderName};

use super::refusal::Refusal;
use crate::FamilySnapshot;
use crate::exposition::{Coding, Encoding, Escaping};

/// As long as Prometheus waits by default; a fold takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);
/// Of a scraper's patience the tenth that is for the way, and the most of it.
const MARGIN: (u32, Duration) = (10, Duration::from_millis(500));
/// Names that a request may ask for. A dashboard needs a few; the limit keeps anyone from having a long list compared.
const MAX_NAMES: usize = 1_000;

const SCRAPE_TIMEOUT: HeaderName = HeaderName::from_static("x-prometheus-scrape-timeout-seconds");

/// What one scrape asks for.
#[derive(Debug)]
pub(in crate::server) struct Wish {
    pub(super) encoding: Encoding,
    pub(super) coding: Coding,
    /// The families; all of them without.
    pub(super) names: Result<Option<Names>, Refusal>,
    /// How long the answer may take.
    pub(super) patience: Duration,
}

impl Wish {
    /// Reads a request's `Accept`, `Accept-Encoding`, `X-Prometheus-Scrape-Timeout-Seconds` and the `name[]` of its query. Other
    /// parameters of the query say nothing, as elsewhere: scrapers are configured to send some that only other exporters know.
    pub(in crate::server) fn of(uri: &Uri, headers: &HeaderMap) -> Self {
        Self {
            encoding: Encoding::negotiate(headers.get_all(ACCEPT)),
            coding: Coding::negotiate(headers.get_all(ACCEPT_ENCODING)),
            names: Names::of(uri.query().unwrap_or_default()),
            patience: headers.get(SCRAPE_TIMEOUT).and_then(|value| patience(value.as_bytes())).unwrap_or(PATIENCE),
        }
    }
}

/// How long a scrape may take whose client waits this long. `None` for what is no time.
fn patience(seconds: &[u8]) -> Option<Duration> {
    let seconds: f64 = str::from_utf8(seconds).ok()?.trim().parse().ok()?;
    let timeout = Duration::try_from_secs_f64(seconds).ok().filter(|timeout| !timeout.is_zero())?;
    let (share, most) = MARGIN;
    Some((timeout - (timeout / share).min(most)).min(PATIENCE))
}

/// Names of families, or of samples that they have.
#[derive(Debug)]
pub(super) struct Names(HashSet<String>);

impl Names {
    fn of(query: &str) -> Result<Option<Self>, Refusal> {
        let parameters = form_urlencoded::parse(query.as_bytes());
        let mut names = parameters.filter(|(parameter, _)| parameter == "name[]").map(|(_, name)| name.into_owned()).peekable();
        if names.peek().is_none() {
            return Ok(None);
        }
        let chosen = names.by_ref().take(MAX_NAMES).collect();
        match names.next() {
            None => Ok(Some(Self(chosen))),
            Some(_) => Err(Refusal::Names { max: MAX_NAMES }),
        }
    }

    /// Whether one of them is a name that the family has, its own or one of its samples', as it is registered or as this or the usual
    /// scheme shows it.
    pub(super) fn choose(&self, family: &FamilySnapshot, encoding: Encoding) -> bool {
        let names = |escaping| family.descriptor().names_in(escaping).into_iter();
        [Escaping::AllowUtf8, Escaping::Underscores, encoding.escaping()]
            .into_iter()
            .flat_map(names)
            .any(|name| self.0.contains(&name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(query: &str) -> Option<Vec<String>> {
        let mut names: Vec<String> = Names::of(query).unwrap()?.0.into_iter().collect();
        names.sort_unstable();
        Some(names)
    }

    #[test]
    fn names_are_read_from_a_query() {
        assert_eq!(chosen(""), None);
        assert_eq!(chosen("collect[]=cpu&name=a&name[=b"), None);
        assert_eq!(chosen("name[]=a&x=1&name%5B%5D=b%3ac&name[]=a").unwrap(), ["a", "b:c"]);
        assert_eq!(chosen("name[]=").unwrap(), [""]);
        assert_eq!(chosen("name[]=%ff&&=&name[]").unwrap(), ["", "\u{fffd}"]);
    }

    #[test]
    fn a_thousand_names_are_taken_and_one_more_is_not() {
        let names = |count: usize| Names::of(&"name[]=a&".repeat(count));
        assert!(names(1_000).is_ok());
        assert!(matches!(names(1_001), Err(Refusal::Names { max: 1_000 })));
    }

    #[test]
    fn an_answer_comes_a_tenth_or_half_a_second_before_the_scraper_gives_up() {
        let seconds = |seconds: f64| Some(Duration::from_secs_f64(seconds));
        assert_eq!(patience(b"1"), seconds(0.9));
        assert_eq!(patience(b" 0.5 "), seconds(0.45));
        assert_eq!(patience(b"5"), seconds(4.5));
        assert_eq!(patience(b"8"), seconds(7.5));
        assert_eq!(patience(b"1e3"), seconds(10.0));
        for nonsense in ["", "0", "-1", "NaN", "inf", "1e300", "ten", "1s", "0x1"] {
            assert_eq!(patience(nonsense.as_bytes()), None, "{nonsense}");
        }
        assert_eq!(patience(b"\xff"), None);
    }
}
