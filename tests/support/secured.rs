//! A small blocking client of TLS. Its clock stands still, so that the certificates of the tests never run out.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::time_provider::TimeProvider;
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, ProtocolVersion, RootCertStore, StreamOwned, SupportedProtocolVersion, crypto::ring,
    version,
};

use crate::http::PATIENCE;

/// In January 2027: the certificates are older, and hold for a century.
const NOW: Duration = Duration::from_secs(1_800_000_000);

/// The file of this name among the certificates of the tests.
pub(crate) fn path(name: &str) -> String {
    format!("{}/tests/fixtures/tls/{name}", env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn pem(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).unwrap_or_else(|cause| panic!("{name}: {cause}"))
}

/// How a client goes about it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client {
    pub(crate) trusting: bool,
    pub(crate) protocols: &'static [&'static str],
    pub(crate) version: Option<&'static SupportedProtocolVersion>,
}

impl Default for Client {
    fn default() -> Self {
        Self { trusting: true, protocols: &["h2", "http/1.1"], version: None }
    }
}

/// A connection whose handshake is made.
#[derive(Debug)]
pub(crate) struct Secured(StreamOwned<ClientConnection, TcpStream>);

impl Client {
    pub(crate) fn connect(self, address: SocketAddr) -> io::Result<Secured> {
        let mut roots = RootCertStore::empty();
        if self.trusting {
            roots.add(CertificateDer::from_pem_slice(&pem("authority.pem")).expect("PEM")).expect("a certificate");
        }
        let versions: &[_] = match &self.version {
            Some(version) => &[*version],
            None => &[&version::TLS12, &version::TLS13],
        };
        let mut config = ClientConfig::builder_with_details(Arc::new(ring::default_provider()), Arc::new(Stopped))
            .with_protocol_versions(versions)
            .expect("ring has both")
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = self.protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        let name = ServerName::try_from("localhost").expect("a name");
        let mut connection = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        while connection.is_handshaking() {
            connection.complete_io(&mut stream)?;
        }
        Ok(Secured(StreamOwned::new(connection, stream)))
    }
}

impl Secured {
    /// Connects as most clients do.
    pub(crate) fn open(address: SocketAddr) -> Self {
        Client::default().connect(address).expect("a handshake")
    }

    pub(crate) fn version(&self) -> ProtocolVersion {
        self.0.conn.protocol_version().expect("the handshake is made")
    }

    pub(crate) fn protocol(&self) -> Option<&[u8]> {
        self.0.conn.alpn_protocol()
    }

    /// The file of the certificate that the server has shown.
    pub(crate) fn shown(&self) -> &'static str {
        let shown = &self.0.conn.peer_certificates().expect("the handshake is made")[0];
        let is = |name: &str| CertificateDer::from_pem_slice(&pem(name)).expect("PEM") == *shown;
        ["first.pem", "second.pem"].into_iter().find(|name| is(name)).expect("one of the tests' own")
    }

    pub(crate) fn write(&mut self, text: &str) -> io::Result<()> {
        self.0.write_all(text.as_bytes())?;
        self.0.flush()
    }

    /// Asks, and returns the whole answer; the connection stays open.
    pub(crate) fn ask(&mut self, request: &str) -> io::Result<String> {
        self.write(request)?;
        self.answer()
    }

    pub(crate) fn get(&mut self, path: &str) -> String {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")).expect("an answer")
    }

    /// Reads an answer that says its length.
    pub(crate) fn answer(&mut self) -> io::Result<String> {
        let mut answer = Vec::new();
        loop {
            let mut byte = [0];
            self.0.read_exact(&mut byte)?;
            answer.push(byte[0]);
            if answer.ends_with(b"\r\n\r\n") {
                break;
            }
        }
        let head = String::from_utf8(answer).expect("a head is text");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.expect("an answer says its length")];
        self.0.read_exact(&mut body)?;
        Ok(head + &String::from_utf8_lossy(&body))
    }

    pub(crate) fn read_exact(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        self.0.read_exact(bytes)
    }

    /// Reads to the end, which must be one that the server has said, and not that of the connection alone.
    pub(crate) fn rest(&mut self) -> io::Result<Vec<u8>> {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest)?;
        Ok(rest)
    }
}

#[derive(Debug)]
struct Stopped;

impl TimeProvider for Stopped {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(NOW))
    }
}
