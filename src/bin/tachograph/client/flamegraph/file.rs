//! A file that is there whole or not at all.

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Refuses a file that is there already, unless it is to be replaced, or is a device or a pipe, in which nothing is lost.
pub(super) fn refuse_existing(path: &Path, force: bool) -> Result<(), String> {
    match found(path) {
        Some(found) if found.is_dir() => Err(format!("{} is a folder; name a file in it", path.display())),
        Some(found) if !force && !is_stream(&found) => {
            Err(format!("{} is there already; name another file, or replace it with --force", path.display()))
        }
        _ => Ok(()),
    }
}

/// Writes a file beside its place, and moves it there when all of it is on the disk.
pub(super) fn write(path: &Path, bytes: &[u8], force: bool) -> Result<(), String> {
    let found = found(path);
    let written = match &found {
        Some(found) if is_stream(found) => OpenOptions::new().write(true).open(path).and_then(|mut file| file.write_all(bytes)),
        _ => write_whole(path, bytes, force, found.map(|found| found.permissions())),
    };
    written.map_err(|cause| match cause.kind() {
        ErrorKind::AlreadyExists => format!("{} is there already; replace it with --force", path.display()),
        ErrorKind::NotFound => format!("cannot write {}: its folder is not there; make it first", path.display()),
        _ => format!("cannot write {}: {cause}; nothing of it was kept", path.display()),
    })
}

/// What is there: of a link that to which it leads.
fn found(path: &Path) -> Option<Metadata> {
    path.metadata().or_else(|_| path.symlink_metadata()).ok()
}

/// A device or a pipe, such as /dev/stdout, must never be replaced by a file.
fn is_stream(found: &Metadata) -> bool {
    !found.is_file() && !found.is_dir() && !found.is_symlink()
}

fn write_whole(path: &Path, bytes: &[u8], force: bool, permissions: Option<Permissions>) -> io::Result<()> {
    // The file is replaced to which a link leads, not the link.
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let beside = beside(&path);
    let written = create(&beside, bytes, permissions).and_then(|()| put(&beside, &path, force));
    if written.is_err() {
        // It may never have been made.
        let _absent = fs::remove_file(&beside);
    }
    written
}

fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.tmp", std::process::id()))
}

fn create(beside: &Path, bytes: &[u8], permissions: Option<Permissions>) -> io::Result<()> {
    let mut file: File = OpenOptions::new().write(true).create_new(true).open(beside)?;
    // Who could not read the file that was there cannot read this one.
    permissions.map_or(Ok(()), |permissions| file.set_permissions(permissions))?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn put(beside: &Path, path: &Path, force: bool) -> io::Result<()> {
    if force {
        return fs::rename(beside, path);
    }
    // A link, unlike a rename, fails if somebody has made the file meanwhile.
    match fs::hard_link(beside, path) {
        Ok(()) => fs::remove_file(beside),
        Err(cause) if cause.kind() == ErrorKind::AlreadyExists => Err(cause),
        // Not every file system has links.
        Err(_) => fs::rename(beside, path),
    }
}
