//! In which form an answer tells a report, and how much of it.

use std::cmp::Ordering;

use crate::exposition::preference::{Element, elements};

/// How much an answer tells.
///
/// # Examples
///
/// ```
/// use tachograph::health::{HealthRegistry, Selection, View};
///
/// let report = HealthRegistry::new().with_version("4.3").report(&Selection::all());
/// assert!(report.to_json(View::Full).contains("\"version\":\"4.3\""));
/// assert!(!report.to_json(View::Public).contains("4.3"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum View {
    /// For everybody: statuses, how long the checks took, how old the results are.
    Public,
    /// For who may know: also what the checks say, and of which version the service is.
    Full,
}

/// The forms that an answer may have.
///
/// # Examples
///
/// ```
/// use tachograph::health::HealthFormat;
///
/// let format = HealthFormat::negotiate(["application/health+json, application/json;q=0.5"]);
/// assert_eq!(format, HealthFormat::HealthJson);
/// assert_eq!(format.content_type(), "application/health+json");
/// assert_eq!(HealthFormat::negotiate(["*/*"]), HealthFormat::Json);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HealthFormat {
    /// Our own: [`HealthReport::to_json`](super::HealthReport::to_json).
    Json,
    /// That of draft-inadarei-api-health-check-06: [`HealthReport::to_health_json`](super::HealthReport::to_health_json).
    HealthJson,
}

impl HealthFormat {
    /// The form that a client wants, from the values of its `Accept` headers: the draft's only if the client would rather have
    /// it than `application/json`, by a higher `q` or, of equal ones, by naming it more precisely.
    pub fn negotiate(accept: impl IntoIterator<Item: AsRef<[u8]>>) -> Self {
        let (mut own, mut draft) = (Wish::default(), Wish::default());
        for header in accept {
            for element in elements(header.as_ref()) {
                own.hear(&element, Self::Json);
                draft.hear(&element, Self::HealthJson);
            }
        }
        if draft.rank() > own.rank() { Self::HealthJson } else { Self::Json }
    }

    /// The media type.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::HealthJson => "application/health+json",
        }
    }
}

/// What a client says of one form.
#[derive(Clone, Copy, Default)]
struct Wish {
    /// 0 as long as nothing was said, 1 for `*/*`, 2 for `application/*`, 3 for the form by name.
    precision: u8,
    /// Thousandths; 0 is a refusal.
    weight: u16,
}

impl Wish {
    /// What is said more precisely counts; of what is equally precise a refusal, then the higher weight.
    fn hear(&mut self, element: &Element<'_>, format: HealthFormat) {
        let is = |range: &str| element.name.eq_ignore_ascii_case(range.as_bytes());
        let ranges = ["*/*", "application/*", format.content_type()];
        let Some(precision) = (1..).zip(ranges).find_map(|(precision, range)| is(range).then_some(precision)) else {
            return;
        };
        let weight = match precision.cmp(&self.precision) {
            Ordering::Less => return,
            Ordering::Equal if self.weight == 0 => 0,
            Ordering::Equal if element.weight > 0 => self.weight.max(element.weight),
            Ordering::Equal | Ordering::Greater => element.weight,
        };
        *self = Self { precision, weight };
    }

    /// Higher is better; a refusal is as good as silence.
    fn rank(self) -> (u16, u8) {
        (self.weight, if self.weight == 0 { 0 } else { self.precision })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_draft_is_for_who_would_rather_have_it() {
        for accept in [
            "application/health+json",
            "Application/Health+JSON;charset=utf-8",
            "application/json;q=0.9, application/health+json",
            "application/health+json, */*",
            "text/html, application/health+json;q=0.2, */*;q=0.1",
            "application/*, application/json;q=0",
            "application/json;q=0, */*",
            "application/json;q=0, application/json, application/health+json;q=0.1",
        ] {
            assert_eq!(HealthFormat::negotiate([accept]), HealthFormat::HealthJson, "{accept}");
        }
        assert_eq!(HealthFormat::negotiate(["text/html", "application/health+json"]), HealthFormat::HealthJson);
    }

    #[test]
    fn our_own_is_for_everybody_else() {
        for accept in [
            "",
            "*/*",
            "application/*",
            "application/json",
            "application/json, application/health+json",
            "application/health+json, application/json",
            "application/health+json;q=0.5, */*",
            "application/health+json;q=0",
            "application/health+json;q=0, application/json;q=0",
            "application/health+json;q=2",
            "application/health",
            "health+json",
            "text/html,application/xhtml+xml,*/*;q=0.8",
            "\u{7f},;,=,\"",
        ] {
            assert_eq!(HealthFormat::negotiate([accept]), HealthFormat::Json, "{accept}");
        }
        assert_eq!(HealthFormat::negotiate([""; 0]), HealthFormat::Json);
    }
}
