//! The values a statement is run with, by name.
//! They reach the database as parameters, never as text of the statement, so nothing in them can be SQL.

use std::collections::BTreeMap;
use std::fmt;

use lychgate_password::{Password, StoredHash};

use crate::error::Error;
use crate::statement::{Statement, StatementName};

/// A value that goes into a statement or comes out of a row. Personal data: `Debug` tells the kind only.
#[derive(Clone, PartialEq)]
pub enum Value {
    /// SQL `NULL`.
    Null,
    /// A truth value. SQLite has none: it is written as 0 or 1 and comes back as [`Value::Integer`].
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A floating-point number.
    Real(f64),
    /// UTF-8 text.
    Text(String),
    /// Bytes that are not known to be text.
    Bytes(Vec<u8>),
}

impl fmt::Debug for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Null => "Null",
            Self::Boolean(_) => "Boolean(…)",
            Self::Integer(_) => "Integer(…)",
            Self::Real(_) => "Real(…)",
            Self::Text(_) => "Text(…)",
            Self::Bytes(_) => "Bytes(…)",
        })
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

/// The values for one run of a statement. What the statement may take and is not given is `NULL`, except what it must
/// take; what it does not take is an error, so that nothing a caller asked for is dropped without a word.
#[derive(Default)]
pub struct Parameters {
    values: BTreeMap<String, Value>,
    password_hash: Option<StoredHash>,
    old_hash: Option<StoredHash>,
    password: Option<Password>,
}

impl Parameters {
    /// No values yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the value of the parameter `:name`, named without the colon.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.values.insert(name.into(), value.into());
        self
    }

    /// Adds the value of `:password_hash`, which is a secret.
    #[must_use]
    pub fn with_password_hash(mut self, hash: StoredHash) -> Self {
        self.password_hash = Some(hash);
        self
    }

    /// Adds the value of `:old_hash`, the other secret: what the hash has to be still.
    #[must_use]
    pub fn with_old_hash(mut self, hash: StoredHash) -> Self {
        self.old_hash = Some(hash);
        self
    }

    /// Adds the password itself, for a store that hashes it: it stands where `:password_hash` would.
    #[must_use]
    pub fn with_password(mut self, password: Password) -> Self {
        self.password = Some(password);
        self
    }

    /// The password, for a store that hashes it.
    pub(crate) fn password(&self) -> Option<&Password> {
        self.password.as_ref()
    }

    /// The hash, for a store that keeps it.
    pub(crate) fn password_hash(&self) -> Option<&StoredHash> {
        self.password_hash.as_ref()
    }

    /// The values in the order in which the statement takes them.
    pub(crate) fn in_order<'a>(
        &'a self,
        name: StatementName,
        statement: &Statement,
    ) -> Result<Vec<Binding<'a>>, Error> {
        let fault = |fault, parameter: &str| Error::Parameter {
            statement: name,
            parameter: parameter.to_owned(),
            fault,
        };
        let taken = statement.parameters();
        if let Some(unknown) = self
            .names()
            .find(|given| !taken.iter().any(|taken| taken == given))
        {
            return Err(fault("with an unknown", unknown));
        }
        for group in name.required_parameters() {
            if !group
                .iter()
                .any(|wanted| self.names().any(|given| given == *wanted))
            {
                return Err(fault("without", &group.join("` or `")));
            }
        }
        Ok(taken
            .iter()
            .map(|parameter| self.binding(parameter))
            .collect())
    }

    fn binding(&self, parameter: &str) -> Binding<'_> {
        let secret = self
            .secrets()
            .into_iter()
            .find(|(name, _)| *name == parameter);
        match secret {
            Some((_, hash)) => hash.map_or(Binding::Value(&Value::Null), Binding::PasswordHash),
            None => Binding::Value(self.values.get(parameter).unwrap_or(&Value::Null)),
        }
    }

    /// The names of what is given. A hash given as a visible value is not one of them.
    fn names(&self) -> impl Iterator<Item = &str> {
        let is_secret = |given: &&str| SECRETS.contains(given);
        let secrets = self.secrets().into_iter();
        self.values
            .keys()
            .map(String::as_str)
            .filter(move |given| !is_secret(given))
            .chain(secrets.filter_map(|(name, hash)| hash.map(|_| name)))
            .chain(self.password.as_ref().map(|_| PASSWORD_HASH))
    }

    fn secrets(&self) -> [(&'static str, Option<&StoredHash>); 2] {
        [
            (PASSWORD_HASH, self.password_hash.as_ref()),
            (OLD_HASH, self.old_hash.as_ref()),
        ]
    }
}

