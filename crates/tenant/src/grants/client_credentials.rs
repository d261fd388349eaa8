//! The client credentials grant (RFC 6749 §4.4): the one by which action scripts reach the gateway.

use lychgate_token::Scope;

use super::{Exchange, TokenResponse};
use crate::{oauth_error::OAuthError, pipeline::ClientEvent, tokens::GrantedToClient};

impl Exchange<'_> {
    /// The access policy decides first, then the credentials-exchange actions; rules never run here.
    pub(super) async fn client_credentials(
        self,
        audience: Option<String>,
        requested: &Scope,
    ) -> Result<TokenResponse, OAuthError> {
        let (context, client_id) = (self.context, self.client.client_id.as_str());
        let access = context.access();
        let (api, scope) = access.for_client(client_id, audience.as_deref(), requested)?;
        let binding = self.binding(Some(api))?;
        let exchange = ClientEvent {
            tenant: context.issuer.tenant_name(),
            client: self.client,
            audience: &api.identifier,
            requested,
            scope: &scope,
            request: &self.seen,
        };
        let claims = access
            .pipeline
            .run_credentials_exchange(&exchange)
            .await?
            .into_map();
        let response_scope = scope.clone();
        let granted = GrantedToClient {
            client_id,
            api,
            scope,
            binding: binding.as_ref(),
        };
        let token = context
            .keys
            .client_access_token(&context.issuer, granted, claims, self.now)?;
        Ok(TokenResponse::new(
            token,
            binding.as_ref(),
            api.token_lifetime,
            &response_scope,
        ))
    }
}
