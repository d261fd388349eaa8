//! A connection at work: each of the seven scripts as one method, with its answer read by the platform's rules.

use lychgate_script::{Container, ErrorClass, Failure, Run};
use serde_json::{Map, Value, json};

use super::{ActionScript, Connection, ConnectionStatistics, Profile};

/// A connection whose scripts can be called.
pub(crate) struct Database {
    connection: Connection,
    container: Container,
}

/// Why nobody was recognized.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unrecognized {
    /// The platform's `fp`.
    WrongPassword,
    /// The platform's `fu`.
    UnknownUser,
}

/// Why a script has no answer that could be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ScriptFailed {
    /// The connection has no such script.
    #[error("please implement the {0} script")]
    Absent(&'static str),
    /// It refuses, in words that are meant for the user (`UnauthorizedError`).
    #[error("the script refused")]
    Unauthorized(String),
    /// It refuses what was entered (`ValidationError`); the code is the script's.
    #[error("the script refused what was entered: {code}")]
    Validation {
        /// Such as `user_exists`.
        code: String,
    },
    /// Nobody was recognized (`WrongUsernameOrPasswordError`).
    #[error("the script recognized nobody")]
    Unrecognized(Unrecognized),
    /// It failed, or answered what cannot be used.
    #[error("the script failed: {0}")]
    Failed(String),
}

/// What `create` is told of a new user.
pub(crate) struct NewUser<'u> {
    pub(crate) client_id: &'u str,
    pub(crate) tenant: &'u str,
    pub(crate) email: &'u str,
    pub(crate) username: Option<&'u str>,
    pub(crate) password: &'u str,
    pub(crate) user_metadata: Map<String, Value>,
}

impl Database {
    pub(crate) fn new(connection: Connection) -> Self {
        let container = Container::new(connection.sandbox.clone());
        Self {
            connection,
            container,
        }
    }

    /// The connection's name.
    pub(crate) fn name(&self) -> &str {
        &self.connection.name
    }

    /// Whether it has a script.
    pub(crate) fn has(&self, script: ActionScript) -> bool {
        self.connection.scripts.script(script).is_some()
    }

    /// What its container has done.
    pub(crate) fn statistics(&self) -> ConnectionStatistics {
        ConnectionStatistics {
            started: self.container.started(),
            recycled: self.container.recycled(),
        }
    }

    /// `login`. Without a profile and without an error, nobody was recognized (the platform's no-op).
    pub(crate) async fn login(
        &self,
        identifier: &str,
        password: &str,
    ) -> Result<Profile, ScriptFailed> {
        let answer = self
            .call(
                ActionScript::Login,
                vec![json!(identifier), json!(password)],
            )
            .await?;
        let profile =
            read_profile(answer)?.ok_or(ScriptFailed::Unrecognized(Unrecognized::UnknownUser))?;
        if profile.is_blocked() {
            return Err(ScriptFailed::Unrecognized(Unrecognized::WrongPassword));
        }
        Ok(profile)
    }

    /// `get_user`: the profile, or `None` for nobody.
    pub(crate) async fn get_user(&self, identifier: &str) -> Result<Option<Profile>, ScriptFailed> {
        read_profile(
            self.call(ActionScript::GetUser, vec![json!(identifier)])
                .await?,
        )
    }

    /// `create`.
    pub(crate) async fn create(&self, user: NewUser<'_>) -> Result<(), ScriptFailed> {
        let mut argument = json!({
            "client_id": user.client_id,
            "tenant": user.tenant,
            "connection": self.name(),
            "email": user.email,
            "password": user.password,
            "user_metadata": user.user_metadata,
            "app_metadata": {},
        });
        if let (Some(username), Value::Object(members)) = (user.username, &mut argument) {
            members.insert("username".to_owned(), json!(username));
        }
        self.call(ActionScript::Create, vec![argument])
            .await
            .map(|_| ())
    }

    /// `verify`: whether the address is now verified in the store.
    pub(crate) async fn verify(&self, email: &str) -> Result<bool, ScriptFailed> {
        self.call(ActionScript::Verify, vec![json!(email)])
            .await
            .map(|answer| is_done(answer.as_ref()))
    }

