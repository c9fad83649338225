//! Holds what a scrape counts against what the clients counted: within bounds while requests are under way, exactly once they
//! are not.

use std::collections::{BTreeMap, BTreeSet};

use crate::reading::{Reading, Series};
use crate::request::{LOAD, METRICS};
use crate::tally::{Tally, Target};

const REQUESTS: &str = "http_requests_total";
/// The families of the effects, and their one label.
const EFFECTS: [(&str, &str); 4] = [
    ("auth_attempts_total", "result"),
    ("rate_limit_hits_total", "endpoint"),
    ("scene_load_errors_total", "error_type"),
    ("scene_loads_total", "scene"),
];

/// What does not fit while the load goes on. A scrape shows all that was answered before it began, `before`, and nothing that
/// was not begun when it had ended, `after`.
pub(crate) fn during(before: &Tally, after: &Tally, reading: &Reading) -> Vec<String> {
    let counted = Counted::of(reading);
    let mut wrong = Vec::new();
    for ((target, status), seen) in &before.seen {
        let counted = counted.with(*target, *status);
        if counted < seen.answers {
            wrong.push(format!("{} {status}: {counted} counted, {} answered before", told(*target), seen.answers));
        }
    }
    for ((endpoint, method), counted) in &counted.of_all {
        let begun: u64 =
            after.begun.iter().filter(|(of, _)| (of.endpoint, of.method) == (endpoint, method)).map(|(_, begun)| begun).sum();
        if *counted > begun {
            wrong.push(format!("{method} {endpoint}: {counted} counted, {begun} begun"));
        }
    }
    for (effect, steps) in &before.effects {
        let counted = effect_of(reading, effect.family, effect.label);
        if counted < steps.certain {
            wrong.push(format!("{}{{{}}}: {counted} counted, {} before", effect.family, effect.label, steps.certain));
        }
    }
    wrong
}

/// What does not fit once everything has ended.
pub(crate) fn afterwards(tally: &Tally, reading: &Reading) -> Vec<String> {
    let counted = Counted::of(reading);
    let mut wrong = Vec::new();
    let targets: BTreeSet<Target> = tally.begun.keys().copied().collect();
    for target in &targets {
        let of = |requests: &BTreeMap<Target, u64>| requests.get(target).copied().unwrap_or(0);
        let (left, unsure, answered) = (of(&tally.left), of(&tally.unsure), tally.answers_to(*target));
        let all = counted.of_all.get(&(target.endpoint, target.method)).copied().unwrap_or(0);
        if !(answered + left..=answered + left + unsure).contains(&all) {
            let maybe = if unsure > 0 { format!(" and up to {unsure} more") } else { String::new() };
            wrong.push(format!("{}: {all} counted, {answered} answered, {left} left alone{maybe}", told(*target)));
        }
        if answered + left + unsure != of(&tally.begun) {
            let begun = of(&tally.begun);
            wrong.push(format!(
                "{}: the clients lost count: {begun} begun, {answered} answered, {left} left, {unsure} unsure",
                told(*target)
            ));
        }
    }
    for ((endpoint, method, status), counted) in &counted.by_status {
        let same = |target: &Target| target.endpoint == *endpoint && target.method == *method;
        let seen: u64 = tally
            .seen
            .iter()
            .filter(|((of, with), _)| same(of) && with.to_string() == *status)
            .map(|(_, seen)| seen.answers)
            .sum();
        let left: u64 =
            [&tally.left, &tally.unsure].into_iter().flatten().filter(|(of, _)| same(of)).map(|(_, left)| left).sum();
        if !(seen..=seen + left).contains(counted) {
            wrong.push(format!("{method} {endpoint} {status}: {counted} counted, {seen} answered, {left} left alone"));
        }
    }
    for ((target, status), seen) in &tally.seen {
        if counted.with(*target, *status) < seen.answers {
            wrong.push(format!("{} {status}: {} answered, fewer counted", told(*target), seen.answers));
        }
    }
    for (family, label) in EFFECTS {
        for (series, value) in reading.of(family) {
            let of = tally.effects.iter().find(|(effect, _)| effect.family == family && effect.label == series.label(label));
            let steps = of.map(|(_, steps)| *steps).unwrap_or_default();
            if !(steps.certain..=steps.certain + steps.possible).contains(&(value as u64)) {
                wrong.push(format!(
                    "{series}: {value} counted, {} by the clients, and up to {} more",
                    steps.certain, steps.possible
                ));
            }
        }
    }
    for (effect, steps) in &tally.effects {
        if effect_of(reading, effect.family, effect.label) < steps.certain {
            wrong.push(format!("{}{{{}}}: fewer than {} counted", effect.family, effect.label, steps.certain));
        }
    }
    wrong.extend(sizes(tally, reading));
    wrong.extend(attempts(tally, reading));
    wrong.extend(scrapes(tally, reading));
    // Clients name what nobody has, without end; none of it may become a series.
    let refused = reading.sum("tachograph_series_refused_total", |_| true);
    if refused > 0.0 {
        wrong.push(format!("{refused} series were refused: a label follows what clients send"));
    }
    wrong
}

