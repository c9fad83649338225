//! TLS for the connections of a server, by rustls with ring: the certificate, which may be replaced, and the handshake of a connection.
//!
//! [`Tls`] is written by whoever has a new certificate, and read by each connection at its beginning, which then keeps what it has found.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use hyper::header::HeaderValue;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::{Error as PemError, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig, crypto::ring, version};
use tokio_rustls::server::TlsStream;

use super::intake::SURPLUS_PATIENCE;
use super::options::Options;
use super::refused::Closed;
use super::shutdown::StreamEnd;
use super::state::{Standing, State};

/// How long a client whose handshake failed may take to stop sending, before its connection is closed.
const FAREWELL: Duration = Duration::from_secs(1);
/// As much of what it still sends is read and forgotten: a client that is still sending when the connection closes is told of a reset.
const FAREWELL_BYTES: u64 = 64 * 1024;

/// A certificate with its key, for [`Options::tls`](super::Options::tls): TLS 1.2 and 1.3, and HTTP/1.1 on it. A clone is the same, so that a
/// certificate that is replaced in one is replaced in all; connections that are open keep the one that they have begun with.
///
/// # Examples
///
/// ```
/// use tachograph::server::{Options, Tls, TlsError};
///
/// // Of files: `std::fs::read("server.pem")?` and `std::fs::read("server.key")?`.
/// # let pem = |name: &str| std::fs::read(format!("{}/tests/fixtures/tls/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
/// # let (certificates, key, other_key) = (pem("first.pem"), pem("first.key"), pem("second.key"));
/// let tls = Tls::from_pem(&certificates, &key)?;
/// let options = Options { tls: Some(tls.clone()), ..Options::default() };
/// assert!(options.tls.is_some());
/// // What is wrong is refused, and the old one stays.
/// assert!(matches!(tls.replace_pem(&certificates, &other_key), Err(TlsError::KeyOfAnother)));
/// assert!(matches!(tls.replace_pem(b"", &key), Err(TlsError::NoCertificate)));
/// tls.replace_pem(&certificates, &key)?;
/// # Ok::<(), TlsError>(())
/// ```
#[derive(Clone)]
pub struct Tls(Arc<ArcSwap<ServerConfig>>);

impl Tls {
    /// Takes a certificate, followed by those that lead from it to an authority, and its key (PKCS #8, PKCS #1 or SEC 1), each as PEM.
    ///
    /// # Errors
    ///
    /// When one of them cannot be used, or the key is of another certificate.
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        Ok(Self(Arc::new(ArcSwap::from_pointee(config(certificates, key)?))))
    }

    /// Puts another certificate in the place of the old one, for the connections that come from now on.
    ///
    /// # Errors
    ///
    /// As [`from_pem`](Self::from_pem); then the old one stays.
    pub fn replace_pem(&self, certificates: &[u8], key: &[u8]) -> Result<(), TlsError> {
        self.0.store(Arc::new(config(certificates, key)?));
        Ok(())
    }

    /// Makes the handshake of a connection of the server. None when it failed or never began, which is counted, or the server ended.
    pub(super) async fn accept(
        &self,
        io: TcpStream,
        peer: SocketAddr,
        state: &State,
        standing: Standing,
    ) -> Option<TlsStream<TcpStream>> {
        let options = state.options();
        let (first_byte, whole) = match standing {
            Standing::Admitted => (options.first_byte_timeout, options.header_timeout),
            Standing::Surplus(_) => (SURPLUS_PATIENCE, SURPLUS_PATIENCE),
        };
        let handshake = async {
            // A look, since it may be said to be readable when it is not. What fails here fails the handshake too.
            if timeout(first_byte, io.peek(&mut [0])).await.is_err() {
                state.counts().closed(Closed::Silent);
                return None;
            }
            let acceptor = TlsAcceptor::from(self.0.load_full());
            Some(timeout(whole, acceptor.accept(io).into_fallible()).await)
        };
        let (failure, io) = tokio::select! {
            biased;
            made = handshake => match made? {
                Ok(Ok(stream)) => return Some(stream),
                Ok(Err((cause, io))) => {
                    tracing::debug!(%cause, %peer, "a TLS handshake failed");
                    (Failure::of(&cause), Some(io))
                }
                Err(_) => (Failure::Late, None),
            },
            () = StreamEnd::new(state.shutdown()) => return None,
        };
        state.counts().tls_failed(failure);
        if let Some(io) = io {
            // It was told why if it wanted to know.
            let _late = timeout(FAREWELL, farewell(io)).await;
        }
        None
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls(..)")
    }
}

