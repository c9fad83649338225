//! What the process uses of the machine, read when a scrape comes.
//!
//! [`Registry::register_process_metrics`] exposes it; [`resident_bytes`] is for who judges memory by itself. Where values
//! come from is the platform's: one `Reader` each, which keeps open what it reads from, for a process that is out of
//! descriptors can open nothing, and that is when one looks. What a platform does not tell is `None`, and absent from the
//! scrape.

#[cfg(any(target_os = "android", target_os = "linux"))]
#[path = "linux.rs"]
mod platform;
#[cfg(not(any(target_os = "android", target_os = "linux")))]
#[path = "other.rs"]
mod platform;
#[cfg(unix)]
mod unix;

use std::sync::{Mutex, PoisonError};

use crate::metric::descriptor::{Descriptor, Kind};
use crate::registry::{Collector, RegisterError, Registry, Sink};

/// Bytes of the process that are in memory now, `process_resident_memory_bytes`. `None` where the platform does not tell.
///
/// # Examples
///
/// ```
/// if let Some(resident) = tachograph::process::resident_bytes() {
///     assert!(resident > 64 * 1024);
/// }
/// # #[cfg(target_os = "linux")]
/// assert!(tachograph::process::resident_bytes().is_some());
/// ```
pub fn resident_bytes() -> Option<u64> {
    with_process(|process| process.reader.resident_bytes())
}

/// What a process uses now; `None` is what its platform does not tell.
#[derive(Clone, Copy, Debug, Default)]
struct Usage {
    /// Of all threads, those that have ended too, in the kernel and out of it.
    cpu_seconds: Option<f64>,
    resident_bytes: Option<u64>,
    virtual_bytes: Option<u64>,
    /// Infinite: there is no limit.
    virtual_max_bytes: Option<f64>,
    open_fds: Option<u64>,
    /// Infinite: there is no limit.
    max_fds: Option<f64>,
    threads: Option<u64>,
    start_time_seconds: Option<f64>,
}

/// The process that reads, and what is known of it from earlier.
struct Process {
    id: u32,
    reader: platform::Reader,
    /// The most that has been read: a counter never falls, whatever a platform's clock does.
    cpu_seconds: f64,
    /// As it was read first: worked out again after a step of the clock it would be another one, and seem to be a restart.
    start_time_seconds: Option<f64>,
}

impl Process {
    fn new(id: u32) -> Self {
        Self { id, reader: platform::Reader::new(), cpu_seconds: 0.0, start_time_seconds: None }
    }

    fn usage(&mut self) -> Usage {
        let mut usage = self.reader.read();
        if let Some(seconds) = &mut usage.cpu_seconds {
            self.cpu_seconds = self.cpu_seconds.max(*seconds);
            *seconds = self.cpu_seconds;
        }
        self.start_time_seconds = self.start_time_seconds.or(usage.start_time_seconds);
        Usage { start_time_seconds: self.start_time_seconds, ..usage }
    }
}

/// One for all registries, so that they tell the same. A mutex is enough: scrapes and health checks enter it, for microseconds.
static PROCESS: Mutex<Option<Process>> = Mutex::new(None);

fn with_process<T>(read: impl FnOnce(&mut Process) -> T) -> T {
    let mut known = PROCESS.lock().unwrap_or_else(PoisonError::into_inner);
    let id = std::process::id();
    // After a fork, what the parent has opened still tells of the parent.
    let process = known.take().filter(|process| process.id == id).unwrap_or_else(|| Process::new(id));
    read(known.insert(process))
}

/// A family of one series, named as in Prometheus' own client libraries.
struct Family {
    name: &'static str,
    kind: Kind,
    unit: Option<&'static str>,
    help: &'static str,
    read: fn(&Usage) -> Option<f64>,
}

