//! Who is this? Asked by the tenant before it creates, changes or links an account; it says nothing of passwords.

use lychgate_store::{Identifier, StatementName};
use schemars::JsonSchema;

use super::{Input, Operation, UserAnswer};
use crate::body::fields::Fields;
use crate::legacy::Legacy;
use crate::problem::{InvalidField, Problem};
use crate::scope::Authorized;

/// The operation.
pub struct Lookup;

/// The body of [`Lookup`].
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct LookupInput {
    /// Whom to look for.
    #[schemars(with = "String")]
    pub identifier: Identifier,
}

impl Operation for Lookup {
    const NAME: &'static str = "lookup";
    const PATH: &'static str = "/v1/users/lookup";
    const SCOPE: &'static str = "read:users";
    const SUMMARY: &'static str =
        "The user of this identifier, or null; a disabled account is blocked";
    const STATEMENT: StatementName = StatementName::Lookup;
    type Input = LookupInput;
    type Output = UserAnswer;

    async fn run(
        _caller: Authorized<Self>,
        input: Self::Input,
        legacy: &Legacy,
    ) -> Result<UserAnswer, Problem> {
        Ok(UserAnswer {
            user: legacy.look_up(&input.identifier).await?,
        })
    }
}

impl Input for LookupInput {
    fn read(fields: &mut Fields<'_>) -> Result<Self, InvalidField> {
        Ok(Self {
            identifier: fields.required("identifier")?,
        })
    }

    fn about(&self) -> &str {
        self.identifier.as_str()
    }
}
