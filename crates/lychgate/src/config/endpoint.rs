//! What both roles listen on: an address, and the certificate of TLS.

use std::net::SocketAddr;
use std::path::Path;

use lychgate_listener::Tls;

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

/// The certificate and its key, read now and found to belong together.
pub(crate) fn tls(
    raw: &RawTls,
    folder: &Path,
    key: &Key,
    findings: &mut Findings<'_>,
) -> Option<Tls> {
    let certificate = file(
        &raw.certificate,
        folder,
        &key.member("certificate"),
        findings,
    );
    let private_key = file(&raw.key, folder, &key.member("key"), findings);
    let tls = Tls::from_pem(&certificate?, &private_key?);
    findings.keep(key, tls.map_err(with_causes))
}

fn file(
    path: &str,
    folder: &Path,
    key: &Key,
    findings: &mut Findings<'_>,
) -> Option<zeroize::Zeroizing<Vec<u8>>> {
    let read = std::fs::read(folder.join(path)).map_err(|error| format!("cannot be read: {error}"));
    findings.keep(key, read).map(zeroize::Zeroizing::new)
}
