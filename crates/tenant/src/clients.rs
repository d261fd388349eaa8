//! Clients, and the proof that a request comes from one.
//!
//! In comes what a request presents of a client; out comes the client, authenticated by the one method it is registered
//! with. An attacker would want to be another client, or to use a secret or an assertion that was seen elsewhere.

use std::{collections::BTreeSet, str::FromStr};

use http::HeaderMap;
use lychgate_token::{
    ClientAuthMethod, ClientSecret, JwkSet, UnixTime,
    client_auth::{Assertion, PresentedClient},
};
use url::Url;

use crate::{
    Error, context::Context, issuer::is_loopback, oauth_error::OAuthError, parameters::Parameters,
};

/// A client (the platform's "application").
#[derive(Clone)]
pub struct Client {
    /// Its id.
    pub client_id: String,
    /// What people call it.
    pub name: String,
    /// How it proves itself at the token endpoint.
    pub authentication: ClientAuthentication,
    /// The grants it may use.
    pub grant_types: BTreeSet<GrantType>,
    /// Where `/authorize` may send users back to.
    pub callbacks: Vec<RedirectUri>,
    /// Where a logout may send users back to.
    pub allowed_logout_urls: Vec<RedirectUri>,
    /// Whether every token for it has to be bound (`require_proof_of_possession`).
    pub require_proof_of_possession: bool,
}

/// How a client proves itself (`token_endpoint_auth_method`), with what that takes.
#[derive(Clone)]
pub enum ClientAuthentication {
    /// `none`: a public client, which PKCE has to protect.
    None,
    /// `client_secret_basic`.
    ClientSecretBasic(std::sync::Arc<ClientSecret>),
    /// `client_secret_post`.
    ClientSecretPost(std::sync::Arc<ClientSecret>),
    /// `private_key_jwt`, with the client's public keys.
    PrivateKeyJwt(JwkSet),
}

impl ClientAuthentication {
    /// The method's name in the registry.
    pub fn method(&self) -> ClientAuthMethod {
        match self {
            Self::None => ClientAuthMethod::None,
            Self::ClientSecretBasic(_) => ClientAuthMethod::ClientSecretBasic,
            Self::ClientSecretPost(_) => ClientAuthMethod::ClientSecretPost,
            Self::PrivateKeyJwt(_) => ClientAuthMethod::PrivateKeyJwt,
        }
    }
}

/// The grants that exist here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum GrantType {
    /// RFC 6749 §4.1.
    AuthorizationCode,
    /// RFC 6749 §6.
    RefreshToken,
    /// RFC 6749 §4.4.
    ClientCredentials,
}

impl GrantType {
    /// All of them.
    pub const ALL: [Self; 3] = [
        Self::AuthorizationCode,
        Self::RefreshToken,
        Self::ClientCredentials,
    ];

    /// The value of `grant_type`.
    pub fn name(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::ClientCredentials => "client_credentials",
        }
    }
}

impl FromStr for GrantType {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|grant| grant.name() == name)
            .ok_or_else(|| Error::Setting {
                what: "grant type",
                value: name.to_owned(),
                reason: "must be authorization_code, refresh_token or client_credentials",
            })
    }
}

/// A URI that users may be sent to: absolute, without a fragment (RFC 6749 §3.1.2), and over TLS, on loopback
/// (RFC 8252 §7.3), or with a scheme of the application's own (RFC 8252 §7.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectUri {
    text: String,
    loopback: bool,
}

impl RedirectUri {
    /// The URI to the letter.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether a presented URI is this one: to the letter, but for the port of a loopback address, which an application
    /// takes as it finds it (RFC 8252 §7.3).
    fn admits(&self, presented: &str) -> bool {
        if self.text == presented {
            return true;
        }
        let (true, Ok(mut ours), Ok(mut theirs)) =
            (self.loopback, Url::parse(&self.text), Url::parse(presented))
        else {
            return false;
        };
        // A URI whose plain form is another one has been written to be read in two ways.
        theirs.as_str() == presented
            && ours.set_port(None).is_ok()
            && theirs.set_port(None).is_ok()
            && ours == theirs
    }
}

impl FromStr for RedirectUri {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = |reason| Error::Setting {
            what: "redirect URI",
            value: text.to_owned(),
            reason,
        };
        let url = Url::parse(text).map_err(|_| wrong("is not an absolute URI"))?;
        if url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("must have neither a fragment nor credentials"));
        }
        if text
            .chars()
            .any(|character| character.is_control() || character == '*' || character == ' ')
        {
            return Err(wrong("must be one URI, without wildcards"));
        }
        let loopback = match (url.scheme(), url.host()) {
            ("https", Some(_)) => false,
            // `localhost` may be another machine's name, so the port of an application on it is part of its name.
            ("http", Some(host)) if is_loopback(&host) => !matches!(host, url::Host::Domain(_)),
            (scheme, _) if scheme.contains('.') => false,
            _ => {
                return Err(wrong(
                    "must be https, http on loopback, or a scheme like com.example.app",
                ));
            }
        };
        Ok(Self {
            text: text.to_owned(),
            loopback,
        })
    }
}

impl Client {
    /// Whether the client cannot keep a secret.
    pub fn is_public(&self) -> bool {
        matches!(self.authentication, ClientAuthentication::None)
    }

