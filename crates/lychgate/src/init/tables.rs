//! Which table holds the users: each is weighed by what its columns are for, and two that are near are the operator's to
//! choose from.

use lychgate_store::{Catalogue, Relation};

use super::columns::{self, Role, plain};
use super::products;

/// Which table it is.
pub(crate) enum Choice {
    /// This one.
    One(Box<Relation>),
    /// None is like a table of users.
    None,
    /// More than one; their names, the likelier first.
    Several(Vec<String>),
}

/// Whether a table could hold users: it has what could be a hash, and what could be an identifier.
pub(crate) fn is_candidate(relation: &Relation) -> bool {
    products::of(relation).is_some()
        || (has(relation, Role::Hash)
            && (has(relation, Role::Email) || has(relation, Role::Username)))
}

/// Chooses the table by its name, or by its weight.
pub(crate) fn choose(catalogue: Catalogue, named: Option<&str>) -> Choice {
    let mut weighed: Vec<_> = catalogue
        .relations
        .into_iter()
        .filter(|relation| named.is_none_or(|name| is_named(relation, name)))
        .map(|relation| (weight(&relation), relation))
        .collect();
    weighed.sort_by_key(|(weight, relation)| (std::cmp::Reverse(*weight), relation.shown()));
    let near: Vec<_> = match weighed.first() {
        Some((best, _)) => weighed
            .iter()
            .filter(|(weight, _)| weight + NEAR >= *best)
            .map(|(_, relation)| relation.shown())
            .collect(),
        None => return Choice::None,
    };
    match weighed.into_iter().next() {
        Some((_, relation)) if near.len() == 1 => Choice::One(Box::new(relation)),
        _ => Choice::Several(near),
    }
}

/// Whether a table is the one that is named, with or without its schema.
pub(crate) fn is_named(relation: &Relation, name: &str) -> bool {
    let qualified = relation
        .schema
        .as_deref()
        .map(|schema| format!("{schema}.{}", relation.name));
    relation.name == name || qualified.as_deref() == Some(name)
}

fn weight(relation: &Relation) -> i32 {
    let mut weight = 0;
    if products::of(relation).is_some() {
        weight += 10;
    }
    for (role, worth) in [
        (Role::Hash, 3),
        (Role::Email, 3),
        (Role::Username, 1),
        (Role::Id, 1),
        (Role::Verified, 1),
        (Role::Active, 1),
        (Role::Blocked, 1),
        (Role::Created, 1),
    ] {
        weight += if has(relation, role) { worth } else { 0 };
    }
    let name = plain(&relation.name);
    if ["user", "users"].contains(&name.as_str()) {
        weight += 2;
    }
    if USERS.iter().any(|word| name.contains(word)) {
        weight += 3;
    }
    if OTHERS.iter().any(|word| name.contains(word)) {
        weight -= 5;
    }
    if relation.is_view {
        weight -= 2;
    }
    if relation.approximate_rows == Some(0) {
        weight -= 2;
    }
    weight
}

fn has(relation: &Relation, role: Role) -> bool {
    !columns::of_role(relation, role).is_empty()
}

/// How near a second table may come before a person has to choose.
const NEAR: i32 = 2;

const USERS: [&str; 12] = [
    "user",
    "account",
    "member",
    "customer",
    "person",
    "people",
    "login",
    "auth",
    "client",
    "kunde",
    "benutzer",
    "subscriber",
];

/// Parts of names of tables that hold something of users, but not the users.
const OTHERS: [&str; 14] = [
    "log", "history", "backup", "bak", "old", "tmp", "temp", "archive", "audit", "reset", "token",
    "session", "import", "copy",
];

#[cfg(test)]
mod tests {
    use lychgate_store::Column;

    use super::*;

    fn table(name: &str, columns: &[&str]) -> Relation {
        let columns = columns.iter().map(|name| Column {
            name: (*name).to_owned(),
            data_type: "text".to_owned(),
            ..Column::default()
        });
        Relation {
            name: name.to_owned(),
            columns: columns.collect(),
            ..Relation::default()
        }
    }

    fn choice(tables: Vec<Relation>, named: Option<&str>) -> Result<String, Vec<String>> {
        let relations = tables.into_iter().filter(is_candidate).collect();
        let catalogue = Catalogue {
            relations,
            ..Catalogue::default()
        };
        match choose(catalogue, named) {
            Choice::One(relation) => Ok(relation.name),
            Choice::None => Err(Vec::new()),
            Choice::Several(tables) => Err(tables),
        }
    }

    #[test]
    fn the_table_of_users_is_told_from_those_about_users() {
        let tables = vec![
            table("users", &["id", "email", "password_hash", "created_at"]),
            table("password_resets", &["email", "token"]),
            table(
                "users_backup",
                &["id", "email", "password_hash", "created_at"],
            ),
            table("smtp_accounts", &["id", "host", "username", "password"]),
            table("products", &["id", "name"]),
        ];
        assert_eq!(choice(tables, None), Ok("users".to_owned()));
    }

    #[test]
    fn two_that_are_near_are_the_operators_to_choose_from() {
        let columns = ["id", "email", "password", "created_at"];
        let tables = || vec![table("customers", &columns), table("members", &columns)];
        assert_eq!(
            choice(tables(), None),
            Err(vec!["customers".to_owned(), "members".to_owned()])
        );
        assert_eq!(choice(tables(), Some("members")), Ok("members".to_owned()));
        assert_eq!(choice(tables(), Some("nobody")), Err(Vec::new()));
    }
}
