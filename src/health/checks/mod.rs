//! Checks that many services need.

mod folder;
mod frames;
mod loads;
mod memory;
mod told;

pub use folder::FolderCheck;
pub use frames::{FrameCheck, FrameClock, OpenFrame};
pub use loads::{LoadCheck, LoadGuard, Loads};
pub use memory::MemoryCheck;
