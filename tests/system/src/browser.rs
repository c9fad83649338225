//! Debian's chromium, driven by the scripts in `browser/`: what a person sees and does who opens a page.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use crate::demo::repository;

/// Runs a part of a script of `browser/` on a file, and panics with what it found wrong.
pub fn judge(script: &str, part: &str, file: &Path) {
    let [node, modules] = ["TACHOGRAPH_NODE", "TACHOGRAPH_NODE_MODULES"].map(from_environment);
    from_environment("TACHOGRAPH_CHROMIUM");
    let script = repository().join("tests/system/browser").join(script);
    let output = Command::new(&node).arg(script).arg(part).arg(file).env("NODE_PATH", modules).output();
    let output = output.unwrap_or_else(|error| panic!("cannot start {}: {error}", node.display()));
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(output.status.success(), "{part}: {}\n{said}", output.status);
}

fn from_environment(name: &str) -> OsString {
    std::env::var_os(name).unwrap_or_else(|| panic!("{name} must be set: run these tests by ci/system.sh"))
}
