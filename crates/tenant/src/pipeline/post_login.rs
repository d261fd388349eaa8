//! Post-login actions: `exports.onExecutePostLogin = async (event, api) => …`.

use lychgate_script::ApiCall;
use lychgate_token::Scope;
use serde_json::{Map, Value, json};

use super::{LoginEvent, Pipeline, Verdict, denied_by_failure, rfc3339};
use crate::{access::union, connections::log_run, oauth_error::OAuthError};

impl Pipeline {
    /// Runs the post-login actions one after the other, until one denies.
    pub(super) async fn run_post_login(
        &self,
        login: &LoginEvent<'_>,
        verdict: &mut Verdict,
    ) -> Result<(), OAuthError> {
        for action in &self.settings.post_login {
            let event = event(login, verdict);
            let run = self
                .actions
                .call_action(action, "onExecutePostLogin", event, &self.settings.secrets)
                .await;
            log_run(action.name(), "actions", &run);
            let calls = run
                .outcome
                .map_err(|failure| denied_by_failure(action.name(), failure))?;
            let mut denied = None;
            for call in calls {
                match apply(call, verdict) {
                    Ok(Some(reason)) => denied = denied.or(Some(reason)),
                    Ok(None) => {}
                    Err(wrong) => return Err(denied_by_failure(action.name(), wrong)),
                }
            }
            if let Some(reason) = denied {
                return Err(OAuthError::access_denied(reason));
            }
        }
        Ok(())
    }
}

/// What an action sees (the platform's `event`).
fn event(login: &LoginEvent<'_>, verdict: &Verdict) -> Value {
    let request = login.request;
    let mut user = login.user_json();
    user.insert(
        "user_metadata".to_owned(),
        merged(user.get("user_metadata"), &verdict.user_metadata),
    );
    user.insert(
        "app_metadata".to_owned(),
        merged(user.get("app_metadata"), &verdict.app_metadata),
    );
    let mut event = json!({
        "tenant": { "id": login.tenant },
        "client": { "client_id": login.client.client_id, "name": login.client.name, "metadata": {} },
        "connection": { "name": login.user.connection, "strategy": "auth0", "metadata": {} },
        "user": user,
        "request": {
            "ip": request.address,
            "hostname": request.hostname,
            "user_agent": request.user_agent,
            "method": request.method,
            "geoip": {},
            "query": request.query,
            "body": request.body,
        },
        "transaction": {
            "protocol": login.protocol,
            "requested_scopes": login.requested.iter().collect::<Vec<_>>(),
            "response_type": if login.redirect_uri.is_some() { vec!["code"] } else { Vec::new() },
            "prompt": login.prompt.into_iter().collect::<Vec<_>>(),
            "redirect_uri": login.redirect_uri,
            "acr_values": [],
            "ui_locales": [],
        },
        "authentication": { "methods": [{ "name": "pwd", "timestamp": rfc3339(login.authenticated_at) }] },
        "authorization": { "roles": [] },
        "stats": { "logins_count": login.user.logins },
    });
    if let Value::Object(members) = &mut event {
        if let Some(audience) = login.audience {
            members.insert(
                "resource_server".to_owned(),
                json!({ "identifier": audience }),
            );
        }
        if let Some(session_id) = login.session_id {
            members.insert("session".to_owned(), json!({ "id": session_id }));
        }
    }
    event
}

fn merged(profile: Option<&Value>, kept: &Map<String, Value>) -> Value {
    let mut all = profile
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    all.extend(kept.clone());
    Value::Object(all)
}

/// Does what an action asked for; a reason is a denial. What this tenant cannot do is an error, so that a second factor
/// or a redirect that an action relies on is never just left out.
fn apply(call: ApiCall, verdict: &mut Verdict) -> Result<Option<String>, String> {
    let name = call.name;
    let mut arguments = call.arguments.into_iter();
    let mut text = || match arguments.next() {
        Some(Value::String(text)) => Ok(text),
        _ => Err(format!("api.{name} needs a string")),
    };
    match name {
        "access.deny" => {
            return Ok(Some(
                text().unwrap_or_else(|_| "access was denied".to_owned()),
            ));
        }
        "accessToken.addScope" => verdict.scope = union(&verdict.scope, &one_scope(&text()?)?),
        "accessToken.removeScope" => verdict.scope = without(&verdict.scope, &text()?),
        "accessToken.setCustomClaim" => verdict
            .access_token
            .set(text()?, arguments.next().unwrap_or_default()),
        "idToken.setCustomClaim" => verdict
            .id_token
            .set(text()?, arguments.next().unwrap_or_default()),
        "user.setUserMetadata" => {
            set_metadata(&mut verdict.user_metadata, text()?, arguments.next())?;
        }
        "user.setAppMetadata" => {
            set_metadata(&mut verdict.app_metadata, text()?, arguments.next())?;
        }
        other => return Err(format!("api.{other} is not there in this tenant")),
    }
    Ok(None)
}

fn one_scope(text: &str) -> Result<Scope, String> {
    text.parse()
        .map_err(|_| "api.accessToken.addScope needs a scope".to_owned())
}

fn without(scope: &Scope, removed: &str) -> Scope {
    let left: Vec<&str> = scope.iter().filter(|token| *token != removed).collect();
    left.join(" ").parse().unwrap_or_default()
}

fn set_metadata(
    metadata: &mut Map<String, Value>,
    name: String,
    value: Option<Value>,
) -> Result<(), String> {
    /// Bytes of one user's metadata of one kind, as JSON.
    const METADATA_BYTES: usize = 16 * 1024;
    match value {
        None | Some(Value::Null) => metadata.remove(&name),
        Some(value) => metadata.insert(name, value),
    };
    match serde_json::to_vec(metadata) {
        Ok(text) if text.len() <= METADATA_BYTES => Ok(()),
        _ => Err("a user's metadata is larger than 16 KiB".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::CustomClaims;

    fn verdict() -> Verdict {
        Verdict {
            scope: "openid read:users".parse().unwrap(),
            access_token: CustomClaims::default(),
            id_token: CustomClaims::default(),
            user_metadata: Map::new(),
            app_metadata: Map::new(),
        }
    }

    fn call(name: &'static str, arguments: Vec<Value>) -> ApiCall {
        ApiCall { name, arguments }
    }

    #[test]
    fn a_denial_is_one_even_without_a_reason() {
        assert!(
            apply(call("access.deny", vec![json!("no")]), &mut verdict())
                .unwrap()
                .is_some()
        );
        assert!(
            apply(call("access.deny", vec![]), &mut verdict())
                .unwrap()
                .is_some()
        );
    }

    #[test]
    fn scopes_come_and_go() {
        let mut verdict = verdict();
        apply(call("accessToken.addScope", vec![json!("a")]), &mut verdict).unwrap();
        apply(
            call("accessToken.removeScope", vec![json!("read:users")]),
            &mut verdict,
        )
        .unwrap();
        assert_eq!(verdict.scope.to_string(), "a openid");
    }

    #[test]
    fn what_is_not_there_is_an_error() {
        assert!(
            apply(
                call("multifactor.enable", vec![json!("any")]),
                &mut verdict()
            )
            .is_err()
        );
    }
}
