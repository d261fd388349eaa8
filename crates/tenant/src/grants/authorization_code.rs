//! The authorization code grant (RFC 6749 §4.1, with PKCE as RFC 7636 and RFC 9700 §2.1.1 want it).

use lychgate_token::Confirmation;
use lychgate_token::pkce::{CodeChallenge, CodeVerifier};

use super::{Exchange, TokenResponse};
use crate::{
    oauth_error::OAuthError,
    state::{Code, Reference},
    tokens::{Granted, IdTokenClaims},
};

impl Exchange<'_> {
    /// Spends a code. It is gone from here on, whatever else is wrong with the request.
    pub(super) async fn authorization_code(
        self,
        code: Option<Reference>,
        redirect_uri: &str,
        verifier: Option<CodeVerifier>,
    ) -> Result<TokenResponse, OAuthError> {
        let (context, now) = (self.context, self.now);
        let code = code.ok_or_else(OAuthError::invalid_grant)?;
        let Some((grant_id, kept)) = context.state.take_code(&code, now).await? else {
            if context.state.revoke_grant_of_code(&code).await? {
                tracing::warn!(
                    client_id = self.client.client_id,
                    "a code was presented again; what it gave is revoked"
                );
            }
            return Err(OAuthError::invalid_grant());
        };
        if kept.authorization.client_id != self.client.client_id
            || kept.redirect_uri != redirect_uri
        {
            return Err(OAuthError::invalid_grant().because("another client or redirect_uri"));
        }
        if !is_proven(&kept, verifier.as_ref()) {
            return Err(OAuthError::invalid_grant()
                .because("the code_verifier is not the code_challenge's"));
        }
        self.answer(&grant_id, kept).await
    }

    async fn answer(self, grant_id: &str, kept: Code) -> Result<TokenResponse, OAuthError> {
        let (context, now) = (self.context, self.now);
        let mut authorization = kept.authorization;
        let user = self.user_of(&authorization).await?;
        let access = context.access();
        let api = access.named_api(authorization.audience.as_deref())?;
        // The policy may have changed since the code was made.
        let scope = access.for_user(&authorization.client_id, api, &authorization.scope()?)?;
        let binding = self.binding(api)?;
        if self.client.is_public() {
            authorization.confirmation = binding.as_ref().map(Confirmation::to_json);
        }
        let granted = Granted {
            authorization: &authorization,
            api,
            scope: &scope,
            grant: None,
            binding: binding.as_ref(),
        };
        let (access_token, lifetime) = context.keys.user_access_token(
            &context.issuer,
            &granted,
            kept.access_token_claims,
            now,
        )?;
        let mut response = TokenResponse::new(access_token, binding.as_ref(), lifetime, &scope);
        if scope.contains("openid") {
            let claims = IdTokenClaims {
                nonce: kept.nonce,
                custom: kept.id_token_claims,
            };
            response.id_token = Some(context.keys.id_token(
                &context.issuer,
                &granted,
                &user.profile,
                claims,
                now,
            )?);
        }
        let stands = if scope.contains("offline_access") {
            let refresh_token = Reference::generate()?;
            let until = now.plus(context.lifetimes.refresh_token);
            let was_kept = context
                .state
                .keep_refresh_token(&refresh_token, grant_id, &authorization, until)
                .await?;
            response.refresh_token = Some(refresh_token.expose_secret().to_owned());
            was_kept
        } else {
            context.state.grant_stands(grant_id).await?
        };
        if stands {
            Ok(response)
        } else {
            Err(OAuthError::invalid_grant().because("the code was presented twice at once"))
        }
    }
}

/// PKCE both ways: a challenge needs its verifier, and a verifier needs a challenge (RFC 9700 §4.8.2).
fn is_proven(kept: &Code, verifier: Option<&CodeVerifier>) -> bool {
    match (kept.challenge.as_deref(), verifier) {
        (None, None) => true,
        (Some(challenge), Some(verifier)) => CodeChallenge::new(challenge, Some("S256"))
            .is_ok_and(|challenge| challenge.matches(verifier)),
        (Some(_), None) | (None, Some(_)) => false,
    }
}
