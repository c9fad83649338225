//! Is the disk there? A file is read, and the files of a folder are counted.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::health::{CheckResult, HealthCheck};

/// Files that are counted, and bytes that are read. Of what else lies in the folder nothing is looked at but its name.
const MAX_FILES: usize = 10_000;
const MAX_BYTES: u64 = 1024 * 1024;

/// Reads a file, up to a megabyte, and counts the files of a folder, up to ten thousand.
///
/// It is unhealthy when one of the two cannot be done, degraded when the folder has no such file.
///
/// # Examples
///
/// ```
/// use tachograph::health::checks::FolderCheck;
/// use tachograph::health::{HealthCheck, HealthStatus};
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// let result = FolderCheck::new("src", "rs").check().await;
/// assert_eq!(result.status(), HealthStatus::Healthy);
///
/// let result = FolderCheck::new("src", "tscn").check().await;
/// assert_eq!(result.message(), "there is no *.tscn file in the folder");
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct FolderCheck {
    folder: PathBuf,
    extension: String,
}

impl FolderCheck {
    /// A check of the files in `folder` that have this extension, without its dot. The first of them by name is the one that is read.
    pub fn new(folder: impl Into<PathBuf>, extension: impl Into<String>) -> Self {
        Self { folder: folder.into(), extension: extension.into() }
    }

    fn look(&self) -> io::Result<CheckResult> {
        let mut files = 0usize;
        let mut first: Option<PathBuf> = None;
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let wanted = path.extension().is_some_and(|extension| extension == self.extension.as_str());
            if !wanted || !path.symlink_metadata().is_ok_and(|metadata| metadata.is_file()) {
                continue;
            }
            files += 1;
            if first.as_ref().is_none_or(|first| path < *first) {
                first = Some(path);
            }
            if files == MAX_FILES {
                break;
            }
        }
        let Some(first) = first else {
            return Ok(
                CheckResult::degraded(format!("there is no *.{} file in the folder", self.extension)).detail("files", 0u64)
            );
        };
        let mut bytes = Vec::new();
        open(&first)?.take(MAX_BYTES).read_to_end(&mut bytes)?;
        let told = format!("{files} *.{}, the first of them with {} bytes", self.extension, bytes.len());
        Ok(CheckResult::healthy(told).detail("files", files).detail("read_bytes", bytes.len()))
    }
}

/// Opens a file to be read. It waits for nobody: a pipe that has come in place of the file would wait for a writer for ever.
fn open(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits() as i32);
    }
    options.open(path)
}

impl HealthCheck for FolderCheck {
    async fn check(&self) -> CheckResult {
        // Blocking, which a check may. What the system says names no path.
        self.look()
            .unwrap_or_else(|cause| CheckResult::unhealthy(format!("the folder or a file in it cannot be read: {cause}")))
    }
}
