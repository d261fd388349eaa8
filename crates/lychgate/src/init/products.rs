//! User tables that many have: what their columns mean is known, and need not be told from their names.
//!
//! `{column}` is a column of the table, in any case, and must be there; `~` puts texts together.

use lychgate_gateway::profile::ProfileField;
use lychgate_store::Relation;

use super::dialect::Dialect;

/// A user table of some product; what is not said here is told from the names.
#[derive(Clone, Copy)]
pub(super) struct Product {
    pub(super) name: &'static str,
    /// How the table's name ends.
    table: &'static str,
    /// Columns without which it is another table.
    marks: &'static [&'static str],
    /// What is joined to the table, which is then called `t`.
    pub(super) join: Option<&'static str>,
    /// What makes a row a user.
    pub(super) condition: Option<&'static str>,
    pub(super) id: Option<&'static str>,
    pub(super) email: Option<&'static str>,
    pub(super) username: Option<&'static str>,
    pub(super) hash: Option<&'static str>,
    /// The format of the hashes where their look does not tell: what the product documents.
    pub(super) format: Option<&'static str>,
    pub(super) verified: Option<&'static str>,
    pub(super) blocked: Option<&'static str>,
    /// How users are found, where the product keeps a form to compare with.
    pub(super) by_email: Option<&'static str>,
    pub(super) by_username: Option<&'static str>,
    pub(super) names: &'static [(ProfileField, &'static str)],
    /// Whether its rows can be written by a simple statement.
    pub(super) is_simple: bool,
}

/// The product whose table this is.
pub(super) fn of(relation: &Relation) -> Option<&'static Product> {
    let name = relation.name.to_lowercase();
    PRODUCTS.iter().find(|product| {
        let has = |mark: &&str| relation.column(mark).is_some();
        name.ends_with(product.table) && product.marks.iter().all(has)
    })
}

/// A template's SQL over this table; `None` if it has no such column.
pub(super) fn filled(template: &str, relation: &Relation, dialect: Dialect) -> Option<String> {
    let mut parts = Vec::new();
    for part in template.split(" ~ ") {
        let mut sql = String::new();
        let mut rest = part;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, following) = after.split_once('}')?;
            sql.push_str(before);
            sql.push_str(&dialect.name(&relation.column(name)?.name));
            rest = following;
        }
        sql.push_str(rest);
        parts.push(sql);
    }
    match parts.as_slice() {
        [one] => Some(one.clone()),
        several => Some(dialect.concatenated(several)),
    }
}

const PLAIN: Product = Product {
    name: "",
    table: "",
    marks: &[],
    join: None,
    condition: None,
    id: None,
    email: None,
    username: None,
    hash: None,
    format: None,
    verified: None,
    blocked: None,
    by_email: None,
    by_username: None,
    names: &[],
    is_simple: true,
};

