//! What others may know: metadata (OpenID Connect Discovery 1.0, RFC 8414) and keys (RFC 7517).

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::header;
use lychgate_token::{Algorithm, ClientAuthMethod, dpop::Proof};
use serde_json::json;

use crate::{clients::GrantType, context::Context};

/// How long others may keep it. Keys change seldom, and whoever meets an unknown `kid` asks again.
const CACHED: &str = "public, max-age=300";

/// `/.well-known/openid-configuration` and `/.well-known/oauth-authorization-server`.
pub(crate) async fn metadata(State(context): State<Arc<Context>>) -> Response {
    let issuer = &context.issuer;
    let methods: Vec<String> = ClientAuthMethod::ALL
        .iter()
        .map(ToString::to_string)
        .collect();
    let metadata = json!({
        "issuer": issuer.as_str(),
        "authorization_endpoint": issuer.endpoint("authorize"),
        "token_endpoint": issuer.endpoint("oauth/token"),
        "userinfo_endpoint": issuer.userinfo(),
        "revocation_endpoint": issuer.endpoint("oauth/revoke"),
        "end_session_endpoint": issuer.endpoint("oidc/logout"),
        "jwks_uri": issuer.endpoint(".well-known/jwks.json"),
        "scopes_supported": ["openid", "profile", "email", "phone", "offline_access"],
        "claims_supported": [
            "aud", "auth_time", "email", "email_verified", "exp", "family_name", "given_name", "iat", "iss", "name",
            "nickname", "nonce", "phone_number", "picture", "sid", "sub",
        ],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": GrantType::ALL.map(GrantType::name),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [context.keys.algorithm().name()],
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": ["RS256", "PS256", "ES256", "EdDSA"],
        "revocation_endpoint_auth_methods_supported": methods,
        "tls_client_certificate_bound_access_tokens": context.access().binds_to_certificates(),
        "dpop_signing_alg_values_supported": Proof::ALGORITHMS.map(Algorithm::name),
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login"],
        "authorization_response_iss_parameter_supported": true,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "claims_parameter_supported": false,
    });
    ([(header::CACHE_CONTROL, CACHED)], Json(metadata)).into_response()
}

/// `/.well-known/jwks.json`.
pub(crate) async fn keys(State(context): State<Arc<Context>>) -> Response {
    (
        [(header::CACHE_CONTROL, CACHED)],
        Json(context.keys.published().clone()),
    )
        .into_response()
}
