//! `lychgate export grants`: the rights that the statements of the config need, and none else, as a script.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use lychgate_store::{
    Error, GrantScript, Inspection, ServerAddress, StatementName, StoreKind, mysql_account,
    postgres_role,
};

use crate::commands::Failure;
use crate::config;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The config.
    #[arg(long, value_name = "FILE", default_value = "lychgate.toml")]
    config: PathBuf,
    /// The role that gets the grants; if left out, the user of the store's `url`.
    #[arg(long, value_name = "NAME")]
    role: Option<String>,
    /// MySQL and MariaDB: the host that the gateway comes from, as the server sees it. `localhost` if left out and the
    /// store is on this machine.
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
}

/// Prints the script. What a statement needs and nobody can tell is named in it, and makes the exit status 1.
pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let config = config::read(&arguments.config)?;
    let Some(gateway) = config.gateway else {
        return Err(Failure::Config(
            "the config has no `[gateway]`, and so no statements that need anything".to_owned(),
        ));
    };
    let settings = gateway.store;
    let url = settings
        .url_of_first_user()
        .context("cannot look at the store")?;
    let (kind, server) = match (url.kind(), url.server()) {
        (Some(kind), Some(server)) => (kind, server),
        (None, _) => {
            return Err(Failure::Config(
                "the store is a directory, whose access is not granted by SQL; `docs/how-to/ldap.md` has the rules".to_owned(),
            ));
        }
        (_, None) => {
            return Err(Failure::Config(
                "the store is a SQLite file, which has no roles: its mode is all there is to grant; `chmod 600` it".to_owned(),
            ));
        }
    };
    let role = role(&arguments, kind, server)?;
    let asking = async {
        let mut inspection = Inspection::open(&url).await?;
        script(
            &mut inspection,
            &settings.statements,
            server.database,
            &role,
        )
        .await
    };
    let asked: Result<_, Error> = asking.await;
    let script = asked.context("cannot look at the store")?;
    let mut stdout = std::io::stdout().lock();
    write!(stdout, "{}", script.text).context("cannot print the script")?;
    if script.is_complete {
        Ok(())
    } else {
        Err(Failure::Finding(
            "not everything could be told: look for NOT KNOWN in the script".to_owned(),
        ))
    }
}

/// The grants that some statements need.
pub(crate) struct Script {
    pub(crate) text: String,
    /// Whether it could be told of every statement what it needs.
    pub(crate) is_complete: bool,
}

/// Asks the database what the statements need, and writes the script for the role, which is given as SQL writes it.
pub(crate) async fn script(
    inspection: &mut Inspection,
    statements: &BTreeMap<StatementName, String>,
    database: &str,
    role: &str,
) -> Result<Script, Error> {
    let needs = inspection.needs(statements).await?;
    let public = inspection.public_excesses(&needs).await?;
    let script = GrantScript {
        kind: inspection.kind(),
        database,
        role,
        needs: &needs,
        public: &public,
    };
    Ok(Script {
        text: script.write(),
        is_complete: needs.unknown.is_empty(),
    })
}

/// The role as SQL writes it.
fn role(
    arguments: &Arguments,
    kind: StoreKind,
    server: ServerAddress<'_>,
) -> Result<String, Failure> {
    let name = arguments.role.as_deref().unwrap_or(server.user);
    match (kind, arguments.host.as_deref()) {
        (StoreKind::Mysql, Some(host)) => Ok(mysql_account(name, host)),
        (StoreKind::Mysql, None) if is_this_machine(server) => Ok(mysql_account(name, "localhost")),
        (StoreKind::Mysql, None) => Err(Failure::Config(
            "an account of MySQL has a host: say with `--host` which the gateway comes from"
                .to_owned(),
        )),
        (StoreKind::Postgres | StoreKind::Sqlite, None) => Ok(postgres_role(name)),
        (StoreKind::Postgres | StoreKind::Sqlite, Some(_)) => Err(Failure::Config(
            "a role of PostgreSQL has no host; `pg_hba.conf` says where it may come from"
                .to_owned(),
        )),
    }
}

fn is_this_machine(server: ServerAddress<'_>) -> bool {
    server.host.is_none_or(|(host, _)| {
        host.eq_ignore_ascii_case("localhost")
            || host
                .parse()
                .is_ok_and(|address: std::net::IpAddr| address.is_loopback())
    })
}
