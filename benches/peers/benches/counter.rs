//! Adding one to a counter that is held, and to 64 of them in turn.

use criterion::{Criterion, criterion_group, criterion_main};
use peers::bench::compare;
use peers::work::Work;

fn counter(criterion: &mut Criterion) {
    compare(criterion, Work::Counter);
    compare(criterion, Work::RotatingCounters);
}

criterion_group!(benches, counter);
criterion_main!(benches);
