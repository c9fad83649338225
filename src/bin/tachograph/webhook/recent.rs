//! The alerts that came last.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes of all that is kept: however large, alerts cannot fill the memory.
const MOST_BYTES: usize = 4 << 20;

/// The last alerts as JSON. A std mutex is enough: it is held to push a pointer, or to copy some hundreds.
pub(super) struct Recent {
    most: usize,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// The newest at the front.
    alerts: VecDeque<Arc<str>>,
    /// Of all of them.
    bytes: usize,
}

impl Recent {
    pub(super) fn new(most: usize) -> Self {
        Self { most, kept: Mutex::default() }
    }

    /// Keeps an alert, and forgets the oldest ones that there is no more room for.
    pub(super) fn push(&self, alert: Arc<str>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.bytes += alert.len();
        kept.alerts.push_front(alert);
        while kept.alerts.len() > self.most || kept.bytes > MOST_BYTES {
            let Some(oldest) = kept.alerts.pop_back() else { break };
            kept.bytes -= oldest.len();
        }
    }

    /// Writes them as a JSON object.
    pub(super) fn json(&self) -> String {
        let alerts: Vec<Arc<str>> =
            self.kept.lock().unwrap_or_else(PoisonError::into_inner).alerts.iter().map(Arc::clone).collect();
        format!("{{\"alerts\":[{}]}}\n", alerts.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_go_when_there_are_too_many_or_too_much() {
        let recent = Recent::new(3);
        assert_eq!(recent.json(), "{\"alerts\":[]}\n");
        for alert in ["1", "2", "3", "4"] {
            recent.push(alert.into());
        }
        assert_eq!(recent.json(), "{\"alerts\":[4,3,2]}\n");
        recent.push("5".repeat(MOST_BYTES - 1).into());
        assert!(recent.json().ends_with("5,4]}\n"));
        recent.push("6".repeat(MOST_BYTES).into());
        assert!(recent.json().ends_with("66]}\n"));
        assert_eq!(recent.kept.lock().unwrap().alerts.len(), 1);
    }
}
