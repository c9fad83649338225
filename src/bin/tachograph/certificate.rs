//! The certificate of a server that speaks TLS, in two files that can be read again while it runs.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use tachograph::server::Tls;

/// Bytes of either file; whoever names a larger one has named another.
const MOST_BYTES: u64 = 1024 * 1024;

/// Where the certificate and its key lie.
#[derive(Clone, Debug)]
pub(crate) struct CertificateFiles {
    certificate: PathBuf,
    key: PathBuf,
}

impl CertificateFiles {
    /// Takes what the options say; the command line has either both or none.
    pub(crate) fn new(certificate: Option<&Path>, key: Option<&Path>) -> Option<Self> {
        Some(Self { certificate: certificate?.to_owned(), key: key?.to_owned() })
    }

    /// Reads both.
    pub(crate) fn read(&self) -> Result<Tls, String> {
        let (certificate, key) = self.contents()?;
        Tls::from_pem(&certificate, &key).map_err(|cause| self.told(&cause))
    }

    /// Reads them again; when that fails, or they do not belong together, those that there are stay. The log says what came of it.
    pub(crate) fn reload(&self, tls: &Tls) {
        let read = self
            .contents()
            .and_then(|(certificate, key)| tls.replace_pem(&certificate, &key).map_err(|cause| self.told(&cause)));
        match read {
            Ok(()) => tracing::info!("the certificate was read again"),
            Err(cause) => tracing::error!(cause, "the certificate was not read again, the old one stays"),
        }
    }

    fn contents(&self) -> Result<(Vec<u8>, Vec<u8>), String> {
        Ok((content_of(&self.certificate)?, content_of(&self.key)?))
    }

    fn told(&self, cause: &tachograph::server::TlsError) -> String {
        let (certificate, key) = (self.certificate.display(), self.key.display());
        format!("{certificate} and {key} cannot be used for TLS: {cause}")
    }
}

/// What a file for TLS holds.
pub(crate) fn content_of(path: &Path) -> Result<Vec<u8>, String> {
    let cannot = |cause: std::io::Error| format!("cannot read {} for TLS: {cause}", path.display());
    let mut content = Vec::new();
    File::open(path).map_err(cannot)?.take(MOST_BYTES + 1).read_to_end(&mut content).map_err(cannot)?;
    if content.len() as u64 > MOST_BYTES {
        return Err(format!("{} has more than {MOST_BYTES} bytes, which is no file for TLS", path.display()));
    }
    Ok(content)
}
