//! Rules on a query.

use std::collections::BTreeSet;
use std::time::Duration;

use promql_parser::label::Matchers;
use promql_parser::parser::{self, Call, Expr, LabelModifier, VectorSelector};

use monitoring::dashboard::query::MONITORING_ENDPOINTS;

/// What stands in for Grafana's ranges, so that a query can be parsed: durations that nobody writes.
const RATE_INTERVAL: (&str, &str, Duration) = ("$__rate_interval", "11s", Duration::from_secs(11));
const RANGE: (&str, &str, Duration) = ("$__range", "13s", Duration::from_secs(13));

/// Jobs that are no choice: what they scrape is one thing alone.
const FIXED_JOBS: [&str; 2] = ["engine_telemetry", "health_probe"];

fn parsed(expression: &str) -> Result<Expr, String> {
    let filled = [RATE_INTERVAL, RANGE].iter().fold(expression.to_owned(), |text, (name, value, _)| text.replace(name, value));
    parser::parse(&filled)
}

/// What breaks a rule. A query for the present may be about all of the time that is shown.
pub(super) fn findings(expression: &str, instant: bool) -> Vec<String> {
    let mut findings = Vec::new();
    match parsed(expression) {
        Ok(parsed) => visit(&parsed, None, instant, &mut findings),
        Err(told) => findings.push(format!("it cannot be parsed: {told}")),
    }
    findings.iter().map(|found| format!("{found}: {expression}")).collect()
}

/// Looks at an expression and all in it; `call` is the function that it is handed to.
fn visit(expression: &Expr, call: Option<&Call>, instant: bool, findings: &mut Vec<String>) {
    match expression {
        Expr::VectorSelector(selector) => {
            let name = selector.name.as_deref().unwrap_or_default();
            if ["_total", "_bucket", "_sum", "_count"].iter().any(|suffix| name.ends_with(suffix)) {
                findings.push(format!("{name} is a counter without its rate"));
            }
            selected(selector, findings);
        }
        Expr::MatrixSelector(selector) => {
            let range = [RATE_INTERVAL, RANGE].into_iter().find(|(_, _, duration)| *duration == selector.range);
            match range {
                Some((name, ..)) if name == RANGE.0 && !instant => findings.push(format!("it is taken over {name}, and drawn")),
                Some(_) => (),
                None => findings.push(format!("it is taken over {}", promql_parser::util::display_duration(&selector.range))),
            }
            if !call.is_some_and(|call| ["rate", "increase"].contains(&call.func.name)) {
                findings.push(format!("{} is neither rate nor increase", selector.vs));
            }
            selected(&selector.vs, findings);
        }
        Expr::Call(call) => call.args.args.iter().for_each(|argument| visit(argument, Some(call), instant, findings)),
        Expr::Aggregate(aggregate) => visit(&aggregate.expr, None, instant, findings),
        Expr::Binary(binary) => [&binary.lhs, &binary.rhs].into_iter().for_each(|side| visit(side, None, instant, findings)),
        Expr::Paren(paren) => visit(&paren.expr, None, instant, findings),
        Expr::Unary(unary) => visit(&unary.expr, None, instant, findings),
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) => (),
        Expr::Subquery(_) | Expr::Extension(_) => findings.push("a subquery is not what is meant here".to_owned()),
    }
}

/// The series that are asked for are those that are chosen, and of users if they are requests.
fn selected(selector: &VectorSelector, findings: &mut Vec<String>) {
    let name = selector.name.as_deref().unwrap_or_default();
    let is = |label: &str, value: &str| matched(&selector.matchers, label).any(|known| known == value);
    let fixed = FIXED_JOBS.iter().any(|job| is("job", job));
    if !fixed && !is("job", "$job") && !is("job", "$job|") {
        findings.push(format!("{name} is not of the job that is chosen"));
    }
    // What a rule records, and an alert, may have no instance.
    let of_job = name.contains(':') || name.starts_with("ALERTS");
    if !of_job && !is("instance", "$instance") {
        findings.push(format!("{name} is not of the instance that is chosen"));
    }
    let of_requests = ["http_requests_total", "rate_limit_hits_total"].contains(&name)
        || (name.starts_with("http_re") && name.ends_with("_bucket"));
    if of_requests && !(is("endpoint", MONITORING_ENDPOINTS) && is("endpoint", "$endpoint")) {
        findings.push(format!("{name} counts the monitoring's own requests, or endpoints that are not chosen"));
    }
}

fn matched<'a>(matchers: &'a Matchers, label: &'a str) -> impl Iterator<Item = &'a str> {
    matchers.matchers.iter().filter(move |matcher| matcher.name == label).map(|matcher| &*matcher.value)
}

/// The labels that a legend names and that no series can have any more.
pub(super) fn lost(expression: &str, legend: &str) -> Vec<String> {
    let Some(kept) = parsed(expression).ok().and_then(|parsed| kept(&parsed)) else { return Vec::new() };
    let named = legend.split("{{").skip(1).filter_map(|rest| rest.split_once("}}")).map(|(label, _)| label.trim());
    named.filter(|label| !kept.contains(*label)).map(str::to_owned).collect()
}

/// The labels that a result may have; None is all.
fn kept(expression: &Expr) -> Option<BTreeSet<String>> {
    match expression {
        Expr::Aggregate(aggregate) => match &aggregate.modifier {
            Some(LabelModifier::Include(labels)) => Some(labels.labels.iter().cloned().collect()),
            Some(LabelModifier::Exclude(_)) => None,
            None => Some(BTreeSet::new()),
        },
        Expr::Call(call) => kept(call.args.args.last()?),
        // `or` takes from both, and what else combines two series keeps what the left one has.
        Expr::Binary(binary) => match (kept(&binary.lhs), &*binary.rhs, &*binary.lhs) {
            (left, Expr::NumberLiteral(_), _) => left,
            (_, right, Expr::NumberLiteral(_)) => kept(right),
            (left, ..) => left,
        },
        Expr::Paren(paren) => kept(&paren.expr),
        Expr::Unary(unary) => kept(&unary.expr),
        _ => None,
    }
}
