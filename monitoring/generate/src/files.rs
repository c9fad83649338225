//! All that is generated: which file, and what is in it.

use std::io;
use std::path::{Path, PathBuf};

use crate::{dashboard, documents, runbooks, variants};

/// A file that is generated.
#[derive(Clone, Debug)]
pub struct File {
    /// Where it lies under `monitoring/`.
    pub path: String,
    /// What is in it.
    pub content: String,
}

/// The folder `monitoring/`.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Everything, made from what lies under `folder`.
///
/// # Errors
///
/// When something that it is made from cannot be read, or is not as it has to be.
pub fn all(folder: &Path) -> io::Result<Vec<File>> {
    let mut files = variants::files(folder)?;
    files.push(File { path: dashboard::PATH.to_owned(), content: dashboard::json() });
    files.extend(runbooks::files(folder)?);
    files.push(documents::guide(folder, &files)?);
    Ok(files)
}

/// Reads a file that others are made from; the error names it.
///
/// # Errors
///
/// When it cannot be read.
pub fn read(path: &Path) -> io::Result<String> {
    std::fs::read_to_string(path).map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}
