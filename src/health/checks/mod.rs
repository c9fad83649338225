//! Checks that many services need.

mod editor;
mod folder;
pub mod framing;
mod memory;

pub use editor::DapLspCheck;
pub use folder::FolderCheck;
pub use memory::MemoryCheck;
