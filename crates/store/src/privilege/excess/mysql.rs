//! MySQL and MariaDB: what `SHOW GRANTS` says of the account, of the roles it has, and of everybody.

mod grant;

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{AssertSqlSafe, MySqlConnection, Row as _};

use self::grant::{Grant, Level, Privilege};
use super::{Context, Excess, ExcessKind, Via, listed};
use crate::error::Error;
use crate::mysql::Mysql;
use crate::privilege::{Needs, ObjectName, RelationNeeds, StoreKind, quoted};
use crate::server::look_failed;

/// What the account may do beyond the needs.
pub(in crate::privilege) async fn excesses(
    connection: &mut MySqlConnection,
    needs: &Needs,
) -> Result<Vec<Excess>, Error> {
    let account = account(connection).await?;
    let mut context = Context {
        kind: StoreKind::Mysql,
        needs,
        role: account.quoted(),
        found: BTreeSet::new(),
    };
    any_host(&mut context, &account);
    let grants = all_grants(connection).await?;
    for grant in &grants {
        excess_of(&mut context, grant, &account);
    }
    Ok(context.found.into_iter().collect())
}

/// Who a connection acts as.
pub(in crate::privilege) struct Account {
    pub(in crate::privilege) user: String,
    pub(in crate::privilege) host: String,
    /// The host that the connection comes from.
    from: String,
}

impl Account {
    fn quoted(&self) -> String {
        account_name(&self.user, &self.host)
    }
}

/// An account as SQL writes it.
pub(in crate::privilege) fn account_name(user: &str, host: &str) -> String {
    let text = |text: &str| text.replace('\'', "''");
    format!("'{}'@'{}'", text(user), text(host))
}

pub(in crate::privilege) async fn account(
    connection: &mut MySqlConnection,
) -> Result<Account, Error> {
    let asking = async {
        let row = sqlx::query("select cast(current_user() as char), cast(user() as char)")
            .fetch_one(connection)
            .await?;
        let (current, came): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let (user, host) = current.rsplit_once('@').unwrap_or((&current, "%"));
        let from = came.rsplit_once('@').map_or("localhost", |(_, host)| host);
        Ok(Account {
            user: user.to_owned(),
            host: host.to_owned(),
            from: from.to_owned(),
        })
    };
    let asked: sqlx::Result<_> = asking.await;
    asked.map_err(|error| look_failed::<Mysql>(&error))
}

fn any_host(context: &mut Context<'_>, account: &Account) {
    if account.host != "%" {
        return;
    }
    let narrow = account_name(&account.user, &account.from);
    context.found.insert(Excess {
        kind: ExcessKind::AnyHost,
        subject: String::new(),
        may: "may log in from any host".to_owned(),
        via: Via::Itself,
        mend: format!("RENAME USER {} TO {narrow};", account.quoted()),
    });
}

/// The grants of the account, of each role that it has, and of everybody. A role's are shown once it is taken on, and
/// with them those of the roles that it has itself.
async fn all_grants(connection: &mut MySqlConnection) -> Result<Vec<Grant>, Error> {
    let mut all = grants(connection, "show grants".to_owned()).await?;
    let roles = all.iter().filter_map(|grant| match &grant.level {
        Level::Role(name) => Some(name.clone()),
        _ => None,
    });
    let roles: Vec<_> = roles.take(MOST_ROLES).collect();
    for role in roles {
        grants(connection, format!("set role {role}")).await?;
        for grant in grants(connection, "show grants".to_owned()).await? {
            if !all.contains(&grant) {
                all.push(grant);
            }
        }
    }
    grants(connection, "set role none".to_owned()).await.ok();
    // Not every server knows everybody as a role.
    let of_everybody = grants(connection, "show grants for public".to_owned()).await;
    all.extend(of_everybody.unwrap_or_default());
    Ok(all)
}

async fn grants(connection: &mut MySqlConnection, sql: String) -> Result<Vec<Grant>, Error> {
    // A role's name comes from the server, quoted as the server quotes it.
    let lines = sqlx::raw_sql(AssertSqlSafe(sql))
        .fetch_all(connection)
        .await;
    let lines = lines.map_err(|error| look_failed::<Mysql>(&error))?;
    let texts = lines.iter().map(|line| line.try_get::<String, _>(0));
    let texts: sqlx::Result<Vec<_>> = texts.collect();
    let texts = texts.map_err(|error| look_failed::<Mysql>(&error))?;
    Ok(texts.iter().filter_map(|line| Grant::parse(line)).collect())
}

