//! PostgreSQL: attributes, memberships, ownership, and every access control list that names the role, a role that it is
//! a member of, or everybody.

mod queries;
mod relations;

use sqlx::{AssertSqlSafe, PgConnection, Row as _};

use super::{Context, Excess, ExcessKind, Via};
use crate::error::Error;
use crate::postgres::Postgres;
use crate::privilege::{Needs, ObjectName, StoreKind, quoted};
use crate::server::look_failed;

/// What a role may do beyond the needs; without a role, what everybody may.
pub(in crate::privilege) async fn excesses(
    connection: &mut PgConnection,
    needs: &Needs,
    role: Option<&str>,
) -> Result<Vec<Excess>, Error> {
    let mut context = Context {
        kind: StoreKind::Postgres,
        needs,
        role: role.map_or_else(|| "PUBLIC".to_owned(), identifier),
        found: std::collections::BTreeSet::new(),
    };
    let asking = async {
        let version: i32 = sqlx::query_scalar("select current_setting('server_version_num')::int")
            .fetch_one(&mut *connection)
            .await?;
        let role = role.unwrap_or_default();
        for row in rows(connection, queries::ATTRIBUTES, role).await? {
            attribute(&mut context, &row, role);
        }
        for row in rows(connection, queries::MEMBERSHIPS, role).await? {
            membership(&mut context, &row, role);
        }
        for row in rows(connection, queries::OWNED, role).await? {
            owned(&mut context, &row, role);
        }
        let lists = queries::lists(version >= 150_000);
        let entries = rows(connection, &lists, role).await?;
        relations::entries(&mut context, &entries, role);
        for entry in &entries {
            other(&mut context, entry, role);
        }
        Ok(())
    };
    let asked: sqlx::Result<()> = asking.await;
    asked.map_err(|error| look_failed::<Postgres>(&error))?;
    Ok(context.found.into_iter().collect())
}

/// The role that a connection acts as.
pub(in crate::privilege) async fn role(connection: &mut PgConnection) -> Result<String, Error> {
    let asked = sqlx::query_scalar("select current_user::text")
        .fetch_one(connection)
        .await;
    asked.map_err(|error| look_failed::<Postgres>(&error))
}

/// One answer of these queries: what it is about, as text.
struct Entry {
    class: String,
    schema: String,
    name: String,
    detail: String,
    privilege: String,
    /// Empty for everybody.
    grantee: String,
    is_grantable: bool,
}

impl Entry {
    fn object(&self) -> ObjectName {
        ObjectName {
            schema: self.schema.clone(),
            name: self.name.clone(),
        }
    }

    fn grantee(&self) -> String {
        if self.grantee.is_empty() {
            "PUBLIC".to_owned()
        } else {
            identifier(&self.grantee)
        }
    }

    fn via(&self, role: &str) -> Via {
        match self.grantee.as_str() {
            "" => Via::Public,
            grantee if grantee == role => Via::Itself,
            grantee => Via::Role(grantee.to_owned()),
        }
    }
}

async fn rows(connection: &mut PgConnection, sql: &str, role: &str) -> sqlx::Result<Vec<Entry>> {
    // Ours to the letter: only which lists there are depends on the server's version.
    let query = sqlx::query(AssertSqlSafe(sql.to_owned())).bind(role);
    let rows = query.persistent(false).fetch_all(connection).await?;
    let entry = |row: &sqlx::postgres::PgRow| {
        Ok(Entry {
            class: row.try_get(0)?,
            schema: row.try_get(1)?,
            name: row.try_get(2)?,
            detail: row.try_get(3)?,
            privilege: row.try_get(4)?,
            grantee: row.try_get(5)?,
            is_grantable: row.try_get(6)?,
        })
    };
    rows.iter().map(entry).collect()
}

