//! What a platform holds so that its scripts reach the gateway, and nobody else does. One description serves every form
//! of export.
//!
//! A secret never stands in it. What differs from tenant to tenant is a parameter of the form; what the config of a
//! gateway knows, and is no secret, may stand in it as it is.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use lychgate_gateway::SenderConstraint;
use lychgate_gateway::operations::{OPERATIONS, OperationEntry};
use lychgate_store::StatementName;
use lychgate_token::Algorithm;

use crate::commands::Failure;
use crate::config;
use crate::templates;

/// The name of the API that stands for the gateway.
pub(super) const API: &str = "Lychgate gateway";

/// The name of the client that the action scripts take their tokens as.
pub(super) const SCRIPT_CLIENT: &str = "Lychgate action scripts";

/// The action that keeps users away from the API.
pub(super) const DENY_ACTION: &str = "deny_gateway_audience";

/// The action that keeps other clients away from it.
pub(super) const RESTRICT_ACTION: &str = "restrict_gateway_clients";

/// The runtime of the actions. It is the one that Auth0 recommends.
pub(super) const RUNTIME: &str = "node22";

/// A token that leaks works until it expires, and the script client can ask for another at any time.
const TOKEN_LIFETIME: Duration = Duration::from_hours(1);

#[derive(Args)]
pub(super) struct PlatformArguments {
    /// The folder to write into.
    #[arg(long, value_name = "DIR")]
    pub(super) out: PathBuf,
    /// The gateway's config: its audience then stands in what is written, and scripts and scopes are those of the
    /// operations that it defines. Without it the audience is a parameter and all seven operations are there.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The name of the database connection: letters, digits and dashes.
    #[arg(long, value_name = "NAME", default_value = "legacy", value_parser = connection_name)]
    connection: String,
    /// The platform keeps each user whom it has seen: only `login` and `get_user` are run, and no other is written.
    #[arg(long)]
    import_users: bool,
}

/// What a platform is to hold.
pub(super) struct Platform {
    /// The identifier of the API; `None`: a parameter.
    pub(super) audience: Option<String>,
    pub(super) algorithm: Algorithm,
    pub(super) token_lifetime: Duration,
    /// Whether tokens are bound to a key of the scripts (RFC 9449).
    pub(super) binds_tokens: bool,
    pub(super) connection: String,
    pub(super) imports_users: bool,
    /// What the scripts may ask for.
    pub(super) operations: Vec<&'static OperationEntry>,
}

impl Platform {
    /// Describes what was asked for.
    pub(super) fn read(arguments: &PlatformArguments) -> Result<Self, Failure> {
        let mut platform = Self {
            audience: None,
            algorithm: Algorithm::Rs256,
            token_lifetime: TOKEN_LIFETIME,
            binds_tokens: false,
            connection: arguments.connection.clone(),
            imports_users: arguments.import_users,
            operations: OPERATIONS.iter().collect(),
        };
        if let Some(path) = &arguments.config {
            let Some(gateway) = config::read(path)?.gateway else {
                return Err(Failure::Config(
                    "the config has no `[gateway]`, so there is nothing for a platform to reach"
                        .to_owned(),
                ));
            };
            let tokens = &gateway.access_token;
            platform.audience = Some(tokens.audience.as_str().to_owned());
            platform.token_lifetime = tokens.max_lifetime.min(TOKEN_LIFETIME);
            platform.binds_tokens = binds_tokens(&tokens.sender_constraint)?;
            platform.algorithm = algorithm(&tokens.algorithms)?;
            let statements = &gateway.store.statements;
            platform
                .operations
                .retain(|operation| statements.contains_key(&operation.statement));
        }
        if platform.imports_users {
            platform.operations.retain(|operation| {
                matches!(
                    operation.statement,
                    StatementName::Authenticate | StatementName::Lookup
                )
            });
        }
        Ok(platform)
    }

    /// The scopes of the API, which are also those of the script client's grant.
    pub(super) fn scopes(&self) -> impl Iterator<Item = &'static str> {
        self.operations.iter().map(|operation| operation.scope)
    }

    /// The action scripts that the connection runs: the name of each at the platform, and its text.
    pub(super) fn scripts(&self) -> anyhow::Result<Vec<(&'static str, String)>> {
        let names = self.operations.iter();
        let names = names.filter_map(|operation| action_script(operation.statement));
        names
            .map(|name| {
                Ok((
                    name,
                    templates::render(&format!("action_scripts/{name}.js"), ())?,
                ))
            })
            .collect()
    }

    /// Whether somebody can sign up.
    pub(super) fn has_sign_up(&self) -> bool {
        let mut operations = self.operations.iter();
        self.imports_users
            || operations.any(|operation| operation.statement == StatementName::Create)
    }
}

/// The key of a script at the platform (`options.customScripts`).
fn action_script(statement: StatementName) -> Option<&'static str> {
    match statement {
        StatementName::Authenticate => Some("login"),
        StatementName::Lookup => Some("get_user"),
        StatementName::Create => Some("create"),
        StatementName::VerifyEmail => Some("verify"),
        StatementName::ChangePassword => Some("change_password"),
        StatementName::ChangeEmail => Some("change_email"),
        StatementName::Delete => Some("delete"),
        StatementName::UpgradePassword => None,
    }
}

/// Whether the scripts have to prove a key. They cannot show a certificate.
fn binds_tokens(constraint: &SenderConstraint) -> Result<bool, Failure> {
    match constraint {
        SenderConstraint::None => Ok(false),
        SenderConstraint::Dpop(_) => Ok(true),
        SenderConstraint::Mtls => Err(Failure::Config(
            "`gateway.access_token.sender_constraint` is \"mtls\", and action scripts have no certificate to show: use \"dpop\""
                .to_owned(),
        )),
    }
}

/// The first algorithm of the gateway that Auth0 can sign with.
fn algorithm(accepted: &[Algorithm]) -> Result<Algorithm, Failure> {
    let mut accepted = accepted.iter().copied();
    accepted
        .find(|algorithm| matches!(algorithm, Algorithm::Rs256 | Algorithm::Ps256))
        .ok_or_else(|| {
            Failure::Config(
                "`gateway.access_token.algorithms` has none that Auth0 signs with: add RS256"
                    .to_owned(),
            )
        })
}

/// At most 35 letters, digits and dashes, none of these at an edge: what Auth0 takes.
fn connection_name(name: &str) -> Result<String, String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let is_name = (1..=35).contains(&name.len())
        && name.bytes().all(allowed)
        && !name.starts_with('-')
        && !name.ends_with('-');
    if is_name {
        Ok(name.to_owned())
    } else {
        Err(
            "a connection has 1 to 35 letters, digits and dashes, with no dash at an edge"
                .to_owned(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_named_as_the_platform_allows() {
        let longest = "a".repeat(35);
        for name in ["legacy", "A-1", &longest] {
            assert!(connection_name(name).is_ok(), "{name}");
        }
        let longer = "a".repeat(36);
        for name in ["", "-a", "a-", "a_b", "../a", "ä", &longer] {
            assert!(connection_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn only_an_algorithm_of_the_platform_is_exported() {
        let first = |accepted: &[Algorithm]| algorithm(accepted).ok();
        assert_eq!(
            first(&[Algorithm::Es256, Algorithm::Ps256]),
            Some(Algorithm::Ps256)
        );
        assert_eq!(first(&[Algorithm::Es256, Algorithm::EdDsa]), None);
    }
}
