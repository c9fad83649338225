//! A report as JSON: in our own form, and in that of draft-inadarei-api-health-check-06 (`application/health+json`).
//!
//! Both are written from the same report, checks in the order of their registration. What only [`View::Full`] tells is left out
//! of [`View::Public`], not emptied.

use std::time::{Duration, SystemTime};

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::format::View;
use super::options::Group;
use super::report::{CheckReport, HealthReport};
use super::result::Detail;
use super::status::HealthStatus;
use super::told::milliseconds;

impl HealthReport {
    /// The report as one JSON object, for [`HealthFormat::Json`](super::HealthFormat::Json).
    ///
    /// # Examples
    ///
    /// ```
    /// use tachograph::health::{HealthRegistry, Selection, View};
    ///
    /// let report = HealthRegistry::new().report(&Selection::all());
    /// assert_eq!(report.to_json(View::Public), r#"{"status":"healthy","age_ms":null,"duration_ms":0.0,"checks":{}}"#);
    /// ```
    pub fn to_json(&self, view: View) -> String {
        written(&Own { report: self, full: view == View::Full })
    }

    /// The report in the form of draft-inadarei-api-health-check-06, for
    /// [`HealthFormat::HealthJson`](super::HealthFormat::HealthJson). If `strict`, a degraded whole is `fail`: the draft wants
    /// it so of an answer whose HTTP status is an error.
    ///
    /// # Examples
    ///
    /// ```
    /// use tachograph::health::{HealthRegistry, Selection, View};
    ///
    /// let report = HealthRegistry::new().report(&Selection::all());
    /// assert_eq!(report.to_health_json(View::Public, false), r#"{"status":"pass","checks":{}}"#);
    /// ```
    pub fn to_health_json(&self, view: View, strict: bool) -> String {
        written(&Draft { report: self, full: view == View::Full, strict })
    }
}

fn written(answer: &impl Serialize) -> String {
    serde_json::to_string(answer).expect("the keys are texts, and texts and numbers can always be written")
}

/// Our own form.
struct Own<'a> {
    report: &'a HealthReport,
    full: bool,
}

impl Serialize for Own<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { report, full } = *self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("status", report.status().as_str())?;
        map.serialize_entry("age_ms", &report.age().map(whole_milliseconds))?;
        map.serialize_entry("duration_ms", &milliseconds(report.duration()))?;
        if full {
            if !report.version().is_empty() {
                map.serialize_entry("version", report.version())?;
            }
            map.serialize_entry("uptime_seconds", &seconds(report.uptime()))?;
            map.serialize_entry("details", &Object(report.details()))?;
        }
        map.serialize_entry("checks", &Object(report.checks().iter().map(|check| (check.name(), OwnCheck { check, full }))))?;
        if full {
            map.serialize_entry("issues", &report.issues())?;
            map.serialize_entry("notes", report.notes())?;
        }
        map.end()
    }
}

struct OwnCheck<'a> {
    check: &'a CheckReport,
    full: bool,
}

impl Serialize for OwnCheck<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { check, full } = *self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("status", check.status().as_str())?;
        if full {
            map.serialize_entry("message", &check.message())?;
        }
        map.serialize_entry("duration_ms", &check.duration().map(milliseconds))?;
        if full {
            let options = check.options();
            map.serialize_entry("age_ms", &check.age().map(whole_milliseconds))?;
            map.serialize_entry("critical", &options.critical)?;
            map.serialize_entry("groups", &options.groups.iter().copied().map(Group::as_str).collect::<Vec<_>>())?;
            // Damping, or its age, makes the status another.
            if let Some(observed) = check.observed().filter(|observed| *observed != check.status()) {
                map.serialize_entry("observed", observed.as_str())?;
            }
            map.serialize_entry("affected_endpoints", &options.affected_endpoints)?;
            map.serialize_entry("details", &Object(check.details()))?;
        }
        map.end()
    }
}

/// The draft's form.
struct Draft<'a> {
    report: &'a HealthReport,
    full: bool,
    strict: bool,
}

