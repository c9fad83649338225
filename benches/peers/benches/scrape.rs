//! Rendering the text format: counters with three labels, and histograms. `tachograph` is the whole scrape, fold and rendering, as it
//! is for the others; `tachograph, text alone` leaves the fold out.

use criterion::{Criterion, criterion_group, criterion_main};
use peers::bench::compare_scrapes;
use peers::work::Shape;

fn scrape(criterion: &mut Criterion) {
    for shape in Shape::ALL {
        compare_scrapes(criterion, shape);
    }
}

criterion_group!(benches, scrape);
criterion_main!(benches);
