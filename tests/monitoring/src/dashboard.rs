//! What a dashboard asks of Prometheus, asked as Grafana does, and judged: each query has to yield numbers, and each
//! name that is shown for them has to be made of labels that they have.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use system::http;

/// How far the graphs look back, in seconds.
pub const RANGE: u64 = 60;

/// A query of the dashboard.
#[derive(Clone, Debug)]
pub struct Query {
    /// The panel and the letter, for a message.
    pub place: String,
    /// With its variables.
    pub expression: String,
    /// Whether it is asked for the present alone.
    pub instant: bool,
    /// Labels that every series has to have.
    pub all: BTreeSet<String>,
    /// Labels, and columns, that one series at least has to have.
    pub one: BTreeSet<String>,
}

/// All queries of the panels and of the annotations.
pub fn queries(dashboard: &Value) -> Vec<Query> {
    let mut queries = Vec::new();
    for panel in list(&dashboard["panels"]) {
        let columns = columns(panel);
        for target in list(&panel["targets"]) {
            queries.push(Query {
                place: format!("{} {}", text(&panel["title"]), text(&target["refId"])),
                expression: text(&target["expr"]).to_owned(),
                instant: target["instant"] == true,
                all: labels_in(text(&target["legendFormat"])),
                one: columns.clone(),
            });
        }
    }
    for annotation in list(&dashboard["annotations"]["list"]) {
        queries.push(Query {
            place: format!("annotation {}", text(&annotation["name"])),
            expression: text(&annotation["target"]["expr"]).to_owned(),
            instant: false,
            all: labels_in(text(&annotation["titleFormat"])),
            one: labels_in(text(&annotation["textFormat"])),
        });
    }
    queries
}

/// The columns of a table that are labels: those that are given a name, but for the values.
fn columns(panel: &Value) -> BTreeSet<String> {
    let organized = list(&panel["transformations"]).iter().filter(|known| known["id"] == "organize");
    let names = organized.filter_map(|known| known["options"]["renameByName"].as_object()).flat_map(|names| names.keys());
    names.filter(|name| !name.starts_with("Value")).cloned().collect()
}

/// The names between double braces.
fn labels_in(format: &str) -> BTreeSet<String> {
    format.split("{{").skip(1).filter_map(|rest| rest.split_once("}}")).map(|(name, _)| name.trim().to_owned()).collect()
}

/// The queries of the variables: which label is listed, and of which series.
pub fn listed(dashboard: &Value) -> Vec<(String, String)> {
    let variables = list(&dashboard["templating"]["list"]).iter().filter(|variable| variable["type"] == "query");
    let read = |variable: &Value| {
        let query = text(&variable["query"]["query"]);
        let inner = query.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')'));
        let (series, label) = inner.and_then(|inner| inner.rsplit_once(", ")).expect("label_values(SERIES, LABEL)");
        (label.to_owned(), series.to_owned())
    };
    variables.map(read).collect()
}

/// Fills in what Grafana fills in when all is chosen.
///
/// # Errors
///
/// When a variable is left that is not known here.
pub fn filled(expression: &str) -> Result<String, String> {
    let values =
        [("$__rate_interval", "10s"), ("$__range", "60s"), ("$instance", ".+"), ("$endpoint", ".+"), ("$job", "http_api")];
    let filled = values.iter().fold(expression.to_owned(), |text, (name, value)| text.replace(name, value));
    // `${1}` is no variable of Grafana's: it is what label_replace found.
    let rest = filled.replace("${1}", "");
    if rest.contains('$') { Err(format!("a variable is not filled in: {filled}")) } else { Ok(filled) }
}

/// What Prometheus answers to a query, over the last minute or for the present: its result.
///
/// # Errors
///
/// When it refuses the query, which says why, or cannot be reached.
pub fn ask(prometheus: SocketAddr, expression: &str, instant: bool) -> Result<Value, String> {
    let query = encoded(expression);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|error| error.to_string())?.as_secs();
    let path = if instant {
        format!("query?query={query}")
    } else {
        format!("query_range?query={query}&start={}&end={now}&step=1", now - RANGE)
    };
    Ok(get(prometheus, &path)?["result"].take())
}

