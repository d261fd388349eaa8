//! What a role may do beyond what its statements need, each with the words that take it away.
//! Read from the database's own lists of grants, so that even for a superuser it is known what was granted and to whom.

pub(super) mod mysql;
pub(super) mod postgres;
pub(super) mod sqlite;

use std::collections::BTreeSet;

use super::{Needs, ObjectName, StoreKind, grants};

/// One thing that a role may do and need not.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Excess {
    /// Its kind.
    pub kind: ExcessKind,
    /// What it is about: a table, a schema, a parameter; empty where it is about the role itself.
    pub subject: String,
    /// What the role may do, to go on after 'it'.
    pub may: String,
    /// Where it has that from.
    pub via: Via,
    /// The statements that take it away, and give back what is needed; for somebody who may grant.
    pub mend: String,
}

/// How a role came to a right.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Via {
    /// It was granted to the role itself.
    Itself,
    /// It was granted to everybody.
    Public,
    /// It was granted to a role that this one is a member of.
    Role(String),
}

/// The kinds of things that a role may do and need not.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ExcessKind {
    /// No right is checked.
    Superuser,
    /// It makes and changes roles.
    CreateRole,
    /// It makes databases.
    CreateDatabase,
    /// It takes a copy of all there is.
    Replication,
    /// Row-level security does not hold for it.
    BypassRowSecurity,
    /// It is a member of a role with powers of its own.
    Membership,
    /// It owns something, and so may do anything with it.
    Ownership,
    /// It reads and writes files of the server, or runs programs there.
    ServerFiles,
    /// It sees what other sessions do.
    Process,
    /// Another right to the whole server.
    Global,
    /// A right to a whole database or schema, or to make something in it.
    Schema,
    /// It makes temporary tables.
    Temporary,
    /// It may connect to another database.
    OtherDatabase,
    /// A right to a table or view.
    Table,
    /// A right to a column.
    Column,
    /// A right to a sequence.
    Sequence,
    /// It calls a function that has rights of its own, or reaches out of the database.
    Function,
    /// A right to a large object.
    LargeObject,
    /// It reaches another server.
    ForeignServer,
    /// It sets what only an administrator should.
    Parameter,
    /// A right to whatever will be made.
    DefaultPrivilege,
    /// It may grant on what it has.
    GrantOption,
    /// It may act as another account.
    Proxy,
    /// It may come from any host.
    AnyHost,
    /// A file that others may read or change.
    FileMode,
    /// Directory: it reads hashes, and the gateway need not.
    DirectoryPassword,
    /// Directory: it reads another attribute of the users.
    DirectoryAttribute,
    /// Directory: it changes an attribute of the users.
    DirectoryWrite,
    /// Directory: it reads entries that are no users.
    DirectoryEntries,
    /// Directory: it reads what the server keeps of itself.
    DirectoryServer,
    /// Directory: whoever asks is shown the users.
    DirectoryAnonymous,
    /// A store without roles: whoever opens it has everything in it.
    NoRoles,
}

/// Needs and names at hand while grants are looked through.
struct Context<'a> {
    kind: StoreKind,
    needs: &'a Needs,
    /// The role, as SQL writes it.
    role: String,
    found: BTreeSet<Excess>,
}

impl Context<'_> {
    /// The statements that give the role what it needs of a relation, where something broader has been taken away.
    fn regrant(&self, name: &ObjectName) -> String {
        let relations = self.needs.relations();
        let needs = relations.get(name);
        let statements = needs.map(|needs| grants::of_relation(self.kind, name, needs, &self.role));
        statements
            .into_iter()
            .flatten()
            .fold(String::new(), |all, one| format!("{all} {one}"))
    }
}

/// `a, b and c` words as one list.
fn listed<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().collect::<Vec<_>>().join(", ")
}
