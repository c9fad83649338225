//! Linux: procfs, through files that stay open, and the process's own clock and limits.

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::mem::MaybeUninit;
use std::os::unix::fs::FileExt;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::RawDir;
use rustix::param::{clock_ticks_per_second, page_size};
use rustix::time::{ClockId, clock_gettime};

use super::{Usage, unix};

/// Room for `stat` up to the fields that are read: twenty numbers of at most twenty digits, and a name of 64 bytes.
const ROOM: usize = 1024;

/// Files of procfs, each with the handle that was opened first.
pub(super) struct Reader {
    stat: Kept,
    statm: Kept,
    descriptors: Kept,
}

/// A file that is opened once and read again and again.
struct Kept {
    path: &'static str,
    file: Option<File>,
}

impl Kept {
    fn new(path: &'static str) -> Self {
        Self { path, file: None }
    }

    fn open(&mut self) -> Option<&File> {
        if self.file.is_none() {
            self.file = File::open(self.path).ok();
        }
        self.file.as_ref()
    }

    /// What the file holds now, as far as there is room. One read gives all of it: procfs writes these files in one go.
    fn read<'a>(&mut self, room: &'a mut [u8; ROOM]) -> Option<&'a [u8]> {
        let length = self.open()?.read_at(room, 0).ok()?;
        Some(&room[..length])
    }
}

impl Reader {
    pub(super) fn new() -> Self {
        Self {
            stat: Kept::new("/proc/self/stat"),
            statm: Kept::new("/proc/self/statm"),
            descriptors: Kept::new("/proc/self/fd"),
        }
    }

    pub(super) fn read(&mut self) -> Usage {
        let mut room = [0; ROOM];
        let pages = self.statm.read(&mut room).and_then(Pages::parse);
        let status = self.stat.read(&mut room).and_then(Status::parse);
        Usage {
            cpu_seconds: unix::cpu_seconds(),
            resident_bytes: pages.as_ref().map(|pages| bytes(pages.resident)),
            virtual_bytes: pages.as_ref().map(|pages| bytes(pages.size)),
            virtual_max_bytes: unix::virtual_max_bytes(),
            open_fds: self.descriptors.open().and_then(count),
            max_fds: Some(unix::max_fds()),
            threads: status.as_ref().map(|status| status.threads),
            start_time_seconds: status.and_then(|status| unix_time(status.start_ticks)),
        }
    }

    pub(super) fn resident_bytes(&mut self) -> Option<u64> {
        self.statm.read(&mut [0; ROOM]).and_then(Pages::parse).map(|pages| bytes(pages.resident))
    }
}

fn bytes(pages: u64) -> u64 {
    pages.saturating_mul(page_size() as u64)
}

/// What `statm` says. `stat` has it too, but from counters that lag behind by some pages a processor.
#[derive(Debug, PartialEq)]
struct Pages {
    size: u64,
    resident: u64,
}

impl Pages {
    fn parse(statm: &[u8]) -> Option<Self> {
        let mut fields = str::from_utf8(statm).ok()?.split_ascii_whitespace();
        let mut next = || fields.next()?.parse().ok();
        Some(Self { size: next()?, resident: next()? })
    }
}

/// What `stat` says.
#[derive(Debug, PartialEq)]
struct Status {
    threads: u64,
    /// From the boot of the machine.
    start_ticks: u64,
}

impl Status {
    fn parse(stat: &[u8]) -> Option<Self> {
        // The second field is the name in parentheses, which may hold any bytes, parentheses too. Behind it are numbers alone.
        let name_end = stat.iter().rposition(|byte| *byte == b')')?;
        let mut fields = str::from_utf8(&stat[name_end + 1..]).ok()?.split_ascii_whitespace();
        // They are the fields from 3 on; the threads are 20, the start is 22.
        Some(Self { threads: fields.nth(20 - 3)?.parse().ok()?, start_ticks: fields.nth(22 - 20 - 1)?.parse().ok()? })
    }
}

/// A time since the boot as Unix time. `btime` of `/proc/stat` would do, but has whole seconds.
fn unix_time(ticks: u64) -> Option<f64> {
    let ticks_a_second = clock_ticks_per_second() as f64;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs_f64();
    let age = unix::seconds(clock_gettime(ClockId::Boottime)) - ticks as f64 / ticks_a_second;
    // It is no more exact than a tick.
    Some(((now - age) * ticks_a_second).round() / ticks_a_second)
}

/// Counts the entries of a folder of descriptors, our own three among them.
fn count(descriptors: &File) -> Option<u64> {
    // Since Linux 6.2 the folder's size is their number. Before, it is 0, which cannot be: the folder itself is open.
    match descriptors.metadata().ok()?.len() {
        0 => list(descriptors),
        open => Some(open),
    }
}

/// Counts them by listing the folder; by the handle that is there, since another may not be had.
fn list(mut descriptors: &File) -> Option<u64> {
    descriptors.seek(SeekFrom::Start(0)).ok()?;
    let mut room = [MaybeUninit::uninit(); 4096];
    let mut entries = RawDir::new(descriptors, &mut room);
    let mut open = 0;
    while let Some(entry) = entries.next() {
        // Not `.` and `..`.
        open += u64::from(entry.ok()?.file_name().to_bytes().first() != Some(&b'.'));
    }
    Some(open)
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn stat_is_read_whatever_the_process_calls_itself(
            name in proptest::collection::vec(any::<u8>(), 0..64),
            threads: u64,
            start_ticks: u64,
        ) {
            let mut stat = b"4711 (".to_vec();
            stat.extend_from_slice(&name);
            stat.extend_from_slice(b") S 1 2 3 4 -1 6 7 8 9 10 11 12 13 14 20 0 ");
            stat.extend_from_slice(format!("{threads} 0 {start_ticks} 1 2 18446744073709551615 4\n").as_bytes());
            prop_assert_eq!(Status::parse(&stat), Some(Status { threads, start_ticks }));
        }

        #[test]
        fn nothing_is_made_of_bytes_at_random(bytes: Vec<u8>) {
            prop_assert_eq!(Status::parse(&bytes), None);
        }
    }

    #[test]
    fn what_is_cut_off_is_not_made_up() {
        assert_eq!(Status::parse(b"1 (a) S 1 2 3 4 -1 6 7 8 9 10 11 12 13 14 20 0 5 0"), None);
        assert_eq!(Status::parse(b"1 (a"), None);
        assert_eq!(Status::parse(b""), None);
        assert_eq!(Pages::parse(b"12"), None);
        assert_eq!(Pages::parse(b"12 3 1\n"), Some(Pages { size: 12, resident: 3 }));
    }

    #[test]
    fn older_kernels_list_what_newer_ones_count() {
        let descriptors = File::open("/proc/self/fd").unwrap();
        // Other tests open files meanwhile, so that some pairs of readings differ.
        let agree = || {
            let counted = count(&descriptors).unwrap();
            list(&descriptors) == Some(counted) && count(&descriptors) == Some(counted)
        };
        assert!((0..10_000).any(|_| agree()), "{:?}, {:?}", count(&descriptors), list(&descriptors));
    }
}
