//! `lychgate init`: looks at a store, and writes the config that it proposes.

mod report;

use std::fs::OpenOptions;
use std::io::{IsTerminal as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;
use lychgate_store::{Inspection, StatementName, StoreKind, mysql_account, postgres_role};

use super::export::grants::{Script, script};
use super::legacy_store::{LegacyStore, StoreArguments, failure, user_table};
use super::{Failure, ReportFormat};
use crate::init::{self, Deployment, IdentifierKind, Proposal};

#[derive(Args)]
pub(crate) struct Arguments {
    /// The legacy store: `sqlite:FILE`, `postgres://user@host/database` or `mysql://user@host/database`. It may hold
    /// `${env:NAME}` or `${file:PATH}`, and no password in the clear.
    #[arg(long, value_name = "URL")]
    store: String,
    #[command(flatten)]
    access: StoreArguments,
    /// The issuer of access tokens.
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// The identifier of the gateway's API at the platform.
    #[arg(long, value_name = "IDENTIFIER")]
    audience: Option<String>,
    /// The client ID of the action scripts.
    #[arg(long, value_name = "ID")]
    client: Option<String>,
    /// A network that calls may come from; may be given more than once.
    #[arg(long, value_name = "NETWORK")]
    allow: Vec<String>,
    /// What users log in with; the e-mail address where there is one.
    #[arg(long, value_enum)]
    identifier: Option<IdentifierKind>,
    /// The operations to switch on, instead of `authenticate,lookup`.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    operations: Vec<StatementName>,
    /// The role that the gateway connects as.
    #[arg(long, value_name = "NAME", default_value = "lychgate")]
    role: String,
    /// MySQL and MariaDB: the host that this role comes from, as the server sees it.
    #[arg(long, value_name = "HOST", default_value = "localhost")]
    role_host: String,
    /// The folder to write into.
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
    /// Write over files that are there already.
    #[arg(long)]
    force: bool,
    /// Write without asking.
    #[arg(long)]
    yes: bool,
    /// How it is reported what was found.
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    format: ReportFormat,
}

/// Looks, shows, asks, writes.
pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let config = arguments.out.join("lychgate.toml");
    let script_file = arguments.out.join(GRANTS);
    for file in [&config, &script_file] {
        if !arguments.force && file.exists() {
            return Err(Failure::Other(anyhow::anyhow!(
                "{} is there already; nothing was written: choose another folder with `--out`, or say `--force`",
                file.display()
            )));
        }
    }
    let store = LegacyStore::read(&arguments.store, &arguments.access)?;
    let (store, mut inspection) = store.connect().await?;
    let relation = user_table(&mut inspection, arguments.access.table.as_deref()).await?;
    let mut proposal = init::propose(
        &mut inspection,
        relation,
        arguments.identifier,
        &arguments.operations,
    )
    .await?;
    let grants = grants(&mut inspection, &store, &proposal, &arguments).await?;
    inspection.close().await;
    if grants.as_ref().is_some_and(|grants| !grants.is_complete) {
        proposal.remarks.push(format!(
            "{GRANTS} does not hold all that the statements need: look for NOT KNOWN in it"
        ));
    }
    let deployment = Deployment {
        url: store.without_user()?,
        role: grants.is_some().then_some(arguments.role),
        issuer: arguments.issuer,
        audience: arguments.audience,
        client: arguments.client,
        networks: arguments.allow,
        grants: grants.is_some().then(|| GRANTS.to_owned()),
    };
    let text = init::config(&proposal, &deployment)?;
    if arguments.format == ReportFormat::Text {
        print(&report::text(&proposal, &store.place()))?;
    }
    if !arguments.yes && !is_wanted(&config)? {
        return Err(Failure::Finding("nothing was written".to_owned()));
    }
    std::fs::create_dir_all(&arguments.out)
        .with_context(|| format!("cannot make {}", arguments.out.display()))?;
    let mut written = Vec::new();
    write(&config, &text, arguments.force)?;
    written.push(config);
    if let Some(grants) = grants {
        write(&script_file, &grants.text, arguments.force)?;
        written.push(script_file);
    }
    let key = arguments.out.join("pseudonym.key");
    // A key that is there names the users of an audit file that may be there, too.
    if !key.exists() {
        write(&key, &random_text()?, false)?;
        written.push(key);
    }
    match arguments.format {
        ReportFormat::Text => print(&report::next_steps(&written, !store.is_file())),
        ReportFormat::Json => print(&report::json(&proposal, &store.place(), &written)),
    }?;
    Ok(())
}

/// The grants by which the statements that are on work; `None` where there are no roles.
async fn grants(
    inspection: &mut Inspection,
    store: &LegacyStore,
    proposal: &Proposal,
    arguments: &Arguments,
) -> Result<Option<Script>, Failure> {
    let Some(database) = store.database() else {
        return Ok(None);
    };
    let role = match inspection.kind() {
        StoreKind::Mysql => mysql_account(&arguments.role, &arguments.role_host),
        StoreKind::Postgres | StoreKind::Sqlite => postgres_role(&arguments.role),
    };
    let enabled = proposal.operations.iter().filter(|one| one.is_enabled);
    let statements = enabled.map(|one| (one.name, one.sql.clone())).collect();
    let script = script(inspection, &statements, database, &role).await;
    Ok(Some(script.map_err(failure)?))
}

/// Asks on a terminal; elsewhere whoever called has decided.
fn is_wanted(config: &Path) -> Result<bool> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Ok(true);
    }
    let mut stderr = std::io::stderr().lock();
    write!(stderr, "\nWrite {}? [y/N] ", config.display())?;
    stderr.flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// Writes a file that only its owner reads.
fn write(path: &Path, text: &str, over: bool) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    let options = if over {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    let written = options
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    written.with_context(|| format!("cannot write {}", path.display()))
}

fn random_text() -> Result<String> {
    use base64::Engine as _;
    let bytes = lychgate_token::random_bytes::<32>()
        .map_err(|_| anyhow::anyhow!("the system gives no random bytes"))?;
    Ok(base64::engine::general_purpose::STANDARD.encode(bytes) + "\n")
}

fn print(text: &str) -> Result<()> {
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}

/// The file of the grants.
const GRANTS: &str = "grants.sql";
