//! What the receiver tells of itself.

use std::time::{Duration, SystemTime};

use tachograph::{Counter, Family, Gauge, RegisterError, Registry, UpDownCounter};

use super::notification::{Alert, Status};

/// The severities that have series of their own. A label value comes from outside, so any other is `other`.
const SEVERITIES: [&str; 5] = ["critical", "warning", "info", "none", OTHER];
const OTHER: &str = "other";

/// How a program's run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Succeeded,
    Failed,
    TimedOut,
    /// It was never run: too many waited already.
    Dropped,
}

#[derive(Clone)]
pub(super) struct Metrics {
    accepted: Counter,
    pub(super) refused: Counter,
    pub(super) skipped: Counter,
    pub(super) running: UpDownCounter,
    alerts: Family<Counter, 2>,
    programs: Family<Counter, 2>,
    last: Gauge,
}

impl Metrics {
    pub(super) fn register(registry: &Registry) -> Result<Self, RegisterError> {
        let notifications = registry.counter_family(
            "webhook_notifications_total",
            "Notifications that were posted: accepted, or refused as malformed, too large or unauthorized.",
            ["result"],
        )?;
        let alerts = registry.counter_family(
            "webhook_alerts_total",
            "Alerts of accepted notifications; a severity that is not usual is other.",
            ["status", "severity"],
        )?;
        for status in Status::ALL {
            for severity in SEVERITIES {
                alerts.handle([status.label(), severity]);
            }
        }
        Ok(Self {
            accepted: notifications.handle(["accepted"]),
            refused: notifications.handle(["refused"]),
            alerts,
            skipped: registry.counter("webhook_alerts_skipped_total", "Alerts beyond the first 1000 of a notification.")?,
            programs: registry.counter_family(
                "webhook_programs_total",
                "Programs for alerts: succeeded, failed, timed_out, or dropped because too many waited.",
                ["alertname", "result"],
            )?,
            running: registry.up_down_counter("webhook_programs_running", "Programs that run now.")?,
            last: registry
                .gauge("webhook_last_notification_timestamp_seconds", "When the last notification was accepted; 0 is never.")?,
        })
    }

    /// Makes the series of a program, at 0.
    pub(super) fn prepare(&self, alert: &str) {
        for outcome in [Outcome::Succeeded, Outcome::Failed, Outcome::TimedOut, Outcome::Dropped] {
            self.programs.handle([alert, outcome.label()]);
        }
    }

    pub(super) fn accepted(&self) {
        self.accepted.inc();
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
        self.last.set(now.as_secs_f64());
    }

    pub(super) fn received(&self, alert: &Alert) {
        let severity = SEVERITIES.into_iter().find(|known| *known == alert.severity()).unwrap_or(OTHER);
        self.alerts.inc([alert.status.label(), severity]);
    }

    pub(super) fn ran(&self, alert: &str, outcome: Outcome) {
        self.programs.inc([alert, outcome.label()]);
    }
}

impl Outcome {
    fn label(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Dropped => "dropped",
        }
    }
}
