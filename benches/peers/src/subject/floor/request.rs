//! A finished request at its least: three ways to find the endpoint's cells.

use std::hint::black_box;
use std::sync::Arc;

use ::floor::{Endpoint, Observed, Requests, Slot, Slots, Table};

use super::{line, spell, write_histogram};
use crate::inputs::{ENDPOINTS, METHODS, Request, STATUSES, inputs};
use crate::work::{self, DURATION, LABELS, REQUEST_SIZE, REQUESTS, RESPONSE_SIZE, SECONDS, Work};
use crate::{Case, Role};

/// How a request finds what it writes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum LookUp {
    /// By a handle.
    None,
    /// By one look-up of its endpoint.
    Endpoint,
    /// By one look-up for each of the four families, as most crates do.
    Each,
}

pub(super) const HELD: (&str, Role) = ("floor, held endpoint", Role::Floor);
pub(super) const FOUR: (&str, Role) = ("floor, four look-ups", Role::Floor);

/// What the harness knows of a request, in the floor's form.
#[inline]
fn observed(request: &Request) -> Observed {
    Observed {
        method: request.pick.method.into(),
        status: request.pick.status.into(),
        nanoseconds: request.duration.as_nanos() as u64,
        request_bytes: request.request_bytes.into(),
        response_bytes: request.response_bytes.into(),
    }
}

/// The cells, and the ways to them.
struct Floor {
    requests: Requests,
    endpoints: Vec<Endpoint>,
    by_endpoint: Table<1>,
    /// For [`LookUp::Each`]: the counters, and a table for each family.
    counters: Slots,
    held: Vec<Slot>,
    by_labels: Table<3>,
    by_family: [Table<1>; 3],
}

impl Floor {
    fn new(look_up: LookUp) -> Self {
        let inputs = inputs();
        let by_endpoint = || Table::new(inputs.endpoints.map(|endpoint| [endpoint]));
        let requests = Requests::new(ENDPOINTS, METHODS.len(), STATUSES.len());
        let by_labels = Table::new(inputs.all_labels());
        let counters = Slots::take(if look_up == LookUp::Each { by_labels.keys().len() } else { 0 });
        Self {
            endpoints: (0..ENDPOINTS).map(|at| requests.endpoint(at)).collect(),
            requests,
            by_endpoint: by_endpoint(),
            held: if look_up == LookUp::Each {
                (0..by_labels.keys().len()).map(|at| counters.slot(at)).collect()
            } else {
                Vec::new()
            },
            counters,
            by_labels,
            by_family: std::array::from_fn(|_| by_endpoint()),
        }
    }

    #[inline]
    fn observe_by_four(&self, request: &Request) {
        const KNOWN: &str = "the tables hold all labels";
        let (values, observed) = (inputs().spell(request.pick), observed(request));
        self.held[self.by_labels.number(values).expect(KNOWN)].add(1);
        let [duration, request_size, response_size] =
            self.by_family.each_ref().map(|table| self.endpoints[table.number([values[0]]).expect(KNOWN)]);
        duration.observe_duration(&observed);
        request_size.observe_request_size(&observed);
        response_size.observe_response_size(&observed);
    }

    fn text(&self) -> String {
        let (inputs, mut out) = (inputs(), String::new());
        for (slot, values) in self.by_labels.keys().iter().enumerate().take(self.held.len()) {
            line(&mut out, REQUESTS, &spell(LABELS, values), self.counters.total(slot));
        }
        for (at, endpoint) in inputs.endpoints.iter().enumerate() {
            for (method, verb) in inputs.methods.iter().enumerate() {
                for (status, code) in inputs.statuses.iter().enumerate() {
                    let count = self.requests.requests(at, method, status);
                    line(&mut out, REQUESTS, &spell(LABELS, &[endpoint, verb, code]), count);
                }
            }
            let label = format!("{}=\"{endpoint}\"", LABELS[0]);
            let bytes = work::bytes_as_floats();
            let families = [
                (DURATION, &SECONDS as &[f64], 1e9),
                (REQUEST_SIZE, &bytes as &[f64], 1.0),
                (RESPONSE_SIZE, &bytes as &[f64], 1.0),
            ];
            for ((name, bounds, unit), cells) in families.into_iter().zip(self.requests.histograms(at)) {
                let (sum, counts) = cells.split_last().expect("a histogram has a sum");
                write_histogram(&mut out, name, &label, bounds, (counts, *sum as f64 / unit));
            }
        }
        out
    }
}

pub(super) fn request(name: (&'static str, Role), look_up: LookUp) -> Case {
    let inputs = inputs();
    let floor = Arc::new(Floor::new(look_up));
    let read = Arc::clone(&floor);
    let text = move || read.text();
    match look_up {
        LookUp::None => {
            let operation = move |i| {
                let request = inputs.request(i);
                black_box(&floor).endpoints[usize::from(request.pick.endpoint)].observe(&observed(request));
            };
            Case::new(Work::HttpRequest, name, operation, text)
        }
        LookUp::Endpoint => {
            let operation = move |i| {
                let (floor, request) = (black_box(&floor), inputs.request(i));
                let found = floor.by_endpoint.number([inputs.spell(request.pick)[0]]).expect("the table holds all endpoints");
                floor.endpoints[found].observe(&observed(request));
            };
            Case::new(Work::HttpRequest, name, operation, text)
        }
        LookUp::Each => Case::new(Work::HttpRequest, name, move |i| black_box(&floor).observe_by_four(inputs.request(i)), text),
    }
}
