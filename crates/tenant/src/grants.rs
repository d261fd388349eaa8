//! `/oauth/token`: one file a grant.
//!
//! In comes a form from a client that proves itself; out go tokens, or RFC 6749 §5.2's errors. An attacker would want to
//! spend a code or a refresh token that is not theirs, or the same one twice.

mod authorization_code;
mod client_credentials;
mod refresh_token;

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue};
use lychgate_listener::CertificateThumbprint;
use lychgate_token::{Confirmation, Scope, UnixTime, pkce::CodeVerifier};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    apis::{Api, Mechanism},
    authorize::{known_user, read_scope},
    clients::{self, Client, GrantType},
    context::Context,
    edge::{ClientAddress, request_event},
    events::Event,
    oauth_error::{ErrorCode, OAuthError},
    parameters::{Form, Parameters},
    pipeline::RequestEvent,
    possession::{self, ProvenKey},
    state::{Reference, User},
};

/// The header in which nonces are handed out (RFC 9449 §8).
const NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// What a user's login has authorized: what a code and all refresh tokens after it stand for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Authorization {
    pub(crate) client_id: String,
    /// `sub`.
    pub(crate) user_id: String,
    /// The API, if there is one.
    pub(crate) audience: Option<String>,
    /// The scope, in its plain form.
    pub(crate) scope: String,
    /// When the password was asked for, in seconds since 1970.
    pub(crate) authenticated_at: i64,
    /// `sid`.
    pub(crate) session_id: Option<String>,
    /// The `cnf` claim of what a public client has to prove again with each of its refresh tokens (RFC 9449 §5, RFC 8705
    /// §4): without that they are good for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) confirmation: Option<Value>,
}

impl Authorization {
    pub(crate) fn scope(&self) -> Result<Scope, OAuthError> {
        read_scope(Some(self.scope.as_str()).filter(|scope| !scope.is_empty()))
    }
}

/// What a client asks the token endpoint for.
enum TokenRequest {
    /// RFC 6749 §4.1.3.
    AuthorizationCode {
        code: Option<Reference>,
        redirect_uri: String,
        verifier: Option<CodeVerifier>,
    },
    /// RFC 6749 §6.
    RefreshToken {
        token: Option<Reference>,
        scope: Option<Scope>,
        audience: Option<String>,
    },
    /// RFC 6749 §4.4.2.
    ClientCredentials {
        audience: Option<String>,
        scope: Scope,
    },
}

impl TokenRequest {
    fn read(form: &Parameters) -> Result<Self, OAuthError> {
        match form.required("grant_type")? {
            "authorization_code" => Ok(Self::AuthorizationCode {
                code: Reference::presented(form.required("code")?),
                redirect_uri: form.required("redirect_uri")?.to_owned(),
                verifier: read_verifier(form.optional("code_verifier"))?,
            }),
            "refresh_token" => Ok(Self::RefreshToken {
                token: Reference::presented(form.required("refresh_token")?),
                scope: form
                    .optional("scope")
                    .map(|scope| read_scope(Some(scope)))
                    .transpose()?,
                audience: form.audience()?.map(str::to_owned),
            }),
            "client_credentials" => Ok(Self::ClientCredentials {
                audience: form.audience()?.map(str::to_owned),
                scope: read_scope(form.optional("scope"))?,
            }),
            _ => Err(OAuthError::new(
                ErrorCode::UnsupportedGrantType,
                "the grant_type must be authorization_code, refresh_token or client_credentials",
            )),
        }
    }

    fn grant_type(&self) -> GrantType {
        match self {
            Self::AuthorizationCode { .. } => GrantType::AuthorizationCode,
            Self::RefreshToken { .. } => GrantType::RefreshToken,
            Self::ClientCredentials { .. } => GrantType::ClientCredentials,
        }
    }
}

fn read_verifier(text: Option<&str>) -> Result<Option<CodeVerifier>, OAuthError> {
    let malformed = |_| OAuthError::new(ErrorCode::InvalidGrant, "the code_verifier is malformed");
    text.map(|text| CodeVerifier::new(text.to_owned()))
        .transpose()
        .map_err(malformed)
}

/// The answer of RFC 6749 §5.1.
#[derive(Serialize)]
struct TokenResponse {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
    #[serde(skip_serializing_if = "String::is_empty")]
    scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
}

impl TokenResponse {
    fn new(
        access_token: String,
        binding: Option<&Confirmation>,
        lifetime: Duration,
        scope: &Scope,
    ) -> Self {
        let (expires_in, scope) = (lifetime.as_secs(), scope.to_string());
        Self {
            access_token,
            // RFC 8705 says `Bearer` where a certificate binds it; the platform says this.
            token_type: binding.map_or("Bearer", |_| "DPoP"),
            expires_in,
            scope,
            id_token: None,
            refresh_token: None,
        }
    }
}

/// A token request of a client that has proven itself.
struct Exchange<'e> {
    context: &'e Context,
    client: &'e Client,
    proven: Option<ProvenKey>,
    /// The certificate of the connection.
    certificate: Option<CertificateThumbprint>,
    seen: RequestEvent,
    now: UnixTime,
}

