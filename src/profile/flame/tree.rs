//! The tree that all flame graphs are drawn from.

/// Where the time of some requests went, merged by route and phase; or how that differs from other requests.
#[derive(Clone, Debug, PartialEq)]
pub struct FlameGraph {
    /// All requests.
    pub root: Frame,
    /// Whether it is a difference: then the frames say what they were before.
    pub compared: bool,
}

/// A frame: the root, a route with its method (`POST /scene`), a phase in it, or what no phase of a request covers.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Frame {
    /// What it is.
    pub name: Box<str>,
    /// Nanoseconds of its own, those of its children left out.
    pub own: u64,
    /// Nanoseconds of its own and of all below it.
    pub total: u64,
    /// Of the requests that these are compared with, as `own`; 0 where nothing is compared.
    pub own_before: u64,
    /// Of the requests that these are compared with, as `total`; 0 where nothing is compared.
    pub total_before: u64,
    /// What it is made of, by name.
    pub children: Vec<Frame>,
}
