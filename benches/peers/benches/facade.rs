//! What the macros of `metrics` do, before Tachograph and before their own exporter: held handles, and keys that are made each time.

use criterion::{Criterion, criterion_group, criterion_main};
use peers::bench::compare_all;
use peers::subject::facades;
use peers::work::Work;

fn facade(criterion: &mut Criterion) {
    for work in Work::ALL {
        compare_all(criterion, work, facades(work));
    }
}

criterion_group!(benches, facade);
criterion_main!(benches);
