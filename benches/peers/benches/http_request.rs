//! All that a finished HTTP request writes: a counter with three labels and three histograms by endpoint.

use criterion::{Criterion, criterion_group, criterion_main};
use peers::bench::compare;
use peers::work::Work;

fn http_request(criterion: &mut Criterion) {
    compare(criterion, Work::HttpRequest);
}

criterion_group!(benches, http_request);
criterion_main!(benches);
