//! `lychgate ledger`: how far the migration is, and whether the store may be disconnected.

use std::fs::OpenOptions;
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;
use lychgate_gateway::LedgerKey;
use lychgate_store::ledger::Contents;
use lychgate_store::{LedgerError, ListingError, Settings, list_users};
use lychgate_token::UnixTime;

use super::{Failure, ReportFormat};
use crate::config;
use crate::ledger::{Doubt, Report, Rules, Standing, Tally, Total, judge};
use crate::log;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The config.
    #[arg(long, value_name = "FILE", default_value = "lychgate.toml")]
    config: PathBuf,
    /// How many users there are, instead of asking the store. A number cannot say who is left, so it is never safe.
    #[arg(long, value_name = "N", conflicts_with = "left")]
    users: Option<u64>,
    /// A new file, of mode 0600, for the ids of the users who are left, each with the reason.
    #[arg(long, value_name = "FILE")]
    left: Option<PathBuf>,
    /// Take the gaps of the ledger for times in which nothing happened, because you know it.
    #[arg(long)]
    i_accept_gaps: bool,
    /// How it is reported.
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    format: ReportFormat,
}

/// Reads the ledger, asks the store for its users, and reports.
pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    log::start("error");
    let config = config::read(&arguments.config)?;
    let (Some(gateway), Some(rules)) = (config.gateway, config.ledger) else {
        let config = arguments.config.display();
        let reason = format!("{config} has no `[ledger]`: add one with its `path`");
        return Err(Failure::Config(reason));
    };
    let settings = gateway
        .ledger
        .context("a gateway with rules has a ledger")?;
    let key = gateway.audit.pseudonym_key.ledger_key();
    let now = UnixTime::now().seconds();
    let Contents { life, users } = Contents::read(&settings.path, key.id()).await?;
    let mut tally = Tally::of(users);
    let mut left = arguments.left.as_deref().map(Ids::new).transpose()?;
    let total = sort(
        &mut tally,
        arguments.users,
        &rules,
        (&gateway.store, &key),
        left.as_mut(),
    )
    .await?;
    if let Some(left) = left {
        left.finish()?;
    }
    let mut doubts = judge(&life, &tally, total, &rules, now);
    if arguments.i_accept_gaps {
        doubts.retain(|doubt| !matches!(doubt, Doubt::Incomplete { .. }));
    }
    let report = Report::new(&life, &tally, total, &doubts, now);
    let mut out = std::io::stdout().lock();
    let written = match arguments.format {
        ReportFormat::Text => report.write_text(&mut out),
        ReportFormat::Json => report.write_json(&mut out),
    };
    written.context("cannot print the report")?;
    if report.is_safe() {
        Ok(())
    } else {
        let finding = "the store may not be disconnected yet".to_owned();
        Err(Failure::Finding(finding))
    }
}

/// Looks for every user of the store in the ledger.
async fn sort(
    tally: &mut Tally,
    told: Option<u64>,
    rules: &Rules,
    (store, key): (&Settings, &LedgerKey),
    mut left: Option<&mut Ids>,
) -> Result<Total, Failure> {
    let (None, Some(statement)) = (told, &rules.users) else {
        tally.everybody();
        return Ok(told.map_or(Total::Unknown, Total::Told));
    };
    let mut listed = 0;
    let each = |id: &str| {
        listed += 1;
        let standing = tally.user(&key.pseudonym(id));
        if let Some(left) = &mut left {
            left.add(id, standing);
        }
    };
    list_users(store, statement, each).await?;
    tally.finish();
    Ok(Total::Listed(listed))
}

/// A file of users who are left.
struct Ids {
    path: PathBuf,
    file: BufWriter<std::fs::File>,
    written: std::io::Result<()>,
}

impl Ids {
    fn new(path: &Path) -> Result<Self> {
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(path);
        let file = file.with_context(|| format!("cannot make the new file {}", path.display()))?;
        Ok(Self {
            path: path.to_owned(),
            file: BufWriter::new(file),
            written: Ok(()),
        })
    }

    fn add(&mut self, id: &str, standing: Standing) {
        let reason = match standing {
            Standing::Moved => return,
            Standing::CameBack => "came-back",
            Standing::OnlyAsked => "only-asked-for",
            Standing::NotSeen => "not-seen",
        };
        if self.written.is_ok() {
            self.written = writeln!(self.file, "{reason}\t{id}");
        }
    }

    fn finish(mut self) -> Result<()> {
        let written = self.written.and_then(|()| self.file.flush());
        written.with_context(|| format!("cannot write {}", self.path.display()))
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        if error.may_pass() {
            Self::Other(error.into())
        } else {
            Self::Config(error.to_string())
        }
    }
}

impl From<ListingError> for Failure {
    fn from(error: ListingError) -> Self {
        match error {
            ListingError::Statement(_) => Self::Config(error.to_string()),
            ListingError::Store(_) => Self::Other(error.into()),
        }
    }
}
