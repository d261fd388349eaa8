//! `[attack]` into what `lychgate attack` may use.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use lychgate_password::Password;
use lychgate_token::{Algorithm, ClientSecret, SigningKey};
use reqwest::Url;

use super::document::Key;
use super::finding::{Findings, with_causes};
use super::raw::{
    RawAttackApplication, RawAttackCertificate, RawAttackClient, RawAttackUser, RawConfig,
    RawSecret,
};
use crate::attack::{Application, Client, OwnedHosts, Settings, User};

/// What the config says of attacks, if it says anything and nothing is wrong with it.
pub(crate) fn settings(
    raw: &RawConfig,
    folder: &Path,
    findings: &mut Findings<'_>,
) -> Option<Settings> {
    let raw = raw.attack.as_ref()?;
    let key = Key::new("attack");
    let mut url = |name: &str, text: &Option<String>| {
        text.as_ref()
            .and_then(|text| findings.keep(&key.member(name), base_url(text)))
    };
    let gateway = url("gateway", &raw.gateway);
    let tenant = url("tenant", &raw.tenant);
    let admin = url("admin", &raw.admin);
    let public_url = url("public_url", &raw.public_url);
    let hosts = findings.keep_each(&key.member("hosts"), &raw.hosts, OwnedHosts::parse_one);
    let ca = raw.ca.as_ref().and_then(|file| {
        let read = std::fs::read(folder.join(file));
        let read = read.map_err(|error| format!("cannot be read: {error}"));
        findings.keep(&key.member("ca"), read)
    });
    let certificate = raw.client_certificate.as_ref();
    let certificate = certificate.and_then(|raw| {
        let read = client_certificate(raw, folder);
        findings.keep(&key.member("client_certificate"), read)
    });
    let client = raw.client.as_ref();
    let client = client.and_then(|raw| one_client(raw, &key.member("client"), findings));
    let other = raw.other_client.as_ref();
    let other_client = other.and_then(|raw| one_client(raw, &key.member("other_client"), findings));
    let application = raw.application.as_ref();
    let application =
        application.and_then(|raw| one_application(raw, &key.member("application"), findings));
    let user = raw.user.as_ref();
    let user = user.and_then(|raw| test_user(raw, &key.member("user"), findings));
    let issuer_key = raw.issuer_key.as_ref().and_then(|file| {
        let read = signing_key(&folder.join(file));
        findings.keep(&key.member("issuer_key"), read)
    });
    let outside_address = raw.outside_address.as_ref().and_then(|text| {
        let address = text.parse::<IpAddr>();
        let address = address.map_err(|_| "must be an address, as `127.0.0.2`");
        findings.keep(&key.member("outside_address"), address)
    });
    Some(Settings {
        gateway,
        tenant,
        admin,
        hosts: OwnedHosts::new(hosts?),
        ca,
        client_certificate: certificate.map(Arc::new),
        public_url,
        audience: raw.audience.clone(),
        other_audience: raw.other_audience.clone(),
        client,
        other_client,
        application,
        user,
        issuer_key: issuer_key.map(Arc::new),
        outside_address,
        create_users: raw.create_users,
    })
}

/// The URL of a server, without anything that a path could not stand behind.
pub(crate) fn base_url(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "must be a URL, as `https://gateway.example.com/`")?;
    let plain = url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if !plain || !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err("must be an http or https URL, without credentials, query and fragment");
    }
    let mut url = url;
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Ok(url)
}

fn one_client(raw: &RawAttackClient, key: &Key, findings: &mut Findings<'_>) -> Option<Client> {
    let secret = secret(&raw.client_secret, &key.member("client_secret"), findings);
    Some(Client {
        client_id: raw.client_id.clone(),
        secret: secret?,
    })
}