/// An attribute of the role, or of one that it may become.
fn attribute(context: &mut Context<'_>, row: &Entry, role: &str) {
    let (kind, may) = match row.privilege.as_str() {
        "SUPERUSER" => (
            ExcessKind::Superuser,
            "may do anything at all: no right is checked",
        ),
        "CREATEROLE" => (ExcessKind::CreateRole, "may make and change roles"),
        "CREATEDB" => (ExcessKind::CreateDatabase, "may make databases"),
        "REPLICATION" => (ExcessKind::Replication, "may copy the whole server"),
        _ => (
            ExcessKind::BypassRowSecurity,
            "is not held by row-level security",
        ),
    };
    let mend = if row.grantee == role {
        format!("ALTER ROLE {} NO{};", row.grantee(), row.privilege)
    } else {
        format!("REVOKE {} FROM {};", row.grantee(), identifier(role))
    };
    context.found.insert(Excess {
        kind,
        subject: String::new(),
        may: may.to_owned(),
        via: row.via(role),
        mend,
    });
}

/// A role of PostgreSQL's own that it is a member of, or one that it may make others members of.
fn membership(context: &mut Context<'_>, row: &Entry, role: &str) {
    let (group, member) = (identifier(&row.name), identifier(&row.grantee));
    let (may, mend) = if row.class == "admin" {
        (
            format!("may make others members of {}", row.name),
            format!("REVOKE ADMIN OPTION FOR {group} FROM {member};"),
        )
    } else {
        let powers = queries::POWERS
            .iter()
            .find(|(name, _)| *name == row.name)
            .map_or(
                "has the powers of a role of PostgreSQL's own",
                |(_, may)| may,
            );
        (powers.to_owned(), format!("REVOKE {group} FROM {member};"))
    };
    context.found.insert(Excess {
        kind: ExcessKind::Membership,
        subject: row.name.clone(),
        may,
        via: row.via(role),
        mend,
    });
}

fn owned(context: &mut Context<'_>, row: &Entry, role: &str) {
    let object = row.object();
    let written = match row.class.as_str() {
        "ROUTINE" => format!("{}({})", object.quoted(StoreKind::Postgres), row.detail),
        "SCHEMA" | "DATABASE" | "LARGE OBJECT" => ObjectName {
            schema: String::new(),
            ..object.clone()
        }
        .quoted(StoreKind::Postgres),
        _ => object.quoted(StoreKind::Postgres),
    };
    let written = if row.class == "LARGE OBJECT" {
        row.name.clone()
    } else {
        written
    };
    let regrant = context.regrant(&object);
    context.found.insert(Excess {
        kind: ExcessKind::Ownership,
        subject: object.to_string(),
        may: format!(
            "owns the {}, and may change, empty or drop it",
            row.class.to_lowercase()
        ),
        via: row.via(role),
        mend: format!(
            "ALTER {} {written} OWNER TO {};{regrant}",
            row.class,
            identifier(&row.privilege)
        ),
    });
}

/// An entry of any list but those of tables and columns.
fn other(context: &mut Context<'_>, entry: &Entry, role: &str) {
    let is_needed = match (entry.class.as_str(), entry.privilege.as_str()) {
        ("sequence", "USAGE") => context.needs.sequences.contains(&entry.object()),
        ("schema", "USAGE") => is_needed_schema(context, entry),
        // Tables and columns are looked at elsewhere; and whoever may not connect makes no tables there.
        ("relation" | "column", _) | ("database", "CONNECT") | ("other-database", "TEMPORARY") => {
            true
        }
        ("routine", _) => is_needed_routine(context, entry),
        _ => false,
    };
    if is_needed {
        return;
    }
    let privilege = entry.privilege.as_str();
    let (kind, may) = may(entry);
    let mend = if kind == ExcessKind::DefaultPrivilege {
        mend_of_default(entry)
    } else {
        format!(
            "REVOKE {privilege} ON {} FROM {};",
            on(entry),
            entry.grantee()
        )
    };
    context.found.insert(Excess {
        kind,
        subject: entry.object().to_string(),
        may,
        via: entry.via(role),
        mend,
    });
}

