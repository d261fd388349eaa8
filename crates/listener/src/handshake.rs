//! Why a connection did not get as far as HTTP, or no farther, told apart for whoever reads metrics: a closed set, as labels are.

use std::io;

use rustls::CertificateError;

/// Why a handshake came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandshakeFault {
    /// It took longer than [`Limits::tls_handshake`](crate::Limits::tls_handshake).
    TooSlow,
    /// A trusted proxy sent no PROXY header, or one that cannot be read.
    ProxyHeader,
    /// The client showed no certificate, where one is asked for.
    NoCertificate,
    /// The client's certificate is from no authority that is trusted, or not one for clients, or its key was not proven.
    UntrustedCertificate,
    /// The client's certificate is no longer valid, or not yet.
    ExpiredCertificate,
    /// The client's certificate was revoked.
    RevokedCertificate,
    /// Nobody can say whether the client's certificate was revoked: its authority has no list, or one that is out of date.
    RevocationUnknown,
    /// Anything else: no TLS, no version or suite in common, another protocol, a client that broke off.
    Protocol,
}

impl HandshakeFault {
    /// Every one of them.
    pub const ALL: [Self; 8] = [
        Self::TooSlow,
        Self::ProxyHeader,
        Self::NoCertificate,
        Self::UntrustedCertificate,
        Self::ExpiredCertificate,
        Self::RevokedCertificate,
        Self::RevocationUnknown,
        Self::Protocol,
    ];

    /// Its name, as a label has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TooSlow => "too-slow",
            Self::ProxyHeader => "proxy-header",
            Self::NoCertificate => "no-certificate",
            Self::UntrustedCertificate => "untrusted-certificate",
            Self::ExpiredCertificate => "expired-certificate",
            Self::RevokedCertificate => "revoked-certificate",
            Self::RevocationUnknown => "revocation-unknown",
            Self::Protocol => "protocol",
        }
    }

    /// What an error of the handshake says.
    pub(crate) fn of(error: &io::Error) -> Self {
        let error = error
            .get_ref()
            .and_then(|error| error.downcast_ref::<rustls::Error>());
        match error {
            Some(rustls::Error::NoCertificatesPresented) => Self::NoCertificate,
            Some(rustls::Error::InvalidCertificate(error)) => Self::of_certificate(error),
            Some(_) | None => Self::Protocol,
        }
    }

    pub(crate) fn of_certificate(error: &CertificateError) -> Self {
        match error {
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => Self::ExpiredCertificate,
            CertificateError::Revoked => Self::RevokedCertificate,
            CertificateError::UnknownRevocationStatus
            | CertificateError::ExpiredRevocationList
            | CertificateError::ExpiredRevocationListContext { .. } => Self::RevocationUnknown,
            _ => Self::UntrustedCertificate,
        }
    }
}
