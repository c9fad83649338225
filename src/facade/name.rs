//! What families and labels are called in a scrape: as the macros call them, or what comes nearest to it and is not taken.

use std::borrow::Cow;

use crate::metric::descriptor::{Kind, label_fault};

/// Names for a family, to be tried one after another: its own, the one that tells its type too, then numbered.
pub(super) fn families(called: &str, unit: Option<&str>, kind: Kind) -> impl Iterator<Item = String> {
    let total = if kind == Kind::Counter { "_total" } else { "" };
    let called = begun(called, "metric", |name| name.starts_with(|first: char| first.is_ascii_alphabetic() || first == ':'));
    let mut stem = called.strip_suffix(total).filter(|stem| !stem.is_empty()).unwrap_or(&called).to_owned();
    if let Some(unit) = unit
        && !stem.ends_with(unit)
    {
        stem = format!("{stem}_{unit}");
    }
    let first = format!("{stem}{total}");
    let numbered = {
        let stem = stem.clone();
        (2_u64..).map(move |n| format!("{stem}_{kind}_{n}{total}"))
    };
    [first, format!("{stem}_{kind}{total}")].into_iter().chain(numbered)
}

/// Names for a label, to be tried one after another.
pub(super) fn labels(called: &str) -> impl Iterator<Item = String> {
    let first = begun(called, "label", |name| label_fault(name).is_none()).into_owned();
    let exported = format!("exported_{first}");
    let numbered = {
        let exported = exported.clone();
        (2_u64..).map(move |n| format!("{exported}_{n}"))
    };
    [first, exported].into_iter().chain(numbered)
}

/// A name that begins as names may.
fn begun<'a>(name: &'a str, with: &str, fits: fn(&str) -> bool) -> Cow<'a, str> {
    // What begins with U__ is to scrapers an escaped name.
    if fits(name) && !name.starts_with("U__") { Cow::Borrowed(name) } else { Cow::Owned(format!("{with}_{name}")) }
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::metric::descriptor::Descriptor;

    fn first(called: &str, unit: Option<&str>, kind: Kind) -> String {
        families(called, unit, kind).next().unwrap()
    }

    #[test]
    fn a_name_that_is_fit_stays() {
        assert_eq!(first("jobs_total", None, Kind::Counter), "jobs_total");
        assert_eq!(first("http.requests", None, Kind::Gauge), "http.requests");
        assert_eq!(labels("queue").next().unwrap(), "queue");
    }

    #[test]
    fn what_is_missing_is_added_once() {
        assert_eq!(first("jobs", None, Kind::Counter), "jobs_total");
        assert_eq!(first("sent", Some("bytes"), Kind::Counter), "sent_bytes_total");
        assert_eq!(first("sent_bytes_total", Some("bytes"), Kind::Counter), "sent_bytes_total");
        assert_eq!(first("_total", None, Kind::Counter), "metric__total");
        assert_eq!(first("", None, Kind::Gauge), "metric_");
        assert_eq!(first("U__a", None, Kind::Gauge), "metric_U__a");
        assert_eq!(labels("_a").next().unwrap(), "label__a");
        let tried: Vec<_> = families("jobs", None, Kind::Counter).take(3).collect();
        assert_eq!(tried, ["jobs_total", "jobs_counter_total", "jobs_counter_2_total"]);
    }

    proptest! {
        #[test]
        fn one_of_the_first_two_names_is_legal(
            called in "\\PC{0,9}(_total|_count|.total|_sum)?",
            kind in prop::sample::select(vec![Kind::Counter, Kind::Gauge, Kind::Histogram]),
        ) {
            let mut tried = families(&called, None, kind).take(2);
            prop_assert!(tried.any(|name| Descriptor::new(&name, kind, "").is_ok()), "{:?}", called);
            prop_assert!(labels(&called).next().is_some_and(|label| label_fault(&label).is_none()));
        }
    }
}