fn config(certificates: &[u8], key: &[u8]) -> Result<ServerConfig, TlsError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificates).collect();
    let chain = chain.map_err(|_| TlsError::Malformed { of: "certificate" })?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate);
    }
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|cause| match cause {
        PemError::NoItemsFound => TlsError::NoKey,
        _ => TlsError::Malformed { of: "key" },
    })?;
    let unusable = |cause: rustls::Error| match cause {
        rustls::Error::InconsistentKeys(_) => TlsError::KeyOfAnother,
        cause => TlsError::Unusable(cause.to_string()),
    };
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&version::TLS13, &version::TLS12])
        .map_err(unusable)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(unusable)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// Why there is no TLS with a certificate and a key. None of it tells what they hold.
///
/// # Examples
///
/// ```
/// use tachograph::server::{Tls, TlsError};
///
/// let refused = Tls::from_pem(b"no PEM at all", b"").unwrap_err();
/// assert!(matches!(refused, TlsError::NoCertificate));
/// assert_eq!(refused.to_string(), "there is no certificate, write it as PEM: -----BEGIN CERTIFICATE-----");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsError {
    /// There is no certificate among them: give the server's own first, then those that lead to an authority.
    NoCertificate,
    /// There is no key, or it needs a password: give one without.
    NoKey,
    /// It is damaged: copy it again.
    Malformed {
        /// What is.
        of: &'static str,
    },
    /// The key is that of another certificate: give the two that belong together.
    KeyOfAnother,
    /// It cannot be used, as rustls says: have another one made.
    Unusable(String),
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCertificate => f.write_str("there is no certificate, write it as PEM: -----BEGIN CERTIFICATE-----"),
            Self::NoKey => f.write_str("there is no key, write it as PEM, without a password: -----BEGIN PRIVATE KEY-----"),
            Self::Malformed { of } => write!(f, "the {of} is damaged PEM, copy it again"),
            Self::KeyOfAnother => f.write_str("the key is that of another certificate, give the two that belong together"),
            Self::Unusable(cause) => write!(f, "the certificate or its key cannot be used: {cause}"),
        }
    }
}

impl std::error::Error for TlsError {}

/// Why a connection never became one of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// It took longer than `header_timeout` from its first byte.
    Late,
    /// What came is no TLS: plain HTTP, as it mostly is.
    NotTls,
    /// The two could not agree, or the client did not like the certificate.
    Refused,
    /// The client left.
    Gone,
}

impl Failure {
    pub(super) const ALL: [Self; 4] = [Self::Late, Self::NotTls, Self::Refused, Self::Gone];

    fn of(cause: &io::Error) -> Self {
        match cause.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(rustls::Error::InvalidMessage(_)) => Self::NotTls,
            Some(_) => Self::Refused,
            None => Self::Gone,
        }
    }

    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Late => "late",
            Self::NotTls => "not_tls",
            Self::Refused => "refused",
            Self::Gone => "gone",
        }
    }
}

/// What `Strict-Transport-Security` says, if it is to say something.
pub(super) fn policy(options: &Options) -> Option<HeaderValue> {
    let seconds = options.hsts.as_secs();
    if options.tls.is_none() || seconds == 0 {
        return None;
    }
    Some(HeaderValue::from_str(&format!("max-age={seconds}")).expect("digits are plain ASCII"))
}

/// Ends a connection so that its client sees an end and no reset. rustls has sent its alert already.
async fn farewell(mut io: TcpStream) -> io::Result<()> {
    io.shutdown().await?;
    tokio::io::copy(&mut io.take(FAREWELL_BYTES), &mut tokio::io::sink()).await?;
    Ok(())
}