/// What `/api/v1` answers.
///
/// # Errors
///
/// When it is an error, or there is no answer.
pub fn get(prometheus: SocketAddr, path: &str) -> Result<Value, String> {
    let response = http::get(prometheus, &format!("/api/v1/{path}")).map_err(|error| error.to_string())?;
    let mut answer: Value = serde_json::from_str(&response.body).map_err(|error| error.to_string())?;
    if answer["status"] == "success" { Ok(answer["data"].take()) } else { Err(text(&answer["error"]).to_owned()) }
}

/// Whether a query's result can be shown: it has a number, and each label that is named.
///
/// # Errors
///
/// What is missing.
pub fn judged(query: &Query, result: &Value) -> Result<(), String> {
    let series: Vec<&Value> = list(result).iter().filter(|series| has_number(series)).collect();
    if series.is_empty() {
        return Err(format!("{}: no data: {}", query.place, query.expression));
    }
    let has = |series: &Value, label: &String| !text(&series["metric"][label]).is_empty();
    let lacks = |label: &&String| !series.iter().all(|series| has(series, label));
    if let Some(label) = query.all.iter().find(lacks) {
        return Err(format!("{}: not every series has the label {label}: {}", query.place, query.expression));
    }
    match query.one.iter().find(|label| !series.iter().any(|series| has(series, label))) {
        Some(label) => Err(format!("{}: no series has the label {label}: {}", query.place, query.expression)),
        None => Ok(()),
    }
}

/// NaN is none.
fn has_number(series: &Value) -> bool {
    let is_number = |sample: &Value| text(&sample[1]).parse::<f64>().is_ok_and(|value| !value.is_nan());
    is_number(&series["value"]) || list(&series["values"]).iter().any(is_number)
}

/// As it stands in an address.
pub fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// Values by their names, of what may not be there.
pub fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The names of all metrics that an expression selects.
///
/// # Errors
///
/// When it cannot be parsed.
pub fn metrics(expression: &str) -> Result<BTreeSet<String>, String> {
    use promql_parser::parser::{self, Expr, VectorSelector};
    use promql_parser::util::{ExprVisitor, walk_expr};

    struct Names(BTreeSet<String>);

    impl ExprVisitor for Names {
        type Error = String;

        fn pre_visit(&mut self, expression: &Expr) -> Result<bool, String> {
            let selector: Option<&VectorSelector> = match expression {
                Expr::VectorSelector(selector) => Some(selector),
                Expr::MatrixSelector(selector) => Some(&selector.vs),
                _ => None,
            };
            if let Some(selector) = selector {
                self.0.insert(selector.name.clone().ok_or_else(|| format!("{selector} names no metric"))?);
            }
            Ok(true)
        }
    }

    let expression = parser::parse(expression).map_err(|error| error.to_string())?;
    let mut names = Names(BTreeSet::new());
    walk_expr(&mut names, &expression)?;
    Ok(names.0)
}

