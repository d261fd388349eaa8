//! What a config says of a deployment beside `[attack]`: addresses, audience, clients, the issuer's key.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use lychgate_gateway::{AdminEndpoint, Endpoint, SenderConstraint};
use lychgate_tenant::{ClientAuthentication, GrantType};
use lychgate_token::ClientSecret;
use reqwest::Url;

use super::settings::{Application, Client, Settings};
use crate::config::Config;

/// All that is known of a deployment.
#[derive(Default)]
pub(super) struct Known {
    /// `[attack]`, and what it leaves out.
    pub(super) settings: Settings,
    /// What stands in `iss`.
    pub(super) issuer: Option<String>,
    pub(super) script_client_id: Option<String>,
}

impl Known {
    /// What `[attack]` says goes before what follows from the other sections.
    pub(super) async fn of(config: Option<Config>) -> Result<Self> {
        let mut known = Self::default();
        let Some(config) = config else {
            return Ok(known);
        };
        known.settings = config.attack.unwrap_or_default();
        let client = known.settings.client.as_ref();
        known.script_client_id = client.map(|client| client.client_id.clone());
        if let Some(gateway) = &config.gateway {
            known.learn_from_gateway(gateway)?;
        }
        if let Some(tenant) = &config.tenant {
            known.learn_from_tenant(tenant).await?;
        }
        if known.settings.tenant.is_none() {
            let url = known.issuer.as_deref().map(crate::config::attack::base_url);
            let url = url
                .transpose()
                .map_err(|reason| anyhow::anyhow!("the issuer {reason}"));
            known.settings.tenant = url?;
        }
        Ok(known)
    }

    fn learn_from_gateway(&mut self, gateway: &lychgate_gateway::Settings) -> Result<()> {
        let known = &mut self.settings;
        let (scheme, listen) = match &gateway.listen {
            Endpoint::Plain(address) => ("http", address.address()),
            Endpoint::Tls(address, _) => ("https", *address),
            Endpoint::TerminatedByTrustedProxy(address) => ("http", *address),
        };
        if known.gateway.is_none() {
            known.gateway = url(scheme, listen)?;
        }
        if known.admin.is_none() {
            let (scheme, address) = match &gateway.admin_listen {
                AdminEndpoint::Plain(address) => ("http", address.address()),
                AdminEndpoint::MutualTls(address, _) => ("https", *address),
            };
            known.admin = url(scheme, address)?;
        }
        let rules = &gateway.access_token;
        if let (SenderConstraint::Dpop(url), None) = (&rules.sender_constraint, &known.public_url) {
            known.public_url = Some(Url::parse(url.as_str())?);
        }
        let audience = || rules.audience.as_str().to_owned();
        known.audience.get_or_insert_with(audience);
        self.issuer = rules
            .issuers
            .first()
            .map(|one| one.issuer.as_str().to_owned());
        if self.script_client_id.is_none() {
            self.script_client_id = rules.clients.first().map(ToString::to_string);
        }
        Ok(())
    }

    async fn learn_from_tenant(&mut self, tenant: &lychgate_tenant::Settings) -> Result<()> {
        let name = || tenant.issuer.as_str().to_owned();
        self.issuer.get_or_insert_with(name);
        for client in &tenant.clients {
            self.learn_from_client(client);
        }
        if self.settings.issuer_key.is_none() {
            let key = lychgate_tenant::signing_key(tenant).await;
            let key = key.context("cannot read the tenant's signing key")?;
            self.settings.issuer_key = key.map(Arc::new);
        }
        Ok(())
    }

    fn learn_from_client(&mut self, client: &lychgate_tenant::Client) {
        let known = &mut self.settings;
        let is_script_client = self.script_client_id.as_deref() == Some(client.client_id.as_str());
        let may = |grant| client.grant_types.contains(&grant);
        if let Some(secret) = secret_of(&client.authentication) {
            let slot = if is_script_client {
                &mut known.client
            } else {
                &mut known.other_client
            };
            if slot.is_none() && may(GrantType::ClientCredentials) {
                *slot = Some(Client {
                    client_id: client.client_id.clone(),
                    secret,
                });
            }
        }
        let callback = client.callbacks.first().map(|uri| Url::parse(uri.as_str()));
        if let Some(Ok(callback)) = callback
            && known.application.is_none()
            && client.is_public()
            && may(GrantType::AuthorizationCode)
        {
            known.application = Some(Application {
                client_id: client.client_id.clone(),
                secret: None,
                callback,
            });
        }
    }
}

/// Where this machine reaches it; nothing, if its port is any.
fn url(scheme: &str, address: SocketAddr) -> Result<Option<Url>> {
    let address = on_this_machine(address);
    let url = (address.port() != 0).then(|| Url::parse(&format!("{scheme}://{address}/")));
    Ok(url.transpose()?)
}

/// A secret that goes into the form of a token request.
fn secret_of(authentication: &ClientAuthentication) -> Option<Arc<ClientSecret>> {
    let ClientAuthentication::ClientSecretPost(secret) = authentication else {
        return None;
    };
    Some(Arc::clone(secret))
}

/// Where this machine reaches what listens on all its addresses.
fn on_this_machine(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_listens_everywhere_is_reached_on_loopback() {
        let reached = |text: &str| on_this_machine(text.parse().unwrap()).to_string();
        assert_eq!(reached("0.0.0.0:8443"), "127.0.0.1:8443");
        assert_eq!(reached("[::]:8443"), "[::1]:8443");
        assert_eq!(reached("192.0.2.1:8443"), "192.0.2.1:8443");
    }
}
