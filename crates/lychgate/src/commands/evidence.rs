//! `lychgate evidence`: what an auditor takes home, made by asking: the config, the store, the audit log, and a report of
//! `lychgate attack` where there is one.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use clap::Args;
use lychgate_gateway::audit::{Digest, Verification};
use lychgate_gateway::operations::OPERATIONS;
use lychgate_gateway::{SenderConstraint, Settings};
use lychgate_store::{Inspection, StoreKind, mysql_account, postgres_role};
use lychgate_token::UnixTime;
use serde::Deserialize;
use serde_json::Value;

use super::export::grants::script;
use super::{Failure, audit, check};
use crate::audit_log::AuditLog;
use crate::config;
use crate::evidence::{Asked, Report, Subject};

#[derive(Args)]
pub(crate) struct Arguments {
    /// The folder for `evidence.md` and `evidence.json`. What is there already is never written over.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The report of `lychgate attack --format json` against this deployment.
    #[arg(long, value_name = "FILE")]
    attack: Option<PathBuf>,
    /// The tenant's own configuration, as `lychgate check` takes it.
    #[arg(long, value_name = "PATH")]
    tenant_export: Option<PathBuf>,
    /// The config.
    #[arg(long, value_name = "FILE", default_value = "lychgate.toml")]
    config: PathBuf,
}

/// The two files.
const PAGE: &str = "evidence.md";
const DOCUMENT: &str = "evidence.json";

/// What is read of a report of `attack`.
#[derive(Deserialize)]
struct AttackReport {
    attacks: Vec<Attack>,
}

#[derive(Deserialize)]
struct Attack {
    id: String,
    outcome: String,
}

/// Asks everything, writes it down, and fails if a requirement does.
pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let config = config::read(&arguments.config)?;
    let log = read_log(&config);
    let Some(gateway) = config.gateway else {
        let reason = "the config has no `[gateway]`, and there is nothing to show".to_owned();
        return Err(Failure::Config(reason));
    };
    let attacks = match &arguments.attack {
        Some(file) => read_attacks(file)?,
        None => BTreeMap::new(),
    };
    refuse_what_is_there(&arguments.out)?;
    // On the heap: to look at a store is a long story.
    let export = arguments.tenant_export.as_deref();
    let judged = Box::pin(check::judge(&arguments.config, export)).await?;
    let asked = Asked {
        findings: judged.findings,
        saw_store: judged.saw_store,
        saw_tenant: export.is_some(),
        not_told: judged.not_told,
        attacks,
        log_is_whole: log
            .as_ref()
            .map(|(_, report)| report.get("ok") == Some(&Value::Bool(true))),
    };
    let written = std::fs::read(&arguments.config).context("cannot read the config again")?;
    let subject = Subject {
        time: time_of(UnixTime::now()),
        config: Digest::of(&written).to_string(),
        tokens: tokens(&gateway),
        networks: networks(&gateway),
        operations: operations(&gateway),
        grants: Box::pin(grants(&gateway)).await,
        log,
    };
    let report = Report {
        subject: &subject,
        asked: &asked,
    };
    make_folder(&arguments.out)?;
    for (name, text) in [
        (PAGE, report.markdown()),
        (DOCUMENT, format!("{:#}\n", report.json())),
    ] {
        let path = arguments.out.join(name);
        write(&path, &text)?;
        say(&path)?;
    }
    match report.failures() {
        0 => Ok(()),
        1 => Err(Failure::Finding("1 requirement fails".to_owned())),
        count => Err(Failure::Finding(format!("{count} requirements fail"))),
    }
}

/// What the audit log of the config says of itself, if it can be read.
fn read_log(config: &config::Config) -> Option<(Vec<String>, Value)> {
    let log = AuditLog::of_config(config).ok()?;
    let heads = config.gateway.as_ref()?.audit.heads.as_ref();
    let keys = heads.map(|heads| heads.key.public_key().clone());
    let mut verification = Verification::new(keys.into_iter().collect());
    audit::read(&mut verification, &log).ok()?;
    let report = audit::Report {
        log: &log,
        verification: &verification,
    };
    Some((report.lines(), report.json()))
}

