//! Is this the user's password? An attacker wants to know which users exist: every question costs one hash computation
//! and every 'no' is the same.

use std::sync::Arc;

use lychgate_password::Password;
use lychgate_store::{Identifier, Row, StatementName};
use schemars::JsonSchema;

use super::{Input, Operation, UserAnswer};
use crate::body::fields::Fields;
use crate::legacy::Legacy;
use crate::problem::{InvalidField, Problem};
use crate::scope::Authorized;

/// The operation.
pub struct Authenticate;

/// The body of [`Authenticate`].
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct AuthenticateInput {
    /// What the user typed to say who she is.
    #[schemars(with = "String")]
    pub identifier: Identifier,
    /// What the user typed to prove it.
    #[schemars(with = "String")]
    pub password: Password,
}

impl Operation for Authenticate {
    const NAME: &'static str = "authenticate";
    const PATH: &'static str = "/v1/users/authenticate";
    const SCOPE: &'static str = "authenticate:users";
    const SUMMARY: &'static str = "The user of this identifier and password, or null";
    const STATEMENT: StatementName = StatementName::Authenticate;
    const TRIES_A_PASSWORD: bool = true;
    type Input = AuthenticateInput;
    type Output = UserAnswer;

    async fn run(
        _caller: Authorized<Self>,
        input: Self::Input,
        legacy: &Legacy,
    ) -> Result<UserAnswer, Problem> {
        if legacy.is_verified_by_store() {
            let user = legacy
                .verified_by_store(&input.identifier, &input.password)
                .await?;
            return Ok(UserAnswer {
                user: user.filter(|user| !user.is_blocked()),
            });
        }
        let mut row = legacy.read(Self::STATEMENT, &input.identifier).await?;
        let stored = row.as_mut().and_then(Row::take_password_hash);
        let password = Arc::new(input.password);
        let matches = legacy
            .password_matches(Arc::clone(&password), stored.as_ref(), &input.identifier)
            .await?;
        let user = match row {
            Some(row) if matches => Some(legacy.profile(Self::STATEMENT, row)?),
            Some(_) | None => None,
        };
        let user = user.filter(|user| !user.is_blocked());
        if let (Some(_), Some(stored)) = (&user, stored) {
            legacy.offer_upgrade(&input.identifier, password, stored);
        }
        Ok(UserAnswer { user })
    }
}

impl Input for AuthenticateInput {
    fn read(fields: &mut Fields<'_>) -> Result<Self, InvalidField> {
        Ok(Self {
            identifier: fields.required("identifier")?,
            password: fields.required("password")?,
        })
    }

    fn about(&self) -> &str {
        self.identifier.as_str()
    }
}
