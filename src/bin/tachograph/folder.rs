//! The folder of scene files: finding it, listing it, and reading from it without ever leaving it.
//!
//! The folder is flat. A scene is named by its file name alone, so a name with any path in it is refused before the file
//! system is asked; what the name leads to must be a regular file and no symbolic link.

use std::fmt;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::Serialize;

/// The largest scene file that is read.
const MAX_SCENE_BYTES: u64 = 64 * 1024 * 1024;
/// Scenes in a listing; a folder with more is listed up to here.
const MAX_LISTED: usize = 1_000;
/// The longest file name of common file systems.
const MAX_NAME_BYTES: usize = 255;
const EXTENSION: &str = ".tscn";
/// How far above the executable a folder is looked for: `target/release/deps` lies three below the package.
const LEVELS_UP: usize = 5;

/// A folder of scene files that is there.
#[derive(Clone, Debug)]
pub(crate) struct SceneFolder(PathBuf);

/// One file of the listing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct SceneFile {
    pub(crate) name: String,
    pub(crate) size_bytes: u64,
}

/// A file name that leads nowhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SceneName(String);

/// Why a text is no [`SceneName`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotASceneName;

/// Why a scene file could not be read. None of it tells a path.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// There is no file of that name: list the scenes.
    NotFound,
    /// The name leads to a link, a folder or a device: copy the file into the folder.
    NotAFile,
    /// The file is larger than [`MAX_SCENE_BYTES`].
    TooLarge,
    /// The file is no UTF-8 text.
    NotText,
    /// There are no file descriptors left: try again when there are.
    NoDescriptors,
    /// Another program has asked the system to hold the file back until it is done with it: try again then.
    Held,
    /// The file system failed.
    Io(io::Error),
}

impl SceneFolder {
    /// Opens the folder that the user named, else the first that is found in the usual places.
    pub(crate) fn locate(named: Option<&Path>) -> Result<Self, String> {
        if let Some(path) = named {
            return Self::open(path).map_err(|cause| {
                format!("the scene folder {} cannot be used: {cause}, name another with --scenes", path.display())
            });
        }
        usual_places()
            .iter()
            .find_map(|path| Self::open(path).ok())
            .ok_or_else(|| "no folder named scenes was found here or beside the executable, name one with --scenes".to_owned())
    }

    fn open(path: &Path) -> io::Result<Self> {
        // Reading it, not only looking at it: a folder without permission to list it is of no use.
        fs::read_dir(path)?;
        Ok(Self(path.to_owned()))
    }

    /// Where it is: for what opens files of its own, not for answers.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Lists the scene files by name.
    pub(crate) fn list(&self) -> Result<Vec<SceneFile>, ReadError> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.0)? {
            let entry = entry?;
            let Some(name) = entry.file_name().to_str().and_then(|name| SceneName::parse(name).ok()) else {
                continue;
            };
            // A file that went away meanwhile is no error of the listing.
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_file() {
                files.push(SceneFile { name: name.0, size_bytes: metadata.len() });
            }
            if files.len() == MAX_LISTED {
                break;
            }
        }
        files.sort();
        Ok(files)
    }

    /// Looks whether there is a scene file of this name.
    pub(crate) fn look(&self, name: &SceneName) -> Result<Metadata, ReadError> {
        let seen = fs::symlink_metadata(self.0.join(&name.0))?;
        if seen.is_file() { Ok(seen) } else { Err(ReadError::NotAFile) }
    }

    /// Reads a scene file.
    pub(crate) fn read(&self, name: &SceneName) -> Result<String, ReadError> {
        // Looked at before it is opened: to open a device may do something.
        let seen = self.look(name)?;
        let file = open_file(&self.0.join(&name.0))?;
        // Looked at again: between the two, another file may have come in its place.
        let opened = file.metadata()?;
        if !same_file(&seen, &opened) {
            return Err(ReadError::NotAFile);
        }
        if opened.len() > MAX_SCENE_BYTES {
            return Err(ReadError::TooLarge);
        }
        let mut bytes = Vec::with_capacity(opened.len() as usize);
        // One byte more tells a file that has grown meanwhile.
        file.take(MAX_SCENE_BYTES + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_SCENE_BYTES {
            return Err(ReadError::TooLarge);
        }
        String::from_utf8(bytes).map_err(|_| ReadError::NotText)
    }
}

impl SceneName {
    pub(crate) fn parse(text: &str) -> Result<Self, NotASceneName> {
        // `%` only because a path that was encoded twice is never meant well.
        let hostile = |c: char| c.is_control() || matches!(c, '/' | '\\' | ':' | '%');
        let sound =
            text.ends_with(EXTENSION) && !text.starts_with('.') && text.len() <= MAX_NAME_BYTES && !text.contains(hostile);
        if sound { Ok(Self(text.to_owned())) } else { Err(NotASceneName) }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("there is no such file"),
            Self::NotAFile => f.write_str("it is no regular file"),
            Self::TooLarge => f.write_str("it is too large"),
            Self::NotText => f.write_str("it is no UTF-8 text"),
            Self::NoDescriptors => f.write_str("there are no file descriptors left"),
            Self::Held => f.write_str("another program holds it"),
            Self::Io(cause) => cause.fmt(f),
        }
    }
}

impl From<io::Error> for ReadError {
    fn from(cause: io::Error) -> Self {
        match cause.kind() {
            io::ErrorKind::NotFound => Self::NotFound,
            io::ErrorKind::WouldBlock => Self::Held,
            _ if no_descriptors(&cause) => Self::NoDescriptors,
            _ => Self::Io(cause),
        }
    }
}

