//! Checks that many services need.

mod folder;

pub use folder::FolderCheck;
