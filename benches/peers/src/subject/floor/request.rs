//! A finished request at its least: three ways to find the endpoint's memory.

use super::{Buckets, Table, line, private, spell};
use crate::inputs::{ENDPOINTS, METHODS, Request, STATUSES, inputs};
use crate::work::{self, BYTES, DURATION, LABELS, NANOSECONDS, REQUEST_SIZE, REQUESTS, RESPONSE_SIZE, SECONDS, Work};
use crate::{Case, Role};

/// How a request finds what it writes.
#[derive(Clone, Copy)]
pub(super) enum LookUp {
    /// By an index that it holds.
    None,
    /// By one look-up of its endpoint.
    Endpoint,
    /// By one look-up for each of the four families, as most crates do.
    Each,
}

pub(super) const HELD: (&str, Role) = ("floor, held endpoint", Role::Floor);
pub(super) const FOUR: (&str, Role) = ("floor, four look-ups", Role::Floor);

/// All that requests of one endpoint write.
#[derive(Clone, Default)]
struct Endpoint {
    requests: [[u64; STATUSES.len()]; METHODS.len()],
    duration: Buckets,
    request_size: Buckets,
    response_size: Buckets,
}

impl Endpoint {
    #[inline]
    fn observe_values(&mut self, request: &Request) {
        self.duration.observe(request.duration.as_nanos() as u64, &NANOSECONDS);
        self.request_size.observe(request.request_bytes.into(), &BYTES);
        self.response_size.observe(request.response_bytes.into(), &BYTES);
    }

    #[inline]
    fn observe(&mut self, request: &Request) {
        self.requests[usize::from(request.pick.method)][usize::from(request.pick.status)] += 1;
        self.observe_values(request);
    }

    fn write(&self, out: &mut String, endpoint: &str) {
        let inputs = inputs();
        for (method, by_status) in inputs.methods.iter().zip(&self.requests) {
            for (status, count) in inputs.statuses.iter().zip(by_status) {
                line(out, REQUESTS, &spell(&[endpoint, method, status]), count);
            }
        }
        let label = format!("{}=\"{endpoint}\"", LABELS[0]);
        self.duration.write(out, DURATION, &label, &SECONDS, 1e9);
        self.request_size.write(out, REQUEST_SIZE, &label, &work::bytes_as_floats(), 1.0);
        self.response_size.write(out, RESPONSE_SIZE, &label, &work::bytes_as_floats(), 1.0);
    }
}

/// What one thread holds for [`request`].
#[derive(Clone)]
struct Requests {
    by_endpoint: Table<1>,
    /// Number in the table, or in the inputs when nothing is looked up.
    endpoints: Vec<Endpoint>,
    /// For [`LookUp::Each`].
    by_labels: Table<3>,
    counts: Vec<u64>,
    by_family: [Table<1>; 3],
}

pub(super) fn request(name: (&'static str, Role), look_up: LookUp) -> Case {
    let inputs = inputs();
    let new = Requests {
        by_endpoint: Table::new(),
        endpoints: vec![Endpoint::default(); ENDPOINTS],
        by_labels: Table::new(),
        counts: vec![0; 1_024],
        by_family: std::array::from_fn(|_| Table::new()),
    };
    let operation = move |state: &mut Requests, i: usize| {
        let request = inputs.request(i);
        match look_up {
            LookUp::None => state.endpoints[usize::from(request.pick.endpoint)].observe(request),
            LookUp::Endpoint => {
                let at = state.by_endpoint.number([inputs.spell(request.pick)[0]]);
                state.endpoints[at].observe(request);
            }
            LookUp::Each => {
                let values = inputs.spell(request.pick);
                state.counts[state.by_labels.number(values)] += 1;
                let [duration, request_size, response_size] = state.by_family.each_mut().map(|table| table.number([values[0]]));
                state.endpoints[duration].duration.observe(request.duration.as_nanos() as u64, &NANOSECONDS);
                state.endpoints[request_size].request_size.observe(request.request_bytes.into(), &BYTES);
                state.endpoints[response_size].response_size.observe(request.response_bytes.into(), &BYTES);
            }
        }
    };
    let write = move |state: &Requests, out: &mut String| {
        for (values, count) in state.by_labels.keys.iter().zip(&state.counts) {
            line(out, REQUESTS, &spell(values), count);
        }
        for (at, endpoint) in state.endpoints.iter().enumerate() {
            let table = if let LookUp::Each = look_up { &state.by_family[0] } else { &state.by_endpoint };
            let name = match look_up {
                LookUp::None => Some(inputs.endpoints[at]),
                _ => table.keys.get(at).map(|[name]| &**name),
            };
            if let Some(name) = name {
                endpoint.write(out, name);
            }
        }
    };
    private(Work::HttpRequest, name, new, operation, write)
}
