//! The reference of the metrics, `METRICS.md`, made from what a scrape of the running program says and from who uses it: alerts and
//! panels, directly or through recording rules.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use serde_json::Value;
use tachograph_check::{Exposition, Family, Kind};

use crate::rules::{self, RuleFile};
use crate::tables::line;

/// Where the reference lies.
pub const PATH: &str = "METRICS.md";

/// The sections, each with what its families begin with; what fits nowhere is an error.
const SECTIONS: [(&str, &[&str], &str); 8] = [
    (
        "HTTP",
        &["http_", "active_connections", "max_connections", "rate_limit_"],
        "`endpoint` is a route, never a path; a path of no route is `unmatched`. Each series that can be known is there from the \
         start, at 0. Monitoring traffic counts under its own endpoints.",
    ),
    ("Scenes", &["scene_"], "`scene` is a scene that there is, else `unknown`."),
    ("Authentication", &["auth_"], "Of the scene API, `/debug/*` and `/demo/*`."),
    ("Health", &["health_"], "Gauges of 0 and 1, one for each status: averages over time are shares of time."),
    ("Engine", &["engine_"], "Job `engine_telemetry` scrapes them every 5 seconds, job `http_api` drops them."),
    (
        "Process",
        &["log_", "process_"],
        "All of them on Linux. What a platform does not tell is absent from the scrape: Windows has no `process_max_fds` and no \
         `process_virtual_memory_max_bytes`.",
    ),
    ("Runtime", &["tokio_"], "Of the runtime that the server runs in; `worker` is its number."),
    ("Own cost", &["tachograph_"], "What the metrics, profiles and health checks cost and refuse."),
];

/// Labels of few values that are always the same.
const ENUMERATED: [&str; 6] = ["check", "error_type", "phase", "quantile", "reason", "result"];

/// A panel of the dashboard.
#[derive(Clone, Debug)]
pub struct Panel {
    /// Its id, which links lead to.
    pub id: u64,
    /// What stands above it.
    pub title: String,
    /// The row that it is in, if it is in one.
    pub row: Option<String>,
    /// What kind it is.
    pub kind: String,
    /// What it says of itself.
    pub description: String,
    /// Its queries.
    pub expressions: Vec<String>,
}

/// The panels of a dashboard, those of closed rows too, without the rows themselves.
///
/// # Errors
///
/// When that is no dashboard.
pub fn panels(dashboard: &str) -> io::Result<Vec<Panel>> {
    let dashboard: Value = serde_json::from_str(dashboard).map_err(io::Error::from)?;
    let (mut panels, mut row) = (Vec::new(), None);
    let list = dashboard["panels"].as_array().ok_or_else(|| io::Error::other("a dashboard has panels"))?;
    for panel in list {
        if panel["type"] == "row" {
            row = panel["title"].as_str().map(str::to_owned);
            panels.extend(panel["panels"].as_array().into_iter().flatten().map(|panel| read_panel(panel, row.as_ref())));
        } else {
            panels.push(read_panel(panel, row.as_ref()));
        }
    }
    Ok(panels)
}

fn read_panel(panel: &Value, row: Option<&String>) -> Panel {
    let text = |field: &str| panel[field].as_str().unwrap_or_default().to_owned();
    let targets = panel["targets"].as_array().into_iter().flatten();
    let expressions = targets.filter_map(|target| target["expr"].as_str()).map(str::to_owned).collect();
    let id = panel["id"].as_u64().unwrap_or_default();
    Panel { id, title: text("title"), row: row.cloned(), kind: text("type"), description: text("description"), expressions }
}

/// The panels as a table.
pub fn panels_table(panels: &[Panel]) -> String {
    let mut table = "| id | panel | row | kind | shows |\n|---|---|---|---|---|\n".to_owned();
    for Panel { id, title, row, kind, description, .. } in panels {
        let row = row.as_deref().unwrap_or_default();
        let shows = description.replace('|', "\\|").replace('\n', " ");
        line(&mut table, format_args!("| {id} | {title} | {row} | {kind} | {shows} |"));
    }
    table
}

