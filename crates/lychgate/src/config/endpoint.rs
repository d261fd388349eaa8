//! What both roles listen on: an address, the certificate of TLS, and those that clients must show.

use std::net::SocketAddr;
use std::path::Path;

use lychgate_listener::{ClientCertificates, Demand, Error, MutualTls, Tls};

use super::document::Key;
use super::finding::{Findings, with_causes};
use super::raw::RawTls;

/// An address and port; names are not looked up, so that it is plain who can reach it.
pub(crate) fn address(text: &str, key: &Key, findings: &mut Findings<'_>) -> Option<SocketAddr> {
    let address = text.parse::<SocketAddr>();
    findings.keep(
        key,
        address.map_err(|_| "must be an address and a port: `127.0.0.1:8443` or `[::1]:8443`"),
    )
}

/// The certificate and its key, read now and found to belong together; and whose certificates clients are asked for, if
/// they are.
pub(crate) fn tls(
    raw: &RawTls,
    demand: Demand,
    folder: &Path,
    key: &Key,
    findings: &mut Findings<'_>,
) -> Option<Tls> {
    if raw.client_ca.is_some() {
        return asking(raw, demand, folder, key, findings).map(Tls::from);
    }
    if raw.client_crl.is_some() {
        let reason = "says what the authorities of `client_ca` have revoked, and there is no `client_ca`; add it, or \
                      remove the list";
        findings.push(&key.member("client_crl"), reason);
        return None;
    }
    let (certificate, private_key) = pair(raw, folder, key, findings)?;
    findings.keep(
        key,
        Tls::from_pem(&certificate, &private_key).map_err(with_causes),
    )
}

/// The same, where clients must show a certificate.
pub(crate) fn mutual_tls(
    raw: &RawTls,
    folder: &Path,
    key: &Key,
    findings: &mut Findings<'_>,
) -> Option<MutualTls> {
    asking(raw, Demand::Required, folder, key, findings)
}

fn asking(
    raw: &RawTls,
    demand: Demand,
    folder: &Path,
    key: &Key,
    findings: &mut Findings<'_>,
) -> Option<MutualTls> {
    let pair = pair(raw, folder, key, findings);
    let authorities_key = key.member("client_ca");
    if raw.client_ca.is_none() {
        let reason = "is missing: without the authorities of the clients' certificates anybody could look in";
        findings.push(&authorities_key, reason);
    }
    let authorities = raw.client_ca.as_ref();
    let authorities = authorities.and_then(|path| file(path, folder, &authorities_key, findings));
    let list = raw.client_crl.as_ref();
    let list = list.map(|path| file(path, folder, &key.member("client_crl"), findings));
    let list = match list {
        Some(list) => Some(list?),
        None => None,
    };
    let list = list.as_deref().map(Vec::as_slice);
    let clients = ClientCertificates::from_pem(&authorities?, list, demand);
    let about = match &clients {
        Err(Error::RevocationList) => key.member("client_crl"),
        _ => authorities_key,
    };
    let clients = findings.keep(&about, clients.map_err(with_causes))?;
    let (certificate, private_key) = pair?;
    let tls = MutualTls::from_pem(&certificate, &private_key, clients);
    findings.keep(key, tls.map_err(with_causes))
}

type Pem = zeroize::Zeroizing<Vec<u8>>;

fn pair(raw: &RawTls, folder: &Path, key: &Key, findings: &mut Findings<'_>) -> Option<(Pem, Pem)> {
    let certificate = file(
        &raw.certificate,
        folder,
        &key.member("certificate"),
        findings,
    );
    let private_key = file(&raw.key, folder, &key.member("key"), findings);
    Some((certificate?, private_key?))
}

fn file(path: &str, folder: &Path, key: &Key, findings: &mut Findings<'_>) -> Option<Pem> {
    let read = std::fs::read(folder.join(path)).map_err(|error| format!("cannot be read: {error}"));
    findings.keep(key, read).map(zeroize::Zeroizing::new)
}