fn excess_of(context: &mut Context<'_>, grant: &Grant, account: &Account) {
    match &grant.level {
        Level::Global => global(context, grant, account),
        Level::Database(database) => of_database(context, grant, database, account),
        Level::Table(name) => of_table(context, grant, name, account),
        Level::Routine(class, name) => {
            let is_needed = context.needs.routines.iter().any(|r| r.name == *name);
            if !is_needed {
                let on = format!("{class} {}", name.quoted(StoreKind::Mysql));
                let may = "may call or change it: it may have rights of its own".to_owned();
                let subject = name.to_string();
                push(
                    context,
                    grant,
                    account,
                    (ExcessKind::Function, subject, may, on),
                );
            }
        }
        Level::Role(role) => {
            if grant.is_grantable {
                context.found.insert(Excess {
                    kind: ExcessKind::Membership,
                    subject: role.clone(),
                    may: "may make others members of it".to_owned(),
                    via: via(grant, account),
                    mend: format!("REVOKE ADMIN OPTION FOR {role} FROM {};", grant.grantee),
                });
            }
        }
        Level::Proxy(other) => {
            context.found.insert(Excess {
                kind: ExcessKind::Proxy,
                subject: other.clone(),
                may: "may act as that account".to_owned(),
                via: via(grant, account),
                mend: format!("REVOKE PROXY ON {other} FROM {};", grant.grantee),
            });
        }
    }
}

/// Privileges on the whole server, one finding for each kind that there is.
fn global(context: &mut Context<'_>, grant: &Grant, account: &Account) {
    let mut kinds: BTreeMap<ExcessKind, Vec<&str>> = BTreeMap::new();
    for privilege in &grant.privileges {
        let kind = match privilege.name.as_str() {
            "USAGE" => continue,
            "ALL PRIVILEGES" | "SUPER" => ExcessKind::Superuser,
            "CREATE USER" | "CREATE ROLE" | "ROLE_ADMIN" | "SET_USER_ID" => ExcessKind::CreateRole,
            "FILE" => ExcessKind::ServerFiles,
            "PROCESS" => ExcessKind::Process,
            name if name.starts_with("REPLICATION") || name.starts_with("BINLOG") => {
                ExcessKind::Replication
            }
            _ => ExcessKind::Global,
        };
        kinds.entry(kind).or_default().push(&privilege.name);
    }
    for (kind, names) in kinds {
        let names = listed(names);
        let may = match kind {
            ExcessKind::Superuser => format!("may do anything on the server ({names})"),
            ExcessKind::ServerFiles => "may read and write files of the server".to_owned(),
            ExcessKind::Process => "may see what other sessions do, statements and all".to_owned(),
            _ => format!("has {names} on every database"),
        };
        context.found.insert(Excess {
            kind,
            subject: "*.*".to_owned(),
            may,
            via: via(grant, account),
            mend: format!("REVOKE {names} ON *.* FROM {};", grant.grantee),
        });
    }
    grant_option(context, grant, "*.*", account);
}

fn of_database(context: &mut Context<'_>, grant: &Grant, database: &str, account: &Account) {
    let on = format!("{}.*", quoted(StoreKind::Mysql, database));
    let names = grant.privileges.iter().map(|p| p.name.as_str());
    let names = listed(names.filter(|name| *name != "USAGE"));
    if !names.is_empty() {
        let relations = context.needs.relations();
        let of_it = relations
            .keys()
            .filter(|name| name.schema == database || name.schema == database.replace("\\_", "_"));
        let regrant: String = of_it.map(|name| context.regrant(name)).collect();
        context.found.insert(Excess {
            kind: ExcessKind::Schema,
            subject: database.to_owned(),
            may: format!("has {names} on all of that database"),
            via: via(grant, account),
            mend: format!("REVOKE {names} ON {on} FROM {};{regrant}", grant.grantee),
        });
    }
    grant_option(context, grant, &on, account);
}

