//! What the server says of profiles, as far as it is shown. What later servers say beside it is left out.

use serde::Deserialize;

use crate::client::terminal::Tone;

#[derive(Debug, Deserialize)]
pub(in crate::client) struct Listing {
    pub(in crate::client) total_profiles: u64,
    pub(in crate::client) slow_profiles: u64,
    pub(in crate::client) profiles: Vec<Profile>,
    #[serde(default)]
    pub(in crate::client) phase_statistics: Vec<PhaseStatistics>,
    #[serde(default)]
    pub(in crate::client) unaccounted: Unaccounted,
    #[serde(default)]
    pub(in crate::client) endpoints: Vec<EndpointStatistics>,
}

#[derive(Debug, Deserialize)]
pub(in crate::client) struct Profile {
    pub(in crate::client) request_id: String,
    pub(in crate::client) endpoint: String,
    pub(in crate::client) method: String,
    pub(in crate::client) status: u16,
    pub(in crate::client) started_at: String,
    pub(in crate::client) total_duration_ms: f64,
    pub(in crate::client) is_slow: bool,
    pub(in crate::client) phases: Vec<Phase>,
    #[serde(default)]
    pub(in crate::client) trace_id: Option<String>,
    #[serde(default)]
    pub(in crate::client) request_bytes: u64,
    #[serde(default)]
    pub(in crate::client) response_bytes: u64,
    #[serde(default)]
    pub(in crate::client) aborted: bool,
    #[serde(default)]
    pub(in crate::client) phases_dropped: u64,
    #[serde(default)]
    pub(in crate::client) unaccounted_ms: f64,
}

impl Profile {
    pub(in crate::client) fn tone_of_duration(&self) -> Tone {
        if self.is_slow { Tone::Warning } else { Tone::Figure }
    }

    pub(in crate::client) fn tone_of_status(&self) -> Tone {
        match self.status {
            500.. => Tone::Bad,
            400.. => Tone::Warning,
            _ => Tone::Good,
        }
    }
}

#[derive(Debug, Deserialize)]
pub(in crate::client) struct Phase {
    pub(in crate::client) name: String,
    pub(in crate::client) duration_ms: f64,
    #[serde(default)]
    pub(in crate::client) start_ms: f64,
    /// The place of the phase that it is part of.
    #[serde(default)]
    pub(in crate::client) parent: Option<usize>,
    #[serde(default)]
    pub(in crate::client) self_ms: f64,
}

#[derive(Debug, Deserialize)]
pub(in crate::client) struct Durations {
    pub(in crate::client) count: u64,
    pub(in crate::client) mean_ms: f64,
    pub(in crate::client) p50_ms: f64,
    pub(in crate::client) p95_ms: f64,
    pub(in crate::client) p99_ms: f64,
    pub(in crate::client) max_ms: f64,
}

#[derive(Debug, Deserialize)]
pub(in crate::client) struct PhaseStatistics {
    pub(in crate::client) name: String,
    #[serde(flatten)]
    pub(in crate::client) durations: Durations,
    pub(in crate::client) share: f64,
    pub(in crate::client) self_share: f64,
}

#[derive(Debug, Default, Deserialize)]
pub(in crate::client) struct Unaccounted {
    pub(in crate::client) self_share: f64,
}

#[derive(Debug, Deserialize)]
pub(in crate::client) struct EndpointStatistics {
    pub(in crate::client) endpoint: String,
    pub(in crate::client) method: String,
    #[serde(flatten)]
    pub(in crate::client) durations: Durations,
    pub(in crate::client) errors: u64,
    pub(in crate::client) slow: u64,
}

#[derive(Debug, Deserialize)]
pub(in crate::client) struct Cleared {
    pub(in crate::client) cleared: u64,
}