/// The whole of `METRICS.md`.
///
/// # Errors
///
/// When a family belongs to no section: [`SECTIONS`] then lacks one.
pub fn metrics(scrape: &Exposition, panels: &[Panel]) -> io::Result<String> {
    let users = Users::of(scrape, panels);
    let mut text =
        "# Metrics\n\nEvery family that the demo exposes, from a scrape of it in OpenMetrics, and who uses it. This file is \
                    generated, and a test\ncompares it with the running program; `BLESS=1 ci/monitoring.sh` writes it anew.\n\n\
                    Counters are named as in the text format, with `_total`. A histogram has the series `_bucket`, `_sum` and \
                    `_count`.\n"
            .to_owned();
    let mut left: Vec<&Family> = scrape.families.iter().collect();
    for (title, prefixes, told) in SECTIONS {
        let of_section = |family: &&Family| prefixes.iter().any(|prefix| family.name.starts_with(prefix));
        let (families, others): (Vec<_>, Vec<_>) = left.into_iter().partition(of_section);
        left = others;
        line(&mut text, format_args!("\n## {title}\n\n{told}\n"));
        line(&mut text, format_args!("| name | type | unit | labels | is | alerts | panels |\n|---|---|---|---|---|---|---|"));
        for family in families {
            line(&mut text, format_args!("{}", users.row(family)));
        }
        let bounds: BTreeMap<String, Vec<&str>> = bounds_of(scrape, prefixes);
        for (bounds, names) in bounds {
            let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            line(&mut text, format_args!("\nBounds of {}: {bounds}.", names.join(", ")));
        }
    }
    match left.first() {
        Some(family) => Err(io::Error::other(format!("{}: no section of reference.rs is for it, add one", family.name))),
        None => Ok(text),
    }
}

/// The finite bounds of the histograms of a section, and which have them.
fn bounds_of<'a>(scrape: &'a Exposition, prefixes: &[&str]) -> BTreeMap<String, Vec<&'a str>> {
    let mut bounds: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let histograms = scrape.families.iter().filter(|family| family.kind == Some(Kind::Histogram));
    for family in histograms.filter(|family| prefixes.iter().any(|prefix| family.name.starts_with(prefix))) {
        let mut found: Vec<f64> = Vec::new();
        for le in family.samples.iter().filter_map(|sample| sample.label("le")?.parse::<f64>().ok()) {
            if le.is_finite() && !found.contains(&le) {
                found.push(le);
            }
        }
        let shown: Vec<String> = found.iter().map(f64::to_string).collect();
        bounds.entry(shown.join(", ")).or_default().push(&family.name);
    }
    bounds
}

/// Which alerts and panels use which family.
struct Users {
    alerts: BTreeMap<String, BTreeSet<String>>,
    panels: BTreeMap<String, BTreeSet<u64>>,
}

impl Users {
    fn of(scrape: &Exposition, panels: &[Panel]) -> Self {
        let names = Names::new(scrape, &rules::all());
        let mut users = Self { alerts: BTreeMap::new(), panels: BTreeMap::new() };
        for alert in rules::alerts() {
            for family in names.families(&alert.rule.expr) {
                users.alerts.entry(family).or_default().insert(alert.name.clone());
            }
        }
        for panel in panels {
            for family in panel.expressions.iter().flat_map(|expression| names.families(expression)) {
                users.panels.entry(family).or_default().insert(panel.id);
            }
        }
        users
    }

    fn row(&self, family: &Family) -> String {
        let kind = family.kind.map_or("unknown".to_owned(), |kind| format!("{kind:?}").to_lowercase());
        let suffix = if family.kind == Some(Kind::Counter) { "_total" } else { "" };
        let unit = family.unit.as_deref().unwrap_or_default();
        let help = family.help.as_deref().unwrap_or_default().replace('|', "\\|");
        let linked = |name: &String| format!("[{name}](runbooks/{name}.md)");
        let alerts: Vec<String> = self.alerts.get(&family.name).into_iter().flatten().map(linked).collect();
        let panels: Vec<String> = self.panels.get(&family.name).into_iter().flatten().map(u64::to_string).collect();
        let (labels, alerts, panels) = (labels(family).join("; "), alerts.join(", "), panels.join(", "));
        format!("| `{}{suffix}` | {kind} | {unit} | {labels} | {help} | {alerts} | {panels} |", family.name)
    }
}

