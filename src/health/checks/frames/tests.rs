use std::sync::Barrier;
use std::thread;

use super::*;
use crate::health::Detail;

const MS: Duration = Duration::from_millis(1);

/// A clock whose loop draws a frame at each multiple of `interval`, the last one at or before `until`.
fn drawn(epoch: Instant, interval: Duration, until: Duration) -> FrameClock {
    let clock = FrameClock::made(epoch);
    let mut at = Duration::ZERO;
    while at <= until {
        clock.observe(epoch + at, interval / 4);
        at += interval;
    }
    clock
}

fn told(clock: &FrameClock, now: Instant) -> (HealthStatus, String) {
    let result = FrameCheck::new(clock.clone()).look(now);
    (result.status(), result.message().to_owned())
}

fn detail(result: &CheckResult, name: &str) -> Option<Detail> {
    result.details().iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
}

#[test]
fn ten_frames_a_second_are_enough_and_fewer_are_not() {
    let epoch = Instant::now();
    let now = epoch + MS * 5_000;
    let at = |interval| told(&drawn(epoch, interval, MS * 5_000), now);
    assert_eq!(at(MS * 100), (HealthStatus::Healthy, "10.0 frames a second".into()));
    assert_eq!(at(MS * 101), (HealthStatus::Degraded, "9.9 frames a second, fewer than 10".into()));
    assert_eq!(at(MS * 200), (HealthStatus::Degraded, "5.0 frames a second, fewer than 10".into()));
    assert_eq!(at(Duration::from_nanos(16_666_667)), (HealthStatus::Healthy, "60.0 frames a second".into()));
    assert_eq!(at(Duration::from_micros(100_040)).0, HealthStatus::Healthy, "what is told as 10.0 counts as that");
}

#[test]
fn the_limit_can_be_set_to_less_than_a_frame_a_second_or_to_none() {
    let epoch = Instant::now();
    let slow = drawn(epoch, MS * 2_000, MS * 60_000);
    let at = |min_fps, now: u32| FrameCheck::new(slow.clone()).with_min_fps(min_fps).look(epoch + MS * now);
    for now in [60_000, 60_001, 61_999] {
        assert_eq!(at(0.5, now).message(), "0.5 frames a second");
        assert_eq!(at(0.6, now).status(), HealthStatus::Degraded);
    }
    assert_eq!(at(60.0, 61_999).message(), "no frame for 1.9 s");
    for none in [0.0, -1.0, f64::NAN] {
        assert_eq!(at(none, 90_000).message(), "no frame for 30 s");
        assert_eq!(at(none, 90_000).status(), HealthStatus::Healthy);
    }
    let fine = FrameCheck::new(drawn(epoch, Duration::from_nanos(16_683_333), MS * 2_000)).with_min_fps(59.94);
    assert_eq!(fine.look(epoch + MS * 2_000).status(), HealthStatus::Healthy, "the limit is told to a tenth, too");
}

#[test]
fn a_paused_loop_is_degraded_and_a_resumed_one_is_not_held_to_its_pause() {
    let epoch = Instant::now();
    let clock = drawn(epoch, MS * 20, MS * 2_000);
    let at = |ms: u32| epoch + MS * ms;
    clock.set(true, at(2_010));
    clock.set(true, at(9_000));
    assert!(clock.is_paused());
    assert_eq!(told(&clock, at(2_020)), (HealthStatus::Degraded, "paused for 0.0 s".into()));
    assert_eq!(told(&clock, at(14_010)), (HealthStatus::Degraded, "paused for 12 s".into()));
    assert_eq!(detail(&FrameCheck::new(clock.clone()).look(at(14_010)), "fps"), Some(Detail::Number(0.0)));

    clock.set(false, at(20_000));
    assert_eq!(told(&clock, at(20_100)), (HealthStatus::Healthy, "it has just begun to draw".into()));
    assert_eq!(told(&clock, at(21_000)), (HealthStatus::Degraded, "no frame for 19 s".into()));
    clock.observe(at(21_010), MS);
    clock.observe(at(21_030), MS);
    clock.set(false, at(21_035));
    assert_eq!(told(&clock, at(21_040)), (HealthStatus::Healthy, "50.0 frames a second".into()));
}

