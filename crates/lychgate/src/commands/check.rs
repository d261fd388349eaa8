//! `lychgate check`: is this deployment as safe as it should be?
//!
//! A config that can be used comes in, and the store that it names, as it is now. What leaves is a list of findings, each
//! with the reason and the mend, and never with a value of the config or of a row.

mod access_token;
mod allowlist;
mod audit;
mod client_certificates;
mod exposure;
mod facts;
mod finding;
mod passwords;
mod report;
mod role;
mod sarif;
mod secrets;
mod store;
pub(crate) mod table;
mod tenant;
mod transport;
mod users;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use zeroize::Zeroizing;

use self::facts::Facts;
pub(crate) use self::finding::{Check, Severity};
use self::finding::{Finding, Findings, NotTold};
use super::Failure;
use crate::config;
use crate::evidence;
use crate::tenant_export::{ManagementApi, TenantExport};

#[derive(Args)]
pub(crate) struct Arguments {
    /// The config.
    #[arg(long, value_name = "FILE", default_value = "lychgate.toml")]
    config: PathBuf,
    /// The tenant's own configuration, to judge it as well: a folder or a `.yaml` file of `auth0-deploy-cli`, a state of
    /// Terraform, or the JSON of `terraform show -json` of a state or a plan.
    #[arg(long, value_name = "PATH")]
    tenant_export: Option<PathBuf>,
    /// The tenant itself, as `https://example.eu.auth0.com/`: its Management API is read, and nothing is written.
    #[arg(
        long,
        value_name = "URL",
        conflicts_with = "tenant_export",
        requires = "tenant_token"
    )]
    tenant_api: Option<String>,
    /// The token to read it with: `${env:NAME}`, `${file:PATH}`, or `-` for a line of standard input. It needs no more than
    /// the rights `read:tenant_settings`, `read:resource_servers`, `read:clients`, `read:client_grants`,
    /// `read:connections`, `read:connections_options` and `read:actions`.
    #[arg(long, value_name = "PLACEHOLDER", requires = "tenant_api")]
    tenant_token: Option<String>,
    /// The least severity that makes the exit status 1.
    #[arg(long, value_name = "SEVERITY", default_value = "low")]
    fail_on: Severity,
    /// How to print what is found.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

/// How findings are printed.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// One JSON document.
    Json,
    /// SARIF 2.1.0, for tools that collect findings.
    Sarif,
}

/// Looks at everything, prints what it found, and fails if any of it is severe enough.
pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let (config, source) = config::read_with_source(&arguments.config)?;
    let tenant = tenant(&arguments).await?;
    if tenant.is_some() && config.gateway.is_none() {
        return Err(Failure::Config(
            "the config has no `[gateway]` to hold a tenant against".to_owned(),
        ));
    }
    // On the heap: to look at a store is a long story.
    let facts = Box::pin(Facts::gather(&arguments.config, config, source, tenant)).await;
    let (findings, not_told) = judged(&facts);
    match arguments.format {
        Format::Text => report::text(&findings, &not_told, &facts)?,
        Format::Json => report::json(&findings, &not_told, &facts)?,
        Format::Sarif => sarif::print(&findings, &not_told, &facts)?,
    }
    let severe = findings
        .iter()
        .filter(|finding| finding.check.severity >= arguments.fail_on);
    match severe.count() {
        0 => Ok(()),
        1 => Err(Failure::Finding("1 finding".to_owned())),
        count => Err(Failure::Finding(format!("{count} findings"))),
    }
}

/// What was judged, for whoever takes it home.
pub(crate) struct Judged {
    pub(crate) findings: Vec<evidence::Finding>,
    /// Whether the store could be looked at; what it would have shown is not among the findings otherwise.
    pub(crate) saw_store: bool,
    /// Checks that the tenant's export does not answer.
    pub(crate) not_told: Vec<&'static str>,
}

/// Looks at everything that this config is about, and at what the tenant says of itself where there is an export.
pub(crate) async fn judge(config: &Path, export: Option<&Path>) -> Result<Judged, Failure> {
    let (read, source) = config::read_with_source(config)?;
    let tenant = export.map(exported).transpose()?;
    let facts = Box::pin(Facts::gather(config, read, source, tenant)).await;
    let (findings, not_told) = judged(&facts);
    let findings = findings.into_iter().map(|finding| evidence::Finding {
        id: finding.check.id,
        severity: finding.check.severity.name(),
        reason: finding.reason,
    });
    Ok(Judged {
        findings: findings.collect(),
        saw_store: facts.saw_store(),
        not_told: not_told.iter().map(|untold| untold.check.id).collect(),
    })
}

fn exported(path: &Path) -> Result<TenantExport, Failure> {
    TenantExport::read(path).map_err(|error| Failure::Usage(format!("`--tenant-export`: {error}")))
}

fn judged(facts: &Facts) -> (Vec<Finding>, Vec<NotTold>) {
    let mut findings = Findings::default();
    for check in EVERY {
        check(facts, &mut findings);
    }
    findings.sorted()
}

/// What the tenant says of itself, if it is to be judged.
async fn tenant(arguments: &Arguments) -> Result<Option<TenantExport>, Failure> {
    if let Some(path) = &arguments.tenant_export {
        return exported(path).map(Some);
    }
    let (Some(address), Some(token)) = (&arguments.tenant_api, &arguments.tenant_token) else {
        return Ok(None);
    };
    let token = token_of(token)?;
    let api = ManagementApi::new(address, &token)
        .map_err(|error| Failure::Usage(format!("`--tenant-api`: {error}")))?;
    let export = TenantExport::ask(&api).await;
    export
        .map(Some)
        .map_err(|error| Failure::Finding(format!("`--tenant-api`: {error}")))
}

/// The token that a placeholder stands for. One in the clear would be seen by whoever lists processes.
fn token_of(placeholder: &str) -> Result<Zeroizing<String>, Failure> {
    if placeholder == "-" {
        return super::legacy_store::first_line(Path::new("-"));
    }
    if !placeholder.starts_with("${") || !placeholder.ends_with('}') {
        return Err(Failure::Usage(
            "`--tenant-token`: write `${env:NAME}`, `${file:PATH}` or `-`, never the token itself"
                .to_owned(),
        ));
    }
    let token = config::substitute(placeholder, Path::new(""));
    let token = token.map_err(|error| Failure::Usage(format!("`--tenant-token`: {error}")))?;
    Ok(Zeroizing::new(token))
}

/// Each looks at the facts from one side.
const EVERY: [fn(&Facts, &mut Findings); 12] = [
    store::run,
    role::run,
    transport::run,
    client_certificates::run,
    exposure::run,
    allowlist::run,
    access_token::run,
    passwords::run,
    users::run,
    secrets::run,
    audit::run,
    tenant::run,
];
