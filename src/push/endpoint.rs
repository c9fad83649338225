//! Where pushes go to, and what opens the door there.

use std::fmt;

use base64::Engine;
use hyper::Uri;
use hyper::header::{self, AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

/// Headers that are the pusher's own.
const OWN: [HeaderName; 7] = [
    header::CONNECTION,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::HOST,
    header::TRANSFER_ENCODING,
    header::USER_AGENT,
];

/// A receiver's URL, with what it takes to be let in. `Debug` shows neither the values of headers nor a query.
///
/// # Examples
///
/// ```
/// use tachograph::push::Endpoint;
///
/// let endpoint = Endpoint::new("http://127.0.0.1:8428/api/v1/write?extra_label=site=a")?
///     .bearer("correct-horse")?
///     .header("X-Scope-OrgID", "games")?;
/// assert_eq!(endpoint.to_string(), "http://127.0.0.1:8428/api/v1/write");
/// assert!(!format!("{endpoint:?}").contains("correct-horse"));
///
/// let error = Endpoint::new("https://metrics.example.com/api/v1/write").unwrap_err();
/// assert!(error.to_string().contains("agent on this machine"));
/// # Ok::<(), tachograph::push::EndpointError>(())
/// ```
#[derive(Clone)]
pub struct Endpoint {
    uri: Uri,
    headers: HeaderMap,
}

impl Endpoint {
    /// Takes a URL that begins with `http://`. (What is sent is readable on its way: beyond this machine or a network that is trusted,
    /// send it to an agent on this machine that goes on by TLS.)
    ///
    /// # Errors
    ///
    /// When it is no such URL, or has a user and a password in it.
    pub fn new(url: &str) -> Result<Self, EndpointError> {
        let uri: Uri = url.parse().map_err(|_| EndpointError::Url("it cannot be read as one"))?;
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") => return Err(EndpointError::Https),
            _ => return Err(EndpointError::Url("it does not begin with http://")),
        }
        let authority = uri.authority().ok_or(EndpointError::Url("it names no host"))?;
        if authority.as_str().contains('@') {
            return Err(EndpointError::Credentials);
        }
        if authority.host().is_empty() {
            return Err(EndpointError::Url("it names no host"));
        }
        Ok(Self { uri, headers: HeaderMap::new() })
    }

    /// Sends a bearer token with each request.
    ///
    /// # Errors
    ///
    /// When no header could carry it.
    pub fn bearer(self, token: &str) -> Result<Self, EndpointError> {
        self.header(AUTHORIZATION.as_str(), &format!("Bearer {token}"))
    }

    /// Sends a user and a password with each request.
    ///
    /// # Errors
    ///
    /// When the user has a colon in it, which would end it.
    ///
    /// # Examples
    ///
    /// ```
    /// use tachograph::push::Endpoint;
    ///
    /// let endpoint = Endpoint::new("http://127.0.0.1:9090/api/v1/write")?.basic("worker", "hunter2")?;
    /// assert!(!format!("{endpoint:?}").contains("hunter2"));
    /// assert!(endpoint.basic("work:er", "hunter2").is_err());
    /// # Ok::<(), tachograph::push::EndpointError>(())
    /// ```
    pub fn basic(self, user: &str, password: &str) -> Result<Self, EndpointError> {
        if user.contains(':') {
            return Err(EndpointError::Header { name: "authorization".into(), why: "a user with a colon cannot be told" });
        }
        let encoded = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
        self.header(AUTHORIZATION.as_str(), &format!("Basic {encoded}"))
    }

    /// Sends one more header with each request, in the place of what was set by this name before.
    ///
    /// # Errors
    ///
    /// When it is no header, or one that the pusher writes itself.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, EndpointError> {
        let refuse = |why| EndpointError::Header { name: name.into(), why };
        let known: HeaderName = name.parse().map_err(|_| refuse("that is no name of a header"))?;
        if OWN.contains(&known) || known.as_str().starts_with("x-prometheus-remote-write") {
            return Err(refuse("the pusher writes it itself"));
        }
        let mut value: HeaderValue = value.parse().map_err(|_| refuse("no header can carry its value"))?;
        value.set_sensitive(true);
        self.headers.insert(known, value);
        Ok(self)
    }

    pub(super) fn uri(&self) -> &Uri {
        &self.uri
    }

    #[cfg(feature = "otlp")]
    pub(super) fn set_uri(&mut self, uri: Uri) {
        self.uri = uri;
    }

    pub(super) fn headers(&self) -> &HeaderMap {
        &self.headers
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let authority = self.uri.authority().map_or("", |authority| authority.as_str());
        write!(f, "http://{authority}{}", self.uri.path())
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.keys().map(HeaderName::as_str).collect();
        f.debug_struct("Endpoint").field("url", &self.to_string()).field("headers", &names).finish()
    }
}

/// Why nothing can be pushed there. It repeats neither the URL nor the value of a header.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndpointError {
    /// The URL is none, for this reason: write it as `http://HOST:PORT/PATH`.
    Url(&'static str),
    /// The URL asks for TLS, which this crate does not speak: push to an agent on this machine.
    Https,
    /// The URL has credentials in it: hand them to [`Endpoint::basic`].
    Credentials,
    /// A header cannot be sent: change it.
    Header {
        /// Its name.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
}

impl fmt::Display for EndpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(why) => write!(f, "the URL to push to is refused: {why}; write http://HOST:PORT/PATH"),
            Self::Https => f.write_str(
                "the URL to push to asks for https, which is not spoken here: push by http:// to an agent on this machine \
                 (prometheus --enable-feature=agent, vmagent, the OpenTelemetry collector) that goes on by TLS",
            ),
            Self::Credentials => f.write_str("the URL to push to has a user in it: hand it to Endpoint::basic"),
            Self::Header { name, why } => write!(f, "header {name:?} is refused: {why}"),
        }
    }
}

impl std::error::Error for EndpointError {}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_url_to_push_to_is_refused_without_being_repeated() {
        for (url, refused) in [
            ("", EndpointError::Url("it cannot be read as one")),
            ("/api/v1/write", EndpointError::Url("it does not begin with http://")),
            ("localhost:9090", EndpointError::Url("it does not begin with http://")),
            ("ftp://secret/x", EndpointError::Url("it does not begin with http://")),
            ("https://secret/x", EndpointError::Https),
            ("http://user:secret@host/x", EndpointError::Credentials),
            ("http://:9090/x", EndpointError::Url("it names no host")),
        ] {
            let error = Endpoint::new(url).unwrap_err();
            assert_eq!(error, refused, "{url}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }

    #[test]
    fn secrets_are_sent_and_not_shown() {
        let endpoint = Endpoint::new("http://[::1]:9090/w?key=secret").unwrap().basic("ada", "se:cret").unwrap();
        assert_eq!(endpoint.headers()[AUTHORIZATION], "Basic YWRhOnNlOmNyZXQ=");
        assert_eq!(format!("{endpoint:?}"), r#"Endpoint { url: "http://[::1]:9090/w", headers: ["authorization"] }"#);
        let endpoint = endpoint.bearer("other").unwrap();
        assert_eq!(endpoint.headers()[AUTHORIZATION], "Bearer other", "the last one counts");
        for (name, value) in [("", "a"), ("a b", "a"), ("a", "secret\n"), ("Content-Type", "text/plain"), ("host", "a")] {
            let error = endpoint.clone().header(name, value).unwrap_err();
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        assert!(endpoint.basic("a:b", "").is_err());
    }
}
