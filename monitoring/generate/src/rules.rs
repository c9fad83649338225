//! The rule files of `monitoring/prometheus/`, read: for the tests, and for what is generated from them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The rule files, in the order that `prometheus.yml` names them.
pub const FILES: [&str; 4] = ["recording_rules.yml", "prometheus_alerts.yml", "slo_rules.yml", "meta_alerts.yml"];

/// The file of the alerts on the API: the 17 that the others stand beside.
pub const ALERTS: &str = "prometheus_alerts.yml";

/// One file of rules.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleFile {
    /// As in [`FILES`].
    #[serde(skip)]
    pub name: String,
    /// Evaluated side by side.
    pub groups: Vec<Group>,
}

/// Rules that are evaluated one after the other.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Unique in its file.
    pub name: String,
    /// How often; without it Prometheus's `evaluation_interval`.
    pub interval: Option<String>,
    /// In order.
    pub rules: Vec<Rule>,
}

/// A recording rule or an alert: exactly one of `record` and `alert` is there.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The metric that a recording rule makes.
    pub record: Option<String>,
    /// The name of an alert. Several may share one, and then differ in a label.
    pub alert: Option<String>,
    /// PromQL.
    pub expr: String,
    /// How long the expression must hold before the alert fires.
    pub r#for: Option<String>,
    /// How long the alert fires on after the expression held last.
    pub keep_firing_for: Option<String>,
    /// What it adds to the labels of the expression.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Templates.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
}

/// An alert and where it stands.
#[derive(Clone, Debug)]
pub struct Alert {
    /// As in [`FILES`].
    pub file: String,
    /// The group's name.
    pub group: String,
    /// Its name.
    pub name: String,
    /// The rule itself.
    pub rule: Rule,
}

impl Rule {
    /// The name of what it makes.
    pub fn name(&self) -> &str {
        self.alert.as_deref().or(self.record.as_deref()).unwrap_or_default()
    }
}

impl Alert {
    /// A label of the rule; empty when it has none of that name.
    pub fn label(&self, name: &str) -> &str {
        self.rule.labels.get(name).map(String::as_str).unwrap_or_default()
    }

    /// An annotation, as it is written; empty when there is none of that name.
    pub fn annotation(&self, name: &str) -> &str {
        self.rule.annotations.get(name).map(String::as_str).unwrap_or_default()
    }
}

/// The folder `monitoring/` of the repository.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The rule files of the repository.
///
/// # Panics
///
/// When one cannot be read: this crate does not leave the repository.
pub fn all() -> Vec<RuleFile> {
    let folder = folder().join("prometheus");
    FILES.iter().map(|name| read(&folder.join(name)).unwrap_or_else(|error| panic!("{error}"))).collect()
}

/// The alerts of all rule files, in their order.
///
/// # Panics
///
/// As [`all`] does.
pub fn alerts() -> Vec<Alert> {
    let mut alerts = Vec::new();
    for file in all() {
        for group in file.groups {
            for rule in group.rules {
                if let Some(name) = rule.alert.clone() {
                    alerts.push(Alert { file: file.name.clone(), group: group.name.clone(), name, rule });
                }
            }
        }
    }
    alerts
}

/// The names of all alerts, each once: of the runbooks that there must be.
///
/// # Panics
///
/// As [`all`] does.
pub fn names() -> Vec<String> {
    let mut names: Vec<_> = alerts().into_iter().map(|alert| alert.name).collect();
    names.dedup();
    names
}

/// Reads one rule file.
///
/// # Errors
///
/// Says which file, and what is wrong in it and where.
pub fn read(path: &Path) -> Result<RuleFile, String> {
    let told = |what: &dyn std::fmt::Display| format!("{}: {what}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| told(&error))?;
    let mut file: RuleFile = serde_saphyr::from_str(&text).map_err(|error| told(&error))?;
    file.name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for rule in file.groups.iter().flat_map(|group| &group.rules) {
        if rule.record.is_some() == rule.alert.is_some() {
            return Err(told(&format!("a rule must have one of `record` and `alert`: {}", rule.expr)));
        }
    }
    Ok(file)
}

/// The seconds of a duration as the rules write it: a number and one unit, as in `5m`.
///
/// # Errors
///
/// Says what is not understood.
pub fn seconds(duration: &str) -> Result<f64, String> {
    let wrong = || format!("`{duration}` is no duration: write a number and one of s, m, h, d");
    let (number, unit) = duration.split_at_checked(duration.len().saturating_sub(1)).ok_or_else(wrong)?;
    let number: u32 = number.parse().map_err(|_| wrong())?;
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    Ok(f64::from(number) * f64::from(unit))
}
