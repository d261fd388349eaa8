//! Whether a configured statement fits its operation: what can be said without the database, and of its columns.
//! A statement that passes takes only values the operation has, and gives a password hash to nobody but `authenticate`.

use crate::error::StatementFlaw;
use crate::row::is_password_hash;
use crate::sql::NamedSql;
use crate::statement::{Statement, StatementName, nearest};

/// Reads a statement, and checks its verb and its parameters.
pub(crate) fn fitting(name: StatementName, sql: &str) -> Result<NamedSql, StatementFlaw> {
    let statement = NamedSql::parse(sql)?;
    check_verb(name, statement.verb())?;
    for parameter in statement.parameters() {
        if !name.parameters().contains(&parameter.as_str()) {
            return Err(StatementFlaw::UnknownParameter {
                parameter: parameter.clone(),
                nearest: nearest(parameter, name.parameters()),
                known: name.parameters(),
            });
        }
    }
    let is_taken = |wanted: &&str| statement.parameters().iter().any(|taken| taken == wanted);
    match name
        .required_parameters()
        .iter()
        .find(|group| !group.iter().any(is_taken))
    {
        Some(group) => Err(StatementFlaw::MissingParameter(group)),
        None => Ok(statement),
    }
}

/// Checks the columns that the database says a statement returns.
pub(crate) fn check_columns(name: StatementName, columns: &[String]) -> Result<(), StatementFlaw> {
    let mut seen = Vec::new();
    for column in columns {
        let folded = column.to_lowercase();
        if seen.contains(&folded) {
            return Err(StatementFlaw::DuplicateColumn(column.clone()));
        }
        seen.push(folded);
    }
    let returns_hash = columns.iter().any(|column| is_password_hash(column));
    match (name, returns_hash) {
        (StatementName::Authenticate, false) => Err(StatementFlaw::NoPasswordHash),
        (StatementName::Authenticate, true) | (_, false) => Ok(()),
        (_, true) => Err(StatementFlaw::PasswordHash),
    }
}

/// Checks that whoever creates a user can then say which user it is.
pub(crate) fn check_create(create: &Statement, has_lookup: bool) -> Result<(), StatementFlaw> {
    if create.columns().is_empty() && !has_lookup {
        Err(StatementFlaw::NoWayBack)
    } else {
        Ok(())
    }
}

/// Whether a statement begins as its operation needs. `with` may begin either; the database tells which it is. All
/// else, `pragma` and `attach` above all, is refused here: a database may run it while it only prepares it.
fn check_verb(name: StatementName, verb: &str) -> Result<(), StatementFlaw> {
    match (name.is_read(), verb) {
        (true, "select" | "with")
        | (false, "insert" | "update" | "delete" | "replace" | "with") => Ok(()),
        (true, _) => Err(StatementFlaw::NotARead),
        (false, _) => Err(StatementFlaw::NotAWrite),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flaw(name: StatementName, sql: &str) -> String {
        fitting(name, sql).unwrap_err().to_string()
    }

    fn columns(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn an_unknown_parameter_is_named_with_the_known_ones_and_the_nearest() {
        assert_eq!(
            flaw(
                StatementName::ChangeEmail,
                "update users set email = :new_mail where email = :identifier"
            ),
            "unknown parameter `:new_mail` (did you mean `:new_email`?); \
             it may take `:identifier`, `:new_email`, `:email_verified`"
        );
    }

    #[test]
    fn a_password_is_a_parameter_of_nothing() {
        for name in StatementName::ALL {
            let sql = if name.is_read() {
                "select :password"
            } else {
                "update users set x = :password"
            };
            let found = fitting(name, sql).unwrap_err();
            assert!(
                matches!(found, StatementFlaw::UnknownParameter { .. }),
                "{name}: {found}"
            );
        }
    }

    #[test]
    fn each_statement_must_take_what_it_is_about() {
        for (name, sql, missing) in [
            (
                StatementName::Authenticate,
                "select password_hash from users",
                "`:identifier`",
            ),
            (
                StatementName::Lookup,
                "select id from users",
                "`:identifier`",
            ),
            (
                StatementName::Create,
                "insert into users values (:email)",
                "`:password_hash`",
            ),
            (
                StatementName::Create,
                "insert into users values (:password_hash)",
                "`:email` or `:username`",
            ),
            (
                StatementName::VerifyEmail,
                "update users set email_verified = 1",
                "`:email`",
            ),
            (
                StatementName::ChangePassword,
                "update users set password_hash = :password_hash",
                "`:identifier`",
            ),
            (
                StatementName::ChangePassword,
                "delete from users where email = :identifier",
                "`:password_hash`",
            ),
            (
                StatementName::ChangeEmail,
                "update users set email = :new_email",
                "`:identifier`",
            ),
            (
                StatementName::ChangeEmail,
                "delete from users where email = :identifier",
                "`:new_email`",
            ),
            (StatementName::Delete, "delete from users", "`:user_id`"),
            (
                StatementName::UpgradePassword,
                "update users set password_hash = :password_hash where email = :identifier",
                "`:old_hash`",
            ),
            (
                StatementName::UpgradePassword,
                "update users set password_hash = :password_hash where password_hash = :old_hash",
                "`:identifier`",
            ),
        ] {
            assert_eq!(
                flaw(name, sql),
                format!("it does not use {missing}, and must"),
                "{name}"
            );
        }
    }

    #[test]
    fn a_statement_begins_as_its_operation_needs() {
        for sql in [
            "update users set x = :identifier",
            "pragma user_version",
            "attach ':identifier' as x",
            "values (:identifier)",
        ] {
            assert_eq!(
                fitting(StatementName::Lookup, sql).unwrap_err(),
                StatementFlaw::NotARead,
                "{sql}"
            );
        }
        for sql in [
            "select :user_id",
            "drop table users",
            "vacuum",
            "explain delete from users where id = :user_id",
        ] {
            assert_eq!(
                fitting(StatementName::Delete, sql).unwrap_err(),
                StatementFlaw::NotAWrite,
                "{sql}"
            );
        }
    }

    #[test]
    fn a_hash_is_returned_by_authenticate_and_by_nothing_else() {
        for name in StatementName::ALL {
            let returns = check_columns(name, &columns(&["id", "PASSWORD_HASH"]));
            let does_not = check_columns(name, &columns(&["id", "password"]));
            if name == StatementName::Authenticate {
                assert_eq!(
                    (returns, does_not),
                    (Ok(()), Err(StatementFlaw::NoPasswordHash))
                );
            } else {
                assert_eq!(
                    (returns, does_not),
                    (Err(StatementFlaw::PasswordHash), Ok(())),
                    "{name}"
                );
            }
        }
    }

    #[test]
    fn columns_can_be_told_apart() {
        let flaw =
            check_columns(StatementName::Lookup, &columns(&["id", "email", "ID"])).unwrap_err();
        assert_eq!(flaw, StatementFlaw::DuplicateColumn("ID".to_owned()));
    }

    #[test]
    fn who_creates_a_user_can_say_which() {
        let blind = Statement::new(vec![], vec![]);
        let returning = Statement::new(vec![], columns(&["id"]));
        assert_eq!(check_create(&blind, false), Err(StatementFlaw::NoWayBack));
        assert_eq!(check_create(&blind, true), Ok(()));
        assert_eq!(check_create(&returning, false), Ok(()));
    }
}
