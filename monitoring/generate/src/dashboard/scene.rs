//! What is done with scenes, and what clients do that they should not.

use serde_json::json;

use super::Row;
use super::model::Color::{Blue, Green, Orange, Red, Yellow};
use super::model::{Panel, Unit};
use super::panel::{color, property};
use super::query::*;
use crate::limits;

pub(super) fn scenes() -> Row {
    let loads = format!("sum({})", rate("scene_loads_total", CHOSEN));
    let errors = format!("sum({})", rate("scene_load_errors_total", CHOSEN));
    let recorded =
        format!("1 - job:scene_load_errors:rate5m{{{CHOSEN_JOB}}} / (job:scene_load_attempts:rate5m{{{CHOSEN_JOB}}} > 0)");
    Row {
        title: "Scenes",
        panels: vec![
            Panel::stack(6, "Scene Operations", Unit::PerSecond)
                .about(
                    "Scenes that were loaded a second, by scene; and in red the loads that failed. Alert: \
                     SceneLoadFailures.",
                )
                .of([
                    over_time(format!("sum by (scene) ({})", rate("scene_loads_total", CHOSEN)), "{{scene}}"),
                    over_time(errors.clone(), "failed"),
                ])
                .named(
                    "failed",
                    [
                        color(Red),
                        property("custom.stacking", json!({"mode": "none", "group": "A"})),
                        property("custom.fillOpacity", json!(0)),
                        property("custom.lineWidth", json!(2)),
                    ],
                )
                .when_empty("no scene loaded")
                .sized(12, 8),
            Panel::graph(7, "Scene Load Success Rate", Unit::Share)
                .about("Share of the scene loads that succeed. Below the line HighSceneLoadErrorRate fires.")
                .of([
                    over_time(format!("{loads} / ({loads} + {errors} > 0)"), "success"),
                    over_time(recorded, "success in alerts: {{job}}"),
                ])
                .named("success", [color(Green)])
                .alerts_dashed()
                .limits(Red, [(Green, 1.0 - limits::SCENE_ERROR_RATIO)])
                .limits_drawn()
                .at_most(1.0)
                .when_empty("no scene loads")
                .sized(12, 8),
            Panel::stack(14, "Scene Load Errors by Type", Unit::PerSecond)
                .about("Scene loads that failed a second, by what went wrong. The line is the limit of SceneLoadFailures.")
                .of([
                    over_time(format!("sum by (error_type) ({})", rate("scene_load_errors_total", CHOSEN)), "{{error_type}}"),
                    over_time(format!("job:scene_load_errors:rate5m{{{CHOSEN_JOB}}}"), "all in alerts: {{job}}"),
                ])
                .alerts_dashed()
                .limits(Green, [(Orange, limits::SCENE_FAILURES)])
                .limits_drawn()
                .when_empty("no scene load")
                .sized(12, 8),
            Panel::graph(19, "Scene Load Phases p95", Unit::Seconds)
                .about("Where loading a scene spends its time: 95 of 100 loads are faster in each phase.")
                .of([over_time(quantile("0.95", "phase, le", "scene_phase_duration_seconds", CHOSEN), "{{phase}}")])
                .when_empty("no scene load")
                .sized(12, 8),
        ],
    }
}

pub(super) fn clients() -> Row {
    let by_result = format!("sum by (result) ({}) * 60", rate("auth_attempts_total", CHOSEN));
    Row {
        title: "Clients and resources",
        panels: vec![
            Panel::graph(8, "Authentication", Unit::PerMinute)
                .about(
                    "Authentications a minute, by their result. The lines are the limits of HighAuthFailureRate and \
                     CriticalAuthFailureRate, on all failures together.",
                )
                .of([
                    over_time(by_result, "{{result}}"),
                    over_time(format!("job:auth_failures:rate5m{{{CHOSEN_JOB}}} * 60"), "failures in alerts: {{job}}"),
                ])
                .named("success", [color(Green)])
                .alerts_dashed()
                .limits(Green, [(Orange, limits::AUTH_FAILURES), (Red, limits::AUTH_FAILURES_CRITICAL)])
                .limits_drawn()
                .when_empty("nobody came")
                .sized(8, 8),
            Panel::stack(9, "Rate Limit Hits", Unit::RequestsPerMinute)
                .about(
                    "Requests a minute that were refused because their client asked too often. The line is the limit of \
                     HighRateLimitHits.",
                )
                .of([over_time(
                    format!("sum by (endpoint) ({}) * 60", rate("rate_limit_hits_total", &user(""))),
                    "{{endpoint}}",
                )])
                .limits(Green, [(Orange, limits::RATE_LIMIT_HITS)])
                .limits_drawn()
                .when_empty("no rate limit")
                .sized(8, 8),
            Panel::graph(10, "Memory", Unit::Bytes)
                .about(
                    "Resident memory, and what of it the engine and its profiles hold. The lines: health degraded, \
                     HighMemoryUsage, CriticalMemoryUsage (and health unhealthy).",
                )
                .of([
                    over_time(of_engine(&format!("process_resident_memory_bytes{{{CHOSEN}}}")), "{{instance}}"),
                    over_time(
                        format!("tachograph_held_bytes{{{CHOSEN}}} + tachograph_profile_store_bytes{{{CHOSEN}}}"),
                        "engine of {{instance}}",
                    ),
                ])
                .matching("/^engine of /", [color(Blue)])
                .limits(
                    Green,
                    [
                        (Yellow, limits::MEMORY_DEGRADED as f64),
                        (Orange, limits::MEMORY_HIGH as f64),
                        (Red, limits::MEMORY_CRITICAL as f64),
                    ],
                )
                .limits_drawn()
                .when_empty("no process told")
                .sized(8, 8),
        ],
    }
}
