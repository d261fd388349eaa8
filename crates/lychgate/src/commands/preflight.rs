//! `lychgate preflight`: what in the store will trouble a migration.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use lychgate_password::Pool;
use lychgate_store::{IdentifierNormalization, Inspection, StatementName, StoreKind};
use serde_json::json;

use super::legacy_store::{self, LegacyStore, StoreArguments, user_table};
use super::{Failure, ReportFormat};
use crate::config;
use crate::init;
use crate::preflight::{self, Plan, Preflight};

#[derive(Args)]
pub(crate) struct Arguments {
    /// The config: its store, and which formats may log in.
    #[arg(
        long,
        value_name = "FILE",
        default_value = "lychgate.toml",
        conflicts_with = "store"
    )]
    config: PathBuf,
    /// The legacy store instead, before there is a config, as `lychgate init` takes it.
    #[arg(long, value_name = "URL")]
    store: Option<String>,
    #[command(flatten)]
    access: StoreArguments,
    /// How it is reported.
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    format: ReportFormat,
}

/// Counts and reports; what blocks a migration is a finding.
pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let Surveyed {
        place,
        mut inspection,
        pool,
        table: named,
        normalization,
    } = match &arguments.store {
        Some(store) => {
            let (store, inspection) = LegacyStore::read(store, &arguments.access)?
                .connect()
                .await?;
            Surveyed {
                place: store.place(),
                inspection,
                pool: None,
                table: None,
                normalization: IdentifierNormalization::default(),
            }
        }
        None => of_config(&arguments.config).await?,
    };
    let named = arguments.access.table.or(named);
    let relation = user_table(&mut inspection, named.as_deref()).await?;
    let (table, rows) = init::user_table(&mut inspection, relation).await?;
    let plan = Plan {
        survey: table.survey(),
        has_email: table.email.is_some(),
        has_username: table.username.is_some(),
        pool,
        normalization,
    };
    let bar = progress(rows);
    let preflight = preflight::run(&mut inspection, &plan, |rows| bar.set_position(rows)).await;
    bar.finish_and_clear();
    let preflight = preflight?;
    inspection.close().await;
    let name = table.relation.shown();
    let report = match arguments.format {
        ReportFormat::Text => text(&preflight, &place, &name),
        ReportFormat::Json => json(&preflight, &place, &name),
    };
    std::io::stdout()
        .write_all(report.as_bytes())
        .context("cannot print the report")?;
    if preflight.is_blocked() {
        return Err(Failure::Finding(
            "something in the store stops a migration".to_owned(),
        ));
    }
    Ok(())
}

/// What is surveyed, and how.
struct Surveyed {
    place: String,
    inspection: Inspection,
    /// The formats that the config accepts.
    pool: Option<Pool>,
    /// The table, where the config's statements say it.
    table: Option<String>,
    normalization: IdentifierNormalization,
}

/// The store of a config, with its formats and the table that its statements read.
async fn of_config(path: &Path) -> Result<Surveyed, Failure> {
    let config = config::read(path)?;
    let gateway = config.gateway.ok_or_else(|| {
        Failure::Config(format!(
            "{} has no `[gateway]`, and so no store; name one with `--store`",
            path.display()
        ))
    })?;
    let url = gateway
        .store
        .url_of_first_user()
        .map_err(legacy_store::failure)?;
    let mut inspection = Inspection::open(&url)
        .await
        .map_err(legacy_store::failure)?;
    let table = table(&mut inspection, &gateway.store.statements).await?;
    let pool =
        Pool::start(gateway.passwords).map_err(|error| Failure::Config(error.to_string()))?;
    Ok(Surveyed {
        place: format!("{url:?}"),
        inspection,
        pool: Some(pool),
        table,
        normalization: gateway.identifiers.normalization,
    })
}

/// The one table that `authenticate` reads, or `lookup`; of a join nobody can tell which one the users are in.
async fn table(
    inspection: &mut Inspection,
    statements: &BTreeMap<StatementName, String>,
) -> Result<Option<String>, Failure> {
    let mut reads = statements.iter().filter(|(name, _)| name.is_read());
    let Some((name, sql)) = reads.next() else {
        return Ok(None);
    };
    let asked = BTreeMap::from([(*name, sql.clone())]);
    let needs = inspection.needs(&asked).await;
    let needs = needs.map_err(legacy_store::failure)?;
    let relations: Vec<_> = needs.relations().into_keys().collect();
    Ok(match (relations.as_slice(), inspection.kind()) {
        ([one], StoreKind::Postgres) => Some(one.to_string()),
        ([one], StoreKind::Mysql | StoreKind::Sqlite) => Some(one.name.clone()),
        _ => None,
    })
}

/// A bar on a terminal, and nothing elsewhere.
fn progress(rows: u64) -> ProgressBar {
    let bar = ProgressBar::new(rows);
    if let Ok(style) = ProgressStyle::with_template("{bar:22} {pos}/{len} users, {eta} left") {
        bar.set_style(style);
    }
    bar
}

fn text(preflight: &Preflight, place: &str, table: &str) -> String {
    let mut text = format!("{} users in {table} of {place}\n\n", preflight.rows);
    for finding in &preflight.findings {
        let groups = finding
            .groups
            .map_or_else(String::new, |groups| format!(", in {groups} groups"));
        let _ = writeln!(
            text,
            "{:<7} {:<26} {}{groups}\n        users who {}\n        mend: {}",
            finding.severity.name(),
            finding.id,
            finding.users,
            finding.what,
            finding.mend
        );
    }
    if preflight.findings.is_empty() {
        text.push_str("nothing was found that would trouble a migration\n");
    }
    text.push_str("\nformats of the hashes:\n");
    for group in &preflight.formats.groups {
        let _ = writeln!(text, "{:>9}  {}", group.hashes, names(group).join(" or "));
    }
    if preflight.is_blocked() {
        text.push_str("\nwhat is `high` has to be mended first\n");
    }
    text
}

fn json(preflight: &Preflight, place: &str, table: &str) -> String {
    let findings: Vec<_> = preflight
        .findings
        .iter()
        .map(|finding| {
            json!({
                "id": finding.id,
                "severity": finding.severity.name(),
                "users": finding.users,
                "groups": finding.groups,
                "what": finding.what,
                "mend": finding.mend,
            })
        })
        .collect();
    let formats: Vec<_> = preflight
        .formats
        .groups
        .iter()
        .map(|group| json!({ "hashes": group.hashes, "formats": names(group) }))
        .collect();
    let document = json!({
        "store": place,
        "table": table,
        "users": preflight.rows,
        "findings": findings,
        "formats": formats,
        "blocked": preflight.is_blocked(),
    });
    format!("{document:#}\n")
}

fn names(group: &lychgate_password::Group) -> Vec<&'static str> {
    group
        .candidates
        .iter()
        .map(|candidate| candidate.format.name())
        .collect()
}
