//! How the parts are: health checks, frames, the process, and what the measuring itself costs.

use tachograph::health::checks::FrameCheck;

use super::Row;
use super::model::Color::{Blue, Green, Orange, Red, Yellow};
use super::model::{Panel, Unit};
use super::now::{HEALTH, health as state_of};
use super::panel::{color, property};
use super::query::*;
use crate::limits;

pub(super) fn health() -> Row {
    Row {
        title: "Health",
        panels: vec![
            Panel::timeline(40, "Health by Check")
                .about(
                    "The state of each check, and of each instance as a whole. Alerts: HealthCheckFailing when one is \
                     unhealthy, ServiceDegraded; HealthProbeFailing when it says that it is well, and the probe below \
                     fails.",
                )
                .of([
                    over_time(state_of("health_status", "instance"), "all of {{instance}}"),
                    over_time(state_of("health_check_status", "instance, check"), "{{check}} of {{instance}}"),
                ])
                .words(&HEALTH)
                .limits(Green, [(Yellow, 1.0), (Red, 2.0)])
                .when_empty("no health told")
                .sized(12, 9),
            Panel::graph(41, "Check Duration p95", Unit::Seconds)
                .about("How long the runs of each check take: 95 of 100 are faster. One that takes a second has failed.")
                .of([over_time(quantile("0.95", "check, le", "health_check_duration_seconds", CHOSEN), "{{check}}")])
                .when_empty("no check ran")
                .sized(6, 9),
            Panel::graph(42, "Age of Results", Unit::Seconds)
                .about("How long ago each check last told something. The line is the limit of HealthCheckFailing.")
                .of([over_time(
                    format!("max by (check) (time() - health_check_last_run_timestamp_seconds{{{CHOSEN}}})"),
                    "{{check}}",
                )])
                .limits(Green, [(Red, limits::HEALTH_SILENT)])
                .limits_drawn()
                .when_empty("no check ran")
                .sized(6, 9),
            Panel::graph(43, "Probe of /health", Unit::Seconds)
                .about("How long /health takes for who asks from outside. Alert: HealthProbeFailing.")
                .of([
                    over_time(format!("probe_duration_seconds{{{PROBE}}}"), "{{instance}}"),
                    over_time(format!("1 - probe_success{{{PROBE}}}"), "{{instance}} fails"),
                ])
                .matching(
                    "/ fails$/",
                    [
                        color(Red),
                        property("unit", serde_json::json!("percentunit")),
                        property("max", serde_json::json!(1)),
                        property("custom.axisPlacement", serde_json::json!("hidden")),
                        property("custom.lineInterpolation", serde_json::json!("stepAfter")),
                    ],
                )
                .when_empty("nobody probes")
                .sized(12, 7),
            Panel::stack(44, "Health Changes", Unit::Count)
                .about("How often a check became something else. One that flaps wants damping, or a look.")
                .of([over_time(
                    format!(
                        "sum by (check, status) (increase(tachograph_health_changes_total{{{CHOSEN}}}[$__rate_interval])) > 0"
                    ),
                    "{{check}} {{status}}",
                )])
                .custom("drawStyle", "bars".into())
                .when_empty("no change in this time")
                .sized(12, 7),
        ],
    }
}

pub(super) fn frames() -> Row {
    let duration = |of| {
        over_time(quantile(of, "le", "engine_frame_duration_seconds", TELEMETRY), if of == "0.5" { "p50" } else { "p99" })
            .every(TELEMETRY_INTERVAL)
    };
    Row {
        title: "Engine frames",
        panels: vec![
            Panel::graph(50, "Frames per Second", Unit::FramesPerSecond)
                .about("Frames that the engine draws. Below the line health is degraded.")
                .of([over_time(format!("sum by (instance) ({})", rate("engine_frames_total", TELEMETRY)), "{{instance}}")
                    .every(TELEMETRY_INTERVAL)])
                .limits(Yellow, [(Green, FrameCheck::MIN_FPS)])
                .limits_drawn()
                .decimals(0)
                .when_empty("no frames")
                .sized(10, 8),
            Panel::graph(51, "Frame Time", Unit::Seconds)
                .about("Time that the work of a frame takes. At 60 frames a second there are 16.7 ms for it.")
                .of([duration("0.5"), duration("0.99")])
                .named("p50", [color(Green)])
                .named("p99", [color(Orange)])
                .limits(Green, [(Yellow, 1.0 / 60.0)])
                .limits_drawn()
                .when_empty("no frames")
                .sized(10, 8),
            Panel::timeline(52, "Engine Paused")
                .about("Whether the engine draws frames. Paused is degraded.")
                .of([over_time(format!("max by (instance) (engine_paused{{{TELEMETRY}}})"), "{{instance}}")
                    .every(TELEMETRY_INTERVAL)])
                .words(&[("draws", Green), ("paused", Yellow)])
                .limits(Green, [(Yellow, 1.0)])
                .when_empty("no engine")
                .sized(4, 8),
        ],
    }
}

