//! Checks that many services need.

mod editor;
mod folder;
mod frames;
pub mod framing;
mod loads;
mod memory;

pub use editor::DapLspCheck;
pub use folder::FolderCheck;
pub use frames::{FrameCheck, FrameClock, OpenFrame};
pub use loads::{LoadCheck, LoadGuard, Loads};
pub use memory::MemoryCheck;
