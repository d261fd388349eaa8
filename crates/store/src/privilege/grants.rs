//! The smallest grants by which the statements work, as a script for whoever may grant.
//! An attacker who has the role's password finds in it all that they could do.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::{Excess, Needs, ObjectName, RelationNeeds, StoreKind, quoted};

/// For whom a script is, and where.
pub struct GrantScript<'a> {
    /// The kind of database: not SQLite, which has no roles.
    pub kind: StoreKind,
    /// The database.
    pub database: &'a str,
    /// The role, as SQL writes it.
    pub role: &'a str,
    /// What its statements need.
    pub needs: &'a Needs,
    /// What everybody may do there now, and the role need not.
    pub public: &'a [Excess],
}

impl GrantScript<'_> {
    /// The script, with what each operation needs as comments.
    pub fn write(&self) -> String {
        let mut script = String::new();
        self.head(&mut script);
        if !self.public.is_empty() {
            script.push_str(
                "\n-- What everybody may do here, and so this role, too. Look for others that rely on it.\n",
            );
            for excess in self.public {
                let _ = writeln!(script, "{}", excess.mend);
            }
        }
        script.push('\n');
        if self.kind == StoreKind::Postgres {
            self.postgres_surroundings(&mut script);
        }
        for (name, needs) in self.needs.relations() {
            for grant in of_relation(self.kind, name, &needs, self.role) {
                let _ = writeln!(script, "{grant}");
            }
        }
        for routine in &self.needs.routines {
            let name = routine.name.quoted(self.kind);
            let _ = match self.kind {
                StoreKind::Mysql => {
                    writeln!(script, "GRANT EXECUTE ON FUNCTION {name} TO {};", self.role)
                }
                StoreKind::Postgres | StoreKind::Sqlite => writeln!(
                    script,
                    "GRANT EXECUTE ON FUNCTION {name}({}) TO {};",
                    routine.arguments, self.role
                ),
            };
        }
        script
    }

    fn head(&self, script: &mut String) {
        script.push_str("-- What the statements of the config need, and nothing else:\n");
        for (statement, relations) in &self.needs.statements {
            for (name, needs) in relations {
                for act in acts(needs) {
                    let _ = writeln!(script, "--   {statement} {act} of {name}");
                }
            }
        }
        for unknown in &self.needs.unknown {
            let _ = writeln!(
                script,
                "-- NOT KNOWN, and so not granted: {}: {}.",
                unknown.statement, unknown.reason
            );
        }
        let create = match self.kind {
            StoreKind::Mysql => format!(
                "-- Make the account first: CREATE USER {} IDENTIFIED BY '…';",
                self.role
            ),
            StoreKind::Postgres | StoreKind::Sqlite => format!(
                "-- Make the role first: CREATE ROLE {} LOGIN; and then, in psql: \\password {}",
                self.role, self.role
            ),
        };
        let _ = writeln!(script, "{create}");
    }

    fn postgres_surroundings(&self, script: &mut String) {
        let role = self.role;
        let database = quoted(self.kind, self.database);
        let _ = writeln!(
            script,
            "ALTER ROLE {role} NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;"
        );
        let _ = writeln!(script, "GRANT CONNECT ON DATABASE {database} TO {role};");
        let relations = self.needs.relations();
        let schemas = relations.keys().map(|name| &name.schema);
        let routines = self.needs.routines.iter().map(|r| &r.name.schema);
        let sequences = self.needs.sequences.iter().map(|name| &name.schema);
        let schemas: BTreeSet<_> = schemas.chain(routines).chain(sequences).collect();
        for schema in schemas {
            let schema = quoted(self.kind, schema);
            let _ = writeln!(script, "GRANT USAGE ON SCHEMA {schema} TO {role};");
        }
        for sequence in &self.needs.sequences {
            let sequence = sequence.quoted(self.kind);
            let _ = writeln!(script, "GRANT USAGE ON SEQUENCE {sequence} TO {role};");
        }
    }
}

/// The grants of what is needed of one relation.
pub(super) fn of_relation(
    kind: StoreKind,
    name: &ObjectName,
    needs: &RelationNeeds,
    role: &str,
) -> Vec<String> {
    let columns = |columns: &BTreeSet<String>| {
        // In the table's own order, which is easier to compare with it.
        let needed = needs.columns.iter().filter(|c| columns.contains(*c));
        let quoted: Vec<_> = needed.map(|column| quoted(kind, column)).collect();
        quoted.join(", ")
    };
    let mut rights = Vec::new();
    for (right, needed) in [
        ("SELECT", &needs.select),
        ("INSERT", &needs.insert),
        ("UPDATE", &needs.update),
    ] {
        if !needed.is_empty() {
            rights.push(format!("{right} ({})", columns(needed)));
        }
    }
    if needs.delete {
        rights.push("DELETE".to_owned());
    }
    let table = name.quoted(kind);
    let grant = |right| format!("GRANT {right} ON TABLE {table} TO {role};");
    rights.into_iter().map(grant).collect()
}

/// What a statement does with a relation, for people.
fn acts(needs: &RelationNeeds) -> Vec<String> {
    let mut acts = Vec::new();
    for (act, columns) in [
        ("reads", &needs.select),
        ("inserts", &needs.insert),
        ("sets", &needs.update),
    ] {
        if !columns.is_empty() {
            let columns: Vec<_> = columns.iter().map(String::as_str).collect();
            acts.push(format!("{act} {}", columns.join(", ")));
        }
    }
    if needs.delete {
        acts.push("removes rows".to_owned());
    }
    acts
}

/// A role of PostgreSQL as SQL writes it.
pub fn postgres_role(name: &str) -> String {
    quoted(StoreKind::Postgres, name)
}

/// An account of MySQL as SQL writes it.
pub fn mysql_account(user: &str, host: &str) -> String {
    super::excess::mysql::account_name(user, host)
}
