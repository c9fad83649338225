//! Series at their least memory: the text of the labels, the cells of one thread, and a table in which the labels are found.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;

use super::spell;
use crate::inputs::inputs;
use crate::work::{self, FILLING, LABELS, NANOSECONDS, Shape};

/// Registered series.
#[derive(Debug)]
pub(super) struct Held {
    hasher: RandomState,
    texts: Vec<Box<str>>,
    cells: Vec<u64>,
    /// The number of a series, plus one, where its text's hash points to or in the next free place; at most three in four are taken.
    places: Vec<u32>,
}

impl Held {
    pub(super) fn filled(shape: Shape) -> Self {
        let series = shape.series();
        let cells_of_series = match shape {
            Shape::Counters(_) => 1,
            Shape::Histograms(_) => NANOSECONDS.len() + 2,
        };
        let mut held = Self {
            hasher: RandomState::default(),
            texts: Vec::with_capacity(series),
            cells: vec![0; series * cells_of_series],
            places: vec![0; (series * 4 / 3).next_power_of_two()],
        };
        for (at, cells) in (0..series).zip(held.cells.chunks_mut(cells_of_series)) {
            held.texts.push(match shape {
                Shape::Counters(_) => spell(LABELS, &work::series_labels(at)).into(),
                Shape::Histograms(_) => format!("{}=\"{}\"", LABELS[0], work::series_endpoint(at)).into(),
            });
            match shape {
                Shape::Counters(_) => cells[0] += work::amount(at),
                Shape::Histograms(_) => {
                    for value in (at..at + FILLING).map(|i| inputs().duration(i).0) {
                        cells[NANOSECONDS.iter().position(|bound| value <= *bound).unwrap_or(NANOSECONDS.len())] += 1;
                        cells[NANOSECONDS.len() + 1] += value;
                    }
                }
            }
        }
        let mask = held.places.len() - 1;
        for (number, text) in (1..).zip(&held.texts) {
            let hash = held.hasher.hash_one(text) as usize;
            let free = (hash..).find(|place| held.places[place & mask] == 0).expect("there are more places than series");
            held.places[free & mask] = number;
        }
        held
    }
}
