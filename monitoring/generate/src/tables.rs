//! The tables of the documents that are made from limits and rules, and how they come into a document.
//!
//! A document has places for them: what stands between `<!-- generated: NAME -->` and `<!-- /generated -->` is replaced. A number in
//! its text that is a limit has the limit's name behind it, `5 %<!--ERROR_RATIO-->`; who reads sees the number, and a test compares.

use std::fmt::Write;
use std::io;

use crate::limits;
use crate::rules::{self, Alert};

/// A limit as the documents write it.
#[derive(Clone, Debug)]
pub struct Limit {
    /// The name of the constant.
    pub name: &'static str,
    /// The number with its unit.
    pub shown: String,
    /// What it is of.
    pub of: &'static str,
    /// The alerts that compare with it; health is no alert.
    pub alerts: &'static [&'static str],
}

/// All limits.
pub fn limits() -> Vec<Limit> {
    let limit = |name, shown, of, alerts| Limit { name, shown, of, alerts };
    let ratio: &[&str] = &["HighHTTPErrorRate", "CriticalSlowRequests", "SlowRequestLatency"];
    vec![
        limit("TRAFFIC_JUDGED", number(limits::TRAFFIC_JUDGED), "requests a second, below which nothing is judged", ratio),
        limit(
            "EVENTS_JUDGED",
            number(limits::EVENTS_JUDGED),
            "events in five minutes, or failures in the long window of a burn, below which nothing is judged",
            &["HighSceneLoadErrorRate", "EndpointHighErrorRate", "HTTPAPIErrorBudgetBurn"],
        ),
        limit("ERROR_RATIO", percent(limits::ERROR_RATIO), "of the requests answered 5xx", &["HighHTTPErrorRate"]),
        limit(
            "ENDPOINT_ERROR_RATIO",
            percent(limits::ENDPOINT_ERROR_RATIO),
            "of the requests of an endpoint answered 5xx",
            &["EndpointHighErrorRate"],
        ),
        limit("LATENCY_P95", seconds(limits::LATENCY_P95), "95th percentile of the duration", &["SlowRequestLatency"]),
        limit("LATENCY_P99", seconds(limits::LATENCY_P99), "99th percentile of the duration", &["CriticalSlowRequests"]),
        limit("AUTH_FAILURES", number(limits::AUTH_FAILURES), "authentications a minute that fail", &["HighAuthFailureRate"]),
        limit(
            "AUTH_FAILURES_CRITICAL",
            number(limits::AUTH_FAILURES_CRITICAL),
            "authentications a minute that fail",
            &["CriticalAuthFailureRate"],
        ),
        limit("RATE_LIMIT_HITS", number(limits::RATE_LIMIT_HITS), "requests a minute answered 429", &["HighRateLimitHits"]),
        limit("MEMORY_DEGRADED", mebibytes(limits::MEMORY_DEGRADED), "resident; health is degraded from there", &[]),
        limit("MEMORY_HIGH", mebibytes(limits::MEMORY_HIGH), "resident", &["HighMemoryUsage"]),
        limit(
            "MEMORY_CRITICAL",
            mebibytes(limits::MEMORY_CRITICAL),
            "resident; health is unhealthy from there",
            &["CriticalMemoryUsage"],
        ),
        limit(
            "SCENE_ERROR_RATIO",
            percent(limits::SCENE_ERROR_RATIO),
            "of the attempts to load a scene fail",
            &["HighSceneLoadErrorRate"],
        ),
        limit("SCENE_FAILURES", number(limits::SCENE_FAILURES), "loads a second that fail", &["SceneLoadFailures"]),
        limit("REQUEST_BYTES", mebibytes(limits::REQUEST_BYTES), "95th percentile of a body", &["LargeRequestSize"]),
        limit("TRAFFIC_LOW", number(limits::TRAFFIC_LOW), "requests a second, and fewer", &["LowRequestRate"]),
        limit("WARM_UP", minutes(limits::WARM_UP), "from the start, in which low traffic is no alert", &["LowRequestRate"]),
        limit(
            "CONNECTIONS_SHARE",
            percent(limits::CONNECTIONS_SHARE),
            "of the connections that may be open",
            &["HighActiveConnections"],
        ),
        limit("HEALTH_SILENT", minutes(limits::HEALTH_SILENT), "without a result of a health check", &["HealthCheckFailing"]),
        limit(
            "ERROR_BUDGET",
            percent(limits::ERROR_BUDGET),
            "of the requests of 30 days may be answered 5xx",
            &["HTTPAPIErrorBudgetBurn"],
        ),
        limit("RESTARTS", number(limits::RESTARTS), "starts in 15 minutes that are no loop yet", &["HTTPAPIRestartLoop"]),
        limit("SCRAPE_SAMPLES", number(limits::SCRAPE_SAMPLES), "samples a scrape", &["HTTPAPICardinality"]),
        limit(
            "REMOTE_WRITE_LAG",
            minutes(limits::REMOTE_WRITE_LAG),
            "since the last sample that a store took",
            &["PrometheusRemoteWriteFailing"],
        ),
        limit(
            "NOTIFICATION_FAILURES",
            percent(limits::NOTIFICATION_FAILURES),
            "of the notifications of one way fail",
            &["AlertmanagerNotificationsFailing"],
        ),
        limit(
            "OBJECTIVE",
            percent(1.0 - limits::ERROR_BUDGET),
            "of the requests of 30 days shall not be answered 5xx",
            &["HTTPAPIErrorBudgetBurn"],
        ),
    ]
}

