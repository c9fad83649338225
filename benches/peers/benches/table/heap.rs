//! Bytes a series, each weighed by the program `heap` in a process of its own.

use std::process::Command;

use peers::subject;
use peers::work::Shape;

/// A subject's name, and the bytes that one of its series holds.
pub(crate) type Weight = (String, f64);

/// All subjects at a shape; one that has no such series is left out.
pub(crate) fn weigh(shape: usize) -> Vec<Weight> {
    (0..subject::all().len()).filter_map(|subject| weigh_one(subject, shape)).collect()
}

fn weigh_one(subject: usize, shape: usize) -> Option<Weight> {
    let output = Command::new(env!("CARGO_BIN_EXE_heap")).arg(subject.to_string()).arg(shape.to_string()).output();
    let output = output.expect("cargo built the program `heap`");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let line = String::from_utf8(output.stdout).expect("names are UTF-8");
    let (name, bytes) = line.trim_end().split_once('\t')?;
    Some((name.to_owned(), bytes.parse().expect("bytes are a number")))
}

/// What was weighed.
pub(crate) fn title(shape: Shape) -> &'static str {
    match shape {
        Shape::Counters(_) => "counter, 3 labels",
        Shape::Histograms(_) => "histogram, 11 buckets, 1 label",
    }
}
