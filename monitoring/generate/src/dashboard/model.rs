//! The part of Grafana's dashboard model that our dashboard uses. What it is called there, it is called here.

use serde::Serialize;
use serde_json::Value;

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Dashboard {
    pub uid: &'static str,
    pub title: &'static str,
    pub description: &'static str,
    pub tags: Vec<&'static str>,
    pub schema_version: u32,
    pub editable: bool,
    pub graph_tooltip: u8,
    pub refresh: &'static str,
    pub time: Time,
    pub timezone: &'static str,
    pub links: Vec<DashboardLink>,
    pub templating: List<Variable>,
    pub annotations: List<Annotation>,
    pub panels: Vec<Panel>,
}

#[derive(Clone, Debug, Serialize)]
pub struct List<T> {
    pub list: Vec<T>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Time {
    pub from: &'static str,
    pub to: &'static str,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DashboardLink {
    pub title: &'static str,
    pub url: &'static str,
    pub tooltip: &'static str,
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub icon: &'static str,
    pub as_dropdown: bool,
    pub include_vars: bool,
    pub keep_time: bool,
    pub tags: Vec<&'static str>,
    pub target_blank: bool,
}

#[derive(Clone, Debug, Serialize)]
pub struct DataSource {
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub uid: &'static str,
}

/// What is chosen at the top of the dashboard.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Variable {
    pub name: &'static str,
    pub label: &'static str,
    pub description: &'static str,
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub query: Value,
    pub hide: u8,
    pub current: Chosen,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub datasource: Option<DataSource>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sort: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multi: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include_all: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub all_value: Option<&'static str>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Chosen {
    pub text: Value,
    pub value: Value,
}

/// Marks on every graph.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Annotation {
    pub name: &'static str,
    pub datasource: DataSource,
    pub enable: bool,
    pub icon_color: Color,
    pub target: Target,
    pub title_format: &'static str,
    pub text_format: &'static str,
    pub tag_keys: &'static str,
    pub use_value_for_time: bool,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Panel {
    pub id: u32,
    pub title: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub description: &'static str,
    pub grid_pos: GridPos,
    #[serde(flatten)]
    pub visualization: super::options::Visualization,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub datasource: Option<DataSource>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field_config: Option<FieldConfig>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<Target>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub transformations: Vec<Transformation>,
    /// Of a row: whether the panels are hidden, and the panels that are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collapsed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub panels: Option<[u8; 0]>,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct GridPos {
    pub x: u32,
    pub y: u32,
    pub w: u32,
    pub h: u32,
}

/// One query.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    pub ref_id: String,
    pub datasource: DataSource,
    pub expr: String,
    pub legend_format: &'static str,
    pub format: &'static str,
    pub instant: bool,
    pub range: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exemplar: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<&'static str>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Transformation {
    pub id: &'static str,
    pub options: Value,
}

#[derive(Clone, Debug, Serialize)]
pub struct FieldConfig {
    pub defaults: Field,
    pub overrides: Vec<Override>,
}

/// How values are shown.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Field {
    pub unit: Unit,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimals: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    pub no_value: &'static str,
    pub color: FieldColor,
    pub thresholds: Thresholds,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mappings: Vec<Mapping>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<DataLink>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom: Option<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub enum Unit {
    #[serde(rename = "reqps")]
    RequestsPerSecond,
    #[serde(rename = "reqpm")]
    RequestsPerMinute,
    #[serde(rename = "ops")]
    PerSecond,
    #[serde(rename = "opm")]
    PerMinute,
    #[serde(rename = "percentunit")]
    Share,
    #[serde(rename = "s")]
    Seconds,
    #[serde(rename = "bytes")]
    Bytes,
    #[serde(rename = "short")]
    Count,
    #[serde(rename = "none")]
    State,
    #[serde(rename = "suffix: fps")]
    FramesPerSecond,
    /// Times the pace at which the error budget is just used up.
    #[serde(rename = "suffix:×")]
    Times,
    /// Milliseconds since 1970, shown as how long ago that is.
    #[serde(rename = "dateTimeFromNow")]
    Since,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldColor {
    pub mode: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixed_color: Option<Color>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Color {
    Green,
    Blue,
    Yellow,
    Orange,
    Red,
    Purple,
    SemiDarkRed,
    Text,
}

#[derive(Clone, Debug, Serialize)]
pub struct Thresholds {
    pub mode: &'static str,
    pub steps: Vec<Step>,
}

/// The colour of all values from this one on.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Step {
    pub color: Color,
    pub value: Option<f64>,
}

/// Words for numbers.
#[derive(Clone, Debug, Serialize)]
pub struct Mapping {
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub options: Value,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DataLink {
    pub title: &'static str,
    pub url: &'static str,
    pub target_blank: bool,
}

/// What is different for some of the series.
#[derive(Clone, Debug, Serialize)]
pub struct Override {
    pub matcher: Matcher,
    pub properties: Vec<Property>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Matcher {
    pub id: &'static str,
    pub options: &'static str,
}

#[derive(Clone, Debug, Serialize)]
pub struct Property {
    pub id: &'static str,
    pub value: Value,
}
