//! A request as its handler sees it, and the reading of its body within limits.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use hyper::header::{EXPECT, HeaderMap};
use hyper::http::request::Parts;
use hyper::{StatusCode, Uri};

use super::body::BoxError;
use super::link::Link;
use super::options::Options;
use super::refused::Refused;
use super::respond::{Response, error};
use crate::http::Method;
use crate::http::journey::{BytesRead, Journey};
use crate::profile::{OpenProfile, OwnedPhase};

/// Room made for a body before any of it has come.
const FIRST_ROOM: u64 = 64 * 1024;

/// A request whose route has been found.
///
/// # Examples
///
/// ```
/// use tachograph::http::{HttpMetrics, HttpOptions, Method};
/// use tachograph::server::{self, Options, Route, Routes, State, StatusCode, header};
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let routes = Routes::new().route(Route::get("/where").monitoring(), |request| async move {
///     assert_eq!((request.method(), request.uri().query()), (Method::Get, Some("now")));
///     assert_eq!(request.client(), request.peer().ip());
///     let host = request.headers()[header::HOST].to_str().unwrap_or_default();
///     server::plain(StatusCode::OK, "text/plain", format!("{host}, asked by {}\n", request.peer()))
/// });
/// # let registry = tachograph::Registry::new();
/// # let http = HttpMetrics::register(&registry, HttpOptions::default())?;
/// let state = State::new(&registry, &http, routes, Options::default())?;
/// let (mut client, io) = tokio::io::duplex(4096);
/// let serving = tokio::spawn(server::serve_connection(io, "127.0.0.1:1".parse()?, state.clone()));
/// client.write_all(b"GET /where?now HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n").await?;
/// let mut answer = String::new();
/// client.read_to_string(&mut answer).await?;
/// assert!(answer.ends_with("\r\n\r\nhere, asked by 127.0.0.1:1\n"));
/// // Who serves connections of his own says when no more shall come.
/// state.begin_shutdown();
/// serving.await?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })
/// # }
/// ```
#[derive(Debug)]
pub struct Request {
    head: Parts,
    link: Arc<Link>,
    params: Vec<(String, String)>,
    body: Incoming,
    read: BytesRead,
    profile: Arc<OpenProfile>,
    limit: usize,
    client: IpAddr,
}

impl Request {
    pub(super) fn new(
        head: Parts,
        link: &Arc<Link>,
        params: Vec<(String, String)>,
        body: Incoming,
        journey: &Journey,
        limit: usize,
    ) -> Self {
        let (read, profile) = (journey.read.clone(), Arc::clone(&journey.profile));
        let client = client(link.peer, &head.headers, link.state.options());
        Self { head, link: Arc::clone(link), params, body, read, profile, limit, client }
    }

    /// Returns the method; `Head` where a GET route answers a HEAD request.
    pub fn method(&self) -> Method {
        Method::parse(self.head.method.as_str())
    }

    /// Returns the URI as the client sent it.
    pub fn uri(&self) -> &Uri {
        &self.head.uri
    }

    /// Returns the header fields.
    pub fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// Returns the address at the other end of the connection.
    pub fn peer(&self) -> SocketAddr {
        self.link.peer
    }

    /// Returns the address of the client: that of [`peer`](Self::peer), or with
    /// [`Options::trust_forwarded_for`](Options::trust_forwarded_for) the one that the nearest proxy saw, if it says.
    pub fn client(&self) -> IpAddr {
        self.client
    }

    /// Returns what stands in the path for `{name}` of the route, as it stands there (percent-encoded).
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Begins a phase of the request's profile; it ends when what is returned is dropped, on this thread or another. See
    /// [`OpenProfile::phase`].
    pub fn phase(&self, name: &str) -> OwnedPhase {
        self.profile.phase_owned(name)
    }

    /// Returns the profile of the request, for phases on other threads. It is finished by the server, with the answer's last byte; without
    /// [a profiler](super::Options::profiler), and of monitoring traffic, it goes nowhere.
    pub fn profile(&self) -> &Arc<OpenProfile> {
        &self.profile
    }

    /// Reads the body to its end. A second call finds nothing more.
    ///
    /// # Errors
    ///
    /// When the body is longer than [its route](super::Route::body_limit) or [the server](super::Options::body_limit) allows, slower
    /// than [`body_timeout`](super::Options::body_timeout), or breaks off.
    pub async fn body(&mut self) -> Result<Bytes, BodyError> {
        let timeout = self.link.state.options().body_timeout;
        let collected = match tokio::time::timeout(timeout, self.collect()).await {
            Ok(collected) => collected,
            Err(_) => Err(BodyError::Slow { timeout }),
        };
        collected.inspect_err(|cause| {
            if let Some(reason) = cause.reason() {
                self.link.refused(reason);
            }
        })
    }

    async fn collect(&mut self) -> Result<Bytes, BodyError> {
        let declared = self.body.size_hint().lower();
        if declared > self.limit as u64 {
            // A client that waits for our "continue" has sent nothing yet, and asking for the body would make it.
            if !self.head.headers.contains_key(EXPECT) {
                self.discard().await?;
            }
            return Err(BodyError::Large { limit: self.limit });
        }
        // What a client declares it need not send: room is made for what has come, from a small beginning on.
        let mut collected = Vec::with_capacity(declared.min(FIRST_ROOM) as usize);
        while let Some(data) = self.data().await? {
            if collected.len() + data.len() > self.limit {
                self.discard().await?;
                return Err(BodyError::Large { limit: self.limit });
            }
            collected.extend_from_slice(&data);
        }
        Ok(collected.into())
    }

    /// Reads on and forgets, as much again as the limit. A client that is still sending when the connection closes is
    /// told of a reset and never sees the answer; one that sends more than this must live with it.
    async fn discard(&mut self) -> Result<(), BodyError> {
        let mut rest = self.limit;
        while rest > 0
            && let Some(data) = self.data().await?
        {
            rest = rest.saturating_sub(data.len());
        }
        Ok(())
    }

    /// Waits for the next bytes of the body; `None` at its end.
    async fn data(&mut self) -> Result<Option<Bytes>, BodyError> {
        while let Some(frame) = self.body.frame().await {
            // Trailers are no part of the content.
            if let Ok(data) = frame.map_err(|cause| BodyError::Broken(cause.into()))?.into_data() {
                self.read.inc_by(data.len() as u64);
                return Ok(Some(data));
            }
        }
        Ok(None)
    }
}

/// The address of a client that the nearest proxy saw, if it is to be believed: the last entry, for the ones before it are the client's own
/// word. Else the one at the other end of the connection.
pub(super) fn client(peer: SocketAddr, headers: &HeaderMap, options: &Options) -> IpAddr {
    let forwarded = || {
        let field = headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
        field.rsplit(',').next()?.trim().parse().ok()
    };
    let forwarded = if options.trust_forwarded_for { forwarded() } else { None };
    forwarded.unwrap_or(peer.ip())
}

/// Why a request's body could not be read.
///
/// # Examples
///
/// ```
/// use tachograph::server::{BodyError, Response, StatusCode};
///
/// let error = BodyError::Large { limit: 1_024 };
/// assert_eq!(error.to_string(), "the body is larger than 1024 bytes, send less");
/// assert_eq!(error.status(), StatusCode::PAYLOAD_TOO_LARGE);
/// assert_eq!(Response::from(error).status(), StatusCode::PAYLOAD_TOO_LARGE);
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum BodyError {
    /// It is longer than the limit: send less, or raise that of [its route](super::Route::body_limit) or of
    /// [the server](super::Options::body_limit).
    Large {
        /// The limit in bytes.
        limit: usize,
    },
    /// It did not arrive in time: send faster, or raise [`body_timeout`](super::Options::body_timeout).
    Slow {
        /// The time it had.
        timeout: Duration,
    },
    /// The connection broke, or its chunks are malformed.
    Broken(BoxError),
}

impl BodyError {
    /// Returns the status that answers this: 413, 408 or 400.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Large { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Slow { .. } => StatusCode::REQUEST_TIMEOUT,
            Self::Broken(_) => StatusCode::BAD_REQUEST,
        }
    }

    /// What it counts as; a connection that broke was not refused.
    fn reason(&self) -> Option<Refused> {
        match self {
            Self::Large { .. } => Some(Refused::BodyLarge),
            Self::Slow { .. } => Some(Refused::BodyLate),
            Self::Broken(cause) => is_malformed(&**cause).then_some(Refused::Malformed),
        }
    }
}

