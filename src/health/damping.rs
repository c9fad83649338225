//! Damping: a status follows the results only once several in a row agree.

use std::collections::VecDeque;

use super::options::CheckOptions;
use super::status::HealthStatus;

/// The status of one check, and the last results that it follows.
#[derive(Debug)]
pub(super) struct Damping {
    failure_threshold: usize,
    success_threshold: usize,
    /// The newest last; as many as the greater threshold.
    results: VecDeque<HealthStatus>,
    /// None before the first result, which is taken at its word.
    status: Option<HealthStatus>,
}

impl Damping {
    pub(super) fn new(options: &CheckOptions) -> Self {
        Self {
            failure_threshold: options.failure_threshold as usize,
            success_threshold: options.success_threshold as usize,
            results: VecDeque::new(),
            status: None,
        }
    }

    /// Takes a result in and returns the status after it.
    pub(super) fn follow(&mut self, result: HealthStatus) -> HealthStatus {
        if self.results.len() == self.failure_threshold.max(self.success_threshold) {
            self.results.pop_front();
        }
        self.results.push_back(result);
        let before = *self.status.get_or_insert(result);
        let last = |count: usize| (self.results.len() >= count).then(|| self.results.iter().rev().take(count).copied());
        let worse = last(self.failure_threshold).and_then(Iterator::min).filter(|mildest| *mildest > before);
        let better = last(self.success_threshold).and_then(Iterator::max).filter(|worst| *worst < before);
        *self.status.insert(worse.or(better).unwrap_or(before))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::HealthStatus::{Degraded, Healthy, Unhealthy};
    use super::*;

    fn damping(failure_threshold: u32, success_threshold: u32) -> Damping {
        Damping::new(&CheckOptions { failure_threshold, success_threshold, ..CheckOptions::default() })
    }

    fn followed(mut damping: Damping, results: &[HealthStatus]) -> Vec<HealthStatus> {
        results.iter().map(|result| damping.follow(*result)).collect()
    }

    #[test]
    fn with_thresholds_of_one_each_result_counts() {
        let results = [Healthy, Unhealthy, Degraded, Healthy, Unhealthy];
        assert_eq!(followed(damping(1, 1), &results), results);
    }

    #[test]
    fn a_flapping_check_keeps_its_status() {
        let flapping = [Healthy, Unhealthy, Healthy, Unhealthy, Unhealthy, Healthy];
        assert_eq!(followed(damping(3, 1), &flapping), [Healthy; 6]);
        let ill = [Unhealthy, Healthy, Unhealthy, Healthy, Healthy, Unhealthy];
        assert_eq!(followed(damping(1, 3), &ill), [Unhealthy; 6]);
    }

    #[test]
    fn it_becomes_what_all_of_the_streak_have_in_common() {
        assert_eq!(
            followed(damping(2, 2), &[Healthy, Unhealthy, Degraded, Unhealthy, Unhealthy])[2..],
            [Degraded, Degraded, Unhealthy]
        );
        assert_eq!(
            followed(damping(2, 2), &[Unhealthy, Healthy, Degraded, Healthy, Healthy])[2..],
            [Degraded, Degraded, Healthy]
        );
    }

    proptest! {
        /// The oracle looks through the whole history, and counts.
        #[test]
        fn a_level_is_reached_by_so_many_results_in_a_row_and_by_no_fewer(
            results in prop::collection::vec(prop::sample::select(&HealthStatus::ALL), 1..40),
            failures in 1u32..5,
            successes in 1u32..5,
        ) {
            let statuses = followed(damping(failures, successes), &results);
            let mut expected = results[0];
            for (at, status) in statuses.iter().enumerate() {
                let streak = |holds: &dyn Fn(HealthStatus) -> bool| {
                    results[..=at].iter().rev().take_while(|result| holds(**result)).count() as u32
                };
                let reached_up = |level: &HealthStatus| streak(&|result| result >= *level) >= failures;
                let reached_down = |level: &HealthStatus| streak(&|result| result <= *level) >= successes;
                let up = HealthStatus::ALL.into_iter().filter(|level| *level > expected && reached_up(level)).max();
                let down = HealthStatus::ALL.into_iter().filter(|level| *level < expected && reached_down(level)).min();
                prop_assert!(up.is_none() || down.is_none());
                expected = up.or(down).unwrap_or(expected);
                prop_assert_eq!(*status, expected);
            }
        }
    }
}
