//! Credentials-exchange actions: `exports.onExecuteCredentialsExchange = async (event, api) => …`.

use lychgate_token::Scope;
use serde_json::{Value, json};

use super::{CustomClaims, Pipeline, RequestEvent, denied_by_failure};
use crate::{
    clients::Client,
    connections::log_run,
    oauth_error::{ErrorCode, OAuthError},
};

/// A client-credentials exchange, as actions see it.
pub(crate) struct ClientEvent<'e> {
    pub(crate) tenant: &'e str,
    pub(crate) client: &'e Client,
    pub(crate) audience: &'e str,
    pub(crate) requested: &'e Scope,
    pub(crate) scope: &'e Scope,
    pub(crate) request: &'e RequestEvent,
}

impl Pipeline {
    /// Runs the credentials-exchange actions one after the other, until one denies.
    pub(crate) async fn run_credentials_exchange(
        &self,
        exchange: &ClientEvent<'_>,
    ) -> Result<CustomClaims, OAuthError> {
        let mut claims = CustomClaims::default();
        for action in &self.settings.credentials_exchange {
            let event = event(exchange);
            let secrets = &self.settings.secrets;
            let run = self
                .actions
                .call_action(action, "onExecuteCredentialsExchange", event, secrets)
                .await;
            log_run(action.name(), "actions", &run);
            for call in run
                .outcome
                .map_err(|failure| denied_by_failure(action.name(), failure))?
            {
                let mut arguments = call.arguments.into_iter();
                match (call.name, arguments.next()) {
                    ("access.deny", code) => {
                        return Err(denial(code.as_ref(), arguments.next().as_ref()));
                    }
                    ("accessToken.setCustomClaim", Some(Value::String(name))) => {
                        claims.set(name, arguments.next().unwrap_or_default());
                    }
                    (other, _) => {
                        return Err(denied_by_failure(
                            action.name(),
                            format!("api.{other} is not there"),
                        ));
                    }
                }
            }
        }
        Ok(claims)
    }
}

/// What an action sees (the platform's `event`).
fn event(exchange: &ClientEvent<'_>) -> Value {
    let request = exchange.request;
    json!({
        "tenant": { "id": exchange.tenant },
        "client": { "client_id": exchange.client.client_id, "name": exchange.client.name, "metadata": {} },
        "resource_server": { "identifier": exchange.audience },
        "accessToken": { "customClaims": {}, "scope": exchange.scope.iter().collect::<Vec<_>>() },
        "transaction": { "requested_scopes": exchange.requested.iter().collect::<Vec<_>>() },
        "request": {
            "ip": request.address,
            "hostname": request.hostname,
            "user_agent": request.user_agent,
            "method": request.method,
            "geoip": {},
            "body": request.body,
        },
    })
}

/// `api.access.deny(code, reason)`: the code is one of three; with another, or with the one argument of the other
/// trigger, it is still a denial.
fn denial(code: Option<&Value>, reason: Option<&Value>) -> OAuthError {
    let code = match code.and_then(Value::as_str) {
        Some("invalid_scope") => ErrorCode::InvalidScope,
        Some("server_error") => ErrorCode::ServerError,
        _ => ErrorCode::InvalidRequest,
    };
    let reason = reason
        .and_then(Value::as_str)
        .unwrap_or("access was denied by an action");
    OAuthError::new(code, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_is_one_whatever_its_code() {
        assert_eq!(
            denial(Some(&json!("invalid_scope")), Some(&json!("no"))).code,
            ErrorCode::InvalidScope
        );
        assert_eq!(
            denial(Some(&json!("server_error")), None).code,
            ErrorCode::ServerError
        );
        for code in [Some(json!("access_denied")), Some(json!(1)), None] {
            assert_eq!(denial(code.as_ref(), None).code, ErrorCode::InvalidRequest);
        }
    }
}
