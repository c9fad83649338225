//! The phases of a scene request, as the metrics and the answers tell them.

use std::time::Duration;

use serde_json::{Map, Value};
use tachograph::profile::PhaseTiming;
use tachograph::{Buckets, Family, Histogram, RegisterError, Registry};

/// Finding out whose token it is.
pub(crate) const AUTH_VALIDATION: &str = "auth_validation";
/// Checking the request's JSON and path.
pub(crate) const SCENE_VALIDATION: &str = "scene_validation";
/// From the file to the scene, in two parts.
pub(crate) const FILE_IO: &str = "file_io";
/// The first part of it: the bytes.
pub(crate) const FILE_READ: &str = "file_read";
/// The second part of it: what they say.
pub(crate) const SCENE_PARSE: &str = "scene_parse";
/// Writing the answer's JSON.
pub(crate) const RESPONSE_SERIALIZATION: &str = "response_serialization";

/// All of them, without the parts of another. The time that none covers is waiting: for the body, for a thread, for a fault.
const PHASES: [&str; 4] = [AUTH_VALIDATION, SCENE_VALIDATION, FILE_IO, RESPONSE_SERIALIZATION];

/// From ten microseconds, for the token, to a second, for a scene as large as may be.
const BOUNDS: [f64; 11] = [0.00001, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0];

/// Time spent by phase, its parts added up; none for a phase that the request never came to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spent([Option<Duration>; PHASES.len()]);

impl Spent {
    pub(crate) fn of(timings: &[PhaseTiming]) -> Self {
        let of = |name: &str| {
            timings.iter().filter(move |timing| *timing.name == *name).map(|timing| timing.duration).reduce(|a, b| a + b)
        };
        Self(PHASES.map(of))
    }

    /// Returns the time of a phase in milliseconds.
    pub(crate) fn milliseconds(&self, phase: &str) -> Option<f64> {
        let at = PHASES.iter().position(|name| *name == phase)?;
        self.0[at].map(milliseconds)
    }

    /// Returns the phases that there were, in milliseconds.
    pub(crate) fn to_json(self) -> Value {
        let entries = PHASES.iter().filter_map(|name| Some(((*name).to_owned(), self.milliseconds(name)?.into())));
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
        Ok(Self(PHASES.map(|name| family.handle([name]))))
    }

    pub(crate) fn observe(&self, spent: &Spent) {
        for (histogram, time) in self.0.iter().zip(spent.0) {
            if let Some(time) = time {
                histogram.observe_duration(time);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tachograph::http::Method;
    use tachograph::profile::{ProfileOptions, Profiler};

    use super::*;

    #[test]
    fn the_parts_of_a_phase_add_up_and_what_never_ran_is_absent() {
        let profile = Profiler::new(ProfileOptions::default()).start("/scene", Method::Post);
        for name in [SCENE_VALIDATION, FILE_IO, SCENE_VALIDATION] {
            let _phase = profile.phase(name);
            std::thread::sleep(Duration::from_millis(1));
        }
        let timings = profile.phases();
        let spent = Spent::of(&timings);
        let expected = milliseconds(timings[0].duration + timings[2].duration);
        assert_eq!(spent.milliseconds(SCENE_VALIDATION), Some(expected));
        assert_eq!(spent.to_json().as_object().unwrap().keys().collect::<Vec<_>>(), [FILE_IO, SCENE_VALIDATION]);
        assert_eq!(spent.milliseconds(AUTH_VALIDATION), None);
    }
}