#[test]
fn a_loop_that_never_drew_or_has_stopped_is_told_as_that() {
    let epoch = Instant::now();
    let clock = FrameClock::made(epoch);
    assert_eq!(told(&clock, epoch), (HealthStatus::Healthy, "it has just begun to draw".into()));
    assert_eq!(told(&clock, epoch + MS * 1_000), (HealthStatus::Degraded, "no frame has been drawn yet".into()));

    let stopped = drawn(epoch, MS * 16, MS * 3_000);
    let last = epoch + MS * 16 * (3_000 / 16);
    let result = FrameCheck::new(stopped.clone()).look(last + MS * 12_000);
    assert_eq!((result.status(), result.message()), (HealthStatus::Degraded, "no frame for 12 s"));
    assert_eq!(detail(&result, "since_last_frame_ms"), Some(Detail::Number(12_000.0)));
    assert_eq!(detail(&result, "frame_time_ms"), None, "of no frame there is no time");
}

#[test]
fn the_details_are_those_of_the_last_second() {
    let epoch = Instant::now();
    let clock = FrameClock::made(epoch);
    clock.observe(epoch, MS * 900);
    for at in 0..100 {
        clock.observe(epoch + MS * (2_000 + at * 10), MS * if at == 50 { 9 } else { 4 });
    }
    let result = FrameCheck::new(clock).look(epoch + MS * 2_995);
    assert_eq!(
        result.details(),
        [
            ("paused".into(), Detail::Flag(false)),
            ("frames".into(), Detail::Integer(101)),
            // The rate counts from the frame before, two seconds ago.
            ("fps".into(), Detail::Number(33.4)),
            ("frame_time_ms".into(), Detail::Number(4.05)),
            ("worst_frame_ms".into(), Detail::Number(9.0)),
            ("since_last_frame_ms".into(), Detail::Number(5.0)),
        ]
    );
}

#[test]
fn a_loop_that_is_faster_than_the_ring_is_long_is_told_right() {
    let epoch = Instant::now();
    let clock = drawn(epoch, MS, MS * 3_000);
    assert_eq!(told(&clock, epoch + MS * 3_000), (HealthStatus::Healthy, "1000.0 frames a second".into()));
    assert_eq!(clock.frames(), 3_001);
}

#[test]
fn a_frame_is_told_when_its_guard_goes_also_by_a_panic() {
    let clock = FrameClock::new();
    {
        let _frame = clock.start_frame();
        assert_eq!(clock.frames(), 0);
    }
    let frame = clock.clone();
    let panicked = thread::spawn(move || {
        let _frame = frame.start_frame();
        panic!("a shader is missing");
    });
    assert!(panicked.join().is_err());
    assert_eq!((clock.frames(), clock.kept().count()), (2, 2));
}

#[test]
fn frames_of_several_threads_are_all_counted_and_kept_whole() {
    const WRITERS: u64 = 4;
    const FRAMES: u64 = 20_000;
    let epoch = Instant::now();
    let clock = FrameClock::made(epoch);
    let start = Barrier::new(WRITERS as usize + 2);
    // Of each frame that is whole, the work is that of its start.
    let work = |started: u64| started.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 8;
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (clock, start) = (&clock, &start);
            scope.spawn(move || {
                start.wait();
                for at in 0..FRAMES {
                    let started = at * WRITERS + writer;
                    clock.observe(epoch + Duration::from_nanos(started), Duration::from_nanos(work(started)));
                }
            });
        }
        scope.spawn(|| {
            start.wait();
            for at in 0..1_000 {
                if at % 2 == 0 { clock.pause() } else { clock.resume() }
            }
        });
        start.wait();
        while clock.frames() < WRITERS * FRAMES {
            for frame in clock.kept() {
                assert_eq!(frame.work, work(frame.started));
            }
        }
    });
    assert_eq!(clock.frames(), WRITERS * FRAMES);
    assert!(!clock.is_paused());
    // One that was held up for a whole round is counted and not kept.
    assert!(clock.kept().count() > KEPT * 9 / 10);
    for frame in clock.kept() {
        assert_eq!(frame.work, work(frame.started));
    }
}
