//! What a statement gave back: one user's columns, with the password hash taken out of them at the door.
//! Whoever holds a row can pass its columns on without ever passing on a hash.

use lychgate_password::StoredHash;

use crate::parameters::{PASSWORD_HASH, Value};

/// One row. Personal data, so it has no `Debug`.
pub struct Row {
    columns: Vec<(String, Value)>,
    password_hash: Option<StoredHash>,
}

impl Row {
    /// Sorts the columns of a row: `password_hash` becomes a secret, or nothing if it cannot be a hash.
    pub(crate) fn new(columns: impl IntoIterator<Item = (String, Value)>) -> Self {
        let (hashes, columns): (Vec<_>, Vec<_>) = columns
            .into_iter()
            .partition(|(name, _)| is_password_hash(name));
        let password_hash = hashes.into_iter().find_map(|(_, value)| stored_hash(value));
        Self {
            columns,
            password_hash,
        }
    }

    /// Removes the stored hash from the row. `None` where it is `NULL`, not text, or longer than a hash may be: such
    /// a user has no password that could match.
    pub fn take_password_hash(&mut self) -> Option<StoredHash> {
        self.password_hash.take()
    }

    /// The value of a column, by the database's name for it.
    pub fn get(&self, column: &str) -> Option<&Value> {
        self.columns
            .iter()
            .find(|(name, _)| name == column)
            .map(|(_, value)| value)
    }

    /// Every column but `password_hash`, in the statement's order.
    pub fn into_columns(self) -> Vec<(String, Value)> {
        self.columns
    }
}

/// What a write did.
pub struct Written {
    /// How many rows it matched, whether or not their values changed: 0 or 1.
    pub matched: u64,
    /// The row that `RETURNING` gave.
    pub row: Option<Row>,
}

/// Databases fold the case of names, so a hash is one in any case.
pub(crate) fn is_password_hash(column: &str) -> bool {
    column.eq_ignore_ascii_case(PASSWORD_HASH)
}

fn stored_hash(value: Value) -> Option<StoredHash> {
    let text = match value {
        Value::Text(text) => text,
        Value::Bytes(bytes) => String::from_utf8(bytes).ok()?,
        Value::Null | Value::Boolean(_) | Value::Integer(_) | Value::Real(_) => return None,
    };
    StoredHash::new(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(hash: Value) -> Row {
        Row::new([
            ("id".to_owned(), Value::Integer(7)),
            ("Password_Hash".to_owned(), hash),
        ])
    }

    #[test]
    fn a_hash_is_taken_once_and_is_never_among_the_columns() {
        let mut row = row(Value::from("$2b$10$abc"));
        assert_eq!(
            row.take_password_hash().unwrap().expose_secret(),
            "$2b$10$abc"
        );
        assert!(row.take_password_hash().is_none());
        assert_eq!(row.into_columns(), [("id".to_owned(), Value::Integer(7))]);
    }

    #[test]
    fn a_hash_kept_as_bytes_is_read_as_text() {
        let mut row = row(Value::Bytes(b"{SSHA}abc".to_vec()));
        assert_eq!(
            row.take_password_hash().unwrap().expose_secret(),
            "{SSHA}abc"
        );
    }

    #[test]
    fn what_cannot_be_a_hash_is_no_hash() {
        for value in [
            Value::Null,
            Value::Integer(1234),
            Value::Bytes(vec![0xff, 0xfe]),
            Value::Text("x".repeat(100_000)),
        ] {
            assert!(row(value).take_password_hash().is_none());
        }
    }
}
