//! Connections that are open.

use super::HttpMetrics;

/// Counts a connection for as long as it lives, also when its task is cut.
#[derive(Debug)]
pub(crate) struct Open(HttpMetrics);

impl Open {
    pub(crate) fn new(http: HttpMetrics) -> Self {
        http.active_connections().inc();
        Self(http)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.active_connections().dec();
    }
}
