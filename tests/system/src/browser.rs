//! Debian's chromium, driven by the scripts in `node/`: what a person sees and does who opens a page.

use std::net::SocketAddr;
use std::path::Path;

use crate::viewers::node;

/// Runs a part of a script on a file, and panics with what it found wrong.
pub fn judge(script: &str, part: &str, file: &Path) {
    let verdict = node(script, &format!("{part}\n{}", file.display()));
    assert_eq!((verdict.code, &*verdict.complaints), (0, ""), "{part}\n{}", verdict.output);
}

/// Runs a part of a script on the live page of a server. Pictures, and what both sides tell each other, lie in the folder.
pub fn visit(script: &str, part: &str, server: SocketAddr, folder: &Path) {
    let verdict = node(script, &format!("{part}\nhttp://{server}/ {}", folder.display()));
    assert_eq!((verdict.code, &*verdict.complaints), (0, ""), "{part}\n{}", verdict.output);
}
