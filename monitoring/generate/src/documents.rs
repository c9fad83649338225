//! The guide, `MONITORING.md`, with the tables that are made from rules, limits and the dashboard.

use std::io;
use std::path::Path;

use crate::files::{File, read};
use crate::{dashboard, reference, tables};

/// `MONITORING.md` with its tables. The dashboard is taken from among the files that are generated with it.
///
/// # Errors
///
/// When it cannot be read, lacks the place of a table, or the dashboard is none.
pub fn guide(folder: &Path, generated: &[File]) -> io::Result<File> {
    let path = "MONITORING.md";
    let mut text = read(&folder.join(path))?;
    let dashboard = generated.iter().find(|file| file.path == dashboard::PATH);
    let panels = dashboard.map(|file| reference::panels(&file.content)).transpose()?.unwrap_or_default();
    let alerts = |file| tables::alerts_table(file, "runbooks/");
    for (name, table) in [
        ("alerts", alerts("prometheus_alerts.yml")),
        ("objective", alerts("slo_rules.yml")),
        ("meta", alerts("meta_alerts.yml")),
        ("limits", tables::limits_table("runbooks/")),
        ("panels", reference::panels_table(&panels)),
    ] {
        text = tables::replace(&text, path, name, &table)?;
    }
    Ok(File { path: path.into(), content: text })
}