    /// Whether users may be sent back to `presented`.
    pub(crate) fn has_callback(&self, presented: &str) -> bool {
        self.callbacks
            .iter()
            .any(|registered| registered.admits(presented))
    }

    /// Whether a logout may send users to `presented`.
    pub(crate) fn has_logout_url(&self, presented: &str) -> bool {
        self.allowed_logout_urls
            .iter()
            .any(|registered| registered.admits(presented))
    }
}

/// The client that a request comes from, by the one method it is registered with.
pub(crate) async fn authenticate<'c>(
    context: &'c Context,
    headers: &HeaderMap,
    form: &Parameters,
    now: UnixTime,
) -> Result<&'c Client, OAuthError> {
    let presented = PresentedClient::read(headers, form.pairs())
        .map_err(|fault| OAuthError::invalid_client().because(fault))?
        .ok_or_else(|| OAuthError::invalid_client().because("no client is named"))?;
    let Some(client) = context.client(presented.client_id()) else {
        return Err(OAuthError::invalid_client().because("unknown client"));
    };
    let proven = match (&client.authentication, &presented) {
        (ClientAuthentication::None, PresentedClient::Public { .. }) => true,
        (ClientAuthentication::ClientSecretBasic(ours), PresentedClient::Basic { secret, .. })
        | (ClientAuthentication::ClientSecretPost(ours), PresentedClient::Post { secret, .. }) => {
            ours.matches(secret)
        }
        (
            ClientAuthentication::PrivateKeyJwt(keys),
            PresentedClient::PrivateKeyJwt { assertion, .. },
        ) => {
            return end_assertion(context, client, keys, assertion, now).await;
        }
        _ => {
            return Err(OAuthError::invalid_client()
                .because("another method than the client is registered with"));
        }
    };
    if proven {
        Ok(client)
    } else {
        Err(OAuthError::invalid_client().because("wrong secret"))
    }
}

/// An assertion proves its client once (RFC 7523 §3).
async fn end_assertion<'c>(
    context: &Context,
    client: &'c Client,
    keys: &JwkSet,
    assertion: &str,
    now: UnixTime,
) -> Result<&'c Client, OAuthError> {
    let token_endpoint = context.issuer.endpoint("oauth/token");
    let audiences = [context.issuer.as_str(), token_endpoint.as_str()];
    let assertion = Assertion::verify(assertion, &client.client_id, keys, &audiences, now)
        .map_err(|fault| OAuthError::invalid_client().because(fault))?;
    // Clocks differ, so the `jti` is remembered a little longer than the assertion says.
    let until = assertion.expires_at.plus(std::time::Duration::from_mins(1));
    if context
        .state
        .end_assertion(&client.client_id, &assertion.jti, until)
        .await?
    {
        Ok(client)
    } else {
        Err(OAuthError::invalid_client().because("the assertion was used before"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registered(text: &str) -> RedirectUri {
        text.parse().unwrap()
    }

    #[test]
    fn a_redirect_uri_is_compared_to_the_letter() {
        let uri = registered("https://app.example/callback");
        assert!(uri.admits("https://app.example/callback"));
        for other in [
            "https://app.example/callback/",
            "https://app.example/callback?x=1",
            "https://app.example:8443/callback",
            "https://APP.example/callback",
            "https://app.example.evil/callback",
            "http://app.example/callback",
        ] {
            assert!(!uri.admits(other), "{other}");
        }
    }

    #[test]
    fn the_port_of_a_loopback_address_is_the_applications() {
        let uri = registered("http://127.0.0.1/callback");
        assert!(uri.admits("http://127.0.0.1:50123/callback"));
        assert!(!uri.admits("http://127.0.0.1:50123/other"));
        assert!(!uri.admits("http://127.0.0.2:50123/callback"));
        assert!(!uri.admits("http://127.0.0.1:50123/x/../callback"));
        assert!(!uri.admits("http://user@127.0.0.1:50123/callback"));
        assert!(
            !registered("http://localhost:3000/callback").admits("http://localhost:3001/callback")
        );
    }

    #[test]
    fn what_runs_as_code_or_leaks_is_no_redirect_uri() {
        for text in [
            "javascript:alert(1)",
            "data:text/html,x",
            "http://app.example/callback",
            "https://app.example/#fragment",
            "https://*.example/callback",
            "https://user:password@app.example/",
            "/callback",
            "file:///etc/passwd",
        ] {
            assert!(text.parse::<RedirectUri>().is_err(), "{text}");
        }
        assert!("com.example.app:/callback".parse::<RedirectUri>().is_ok());
    }

    proptest::proptest! {
        #[test]
        fn what_differs_in_more_than_a_loopback_port_is_another_uri(presented in ".{0,60}") {
            let uri = registered("http://127.0.0.1/callback");
            if uri.admits(&presented) {
                let port = presented.strip_prefix("http://127.0.0.1").and_then(|rest| rest.strip_suffix("/callback"));
                let port = port.unwrap_or_else(|| panic!("{presented}"));
                proptest::prop_assert!(port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok()));
            }
        }

        #[test]
        fn any_port_of_a_loopback_address_will_do(port in 1u16..) {
            let presented = if port == 80 { "http://127.0.0.1/callback".to_owned() } else { format!("http://127.0.0.1:{port}/callback") };
            proptest::prop_assert!(registered("http://127.0.0.1/callback").admits(&presented));
        }
    }
}
