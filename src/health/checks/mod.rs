//! Checks that many services need.

mod folder;
mod memory;

pub use folder::FolderCheck;
pub use memory::MemoryCheck;