pub(super) fn process() -> Row {
    Row {
        title: "Process and runtime",
        panels: vec![
            Panel::graph(60, "Processor", Unit::Share)
                .about("Processor time of the process, in cores, and how busy the workers of its runtime are.")
                .of([
                    over_time(of_engine(&rate("process_cpu_seconds_total", CHOSEN)), "cores of {{instance}}"),
                    over_time(format!("tokio_busy_ratio{{{CHOSEN}}}"), "workers of {{instance}}"),
                ])
                .sized(8, 7),
            Panel::graph(61, "Descriptors and Threads", Unit::Count)
                .about("Open files and sockets, and threads.")
                .of([
                    over_time(of_engine(&format!("process_open_fds{{{CHOSEN}}}")), "descriptors of {{instance}}"),
                    over_time(of_engine(&format!("process_threads{{{CHOSEN}}}")), "threads of {{instance}}"),
                ])
                .decimals(0)
                .sized(8, 7),
            Panel::graph(62, "Runtime Tasks", Unit::Count)
                .about(
                    "Tasks that live, and tasks that wait for a worker. A queue that stays says that the workers are \
                     blocked.",
                )
                .of([
                    over_time(format!("tokio_alive_tasks{{{CHOSEN}}}"), "alive in {{instance}}"),
                    over_time(format!("tokio_global_queue_depth{{{CHOSEN}}}"), "waiting in {{instance}}"),
                ])
                .matching("/^waiting/", [color(Red)])
                .decimals(0)
                .sized(8, 7),
        ],
    }
}

/// What was not counted, not kept or not answered: all of it should be 0.
const LOSSES: [(&str, &str); 8] = [
    ("tachograph_series_refused_total", "series"),
    ("tachograph_observations_refused_total", "observations"),
    ("tachograph_observations_saturated_total", "observations above the range"),
    ("tachograph_increments_refused_total", "increments"),
    ("tachograph_exemplars_refused_total", "exemplars"),
    ("tachograph_profiles_dropped_total", "profiles"),
    ("tachograph_scrapes_refused_total", "scrapes"),
    ("tachograph_collector_failures_total", "collections"),
];

pub(super) fn engine() -> Row {
    // Some have no series until they first happen: 0, as long as an instance is up.
    let losses = LOSSES
        .map(|(metric, legend)| over_time(format!("sum({}) or 0 * sum(up{{{CHOSEN}}} == 1)", rate(metric, CHOSEN)), legend));
    Row {
        title: "Cost of measuring",
        panels: vec![
            Panel::graph(30, "Series", Unit::Count)
                .about(
                    "Samples of a scrape, and series and cells of the engine. Alerts: HTTPAPICardinality on the \
                     samples, HTTPAPISeriesRefused.",
                )
                .of([
                    over_time(of_engine(&format!("scrape_samples_scraped{{{CHOSEN}}}")), "samples of {{instance}}"),
                    over_time(format!("tachograph_series{{{CHOSEN}}}"), "series of {{instance}}"),
                    over_time(format!("tachograph_slots{{{CHOSEN}}}"), "cells of {{instance}}"),
                ])
                .decimals(0)
                .sized(8, 8),
            Panel::graph(31, "Lost or Refused", Unit::PerSecond)
                .about(
                    "What was not counted, kept or answered, a second. All should be 0. Refused series are \
                     HTTPAPISeriesRefused.",
                )
                .of(losses)
                .sized(8, 8),
            Panel::graph(32, "Snapshot Duration", Unit::Seconds)
                .about("Time to take a snapshot of all metrics; it runs off the request threads.")
                .of([
                    over_time(quantile("0.5", "le", "tachograph_snapshot_duration_seconds", CHOSEN), "p50"),
                    over_time(quantile("0.99", "le", "tachograph_snapshot_duration_seconds", CHOSEN), "p99"),
                    over_time(of_engine(&format!("scrape_duration_seconds{{{CHOSEN}}}")), "scrape of {{instance}}"),
                ])
                .named("p50", [color(Green)])
                .named("p99", [color(Orange)])
                .matching("/^scrape/", [color(Blue)])
                .sized(8, 8),
            Panel::graph(33, "Bytes Held", Unit::Bytes)
                .about(
                    "Heap bytes of the engine: the counters of all threads and tables, and the profiles, whose size is \
                     fixed.",
                )
                .of([
                    over_time(format!("tachograph_held_bytes{{{CHOSEN}}}"), "metrics of {{instance}}"),
                    over_time(format!("tachograph_profile_store_bytes{{{CHOSEN}}}"), "profiles of {{instance}}"),
                ])
                .sized(8, 7),
            Panel::graph(34, "Shards", Unit::Count)
                .about("The most threads that have counted at one time: each has counters of its own.")
                .of([over_time(format!("tachograph_shards{{{CHOSEN}}}"), "{{instance}}")])
                .decimals(0)
                .sized(8, 7),
            Panel::graph(35, "Profiles", Unit::PerSecond)
                .about("Requests whose profile has ended, a second.")
                .of([over_time(format!("sum by (instance) ({})", rate("tachograph_profiles_total", CHOSEN)), "{{instance}}")])
                .sized(8, 7),
        ],
    }
}