/// The labels of a family without `le`; with their values where those are few and always the same.
fn labels(family: &Family) -> Vec<String> {
    let mut labels: Vec<(&str, BTreeSet<&str>)> = Vec::new();
    for (name, value) in family.samples.iter().flat_map(|sample| &sample.labels) {
        match labels.iter_mut().find(|(known, _)| known == name) {
            Some((_, values)) => drop(values.insert(value)),
            None => labels.push((name, BTreeSet::from([value.as_str()]))),
        }
    }
    let of_health = |name: &str| name == "status" && family.name.contains("health");
    let shown = |(name, values): (&str, BTreeSet<&str>)| {
        if !ENUMERATED.contains(&name) && !of_health(name) {
            return format!("`{name}`");
        }
        let values: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
        format!("`{name}`: {}", values.join(" "))
    };
    labels.into_iter().filter(|(name, _)| *name != "le").map(shown).collect()
}

/// The names of series, and of which families they are.
struct Names {
    families: BTreeMap<String, BTreeSet<String>>,
}

impl Names {
    fn new(scrape: &Exposition, files: &[RuleFile]) -> Self {
        let mut families: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for family in &scrape.families {
            for suffix in ["", "_total", "_bucket", "_sum", "_count"] {
                families.insert(format!("{}{suffix}", family.name), BTreeSet::from([family.name.clone()]));
            }
        }
        let mut names = Self { families };
        // A rule may use what stands before it in any of the files; a second look finds what stands after it.
        for _ in 0..2 {
            for rule in files.iter().flat_map(|file| &file.groups).flat_map(|group| &group.rules) {
                if let Some(record) = &rule.record {
                    let found = names.families(&rule.expr);
                    names.families.entry(record.clone()).or_default().extend(found);
                }
            }
        }
        names
    }

    /// The families that an expression reads.
    fn families(&self, expression: &str) -> BTreeSet<String> {
        words(expression).filter_map(|word| self.families.get(word)).flatten().cloned().collect()
    }
}

/// The words of an expression that may be names of metrics: text between quotes is none.
fn words(expression: &str) -> impl Iterator<Item = &str> {
    let of_name = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | ':');
    expression.split('"').step_by(2).flat_map(move |part| part.split(move |character| !of_name(character)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_and_quoted_text_is_not() {
        let found: Vec<&str> =
            words("rate(a_total{b=\"up\"}[5m]) / job:x:rate5m > 0").filter(|word| !word.is_empty()).collect();
        assert_eq!(found, ["rate", "a_total", "b", "5m", "job:x:rate5m", "0"]);
    }

    #[test]
    fn a_family_is_used_through_recording_rules_too() {
        let scrape =
            "# TYPE http_requests counter\n# HELP http_requests Requests.\nhttp_requests_total{status=\"200\"} 1\n# EOF\n";
        let scrape = tachograph_check::parse_as(scrape.as_bytes(), tachograph_check::Format::OpenMetrics).unwrap();
        let panel = Panel {
            id: 2,
            title: String::new(),
            row: None,
            kind: String::new(),
            description: String::new(),
            expressions: vec!["rate(http_requests_total[1m])".to_owned()],
        };
        let row = Users::of(&scrape, &[panel]).row(&scrape.families[0]);
        assert!(row.starts_with("| `http_requests_total` | counter |  | `status` | Requests. | "), "{row}");
        assert!(row.contains("[HighHTTPErrorRate](runbooks/HighHTTPErrorRate.md)"), "{row}");
        assert!(row.ends_with(" | 2 |"), "{row}");
    }

    #[test]
    fn a_family_of_no_section_is_told() {
        let scrape = "# TYPE weather gauge\nweather 1\n# EOF\n";
        let scrape =
            tachograph_check::read(scrape.as_bytes(), tachograph_check::Format::OpenMetrics, tachograph_check::Rules::FORMAT).1;
        assert!(metrics(&scrape, &[]).unwrap_err().to_string().starts_with("weather: no section"));
    }
}