/// Whether hyper found chunks that are none.
fn is_malformed(cause: &(dyn std::error::Error + 'static)) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput};
    let io = cause.source().and_then(|source| source.downcast_ref::<io::Error>());
    io.is_some_and(|io| matches!(io.kind(), InvalidData | InvalidInput))
}

impl From<BodyError> for Response {
    fn from(cause: BodyError) -> Self {
        error(cause.status(), &cause.to_string())
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Large { limit } => write!(f, "the body is larger than {limit} bytes, send less"),
            Self::Slow { timeout } => write!(f, "the body did not arrive within {} s, send it faster", timeout.as_secs_f64()),
            Self::Broken(_) => f.write_str("the body broke off or is malformed, send it again"),
        }
    }
}

impl std::error::Error for BodyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Broken(cause) => Some(&**cause),
            Self::Large { .. } | Self::Slow { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    #[test]
    fn the_last_entry_of_the_last_field_is_the_client_if_the_proxy_is_trusted() {
        let client = |trust_forwarded_for, fields: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for field in fields {
                headers.append("x-forwarded-for", HeaderValue::from_static(field));
            }
            let options = Options { trust_forwarded_for, ..Options::default() };
            client("192.0.2.7:80".parse().unwrap(), &headers, &options).to_string()
        };
        for (fields, expected) in [
            (&[][..], "192.0.2.7"),
            (&["10.0.0.1"], "10.0.0.1"),
            (&["6.6.6.6, 10.0.0.1"], "10.0.0.1"),
            (&["6.6.6.6", "7.7.7.7 , 2001:db8::1"], "2001:db8::1"),
            (&["10.0.0.1, unknown"], "192.0.2.7"),
        ] {
            assert_eq!(client(true, fields), expected, "{fields:?}");
            assert_eq!(client(false, fields), "192.0.2.7", "{fields:?}");
        }
    }
}