fn number(value: f64) -> String {
    value.to_string()
}

/// Without the last bits of a product that no decimal fraction is.
fn percent(share: f64) -> String {
    format!("{} %", (share * 1e6).round() / 1e4)
}

fn seconds(value: f64) -> String {
    format!("{value} s")
}

fn minutes(seconds: f64) -> String {
    format!("{} minutes", seconds / 60.0)
}

fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes as f64 / f64::from(1 << 20))
}

/// The limits and who compares with them.
pub fn limits_table(runbooks: &str) -> String {
    let mut table = "| limit | is | of | alerts |\n|---|---|---|---|\n".to_owned();
    for Limit { name, shown, of, alerts } in limits() {
        let alerts: Vec<String> = alerts.iter().map(|alert| format!("[{alert}]({runbooks}{alert}.md)")).collect();
        line(&mut table, format_args!("| `{name}` | {shown} | {of} | {} |", alerts.join(", ")));
    }
    table
}

/// The alerts of one file, each with its runbook.
pub fn alerts_table(file: &str, runbooks: &str) -> String {
    let mut table = "| # | alert | severity | signal | for | condition |\n|---|---|---|---|---|---|\n".to_owned();
    let of_file = rules::alerts().into_iter().filter(|alert| alert.file == file);
    for (alert, number) in of_file.zip(1..) {
        let (name, severity, signal) = (&alert.name, alert.label("severity"), alert.label("signal"));
        let window = alert.rule.labels.get("window").map(|window| format!(", {window}")).unwrap_or_default();
        let condition = alert.rule.expr.trim().replace('|', "\\|");
        let link = format!("[{name}]({runbooks}{name}.md){window}");
        line(&mut table, format_args!("| {number} | {link} | {severity} | {signal} | {} | `{condition}` |", times(&alert)));
    }
    table
}

/// How long an alert waits, and for how long it stays.
fn times(alert: &Alert) -> String {
    let wait = alert.rule.r#for.as_deref().unwrap_or("0s");
    match &alert.rule.keep_firing_for {
        Some(keep) => format!("{wait}, keeps {keep}"),
        None => wait.to_owned(),
    }
}

/// What the rules say of an alert: the head of its runbook.
pub fn facts(name: &str) -> String {
    let mut text = "| severity | component | signal | for | file |\n|---|---|---|---|---|\n".to_owned();
    let mut conditions = String::new();
    for alert in rules::alerts().iter().filter(|alert| alert.name == name) {
        let [severity, component, signal] = ["severity", "component", "signal"].map(|label| alert.label(label));
        let window = alert.rule.labels.get("window").map(|window| format!(" (`window=\"{window}\"`)")).unwrap_or_default();
        let (times, file) = (times(alert), &alert.file);
        line(&mut text, format_args!("| {severity}{window} | {component} | {signal} | {times} | `{file}` |"));
        line(&mut conditions, format_args!("{}", broken_up(alert.rule.expr.trim())));
    }
    format!("{text}\n```promql\n{conditions}```\n")
}

/// A long condition on several lines: the second part of an operator that joins begins one, set in as what goes on is.
fn broken_up(expression: &str) -> String {
    [" or ", " and on ", " unless "]
        .iter()
        .fold(expression.to_owned(), |text, operator| text.replace(operator, &format!("\n  {}", &operator[1..])))
}

