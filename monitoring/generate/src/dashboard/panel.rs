//! Panels: what all of a kind have in common.

use serde_json::{Value, json};

use super::model::*;
use super::options::*;
use super::query::prometheus;

/// A panel and its size; the dashboard is 24 wide.
#[derive(Clone, Debug)]
pub struct Placed {
    pub w: u32,
    pub h: u32,
    pub panel: Panel,
}

impl Panel {
    fn new(id: u32, title: &'static str, visualization: Visualization, unit: Unit, custom: Option<Value>) -> Self {
        let defaults = Field {
            unit,
            decimals: None,
            min: Some(0.0),
            max: None,
            no_value: "no data",
            color: FieldColor { mode: "palette-classic-by-name", fixed_color: None },
            thresholds: Thresholds { mode: "absolute", steps: vec![Step { color: Color::Green, value: None }] },
            mappings: Vec::new(),
            links: Vec::new(),
            custom,
        };
        Self {
            id,
            title,
            description: "",
            grid_pos: GridPos::default(),
            visualization,
            datasource: Some(prometheus()),
            field_config: Some(FieldConfig { defaults, overrides: Vec::new() }),
            targets: Vec::new(),
            transformations: Vec::new(),
            collapsed: None,
            panels: None,
        }
    }

    /// The headline of what stands below. None is folded: Grafana asks only for what is on the screen, and a link to one panel
    /// finds it.
    pub fn row(id: u32, title: &'static str) -> Self {
        let row = Self::new(id, title, Visualization::Row, Unit::State, None);
        Self { datasource: None, field_config: None, collapsed: Some(false), panels: Some([]), ..row }
    }

    /// Lines over time.
    pub fn graph(id: u32, title: &'static str, unit: Unit) -> Self {
        let graph = Graph { legend: legend_table(), tooltip: tooltip() };
        let custom = json!({
            "drawStyle": "line",
            "lineWidth": 1,
            "fillOpacity": 8,
            "gradientMode": "none",
            "lineInterpolation": "linear",
            "showPoints": "never",
            "spanNulls": false,
            "stacking": {"mode": "none", "group": "A"},
            "thresholdsStyle": {"mode": "off"},
        });
        Self::new(id, title, Visualization::TimeSeries(graph), unit, Some(custom))
    }

    /// Areas over time, one upon the other.
    pub fn stack(id: u32, title: &'static str, unit: Unit) -> Self {
        let stacking = json!({"mode": "normal", "group": "A"});
        Self::graph(id, title, unit).custom("stacking", stacking).custom("fillOpacity", json!(55))
    }

    /// One number, with its course behind it.
    pub fn stat(id: u32, title: &'static str, unit: Unit) -> Self {
        let stat = Stat {
            reduce_options: last(),
            orientation: "auto",
            text_mode: "value",
            color_mode: "background",
            graph_mode: "area",
            justify_mode: "center",
            wide_layout: true,
        };
        Self::new(id, title, Visualization::Stat(stat), unit, None).colored_by_threshold()
    }

    /// A bar for each number.
    pub fn bars(id: u32, title: &'static str, unit: Unit) -> Self {
        let bars = BarGauge {
            reduce_options: last(),
            orientation: "horizontal",
            display_mode: "basic",
            value_mode: "color",
            name_placement: "left",
            show_unfilled: true,
            sizing: "auto",
            min_viz_width: 8,
            min_viz_height: 16,
            max_viz_height: 40,
        };
        Self::new(id, title, Visualization::BarGauge(bars), unit, None).colored_by_threshold()
    }

    /// Rows, the largest value of a column first.
    pub fn table(id: u32, title: &'static str, unit: Unit, sort_by: &'static str) -> Self {
        let sort_by = vec![SortBy { display_name: sort_by, desc: true }];
        let table = Table { show_header: true, cell_height: "sm", sort_by };
        let custom = json!({"align": "auto", "inspect": false, "filterable": false, "cellOptions": {"type": "auto"}});
        Self::new(id, title, Visualization::Table(table), unit, Some(custom)).colored_by_threshold()
    }

    /// States over time, a line each.
    pub fn timeline(id: u32, title: &'static str) -> Self {
        let timeline = Timeline {
            align_value: "left",
            legend: Legend { show_legend: false, ..legend_table() },
            merge_values: true,
            row_height: 0.8,
            show_value: "never",
            tooltip: Tooltip { mode: "single", sort: "none" },
        };
        let custom = json!({"fillOpacity": 75, "lineWidth": 0});
        let panel = Self::new(id, title, Visualization::StateTimeline(timeline), Unit::State, Some(custom));
        Self { ..panel.colored_by_threshold() }
    }

    /// How many fall into which bucket, over time.
    pub fn heatmap(id: u32, title: &'static str, axis: Unit, cells: Unit) -> Self {
        let heatmap = Heatmap {
            calculate: false,
            cell_gap: 1,
            cell_values: CellValues { unit: cells },
            color: HeatmapColor {
                mode: "scheme",
                scheme: "Oranges",
                scale: "exponential",
                exponent: 0.5,
                fill: "dark-orange",
                reverse: false,
                steps: 64,
            },
            exemplars: HeatmapExemplars { color: "rgba(255,0,255,0.7)" },
            filter_values: FilterValues { le: 1e-9 },
            legend: HeatmapLegend { show: true },
            rows_frame: RowsFrame { layout: "auto" },
            show_value: "never",
            tooltip: HeatmapTooltip { mode: "single", show_color_scale: true, y_histogram: true },
            y_axis: YAxis { axis_placement: "left", reverse: false, unit: axis },
        };
        let custom = json!({"scaleDistribution": {"type": "linear"}});
        Self::new(id, title, Visualization::Heatmap(heatmap), cells, Some(custom))
    }