impl Serialize for Draft<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { report, full, strict } = *self;
        let status = match report.status() {
            HealthStatus::Degraded if strict => HealthStatus::Unhealthy,
            status => status,
        };
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("status", word(status))?;
        if full {
            // There is one version, of the service and of its release alike.
            if !report.version().is_empty() {
                map.serialize_entry("version", report.version())?;
                map.serialize_entry("releaseId", report.version())?;
            }
            if !report.notes().is_empty() {
                map.serialize_entry("notes", report.notes())?;
            }
            if status != HealthStatus::Healthy {
                map.serialize_entry("output", &report.issues().join("; "))?;
            }
        }
        // A name of a check has no colon, as the draft wants it.
        let checks =
            report.checks().iter().map(|check| (format!("{}:responseTime", check.name()), [DraftCheck { check, full }]));
        map.serialize_entry("checks", &Object(checks))?;
        map.end()
    }
}

struct DraftCheck<'a> {
    check: &'a CheckReport,
    full: bool,
}

impl Serialize for DraftCheck<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { check, full } = *self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("componentType", "component")?;
        if let Some(duration) = check.duration() {
            map.serialize_entry("observedValue", &milliseconds(duration))?;
            map.serialize_entry("observedUnit", "ms")?;
        }
        map.serialize_entry("status", word(check.status()))?;
        if let Some(time) = check.time() {
            // A clock before 1970 is wrong, and humantime cannot write it.
            let time = humantime::format_rfc3339_millis(time.max(SystemTime::UNIX_EPOCH));
            map.serialize_entry("time", &time.to_string())?;
        }
        if full && check.status() != HealthStatus::Healthy {
            map.serialize_entry("affectedEndpoints", &check.options().affected_endpoints)?;
            map.serialize_entry("output", &check.message())?;
        }
        map.end()
    }
}

/// An object of these entries, in their order.
struct Object<I>(I);

impl<K: Serialize, V: Serialize, I: Iterator<Item = (K, V)> + Clone> Serialize for Object<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.clone())
    }
}

impl Serialize for Detail {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Integer(value) => serializer.serialize_i64(*value),
            Self::Number(value) => serializer.serialize_f64(*value),
            Self::Flag(value) => serializer.serialize_bool(*value),
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}

/// The draft's word for a status.
fn word(status: HealthStatus) -> &'static str {
    match status {
        HealthStatus::Healthy => "pass",
        HealthStatus::Degraded => "warn",
        HealthStatus::Unhealthy => "fail",
    }
}

fn whole_milliseconds(duration: Duration) -> u64 {
    duration.as_millis() as u64
}