fn one_application(
    raw: &RawAttackApplication,
    key: &Key,
    findings: &mut Findings<'_>,
) -> Option<Application> {
    let key_of_secret = key.member("client_secret");
    let given = raw.client_secret.as_ref();
    let read = given.map(|raw| secret(raw, &key_of_secret, findings));
    let callback = Url::parse(&raw.callback).map_err(|_| "must be a URL");
    let callback = findings.keep(&key.member("callback"), callback);
    Some(Application {
        client_id: raw.client_id.clone(),
        secret: match read {
            Some(secret) => Some(secret?),
            None => None,
        },
        callback: callback?,
    })
}

fn test_user(raw: &RawAttackUser, key: &Key, findings: &mut Findings<'_>) -> Option<User> {
    let password = Password::new(raw.password.expose_secret().to_owned());
    let password = findings.keep(&key.member("password"), password.map_err(with_causes));
    Some(User {
        identifier: raw.identifier.clone(),
        password: password?,
    })
}

fn secret(raw: &RawSecret, key: &Key, findings: &mut Findings<'_>) -> Option<Arc<ClientSecret>> {
    let secret = ClientSecret::new(raw.expose_secret().to_owned());
    findings
        .keep(key, secret.map_err(with_causes))
        .map(Arc::new)
}

/// A certificate and its key in one text, which is read here to see that it can be.
fn client_certificate(
    raw: &RawAttackCertificate,
    folder: &Path,
) -> Result<zeroize::Zeroizing<Vec<u8>>, String> {
    let read = |file: &str| {
        let read = std::fs::read(folder.join(file)).map(zeroize::Zeroizing::new);
        read.map_err(|error| format!("cannot be read: {error}"))
    };
    let mut pem = read(&raw.key)?;
    pem.push(b'\n');
    pem.extend_from_slice(&read(&raw.certificate)?);
    reqwest::Identity::from_pem(&pem)
        .map(|_| pem)
        .map_err(|_| "is no certificate with its key, both in PEM".to_owned())
}

/// A key in PEM, of whichever algorithm it is.
fn signing_key(file: &Path) -> Result<SigningKey, String> {
    use base64::Engine as _;
    let text = std::fs::read_to_string(file).map(zeroize::Zeroizing::new);
    let text = text.map_err(|error| format!("cannot be read: {error}"))?;
    let inside = text.split("-----BEGIN PRIVATE KEY-----").nth(1);
    let inside = inside.and_then(|rest| rest.split("-----END PRIVATE KEY-----").next());
    let base64: zeroize::Zeroizing<String> =
        zeroize::Zeroizing::new(inside.unwrap_or_default().split_whitespace().collect());
    let der = base64::prelude::BASE64_STANDARD.decode(base64.as_bytes());
    let der = der.map(zeroize::Zeroizing::new).unwrap_or_default();
    [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa]
        .into_iter()
        .find_map(|algorithm| SigningKey::from_pkcs8(algorithm, &der).ok())
        .ok_or_else(|| {
            "is no private key in PEM: write it as PKCS#8 (`BEGIN PRIVATE KEY`)".to_owned()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_ends_in_a_slash_and_holds_no_credentials() {
        let url = base_url("https://gateway.example.com/legacy").unwrap();
        assert_eq!(url.as_str(), "https://gateway.example.com/legacy/");
        for text in [
            "gateway",
            "ftp://h/",
            "https://u:p@h/",
            "https://h/?q",
            "https://h/#f",
        ] {
            assert!(base_url(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_key_in_pem_is_read_whatever_its_algorithm_and_anything_else_is_refused() {
        use base64::Engine as _;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("issuer.pem");
        for algorithm in [Algorithm::Es256, Algorithm::EdDsa] {
            let key = SigningKey::generate(algorithm).unwrap();
            let der = base64::prelude::BASE64_STANDARD.encode(&*key.to_pkcs8().unwrap());
            let pem = format!("-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n");
            std::fs::write(&file, pem).unwrap();
            assert_eq!(signing_key(&file).ok().unwrap().key_id(), key.key_id());
        }
        for text in [
            "",
            "no key",
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
        ] {
            std::fs::write(&file, text).unwrap();
            assert!(signing_key(&file).is_err(), "{text}");
        }
    }
}
