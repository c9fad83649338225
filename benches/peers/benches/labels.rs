//! Adding one to a counter that is found by three run-time label values, among 400 series.

use criterion::{Criterion, criterion_group, criterion_main};
use peers::bench::compare;
use peers::work::Work;

fn labels(criterion: &mut Criterion) {
    compare(criterion, Work::Labels);
}

criterion_group!(benches, labels);
criterion_main!(benches);
