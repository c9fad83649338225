//! How fast frames come, out of when the last ones began. Pure: the time is the caller's.

use std::time::Duration;

/// A frame that was drawn, in nanoseconds since its clock was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) started: u64,
    /// How long its work took; less than the time to the next frame, unless the loop is late.
    pub(super) work: u64,
}

/// What the frames of the last while have to tell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pace {
    /// Frames a second; 0 when none began within the window, none when the loop has begun within it and two frames have not
    /// come yet.
    pub(super) fps: Option<f64>,
    /// Mean and worst work of the frames that began within the window.
    pub(super) work: Option<(Duration, Duration)>,
    /// Since the start of the last frame, of whatever age.
    pub(super) since_last: Option<Duration>,
}

impl Pace {
    /// Looks at the last frames, in any order, from `now` back over `window`. The loop goes on since `begun`: what was drawn
    /// before is of another stretch, and makes no interval with what came after.
    ///
    /// A rate is told by intervals, not by counting the frames of the window: their count differs by one with where the
    /// window's edge falls, which at 10 frames a second is a tenth. So the rate is that from the last frame before the window
    /// to the newest one, or that up to now with a frame more, whichever is lower: once the next frame is late, it counts.
    pub(super) fn of(frames: impl IntoIterator<Item = Frame>, begun: u64, now: u64, window: u64) -> Self {
        // One that begins while we read would stand alone without the ones before it.
        let mut frames: Vec<Frame> = frames.into_iter().filter(|frame| frame.started <= now).collect();
        frames.sort_unstable_by_key(|frame| frame.started);
        let since_last = frames.last().map(|last| Duration::from_nanos(now - last.started));
        let stretch = &frames[frames.partition_point(|frame| frame.started < begun)..];
        let within = stretch.partition_point(|frame| frame.started <= now.saturating_sub(window));
        let recent = &stretch[within..];
        let fps = match &stretch[within.saturating_sub(1)..] {
            [first, between @ .., newest] => {
                let intervals = between.len() + 1;
                let closed = per_second(intervals, newest.started - first.started);
                let open = per_second(intervals + 1, now - first.started);
                Some(closed.min(open)).filter(|fps| fps.is_finite())
            }
            _ if recent.is_empty() && now.saturating_sub(begun) >= window => Some(0.0),
            _ => None,
        };
        Self { fps, work: work(recent), since_last }
    }
}

fn per_second(intervals: usize, nanoseconds: u64) -> f64 {
    intervals as f64 * 1e9 / nanoseconds as f64
}

