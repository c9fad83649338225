//! What a server says of its health: Tachograph's JSON, that of draft-inadarei-api-health-check, and what others write much
//! alike.

use serde_json::{Map, Value};

use crate::client::terminal::Tone;
use crate::fetch::Answer;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::client) enum Level {
    Healthy,
    Degraded,
    Unhealthy,
}

/// What is known of the whole.
#[derive(Debug)]
pub(in crate::client) struct Report {
    pub(in crate::client) status: Level,
    pub(in crate::client) checks: Vec<Check>,
    /// What is wrong, and what else is said.
    pub(in crate::client) issues: Vec<String>,
    pub(in crate::client) notes: Vec<String>,
    pub(in crate::client) age_ms: Option<f64>,
    pub(in crate::client) duration_ms: Option<f64>,
    pub(in crate::client) version: Option<String>,
    pub(in crate::client) uptime_s: Option<f64>,
    /// It is Tachograph's own form.
    own: bool,
}

#[derive(Debug)]
pub(in crate::client) struct Check {
    pub(in crate::client) name: String,
    /// `None` if it has no word that is known.
    pub(in crate::client) status: Option<Level>,
    pub(in crate::client) message: Option<String>,
    pub(in crate::client) duration_ms: Option<f64>,
    pub(in crate::client) age_ms: Option<f64>,
}

impl Level {
    /// By our word, the draft's, Spring's or Consul's.
    fn of(word: &str) -> Option<Self> {
        Some(match word.to_ascii_lowercase().as_str() {
            "healthy" | "pass" | "passing" | "ok" | "up" => Self::Healthy,
            "degraded" | "warn" | "warning" => Self::Degraded,
            "unhealthy" | "fail" | "error" | "critical" | "down" | "out_of_service" => Self::Unhealthy,
            _ => return None,
        })
    }

    /// That of a status whose word is not known is dim.
    pub(in crate::client) fn tone(level: Option<Self>) -> Tone {
        match level {
            Some(Self::Healthy) => Tone::Good,
            Some(Self::Degraded) => Tone::Warning,
            Some(Self::Unhealthy) => Tone::Bad,
            None => Tone::Dim,
        }
    }

    pub(in crate::client) fn word(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Unhealthy => "unhealthy",
        }
    }
}

impl Report {
    /// Reads JSON that has a `status` with a known word.
    pub(in crate::client) fn of_json(body: &[u8]) -> Option<Self> {
        let whole: Map<String, Value> = serde_json::from_slice(body).ok()?;
        let word = whole.get("status")?.as_str()?;
        let status = Level::of(word)?;
        let checks = ["checks", "components", "entries", "results"].iter().find_map(|key| whole.get(*key)?.as_object());
        let texts = |key: &str| match whole.get(key) {
            Some(Value::Array(texts)) => texts.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            Some(Value::String(text)) => vec![text.clone()],
            _ => Vec::new(),
        };
        let mut issues: Vec<String> = texts("issues");
        issues.extend(texts("output"));
        Some(Self {
            status,
            checks: checks.into_iter().flatten().flat_map(|(name, value)| Check::all(name, value)).collect(),
            issues,
            notes: texts("notes"),
            age_ms: number(&whole, "age_ms"),
            duration_ms: number(&whole, "duration_ms"),
            version: whole.get("version").and_then(Value::as_str).map(str::to_owned),
            uptime_s: number(&whole, "uptime_seconds"),
            own: matches!(word, "healthy" | "degraded" | "unhealthy") && whole.contains_key("duration_ms"),
        })
    }

