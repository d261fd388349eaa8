//! What the table of users is made of, as SQL: by its product where that is known, else by the names of its columns.

use lychgate_gateway::profile::ProfileField;
use lychgate_store::{Column, Index, Inspection, Relation, StoreKind, Survey};

use super::columns::{self, Kind, Role};
use super::dialect::Dialect;
use super::flags::{self, Flag};
use super::look;
use super::products::{self, Product, filled};
use crate::commands::Failure;

/// The table of users. Every text in it is SQL.
pub(crate) struct UserTable {
    pub(crate) relation: Relation,
    pub(crate) indexes: Vec<Index>,
    pub(super) dialect: Dialect,
    pub(super) product: Option<&'static Product>,
    /// The table as statements name it.
    pub(crate) name: String,
    /// What to read from: the table, or a join.
    pub(crate) from: String,
    /// What makes a row a user.
    pub(crate) condition: Option<String>,
    pub(crate) id: String,
    /// The column of `id`, and whether it is kept as bytes.
    pub(super) id_column: Option<(String, Kind)>,
    pub(crate) email: Option<String>,
    pub(crate) username: Option<String>,
    pub(crate) hash: String,
    /// The column that new hashes can be written to, and how many characters it takes.
    pub(super) hash_column: Option<(String, Option<usize>)>,
    pub(crate) verified: Option<String>,
    pub(super) verified_flag: Option<Flag>,
    pub(crate) blocked: Option<String>,
    /// What marks a user as deleted: a column and its value.
    pub(super) soft_delete: Option<(String, String)>,
    pub(crate) names: Vec<(ProfileField, String)>,
}

impl UserTable {
    /// The product that made it.
    pub(crate) fn made_by(&self) -> Option<&'static str> {
        self.product.map(|product| product.name)
    }

    /// What to read of each user, the e-mail address before the username.
    pub(crate) fn survey(&self) -> Survey {
        let from = match &self.condition {
            Some(condition) => format!("{} where {condition}", self.from),
            None => self.from.clone(),
        };
        Survey {
            from,
            id: self.id.clone(),
            identifiers: self.email.iter().chain(&self.username).cloned().collect(),
            hash: Some(self.hash.clone()),
            flags: Vec::new(),
        }
    }
}

/// Reads what the table is made of.
pub(super) async fn read(
    inspection: &mut Inspection,
    relation: Relation,
    remarks: &mut Vec<String>,
) -> Result<UserTable, Failure> {
    let dialect = Dialect(inspection.kind());
    let indexes = look(inspection.indexes(&relation).await)?;
    let product = products::of(&relation);
    let template = |choose: fn(&Product) -> Option<&'static str>| {
        filled(choose(product?)?, &relation, dialect)
    };
    let first = |role| {
        columns::of_role(&relation, role)
            .first()
            .map(|column| dialect.name(&column.name))
    };
    let name = relation.sql(dialect.0);
    let from = match product.and_then(|product| product.join) {
        Some(join) => format!("{name} as t join {join}"),
        None => name.clone(),
    };
    let hash = template(|product| product.hash)
        .map_or_else(|| generic_hash(&relation, dialect, remarks), Some);
    let hash = hash.ok_or_else(|| nothing_like(&relation, "a hash of a password"))?;
    let key = key(&relation, &indexes);
    let id = template(|product| product.id).or_else(|| Some(id_of(dialect, key?)));
    let id = id.ok_or_else(|| nothing_like(&relation, "a key"))?;
    let email = template(|product| product.email).or_else(|| first(Role::Email));
    let username = template(|product| product.username).or_else(|| first(Role::Username));
    if email.is_none() && username.is_none() {
        return Err(nothing_like(&relation, "an e-mail address or a username"));
    }
    let verified_flag = match columns::of_role(&relation, Role::Verified).first() {
        Some(column) => Flag::read(inspection, &name, column).await?,
        None => None,
    };
    let verified =
        template(|product| product.verified).or_else(|| verified_flag.as_ref().map(Flag::is_set));
    let blocked = match template(|product| product.blocked) {
        Some(blocked) => Some(blocked),
        None => blocked_of(inspection, &name, &relation, remarks).await?,
    };
    let writable = relation
        .columns
        .iter()
        .find(|column| dialect.name(&column.name) == hash);
    Ok(UserTable {
        hash_column: writable.map(|column| (hash.clone(), columns::length(column))),
        id_column: key.map(|column| (dialect.name(&column.name), columns::kind(column))),
        condition: template(|product| product.condition),
        soft_delete: soft_delete(inspection, &name, &relation).await?,
        names: profile_names(&relation, dialect, product, username.as_deref()),
        indexes,
        dialect,
        product,
        name,
        from,
        id,
        email,
        username,
        hash,
        verified,
        verified_flag,
        blocked,
        relation,
    })
}