impl Exchange<'_> {
    /// What a token for `api` is bound to: the key that the request has proven, or the certificate of its connection, where
    /// the API has a use for it. A proof is used up.
    fn binding(&self, api: Option<&Api>) -> Result<Option<Confirmation>, OAuthError> {
        let policy = api.and_then(|api| api.proof_of_possession);
        let required =
            self.client.require_proof_of_possession || policy.is_some_and(|policy| policy.required);
        if policy.is_none() && !required {
            return Ok(None);
        }
        let mechanism = policy.map_or(Mechanism::Dpop, |policy| policy.mechanism);
        match (mechanism, self.confirmation(mechanism)) {
            (Mechanism::Dpop, None) if required => {
                Err(possession::refused("required and not there"))
            }
            (Mechanism::Mtls, None) if required => Err(possession::no_certificate()),
            (_, confirmation) => {
                if let (Mechanism::Dpop, Some(key)) = (mechanism, &self.proven) {
                    self.context.proofs.use_for_token(key, self.now)?;
                }
                Ok(confirmation)
            }
        }
    }

    /// What the request has shown that a token could be bound to.
    fn confirmation(&self, mechanism: Mechanism) -> Option<Confirmation> {
        match mechanism {
            Mechanism::Dpop => self.proven.as_ref().map(ProvenKey::confirmation),
            Mechanism::Mtls => {
                let certificate = self.certificate.as_ref();
                certificate.map(|one| Confirmation::of_certificate(one.as_bytes()))
            }
        }
    }

    /// Whether the request has shown what this `cnf` claim names.
    fn confirms(&self, confirmation: &Value) -> bool {
        let mechanisms = [Mechanism::Dpop, Mechanism::Mtls].into_iter();
        let mut shown = mechanisms.filter_map(|mechanism| self.confirmation(mechanism));
        shown.any(|shown| shown.to_json() == *confirmation)
    }

    /// The user of a grant; one who is gone or blocked makes the grant as good as none.
    async fn user_of(&self, authorization: &Authorization) -> Result<User, OAuthError> {
        known_user(self.context, &authorization.user_id)
            .await
            .map_err(|error| match error.code {
                ErrorCode::LoginRequired | ErrorCode::AccessDenied => OAuthError::invalid_grant(),
                _ => error,
            })
    }
}

/// `POST /oauth/token`. Whoever sends a proof gets the nonce for the next one.
pub(crate) async fn token(
    State(context): State<Arc<Context>>,
    Extension(address): Extension<ClientAddress>,
    certificate: Option<Extension<CertificateThumbprint>>,
    headers: HeaderMap,
    Form(form): Form,
) -> Response {
    let certificate = certificate.map(|Extension(certificate)| certificate);
    let tokens = exchange(&context, address, certificate, &headers, &form).await;
    let mut response = tokens.map(Json).into_response();
    if headers.contains_key(possession::HEADER)
        && let Ok(nonce) = HeaderValue::try_from(context.proofs.nonce(UnixTime::now()))
    {
        response.headers_mut().insert(NONCE, nonce);
    }
    response
}

async fn exchange(
    context: &Context,
    address: ClientAddress,
    certificate: Option<CertificateThumbprint>,
    headers: &HeaderMap,
    form: &Parameters,
) -> Result<TokenResponse, OAuthError> {
    let now = UnixTime::now();
    let client = clients::authenticate(context, headers, form, now).await?;
    context.token_requests.count(&client.client_id);
    let request = TokenRequest::read(form)?;
    let grant_type = request.grant_type();
    if !client.grant_types.contains(&grant_type) {
        let text = format!(
            "Grant type '{}' not allowed for the client.",
            grant_type.name()
        );
        return Err(OAuthError::new(ErrorCode::UnauthorizedClient, text));
    }
    // Before a code is spent: a client that needs a nonce comes again with the same one.
    let proven = context.proofs.read(headers, client, now)?;
    let body = form.without_credentials();
    let seen = request_event(
        context,
        address,
        headers,
        "POST",
        (serde_json::Map::new(), body),
    );
    let exchange = Exchange {
        context,
        client,
        proven,
        certificate,
        seen,
        now,
    };
    let (succeeded, failed) = match grant_type {
        GrantType::AuthorizationCode => (Event::SuccessCodeExchange, Event::FailedCodeExchange),
        GrantType::RefreshToken => (Event::SuccessRefreshExchange, Event::FailedRefreshExchange),
        GrantType::ClientCredentials => (
            Event::SuccessClientCredentialsExchange,
            Event::FailedClientCredentialsExchange,
        ),
    };
    let outcome = match request {
        TokenRequest::AuthorizationCode {
            code,
            redirect_uri,
            verifier,
        } => {
            exchange
                .authorization_code(code, &redirect_uri, verifier)
                .await
        }
        TokenRequest::RefreshToken {
            token,
            scope,
            audience,
        } => exchange.refresh_token(token, scope, audience).await,
        TokenRequest::ClientCredentials { audience, scope } => {
            exchange.client_credentials(audience, &scope).await
        }
    };
    let event = if outcome.is_ok() { succeeded } else { failed };
    event.log(&client.client_id, "");
    outcome
}
