//! The statements of config: which there are, and which parameters each may and must take.
//! What leaves here is a closed set of names; nothing in it comes from a caller.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, StatementFlaw};

/// What config can define a statement for, in the contract's order: the operations, and one that is nobody's to call.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum StatementName {
    /// Finds a user by identifier, with the stored password hash. The only statement that may return it.
    Authenticate,
    /// Finds a user by identifier.
    Lookup,
    /// Adds a user.
    Create,
    /// Marks an e-mail address as verified.
    VerifyEmail,
    /// Replaces a user's password hash.
    ChangePassword,
    /// Replaces a user's e-mail address.
    ChangeEmail,
    /// Removes a user.
    Delete,
    /// Replaces a password hash by one of the same password, if it is still the one that was verified. No operation: it
    /// follows a login.
    UpgradePassword,
}

impl StatementName {
    /// Every name, in the order of the contract.
    pub const ALL: [Self; 8] = [
        Self::Authenticate,
        Self::Lookup,
        Self::Create,
        Self::VerifyEmail,
        Self::ChangePassword,
        Self::ChangeEmail,
        Self::Delete,
        Self::UpgradePassword,
    ];

    /// The key in `[store.operations]`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Authenticate => "authenticate",
            Self::Lookup => "lookup",
            Self::Create => "create",
            Self::VerifyEmail => "verify_email",
            Self::ChangePassword => "change_password",
            Self::ChangeEmail => "change_email",
            Self::Delete => "delete",
            Self::UpgradePassword => "upgrade_password",
        }
    }

    /// Whether the statement only reads: a read that writes is refused at start, and so is a write that only reads.
    pub const fn is_read(self) -> bool {
        matches!(self, Self::Authenticate | Self::Lookup)
    }

    /// The parameters that the statement may take.
    pub const fn parameters(self) -> &'static [&'static str] {
        match self {
            Self::Authenticate | Self::Lookup => &["identifier"],
            Self::Create => &[
                "password_hash",
                "email",
                "username",
                "nickname",
                "name",
                "given_name",
                "family_name",
                "picture",
                "phone_number",
                "phone_verified",
                "email_verified",
                "user_metadata",
                "app_metadata",
            ],
            Self::VerifyEmail => &["email"],
            Self::ChangePassword => &["identifier", "password_hash"],
            Self::ChangeEmail => &["identifier", "new_email", "email_verified"],
            Self::Delete => &["user_id"],
            Self::UpgradePassword => &["identifier", "password_hash", "old_hash"],
        }
    }

    /// The parameter that says which user is meant, if the statement is about one that is there.
    pub(crate) const fn key(self) -> Option<&'static str> {
        match self {
            Self::Authenticate
            | Self::Lookup
            | Self::ChangePassword
            | Self::ChangeEmail
            | Self::UpgradePassword => Some("identifier"),
            Self::Create => None,
            Self::VerifyEmail => Some("email"),
            Self::Delete => Some("user_id"),
        }
    }

    /// The parameters without which the statement cannot do its work. Of each group at least one must be there.
    pub const fn required_parameters(self) -> &'static [&'static [&'static str]] {
        match self {
            Self::Authenticate | Self::Lookup => &[&["identifier"]],
            Self::Create => &[&["password_hash"], &["email", "username"]],
            Self::VerifyEmail => &[&["email"]],
            Self::ChangePassword => &[&["identifier"], &["password_hash"]],
            Self::ChangeEmail => &[&["identifier"], &["new_email"]],
            Self::Delete => &[&["user_id"]],
            // Without the identifier it would be about whoever has this hash, and without the old hash it would undo a
            // password that was changed in between.
            Self::UpgradePassword => &[&["identifier"], &["password_hash"], &["old_hash"]],
        }
    }
}

impl StatementName {
    /// What is wrong with `sql` as this statement, as far as that can be said without its database: its verb and its
    /// parameters. [`Store::open`](crate::Store::open) says the rest.
    pub fn flaw_in(self, sql: &str) -> Option<StatementFlaw> {
        crate::fit::fitting(self, sql).err()
    }
}

impl fmt::Display for StatementName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for StatementName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|statement| statement.name() == text)
            .ok_or_else(|| Error::UnknownStatement {
                name: text.to_owned(),
                nearest: nearest(text, &Self::ALL.map(Self::name)),
            })
    }
}

/// A statement that the store has prepared, and found to fit its operation.
#[derive(Clone, Debug)]
pub struct Statement {
    parameters: Vec<String>,
    columns: Vec<String>,
}

impl Statement {
    pub(crate) fn new(parameters: Vec<String>, columns: Vec<String>) -> Self {
        Self {
            parameters,
            columns,
        }
    }

    /// The parameters that the statement takes, without the colon, each once, in the order in which they first appear.
    pub fn parameters(&self) -> &[String] {
        &self.parameters
    }

    /// The columns that the statement returns, as the database names them. Empty for a write without `RETURNING`.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }
}

/// The known name that is closest to the text, for an error's 'did you mean'.
pub(crate) fn nearest(text: &str, known: &[&'static str]) -> &'static str {
    known
        .iter()
        .copied()
        .min_by_key(|name| strsim::damerau_levenshtein(name, text))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_back_from_its_key() {
        for statement in StatementName::ALL {
            assert_eq!(
                statement.name().parse::<StatementName>().unwrap(),
                statement
            );
        }
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_nearest_one() {
        let error = "chnage_email".parse::<StatementName>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no statement `chnage_email`; did you mean `change_email`?"
        );
        "authenticate_user".parse::<StatementName>().unwrap_err();
    }

    #[test]
    fn what_a_statement_must_take_it_may_take() {
        for statement in StatementName::ALL {
            for parameter in statement.required_parameters().iter().copied().flatten() {
                assert!(
                    statement.parameters().contains(parameter),
                    "{statement}: {parameter}"
                );
            }
        }
    }
}
