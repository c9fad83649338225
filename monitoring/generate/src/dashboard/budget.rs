//! How much may still go wrong before the objective is missed, and how fast that is used up.

use super::Row;
use super::model::Color::{Green, Orange, Red, Yellow};
use super::model::{Panel, Unit};
use super::query::*;
use crate::limits;

/// Windows of the alerts, long and short, and the pace from which each pair fires.
const WINDOWS: [(&str, &str, f64, &str); 4] = [
    ("1h", "5m", 14.4, "1 h and 5 min: page"),
    ("6h", "30m", 6.0, "6 h and 30 min: page"),
    ("1d", "2h", 3.0, "1 d and 2 h: ticket"),
    ("3d", "6h", 1.0, "3 d and 6 h: ticket"),
];

/// Times the pace at which the budget lasts just as long as it has to.
fn burn(window: &str) -> String {
    format!("max(job:slo_availability_errors:ratio_rate{window}{{{CHOSEN_JOB}}}) / {}", limits::ERROR_BUDGET)
}

pub(super) fn row() -> Row {
    let nearness = WINDOWS.map(|(long, short, pace, legend)| {
        let both = |window| format!("job:slo_availability_errors:ratio_rate{window}{{{CHOSEN_JOB}}}");
        // The smaller of the two: an alert wants both above its limit.
        let (long, short) = (both(long), both(short));
        let smaller = format!("max(({long} < on (job) {short}) or on (job) {short})");
        now(format!("{smaller} / ({pace} * {})", limits::ERROR_BUDGET), legend)
    });
    Row {
        title: "Error budget: 99.9 % of 30 days",
        panels: vec![
            Panel::graph(20, "Error Budget Burn Rate", Unit::Times)
                .about(
                    "How many times too fast errors use up the budget; at 1 it lasts just 30 days. \
                     HTTPAPIErrorBudgetBurn fires from 14.4 (1 h), 6 (6 h), 3 (1 d) and 1 (3 d) on, when a shorter \
                     window says so too.",
                )
                .of([
                    over_time(burn("5m"), "5 min"),
                    over_time(burn("1h"), "1 h"),
                    over_time(burn("6h"), "6 h"),
                    over_time(burn("3d"), "3 d"),
                ])
                .limits(Green, [(Yellow, 1.0), (Orange, 6.0), (Red, 14.4)])
                .limits_drawn()
                .decimals(1)
                .when_empty("no requests")
                .sized(10, 8),
            Panel::bars(21, "Near to an Alert", Unit::Share)
                .about("For each pair of windows, how much of the pace is reached from which HTTPAPIErrorBudgetBurn fires.")
                .of(nearness)
                .limits(Green, [(Yellow, 0.5), (Red, 1.0)])
                .field(|field| field.max = Some(1.0))
                .decimals(0)
                .when_empty("no requests")
                .sized(6, 8),
            Panel::graph(22, "Error Budget Left over Time", Unit::Share)
                .about(
                    "What is left of the errors that the objective allows in 30 days, or in the days that Prometheus \
                     keeps.",
                )
                .of([over_time(format!("job:slo_availability_error_budget:left30d{{{CHOSEN_JOB}}}"), "{{job}}")])
                .limits(Red, [(Orange, 0.0), (Green, 0.25)])
                .limits_drawn()
                .field(|field| field.min = None)
                .custom("axisSoftMin", 0.into())
                .at_most(1.0)
                .when_empty("no requests")
                .sized(8, 8),
        ],
    }
}
