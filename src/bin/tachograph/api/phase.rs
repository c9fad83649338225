//! The phases of a scene request, timed one by one.

use std::time::{Duration, Instant};

use serde_json::{Map, Value};
use tachograph::{Buckets, Family, Histogram, RegisterError, Registry};

/// A part of the work on a request. The time that none of them covers is waiting: for the body, for a thread, for a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Finding out whose token it is.
    AuthValidation,
    /// Checking the request's JSON and path, and parsing the scene.
    SceneValidation,
    /// Reading the scene file.
    FileIo,
    /// Writing the answer's JSON.
    ResponseSerialization,
}

const PHASES: [(Phase, &str); 4] = [
    (Phase::AuthValidation, "auth_validation"),
    (Phase::SceneValidation, "scene_validation"),
    (Phase::FileIo, "file_io"),
    (Phase::ResponseSerialization, "response_serialization"),
];

/// From ten microseconds, for the token, to a second, for a scene as large as may be.
const BOUNDS: [f64; 11] = [0.00001, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0];

/// Time spent by phase; none for a phase that the request never came to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Phases([Option<Duration>; PHASES.len()]);

impl Phases {
    /// Runs `work` as a part of `phase`. A phase may have several parts.
    pub(crate) fn time<T>(&mut self, phase: Phase, work: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let result = work();
        self.spend(phase, started.elapsed());
        result
    }

    fn spend(&mut self, phase: Phase, time: Duration) {
        *self.0[phase as usize].get_or_insert_default() += time;
    }

    /// Takes over the phases that were timed on another thread.
    pub(crate) fn extend(&mut self, others: Self) {
        for (phase, _) in PHASES {
            if let Some(time) = others.0[phase as usize] {
                self.spend(phase, time);
            }
        }
    }

    /// Returns the time of a phase in milliseconds.
    pub(crate) fn milliseconds(&self, phase: Phase) -> Option<f64> {
        self.0[phase as usize].map(milliseconds)
    }

    /// Returns the phases that there were, in milliseconds.
    pub(crate) fn to_json(self) -> Value {
        let entries = PHASES.iter().filter_map(|(phase, name)| Some(((*name).to_owned(), self.milliseconds(*phase)?.into())));
        Value::Object(entries.collect::<Map<_, _>>())
    }
}

/// Converts to milliseconds with three decimals: no clock is better than a microsecond here.
pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_micros() as f64 / 1e3
}

/// The histogram of each phase.
pub(crate) struct PhaseMetrics([Histogram; PHASES.len()]);

impl PhaseMetrics {
    pub(crate) fn register(registry: &Registry) -> Result<Self, RegisterError> {
        let family: Family<Histogram, 1> = registry.histogram_family(
            "scene_phase_duration_seconds",
            "Time that loading a scene spends in each of its phases.",
            ["phase"],
            Buckets::seconds(&BOUNDS).expect("the bounds are whole nanoseconds in rising order"),
        )?;
        Ok(Self(PHASES.map(|(_, name)| family.handle([name]))))
    }

    pub(crate) fn observe(&self, phases: &Phases) {
        for (histogram, time) in self.0.iter().zip(phases.0) {
            if let Some(time) = time {
                histogram.observe_duration(time);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_phase_stands_at_its_own_index() {
        for (index, (phase, _)) in PHASES.iter().enumerate() {
            assert_eq!(*phase as usize, index);
        }
    }

    #[test]
    fn the_parts_of_a_phase_add_up_and_what_never_ran_is_absent() {
        let mut phases = Phases::default();
        phases.spend(Phase::SceneValidation, Duration::from_millis(2));
        let mut elsewhere = Phases::default();
        elsewhere.spend(Phase::SceneValidation, Duration::from_micros(500));
        elsewhere.spend(Phase::FileIo, Duration::from_micros(1_234));
        phases.extend(elsewhere);
        assert_eq!(phases.to_json(), serde_json::json!({ "scene_validation": 2.5, "file_io": 1.234 }));
        assert_eq!(phases.milliseconds(Phase::AuthValidation), None);
    }
}
