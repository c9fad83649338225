//! Endpoints that the compiler knows: a route is an index.

use std::fmt;
use std::marker::PhantomData;

use super::{Endpoint, Exchange, HttpMetrics};
use crate::metric::typed::label::LabelValue;

/// The endpoints of a service whose routes are the values of a type: observing needs no look-up by name.
///
/// # Examples
///
/// ```
/// # #[cfg(not(feature = "derive"))]
/// # fn main() {}
/// # #[cfg(feature = "derive")]
/// # fn main() -> Result<(), tachograph::RegisterError> {
/// use std::time::Duration;
/// use tachograph::http::{Exchange, HttpMetrics, HttpOptions, Method};
/// use tachograph::{LabelValue, Registry};
///
/// #[derive(LabelValue)]
/// enum Route {
///     #[label("/scene/{id}")]
///     Scene,
///     #[label("unmatched")]
///     Unmatched,
/// }
///
/// let registry = Registry::new();
/// let endpoints = HttpMetrics::register(&registry, HttpOptions::default())?.endpoints::<Route>();
/// endpoints.of(Route::Scene).declare(Method::Get, 404);
/// endpoints.observe(
///     Route::Unmatched,
///     &Exchange { method: Method::Get, status: 404, duration: Duration::from_micros(90), request_bytes: 0, response_bytes: 9 },
/// );
/// let text = registry.snapshot().text().to_owned();
/// assert!(text.contains("http_requests_total{endpoint=\"/scene/{id}\",method=\"GET\",status=\"404\"} 0\n"));
/// assert!(text.contains("http_requests_total{endpoint=\"unmatched\",method=\"GET\",status=\"404\"} 1\n"));
/// # Ok(())
/// # }
/// ```
pub struct Endpoints<E> {
    /// By the index of the value.
    endpoints: Box<[Endpoint]>,
    routes: PhantomData<fn(E)>,
}

impl<E: LabelValue> Endpoints<E> {
    pub(super) fn new(http: &HttpMetrics) -> Self {
        Self { endpoints: E::VALUES.iter().map(|name| http.endpoint(name)).collect(), routes: PhantomData }
    }

    /// Counts a finished request.
    ///
    /// # Panics
    ///
    /// When the type gives an index at which it has no value; a derived one does not.
    #[inline]
    pub fn observe(&self, endpoint: E, exchange: &Exchange) {
        self.of(endpoint).observe(exchange);
    }

    /// One of the endpoints.
    ///
    /// # Panics
    ///
    /// As [`observe`](Self::observe).
    #[inline]
    pub fn of(&self, endpoint: E) -> &Endpoint {
        &self.endpoints[endpoint.index()]
    }
}

impl<E> Clone for Endpoints<E> {
    fn clone(&self) -> Self {
        Self { endpoints: self.endpoints.clone(), routes: PhantomData }
    }
}

impl<E> fmt::Debug for Endpoints<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.endpoints.iter().map(Endpoint::name)).finish()
    }
}
