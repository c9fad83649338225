//! What Alertmanager tells a webhook.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::receiver::Received;

/// One alert of a notification.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// The receiver of the route that it took.
    pub receiver: String,
    /// `firing` or `resolved`.
    pub status: String,
    /// All of its labels.
    pub labels: BTreeMap<String, String>,
    /// All of its annotations.
    pub annotations: BTreeMap<String, String>,
}

impl Told {
    /// Its name.
    pub fn alert(&self) -> &str {
        self.label("alertname")
    }

    /// Whether it fires and says more than that alerts are told and nobody comes.
    pub fn is_wrong(&self) -> bool {
        self.status == "firing" && !["Watchdog", "LowRequestRate"].contains(&self.alert())
    }

    /// A label, or nothing.
    pub fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }
}

/// The alerts of all notifications, in their order.
///
/// # Panics
///
/// When one is no notification of Alertmanager.
pub fn tellings(received: &[Received]) -> Vec<Told> {
    let of_one = |received: &Received| -> Vec<Told> {
        let notification = received.json();
        let alerts = notification["alerts"].as_array().unwrap_or_else(|| panic!("no alerts in {notification}"));
        let told = |alert: &Value| Told {
            receiver: text(&notification["receiver"]),
            status: text(&alert["status"]),
            labels: map(&alert["labels"]),
            annotations: map(&alert["annotations"]),
        };
        alerts.iter().map(told).collect()
    };
    received.iter().flat_map(of_one).collect()
}

/// The last one about each set of labels at each receiver.
pub fn last_words(told: &[Told]) -> Vec<Told> {
    let last: BTreeMap<_, _> = told.iter().map(|told| ((&told.receiver, &told.labels), told)).collect();
    last.into_values().cloned().collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("a text should be here, not {value}")).to_owned()
}

fn map(value: &Value) -> BTreeMap<String, String> {
    let pairs = value.as_object().unwrap_or_else(|| panic!("an object should be here, not {value}"));
    pairs.iter().map(|(name, value)| (name.clone(), text(value))).collect()
}
