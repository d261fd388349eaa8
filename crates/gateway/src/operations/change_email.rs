//! A new e-mail address, and whether it is verified already.

use lychgate_store::{Identifier, StatementName};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Input, Operation, Output};
use crate::audit::Outcome;
use crate::body::fields::{Email, Fields};
use crate::legacy::{Legacy, named};
use crate::problem::{InvalidField, Problem};
use crate::scope::Authorized;

/// The operation.
pub struct ChangeEmail;

/// The body of [`ChangeEmail`].
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ChangeEmailInput {
    /// Whose address.
    #[schemars(with = "String")]
    pub identifier: Identifier,
    /// The new one.
    #[schemars(with = "String")]
    pub new_email: Email,
    /// Whether the new one is verified; required if the statement takes it, refused if not.
    #[schemars(extend("type" = "boolean"))]
    pub email_verified: Option<bool>,
}

/// Whether there is such a user.
#[derive(Serialize, JsonSchema)]
pub struct EmailChanged {
    /// Whether a user matched.
    pub changed: bool,
}

impl Operation for ChangeEmail {
    const NAME: &'static str = "change_email";
    const PATH: &'static str = "/v1/users/change-email";
    const SCOPE: &'static str = "update:emails";
    const SUMMARY: &'static str = "Replaces a user's e-mail address";
    const STATEMENT: StatementName = StatementName::ChangeEmail;
    type Input = ChangeEmailInput;
    type Output = EmailChanged;

    async fn run(
        _caller: Authorized<Self>,
        input: Self::Input,
        legacy: &Legacy,
    ) -> Result<EmailChanged, Problem> {
        let mut parameters = named(&input.identifier).with("new_email", input.new_email.as_str());
        if let Some(verified) = input.email_verified {
            parameters = parameters.with("email_verified", verified);
        }
        let changed = legacy
            .change(Self::STATEMENT, &input.identifier, &parameters)
            .await?;
        Ok(EmailChanged { changed })
    }
}

impl Input for ChangeEmailInput {
    fn read(fields: &mut Fields<'_>) -> Result<Self, InvalidField> {
        Ok(Self {
            identifier: fields.required("identifier")?,
            new_email: fields.required("new_email")?,
            email_verified: fields.required_if_taken("email_verified")?,
        })
    }

    fn about(&self) -> &str {
        self.identifier.as_str()
    }

    fn second_name(&self) -> Option<&str> {
        Some(self.new_email.as_str())
    }
}

impl Output for EmailChanged {
    fn outcome(&self) -> Outcome {
        if self.changed {
            Outcome::Changed
        } else {
            Outcome::NoUser
        }
    }
}