/// Scrapes that were refused, each answered 503.
fn scrapes(tally: &Tally, reading: &Reading) -> Option<String> {
    let seen = tally.seen.get(&(METRICS, 503)).map_or(0, |seen| seen.answers);
    let left = tally.left.get(&METRICS).copied().unwrap_or(0);
    let counted = reading.sum("tachograph_scrapes_refused_total", |_| true) as u64;
    (!(seen..=seen + left).contains(&counted)).then(|| format!("{counted} scrapes refused, {seen} answered so"))
}

/// The sizes of answers, exact where nobody has left.
fn sizes(tally: &Tally, reading: &Reading) -> Vec<String> {
    let endpoints: BTreeSet<&str> = tally.begun.keys().map(|target| target.endpoint).collect();
    let wrong = endpoints.into_iter().filter_map(|endpoint| {
        let seen: u64 = tally.seen.iter().filter(|((of, _), _)| of.endpoint == endpoint).map(|(_, seen)| seen.bytes).sum();
        let all_seen = [&tally.left, &tally.unsure].into_iter().flatten().all(|(of, _)| of.endpoint != endpoint);
        let series = Series::new("http_response_size_bytes", [("endpoint".to_owned(), endpoint.to_owned())]);
        let told = reading.histograms.get(&series)?.sum as u64;
        (told < seen || (all_seen && told > seen)).then(|| format!("{series}: {told} bytes told, {seen} read"))
    });
    wrong.collect()
}

/// Loads and errors make the attempts: each POST /scene that the token let in, but for those whose clients left.
fn attempts(tally: &Tally, reading: &Reading) -> Option<String> {
    let done = reading.sum("scene_loads_total", |_| true) + reading.sum("scene_load_errors_total", |_| true);
    let outcomes = |family: &str| {
        tally.effects.iter().filter(|(effect, _)| effect.family == family).map(|(_, steps)| *steps).collect::<Vec<_>>()
    };
    let steps: Vec<_> = outcomes("scene_loads_total").into_iter().chain(outcomes("scene_load_errors_total")).collect();
    let answered: u64 = steps.iter().map(|steps| steps.certain).sum();
    let gone: u64 =
        [&tally.left, &tally.unsure].into_iter().flatten().filter(|(of, _)| **of == LOAD).map(|(_, left)| left).sum();
    (!(answered..=answered + gone).contains(&(done as u64)))
        .then(|| format!("{done} loads and errors, {answered} attempts answered, {gone} left alone"))
}

fn told(target: Target) -> String {
    format!("{} {}", target.method, target.endpoint)
}

fn effect_of(reading: &Reading, family: &str, label: &str) -> u64 {
    reading.sum(family, |series| series.labels.iter().any(|(_, value)| value == label)) as u64
}

/// The requests that a scrape counts.
struct Counted<'a> {
    by_status: BTreeMap<(&'a str, &'a str, &'a str), u64>,
    of_all: BTreeMap<(&'a str, &'a str), u64>,
}

impl<'a> Counted<'a> {
    fn of(reading: &'a Reading) -> Self {
        let mut counted = Self { by_status: BTreeMap::new(), of_all: BTreeMap::new() };
        for (series, value) in reading.of(REQUESTS) {
            let (endpoint, method, status) = (series.label("endpoint"), series.label("method"), series.label("status"));
            counted.by_status.insert((endpoint, method, status), value as u64);
            *counted.of_all.entry((endpoint, method)).or_default() += value as u64;
        }
        counted
    }

