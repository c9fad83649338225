//! Which library this is.

use crate::TachographStr;

/// The version of this interface. It rises when a program that was built with an older header would no longer be right;
/// functions and options that are added do not change it.
pub const TACHOGRAPH_ABI_VERSION: u32 = 1;

/// Tells the version of the interface that the library has: compare it with `TACHOGRAPH_ABI_VERSION`, which is the header's.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn tachograph_abi_version() -> u32 {
    TACHOGRAPH_ABI_VERSION
}

/// Tells the library's version, such as `0.1.0`.
///
/// Threads: any.
/// Lifetimes: the text stays for as long as the process.
#[unsafe(no_mangle)]
pub extern "C" fn tachograph_version() -> TachographStr {
    TachographStr::of(env!("CARGO_PKG_VERSION"))
}
