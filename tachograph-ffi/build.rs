//! How the shared library is linked.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let elf = ["android", "freebsd", "linux", "netbsd", "openbsd"];
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| elf.contains(&os.as_str())) {
        // The snapshot thread runs for as long as the process: `dlclose` must not take its code away.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
        // Without a name of its own, who links it by its path would look for it at that path for ever.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libtachograph_ffi.so");
    }
}