/// What an entry means for people.
fn may(entry: &Entry) -> (ExcessKind, String) {
    let privilege = &entry.privilege;
    let (kind, may) = match (entry.class.as_str(), privilege.as_str()) {
        ("sequence", _) => {
            let may = format!("may use the sequence by {privilege}");
            return (ExcessKind::Sequence, may);
        }
        ("large-object", _) => {
            let may = format!("may use the large object by {privilege}");
            return (ExcessKind::LargeObject, may);
        }
        ("parameter", _) => {
            let may = format!("may change the parameter by {privilege}");
            return (ExcessKind::Parameter, may);
        }
        ("default", _) => {
            let (kind, maker) = (entry.detail.to_lowercase(), &entry.name);
            let may = format!("will have {privilege} on {kind} that {maker} makes from now on");
            return (ExcessKind::DefaultPrivilege, may);
        }
        ("schema", "CREATE") => (ExcessKind::Schema, "may make tables and functions in it"),
        ("schema", _) => (ExcessKind::Schema, "may look into it"),
        ("database", "TEMPORARY") => (
            ExcessKind::Temporary,
            "may make temporary tables, and fill the disk with them",
        ),
        ("database", _) => (ExcessKind::Schema, "may make schemas in it"),
        ("other-database", _) => (ExcessKind::OtherDatabase, "may connect to it"),
        ("server", _) => (
            ExcessKind::ForeignServer,
            "may reach another server through it",
        ),
        ("wrapper", _) => (
            ExcessKind::ForeignServer,
            "may define foreign servers by it",
        ),
        ("tablespace", _) => (ExcessKind::Schema, "may put tables into it"),
        _ => (
            ExcessKind::Function,
            "may call it: it has rights of its own, or reaches out of the database",
        ),
    };
    (kind, may.to_owned())
}

/// What an entry is about, as `REVOKE` takes it.
fn on(entry: &Entry) -> String {
    let object = entry.object().quoted(StoreKind::Postgres);
    let alone = identifier(&entry.name);
    match entry.class.as_str() {
        "sequence" => format!("SEQUENCE {object}"),
        "schema" => format!("SCHEMA {alone}"),
        "database" | "other-database" => format!("DATABASE {alone}"),
        "large-object" => format!("LARGE OBJECT {}", entry.name),
        "server" => format!("FOREIGN SERVER {alone}"),
        "wrapper" => format!("FOREIGN DATA WRAPPER {alone}"),
        "tablespace" => format!("TABLESPACE {alone}"),
        "parameter" => format!("PARAMETER {}", entry.name),
        _ => format!("ROUTINE {object}({})", entry.detail),
    }
}

fn is_needed_schema(context: &Context<'_>, entry: &Entry) -> bool {
    let statements = context.needs.statements.values().flatten();
    let relations = statements.map(|(name, _)| &name.schema);
    let routines = context.needs.routines.iter().map(|r| &r.name.schema);
    let sequences = context.needs.sequences.iter().map(|name| &name.schema);
    let mut needed = relations.chain(routines).chain(sequences);
    // Everybody may look into `public`, where there may be nothing that everybody may use.
    needed.any(|schema| *schema == entry.name)
        || (entry.name == "public" && entry.grantee.is_empty())
}

fn is_needed_routine(context: &Context<'_>, entry: &Entry) -> bool {
    let mut routines = context.needs.routines.iter();
    routines.any(|routine| routine.name == entry.object() && routine.arguments == entry.detail)
}

fn mend_of_default(entry: &Entry) -> String {
    let within = if entry.schema.is_empty() {
        String::new()
    } else {
        format!(" IN SCHEMA {}", identifier(&entry.schema))
    };
    format!(
        "ALTER DEFAULT PRIVILEGES FOR ROLE {}{within} REVOKE {} ON {} FROM {};",
        identifier(&entry.name),
        entry.privilege,
        entry.detail,
        entry.grantee()
    )
}

fn identifier(name: impl AsRef<str>) -> String {
    quoted(StoreKind::Postgres, name.as_ref())
}