    /// `change_password`: whether the store has the new one.
    pub(crate) async fn change_password(
        &self,
        identifier: &str,
        password: &str,
    ) -> Result<bool, ScriptFailed> {
        let arguments = vec![json!(identifier), json!(password)];
        self.call(ActionScript::ChangePassword, arguments)
            .await
            .map(|answer| is_done(answer.as_ref()))
    }

    /// `change_email`: whether the store has the new one.
    pub(crate) async fn change_email(
        &self,
        email: &str,
        new_email: &str,
        verified: bool,
    ) -> Result<bool, ScriptFailed> {
        let arguments = vec![json!(email), json!(new_email), json!(verified)];
        self.call(ActionScript::ChangeEmail, arguments)
            .await
            .map(|answer| is_done(answer.as_ref()))
    }

    /// `delete`, by the id in the store.
    pub(crate) async fn delete(&self, user_id: &str) -> Result<(), ScriptFailed> {
        self.call(ActionScript::Delete, vec![json!(user_id)])
            .await
            .map(|_| ())
    }

    async fn call(
        &self,
        name: ActionScript,
        arguments: Vec<Value>,
    ) -> Result<Option<Value>, ScriptFailed> {
        let script = self
            .connection
            .scripts
            .script(name)
            .ok_or(ScriptFailed::Absent(name.name()))?;
        let run = self.container.call_function(script, arguments).await;
        log_run(name.name(), self.name(), &run);
        match run.outcome {
            Ok(values) => Ok(values.into_iter().next().filter(|value| !value.is_null())),
            Err(Failure::Thrown(error)) => Err(match error.class {
                ErrorClass::WrongUsernameOrPassword {
                    identifier: Some(_),
                } => ScriptFailed::Unrecognized(Unrecognized::WrongPassword),
                ErrorClass::WrongUsernameOrPassword { identifier: None } => {
                    ScriptFailed::Unrecognized(Unrecognized::UnknownUser)
                }
                ErrorClass::Validation { code } => ScriptFailed::Validation { code },
                ErrorClass::Unauthorized => ScriptFailed::Unauthorized(error.message),
                ErrorClass::Other => {
                    ScriptFailed::Failed("it called back with an error".to_owned())
                }
            }),
            Err(failure) => Err(ScriptFailed::Failed(failure.to_string())),
        }
    }
}

fn read_profile(answer: Option<Value>) -> Result<Option<Profile>, ScriptFailed> {
    answer
        .map(Profile::read)
        .transpose()
        .map_err(|wrong| ScriptFailed::Failed(wrong.to_owned()))
}

/// `true`, or the object form of `change_password`; anything else is a no.
fn is_done(answer: Option<&Value>) -> bool {
    matches!(answer, Some(Value::Bool(true) | Value::Object(_)))
}

/// What a run left behind. Scripts may say anything, names of people included, so their words are for debug level.
pub(crate) fn log_run<T>(script: &str, container: &str, run: &Run<T>) {
    let milliseconds = u64::try_from(run.duration.as_millis()).unwrap_or(u64::MAX);
    let (ok, calls) = (run.outcome.is_ok(), run.outbound.len());
    tracing::info!(target: "lychgate_tenant::script", script, container, ok, milliseconds, calls);
    for line in &run.logs {
        tracing::debug!(target: "lychgate_tenant::script", script, container, level = ?line.level, text = line.text);
    }
    for call in &run.outbound {
        tracing::debug!(target: "lychgate_tenant::script", script, container, method = call.method, url = call.url, answer = ?call.answer);
    }
    if let Err(failure) = &run.outcome {
        tracing::debug!(target: "lychgate_tenant::script", script, container, %failure);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_true_or_an_object_means_done() {
        assert!(is_done(Some(&json!(true))));
        assert!(is_done(Some(
            &json!({ "last_password_reset": "2026-01-01T00:00:00Z" })
        )));
        for answer in [
            None,
            Some(json!(false)),
            Some(json!("true")),
            Some(json!(1)),
            Some(json!([])),
        ] {
            assert!(!is_done(answer.as_ref()), "{answer:?}");
        }
    }
}
