//! Which certificate a client must show, and which one it has shown: the half of TLS that makes it mutual.
//!
//! Certificates of authorities come in, and lists of what they have revoked; what comes out refuses, inside the handshake,
//! every client that does not hold the key of a certificate that one of them stands for. An attacker would want to come in
//! with a certificate that was revoked, or to keep the newest list from us until the old one says nothing against her: a
//! list that is past its `nextUpdate` proves nothing, so nobody comes in by it.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::digest::{SHA256, digest};
use http::Extensions;
use rustls::{
    RootCertStore, crypto,
    pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime, pem::PemObject},
    server::{VerifierBuilderError, WebPkiClientVerifier, danger::ClientCertVerifier},
};
use x509_parser::{prelude::FromDer as _, revocation_list::CertificateRevocationList};

use crate::{Error, HandshakeFault};

/// The certificates that clients are let in by: those that one of these authorities stands for and has not revoked.
#[derive(Clone)]
pub struct ClientCertificates {
    verifier: Arc<dyn ClientCertVerifier>,
    next_update: Option<UnixTime>,
}

/// Whether a client comes in that shows no certificate. One that shows a wrong one never does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demand {
    /// It does not.
    Required,
    /// It does: what it has shown, or not, is for the answer to look at. For where people come by browser, too.
    Requested,
}

impl ClientCertificates {
    /// Reads the certificates of authorities and, where there are any, their revocation lists (RFC 5280 §5); both PEM.
    ///
    /// With lists, the status of each certificate between the client's and its authority has to be known: an authority
    /// without a list lets nobody in. A list is good up to its `nextUpdate`; from then on its authority lets nobody in.
    pub fn from_pem(
        authorities: &[u8],
        revoked: Option<&[u8]>,
        demand: Demand,
    ) -> Result<Self, Error> {
        let roots = roots(authorities)?;
        let lists = revoked.map_or_else(|| Ok(Vec::new()), lists)?;
        let next_update = earliest_update(&lists)?;
        let provider = Arc::new(crypto::aws_lc_rs::default_provider());
        let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
            .with_crls(lists)
            .enforce_revocation_expiration();
        let builder = match demand {
            Demand::Required => builder,
            Demand::Requested => builder.allow_unauthenticated(),
        };
        let verifier = builder.build().map_err(|error| match error {
            VerifierBuilderError::InvalidCrl(_) => Error::RevocationList,
            _ => Error::NoAuthority,
        })?;
        Ok(Self {
            verifier,
            next_update,
        })
    }

    /// When the first of the revocation lists is to be replaced by a newer one, since the start of 1970. From then on
    /// nobody comes in by its authority.
    pub fn next_update(&self) -> Option<Duration> {
        self.next_update
            .map(|time| Duration::from_secs(time.as_secs()))
    }

    /// Whether a chain, the client's own certificate first, lets its owner in now.
    pub(crate) fn verify(
        &self,
        chain: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), HandshakeFault> {
        let Some((own, above)) = chain.split_first() else {
            return if self.verifier.client_auth_mandatory() {
                Err(HandshakeFault::NoCertificate)
            } else {
                Ok(())
            };
        };
        match self.verifier.verify_client_cert(own, above, now) {
            Ok(_) => Ok(()),
            Err(rustls::Error::InvalidCertificate(error)) => {
                Err(HandshakeFault::of_certificate(&error))
            }
            Err(_) => Err(HandshakeFault::UntrustedCertificate),
        }
    }

    pub(crate) fn verifier(&self) -> Arc<dyn ClientCertVerifier> {
        Arc::clone(&self.verifier)
    }
}

/// The SHA-256 of the certificate whose key a client has proven to hold, over its DER: the `x5t#S256` of RFC 8705 §3.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CertificateThumbprint([u8; 32]);

impl CertificateThumbprint {
    pub(crate) fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        let digest = digest(&SHA256, certificate);
        digest.as_ref().try_into().ok().map(Self)
    }

    /// The certificate of the connection that a request came over, from the request's extensions. Only the listener puts
    /// one there; nothing that a client sends becomes an extension.
    pub fn of_connection(extensions: &Extensions) -> Option<Self> {
        extensions.get::<Self>().copied()
    }

    /// The digest.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

