//! The dashboard `http_api_overview`: what it shows, and in which order. It is read from top to bottom: is something
//! wrong, what do users see, where does the time go, what do scenes and clients do, how much may still go wrong, how
//! are the parts, what does the measuring itself cost.
//!
//! A panel's id is part of the links in alerts.

mod budget;
mod http;
mod inside;
pub mod model;
mod now;
pub mod options;
pub mod panel;
pub mod query;
mod scene;
mod top;

use model::{Dashboard, GridPos, Panel, Time};
use panel::Placed;

/// Columns of a dashboard.
pub const COLUMNS: u32 = 24;

/// Where it lies under `monitoring/`.
pub const PATH: &str = "grafana/dashboards/http_api_overview.json";

/// A headline, and the panels under it.
struct Row {
    title: &'static str,
    panels: Vec<Placed>,
}

/// The dashboard.
pub fn http_api_overview() -> Dashboard {
    let rows = [
        now::row(),
        http::traffic(),
        http::latency(),
        scene::scenes(),
        scene::clients(),
        budget::row(),
        inside::health(),
        inside::frames(),
        inside::process(),
        inside::engine(),
    ];
    Dashboard {
        uid: "http_api_overview",
        title: "HTTP API: overview",
        description: "Requests, errors, latency, scenes, clients, error budget, health and engine of the HTTP API. \
            Dashed lines named 'in alerts' are what the alerts see: the whole job over five minutes, whatever is chosen above.",
        tags: vec!["tachograph", "http-api"],
        schema_version: 42,
        editable: false,
        // One crosshair over all graphs.
        graph_tooltip: 1,
        refresh: "10s",
        time: Time { from: "now-1h", to: "now" },
        timezone: "browser",
        links: top::links(),
        templating: top::variables(),
        annotations: top::annotations(),
        panels: laid_out(rows),
    }
}

/// The file.
pub fn json() -> String {
    let json = serde_json::to_string_pretty(&http_api_overview()).expect("the model has no map whose keys are no texts");
    format!("{json}\n")
}

/// Places the panels from left to right, and below when a line is full. Headlines are numbered from 201 on.
fn laid_out(rows: impl IntoIterator<Item = Row>) -> Vec<Panel> {
    let mut panels = Vec::new();
    let mut y = 0;
    for (id, row) in (201..).zip(rows) {
        let headline = Panel::row(id, row.title);
        panels.push(Panel { grid_pos: GridPos { x: 0, y, w: COLUMNS, h: 1 }, ..headline });
        y += 1;
        let (mut x, mut height) = (0, 0);
        for Placed { w, h, panel } in row.panels {
            if x + w > COLUMNS {
                y += height;
                (x, height) = (0, 0);
            }
            panels.push(Panel { grid_pos: GridPos { x, y, w, h }, ..panel });
            x += w;
            height = height.max(h);
        }
        y += height;
    }
    panels
}
