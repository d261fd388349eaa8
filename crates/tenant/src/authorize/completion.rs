//! From a session to a code: the pipeline has its say, the access policy the last word.

use lychgate_token::{Scope, UnixTime};

use super::AuthorizeRequest;
use crate::{
    access::Access,
    clients::{Client, GrantType},
    context::Context,
    grants::Authorization,
    oauth_error::{ErrorCode, OAuthError},
    pipeline::{LoginEvent, RequestEvent},
    state::{Code, Reference, Session, User},
};

/// Makes the code for a user who has logged in.
pub(crate) async fn complete(
    context: &Context,
    request: &AuthorizeRequest,
    session: &Session,
    seen: &RequestEvent,
) -> Result<Reference, OAuthError> {
    let client = context
        .client(&request.client_id)
        .ok_or_else(|| OAuthError::server_error("the client is gone"))?;
    let user = known_user(context, &session.user_id).await?;
    let access = context.access();
    let api = access.api(request.audience.as_deref())?;
    let requested = super::request::read_scope(
        Some(&request.scope)
            .filter(|scope| !scope.is_empty())
            .map(String::as_str),
    )?;
    let login = LoginEvent {
        tenant: context.issuer.tenant_name(),
        client,
        user: &user,
        protocol: "oidc-basic-profile",
        request: seen,
        requested: &requested,
        audience: api.map(|api| api.identifier.as_str()),
        redirect_uri: Some(request.return_address.redirect_uri()),
        prompt: request.prompt.name(),
        session_id: Some(&session.sid),
        authenticated_at: session.authenticated_at,
    };
    let verdict = decide(context, &access, &login).await?;
    let scope = access.for_user(&client.client_id, api, &verdict.scope)?;
    let scope = without_idle_offline_access(
        scope,
        client,
        api.is_none_or(|api| api.allow_offline_access),
    );
    let code = Reference::generate()?;
    let kept = Code {
        authorization: Authorization {
            client_id: client.client_id.clone(),
            user_id: session.user_id.clone(),
            audience: api.map(|api| api.identifier.clone()),
            scope: scope.to_string(),
            authenticated_at: session.authenticated_at.seconds(),
            session_id: Some(session.sid.clone()),
            confirmation: None,
        },
        redirect_uri: request.return_address.redirect_uri().to_owned(),
        challenge: request.code_challenge.clone(),
        nonce: request.nonce.clone(),
        access_token_claims: verdict.access_token.into_map(),
        id_token_claims: verdict.id_token.into_map(),
    };
    // Scripts may have taken their time; the code's life begins here.
    let until = UnixTime::now().plus(context.lifetimes.code);
    context.state.keep_code(&code, &kept, until).await?;
    Ok(code)
}

/// The user of a session or a grant, who is still known and not blocked.
pub(crate) async fn known_user(context: &Context, user_id: &str) -> Result<User, OAuthError> {
    let user = context.state.user(user_id).await?;
    let user = user.ok_or_else(|| OAuthError::new(ErrorCode::LoginRequired, "Login required"))?;
    if user.profile.is_blocked() {
        return Err(OAuthError::access_denied("user is blocked"));
    }
    Ok(user)
}

/// Runs the pipeline, and keeps the metadata that it has set, whichever way it decides.
pub(crate) async fn decide(
    context: &Context,
    access: &Access,
    login: &LoginEvent<'_>,
) -> Result<crate::pipeline::Verdict, OAuthError> {
    let (verdict, outcome) = access.pipeline.run(login).await;
    if verdict.user_metadata != login.user.user_metadata
        || verdict.app_metadata != login.user.app_metadata
    {
        let (user_metadata, app_metadata) = (&verdict.user_metadata, &verdict.app_metadata);
        context
            .state
            .keep_metadata(&login.user.profile.subject(), user_metadata, app_metadata)
            .await?;
    }
    outcome.map(|()| verdict)
}

/// `offline_access` means a refresh token is coming; where none is, the scope does not say so.
fn without_idle_offline_access(scope: Scope, client: &Client, api_allows: bool) -> Scope {
    if api_allows && client.grant_types.contains(&GrantType::RefreshToken) {
        return scope;
    }
    let left: Vec<&str> = scope
        .iter()
        .filter(|token| *token != "offline_access")
        .collect();
    left.join(" ").parse().unwrap_or_default()
}
