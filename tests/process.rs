//! The process's metrics beside what the kernel says elsewhere. Each test runs in a process of its own: others' threads,
//! files and memory would be counted with its own.

use std::process::Command;
use std::time::SystemTime;

use tachograph::{RegisterError, Registry};
use tachograph_check::Exposition;

/// Set in the processes that tests start for themselves.
const ALONE: &str = "TACHOGRAPH_TEST_ALONE";

/// Runs the test of this name, whose body this is, in a process of its own, and returns what it printed.
fn alone(name: &str, test: impl FnOnce()) -> Option<String> {
    if std::env::var_os(ALONE).is_some() {
        test();
        return None;
    }
    // With one thread for tests, they run on the main one.
    let arguments = ["--exact", name, "--nocapture", "--test-threads=1"];
    let output = Command::new(std::env::current_exe().unwrap()).args(arguments).env(ALONE, "1").output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && printed.contains("1 passed"), "{printed}{}", String::from_utf8_lossy(&output.stderr));
    Some(printed)
}

fn registry() -> Registry {
    let registry = Registry::new();
    registry.register_process_metrics().unwrap();
    registry
}

fn scrape(registry: &Registry) -> Exposition {
    tachograph_check::parse(registry.snapshot().text().as_bytes()).unwrap()
}

fn value(registry: &Registry, name: &str) -> f64 {
    scrape(registry).value(name, &[]).unwrap_or_else(|| panic!("no {name}"))
}

#[test]
fn a_second_registration_changes_nothing_and_a_clash_is_told() {
    let registry = registry();
    registry.register_process_metrics().unwrap();
    let families = scrape(&registry).families.len();
    assert!(families > 0, "each platform tells something");
    assert_eq!(scrape(&registry).samples().count(), families, "a family that is announced has a value");

    let taken = Registry::new();
    taken.gauge("process_resident_memory_bytes", "").unwrap();
    let error = taken.register_process_metrics().unwrap_err();
    assert!(matches!(error, RegisterError::Clash { .. }), "{error}");
    assert_eq!(scrape(&taken).families.len(), 1);
}

#[test]
fn the_counter_of_processor_time_never_falls() {
    let registry = registry();
    let mut last = 0.0;
    for _ in 0..200 {
        let now = value(&registry, "process_cpu_seconds_total");
        assert!(now >= last, "{now} after {last}");
        last = now;
    }
    assert!(last > 0.0);
}

