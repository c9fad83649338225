//! What the tests of `monitoring/` share. Run them by `ci/monitoring.sh`, which installs the programs that judge and says where they lie.
#![forbid(unsafe_code)]

pub mod alertmanager;
pub mod dashboard;
pub mod documented;
pub mod mutation;
pub mod mutation_expression;
pub mod mutation_trial;
pub mod names;
pub mod prometheus;
pub mod receiver;
pub mod scripts;
pub mod shortened;
pub mod stack;

/// promtool of both generations: the installed one, and the one of a later Debian.
///
/// # Panics
///
/// When the environment does not say where the later one lies.
pub fn promtools() -> [String; 2] {
    let later = std::env::var("TACHOGRAPH_PROMTOOL_TRIXIE")
        .expect("TACHOGRAPH_PROMTOOL_TRIXIE must name a promtool: run these tests by ci/monitoring.sh");
    ["promtool".to_owned(), later]
}