    fn with(&self, target: Target, status: u16) -> u64 {
        self.by_status.get(&(target.endpoint, target.method, &*status.to_string())).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::tests::reading;
    use crate::tally::{Effect, Ledger};

    const A: Target = Target { endpoint: "/a", method: "GET" };

    /// What the text of the reading counts: two 200, one 404.
    fn ledger() -> Ledger {
        let ledger = Ledger::default();
        for status in [200, 200, 404] {
            ledger.begin(A);
            ledger.see(A, status, 0, &[]);
        }
        ledger
    }

    fn wrong(ledger: &Ledger) -> Vec<String> {
        afterwards(&ledger.now(), &reading())
    }

    #[test]
    fn what_was_seen_whole_is_counted_exactly() {
        let ledger = ledger();
        assert_eq!(wrong(&ledger), [""; 0]);
        ledger.begin(A);
        ledger.see(A, 200, 0, &[]);
        assert_eq!(wrong(&ledger).len(), 3, "{:?}", wrong(&ledger));
    }

    #[test]
    fn one_that_is_counted_and_was_never_sent_is_told() {
        let ledger = Ledger::default();
        ledger.begin(A);
        ledger.see(A, 404, 0, &[]);
        let told = wrong(&ledger);
        assert_eq!(told, ["GET /a: 3 counted, 1 answered, 0 left alone", "GET /a 200: 2 counted, 0 answered, 0 left alone"]);
    }

    #[test]
    fn a_client_that_left_is_counted_once_under_any_status() {
        let ledger = Ledger::default();
        for _ in 0..3 {
            ledger.begin(A);
        }
        ledger.see(A, 404, 0, &[]);
        ledger.leave(A, &[]);
        ledger.leave(A, &[]);
        assert_eq!(wrong(&ledger), [""; 0]);
        ledger.begin(A);
        assert!(wrong(&ledger)[0].contains("lost count"));
        ledger.leave(A, &[]);
        assert_eq!(wrong(&ledger), ["GET /a: 3 counted, 1 answered, 3 left alone"]);
    }

    #[test]
    fn a_request_that_may_have_got_lost_is_counted_once_or_never() {
        for seen in [1, 2] {
            let ledger = Ledger::default();
            for _ in 0..seen + 2 {
                ledger.begin(A);
            }
            ledger.see(A, 404, 0, &[]);
            (1..seen).for_each(|_| ledger.see(A, 200, 0, &[]));
            ledger.doubt(A, &[]);
            ledger.doubt(A, &[]);
            assert_eq!(wrong(&ledger), [""; 0]);
        }
    }

    #[test]
    fn effects_are_exact_but_for_those_who_left() {
        let ledger = ledger();
        let success = Effect { family: "auth_attempts_total", label: "success" };
        let counted = |value: f64| {
            let mut reading = reading();
            reading.counters.insert(Series::new(success.family, [("result".to_owned(), success.label.to_owned())]), value);
            afterwards(&ledger.now(), &reading)
        };
        assert_eq!(counted(0.0), [""; 0]);
        assert_eq!(counted(1.0).len(), 1);
        ledger.begin(A);
        ledger.doubt(A, &[success]);
        assert_eq!(counted(1.0), [""; 0]);
        assert_eq!(counted(2.0).len(), 1);
        ledger.see(A, 404, 0, &[success]);
        assert!(!counted(0.0).is_empty());
    }

    #[test]
    fn loads_and_errors_are_the_attempts() {
        let load = Effect { family: "scene_loads_total", label: "a.tscn" };
        let ledger = Ledger::default();
        ledger.begin(LOAD);
        ledger.see(LOAD, 200, 0, &[load]);
        let mut reading = Reading::default();
        reading.counters.insert(Series::new("scene_loads_total", [("scene".to_owned(), "a.tscn".to_owned())]), 0.0);
        let told = attempts(&ledger.now(), &reading);
        assert_eq!(told.as_deref(), Some("0 loads and errors, 1 attempts answered, 0 left alone"));
        *reading.counters.values_mut().next().unwrap() += 1.0;
        assert_eq!(attempts(&ledger.now(), &reading), None);
    }

    #[test]
    fn refusals_are_the_answers_that_say_so() {
        let (ledger, mut reading) = (Ledger::default(), Reading::default());
        let series = Series::new("tachograph_scrapes_refused_total", [("reason".to_owned(), "busy".to_owned())]);
        reading.counters.insert(series, 1.0);
        assert_eq!(scrapes(&ledger.now(), &reading).as_deref(), Some("1 scrapes refused, 0 answered so"));
        ledger.begin(METRICS);
        ledger.see(METRICS, 503, 9, &[]);
        assert_eq!(scrapes(&ledger.now(), &reading), None);
        let series = Series::new("tachograph_series_refused_total", [("family".to_owned(), "a".to_owned())]);
        reading.counters.insert(series, 1.0);
        assert!(afterwards(&ledger.now(), &reading).iter().any(|what| what.starts_with("1 series were refused")));
    }

    #[test]
    fn sizes_are_exact_where_nobody_left() {
        let told = |bytes, left: bool| {
            let ledger = Ledger::default();
            ledger.begin(A);
            ledger.see(A, 200, bytes, &[]);
            if left {
                ledger.leave(A, &[]);
            }
            let mut reading = Reading::default();
            let series = Series::new("http_response_size_bytes", [("endpoint".to_owned(), "/a".to_owned())]);
            reading.histograms.insert(series, crate::reading::Histogram { sum: 10.0, ..Default::default() });
            sizes(&ledger.now(), &reading).len()
        };
        assert_eq!([told(10, false), told(9, false), told(9, true), told(11, true)], [0, 1, 0, 1]);
    }

    #[test]
    fn during_the_load_a_scrape_lies_between_what_was_answered_and_what_was_begun() {
        let ledger = ledger();
        let (before, reading) = (ledger.now(), reading());
        assert_eq!(during(&before, &before, &reading), [""; 0]);
        ledger.begin(A);
        assert_eq!(during(&before, &ledger.now(), &reading), [""; 0], "it may be on its way");
        ledger.see(A, 404, 0, &[]);
        assert_eq!(during(&ledger.now(), &ledger.now(), &reading), ["GET /a 404: 1 counted, 2 answered before"]);
        assert_eq!(during(&Tally::default(), &Tally::default(), &reading), ["GET /a: 3 counted, 0 begun"]);
    }
}