/// The alerts as a list, in the order of the rules.
pub fn alerts_list() -> String {
    let (mut list, alerts) = (String::new(), rules::alerts());
    for name in rules::names() {
        let alert = alerts.iter().find(|alert| alert.name == name).expect("a name is that of an alert");
        line(&mut list, format_args!("- [{name}]({name}.md): {}, {}", alert.label("severity"), alert.label("signal")));
    }
    list
}

/// How fast the error budget burns when `HTTPAPIErrorBudgetBurn` fires.
pub fn burn_table() -> String {
    let mut table =
        "| windows | factor | share of errors | at this pace the budget of 30 days lasts |\n|---|---|---|---|\n".to_owned();
    for limits::Burn { factor, long, short } in limits::BURN {
        let share = percent(factor * limits::ERROR_BUDGET);
        let lasts = format!("{:.1} days", 30.0 / factor);
        line(&mut table, format_args!("| {long} and {short} | {factor} | {share} | {lasts} |"));
    }
    table
}

pub(crate) fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("a string takes all");
}

/// Puts a block into its place in a document.
///
/// # Errors
///
/// When the document has no such place, or more than one.
pub fn replace(document: &str, path: &str, name: &str, block: &str) -> io::Result<String> {
    let (begin, end) = (format!("<!-- generated: {name} -->\n"), "<!-- /generated -->\n");
    let wrong = |what: &str| io::Error::other(format!("{path}: {what} '{}'", begin.trim()));
    let (before, rest) = document.split_once(&begin).ok_or_else(|| wrong("there has to be a line"))?;
    let (_, after) = rest.split_once(end).ok_or_else(|| wrong("there is no '<!-- /generated -->' after"))?;
    if after.contains(&begin) {
        return Err(wrong("there is more than one"));
    }
    Ok(format!("{before}{begin}{block}{end}{after}"))
}

/// The numbers of a text that have the name of a limit behind them: the text up to each, and the name.
pub fn stated(document: &str) -> impl Iterator<Item = (&str, &str)> {
    document.match_indices("<!--").filter_map(|(at, _)| {
        let name = document[at + 4..].split_once("-->")?.0;
        let is_name = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        name.bytes().all(is_name).then_some((&document[..at], name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_written_as_people_do() {
        assert_eq!([percent(0.05), percent(1.0 - 0.001), percent(0.07)], ["5 %", "99.9 %", "7 %"]);
        assert_eq!([seconds(0.5), seconds(2.0), minutes(120.0)], ["0.5 s", "2 s", "2 minutes"]);
        assert_eq!([mebibytes(800 << 20), number(0.1)], ["800 MiB", "0.1"]);
    }

    #[test]
    fn no_limit_is_left_out() {
        let constants = include_str!("limits.rs").lines().filter_map(|line| line.strip_prefix("pub const ")?.split_once(':'));
        let names: Vec<&str> = constants.map(|(name, _)| name).filter(|name| *name != "BURN").collect();
        let known: Vec<&str> = limits().iter().map(|limit| limit.name).filter(|name| *name != "OBJECTIVE").collect();
        let missing: Vec<_> = names.iter().filter(|name| !known.contains(name)).collect();
        assert!(missing.is_empty() && names.len() == known.len(), "limits() lacks {missing:?}");
    }

    #[test]
    fn a_block_is_replaced_and_the_rest_stays() {
        let document = "a\n<!-- generated: x -->\nold\n<!-- /generated -->\nb\n";
        let there = replace(document, "d.md", "x", "new\n").unwrap();
        assert_eq!(there, "a\n<!-- generated: x -->\nnew\n<!-- /generated -->\nb\n");
        assert!(replace(document, "d.md", "y", "").unwrap_err().to_string().contains("d.md: there has to be a line"));
    }

    #[test]
    fn a_stated_limit_is_found_and_another_comment_is_not() {
        let found: Vec<_> = stated("above 5 %<!--ERROR_RATIO-->; <!-- generated: x -->").collect();
        assert_eq!(found, [("above 5 %", "ERROR_RATIO")]);
    }

    #[test]
    fn a_long_condition_goes_on_set_in() {
        assert_eq!(broken_up("a > 1 and on (job) b or c"), "a > 1\n  and on (job) b\n  or c");
    }
}
