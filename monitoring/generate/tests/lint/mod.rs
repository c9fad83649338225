//! The rules, each a function that says what breaks it.

mod promql;

use std::collections::BTreeSet;

use serde_json::Value;

/// All that breaks a rule.
pub(crate) fn findings(dashboard: &Value) -> Vec<String> {
    let mut findings = of_the_whole(dashboard);
    findings.extend(of_the_places(dashboard));
    for panel in list(&dashboard["panels"]).iter().filter(|panel| panel["type"] != "row") {
        let told = |found: String| format!("{} ({}): {found}", text(&panel["title"]), panel["id"]);
        findings.extend(of_a_panel(panel).into_iter().map(told));
    }
    findings
}

fn of_the_whole(dashboard: &Value) -> Vec<String> {
    let mut findings = Vec::new();
    let mut wanted = |right: bool, what: &str| {
        if !right {
            findings.push(what.to_owned());
        }
    };
    wanted(dashboard["editable"] == false, "the dashboard can be changed where it is shown");
    wanted(dashboard["refresh"] == "10s", "refresh is not 10s");
    wanted(dashboard["time"] == serde_json::json!({"from": "now-1h", "to": "now"}), "it does not show the last hour");
    wanted(!list(&dashboard["tags"]).is_empty(), "no tags");
    let variables = list(&dashboard["templating"]["list"]);
    let variable = |name: &str| variables.iter().find(|variable| variable["name"] == name);
    wanted(variable("datasource").is_some_and(|known| known["type"] == "datasource"), "no variable datasource");
    for name in ["job", "instance", "endpoint"] {
        let Some(variable) = variable(name) else {
            wanted(false, &format!("no variable {name}"));
            continue;
        };
        wanted(variable["refresh"] == 2, &format!("{name} is not asked again when the time changes"));
        wanted(variable["multi"] == true, &format!("{name} takes one value alone"));
        wanted(variable["includeAll"] == true, &format!("{name} cannot be all"));
        wanted(
            variable["datasource"]["uid"] == "${datasource}",
            &format!("{name} does not ask the data source that is chosen"),
        );
        wanted(!text(&variable["label"]).is_empty(), &format!("{name} has no label"));
    }
    for annotation in list(&dashboard["annotations"]["list"]) {
        wanted(annotation["datasource"]["uid"] == "${datasource}", "an annotation does not ask the data source that is chosen");
        let expression = text(&annotation["target"]["expr"]);
        promql::findings(expression, false).into_iter().for_each(|found| wanted(false, &found));
    }
    findings
}

fn of_the_places(dashboard: &Value) -> Vec<String> {
    let mut findings = Vec::new();
    let place = |panel: &Value| ["x", "y", "w", "h"].map(|key| panel["gridPos"][key].as_u64().expect("a place is a number"));
    let panels = list(&dashboard["panels"]);
    for (at, panel) in panels.iter().enumerate() {
        let [x, y, w, h] = place(panel);
        if x + w > 24 {
            findings.push(format!("{}: it is wider than the dashboard", panel["title"]));
        }
        for other in &panels[..at] {
            let [left, top, width, height] = place(other);
            if x < left + width && left < x + w && y < top + height && top < y + h {
                findings.push(format!("{} and {} overlap", other["title"], panel["title"]));
            }
            if other["id"] == panel["id"] {
                findings.push(format!("two panels have the id {}", panel["id"]));
            }
        }
    }
    findings
}

fn of_a_panel(panel: &Value) -> Vec<String> {
    let mut findings = Vec::new();
    let mut wanted = |right: bool, what: &str| {
        if !right {
            findings.push(what.to_owned());
        }
    };
    wanted(!text(&panel["title"]).is_empty(), "no title");
    wanted(!text(&panel["description"]).is_empty(), "no description");
    let defaults = &panel["fieldConfig"]["defaults"];
    wanted(!text(&defaults["unit"]).is_empty(), "no unit");
    wanted(!text(&defaults["noValue"]).is_empty(), "it says nothing when it is empty");
    wanted(!list(&defaults["thresholds"]["steps"]).is_empty(), "no thresholds");
    wanted(panel["datasource"]["uid"] == "${datasource}", "it does not ask the data source that is chosen");
    let targets = list(&panel["targets"]);
    // Grafana's list of alerts asks by itself.
    wanted(!targets.is_empty() || panel["type"] == "alertlist", "no query");
    for target in targets {
        wanted(target["datasource"]["uid"] == "${datasource}", "a query does not ask the data source that is chosen");
        let (expression, legend) = (text(&target["expr"]), text(&target["legendFormat"]));
        promql::findings(expression, target["instant"] == true).into_iter().for_each(|found| wanted(false, &found));
        wanted(!legend.is_empty(), "a query without a name for what it yields");
        let lost = promql::lost(expression, legend);
        wanted(lost.is_empty(), &format!("{} is aggregated away: {expression}", lost.join(", ")));
    }
    for name in misnamed(panel, targets) {
        wanted(false, &format!("nothing is named {name}"));
    }
    findings
}

/// What is changed by its name, and is no name of a series or of a column.
fn misnamed<'a>(panel: &'a Value, targets: &'a [Value]) -> Vec<&'a str> {
    let mut names: BTreeSet<&str> = targets.iter().map(|target| text(&target["legendFormat"])).collect();
    for transformation in list(&panel["transformations"]) {
        let renamed = transformation["options"]["renameByName"].as_object();
        names.extend(renamed.into_iter().flat_map(|names| names.values()).map(text));
    }
    // Made by label_replace from the status, or a value of its label.
    let made: &[&str] = match panel["id"].as_u64() {
        Some(1) => &["1xx", "2xx", "3xx", "4xx", "5xx", "other"],
        Some(8) => &["success"],
        _ => &[],
    };
    names.extend(made);
    let overrides = list(&panel["fieldConfig"]["overrides"]).iter().map(|change| &change["matcher"]);
    let by_name = overrides.filter(|matcher| matcher["id"] == "byName").map(|matcher| text(&matcher["options"]));
    by_name.filter(|name| !names.contains(name)).collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
