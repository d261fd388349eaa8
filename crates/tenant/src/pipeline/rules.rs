//! Rules: `function (user, context, callback)`.

use lychgate_script::{ErrorClass, Failure};
use lychgate_token::Scope;
use serde_json::{Map, Value, json};

use super::{LoginEvent, Pipeline, Verdict, denied_by_failure, rfc3339};
use crate::{connections::log_run, oauth_error::OAuthError};

impl Pipeline {
    /// Runs the rules one after the other; each gets what the one before handed on.
    pub(super) async fn run_rules(
        &self,
        login: &LoginEvent<'_>,
        verdict: &mut Verdict,
    ) -> Result<(), OAuthError> {
        if self.settings.rules.is_empty() {
            return Ok(());
        }
        let mut handed_on = vec![Value::Object(login.user_json()), context(login)];
        for rule in &self.settings.rules {
            let run = self.rules.call_function(rule, handed_on).await;
            log_run(rule.name(), "rules", &run);
            handed_on = match run.outcome {
                Ok(values) => values,
                Err(Failure::Thrown(error)) if error.class == ErrorClass::Unauthorized => {
                    return Err(OAuthError::access_denied(error.message));
                }
                Err(failure) => return Err(denied_by_failure(rule.name(), failure)),
            };
            let is_object = |value: Option<&Value>| value.is_some_and(Value::is_object);
            if !is_object(handed_on.first()) || !is_object(handed_on.get(1)) {
                return Err(denied_by_failure(
                    rule.name(),
                    "it did not hand on user and context",
                ));
            }
            handed_on.truncate(2);
        }
        match handed_on.pop() {
            Some(Value::Object(context)) => apply(context, verdict),
            _ => Err(denied_by_failure("rules", "no context was handed on")),
        }
    }
}

/// What a rule sees of the transaction (the platform's `context`).
fn context(login: &LoginEvent<'_>) -> Value {
    let request = login.request;
    let scope: Vec<&str> = login.requested.iter().collect();
    json!({
        "tenant": login.tenant,
        "clientID": login.client.client_id,
        "clientName": login.client.name,
        "clientMetadata": {},
        "connection": login.user.connection,
        "connectionStrategy": "auth0",
        "connectionOptions": {},
        "connectionMetadata": {},
        "protocol": login.protocol,
        "request": {
            "ip": request.address,
            "hostname": request.hostname,
            "userAgent": request.user_agent,
            "geoip": {},
            "query": request.query,
            "body": request.body,
        },
        "sessionID": login.session_id,
        "stats": { "loginsCount": login.user.logins },
        "sso": { "with_auth0": false, "with_dbconn": true, "current_clients": [] },
        "authentication": { "methods": [{ "name": "pwd", "timestamp": rfc3339(login.authenticated_at) }] },
        "authorization": { "roles": [] },
        "accessToken": { "scope": scope },
        "idToken": {},
        "samlConfiguration": {},
    })
}

/// What the rules left in the context. What this tenant cannot do denies: a second factor that is not asked for is none.
fn apply(mut context: Map<String, Value>, verdict: &mut Verdict) -> Result<(), OAuthError> {
    for unsupported in ["multifactor", "redirect"] {
        if context
            .get(unsupported)
            .is_some_and(|value| !value.is_null())
        {
            return Err(denied_by_failure(
                "rules",
                format!("context.{unsupported} is not there in this tenant"),
            ));
        }
    }
    if let Some(Value::Object(mut access_token)) = context.remove("accessToken") {
        if let Some(scope) = access_token.remove("scope") {
            verdict.scope = read_scope(&scope)
                .ok_or_else(|| denied_by_failure("rules", "accessToken.scope is no scope"))?;
        }
        access_token
            .into_iter()
            .for_each(|(name, value)| verdict.access_token.set(name, value));
    }
    if let Some(Value::Object(id_token)) = context.remove("idToken") {
        id_token
            .into_iter()
            .for_each(|(name, value)| verdict.id_token.set(name, value));
    }
    Ok(())
}

/// A scope as rules write one: a list, or a string with spaces.
fn read_scope(value: &Value) -> Option<Scope> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items
            .iter()
            .map(Value::as_str)
            .collect::<Option<Vec<_>>>()?
            .join(" "),
        _ => return None,
    };
    if text.is_empty() {
        Some(Scope::default())
    } else {
        text.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_a_list_or_a_string() {
        assert_eq!(read_scope(&json!(["b", "a"])).unwrap().to_string(), "a b");
        assert_eq!(read_scope(&json!("b a")).unwrap().to_string(), "a b");
        assert!(read_scope(&json!([])).unwrap().is_empty());
        assert!(read_scope(&json!(["a", 1])).is_none());
        assert!(read_scope(&json!({ "a": true })).is_none());
    }
}