const PRODUCTS: &[Product] = &[
    Product {
        name: "WordPress",
        table: "users",
        marks: &[
            "ID",
            "user_login",
            "user_pass",
            "user_email",
            "display_name",
        ],
        id: Some("{ID}"),
        email: Some("{user_email}"),
        username: Some("{user_login}"),
        hash: Some("{user_pass}"),
        names: &[
            (ProfileField::Nickname, "{user_nicename}"),
            (ProfileField::Name, "{display_name}"),
        ],
        ..PLAIN
    },
    Product {
        name: "Django",
        table: "auth_user",
        marks: &["username", "password", "is_active", "date_joined"],
        ..PLAIN
    },
    Product {
        name: "Devise (Ruby on Rails)",
        table: "",
        marks: &["encrypted_password", "reset_password_token"],
        format: Some("bcrypt"),
        ..PLAIN
    },
    Product {
        name: "Laravel",
        table: "users",
        marks: &["email_verified_at", "remember_token", "password"],
        ..PLAIN
    },
    Product {
        name: "ASP.NET Identity",
        table: "aspnetusers",
        marks: &[
            "Id",
            "UserName",
            "NormalizedEmail",
            "PasswordHash",
            "SecurityStamp",
        ],
        email: Some("{Email}"),
        by_email: Some("{NormalizedEmail} = upper(:identifier)"),
        by_username: Some("{NormalizedUserName} = upper(:identifier)"),
        ..PLAIN
    },
    Product {
        name: "ASP.NET Membership",
        table: "aspnet_membership",
        marks: &[
            "UserId",
            "Password",
            "PasswordSalt",
            "LoweredEmail",
            "IsApproved",
            "IsLockedOut",
        ],
        join: Some("aspnet_Users as u on u.UserId = t.UserId"),
        id: Some("t.{UserId}"),
        email: Some("{Email}"),
        username: Some("u.UserName"),
        hash: Some("{Password} ~ ':' ~ {PasswordSalt}"),
        format: Some("aspnet-membership"),
        by_email: Some("{LoweredEmail} = :identifier"),
        by_username: Some("u.LoweredUserName = :identifier"),
        is_simple: false,
        ..PLAIN
    },
    Product {
        name: "phpBB",
        table: "users",
        marks: &[
            "user_id",
            "username_clean",
            "user_password",
            "user_email",
            "user_type",
        ],
        condition: Some("{user_type} <> 2"),
        username: Some("{username}"),
        // 1 is inactive, 2 a robot.
        blocked: Some("{user_type} = 1"),
        by_username: Some("{username_clean} = :identifier"),
        ..PLAIN
    },
    Product {
        name: "Drupal",
        table: "users_field_data",
        marks: &["uid", "name", "pass", "mail", "status", "default_langcode"],
        condition: Some("{default_langcode} = 1 and {uid} > 0"),
        username: Some("{name}"),
        hash: Some("{pass}"),
        blocked: Some("{status} = 0"),
        is_simple: false,
        ..PLAIN
    },
    Product {
        name: "Drupal 7",
        table: "users",
        marks: &["uid", "name", "pass", "mail", "status", "signature_format"],
        condition: Some("{uid} > 0"),
        username: Some("{name}"),
        hash: Some("{pass}"),
        blocked: Some("{status} = 0"),
        ..PLAIN
    },
    Product {
        name: "Joomla",
        table: "users",
        marks: &[
            "registerDate",
            "block",
            "sendEmail",
            "activation",
            "password",
        ],
        blocked: Some("{block} = 1"),
        verified: Some("{activation} in ('', '0')"),
        names: &[(ProfileField::Name, "{name}")],
        is_simple: false,
        ..PLAIN
    },
    Product {
        name: "Magento",
        table: "customer_entity",
        marks: &[
            "entity_id",
            "email",
            "password_hash",
            "is_active",
            "confirmation",
            "firstname",
        ],
        id: Some("{entity_id}"),
        verified: Some("{confirmation} is null"),
        is_simple: false,
        ..PLAIN
    },
    Product {
        name: "vBulletin",
        table: "user",
        marks: &[
            "userid",
            "usergroupid",
            "username",
            "password",
            "salt",
            "email",
        ],
        hash: Some("{password} ~ ':' ~ {salt}"),
        format: Some("vbulletin"),
        // The groups that every board begins with: 3 waits for its mail, 8 is banned.
        verified: Some("{usergroupid} <> 3"),
        blocked: Some("{usergroupid} = 8"),
        is_simple: false,
        ..PLAIN
    },
    Product {
        name: "MyBB",
        table: "users",
        marks: &[
            "uid",
            "usergroup",
            "username",
            "password",
            "salt",
            "loginkey",
        ],
        hash: Some("{password} ~ ':' ~ {salt}"),
        format: Some("mybb"),
        // The groups that every board begins with: 5 waits for its mail, 7 is banned.
        verified: Some("{usergroup} <> 5"),
        blocked: Some("{usergroup} = 7"),
        is_simple: false,
        ..PLAIN
    },
    Product {
        name: "Simple Machines Forum",
        table: "members",
        marks: &[
            "id_member",
            "member_name",
            "passwd",
            "password_salt",
            "email_address",
            "is_activated",
        ],
        id: Some("{id_member}"),
        username: Some("{member_name}"),
        hash: Some("{passwd}"),
        format: Some("smf"),
        // Above 10 is banned.
        blocked: Some("{is_activated} <> 1"),
        is_simple: false,
        ..PLAIN
    },
    Product {
        name: "MediaWiki",
        table: "user",
        marks: &[
            "user_id",
            "user_name",
            "user_password",
            "user_email",
            "user_email_authenticated",
            "user_token",
        ],
        verified: Some("{user_email_authenticated} is not null"),
        names: &[(ProfileField::Name, "{user_real_name}")],
        is_simple: false,
        ..PLAIN
    },
    Product {
        name: "Redmine",
        table: "users",
        marks: &[
            "login",
            "hashed_password",
            "salt",
            "status",
            "auth_source_id",
        ],
        join: Some("email_addresses as e on e.user_id = t.id and e.is_default"),
        condition: Some("t.{type} = 'User'"),
        id: Some("t.{id}"),
        email: Some("e.address"),
        username: Some("{login}"),
        hash: Some("{hashed_password} ~ ':' ~ {salt}"),
        format: Some("redmine"),
        // 1 is active, 2 only registered, 3 locked.
        blocked: Some("{status} <> 1"),
        is_simple: false,
        ..PLAIN
    },
    Product {
        name: "Moodle",
        table: "user",
        marks: &[
            "username",
            "password",
            "email",
            "confirmed",
            "deleted",
            "suspended",
            "mnethostid",
        ],
        condition: Some("{deleted} = 0"),
        verified: Some("{confirmed} = 1"),
        blocked: Some("{suspended} = 1"),
        ..PLAIN
    },
];

