//! Whom a client trusts that asks over TLS: the authorities of a file, or else those of the machine.

use std::path::Path;
use std::sync::Arc;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, version};

use crate::certificate::content_of;

/// What a connection to `url` needs to know of TLS; whoever asks over plain HTTP trusts nobody, and no file is read.
pub(crate) fn config(url: &str, ca_file: Option<&Path>) -> Result<ClientConfig, String> {
    let secured = url.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:"));
    let authorities = match ca_file {
        Some(file) if secured => of_file(file)?,
        Some(_) => return Err(format!("--ca-file is for https://, and {url} is not; write https:// or leave it out")),
        None if secured => of_machine()?,
        None => RootCertStore::empty(),
    };
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&version::TLS13, &version::TLS12])
        .map_err(|cause| format!("there is no TLS: {cause}"))?;
    Ok(config.with_root_certificates(authorities).with_no_client_auth())
}

fn of_file(file: &Path) -> Result<RootCertStore, String> {
    let shown = file.display();
    let content = content_of(file)?;
    let mut authorities = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&content) {
        let certificate = certificate.map_err(|_| format!("{shown} is damaged PEM, copy it again"))?;
        authorities
            .add(certificate)
            .map_err(|cause| format!("{shown} holds what is no certificate of an authority: {cause}"))?;
    }
    if authorities.is_empty() {
        return Err(format!("{shown} holds no certificate, write it as PEM: -----BEGIN CERTIFICATE-----"));
    }
    Ok(authorities)
}

fn of_machine() -> Result<RootCertStore, String> {
    let mut authorities = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    // Machines have a few that are old or odd. Who needs one of those is told that it is not known.
    authorities.add_parsable_certificates(found.certs);
    if authorities.is_empty() {
        let why = found.errors.first().map_or(String::new(), |cause| format!(" ({cause})"));
        return Err(format!("this machine knows no authority{why}; name a file of certificates with --ca-file"));
    }
    Ok(authorities)
}
