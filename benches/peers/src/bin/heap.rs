//! Weighs the series of one subject and one shape, in a process of its own, so that nothing that another left behind is used again:
//! `heap SUBJECT SHAPE`, by number, prints the subject's name and the bytes a series. The table asks for all of them.
#![forbid(unsafe_code)]

use std::alloc::System;

use peers::subject;
use peers::work::Shape;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() {
    let mut numbers = std::env::args().skip(1).map(|number| number.parse::<usize>().expect("a number"));
    let mut number = || numbers.next().expect("heap SUBJECT SHAPE");
    let (subject, shape) = (subject::all()[number()], Shape::WEIGHED[number()]);
    // The labels and values are the harness's own.
    peers::inputs::inputs();
    let region = Region::new(ALLOCATOR);
    let held = subject.held(shape);
    let change = region.change();
    if let Some((name, _series)) = held {
        let bytes = change.bytes_allocated as i64 - change.bytes_deallocated as i64;
        println!("{name}\t{}", bytes as f64 / shape.series() as f64);
    }
}