const FAMILIES: [Family; 8] = [
    Family {
        name: "process_cpu_seconds_total",
        kind: Kind::Counter,
        unit: Some("seconds"),
        help: "Processor time, user and system.",
        read: |usage| usage.cpu_seconds,
    },
    Family {
        name: "process_resident_memory_bytes",
        kind: Kind::Gauge,
        unit: Some("bytes"),
        help: "Memory that is resident.",
        read: |usage| usage.resident_bytes.map(|bytes| bytes as f64),
    },
    Family {
        name: "process_virtual_memory_bytes",
        kind: Kind::Gauge,
        unit: Some("bytes"),
        help: "Address space in use.",
        read: |usage| usage.virtual_bytes.map(|bytes| bytes as f64),
    },
    Family {
        name: "process_virtual_memory_max_bytes",
        kind: Kind::Gauge,
        unit: Some("bytes"),
        help: "Limit of the address space, +Inf without one.",
        read: |usage| usage.virtual_max_bytes,
    },
    Family {
        name: "process_open_fds",
        kind: Kind::Gauge,
        unit: None,
        help: "Open file descriptors.",
        read: |usage| usage.open_fds.map(|count| count as f64),
    },
    Family {
        name: "process_max_fds",
        kind: Kind::Gauge,
        unit: None,
        help: "Limit of the open file descriptors, +Inf without one.",
        read: |usage| usage.max_fds,
    },
    Family {
        name: "process_threads",
        kind: Kind::Gauge,
        unit: None,
        help: "Threads.",
        read: |usage| usage.threads.map(|count| count as f64),
    },
    Family {
        name: "process_start_time_seconds",
        kind: Kind::Gauge,
        unit: Some("seconds"),
        help: "When the process started, in Unix time.",
        read: |usage| usage.start_time_seconds,
    },
];

/// Collects the families that the platform had values for at the registration: a family that never has one is not announced.
struct ProcessCollector(Vec<&'static Family>);

impl Collector for ProcessCollector {
    fn describe(&self) -> Result<Vec<Descriptor>, RegisterError> {
        let describe = |family: &&Family| {
            Descriptor::new(family.name, family.kind, family.help).map(|descriptor| descriptor.with_known_unit(family.unit))
        };
        self.0.iter().map(describe).collect()
    }

    fn collect(&self, sink: &mut Sink<'_>) {
        let usage = with_process(Process::usage);
        for family in &self.0 {
            match ((family.read)(&usage), family.kind) {
                (Some(value), Kind::Counter) => sink.counter_f64(family.name, &[], value),
                (Some(value), _) => sink.gauge(family.name, &[], value),
                (None, _) => {}
            }
        }
    }
}

impl Registry {
    /// Adds `process_*` to this registry's scrapes, by the conventions of Prometheus' own client libraries: processor time,
    /// memory, descriptors, threads, and when the process started. Once is enough; further calls change nothing.
    ///
    /// They are read when a scrape comes, also in a process that is out of descriptors. What the platform does not tell is
    /// absent: Linux tells all of them, macOS all but the threads, Windows no limits either (and counts handles, as
    /// `process_open_fds`). A limit that there is not is `+Inf`, so that what is used of it is a share of 0.
    ///
    /// # Errors
    ///
    /// [`RegisterError::Clash`] when one of the names is taken.
    ///
    /// # Examples
    ///
    /// ```
    /// let registry = tachograph::Registry::new();
    /// registry.register_process_metrics()?;
    /// registry.register_process_metrics()?;
    /// # #[cfg(target_os = "linux")]
    /// assert!(registry.snapshot().text().contains("\nprocess_cpu_seconds_total "));
    /// # Ok::<(), tachograph::RegisterError>(())
    /// ```
    pub fn register_process_metrics(&self) -> Result<(), RegisterError> {
        // Held to the end: of two who come at once, the second finds it done.
        let mut registered = self.process_registered();
        if !*registered {
            let usage = with_process(Process::usage);
            let told = FAMILIES.iter().filter(|family| (family.read)(&usage).is_some()).collect();
            self.register_collector("process", ProcessCollector(told))?;
            *registered = true;
        }
        Ok(())
    }
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_steps_moves_neither_the_counter_back_nor_the_start() {
        let mut process = Process::new(std::process::id());
        let usage = process.usage();
        process.start_time_seconds = usage.start_time_seconds.map(|start| start - 3_600.0);
        process.cpu_seconds = 1e6;
        let later = process.usage();
        assert_eq!(later.start_time_seconds, process.start_time_seconds);
        assert_eq!(later.cpu_seconds, usage.cpu_seconds.map(|_| 1e6));
    }
}