fn read_attacks(file: &Path) -> Result<BTreeMap<String, String>, Failure> {
    let text = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let report: AttackReport = serde_json::from_slice(&text).map_err(|_| {
        Failure::Usage(format!(
            "{} is no report of `lychgate attack --format json`",
            file.display()
        ))
    })?;
    let attacks = report.attacks.into_iter();
    Ok(attacks.map(|attack| (attack.id, attack.outcome)).collect())
}

fn tokens(gateway: &Settings) -> Vec<(&'static str, String)> {
    let token = &gateway.access_token;
    let mut tokens = vec![("audience", token.audience.as_str().to_owned())];
    let issuers = token.issuers.iter();
    tokens.extend(issuers.map(|issuer| ("issuer", issuer.issuer.as_str().to_owned())));
    let clients = token.clients.iter();
    tokens.extend(clients.map(|client| ("client", client.as_str().to_owned())));
    let algorithms = token.algorithms.iter();
    tokens.extend(algorithms.map(|algorithm| ("algorithm", algorithm.to_string())));
    let bound = match token.sender_constraint {
        SenderConstraint::None => "nothing",
        SenderConstraint::Dpop(_) => "a key (DPoP)",
        SenderConstraint::Mtls => "a certificate (mutual TLS)",
    };
    tokens.push(("bound to", bound.to_owned()));
    let lifetime = humantime::format_duration(token.max_lifetime);
    tokens.push(("longest lifetime", lifetime.to_string()));
    let leeway = humantime::format_duration(token.leeway);
    tokens.push(("leeway", leeway.to_string()));
    tokens
}

fn networks(gateway: &Settings) -> Vec<String> {
    let networks = gateway.allowlist.networks().iter();
    networks.map(ToString::to_string).collect()
}

fn operations(gateway: &Settings) -> Vec<&'static str> {
    let defined = |statement| gateway.store.statements.contains_key(statement);
    let operations = OPERATIONS.iter();
    let operations = operations.filter(|operation| defined(&operation.statement));
    operations.map(|operation| operation.name).collect()
}

/// The grants of the account that the config names, or why nobody can tell.
async fn grants(gateway: &Settings) -> Result<String, String> {
    let url = gateway.store.url_of_first_user();
    let url = url.map_err(|error| error.to_string())?;
    let (Some(kind), Some(server)) = (url.kind(), url.server()) else {
        return Err("the store has no roles that SQL could grant anything to".to_owned());
    };
    let role = match kind {
        StoreKind::Mysql => mysql_account(server.user, "HOST-OF-THE-GATEWAY"),
        StoreKind::Postgres | StoreKind::Sqlite => postgres_role(server.user),
    };
    let asking = async {
        let mut inspection = Inspection::open(&url).await?;
        script(
            &mut inspection,
            &gateway.store.statements,
            server.database,
            &role,
        )
        .await
    };
    let asked: Result<_, lychgate_store::Error> = asking.await;
    asked
        .map(|script| script.text)
        .map_err(|_| "the store could not be looked at".to_owned())
}

fn time_of(time: UnixTime) -> String {
    let seconds = u64::try_from(time.seconds()).unwrap_or_default();
    humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(seconds)).to_string()
}

/// Before anything is asked, which takes its time.
fn refuse_what_is_there(folder: &Path) -> Result<()> {
    for name in [PAGE, DOCUMENT] {
        let path = folder.join(name);
        if path.exists() {
            anyhow::bail!("{} is there already: name another folder", path.display());
        }
    }
    Ok(())
}

fn make_folder(folder: &Path) -> Result<()> {
    let mut options = std::fs::DirBuilder::new();
    options.recursive(true).mode(0o700);
    let made = options.create(folder);
    made.with_context(|| format!("cannot make {}", folder.display()))
}

fn write(path: &Path, text: &str) -> Result<()> {
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.with_context(|| format!("cannot write the new file {}", path.display()))
}

fn say(path: &Path) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{}", path.display()).context("cannot print the names")
}
