//! The answer that two operations share.

use schemars::JsonSchema;
use serde::Serialize;

use super::Output;
use crate::audit::Outcome;
use crate::profile::Profile;

/// A user, or `null`: for an unknown user, a wrong password and a disabled account alike.
#[derive(Serialize, JsonSchema)]
pub struct UserAnswer {
    /// The user's profile, or `null`.
    pub user: Option<Profile>,
}

impl Output for UserAnswer {
    fn outcome(&self) -> Outcome {
        if self.user.is_some() {
            Outcome::User
        } else {
            Outcome::NoUser
        }
    }

    fn user_id(&self) -> Option<&str> {
        self.user.as_ref().map(|user| user.user_id.as_str())
    }
}
