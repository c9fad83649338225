//! Observing a latency in a histogram of 11 bounds that is held.

use criterion::{Criterion, criterion_group, criterion_main};
use peers::bench::compare;
use peers::work::Work;

fn histogram(criterion: &mut Criterion) {
    compare(criterion, Work::Histogram);
}

criterion_group!(benches, histogram);
criterion_main!(benches);
