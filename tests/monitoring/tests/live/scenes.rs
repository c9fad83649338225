//! Scenes that fail, large bodies, and subsystems that stop.

use std::time::Duration;

use monitoring_tests::stack::Stack;

use crate::visitors::{Visit, Visitor};

/// More than the 5 MiB of the alert.
const LARGE: usize = 6 << 20;

#[test]
fn scenes_bodies_and_stopped_subsystems_are_told_as_warnings_until_health_fails() {
    let stack = Stack::start_well(&[]);
    let _visitor = Visitor::start(stack.target(), Duration::from_millis(100), vec![Visit::load()]);
    stack.wait_for("job:scene_load_attempts:rate5m > 1");
    stack.assert_well();

    stack.fault(r#"{"fail_scenes": true, "debug_adapter": "down"}"#);
    let uploads = Visitor::start(stack.target(), Duration::from_millis(300), vec![Visit::upload(LARGE)]);
    for (alert, component, signal) in [
        ("HighSceneLoadErrorRate", "scene", "scene"),
        ("SceneLoadFailures", "scene", "scene"),
        ("ServiceDegraded", "health", "health"),
        ("LargeRequestSize", "http", "saturation"),
    ] {
        let told = stack.wait_until_told(alert, "warning", "firing");
        let of = (told.label("severity"), told.label("component"), told.label("signal"), told.label("job"));
        assert_eq!(of, ("warning", component, signal, "http_api"), "{alert}");
    }
    // Degraded still serves.
    stack.wait_for("probe_success{job=\"health_probe\"} == 1");
    stack.assert_runbooks_open();

    drop(uploads);
    stack.fault(r#"{"debug_adapter": "down", "language_server": "down"}"#);
    stack.wait_until_told("HealthCheckFailing", "critical", "firing");
    stack.wait_for("probe_success{job=\"health_probe\"} == 0");
    for alert in ["HighSceneLoadErrorRate", "SceneLoadFailures", "LargeRequestSize"] {
        stack.wait_until_told(alert, "warning", "resolved");
    }

    // The frame loop is another subsystem, of which health is degraded again.
    stack.fault("{}");
    stack.engine(r#"{"paused": true}"#);
    stack.wait_until_told("HealthCheckFailing", "critical", "resolved");
    stack.wait_until_told("ServiceDegraded", "warning", "firing");
    stack.wait_for("engine_paused{job=\"engine_telemetry\"} == 1");
    stack.engine("{}");
    stack.wait_until_told("ServiceDegraded", "warning", "resolved");
    stack.wait_for("probe_success{job=\"health_probe\"} == 1");
}