/// To milliseconds.
fn seconds(duration: Duration) -> f64 {
    duration.as_millis() as f64 / 1e3
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Instant;

    use serde_json::{Value, json};

    use super::*;
    use crate::health::schedule::Schedule;
    use crate::health::{CheckOptions, CheckResult, Selection};

    /// Three checks, one of each kind: well, ill but not critical and damped, and one that has not run.
    fn report() -> HealthReport {
        let start = Instant::now();
        let mut schedule = Schedule::new(0);
        schedule.add("well".into(), Arc::new(CheckOptions::default()), start);
        let options = CheckOptions {
            critical: false,
            success_threshold: 2,
            groups: vec![Group::Live],
            affected_endpoints: vec!["/a/{id}".to_owned()],
            ..CheckOptions::default()
        };
        schedule.add("ill".into(), Arc::new(options), start);
        let details = CheckResult::healthy("\"quoted\"\u{7f}").detail("z", -1i64).detail("a", 0.5).detail("nan", f64::NAN);
        schedule.turn(start);
        schedule.finish(0, start, Duration::from_nanos(1_234_567), Some(details.detail("t", "x").detail("f", true)));
        schedule.finish(1, start, Duration::from_millis(7), Some(CheckResult::unhealthy("refused")));
        schedule.turn(start + Duration::from_secs(6));
        schedule.finish(1, start + Duration::from_secs(6), Duration::from_millis(8), Some(CheckResult::healthy("")));
        schedule.add("new".into(), Arc::new(CheckOptions { groups: vec![], ..CheckOptions::default() }), start);
        let now = start + Duration::from_millis(6_250);
        HealthReport::new(&schedule, &Selection::all(), now, &"1.2.3".into(), Duration::from_millis(61_500))
    }

    #[test]
    fn everybody_is_told_statuses_durations_and_an_age() {
        let checks = "\"well\":{\"status\":\"healthy\",\"duration_ms\":1.234},\
            \"ill\":{\"status\":\"unhealthy\",\"duration_ms\":8.0},\
            \"new\":{\"status\":\"unhealthy\",\"duration_ms\":null}";
        let told = format!("{{\"status\":\"unhealthy\",\"age_ms\":6250,\"duration_ms\":8.0,\"checks\":{{{checks}}}}}");
        let report = report().with_detail("d", 1u64).with_note("n").with_issue("i");
        assert_eq!(report.to_json(View::Public), told);
    }

    #[test]
    fn who_may_know_is_told_all() {
        let report = report().with_detail("d", 1u64).with_note("n").with_issue("i");
        let told: Value = serde_json::from_str(&report.to_json(View::Full)).unwrap();
        let expected = json!({
            "status": "unhealthy", "age_ms": 6250, "duration_ms": 8.0, "version": "1.2.3", "uptime_seconds": 61.5,
            "details": { "d": 1 },
            "checks": {
                "well": {
                    "status": "healthy", "message": "\"quoted\"\u{7f}", "duration_ms": 1.234, "age_ms": 6250, "critical": true,
                    "groups": ["ready", "startup"], "affected_endpoints": [],
                    "details": { "z": -1, "a": 0.5, "nan": null, "t": "x", "f": true },
                },
                "ill": {
                    "status": "unhealthy", "message": "", "duration_ms": 8.0, "age_ms": 250, "critical": false,
                    "groups": ["live"], "observed": "healthy", "affected_endpoints": ["/a/{id}"], "details": {},
                },
                "new": {
                    "status": "unhealthy", "message": "it has not run yet", "duration_ms": null, "age_ms": null,
                    "critical": true, "groups": [], "affected_endpoints": [], "details": {},
                },
            },
            "issues": ["i", "ill is unhealthy: ", "new is unhealthy: it has not run yet"],
            "notes": ["n"],
        });
        assert_eq!(told, expected);
    }

    /// The draft's form, its times taken out; they are of the wall clock.
    fn draft(report: &HealthReport, view: View, strict: bool) -> Value {
        let mut told: Value = serde_json::from_str(&report.to_health_json(view, strict)).unwrap();
        for check in told["checks"].as_object_mut().unwrap().values_mut() {
            if let Some(time) = check[0].as_object_mut().unwrap().remove("time") {
                humantime::parse_rfc3339(time.as_str().unwrap()).unwrap();
            }
        }
        told
    }

    fn component(duration: f64, status: &str) -> Value {
        json!({ "componentType": "component", "observedValue": duration, "observedUnit": "ms", "status": status })
    }

    #[test]
    fn the_draft_has_words_units_and_troubles_of_its_own() {
        let report = report().with_note("n");
        let well = component(1.234, "pass");
        let public = json!({ "status": "fail", "checks": {
            "well:responseTime": [well],
            "ill:responseTime": [component(8.0, "fail")],
            "new:responseTime": [{ "componentType": "component", "status": "fail" }],
        }});
        assert_eq!(draft(&report, View::Public, false), public);
        let mut ill = component(8.0, "fail");
        (ill["affectedEndpoints"], ill["output"]) = (json!(["/a/{id}"]), json!(""));
        let never = "it has not run yet";
        let full = json!({
            "status": "fail", "version": "1.2.3", "releaseId": "1.2.3", "notes": ["n"],
            "output": "ill is unhealthy: ; new is unhealthy: it has not run yet",
            "checks": {
                "well:responseTime": [well],
                "ill:responseTime": [ill],
                "new:responseTime":
                    [{ "componentType": "component", "status": "fail", "affectedEndpoints": [], "output": never }],
            },
        });
        assert_eq!(draft(&report, View::Full, false), full);
    }

    #[test]
    fn the_draft_calls_what_is_answered_with_an_error_a_failure() {
        let degraded = report().with_status(HealthStatus::Degraded);
        assert_eq!((degraded.http_status(false), &draft(&degraded, View::Public, false)["status"]), (200, &json!("warn")));
        assert_eq!((degraded.http_status(true), &draft(&degraded, View::Public, true)["status"]), (503, &json!("fail")));
        let healthy = report().with_status(HealthStatus::Healthy);
        let told = draft(&healthy, View::Full, true);
        assert_eq!((healthy.http_status(true), &told["status"], told.get("output")), (200, &json!("pass"), None));
        assert_eq!(degraded.with_issue("i").http_status(false), 503);
    }
}