fn roots(pem: &[u8]) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    for authority in CertificateDer::pem_slice_iter(pem) {
        let authority = authority.map_err(Error::AuthorityPem)?;
        roots.add(authority).map_err(|_| Error::Authority)?;
    }
    Ok(roots)
}

fn lists(pem: &[u8]) -> Result<Vec<CertificateRevocationListDer<'static>>, Error> {
    let lists: Vec<_> = CertificateRevocationListDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|_| Error::RevocationList)?;
    if lists.is_empty() {
        return Err(Error::RevocationList);
    }
    Ok(lists)
}

/// The first `nextUpdate` of them all.
fn earliest_update(lists: &[CertificateRevocationListDer<'_>]) -> Result<Option<UnixTime>, Error> {
    let mut earliest = None;
    for list in lists {
        let (_, list) =
            CertificateRevocationList::from_der(list).map_err(|_| Error::RevocationList)?;
        let next = list.next_update().map(|time| time.timestamp());
        let next = next.and_then(|seconds| u64::try_from(seconds).ok());
        let next = next.ok_or(Error::RevocationList)?;
        let next = UnixTime::since_unix_epoch(Duration::from_secs(next));
        earliest = earliest.map_or(Some(next), |earliest: UnixTime| Some(earliest.min(next)));
    }
    Ok(earliest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

    use super::*;

    fn authority() -> CertifiedIssuer<'static, KeyPair> {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    }

    fn list(authority: &CertifiedIssuer<'_, KeyPair>, until: i32) -> String {
        let list = rcgen::CertificateRevocationListParams {
            this_update: rcgen::date_time_ymd(1970, 1, 1),
            next_update: rcgen::date_time_ymd(until, 1, 1),
            crl_number: rcgen::SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: Vec::new(),
            key_identifier_method: rcgen::KeyIdMethod::Sha256,
        };
        list.signed_by(authority).unwrap().pem().unwrap()
    }

    fn read(authorities: &str, revoked: Option<&str>) -> Result<ClientCertificates, Error> {
        let revoked = revoked.map(str::as_bytes);
        ClientCertificates::from_pem(authorities.as_bytes(), revoked, Demand::Required)
    }

    fn refusal(authorities: &str, revoked: Option<&str>) -> String {
        match read(authorities, revoked) {
            Ok(_) => panic!("accepted"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn the_next_update_is_the_first_of_all_lists() {
        let authority = authority();
        let lists = format!(
            "{}{}{}",
            list(&authority, 1973),
            list(&authority, 1972),
            list(&authority, 2100)
        );
        let pem = authority.pem();
        let clients = read(&pem, Some(&lists));
        let day = Duration::from_hours(24);
        assert_eq!(clients.unwrap().next_update(), Some(day * 730));
        let without = read(&pem, None);
        assert_eq!(without.unwrap().next_update(), None);
    }

    #[test]
    fn files_that_were_mixed_up_are_named() {
        let authority = authority();
        let (pem, list) = (authority.pem(), list(&authority, 2100));
        assert!(refusal(&list, None).contains("no CERTIFICATE"));
        assert!(refusal(&pem, Some(&pem)).contains("revocation list"));
        assert!(refusal(&pem, Some("")).contains("revocation list"));
    }

    #[test]
    fn who_has_shown_none_stays_only_where_it_is_requested() {
        let pem = authority().pem();
        let stays = |demand| {
            let clients = ClientCertificates::from_pem(pem.as_bytes(), None, demand).unwrap();
            clients.verify(&[], UnixTime::now()).is_ok()
        };
        assert!(stays(Demand::Requested));
        assert!(!stays(Demand::Required));
    }

    proptest! {
        #[test]
        fn a_cut_or_changed_list_is_read_or_refused_without_a_panic(at in 0..600_usize, byte: u8) {
            static FILES: std::sync::LazyLock<(String, String)> = std::sync::LazyLock::new(|| {
                let authority = authority();
                (authority.pem(), list(&authority, 2100))
            });
            let (pem, list) = &*FILES;
            let mut der = CertificateRevocationListDer::from_pem_slice(list.as_bytes()).unwrap().to_vec();
            let at = at % der.len();
            der[at] = byte;
            let _changed = earliest_update(&[der.clone().into()]);
            der.truncate(at);
            let cut = earliest_update(&[der.into()]);
            prop_assert!(cut.is_err());
            let _cut = read(pem, list.get(..at));
        }
    }
}
