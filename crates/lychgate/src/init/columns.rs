//! What a column of a user table is for, by its name and its type: thirty years of habits, as one list.

use lychgate_gateway::profile::ProfileField;
use lychgate_store::{Column, Relation};

/// What a column is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Id,
    Email,
    Username,
    Hash,
    /// What is hashed with the password, in a column of its own.
    Salt,
    Verified,
    /// The account is closed where this is set.
    Blocked,
    /// The account is open where this is set.
    Active,
    /// The account is closed until this moment.
    BlockedUntil,
    /// A word or a number that says how the account stands.
    State,
    Profile(ProfileField),
    /// When the account was made.
    Created,
}

/// The kinds of type that matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Truth,
    Number,
    Moment,
    Text,
    Bytes,
    Uuid,
    Other,
}

/// The columns of a role, the likelier first.
pub(super) fn of_role(relation: &Relation, role: Role) -> Vec<&Column> {
    let ranked = relation.columns.iter().filter_map(|column| {
        let (found, rank) = role_of(relation, column)?;
        (found == role).then_some((rank, column))
    });
    let mut ranked: Vec<_> = ranked.collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, column)| column).collect()
}

/// The role of a column, and how far down the list of names for it stands; names with a prefix come after bare ones.
fn role_of(relation: &Relation, column: &Column) -> Option<(Role, usize)> {
    let bare = plain(&column.name);
    let table = plain(&relation.name);
    let singular = table.strip_suffix('s').unwrap_or(&table);
    let prefixes = [
        singular, "user", "usr", "customer", "cust", "member", "account", "person", "u",
    ];
    let shortened = prefixes
        .iter()
        .filter_map(|prefix| bare.strip_prefix(prefix))
        .filter(|rest| rest.len() > 1);
    let names = std::iter::once(bare.as_str()).chain(shortened);
    names.enumerate().find_map(|(place, name)| {
        ROLES.iter().find_map(|(role, words)| {
            let rank = words.split_whitespace().position(|word| word == name)?;
            fits(*role, kind(column)).then_some((*role, rank + 100 * place))
        })
    })
}

