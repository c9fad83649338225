//! Checks that many services need.

mod folder;
mod frames;
mod memory;
mod told;

pub use folder::FolderCheck;
pub use frames::{FrameCheck, FrameClock, OpenFrame};
pub use memory::MemoryCheck;