    /// Reads a short text of a server that answers 200: that is all it says. A page is no health report.
    pub(in crate::client) fn of_text(answer: &Answer) -> Option<Self> {
        const MOST: usize = 200;
        let text = std::str::from_utf8(&answer.body).ok()?.trim();
        let html = answer.content_type.contains("html") || text.starts_with('<');
        if html || text.len() > MOST || text.lines().count() > 1 {
            return None;
        }
        let status = Level::of(text.trim_end_matches(['.', '!'])).unwrap_or(Level::Healthy);
        let notes = vec![match text {
            "" => "the server says nothing but 200".to_owned(),
            text => format!("the server says nothing but 200 and {text:?}"),
        }];
        let (checks, issues) = (Vec::new(), Vec::new());
        Some(Self { status, checks, issues, notes, age_ms: None, duration_ms: None, version: None, uptime_s: None, own: false })
    }

    /// Whether it is our own, and tells no more than everybody may know.
    pub(in crate::client) fn is_public(&self) -> bool {
        self.own && !self.checks.is_empty() && self.checks.iter().all(|check| check.message.is_none())
    }
}

impl Check {
    /// One check; in the draft's form several with one name.
    fn all(name: &str, value: &Value) -> Vec<Self> {
        match value {
            Value::Array(values) => values.iter().flat_map(|value| Self::all(name, value)).collect(),
            Value::Object(check) => vec![Self::of(name, check)],
            _ => Vec::new(),
        }
    }

    fn of(name: &str, check: &Map<String, Value>) -> Self {
        let text = |key: &str| check.get(key).and_then(Value::as_str);
        let observed = || (text("observedUnit") == Some("ms")).then(|| number(check, "observedValue")).flatten();
        Self {
            name: name.strip_suffix(":responseTime").unwrap_or(name).to_owned(),
            status: text("status").and_then(Level::of),
            message: ["message", "output", "description"].iter().find_map(|key| text(key)).map(str::to_owned),
            duration_ms: number(check, "duration_ms").or_else(observed),
            age_ms: number(check, "age_ms"),
        }
    }
}

fn number(object: &Map<String, Value>, key: &str) -> Option<f64> {
    object.get(key)?.as_f64()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn many_forms_are_understood() {
        for (json, status, check) in [
            (r#"{"status":"healthy","duration_ms":1,"checks":{"a":{"status":"healthy"}}}"#, Level::Healthy, "a healthy"),
            (r#"{"status":"warn","checks":{"a:responseTime":[{"status":"warn"}]}}"#, Level::Degraded, "a degraded"),
            (r#"{"status":"DOWN","components":{"db":{"status":"DOWN"}}}"#, Level::Unhealthy, "db unhealthy"),
            (r#"{"status":"Healthy","results":{"a":{"status":"Degraded"}}}"#, Level::Healthy, "a degraded"),
        ] {
            let report = Report::of_json(json.as_bytes()).unwrap();
            let [only] = &report.checks[..] else { panic!("{json}") };
            assert_eq!((report.status, format!("{} {}", only.name, only.status.unwrap().word())), (status, check.to_owned()));
        }
        for json in [r#"{"status":"success","data":{}}"#, r#"{"status":3}"#, "{}", "[]", "7", "OK", ""] {
            assert!(Report::of_json(json.as_bytes()).is_none(), "{json}");
        }
    }

    #[test]
    fn a_short_text_with_200_is_healthy_unless_it_says_otherwise() {
        let text = |content_type: &str, body: &str| {
            let answer = Answer {
                status: hyper::StatusCode::OK,
                content_type: content_type.to_owned(),
                location: None,
                body: body.into(),
                took: Duration::ZERO,
            };
            Report::of_text(&answer).map(|report| report.status)
        };
        assert_eq!(text("text/plain", "OK"), Some(Level::Healthy));
        assert_eq!(text("text/plain", "Prometheus Server is Healthy.\n"), Some(Level::Healthy));
        assert_eq!(text("", ""), Some(Level::Healthy));
        assert_eq!(text("text/plain", "DOWN"), Some(Level::Unhealthy));
        assert_eq!(text("text/html", "OK"), None);
        assert_eq!(text("", "<html>"), None);
        assert_eq!(text("text/plain", &"a 1\n".repeat(3)), None);
    }
}
