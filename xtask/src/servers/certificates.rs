//! A CA for one run, and a certificate of it for `localhost`, made with OpenSSL's own program.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::command::quietly;

/// The files of the run's certificates.
pub(super) struct Certificates {
    /// The CA's certificate, which clients trust.
    pub(super) root: PathBuf,
    /// The servers' certificate.
    pub(super) certificate: PathBuf,
    /// The servers' key.
    pub(super) key: PathBuf,
}

/// Makes the CA and the servers' certificate in this folder.
pub(super) fn make(folder: &Path) -> Result<Certificates> {
    let made = Certificates {
        root: folder.join("ca.pem"),
        certificate: folder.join("server.pem"),
        key: folder.join("server.key"),
    };
    let file = |path: &Path| path.display().to_string();
    let authority_key = file(&folder.join("ca.key"));
    let new_key = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2";
    let authority = format!(
        "{new_key} -subj /CN=lychgate-test-ca -keyout {authority_key} -out {}",
        file(&made.root)
    );
    let server = format!(
        "{new_key} -subj /CN=localhost -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE \
         -CA {} -CAkey {authority_key} -keyout {} -out {}",
        file(&made.root),
        file(&made.key),
        file(&made.certificate)
    );
    for command in [authority, server] {
        quietly("openssl", &command.split(' ').collect::<Vec<_>>())?;
    }
    Ok(made)
}
