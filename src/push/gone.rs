//! Which series are no longer there.

use std::cmp::Ordering;

use crate::snapshot::{FamilySnapshot, Series, Snapshot};

/// Calls `f` with each family of `before` that has lost series since, and with those. Nothing is kept of a snapshot but itself: families
/// are in the order of their names, series in that of their labels, so one walk along both finds what is missing.
pub(super) fn each_gone<'a>(before: &'a Snapshot, now: &Snapshot, mut f: impl FnMut(&'a FamilySnapshot, &[Series<'a>])) {
    for family in before.families() {
        let gone: Vec<_> = match now.family(family.descriptor().name()) {
            Some(same) => missing(family, same),
            None => family.series().collect(),
        };
        if !gone.is_empty() {
            f(family, &gone);
        }
    }
}

fn missing<'a>(before: &'a FamilySnapshot, now: &FamilySnapshot) -> Vec<Series<'a>> {
    let mut left = now.series().peekable();
    let is_missing = |series: &Series<'a>| {
        while left.next_if(|other| other.labels.in_order(series.labels) == Ordering::Less).is_some() {}
        left.next_if(|other| other.labels.in_order(series.labels) == Ordering::Equal).is_none()
    };
    before.series().filter(is_missing).collect()
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use super::*;
    use crate::Registry;

    #[test]
    fn what_was_removed_is_gone_and_nothing_else() {
        let registry = Registry::new();
        let depth = registry.gauge_family("depth", "", ["queue"]).unwrap();
        let jobs = registry.counter_family("jobs_total", "", ["a", "b"]).unwrap();
        for queue in ["", "a", "b\"", "c", "d"] {
            depth.set([queue], 1.0);
            jobs.inc([queue, "x"]);
        }
        let before = registry.snapshot();
        for queue in ["", "b\"", "d"] {
            depth.remove([queue]);
        }
        depth.set(["bb"], 1.0);
        jobs.inc(["new", "x"]);
        let gone = |before: &Snapshot, now: &Snapshot| {
            let mut all = Vec::new();
            each_gone(before, now, |family, series| {
                all.extend(series.iter().map(|series| format!("{} {}", family.descriptor().name(), series.labels)));
            });
            all
        };
        let now = registry.snapshot();
        assert_eq!(gone(&before, &now), [r#"depth queue="""#, r#"depth queue="b\"""#, r#"depth queue="d""#]);
        assert_eq!(gone(&now, &before), [r#"depth queue="bb""#, r#"jobs_total a="new",b="x""#]);
        assert_eq!(gone(&now, &now).len(), 0);
        assert_eq!(gone(&before, &Registry::new().snapshot()).len(), 10);
    }
}
