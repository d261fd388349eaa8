//! TLS 1.3 and 1.2, with the cryptography of `aws-lc-rs`.
//!
//! A certificate and its key come in as PEM and are proven to belong together; what comes out can only speak sound
//! versions and suites. An attacker would want an old version, a replayed first flight, or another protocol's answer:
//! 1.1 and below do not exist here, early data is off, and ALPN (RFC 7301) without `h2` or `http/1.1` ends the handshake.
//! The keys of a connection are written nowhere: the variable `SSLKEYLOGFILE` is not read.

use std::{io, sync::Arc};

use rustls::{
    ConfigBuilder, ServerConfig, WantsVerifier,
    crypto::aws_lc_rs,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
    server::NoServerSessionStorage,
    version::{TLS12, TLS13},
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::{CertificateThumbprint, ClientCertificates, Error, HandshakeFault};

/// What a listener speaks below HTTP.
#[derive(Clone)]
pub enum Transport {
    /// Nothing: on loopback, or where a trusted proxy has ended TLS.
    Plain,
    /// TLS 1.3 or 1.2.
    Tls(Tls),
}

/// A certificate with its key, ready to serve.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ServerConfig>,
    clients: Option<ClientCertificates>,
}

/// The same, where each client has a certificate of its own, too.
#[derive(Clone)]
pub struct MutualTls(Tls);

impl Tls {
    /// Reads a certificate chain, the server's own first, and its private key (PKCS#8, PKCS#1 or SEC1); both PEM
    /// (RFC 7468). What else stands in either file is passed over, so one file may hold both.
    pub fn from_pem(certificate: &[u8], key: &[u8]) -> Result<Self, Error> {
        let pair = Pair::from_pem(certificate, key)?;
        let config = versions()
            .and_then(|config| {
                let config = config.with_no_client_auth();
                config.with_single_cert(pair.chain, pair.key)
            })
            .map_err(Error::Certificate)?;
        Ok(Self::speaking_http(config, None))
    }

    /// The certificates that clients must show, if they must.
    pub fn client_certificates(&self) -> Option<&ClientCertificates> {
        self.clients.as_ref()
    }

    /// The handshake with a client that has connected.
    pub(crate) async fn accept<Io: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: Io,
    ) -> io::Result<TlsStream<Io>> {
        TlsAcceptor::from(Arc::clone(&self.config))
            .accept(stream)
            .await
    }

    fn speaking_http(mut config: ServerConfig, clients: Option<ClientCertificates>) -> Self {
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config.max_early_data_size = 0;
        Self {
            config: Arc::new(config),
            clients,
        }
    }
}

impl MutualTls {
    /// The same as [`Tls::from_pem`], and whose certificates are asked for. A client without one of them ends in the
    /// handshake. Each connection proves itself anew: no session is resumed, since that would pass over what was revoked
    /// or has expired since.
    pub fn from_pem(
        certificate: &[u8],
        key: &[u8],
        clients: ClientCertificates,
    ) -> Result<Self, Error> {
        let pair = Pair::from_pem(certificate, key)?;
        let mut config = versions()
            .map(|config| config.with_client_cert_verifier(clients.verifier()))
            .and_then(|config| config.with_single_cert(pair.chain, pair.key))
            .map_err(Error::Certificate)?;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Self(Tls::speaking_http(config, Some(clients))))
    }
}

impl MutualTls {
    /// The same for another protocol than HTTP: only these names of RFC 7301 are agreed on, if the client names any.
    #[must_use]
    pub fn speaking(self, protocols: &[&[u8]]) -> Self {
        let Tls { config, clients } = self.0;
        let mut config = Arc::unwrap_or_clone(config);
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        Self(Tls {
            config: Arc::new(config),
            clients,
        })
    }

    /// The certificates that clients must show.
    pub fn client_certificates(&self) -> Option<&ClientCertificates> {
        self.0.client_certificates()
    }

    /// The handshake with a client, at whose end the client has proven that it holds the key of its certificate.
    pub async fn accept<Io: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: Io,
    ) -> Result<Proven<Io>, HandshakeFault> {
        let accepted = self.0.accept(stream).await;
        let stream = accepted.map_err(|error| HandshakeFault::of(&error))?;
        let (_, connection) = stream.get_ref();
        let chain = connection.peer_certificates().unwrap_or_default();
        let certificate = chain.first().and_then(CertificateThumbprint::of);
        Ok(Proven {
            protocol: connection.alpn_protocol().map(<[u8]>::to_vec),
            certificate: certificate.ok_or(HandshakeFault::NoCertificate)?,
            stream,
        })
    }
}

/// A client that has proven its certificate.
pub struct Proven<Io> {
    /// What it says, and what it is told.
    pub stream: TlsStream<Io>,
    /// The certificate.
    pub certificate: CertificateThumbprint,
    /// The protocol that was agreed on (RFC 7301), if the client has named any.
    pub protocol: Option<Vec<u8>>,
}

impl From<MutualTls> for Tls {
    fn from(mutual: MutualTls) -> Self {
        mutual.0
    }
}

struct Pair {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Pair {
    fn from_pem(certificate: &[u8], key: &[u8]) -> Result<Self, Error> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(certificate)
            .collect::<Result<_, _>>()
            .map_err(Error::CertificatePem)?;
        if chain.is_empty() {
            return Err(Error::NoCertificate);
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| match error {
            pem::Error::NoItemsFound => Error::NoKey,
            _ => Error::KeyPem,
        })?;
        Ok(Self { chain, key })
    }
}

fn versions() -> Result<ConfigBuilder<ServerConfig, WantsVerifier>, rustls::Error> {
    ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    fn refusal(certificate: &str, key: &str) -> String {
        match Tls::from_pem(certificate.as_bytes(), key.as_bytes()) {
            Ok(_) => panic!("accepted"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_certificate_and_its_key_are_taken_from_two_files_or_one() {
        let (certificate, key) = certificate();
        let both = format!("{certificate}{key}");
        assert!(Tls::from_pem(certificate.as_bytes(), key.as_bytes()).is_ok());
        assert!(Tls::from_pem(both.as_bytes(), both.as_bytes()).is_ok());
    }

    #[test]
    fn a_key_of_another_certificate_is_refused() {
        let ((certificate, _), (_, other_key)) = (certificate(), certificate());
        assert!(refusal(&certificate, &other_key).contains("certificate and key cannot be used"));
    }

    #[test]
    fn files_that_were_mixed_up_are_named() {
        let (certificate, key) = certificate();
        assert!(refusal(&key, &certificate).contains("no CERTIFICATE"));
        assert!(refusal(&certificate, &certificate).contains("no private key"));
    }

    #[test]
    fn an_encrypted_key_is_refused_with_the_mend() {
        let (certificate, key) = certificate();
        let encrypted = key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
        assert!(refusal(&certificate, &encrypted).contains("without a passphrase"));
    }
}
