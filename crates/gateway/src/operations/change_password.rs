//! A new password, hashed before the store is asked, so that an unknown user costs the same as a known one.

use lychgate_password::Password;
use lychgate_store::{Identifier, StatementName};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Input, Operation, Output};
use crate::audit::Outcome;
use crate::body::fields::Fields;
use crate::legacy::{Legacy, named};
use crate::problem::{InvalidField, Problem};
use crate::scope::Authorized;

/// The operation.
pub struct ChangePassword;

/// The body of [`ChangePassword`].
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ChangePasswordInput {
    /// Whose password.
    #[schemars(with = "String")]
    pub identifier: Identifier,
    /// The new one.
    #[schemars(with = "String")]
    pub new_password: Password,
}

/// Whether there is such a user.
#[derive(Serialize, JsonSchema)]
pub struct PasswordChanged {
    /// Whether a user matched.
    pub changed: bool,
}

impl Operation for ChangePassword {
    const NAME: &'static str = "change_password";
    const PATH: &'static str = "/v1/users/change-password";
    const SCOPE: &'static str = "update:passwords";
    const SUMMARY: &'static str = "Replaces a user's password";
    const STATEMENT: StatementName = StatementName::ChangePassword;
    type Input = ChangePasswordInput;
    type Output = PasswordChanged;

    async fn run(
        _caller: Authorized<Self>,
        input: Self::Input,
        legacy: &Legacy,
    ) -> Result<PasswordChanged, Problem> {
        let names = [input.identifier.as_str()];
        let parameters = legacy
            .with_new_password(
                named(&input.identifier),
                input.new_password,
                &names,
                "new_password",
            )
            .await?;
        let changed = legacy
            .change(Self::STATEMENT, &input.identifier, &parameters)
            .await?;
        Ok(PasswordChanged { changed })
    }
}

impl Input for ChangePasswordInput {
    fn read(fields: &mut Fields<'_>) -> Result<Self, InvalidField> {
        Ok(Self {
            identifier: fields.required("identifier")?,
            new_password: fields.required("new_password")?,
        })
    }

    fn about(&self) -> &str {
        self.identifier.as_str()
    }
}

impl Output for PasswordChanged {
    fn outcome(&self) -> Outcome {
        if self.changed {
            Outcome::Changed
        } else {
            Outcome::NoUser
        }
    }
}