/// What one parameter is run with.
pub(crate) enum Binding<'a> {
    Value(&'a Value),
    PasswordHash(&'a StoredHash),
}

/// The reserved name: as a parameter a hash to write, as a column the hash to compare with.
pub(crate) const PASSWORD_HASH: &str = "password_hash";

/// The hash that a row has to have still.
const OLD_HASH: &str = "old_hash";

/// The parameters that are never given as visible values.
const SECRETS: [&str; 2] = [PASSWORD_HASH, OLD_HASH];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_tells_the_kind_and_not_the_value() {
        assert_eq!(format!("{:?}", Value::from("zoe@example.com")), "Text(…)");
        assert_eq!(format!("{:?}", Value::Integer(4711)), "Integer(…)");
    }

    fn statement(parameters: &[&str]) -> Statement {
        Statement::new(
            parameters.iter().map(|name| (*name).to_owned()).collect(),
            vec![],
        )
    }

    fn hash() -> StoredHash {
        StoredHash::new("$2b$10$abc".to_owned()).unwrap()
    }

    #[test]
    fn values_come_in_the_order_of_the_statement_and_the_rest_is_null() {
        let statement = statement(&["password_hash", "nickname", "email"]);
        let parameters = Parameters::new()
            .with("email", "zoe@example.com")
            .with_password_hash(hash());
        let bindings = parameters
            .in_order(StatementName::Create, &statement)
            .unwrap();
        assert!(matches!(
            bindings.as_slice(),
            [
                Binding::PasswordHash(_),
                Binding::Value(Value::Null),
                Binding::Value(Value::Text(_))
            ]
        ));
    }

    #[test]
    fn what_a_statement_does_not_take_is_not_dropped_without_a_word() {
        let parameters = Parameters::new()
            .with("email", "zoe@example.com")
            .with("nickname", "Zoe")
            .with_password_hash(hash());
        let Err(error) = parameters.in_order(
            StatementName::Create,
            &statement(&["email", "password_hash"]),
        ) else {
            panic!("the nickname was dropped");
        };
        assert_eq!(
            error.to_string(),
            "statement `create` was run with an unknown parameter `nickname`"
        );
    }

    #[test]
    fn what_a_statement_must_take_is_never_null() {
        let statement = statement(&["identifier", "password_hash"]);
        for (parameters, missing) in [
            (Parameters::new().with_password_hash(hash()), "identifier"),
            (Parameters::new().with("identifier", "zoe"), "password_hash"),
            (
                Parameters::new()
                    .with("identifier", "zoe")
                    .with("password_hash", "visible"),
                "password_hash",
            ),
        ] {
            let Err(error) = parameters.in_order(StatementName::ChangePassword, &statement) else {
                panic!("{missing} was not missed");
            };
            assert_eq!(
                error.to_string(),
                format!("statement `change_password` was run without parameter `{missing}`")
            );
        }
    }

    #[test]
    fn both_hashes_of_an_upgrade_are_secrets_and_each_has_its_own_place() {
        let statement = statement(&["password_hash", "identifier", "old_hash"]);
        let parameters = || Parameters::new().with("identifier", "zoe");
        let old = || StoredHash::new("{SSHA}old".to_owned()).unwrap();
        let given = parameters().with_old_hash(old()).with_password_hash(hash());
        let bindings = given.in_order(StatementName::UpgradePassword, &statement);
        let [
            Binding::PasswordHash(new),
            _,
            Binding::PasswordHash(old_one),
        ] = *bindings.unwrap()
        else {
            panic!("two secrets")
        };
        assert_eq!(new.expose_secret(), hash().expose_secret());
        assert_eq!(old_one.expose_secret(), old().expose_secret());
        for visible in [
            parameters().with_old_hash(old()).with("password_hash", "x"),
            parameters()
                .with_password_hash(hash())
                .with("old_hash", "x"),
        ] {
            assert!(
                visible
                    .in_order(StatementName::UpgradePassword, &statement)
                    .is_err()
            );
        }
    }
}