    /// Grafana's own list of alerts: it asks for them itself, and has no query.
    pub fn alerts(id: u32, title: &'static str) -> Self {
        let alerts = AlertList {
            alert_name: "",
            alert_instance_label_filter: "{severity!=\"none\"}",
            dashboard_alerts: false,
            group_by: Vec::new(),
            group_mode: "default",
            max_items: 20,
            show_instances: true,
            show_inactive_alerts: false,
            // The newest first.
            sort_order: 5,
            state_filter: StateFilter {
                firing: true,
                pending: true,
                recovering: true,
                no_data: false,
                normal: false,
                error: true,
            },
            view_mode: "list",
        };
        Self::new(id, title, Visualization::AlertList(alerts), Unit::State, None)
    }

    /// What it shows, how to read it, and which alerts look at the same.
    pub fn about(self, description: &'static str) -> Self {
        Self { description, ..self }
    }

    /// Its queries, named A, B, C and so on.
    pub fn of(self, targets: impl IntoIterator<Item = Target>) -> Self {
        let named = |(letter, target): (char, Target)| Target { ref_id: letter.to_string(), ..target };
        Self { targets: ('A'..='Z').zip(targets).map(named).collect(), ..self }
    }

    pub fn sized(self, w: u32, h: u32) -> Placed {
        Placed { w, h, panel: self }
    }

    pub fn field(mut self, change: impl FnOnce(&mut Field)) -> Self {
        change(&mut self.config().defaults);
        self
    }

    /// What it says when there is nothing to show.
    pub fn when_empty(self, text: &'static str) -> Self {
        self.field(|field| field.no_value = text)
    }

    pub fn decimals(self, decimals: u8) -> Self {
        self.field(|field| field.decimals = Some(decimals))
    }

    pub fn at_most(self, max: f64) -> Self {
        self.field(|field| field.max = Some(max))
    }

    /// The colour up to the first limit, and from each limit on.
    pub fn limits(self, base: Color, limits: impl IntoIterator<Item = (Color, f64)>) -> Self {
        let base = Step { color: base, value: None };
        let limits = limits.into_iter().map(|(color, limit)| Step { color, value: Some(limit) });
        self.field(|field| field.thresholds.steps = [base].into_iter().chain(limits).collect())
    }

    /// The limits as lines.
    pub fn limits_drawn(self) -> Self {
        self.custom("thresholdsStyle", json!({"mode": "dashed"}))
    }

    fn colored_by_threshold(self) -> Self {
        self.field(|field| field.color.mode = "thresholds")
    }

    /// Words for the numbers from 0 on, each with its colour.
    pub fn words(self, words: &[(&str, Color)]) -> Self {
        let word = |(number, (text, color)): (usize, &(&str, Color))| {
            (number.to_string(), json!({"text": text, "color": color, "index": number}))
        };
        let options = words.iter().enumerate().map(word).collect();
        self.field(|field| field.mappings = vec![Mapping { kind: "value", options: Value::Object(options) }])
    }

    pub fn custom(self, key: &str, value: Value) -> Self {
        self.field(|field| field.custom.as_mut().expect("this kind of panel has fields of its own")[key] = value)
    }

    /// Changes what is named so.
    pub fn named(self, name: &'static str, properties: impl IntoIterator<Item = Property>) -> Self {
        self.overriding("byName", name, properties)
    }

    /// Changes what matches the regular expression, between slashes.
    pub fn matching(self, names: &'static str, properties: impl IntoIterator<Item = Property>) -> Self {
        self.overriding("byRegexp", names, properties)
    }

    fn overriding(mut self, id: &'static str, options: &'static str, properties: impl IntoIterator<Item = Property>) -> Self {
        let properties = properties.into_iter().collect();
        self.config().overrides.push(Override { matcher: Matcher { id, options }, properties });
        self
    }

    /// A dashed line for what the rules record for alerts: of the whole job, whatever is chosen, over five minutes.
    pub fn alerts_dashed(self) -> Self {
        let properties = [
            color(Color::Text),
            property("custom.lineStyle", json!({"fill": "dash", "dash": [8, 6]})),
            property("custom.lineWidth", json!(2)),
            property("custom.fillOpacity", json!(0)),
            property("custom.stacking", json!({"mode": "none", "group": "A"})),
        ];
        self.matching("/ in alerts/", properties)
    }

    pub fn transformed(mut self, id: &'static str, options: Value) -> Self {
        self.transformations.push(Transformation { id, options });
        self
    }

    fn config(&mut self) -> &mut FieldConfig {
        self.field_config.as_mut().expect("every panel but a row has fields")
    }
}

pub fn property(id: &'static str, value: Value) -> Property {
    Property { id, value }
}

pub fn color(color: Color) -> Property {
    property("color", json!({"mode": "fixed", "fixedColor": color}))
}

fn last() -> Reduce {
    Reduce { calcs: vec!["lastNotNull"], fields: "", values: false }
}

fn legend_table() -> Legend {
    Legend { display_mode: "table", placement: "bottom", show_legend: true, calcs: vec!["lastNotNull", "max"] }
}

fn tooltip() -> Tooltip {
    Tooltip { mode: "multi", sort: "desc" }
}
