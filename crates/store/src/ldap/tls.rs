//! How far a directory's certificate is believed: the words of `sslmode`, for a driver that knows only all or nothing.
//! An attacker on the way wants the passwords that are bound with.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};

use crate::error::Error;
use crate::url::{Trust, Way};

/// The TLS of this way.
pub(super) fn config(way: &Way) -> Result<Arc<ClientConfig>, Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let algorithms = provider.signature_verification_algorithms;
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|_| Error::Settings("TLS cannot be set up"))?;
    let inner = match way.trust {
        Trust::Disable | Trust::Prefer | Trust::Require => None,
        Trust::VerifyCa | Trust::VerifyFull => {
            let roots = Arc::new(roots(way)?);
            let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider).build();
            Some(verifier.map_err(|_| Error::Settings(NO_ROOTS))?)
        }
    };
    let verifier = Verifier {
        inner,
        checks_name: way.trust == Trust::VerifyFull,
        algorithms,
    };
    let config = builder
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn roots(way: &Way) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    if let Some(pem) = way.root_certificate_pem()? {
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            let added = certificate.ok().map(|certificate| roots.add(certificate));
            if !matches!(added, Some(Ok(()))) {
                return Err(Error::Settings(BAD_ROOT));
            }
        }
    } else {
        let certificates = rustls_native_certs::load_native_certs().certs;
        roots.add_parsable_certificates(certificates);
    }
    if roots.is_empty() {
        return Err(Error::Settings(NO_ROOTS));
    }
    Ok(roots)
}

/// Believes a certificate as far as it was told to. Whoever answers has to hold its key in any case.
#[derive(Debug)]
struct Verifier {
    inner: Option<Arc<WebPkiServerVerifier>>,
    checks_name: bool,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        issuers: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(inner) = &self.inner else {
            return Ok(ServerCertVerified::assertion());
        };
        let verified = inner.verify_server_cert(certificate, issuers, name, ocsp, now);
        match verified {
            // The name is looked at last, when all the rest was found good.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.checks_name => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

const NO_ROOTS: &str =
    "there is no certificate that could vouch for the directory; name its CA with `sslrootcert`";

const BAD_ROOT: &str = "`sslrootcert` holds something that is not a certificate in PEM";
