//! All but Linux: what the crate `sysinfo` knows, and on Unix the process's own clock and limits.

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

use super::Usage;
#[cfg(unix)]
use super::unix;

/// The system's list of processes, in which ours alone is looked for.
pub(super) struct Reader {
    system: Option<System>,
    id: Option<Pid>,
}

impl Reader {
    pub(super) fn new() -> Self {
        Self { system: System::new().ok(), id: sysinfo::get_current_pid().ok() }
    }

    pub(super) fn read(&mut self) -> Usage {
        let mut usage = Usage::default();
        if let Some(process) = self.refresh(ProcessRefreshKind::nothing().with_cpu().with_memory()) {
            usage = Usage {
                cpu_seconds: Some(process.accumulated_cpu_time() as f64 / 1e3),
                resident_bytes: known(process.memory()),
                virtual_bytes: known(process.virtual_memory()),
                open_fds: process.open_files().map(|count| count as u64),
                start_time_seconds: known(process.start_time()).map(|seconds| seconds as f64),
                ..usage
            };
        }
        #[cfg(unix)]
        {
            usage.cpu_seconds = unix::cpu_seconds().or(usage.cpu_seconds);
            usage.virtual_max_bytes = unix::virtual_max_bytes();
            usage.max_fds = Some(unix::max_fds());
        }
        usage
    }

    pub(super) fn resident_bytes(&mut self) -> Option<u64> {
        self.refresh(ProcessRefreshKind::nothing().with_memory()).and_then(|process| known(process.memory()))
    }

    fn refresh(&mut self, kind: ProcessRefreshKind) -> Option<&sysinfo::Process> {
        let (system, id) = (self.system.as_mut()?, self.id?);
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[id]), false, kind);
        system.process(id)
    }
}

/// `sysinfo` says 0 for what it does not know, and no process has none of these.
fn known(value: u64) -> Option<u64> {
    Some(value).filter(|value| *value > 0)
}
