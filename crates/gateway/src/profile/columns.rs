//! Which column of a statement goes into which field: decided at start, for each statement that returns users.

use std::collections::{BTreeMap, BTreeSet};

use lychgate_store::{Row, StatementName, Value};

use super::{Profile, ProfileField};
use crate::error::Error;

/// The reserved column of a stored hash; the store sees to it that no other statement than `authenticate` has it.
const PASSWORD_HASH: &str = "password_hash";

/// What is wrong with the columns of a statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ColumnFault {
    /// More columns than the profile takes.
    #[error(
        "it returns column `{0}`, which is no field of a profile; leave it out, or say in `[store.profile]` which field it is"
    )]
    Unmapped(String),
    /// A field from two columns.
    #[error("it returns two columns for the field `{0}`; leave one out")]
    Twice(&'static str),
    /// No `user_id`.
    #[error(
        "it returns no `user_id`; say which column it is with `[store.profile] user_id = \"…\"`"
    )]
    NoUserId,
}

/// The way from the columns of one statement to a profile.
#[derive(Debug, Clone)]
pub(crate) struct Columns {
    statement: StatementName,
    fields: BTreeMap<String, ProfileField>,
}

/// A row that cannot be a profile: the column at fault, never its value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct UnfitRow {
    pub(crate) statement: StatementName,
    pub(crate) column: String,
}

impl Columns {
    /// Maps every column, or says which one cannot be. A rename wins over a column that is named like the field.
    pub(crate) fn map(
        statement: StatementName,
        columns: &[String],
        renames: &BTreeMap<ProfileField, String>,
    ) -> Result<Self, Error> {
        let fault = |fault| Error::Profile {
            statement: statement.name(),
            fault,
        };
        let mut fields = BTreeMap::new();
        let mut taken = BTreeSet::new();
        for column in columns
            .iter()
            .filter(|column| !column.eq_ignore_ascii_case(PASSWORD_HASH))
        {
            let field = field_of(column, renames)
                .ok_or_else(|| fault(ColumnFault::Unmapped(column.clone())))?;
            if !taken.insert(field) {
                return Err(fault(ColumnFault::Twice(field.name())));
            }
            fields.insert(column.clone(), field);
        }
        if taken.contains(&ProfileField::UserId) {
            Ok(Self { statement, fields })
        } else {
            Err(fault(ColumnFault::NoUserId))
        }
    }

    /// The profile that a row makes.
    pub(crate) fn read(&self, row: Row) -> Result<Profile, UnfitRow> {
        self.read_columns(row.into_columns())
    }

    fn read_columns(&self, columns: Vec<(String, Value)>) -> Result<Profile, UnfitRow> {
        let mut profile = Profile::default();
        for (column, value) in columns {
            let set = match self.fields.get(&column) {
                Some(field) => profile.set(*field, value).is_ok(),
                None => false,
            };
            if !set {
                return Err(UnfitRow {
                    statement: self.statement,
                    column,
                });
            }
        }
        if profile.user_id.is_empty() {
            return Err(UnfitRow {
                statement: self.statement,
                column: ProfileField::UserId.name().to_owned(),
            });
        }
        Ok(profile)
    }
}

fn field_of(column: &str, renames: &BTreeMap<ProfileField, String>) -> Option<ProfileField> {
    renames
        .iter()
        .find(|(_, renamed)| renamed.as_str() == column)
        .map(|(field, _)| *field)
        .or_else(|| ProfileField::from_name(column).filter(|field| !renames.contains_key(field)))
}

/// A rename of a column that no statement returns is a slip of the pen, and would leave a field out in silence.
pub(crate) fn refuse_unused_renames(
    renames: &BTreeMap<ProfileField, String>,
    returned: &BTreeSet<&str>,
) -> Result<(), Error> {
    match renames
        .iter()
        .find(|(_, column)| !returned.contains(column.as_str()))
    {
        Some((field, column)) => Err(Error::UnusedRename {
            field: field.name(),
            column: column.clone(),
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(columns: &[&str], renames: &[(ProfileField, &str)]) -> Result<Columns, Error> {
        let columns: Vec<_> = columns.iter().map(|&column| column.to_owned()).collect();
        let renames = renames
            .iter()
            .map(|(field, column)| (*field, (*column).to_owned()))
            .collect();
        Columns::map(StatementName::Lookup, &columns, &renames)
    }

    fn fault(result: Result<Columns, Error>) -> ColumnFault {
        match result.unwrap_err() {
            Error::Profile {
                statement: "lookup",
                fault,
            } => fault,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn a_column_named_like_a_field_maps_by_itself_and_a_rename_maps_another() {
        let columns = map(&["id", "email"], &[(ProfileField::UserId, "id")]).unwrap();
        let row = vec![
            ("id".to_owned(), Value::Integer(7)),
            ("email".to_owned(), Value::Text("a@example.com".into())),
        ];
        let profile = columns.read_columns(row).unwrap();
        assert_eq!(profile.user_id, "7");
        assert_eq!(profile.email.as_deref(), Some("a@example.com"));
    }

    #[test]
    fn a_column_that_maps_to_nothing_is_an_error_that_names_it() {
        assert_eq!(
            fault(map(&["user_id", "ssn"], &[])),
            ColumnFault::Unmapped("ssn".into())
        );
        assert_eq!(
            fault(map(&["id", "user_id"], &[(ProfileField::UserId, "id")])),
            ColumnFault::Unmapped("user_id".into())
        );
    }

    #[test]
    fn a_profile_without_user_id_is_an_error() {
        assert_eq!(fault(map(&["email"], &[])), ColumnFault::NoUserId);
    }

    #[test]
    fn one_field_has_one_column() {
        assert_eq!(
            fault(map(&["user_id", "user_id"], &[])),
            ColumnFault::Twice("user_id")
        );
    }

    #[test]
    fn a_value_that_does_not_fit_names_its_column_only() {
        let columns = map(&["user_id", "email_verified"], &[]).unwrap();
        let row = vec![
            ("user_id".to_owned(), Value::Integer(7)),
            ("email_verified".to_owned(), Value::Text("maybe".into())),
        ];
        let unfit = columns.read_columns(row).err().unwrap();
        assert_eq!(
            unfit,
            UnfitRow {
                statement: StatementName::Lookup,
                column: "email_verified".to_owned()
            }
        );
    }

    #[test]
    fn a_rename_of_a_column_that_nobody_returns_is_an_error() {
        let renames = BTreeMap::from([(ProfileField::Email, "mail".to_owned())]);
        assert!(refuse_unused_renames(&renames, &BTreeSet::from(["mail"])).is_ok());
        assert!(refuse_unused_renames(&renames, &BTreeSet::from(["email"])).is_err());
    }
}
