//! What runs between a login and a token: rules in the order of their file names, then post-login actions.
//!
//! In comes a user who has logged in and what a client asks for; out come the claims that scripts add and the scope they
//! leave, or a denial. A script that fails to run denies: an attacker would want a broken guard to stand open.

mod claims;
mod credentials_exchange;
mod post_login;
mod rules;

pub(crate) use claims::CustomClaims;
pub(crate) use credentials_exchange::ClientEvent;

use std::{collections::BTreeMap, path::Path};

use lychgate_script::{Container, Script};
use lychgate_token::{Scope, UnixTime};
use serde_json::{Map, Value, json};

use crate::{
    Error, clients::Client, oauth_error::OAuthError, script_folder::read_scripts, state::User,
};

/// Rules and actions, as configured.
#[derive(Clone, Default)]
pub struct PipelineSettings {
    /// Rules, in their order.
    pub rules: Vec<Script>,
    /// Where rules run; its `configuration` is that of the rules.
    pub rules_sandbox: lychgate_script::Settings,
    /// Actions of the trigger `post-login`, in their order.
    pub post_login: Vec<Script>,
    /// Actions of the trigger `credentials-exchange`, in their order.
    pub credentials_exchange: Vec<Script>,
    /// Where actions run.
    pub actions_sandbox: lychgate_script::Settings,
    /// `event.secrets`.
    pub secrets: BTreeMap<String, String>,
}

impl PipelineSettings {
    /// Reads the rules of a folder: every `*.js`.
    pub fn read_rules(&mut self, folder: &Path) -> Result<(), Error> {
        self.rules = read_scripts(folder)?;
        Ok(())
    }

    /// Reads the actions of a folder: every `*.js` in `post-login` and in `credentials-exchange`.
    pub fn read_actions(&mut self, folder: &Path) -> Result<(), Error> {
        let (post_login, credentials_exchange) = (
            folder.join("post-login"),
            folder.join("credentials-exchange"),
        );
        if !post_login.is_dir() && !credentials_exchange.is_dir() {
            return Err(Error::Setting {
                what: "actions",
                value: folder.display().to_string(),
                reason: "has neither a folder post-login nor a folder credentials-exchange",
            });
        }
        self.post_login = if post_login.is_dir() {
            read_scripts(&post_login)?
        } else {
            Vec::new()
        };
        self.credentials_exchange = if credentials_exchange.is_dir() {
            read_scripts(&credentials_exchange)?
        } else {
            Vec::new()
        };
        Ok(())
    }
}

/// Rules and actions, ready to run.
pub(crate) struct Pipeline {
    settings: PipelineSettings,
    rules: Container,
    actions: Container,
}

/// A login, as scripts see it.
pub(crate) struct LoginEvent<'l> {
    pub(crate) tenant: &'l str,
    pub(crate) client: &'l Client,
    pub(crate) user: &'l User,
    /// Such as `oidc-basic-profile` or `oauth2-refresh-token`.
    pub(crate) protocol: &'static str,
    pub(crate) request: &'l RequestEvent,
    pub(crate) requested: &'l Scope,
    /// The API that the token will be for.
    pub(crate) audience: Option<&'l str>,
    pub(crate) redirect_uri: Option<&'l str>,
    pub(crate) prompt: Option<&'static str>,
    pub(crate) session_id: Option<&'l str>,
    pub(crate) authenticated_at: UnixTime,
}

/// A request, as scripts see it: no credentials in it.
#[derive(Default)]
pub(crate) struct RequestEvent {
    pub(crate) address: String,
    pub(crate) hostname: String,
    pub(crate) user_agent: String,
    pub(crate) method: &'static str,
    pub(crate) query: Map<String, Value>,
    pub(crate) body: Map<String, Value>,
}

/// What rules and actions made of a login.
pub(crate) struct Verdict {
    pub(crate) scope: Scope,
    pub(crate) access_token: CustomClaims,
    pub(crate) id_token: CustomClaims,
    /// Metadata that actions have set, where they have.
    pub(crate) user_metadata: Map<String, Value>,
    /// Likewise.
    pub(crate) app_metadata: Map<String, Value>,
}

impl Pipeline {
    pub(crate) fn new(settings: PipelineSettings) -> Self {
        let rules = Container::new(settings.rules_sandbox.clone());
        let actions = Container::new(settings.actions_sandbox.clone());
        Self {
            settings,
            rules,
            actions,
        }
    }

    /// Runs all rules, then all post-login actions, until one denies. What they have set of the user's metadata is in the
    /// verdict, and beside a denial too: the platform applies it all the same.
    pub(crate) async fn run(&self, login: &LoginEvent<'_>) -> (Verdict, Result<(), OAuthError>) {
        let mut verdict = Verdict {
            scope: login.requested.clone(),
            access_token: CustomClaims::default(),
            id_token: CustomClaims::default(),
            user_metadata: login.user.user_metadata.clone(),
            app_metadata: login.user.app_metadata.clone(),
        };
        let mut outcome = self.run_rules(login, &mut verdict).await;
        if outcome.is_ok() {
            outcome = self.run_post_login(login, &mut verdict).await;
        }
        (verdict, outcome)
    }
}

impl LoginEvent<'_> {
    /// The user as scripts see one: the connection's profile, and over it the metadata that actions have set.
    fn user_json(&self) -> Map<String, Value> {
        let mut user = self.user.profile.to_user(&self.user.connection);
        for (name, kept) in [
            ("user_metadata", &self.user.user_metadata),
            ("app_metadata", &self.user.app_metadata),
        ] {
            let metadata = user.entry(name).or_insert_with(|| json!({}));
            if let Value::Object(metadata) = metadata {
                metadata.extend(kept.clone());
            }
        }
        user.insert(
            "created_at".to_owned(),
            json!(rfc3339(self.user.created_at)),
        );
        user.insert(
            "updated_at".to_owned(),
            json!(rfc3339(self.user.updated_at)),
        );
        user
    }
}

/// A time as scripts read it.
pub(crate) fn rfc3339(time: UnixTime) -> String {
    time::OffsetDateTime::from_unix_timestamp(time.seconds())
        .ok()
        .and_then(|time| {
            time.format(&time::format_description::well_known::Rfc3339)
                .ok()
        })
        .unwrap_or_default()
}

/// A script that did not do its work denies, with words that say no more than that.
fn denied_by_failure(script: &str, failure: impl std::fmt::Display) -> OAuthError {
    OAuthError::access_denied("the login was stopped by a rule or action that failed")
        .because(format!("{script}: {failure}"))
}
