//! The kinds of panels, each with its options.

use serde::Serialize;

#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", content = "options", rename_all = "lowercase")]
pub enum Visualization {
    Row,
    TimeSeries(Graph),
    Stat(Stat),
    BarGauge(BarGauge),
    Table(Table),
    Heatmap(Heatmap),
    #[serde(rename = "state-timeline")]
    StateTimeline(Timeline),
    AlertList(AlertList),
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Legend {
    pub display_mode: &'static str,
    pub placement: &'static str,
    pub show_legend: bool,
    pub calcs: Vec<&'static str>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Tooltip {
    pub mode: &'static str,
    pub sort: &'static str,
}

#[derive(Clone, Debug, Serialize)]
pub struct Graph {
    pub legend: Legend,
    pub tooltip: Tooltip,
}

/// Which of a series' values one number stands for.
#[derive(Clone, Debug, Serialize)]
pub struct Reduce {
    pub calcs: Vec<&'static str>,
    pub fields: &'static str,
    pub values: bool,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stat {
    pub reduce_options: Reduce,
    pub orientation: &'static str,
    pub text_mode: &'static str,
    pub color_mode: &'static str,
    pub graph_mode: &'static str,
    pub justify_mode: &'static str,
    pub wide_layout: bool,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BarGauge {
    pub reduce_options: Reduce,
    pub orientation: &'static str,
    pub display_mode: &'static str,
    pub value_mode: &'static str,
    pub name_placement: &'static str,
    pub show_unfilled: bool,
    pub sizing: &'static str,
    pub min_viz_width: u32,
    pub min_viz_height: u32,
    pub max_viz_height: u32,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Table {
    pub show_header: bool,
    pub cell_height: &'static str,
    pub sort_by: Vec<SortBy>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SortBy {
    pub display_name: &'static str,
    pub desc: bool,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Heatmap {
    pub calculate: bool,
    pub cell_gap: u32,
    pub cell_values: CellValues,
    pub color: HeatmapColor,
    pub exemplars: HeatmapExemplars,
    /// Cells without anything are not painted.
    pub filter_values: FilterValues,
    pub legend: HeatmapLegend,
    pub rows_frame: RowsFrame,
    pub show_value: &'static str,
    pub tooltip: HeatmapTooltip,
    pub y_axis: YAxis,
}

#[derive(Clone, Debug, Serialize)]
pub struct CellValues {
    pub unit: super::model::Unit,
}

#[derive(Clone, Debug, Serialize)]
pub struct HeatmapColor {
    pub mode: &'static str,
    pub scheme: &'static str,
    pub scale: &'static str,
    pub exponent: f64,
    pub fill: &'static str,
    pub reverse: bool,
    pub steps: u32,
}

#[derive(Clone, Debug, Serialize)]
pub struct HeatmapExemplars {
    pub color: &'static str,
}

#[derive(Clone, Debug, Serialize)]
pub struct FilterValues {
    pub le: f64,
}

#[derive(Clone, Debug, Serialize)]
pub struct HeatmapLegend {
    pub show: bool,
}

#[derive(Clone, Debug, Serialize)]
pub struct RowsFrame {
    pub layout: &'static str,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HeatmapTooltip {
    pub mode: &'static str,
    pub show_color_scale: bool,
    pub y_histogram: bool,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct YAxis {
    pub axis_placement: &'static str,
    pub reverse: bool,
    pub unit: super::model::Unit,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Timeline {
    pub align_value: &'static str,
    pub legend: Legend,
    pub merge_values: bool,
    pub row_height: f64,
    pub show_value: &'static str,
    pub tooltip: Tooltip,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AlertList {
    pub alert_name: &'static str,
    pub alert_instance_label_filter: &'static str,
    pub dashboard_alerts: bool,
    pub group_by: Vec<&'static str>,
    pub group_mode: &'static str,
    pub max_items: u32,
    pub show_instances: bool,
    pub show_inactive_alerts: bool,
    pub sort_order: u8,
    pub state_filter: StateFilter,
    pub view_mode: &'static str,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StateFilter {
    pub firing: bool,
    pub pending: bool,
    pub recovering: bool,
    pub no_data: bool,
    pub normal: bool,
    pub error: bool,
}