fn work(frames: &[Frame]) -> Option<(Duration, Duration)> {
    let worst = frames.iter().map(|frame| frame.work).max()?;
    let sum: u128 = frames.iter().map(|frame| u128::from(frame.work)).sum();
    let mean = (sum / frames.len() as u128) as u64;
    Some((Duration::from_nanos(mean), Duration::from_nanos(worst)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: u64 = 1_000_000;
    const SECOND: u64 = 1_000 * MS;

    fn frames(starts: impl IntoIterator<Item = u64>) -> Vec<Frame> {
        starts.into_iter().map(|started| Frame { started, work: MS }).collect()
    }

    /// Frames at each multiple of `interval` up to and without `until`.
    fn steady(interval: u64, until: u64) -> Vec<Frame> {
        frames((0..).map(|at| at * interval).take_while(|start| *start < until))
    }

    fn fps(frames: &[Frame], now: u64) -> Option<f64> {
        Pace::of(frames.iter().copied(), 0, now, SECOND).fps
    }

    #[test]
    fn a_steady_rate_is_exact_wherever_the_windows_edge_falls() {
        for phase in [1, 7, 50, 99, 100] {
            assert_eq!(fps(&steady(100 * MS, 5 * SECOND + 1), 5 * SECOND + phase * MS), Some(10.0), "{phase} ms after a frame");
        }
        assert_eq!(fps(&steady(100 * MS, 5 * SECOND + 1), 5 * SECOND), Some(10.0), "at a frame, and with one on the edge");
        let just_below = fps(&steady(100 * MS + 1, 5 * SECOND), 5 * SECOND).unwrap();
        assert!(just_below < 10.0 && just_below > 9.999_999, "{just_below}");
    }

    #[test]
    fn a_frame_that_is_late_counts_once_it_is() {
        let frames = steady(100 * MS, 5 * SECOND);
        let last = 4_900 * MS;
        assert_eq!(fps(&frames, last + 100 * MS), Some(10.0));
        let late = |by: u64| fps(&frames, last + 100 * MS + by).unwrap();
        assert!(late(1) < 10.0);
        assert!(late(400 * MS) < late(200 * MS) && late(200 * MS) < late(1));
        let two_intervals = fps(&frames, last + SECOND - 1).unwrap() - 2.0 / 1.1;
        assert!(two_intervals.abs() < 1e-6, "the last one, and one that has not ended");
        assert_eq!(fps(&frames, last + SECOND), Some(0.0));
        assert_eq!(Pace::of(frames, 0, last + 12 * SECOND, SECOND).since_last, Some(Duration::from_secs(12)));
    }

    #[test]
    fn before_two_frames_have_come_there_is_no_rate_until_they_are_overdue() {
        assert_eq!(fps(&[], 0), None);
        assert_eq!(fps(&[], SECOND - 1), None);
        assert_eq!(fps(&[], SECOND), Some(0.0));
        assert_eq!(fps(&frames([0]), 100 * MS), None);
        assert_eq!(fps(&frames([0]), SECOND), Some(0.0));
        assert_eq!(fps(&frames([0, 20 * MS]), 30 * MS), Some(50.0));
        assert_eq!(fps(&frames([5 * SECOND]), 5 * SECOND + 1), None, "the first one may come as late as it likes");
        assert_eq!(fps(&frames([0, 0]), 0), None, "two at once make no interval");
    }

    #[test]
    fn a_pause_is_no_interval() {
        let starts = [0, 50, 100, 60_000, 60_050, 60_100].map(|start| start * MS);
        let now = 60_110 * MS;
        assert!(fps(&frames(starts), now).unwrap() < 0.1);
        let resumed = Pace::of(frames(starts), 60_000 * MS, now, SECOND);
        assert_eq!(resumed.fps, Some(20.0));
        let waiting = Pace::of(frames(starts), now, now + 1, SECOND);
        assert_eq!((waiting.fps, waiting.since_last), (None, Some(Duration::from_nanos(10 * MS + 1))));
        assert_eq!(Pace::of(frames(starts), now, now + SECOND, SECOND).fps, Some(0.0));
    }

    #[test]
    fn the_work_is_that_of_the_windows_frames() {
        let frames = [(0, 500), (1_000, 400), (1_001, 1), (1_500, 3), (2_000, 8)];
        let frames = frames.map(|(started, work)| Frame { started: started * MS, work: work * MS });
        let pace = Pace::of(frames, 0, 2_000 * MS, SECOND);
        assert_eq!(pace.work, Some((Duration::from_millis(4), Duration::from_millis(8))));
        assert_eq!(Pace::of(frames, 0, 9_000 * MS, SECOND).work, None);
        let longest = [Frame { started: 0, work: u64::MAX }, Frame { started: 1, work: u64::MAX }];
        let whole = Duration::from_nanos(u64::MAX);
        assert_eq!(Pace::of(longest, 0, 1, SECOND).work, Some((whole, whole)));
    }

    proptest! {
        /// The oracle counts the frames of the window. With no gap longer than `gap`, the last frame before it lies at most
        /// that far back.
        #[test]
        fn a_rate_lies_within_a_frame_of_the_count(
            gaps in prop::collection::vec(1..200 * MS, 40..200),
            ago in 0..3 * SECOND,
            seed in any::<u64>(),
        ) {
            let mut starts = vec![0];
            starts.extend(gaps.iter().scan(0, |at, gap| { *at += gap; Some(*at) }));
            let now = starts.last().unwrap().saturating_sub(ago).max(SECOND + 200 * MS).min(*starts.last().unwrap());
            prop_assume!(now >= SECOND + 200 * MS);
            let gap = gaps.iter().max().unwrap();
            let mut count = 0u64;
            for start in &starts {
                if *start <= now && *start + SECOND > now {
                    count += 1;
                }
            }
            let mut any_order = frames(starts);
            let turn = seed as usize % any_order.len();
            any_order.rotate_left(turn);
            let fps = fps(&any_order, now).unwrap();
            prop_assert!(fps <= count as f64 + 1.0 + 1e-9, "{} of {}", fps, count);
            prop_assert!(fps >= count as f64 / (1.0 + *gap as f64 / 1e9) - 1e-9, "{} of {}", fps, count);
        }

        /// The oracle is the interval itself.
        #[test]
        fn a_steady_rate_is_exact(interval in MS..900 * MS, frames in 10u64..400, phase in 0.0..=1.0f64) {
            let last = (frames - 1) * interval;
            let now = last + (phase * interval as f64) as u64;
            let starts = (0..frames).map(|at| Frame { started: at * interval, work: 0 });
            let fps = Pace::of(starts, 0, now, SECOND).fps.unwrap();
            prop_assert!((fps - 1e9 / interval as f64).abs() < 1e-9 * fps, "{} at {} ns", fps, interval);
        }
    }
}
