//! The end of a user, by the one name that never changes.

use lychgate_store::{Parameters, StatementName};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Input, Operation, Output};
use crate::audit::Outcome;
use crate::body::fields::Fields;
use crate::legacy::Legacy;
use crate::problem::{InvalidField, Problem};
use crate::scope::Authorized;

/// The operation.
pub struct Delete;

/// The body of [`Delete`].
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct DeleteInput {
    /// The `user_id` of the user's profile.
    pub user_id: String,
}

/// Whether there was such a user.
#[derive(Serialize, JsonSchema)]
pub struct UserDeleted {
    /// Whether a user matched.
    pub deleted: bool,
}

impl Operation for Delete {
    const NAME: &'static str = "delete";
    const PATH: &'static str = "/v1/users/delete";
    const SCOPE: &'static str = "delete:users";
    const SUMMARY: &'static str = "Removes a user";
    const STATEMENT: StatementName = StatementName::Delete;
    type Input = DeleteInput;
    type Output = UserDeleted;

    async fn run(
        _caller: Authorized<Self>,
        input: Self::Input,
        legacy: &Legacy,
    ) -> Result<UserDeleted, Problem> {
        let parameters = Parameters::new().with("user_id", input.user_id);
        let written = legacy.write(Self::STATEMENT, &parameters).await?;
        Ok(UserDeleted {
            deleted: written.matched > 0,
        })
    }
}

impl Input for DeleteInput {
    fn read(fields: &mut Fields<'_>) -> Result<Self, InvalidField> {
        Ok(Self {
            user_id: fields.required("user_id")?,
        })
    }

    fn about(&self) -> &str {
        &self.user_id
    }
}

impl Output for UserDeleted {
    fn outcome(&self) -> Outcome {
        if self.deleted {
            Outcome::Deleted
        } else {
            Outcome::NoUser
        }
    }
}