/// Letters and digits, in lower case.
pub(super) fn plain(name: &str) -> String {
    let letters = name.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

/// The kind of a column's type, in the words of any of the databases.
pub(super) fn kind(column: &Column) -> Kind {
    let data_type = column.data_type.as_str();
    let begins = |words: &[&str]| words.iter().any(|word| data_type.starts_with(word));
    if begins(&["bool", "tinyint(1)", "bit(1)"]) || data_type == "bit" {
        Kind::Truth
    } else if begins(&["timestamp", "date", "time"]) {
        Kind::Moment
    } else if begins(&[
        "int",
        "tinyint",
        "smallint",
        "mediumint",
        "bigint",
        "serial",
        "numeric",
        "decimal",
        "number",
        "unsigned",
    ]) {
        Kind::Number
    } else if begins(&[
        "char",
        "varchar",
        "nvarchar",
        "nchar",
        "text",
        "tinytext",
        "mediumtext",
        "longtext",
        "citext",
        "bpchar",
        "enum",
        "clob",
        "name",
    ]) || data_type.ends_with(".citext")
        || data_type.is_empty()
    {
        Kind::Text
    } else if begins(&["uuid"]) {
        Kind::Uuid
    } else if begins(&[
        "binary",
        "varbinary",
        "blob",
        "tinyblob",
        "bytea",
        "mediumblob",
        "longblob",
    ]) {
        Kind::Bytes
    } else {
        Kind::Other
    }
}

/// How many characters a column takes, where its type says so.
pub(super) fn length(column: &Column) -> Option<usize> {
    let (_, after) = column.data_type.split_once('(')?;
    after.split_once(')')?.0.parse().ok()
}

fn fits(role: Role, kind: Kind) -> bool {
    match role {
        Role::Id => kind != Kind::Truth && kind != Kind::Moment,
        Role::Email | Role::Username | Role::Hash | Role::Salt => {
            matches!(kind, Kind::Text | Kind::Bytes)
        }
        Role::Verified | Role::Blocked | Role::Active => {
            matches!(kind, Kind::Truth | Kind::Number | Kind::Moment | Kind::Text)
        }
        Role::BlockedUntil => matches!(kind, Kind::Moment | Kind::Number),
        Role::State => matches!(kind, Kind::Text),
        Role::Profile(_) => kind == Kind::Text,
        Role::Created => matches!(kind, Kind::Moment | Kind::Number),
    }
}

/// The names of each role, the likelier first, without case and punctuation.
const ROLES: &[(Role, &str)] = &[
    (Role::Id, "id uid userid uuid guid pk key no nr"),
    (
        Role::Email,
        "email mail emailaddress mailaddress emailaddr eaddress correo",
    ),
    (
        Role::Username,
        "username login loginname userlogin handle screenname logon loginid benutzername uname",
    ),
    (
        Role::Hash,
        "passwordhash encryptedpassword passwordencrypted hashedpassword passwordhashed passwordcrypt cryptedpassword \
         passwordenc passhash pwhash pwdhash hashedpass userpassword password passwd pwd pass pw userpass passwort kennwort \
         contrasena motdepasse passworddigest digest hash secret",
    ),
    (
        Role::Salt,
        "passwordsalt salt passsalt pwsalt pwdsalt hashsalt",
    ),
    (
        Role::Verified,
        "emailverified emailverifiedat emailconfirmed emailconfirmedat isemailverified isemailconfirmed confirmedat \
         confirmed isconfirmed verifiedat verified isverified mailverified mailconfirmed activatedat activated \
         isactivated emailvalidated validated isvalidated emailauthenticated",
    ),
    (
        Role::Blocked,
        "blocked isblocked blockedat banned isbanned bannedat disabled isdisabled disabledat suspended issuspended \
         suspendedat locked islocked lockedat lockedout islockedout deleted isdeleted deletedat deletedon removed \
         removedat archived isarchived archivedat deactivated isdeactivated deactivatedat closed closedat inactive \
         isinactive gesperrt",
    ),
    (
        Role::Active,
        "active isactive enabled isenabled approved isapproved aktiv actif",
    ),
    (
        Role::BlockedUntil,
        "lockeduntil lockoutend lockoutuntil lockoutenddate lockexpires banneduntil blockeduntil suspendeduntil \
         disableduntil banexpires",
    ),
    (Role::State, "status state accountstatus accountstate"),
    (
        Role::Profile(ProfileField::GivenName),
        "givenname firstname fname forename vorname prenom",
    ),
    (
        Role::Profile(ProfileField::FamilyName),
        "familyname lastname lname surname nachname",
    ),
    (
        Role::Profile(ProfileField::Name),
        "displayname fullname name realname",
    ),
    (
        Role::Profile(ProfileField::Nickname),
        "nickname nick nicename",
    ),
    (
        Role::Profile(ProfileField::Picture),
        "picture pictureurl avatarurl photourl imageurl",
    ),
    (
        Role::Profile(ProfileField::PhoneNumber),
        "phonenumber phone mobile mobilephone tel telephone",
    ),
    (
        Role::Created,
        "createdat created createdon creationdate registeredat registered registrationdate joinedat joined datejoined updatedat updated modifiedat modified",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn roles(table: &str, columns: &[(&str, &str)]) -> Relation {
        let columns = columns.iter().map(|(name, data_type)| Column {
            name: (*name).to_owned(),
            data_type: (*data_type).to_owned(),
            ..Column::default()
        });
        Relation {
            name: table.to_owned(),
            columns: columns.collect(),
            ..Relation::default()
        }
    }

    fn first(relation: &Relation, role: Role) -> Option<&str> {
        of_role(relation, role)
            .first()
            .map(|column| column.name.as_str())
    }

    #[test]
    fn columns_are_known_under_the_names_of_many_schools() {
        let rails = roles(
            "users",
            &[
                ("id", "bigint"),
                ("email", "varchar(255)"),
                ("encrypted_password", "varchar(255)"),
                ("confirmed_at", "timestamp without time zone"),
                ("locked_at", "timestamp without time zone"),
            ],
        );
        let hungarian = roles(
            "tblMembers",
            &[
                ("MemberID", "integer"),
                ("MemberEmail", "nvarchar(100)"),
                ("MemberPassword", "char(32)"),
                ("MemberLogin", "nvarchar(50)"),
                ("IsApproved", "bit"),
            ],
        );
        for (relation, role, expected) in [
            (&rails, Role::Id, Some("id")),
            (&rails, Role::Email, Some("email")),
            (&rails, Role::Hash, Some("encrypted_password")),
            (&rails, Role::Verified, Some("confirmed_at")),
            (&rails, Role::Blocked, Some("locked_at")),
            (&rails, Role::Username, None),
            (&hungarian, Role::Id, Some("MemberID")),
            (&hungarian, Role::Email, Some("MemberEmail")),
            (&hungarian, Role::Hash, Some("MemberPassword")),
            (&hungarian, Role::Username, Some("MemberLogin")),
            (&hungarian, Role::Active, Some("IsApproved")),
        ] {
            assert_eq!(first(relation, role), expected, "{role:?}");
        }
    }

    #[test]
    fn a_name_of_the_wrong_type_is_no_such_column() {
        let relation = roles(
            "users",
            &[
                ("password", "integer"),
                ("email", "boolean"),
                ("status", "bigint"),
            ],
        );
        for role in [Role::Hash, Role::Email, Role::State] {
            assert_eq!(first(&relation, role), None, "{role:?}");
        }
    }

    #[test]
    fn the_likelier_of_two_columns_comes_first() {
        let relation = roles(
            "users",
            &[
                ("password", "text"),
                ("password_hash", "text"),
                ("pass", "text"),
            ],
        );
        let hashes: Vec<_> = of_role(&relation, Role::Hash)
            .iter()
            .map(|column| column.name.clone())
            .collect();
        assert_eq!(hashes, ["password_hash", "password", "pass"]);
    }
}