#[cfg(test)]
mod tests {
    use lychgate_store::{Column, StoreKind};

    use super::*;

    fn relation(name: &str, columns: &[&str]) -> Relation {
        let columns = columns.iter().map(|name| Column {
            name: (*name).to_owned(),
            ..Column::default()
        });
        Relation {
            name: name.to_owned(),
            columns: columns.collect(),
            ..Relation::default()
        }
    }

    #[test]
    fn every_product_is_found_by_its_marks_and_none_is_another() {
        for product in PRODUCTS {
            let found = of(&relation(&format!("x_{}", product.table), product.marks));
            assert_eq!(found.map(|found| found.name), Some(product.name));
        }
        assert!(of(&relation("users", &["id", "email", "password"])).is_none());
    }

    #[test]
    fn every_template_names_columns_that_the_product_has() {
        for product in PRODUCTS {
            // Templates name marks, and columns that are told from their names anyway.
            let usual = [
                "type",
                "id",
                "name",
                "user_nicename",
                "user_real_name",
                "username",
                "email",
                "NormalizedUserName",
            ];
            let columns = [product.marks, &usual].concat();
            let relation = relation(product.table, &columns);
            let templates = [
                product.id,
                product.email,
                product.username,
                product.hash,
                product.verified,
                product.blocked,
                product.by_email,
                product.by_username,
                product.condition,
            ];
            for template in templates
                .into_iter()
                .flatten()
                .chain(product.names.iter().map(|(_, template)| *template))
            {
                assert!(
                    filled(template, &relation, Dialect(StoreKind::Mysql)).is_some(),
                    "{}: {template}",
                    product.name
                );
            }
            if let Some(format) = product.format {
                format.parse::<lychgate_password::Format>().unwrap();
            }
        }
    }

    #[test]
    fn texts_are_put_together_in_the_words_of_the_database() {
        let relation = relation("user", &["Password", "salt"]);
        for (kind, expected) in [
            (StoreKind::Mysql, "concat(Password, ':', salt)"),
            (StoreKind::Postgres, "\"Password\" || ':' || salt"),
            (StoreKind::Sqlite, "Password || ':' || salt"),
        ] {
            let sql = filled("{password} ~ ':' ~ {salt}", &relation, Dialect(kind)).unwrap();
            assert_eq!(sql, expected);
        }
        assert_eq!(
            filled("{other}", &relation, Dialect(StoreKind::Mysql)),
            None
        );
    }
}
