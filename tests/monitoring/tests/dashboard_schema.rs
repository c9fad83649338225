//! The dashboard by the types of the Grafana that the compose file runs (`node/dashboard_schema.js`), and damaged ones,
//! each of which has to be refused.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use monitoring_tests::prometheus::shipped;
use serde_json::{Value, json};
use system::demo::repository;
use tempfile::TempDir;

/// Where it is damaged, by what, and what the compiler has to say.
type Damage = (&'static str, Value, &'static str);

/// The place in the list of panels stands for the panel's id.
fn damages() -> Vec<Damage> {
    vec![
        ("1/fieldConfig/defaults/custom/drawStyle", json!("liine"), "'\"liine\"' is not assignable"),
        ("1/options/legend/displayMode", json!("lisst"), "'\"lisst\"' is not assignable"),
        ("1/options/legnd", json!({}), "'\"legnd\"' does not exist"),
        ("1/gridPos/height", json!(8), "'\"height\"' does not exist"),
        ("1/fieldConfig/defaults/units", json!("s"), "'\"units\"' does not exist"),
        ("1/fieldConfig/defaults/color/mode", json!("palette-clasic"), "is not assignable"),
        ("1/fieldConfig/defaults/thresholds/steps/0/value", json!("0"), "is not assignable"),
        ("1/fieldConfig/overrides/0/properties/0/id", json!("colour"), "is not assignable"),
        ("2/fieldConfig/overrides/2/properties/1/value/fill", json!("dashed"), "is not assignable"),
        ("1/targets/0/format", json!("timeseries"), "'\"timeseries\"' is not assignable"),
        ("1/targets/0/exprs", json!("up"), "'\"exprs\"' does not exist"),
        ("1/id", json!("1"), "is not assignable"),
        ("1/type", json!("timeserie"), "is not assignable"),
        ("5/options/displayMode", json!("bassic"), "is not assignable"),
        ("11/transformations/1/id", json!("organise"), "is not assignable"),
        ("15/options/viewMode", json!("lst"), "is not assignable"),
        ("16/options/rowsFrame/layout", json!("lee"), "is not assignable"),
        ("40/options/showValue", json!("sometimes"), "is not assignable"),
        ("100/options/colorMode", json!("backgrund"), "is not assignable"),
        ("201/collapsed", json!("no"), "is not assignable"),
        ("/schemaVersion", json!("42"), "Type 'string' is not assignable to type 'number'"),
        ("/graphTooltip", json!(9), "is not assignable"),
        ("/templating/list/1/refresh", json!(7), "Type '7' is not assignable"),
        ("/templating/list/1/query/qryType", json!("1"), "is not assignable"),
        ("/annotations/list/0/target", json!(null), "is not assignable"),
        ("/refresh", json!(10), "Type 'number' is not assignable to type 'string'"),
    ]
}

/// Sets the value at a path, which may be new in its object. Other panels are left out: the compiler reads this once for each.
fn damage(dashboard: &mut Value, path: &str, value: Value) {
    let (id, rest) = path.split_once('/').expect("a path has a slash");
    let panels = dashboard["panels"].as_array_mut().expect("panels are a list");
    panels.retain(|panel| panel["id"].as_u64() == id.parse().ok());
    let place = if id.is_empty() { dashboard } else { panels.first_mut().unwrap_or_else(|| panic!("there is no panel {id}")) };
    let (parent, key) = rest.rsplit_once('/').map_or(("", rest), |(parent, key)| (parent, key));
    let parent = if parent.is_empty() { String::new() } else { format!("/{parent}") };
    place.pointer_mut(&parent).unwrap_or_else(|| panic!("there is no {path}"))[key] = value;
}

#[test]
fn the_dashboard_is_one_of_this_grafana_and_damaged_ones_are_not() {
    let variable = |name| std::env::var_os(name).unwrap_or_else(|| panic!("{name}: run these tests by ci/monitoring.sh"));
    let text = fs::read_to_string(shipped(monitoring::dashboard::PATH)).expect("the dashboard");
    let whole: Value = serde_json::from_str(&text).expect("it is JSON");
    let folder = TempDir::new().expect("a temporary folder");
    let file = |name: &str, dashboard: &Value| {
        let path = folder.path().join(name);
        fs::write(&path, dashboard.to_string()).expect("a file in a temporary folder");
        path.into_os_string().into_string().expect("a path of ASCII")
    };

    // One run of the compiler for all.
    let right = file("right.json", &whole);
    let damages = damages();
    let damaged: Vec<String> = damages
        .iter()
        .enumerate()
        .map(|(number, (path, value, _))| {
            let mut dashboard = whole.clone();
            damage(&mut dashboard, path, value.clone());
            file(&format!("{number}.json"), &dashboard)
        })
        .collect();
    let output = Command::new(variable("TACHOGRAPH_NODE"))
        .arg(repository().join("tests/monitoring/node/dashboard_schema.js"))
        .arg(&right)
        .args(&damaged)
        .env("NODE_PATH", variable("TACHOGRAPH_GRAFANA_MODULES"))
        .output()
        .expect("node runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let findings: BTreeMap<String, Vec<String>> = serde_json::from_slice(&output.stdout).expect("findings by their files");

    assert_eq!(findings[&right], [""; 0]);
    for ((path, value, expected), file) in damages.iter().zip(&damaged) {
        let told = findings[file].join("\n");
        assert!(told.contains(expected), "{path} = {value}: {told:?}");
    }
}