impl fmt::Display for NotASceneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the path is not the name of a scene file, take one of GET /scenes, such as lobby.tscn")
    }
}

/// Opens what is no link, and waits for no writer if it is a pipe.
#[cfg(unix)]
fn open_file(path: &Path) -> Result<File, ReadError> {
    use std::os::unix::fs::OpenOptionsExt;

    use rustix::fs::OFlags;
    use rustix::io::Errno;

    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    File::options().read(true).custom_flags(flags.bits() as i32).open(path).map_err(|cause| {
        // What the systems say of a link: most of them the one, FreeBSD the other.
        match Errno::from_io_error(&cause) {
            Some(Errno::LOOP | Errno::MLINK) => ReadError::NotAFile,
            _ => cause.into(),
        }
    })
}

#[cfg(not(unix))]
fn open_file(path: &Path) -> Result<File, ReadError> {
    Ok(File::open(path)?)
}

/// Whether the process, or the system, has as many files open as it may.
#[cfg(unix)]
fn no_descriptors(cause: &io::Error) -> bool {
    use rustix::io::Errno;
    [Errno::MFILE, Errno::NFILE].into_iter().any(|errno| cause.raw_os_error() == Some(errno.raw_os_error()))
}

#[cfg(not(unix))]
fn no_descriptors(_cause: &io::Error) -> bool {
    false
}

#[cfg(unix)]
fn same_file(one: &fs::Metadata, other: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    other.is_file() && (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn same_file(_one: &fs::Metadata, other: &fs::Metadata) -> bool {
    other.is_file()
}

/// Where a folder of scenes may lie when nobody names one.
fn usual_places() -> Vec<PathBuf> {
    let mut places = vec![PathBuf::from("scenes")];
    // cargo sets it for what it runs, whatever folder it was called in.
    places.extend(std::env::var_os("CARGO_MANIFEST_DIR").map(|package| Path::new(&package).join("scenes")));
    if let Ok(executable) = std::env::current_exe() {
        for above in executable.ancestors().skip(1).take(LEVELS_UP) {
            places.push(above.join("scenes"));
            places.push(above.join("share/tachograph/scenes"));
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_file_name_is_a_scene_name() {
        for name in ["lobby.tscn", "Große Halle (2).tscn", "a..b.tscn", "x.tscn"] {
            assert_eq!(SceneName::parse(name).map(|name| name.0), Ok(name.to_owned()));
        }
    }

    #[test]
    fn whatever_leads_elsewhere_is_no_scene_name() {
        let long = format!("{}.tscn", "x".repeat(MAX_NAME_BYTES - 4));
        for name in [
            "",
            ".tscn",
            "..",
            "lobby",
            "lobby.txt",
            "lobby.tscn\0",
            "lobby.tscn\n",
            "\0.tscn",
            "a\0b.tscn",
            ".hidden.tscn",
            "../lobby.tscn",
            "..\\lobby.tscn",
            "./lobby.tscn",
            "/etc/lobby.tscn",
            "C:lobby.tscn",
            "sub/lobby.tscn",
            "%2e%2e%2flobby.tscn",
            "lobby%00.tscn",
            "res://lobby.tscn",
            &long,
        ] {
            assert_eq!(SceneName::parse(name), Err(NotASceneName), "{name:?}");
        }
    }

    #[cfg(unix)]
    mod unix {
        use std::sync::atomic::{AtomicBool, Ordering};

        use super::*;

        /// A folder of its own, with a scene inside and a secret outside.
        fn scenes(name: &str) -> (PathBuf, SceneFolder) {
            let around = std::env::temp_dir().join(format!("tachograph-{name}-{}", std::process::id()));
            let _absent = fs::remove_dir_all(&around);
            fs::create_dir_all(around.join("scenes")).unwrap();
            fs::write(around.join("secret"), "secret").unwrap();
            fs::write(around.join("scenes/scene.tscn"), "scene").unwrap();
            let folder = SceneFolder::open(&around.join("scenes")).unwrap();
            (around, folder)
        }

        #[test]
        fn neither_a_link_nor_a_pipe_is_opened_and_waited_for() {
            let (around, folder) = scenes("no_link");
            std::os::unix::fs::symlink(around.join("secret"), folder.path().join("link.tscn")).unwrap();
            assert!(matches!(open_file(&folder.path().join("link.tscn")), Err(ReadError::NotAFile)));
            let pipe = folder.path().join("pipe.tscn");
            assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
            assert!(!open_file(&pipe).unwrap().metadata().unwrap().is_file(), "and nobody writes");
            assert!(open_file(&folder.path().join("scene.tscn")).is_ok());
            fs::remove_dir_all(around).unwrap();
        }

        #[test]
        fn what_is_swapped_in_between_look_and_open_is_not_read() {
            let (around, folder) = scenes("swapped");
            let (scene, stop) = (folder.path().join("scene.tscn"), AtomicBool::new(false));
            let name = SceneName::parse("scene.tscn").unwrap();
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        // Put there by renaming, so that there always is one.
                        let (link, file) = (around.join("link"), around.join("file"));
                        std::os::unix::fs::symlink(around.join("secret"), &link).unwrap();
                        fs::rename(&link, &scene).unwrap();
                        fs::write(&file, "scene").unwrap();
                        fs::rename(&file, &scene).unwrap();
                    }
                });
                for _ in 0..2_000 {
                    match folder.read(&name) {
                        Ok(text) => assert_eq!(text, "scene"),
                        Err(cause) => assert!(matches!(cause, ReadError::NotAFile), "{cause}"),
                    }
                }
                stop.store(true, Ordering::Relaxed);
            });
            fs::remove_dir_all(around).unwrap();
        }
    }
}