/// The one column of the primary key, or of a unique one, or what is called a key.
fn key<'a>(relation: &'a Relation, indexes: &[Index]) -> Option<&'a Column> {
    let named = columns::of_role(relation, Role::Id);
    let is_unique = |column: &&Column| indexes.iter().any(|index| index.makes_unique(&column.name));
    let primary = relation.columns.iter().find(|column| {
        indexes
            .iter()
            .any(|index| index.is_primary && index.makes_unique(&column.name))
    });
    // A key that changes with the person is none.
    let is_stable = |column: &&Column| {
        let is = |role| {
            columns::of_role(relation, role)
                .iter()
                .any(|other| other.name == column.name)
        };
        !is(Role::Email) && !is(Role::Username)
    };
    primary
        .filter(is_stable)
        .or_else(|| named.iter().copied().find(is_unique))
        .or(named.first().copied())
        .or(primary)
}

/// Bytes become hexadecimal digits: a key is a text.
fn id_of(dialect: Dialect, column: &Column) -> String {
    let name = dialect.name(&column.name);
    match (columns::kind(column), dialect.0) {
        (Kind::Bytes, StoreKind::Postgres) => format!("encode({name}, 'hex')"),
        (Kind::Bytes, _) => format!("lower(hex({name}))"),
        _ => name,
    }
}

/// The column of hashes; with a salt beside it, both, as most formats with a salt are written.
fn generic_hash(
    relation: &Relation,
    dialect: Dialect,
    remarks: &mut Vec<String>,
) -> Option<String> {
    let hash = dialect.name(&columns::of_role(relation, Role::Hash).first()?.name);
    let Some(salt) = columns::of_role(relation, Role::Salt)
        .first()
        .map(|column| dialect.name(&column.name))
    else {
        return Some(hash);
    };
    remarks.push(format!(
        "the salt stands in a column of its own (`{salt}`): hashes are read as `hash:salt`, which most formats with a \
         salt are told from; where yours is put together otherwise, change `password_hash` in `authenticate`"
    ));
    let with_salt = dialect.concatenated(&[hash.clone(), "':'".to_owned(), salt.clone()]);
    Some(format!(
        "case when coalesce({salt}, '') = '' then {hash} else {with_salt} end"
    ))
}

/// When an account is closed, by every column that says so.
async fn blocked_of(
    inspection: &mut Inspection,
    name: &str,
    relation: &Relation,
    remarks: &mut Vec<String>,
) -> Result<Option<String>, Failure> {
    let dialect = Dialect(inspection.kind());
    let mut conditions = Vec::new();
    for column in columns::of_role(relation, Role::Blocked) {
        match Flag::read(inspection, name, column).await? {
            Some(flag) => conditions.push(flag.is_set()),
            None => remarks.push(unread(column)),
        }
    }
    for column in columns::of_role(relation, Role::Active) {
        match Flag::read(inspection, name, column).await? {
            Some(flag) => conditions.push(flag.is_unset()),
            None => remarks.push(unread(column)),
        }
    }
    for column in columns::of_role(relation, Role::BlockedUntil) {
        conditions.push(flags::is_until(dialect, column));
    }
    for column in columns::of_role(relation, Role::State) {
        let (closed, has_unknown) = flags::is_closed_state(inspection, name, column).await?;
        conditions.extend(closed);
        if has_unknown {
            remarks.push(format!(
                "`{}` has words that are not known for an open or a closed account; those count as open: read \
                 `blocked` in the statements",
                column.name
            ));
        }
    }
    Ok((!conditions.is_empty()).then(|| conditions.join(" or ")))
}

fn unread(column: &Column) -> String {
    format!(
        "`{}` looks like a mark of closed accounts, and its values are not known for yes or no; it is left out: add it \
         to `blocked` if it is one",
        column.name
    )
}

/// The column that says that a user was deleted, and what to write there.
async fn soft_delete(
    inspection: &mut Inspection,
    name: &str,
    relation: &Relation,
) -> Result<Option<(String, String)>, Failure> {
    for column in columns::of_role(relation, Role::Blocked) {
        if columns::plain(&column.name).contains("delete")
            && let Some(flag) = Flag::read(inspection, name, column).await?
            && let Some(yes) = flag.yes()
        {
            return Ok(Some((flag.column().to_owned(), yes)));
        }
    }
    Ok(None)
}

/// The fields of the profile that are just columns.
fn profile_names(
    relation: &Relation,
    dialect: Dialect,
    product: Option<&Product>,
    username: Option<&str>,
) -> Vec<(ProfileField, String)> {
    let known = product.map_or(&[][..], |product| product.names);
    let mut names: Vec<_> = known
        .iter()
        .filter_map(|(field, template)| Some((*field, filled(template, relation, dialect)?)))
        .collect();
    let fields = [
        ProfileField::Name,
        ProfileField::GivenName,
        ProfileField::FamilyName,
        ProfileField::Nickname,
        ProfileField::Picture,
        ProfileField::PhoneNumber,
    ];
    for field in fields {
        let column = columns::of_role(relation, Role::Profile(field))
            .first()
            .map(|column| dialect.name(&column.name));
        let is_taken = |name: &String| {
            names
                .iter()
                .any(|(other, sql)| *other == field || sql == name)
        };
        if let Some(column) = column
            && !is_taken(&column)
            && Some(column.as_str()) != username
        {
            names.push((field, column));
        }
    }
    names
}

fn nothing_like(relation: &Relation, what: &str) -> Failure {
    Failure::Finding(format!(
        "the table `{}` has no column that looks like {what}; name another with `--table`, or write the statements by \
         hand (docs/tutorial/your-own-store.md)",
        relation.shown()
    ))
}