#[test]
fn the_start_is_when_it_was_and_the_same_in_each_scrape() {
    let unix = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64();
    let before = unix();
    let printed = alone("the_start_is_when_it_was_and_the_same_in_each_scrape", || {
        let registries = [registry(), registry()];
        for registry in registries.iter().cycle().take(10) {
            println!("started {}", value(registry, "process_start_time_seconds"));
        }
    });
    let Some(printed) = printed else { return };
    let told: Vec<&str> = printed.lines().filter_map(|line| line.split("started ").nth(1)).collect();
    assert_eq!(told.len(), 10);
    assert!(told.iter().all(|start| start == &told[0]), "{told:?}");
    let start: f64 = told[0].parse().unwrap();
    assert!((before - 2.0..=unix() + 2.0).contains(&start), "{start}, before {before}");
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::{self, File};
    use std::hint::black_box;
    use std::sync::{Arc, Barrier};

    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    use super::*;

    /// A value of `/proc/self/status`, in its own unit.
    fn status(name: &str) -> f64 {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap();
        line.split_ascii_whitespace().next().unwrap().parse().unwrap()
    }

    /// Seconds that the scheduler has given to the threads that there are.
    fn scheduled() -> f64 {
        let threads = fs::read_dir("/proc/self/task").unwrap();
        let nanoseconds = threads.filter_map(|thread| {
            let schedstat = fs::read_to_string(thread.unwrap().path().join("schedstat")).ok()?;
            schedstat.split_ascii_whitespace().next()?.parse::<u64>().ok()
        });
        nanoseconds.sum::<u64>() as f64 / 1e9
    }

    fn close(value: f64, wanted: f64, share: f64) {
        assert!((value - wanted).abs() <= wanted.abs() * share, "{value}, and it should be {wanted}");
    }

    #[test]
    fn processor_time_is_what_the_scheduler_gave() {
        alone("linux::processor_time_is_what_the_scheduler_gave", || {
            let registry = registry();
            // The threads that a scrape needs are there from here on.
            let first = value(&registry, "process_cpu_seconds_total");
            let begin = scheduled();
            while scheduled() < begin + 0.7 {
                black_box((0..100_000u64).map(black_box).sum::<u64>());
            }
            let burnt = scheduled() - begin;
            let last = value(&registry, "process_cpu_seconds_total");
            assert!(last.fract() > 0.0, "{last} is of whole seconds");
            close(last - first, burnt, 0.05);
        });
    }

    #[test]
    fn memory_is_what_the_kernel_says() {
        alone("linux::memory_is_what_the_kernel_says", || {
            const MIB: f64 = 1024.0 * 1024.0;
            let registry = registry();
            let [resident, virtual_size] = ["process_resident_memory_bytes", "process_virtual_memory_bytes"];
            let before = value(&registry, resident);
            let memory = black_box(vec![1u8; 64 << 20]);
            let during = value(&registry, resident);
            close(during - before, 64.0 * MIB, 0.05);
            close(during, status("VmRSS") * 1024.0, 0.05);
            close(value(&registry, virtual_size), status("VmSize") * 1024.0, 0.05);
            close(tachograph::process::resident_bytes().unwrap() as f64, during, 0.05);
            drop(memory);
            close(during - value(&registry, resident), 64.0 * MIB, 0.05);
        });
    }

    #[test]
    fn open_files_are_counted() {
        alone("linux::open_files_are_counted", || {
            let registry = registry();
            let before = value(&registry, "process_open_fds");
            let files: Vec<File> = (0..50).map(|_| File::open("/dev/null").unwrap()).collect();
            assert_eq!(value(&registry, "process_open_fds"), before + 50.0);
            // The listing needs a descriptor of its own.
            assert_eq!(fs::read_dir("/proc/self/fd").unwrap().count() as f64 - 1.0, before + 50.0);
            drop(files);
            assert_eq!(value(&registry, "process_open_fds"), before);
        });
    }

    #[test]
    fn threads_are_counted() {
        alone("linux::threads_are_counted", || {
            let registry = registry();
            // The first scrape starts some.
            scrape(&registry);
            let before = value(&registry, "process_threads");
            let barrier = Arc::new(Barrier::new(6));
            let threads: Vec<_> = (0..5)
                .map(|_| {
                    let barrier = Arc::clone(&barrier);
                    std::thread::spawn(move || barrier.wait())
                })
                .collect();
            assert_eq!(value(&registry, "process_threads"), before + 5.0);
            assert_eq!(status("Threads"), before + 5.0);
            barrier.wait();
            threads.into_iter().for_each(|thread| _ = thread.join().unwrap());
        });
    }

    #[test]
    fn limits_are_those_of_now() {
        alone("linux::limits_are_those_of_now", || {
            let limit = |line: &str| {
                let limits = fs::read_to_string("/proc/self/limits").unwrap();
                let soft = limits.lines().find_map(|limit| limit.strip_prefix(line)).unwrap().split_ascii_whitespace().next();
                soft.map(|soft| if soft == "unlimited" { f64::INFINITY } else { soft.parse().unwrap() }).unwrap()
            };
            let registry = registry();
            let maximum = getrlimit(Resource::Nofile).maximum;
            for _ in 0..2 {
                assert_eq!(value(&registry, "process_max_fds"), limit("Max open files"));
                assert_eq!(value(&registry, "process_virtual_memory_max_bytes"), limit("Max address space"));
                setrlimit(Resource::Nofile, Rlimit { current: Some(99), maximum }).unwrap();
                setrlimit(Resource::As, Rlimit { current: Some(1 << 40), maximum: None }).unwrap();
            }
            assert_eq!(limit("Max open files"), 99.0);
            assert_eq!(limit("Max address space"), (1u64 << 40) as f64);
        });
    }

    #[test]
    fn a_process_without_descriptors_is_still_seen() {
        alone("linux::a_process_without_descriptors_is_still_seen", || {
            const LIMIT: u64 = 100;
            let registry = registry();
            let before = value(&registry, "process_open_fds");
            setrlimit(Resource::Nofile, Rlimit { current: Some(LIMIT), maximum: getrlimit(Resource::Nofile).maximum }).unwrap();
            let opened: Vec<File> = (0..LIMIT).map_while(|_| File::open("/dev/null").ok()).collect();
            assert!(opened.len() < LIMIT as usize && fs::read_dir("/proc/self/fd").is_err(), "there is one left");
            let scrape = scrape(&registry);
            assert_eq!(scrape.value("process_open_fds", &[]), Some(before + opened.len() as f64));
            assert_eq!(scrape.value("process_max_fds", &[]), Some(LIMIT as f64));
            assert_eq!(scrape.samples().count(), 8, "nothing is missing");
        });
    }
}
