//! What every Unix tells of a process.

use rustix::process::{Resource, getrlimit};

/// Processor time of the process, to the nanosecond, where there is such a clock.
pub(super) fn cpu_seconds() -> Option<f64> {
    #[cfg(any(
        target_os = "android",
        target_os = "dragonfly",
        target_os = "freebsd",
        target_os = "linux",
        target_os = "openbsd",
        target_vendor = "apple"
    ))]
    return Some(seconds(rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime)));
    #[allow(unreachable_code, reason = "reached on the others")]
    None
}

/// A reading of a clock.
pub(super) fn seconds(time: rustix::time::Timespec) -> f64 {
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// The limit that the process meets; its own, lower one if it has set one.
pub(super) fn max_fds() -> f64 {
    limit(Resource::Nofile)
}

/// The limit of the address space, where there is such a thing.
pub(super) fn virtual_max_bytes() -> Option<f64> {
    #[cfg(not(target_os = "openbsd"))]
    return Some(limit(Resource::As));
    #[allow(unreachable_code, reason = "reached on the others")]
    None
}

/// Infinite without a limit. Go's client writes the 2^64 - 1 by which the kernel says so: no number of anything.
fn limit(resource: Resource) -> f64 {
    getrlimit(resource).current.map_or(f64::INFINITY, |limit| limit as f64)
}
