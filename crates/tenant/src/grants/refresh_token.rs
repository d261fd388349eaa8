//! The refresh token grant (RFC 6749 §6), with rotation and reuse detection (RFC 9700 §4.14.2).

use lychgate_token::{Scope, UnixTime};

use super::{Authorization, Exchange, TokenResponse};
use crate::{
    authorize::decide,
    oauth_error::{ErrorCode, OAuthError},
    pipeline::LoginEvent,
    state::{Reference, RefreshTokenFound},
    tokens::{Granted, IdTokenClaims},
};

impl Exchange<'_> {
    /// Spends a refresh token for an access token and its successor. Rules and actions run as at a login; only when they
    /// are content is the token spent, so a script that fails costs nobody their session.
    pub(super) async fn refresh_token(
        self,
        token: Option<Reference>,
        scope: Option<Scope>,
        audience: Option<String>,
    ) -> Result<TokenResponse, OAuthError> {
        let token = token.ok_or_else(OAuthError::invalid_grant)?;
        let authorization = match self.context.state.refresh_token(&token, self.now).await? {
            RefreshTokenFound::Current { authorization, .. }
                if authorization.client_id == self.client.client_id =>
            {
                authorization
            }
            RefreshTokenFound::Used {
                grant_id,
                client_id,
            } if client_id == self.client.client_id => {
                self.context.state.revoke_grant(&grant_id).await?;
                tracing::warn!(
                    client_id,
                    "a used refresh token was presented; its whole family is revoked"
                );
                return Err(OAuthError::invalid_grant().because("reuse"));
            }
            _ => return Err(OAuthError::invalid_grant()),
        };
        if audience.is_some() && audience != authorization.audience {
            return Err(OAuthError::invalid_grant().because("another audience than the login's"));
        }
        let confirmation = authorization.confirmation.as_ref();
        if confirmation.is_some_and(|confirmation| !self.confirms(confirmation)) {
            return Err(OAuthError::invalid_grant().because("not proven as at its login"));
        }
        let requested = narrowed(authorization.scope()?, scope)?;
        let mut response = self.decide_and_issue(&authorization, &requested).await?;
        let successor = Reference::generate()?;
        if !self
            .context
            .state
            .rotate_refresh_token(&token, &successor, self.now)
            .await?
        {
            return self.refuse_late(&token).await;
        }
        response.refresh_token = Some(successor.expose_secret().to_owned());
        Ok(response)
    }

    async fn decide_and_issue(
        &self,
        authorization: &Authorization,
        requested: &Scope,
    ) -> Result<TokenResponse, OAuthError> {
        let (context, now) = (self.context, self.now);
        let user = self.user_of(authorization).await?;
        let access = context.access();
        let api = access.named_api(authorization.audience.as_deref())?;
        if api.is_some_and(|api| !api.allow_offline_access) {
            return Err(
                OAuthError::invalid_grant().because("the API no longer allows offline access")
            );
        }
        let login = LoginEvent {
            tenant: context.issuer.tenant_name(),
            client: self.client,
            user: &user,
            protocol: "oauth2-refresh-token",
            request: &self.seen,
            requested,
            audience: api.map(|api| api.identifier.as_str()),
            redirect_uri: None,
            prompt: None,
            session_id: authorization.session_id.as_deref(),
            authenticated_at: UnixTime::from_seconds(authorization.authenticated_at),
        };
        let verdict = decide(context, &access, &login).await?;
        let scope = access.for_user(&authorization.client_id, api, &verdict.scope)?;
        let binding = self.binding(api)?;
        let granted = Granted {
            authorization,
            api,
            scope: &scope,
            grant: Some("refresh_token"),
            binding: binding.as_ref(),
        };
        let claims = verdict.access_token.into_map();
        let (access_token, lifetime) =
            context
                .keys
                .user_access_token(&context.issuer, &granted, claims, now)?;
        let mut response = TokenResponse::new(access_token, binding.as_ref(), lifetime, &scope);
        if scope.contains("openid") {
            let claims = IdTokenClaims {
                nonce: None,
                custom: verdict.id_token.into_map(),
            };
            response.id_token = Some(context.keys.id_token(
                &context.issuer,
                &granted,
                &user.profile,
                claims,
                now,
            )?);
        }
        Ok(response)
    }

    /// Somebody spent the same token while the scripts ran: that is reuse like any other.
    async fn refuse_late(&self, token: &Reference) -> Result<TokenResponse, OAuthError> {
        if let RefreshTokenFound::Used { grant_id, .. } =
            self.context.state.refresh_token(token, self.now).await?
        {
            self.context.state.revoke_grant(&grant_id).await?;
        }
        Err(OAuthError::invalid_grant().because("spent twice at once"))
    }
}

/// A client may ask for less than it was granted, never for more (RFC 6749 §6).
fn narrowed(granted: Scope, requested: Option<Scope>) -> Result<Scope, OAuthError> {
    match requested {
        None => Ok(granted),
        Some(requested) if requested.is_subset(&granted) => Ok(requested),
        Some(_) => Err(OAuthError::new(
            ErrorCode::InvalidScope,
            "the scope is more than the login has granted",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refresh_never_widens_the_scope() {
        let granted: Scope = "openid read:users".parse().unwrap();
        assert_eq!(narrowed(granted.clone(), None).unwrap(), granted);
        assert_eq!(
            narrowed(granted.clone(), Some("openid".parse().unwrap()))
                .unwrap()
                .to_string(),
            "openid"
        );
        assert_eq!(
            narrowed(granted, Some("delete:users".parse().unwrap()))
                .unwrap_err()
                .code,
            ErrorCode::InvalidScope
        );
    }
}