/// What a Prometheus knows: the families of its targets with all their series, and what its rules record.
///
/// # Errors
///
/// As [`get`].
pub fn known(prometheus: SocketAddr) -> Result<BTreeSet<String>, String> {
    // Prometheus' own, and those of the exporter that probes.
    let own = ["up", "ALERTS", "ALERTS_FOR_STATE", "scrape_samples_scraped", "scrape_duration_seconds"];
    let probe = ["probe_success", "probe_duration_seconds"];
    let mut known: BTreeSet<String> = own.iter().chain(&probe).map(|name| (*name).to_owned()).collect();
    let kinds: BTreeMap<String, String> =
        list(&get(prometheus, "targets/metadata?match_target=%7Bjob%3D%7E%22http_api%7Cengine_telemetry%22%7D")?)
            .iter()
            .map(|family| (text(&family["metric"]).to_owned(), text(&family["type"]).to_owned()))
            .collect();
    for (name, kind) in kinds {
        if kind == "histogram" || kind == "summary" {
            known.extend(["_bucket", "_count", "_sum"].map(|suffix| format!("{name}{suffix}")));
        }
        // OpenMetrics names a counter's family without its suffix.
        if kind == "counter" && !name.ends_with("_total") {
            known.insert(format!("{name}_total"));
        }
        known.insert(name);
    }
    for group in list(&get(prometheus, "rules")?["groups"]) {
        let recorded = list(&group["rules"]).iter().filter(|rule| rule["type"] == "recording");
        known.extend(recorded.map(|rule| text(&rule["name"]).to_owned()));
    }
    Ok(known)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn query(all: &[&str], one: &[&str]) -> Query {
        let owned = |labels: &[&str]| labels.iter().map(|label| (*label).to_owned()).collect();
        let (place, expression) = ("Panel A".to_owned(), "requests".to_owned());
        Query { place, expression, instant: false, all: owned(all), one: owned(one) }
    }

    #[test]
    fn a_result_without_numbers_is_no_data() {
        for empty in [json!([]), json!([{"metric": {}, "values": [[1, "NaN"]]}]), json!([{"metric": {}, "value": [1, "NaN"]}])]
        {
            let told = judged(&query(&[], &[]), &empty).unwrap_err();
            assert_eq!(told, "Panel A: no data: requests", "{empty}");
        }
        judged(&query(&[], &[]), &json!([{"metric": {}, "values": [[1, "NaN"], [2, "0"]]}])).unwrap();
        judged(&query(&[], &[]), &json!([{"metric": {}, "value": [1, "+Inf"]}])).unwrap();
    }

    #[test]
    fn a_label_that_is_named_has_to_be_there() {
        let result = json!([{"metric": {"a": "1", "b": "2"}, "value": [1, "1"]}, {"metric": {"a": "1"}, "value": [1, "1"]}]);
        judged(&query(&["a"], &["b"]), &result).unwrap();
        assert!(judged(&query(&["b"], &[]), &result).unwrap_err().contains("not every series has the label b"));
        assert!(judged(&query(&[], &["c"]), &result).unwrap_err().contains("no series has the label c"));
    }

    #[test]
    fn queries_come_with_their_labels_and_variables() {
        let dashboard = json!({
            "panels": [{"title": "P", "targets": [
                {"refId": "A", "expr": "a{job=~\"$job\"}", "legendFormat": "{{x}} of {{ y }}", "instant": true}],
                "transformations": [{"id": "organize", "options": {"renameByName": {"z": "Z", "Value #A": "V"}}}]}],
            "annotations": {"list": [{"name": "N", "target": {"expr": "b"}, "titleFormat": "{{t}}", "textFormat": ""}]},
            "templating": {"list": [{"type": "query", "query": {"query": "label_values(a{b=\"c, d\"}, e)"}}]},
        });
        let queries = queries(&dashboard);
        let shown: Vec<String> =
            queries.iter().map(|query| format!("{}|{:?}|{:?}", query.place, query.all, query.one)).collect();
        assert_eq!(shown, [r#"P A|{"x", "y"}|{"z"}"#, r#"annotation N|{"t"}|{}"#]);
        assert_eq!(listed(&dashboard), [("e".to_owned(), "a{b=\"c, d\"}".to_owned())]);
        assert_eq!(filled(&queries[0].expression).unwrap(), "a{job=~\"http_api\"}");
        assert!(filled("a[$interval]").unwrap_err().contains("not filled in"));
    }

    #[test]
    fn metrics_are_found_wherever_they_stand() {
        let names = metrics("sum(rate(a_total[5m])) / on (x) (b{c=\"d\"} > 0) or 0 * up").unwrap();
        assert_eq!(names.into_iter().collect::<Vec<_>>(), ["a_total", "b", "up"]);
        assert!(metrics("sum(").is_err());
    }
}
