//! `[[tenant.clients]]`: who may ask for tokens, and how it proves itself.

use std::path::Path;
use std::sync::Arc;

use lychgate_tenant::{Client, ClientAuthentication, GrantType, RedirectUri};
use lychgate_token::{ClientAuthMethod, ClientSecret, JwkSet};

use super::without_value;
use crate::config::document::Key;
use crate::config::finding::{Findings, with_causes};
use crate::config::raw::RawClient;

/// All clients, or none if one of them is wrong.
pub(crate) fn clients(
    raw: &[RawClient],
    folder: &Path,
    key: &Key,
    findings: &mut Findings<'_>,
) -> Option<Vec<Client>> {
    let clients = raw
        .iter()
        .enumerate()
        .map(|(index, client)| one(client, folder, &key.element(index), findings));
    // Collected twice, because the first that is wrong must not hide the others.
    clients.collect::<Vec<_>>().into_iter().collect()
}

fn one(raw: &RawClient, folder: &Path, key: &Key, findings: &mut Findings<'_>) -> Option<Client> {
    let grant_types = findings.keep_each(&key.member("grant_types"), &raw.grant_types, |name| {
        name.parse::<GrantType>().map_err(without_value)
    });
    let uri = |text: &str| text.parse::<RedirectUri>().map_err(without_value);
    let callbacks = findings.keep_each(&key.member("callbacks"), &raw.callbacks, uri);
    let logout = key.member("allowed_logout_urls");
    let allowed_logout_urls = findings.keep_each(&logout, &raw.allowed_logout_urls, uri);
    let authentication = authentication(raw, folder, key, findings);
    Some(Client {
        client_id: raw.client_id.clone(),
        name: raw.name.clone().unwrap_or_else(|| raw.client_id.clone()),
        authentication: authentication?,
        grant_types: grant_types?.into_iter().collect(),
        callbacks: callbacks?,
        allowed_logout_urls: allowed_logout_urls?,
        require_proof_of_possession: raw.require_proof_of_possession,
    })
}

/// The method, with exactly what it takes: a secret that no method reads would be a secret kept for nothing.
fn authentication(
    raw: &RawClient,
    folder: &Path,
    key: &Key,
    findings: &mut Findings<'_>,
) -> Option<ClientAuthentication> {
    let method = match &raw.token_endpoint_auth_method {
        Some(name) => {
            let key = key.member("token_endpoint_auth_method");
            findings.keep(&key, name.parse::<ClientAuthMethod>())?
        }
        None => ClientAuthMethod::ClientSecretPost,
    };
    match (method, &raw.client_secret, &raw.jwks) {
        (ClientAuthMethod::None, None, None) => Some(ClientAuthentication::None),
        (
            ClientAuthMethod::ClientSecretBasic | ClientAuthMethod::ClientSecretPost,
            Some(secret),
            None,
        ) => {
            let secret = ClientSecret::new(secret.expose_secret().to_owned());
            let secret = Arc::new(findings.keep(&key.member("client_secret"), secret)?);
            Some(if method == ClientAuthMethod::ClientSecretBasic {
                ClientAuthentication::ClientSecretBasic(secret)
            } else {
                ClientAuthentication::ClientSecretPost(secret)
            })
        }
        (ClientAuthMethod::PrivateKeyJwt, None, Some(file)) => {
            let key = key.member("jwks");
            let read = std::fs::read(folder.join(file))
                .map_err(|error| format!("cannot be read: {error}"));
            let bytes = findings.keep(&key, read)?;
            Some(ClientAuthentication::PrivateKeyJwt(
                findings.keep(&key, JwkSet::parse(&bytes).map_err(with_causes))?,
            ))
        }
        (ClientAuthMethod::None, _, _) => fault(
            key,
            "with the method `none` has no secret and no keys",
            findings,
        ),
        (ClientAuthMethod::PrivateKeyJwt, _, _) => fault(
            key,
            "with the method `private_key_jwt` has `jwks` and no secret",
            findings,
        ),
        (_, _, _) => fault(
            key,
            "with this method has `client_secret` and no `jwks`",
            findings,
        ),
    }
}

fn fault(key: &Key, reason: &str, findings: &mut Findings<'_>) -> Option<ClientAuthentication> {
    findings.push(key, reason);
    None
}
