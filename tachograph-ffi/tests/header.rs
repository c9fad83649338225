//! The header that is committed is the one that the source makes.

use std::path::Path;

#[test]
fn the_header_is_the_one_that_the_source_makes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(folder.join("cbindgen.toml")).unwrap();
    let mut made = Vec::new();
    cbindgen::Builder::new().with_config(config).with_src(folder.join("src/lib.rs")).generate().unwrap().write(&mut made);
    let path = folder.join("include/tachograph.h");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let committed = std::fs::read(&path).unwrap_or_default();
    assert!(
        made == committed,
        "{} is not what the source makes: BLESS=1 cargo test -p tachograph-ffi --test header",
        path.display()
    );
}
