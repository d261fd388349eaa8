//! The user has proven to the tenant that the address is hers; the store notes it.

use lychgate_store::{Identifier, Parameters, StatementName};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Input, Operation, Output};
use crate::audit::Outcome;
use crate::body::fields::Fields;
use crate::legacy::Legacy;
use crate::problem::{InvalidField, Problem};
use crate::scope::Authorized;

/// The operation.
pub struct VerifyEmail;

/// The body of [`VerifyEmail`].
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct VerifyEmailInput {
    /// The address that is verified now.
    #[schemars(with = "String")]
    pub email: Identifier,
}

/// Whether there is such a user.
#[derive(Serialize, JsonSchema)]
pub struct EmailVerified {
    /// Whether a user matched, changed or not.
    pub verified: bool,
}

impl Operation for VerifyEmail {
    const NAME: &'static str = "verify_email";
    const PATH: &'static str = "/v1/users/verify-email";
    const SCOPE: &'static str = "verify:users";
    const SUMMARY: &'static str = "Marks an e-mail address as verified";
    const STATEMENT: StatementName = StatementName::VerifyEmail;
    type Input = VerifyEmailInput;
    type Output = EmailVerified;

    async fn run(
        _caller: Authorized<Self>,
        input: Self::Input,
        legacy: &Legacy,
    ) -> Result<EmailVerified, Problem> {
        let parameters = Parameters::new().with("email", input.email.as_str());
        let written = legacy.write(Self::STATEMENT, &parameters).await?;
        Ok(EmailVerified {
            verified: written.matched > 0,
        })
    }
}

impl Input for VerifyEmailInput {
    fn read(fields: &mut Fields<'_>) -> Result<Self, InvalidField> {
        Ok(Self {
            email: fields.required("email")?,
        })
    }

    fn about(&self) -> &str {
        self.email.as_str()
    }
}

impl Output for EmailVerified {
    fn outcome(&self) -> Outcome {
        if self.verified {
            Outcome::Verified
        } else {
            Outcome::NoUser
        }
    }
}