fn of_table(context: &mut Context<'_>, grant: &Grant, name: &ObjectName, account: &Account) {
    let all = context.needs.relations();
    let nothing = RelationNeeds::default();
    let needs = all.get(name).unwrap_or(&nothing);
    let on = name.quoted(StoreKind::Mysql);
    let mut whole = Vec::new();
    let mut columns = Vec::new();
    let mut columns_quoted = Vec::new();
    for privilege in &grant.privileges {
        if privilege.columns.is_empty() {
            if privilege.name != "USAGE" && !is_whole_needed(needs, &privilege.name) {
                whole.push(privilege.name.as_str());
            }
            continue;
        }
        let surplus = surplus_columns(needs, privilege);
        if !surplus.is_empty() {
            columns.push(format!(
                "{} ({})",
                privilege.name,
                listed(surplus.iter().copied())
            ));
            let quoted: Vec<_> = surplus
                .iter()
                .map(|c| quoted(StoreKind::Mysql, c))
                .collect();
            columns_quoted.push(format!("{} ({})", privilege.name, quoted.join(", ")));
        }
    }
    if !columns.is_empty() {
        context.found.insert(Excess {
            kind: ExcessKind::Column,
            subject: name.to_string(),
            may: format!("may {} of it", columns.join(", ")),
            via: via(grant, account),
            mend: format!(
                "REVOKE {} ON {on} FROM {};",
                columns_quoted.join(", "),
                grant.grantee
            ),
        });
    }
    if !whole.is_empty() {
        let names = listed(whole);
        let regrant = context.regrant(name);
        context.found.insert(Excess {
            kind: ExcessKind::Table,
            subject: name.to_string(),
            may: format!("may {names} the whole of it"),
            via: via(grant, account),
            mend: format!("REVOKE {names} ON {on} FROM {};{regrant}", grant.grantee),
        });
    }
    grant_option(context, grant, &on, account);
}

fn surplus_columns<'a>(needs: &RelationNeeds, privilege: &'a Privilege) -> Vec<&'a str> {
    let needed = match privilege.name.as_str() {
        "SELECT" => Some(&needs.select),
        "INSERT" => Some(&needs.insert),
        "UPDATE" => Some(&needs.update),
        _ => None,
    };
    let is_needed = |column: &str| {
        needed.is_some_and(|needed| needed.iter().any(|one| one.eq_ignore_ascii_case(column)))
    };
    let columns = privilege.columns.iter().map(String::as_str);
    columns.filter(|column| !is_needed(column)).collect()
}

fn is_whole_needed(needs: &RelationNeeds, privilege: &str) -> bool {
    let needed = match privilege {
        "DELETE" => return needs.delete,
        "SELECT" => &needs.select,
        "INSERT" => &needs.insert,
        "UPDATE" => &needs.update,
        _ => return false,
    };
    !needs.columns.is_empty() && needs.columns.iter().all(|column| needed.contains(column))
}

fn grant_option(context: &mut Context<'_>, grant: &Grant, on: &str, account: &Account) {
    if grant.is_grantable {
        context.found.insert(Excess {
            kind: ExcessKind::GrantOption,
            subject: on.replace('`', ""),
            may: "may grant on what it has there".to_owned(),
            via: via(grant, account),
            mend: format!("REVOKE GRANT OPTION ON {on} FROM {};", grant.grantee),
        });
    }
}

fn push(
    context: &mut Context<'_>,
    grant: &Grant,
    account: &Account,
    (kind, subject, may, on): (ExcessKind, String, String, String),
) {
    let names = listed(grant.privileges.iter().map(|p| p.name.as_str()));
    context.found.insert(Excess {
        kind,
        subject,
        may,
        via: via(grant, account),
        mend: format!("REVOKE {names} ON {on} FROM {};", grant.grantee),
    });
}

fn via(grant: &Grant, account: &Account) -> Via {
    let plain = |text: &str| text.replace(['`', '\''], "");
    let grantee = plain(&grant.grantee);
    if grantee == plain(&account.quoted()) {
        Via::Itself
    } else if grantee.eq_ignore_ascii_case("public") {
        Via::Public
    } else {
        Via::Role(grantee)
    }
}

/// How many roles are looked into.
const MOST_ROLES: usize = 100;
