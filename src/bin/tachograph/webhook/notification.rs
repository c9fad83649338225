//! Alertmanager's notifications, version 4. Whoever may post here may post long and strange ones: all is cut to bounds.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::clip::{MOST_TOLD, clipped};

/// Alerts of one notification that are taken: each is a line in the log.
const MOST_ALERTS: usize = 1_000;
/// Labels of an alert that are kept, and annotations.
const MOST_LABELS: usize = 64;
/// Bytes of each text that are kept.
const MOST_TEXT: usize = 4_096;

type Texts = BTreeMap<String, String>;

/// A notification as it is sent. What else is in it says nothing about one alert.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Notification {
    version: String,
    #[serde(default)]
    receiver: String,
    #[serde(default)]
    group_key: String,
    #[serde(default, rename = "externalURL")]
    external_url: String,
    #[serde(default)]
    truncated_alerts: u64,
    alerts: Vec<Sent>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sent {
    status: Status,
    labels: Texts,
    #[serde(default)]
    annotations: Texts,
    #[serde(default)]
    starts_at: String,
    #[serde(default)]
    ends_at: String,
    #[serde(default, rename = "generatorURL")]
    generator_url: String,
    #[serde(default)]
    fingerprint: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    Firing,
    Resolved,
}

/// An alert as it is kept and given to a program, under Alertmanager's own names.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Alert {
    pub(super) status: Status,
    labels: Texts,
    annotations: Texts,
    starts_at: String,
    ends_at: String,
    #[serde(rename = "generatorURL")]
    generator_url: String,
    fingerprint: String,
    receiver: String,
    group_key: String,
    #[serde(rename = "externalURL")]
    external_url: String,
    received_at: String,
}

/// Alerts that are not taken.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct TooMany {
    /// Beyond what is taken of one notification.
    pub(super) here: u64,
    /// Which Alertmanager has left out already, by its `max_alerts`.
    pub(super) at_alertmanager: u64,
}

/// Reads a notification, and says what is wrong with it.
pub(super) fn read(body: &[u8], now: SystemTime) -> Result<(Vec<Alert>, TooMany), String> {
    let advice = "point `url` of a webhook_configs of Alertmanager at /alerts";
    let sent: Notification = serde_json::from_slice(body)
        .map_err(|cause| format!("the body is no notification: {}; {advice}", clipped(cause.to_string(), MOST_TOLD)))?;
    if sent.version != "4" {
        let version = clipped(sent.version, MOST_TOLD);
        return Err(format!("the notification has version {version:?}, and 4 is read here; {advice}"));
    }
    let too_many =
        TooMany { here: sent.alerts.len().saturating_sub(MOST_ALERTS) as u64, at_alertmanager: sent.truncated_alerts };
    let text = |text: String| clipped(text, MOST_TEXT);
    let texts = |texts: Texts| texts.into_iter().take(MOST_LABELS).map(|(name, value)| (text(name), text(value))).collect();
    let (receiver, group_key, external_url) = (text(sent.receiver), text(sent.group_key), text(sent.external_url));
    let received_at = humantime::format_rfc3339_millis(now).to_string();
    let alerts = sent.alerts.into_iter().take(MOST_ALERTS).map(|alert| Alert {
        status: alert.status,
        labels: texts(alert.labels),
        annotations: texts(alert.annotations),
        starts_at: text(alert.starts_at),
        ends_at: text(alert.ends_at),
        generator_url: text(alert.generator_url),
        fingerprint: text(alert.fingerprint),
        receiver: receiver.clone(),
        group_key: group_key.clone(),
        external_url: external_url.clone(),
        received_at: received_at.clone(),
    });
    Ok((alerts.collect(), too_many))
}

impl Status {
    pub(super) const ALL: [Self; 2] = [Self::Firing, Self::Resolved];

    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Resolved => "resolved",
        }
    }
}

impl Alert {
    pub(super) fn name(&self) -> &str {
        self.label("alertname")
    }

    pub(super) fn severity(&self) -> &str {
        self.label("severity")
    }

    /// A label; empty, as in Prometheus, where there is none.
    pub(super) fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }

    pub(super) fn annotation(&self, name: &str) -> &str {
        self.annotations.get(name).map_or("", String::as_str)
    }

    /// Whether somebody should do something now.
    pub(super) fn is_urgent(&self) -> bool {
        self.status == Status::Firing && !matches!(self.severity(), "info" | "none")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read_json(body: &Value) -> Result<(Vec<Alert>, TooMany), String> {
        read(body.to_string().as_bytes(), SystemTime::UNIX_EPOCH)
    }

    fn firing(labels: Value) -> Value {
        json!({ "status": "firing", "labels": labels })
    }

    #[test]
    fn long_and_many_are_cut() {
        let labels: BTreeMap<String, String> = (0..100).map(|at| (format!("l{at:03}"), "é".repeat(4_000))).collect();
        let mut alerts = vec![firing(json!({})); 1_001];
        alerts[0]["labels"] = json!(labels);
        let (alerts, too_many) = read_json(&json!({ "version": "4", "truncatedAlerts": 7, "alerts": alerts })).unwrap();
        assert_eq!((alerts.len(), too_many), (1_000, TooMany { here: 1, at_alertmanager: 7 }));
        assert_eq!(alerts[0].labels.len(), 64);
        assert_eq!(alerts[0].label("l000"), format!("{}…", "é".repeat(2_048)));
        assert_eq!(alerts[1].name(), "");
    }

    #[test]
    fn what_is_wrong_is_told_within_bounds() {
        for (body, part) in [
            (json!([]), "invalid length 0"),
            (json!({ "alerts": [] }), "missing field `version`"),
            (json!({ "version": "4" }), "missing field `alerts`"),
            (json!({ "version": "3", "alerts": [] }), "has version \"3\", and 4 is read here"),
            (json!({ "version": "4", "alerts": [{ "status": "pending", "labels": {} }] }), "unknown variant `pending`"),
            (json!({ "version": "4", "alerts": [{ "status": "firing" }] }), "missing field `labels`"),
            (json!({ "version": "4", "alerts": [firing(json!({ "a": 1 }))] }), "expected a string"),
            (json!({ "version": "4", "alerts": "x".repeat(100_000) }), "expected a sequence"),
            (json!({ "version": "v".repeat(100_000), "alerts": [] }), "vvv…"),
        ] {
            let told = read_json(&body).unwrap_err();
            assert!(told.contains(part) || told.contains('…'), "{part}: {told}");
            assert!(told.contains("webhook_configs") && told.len() < 500, "{told}");
        }
    }
}
