//! `lychgate demo`: the whole chain on one machine, and a tour of it.

use std::io::Write as _;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use tokio_util::sync::CancellationToken;

use super::{Failure, ReportFormat, stop_signal_or_hangup};
use crate::demo::{
    self, Account, Application, PASSWORD, PEOPLE, Ports, Report, STEPS, Servers, SomeonesStore,
    Step, StoreArgument,
};
use crate::log;

#[derive(Args)]
pub(crate) struct Arguments {
    /// End after the tour, with status 0 only if every step came out as expected.
    #[arg(long)]
    exit: bool,
    /// How the tour is reported.
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    format: ReportFormat,
    /// The port of the tenant; a free one if left out.
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// An empty database that is yours, instead of a file of the demo's own: `postgres://user@host/database`, `mysql://…`
    /// or `sqlite:FILE`. The demo makes a table `users` there, refuses if there is one, and removes it at its end. In a
    /// directory, `ldaps://host/BASE`, it does so with an entry `ou=lychgate-demo` below the base. A password is written
    /// as `${env:NAME}` or `${file:PATH}`.
    #[arg(long, value_name = "URL")]
    store: Option<String>,
    /// An account that may write below the base of `--store`, where that is a directory.
    #[arg(
        long,
        value_name = "DN",
        requires = "store",
        requires = "bind_password"
    )]
    bind_dn: Option<String>,
    /// The password of that account: `${env:NAME}` or `${file:PATH}`.
    #[arg(long, value_name = "PLACEHOLDER", requires = "bind_dn")]
    bind_password: Option<String>,
}

/// Starts everything, takes the tour, and stays up for whoever wants to log in.
pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    // The attacks of the tour are refused by the dozen; only what is wrong with the demo itself is said.
    log::start("error");
    let stop = stop_signal_or_hangup().context("cannot listen for signals")?;
    let store = match &arguments.store {
        Some(argument) => {
            let given = StoreArgument::parse(argument, account(&arguments)?);
            let given = given.map_err(|error| Failure::Config(format!("`--store`: {error:#}")))?;
            // Neither this nor the removal is cut off by a signal: what is begun in a store is ended.
            Some(given.create().await?)
        }
        None => None,
    };
    let outcome = Box::pin(play(&arguments, stop, store.as_ref())).await;
    if let Some(store) = store {
        store.remove().await?;
    }
    outcome
}

/// The account that is named for a directory.
fn account(arguments: &Arguments) -> Result<Option<Account>, Failure> {
    let (Some(dn), Some(password)) = (&arguments.bind_dn, &arguments.bind_password) else {
        return Ok(None);
    };
    let account = Account::parse(dn, password);
    let account = account.map_err(|error| Failure::Config(format!("`--bind-password`: {error:#}")));
    account.map(Some)
}

async fn play(
    arguments: &Arguments,
    stop: CancellationToken,
    store: Option<&SomeonesStore>,
) -> Result<(), Failure> {
    let servers = Servers::start(Ports::free(arguments.port)?, store).await?;
    let Some(report) = stop
        .run_until_cancelled(tour(&servers, arguments.format))
        .await
    else {
        servers.stop().await?;
        return if arguments.exit {
            Err(Failure::Finding("the tour was ended on its way".to_owned()))
        } else {
            Ok(())
        };
    };
    let report = report?;
    if arguments.exit {
        servers.stop().await?;
        return if report.ok {
            Ok(())
        } else {
            Err(Failure::Finding(
                "not every step came out as expected".to_owned(),
            ))
        };
    }
    let servers = Arc::new(servers);
    let application = Application::start(Arc::clone(&servers))?;
    say_where_to_log_in(&servers, arguments.format)?;
    application.run(stop).await;
    let servers = Arc::into_inner(servers).context("the application still holds the servers")?;
    Ok(servers.stop().await?)
}

async fn tour(servers: &Servers, format: ReportFormat) -> Result<Report> {
    let progress = progress();
    let mut printed = Ok(());
    let report = demo::tour(servers, |step| {
        if format == ReportFormat::Text {
            let text = text_of(step);
            printed = std::mem::replace(&mut printed, Ok(()))
                .and_then(|()| progress.suspend(|| print(&text)));
        }
        progress.inc(1);
    });
    let report = report.await?;
    progress.finish_and_clear();
    printed?;
    let mut out = std::io::stdout().lock();
    match format {
        ReportFormat::Text => report.write_summary(&mut out)?,
        ReportFormat::Json => report.write_json(&mut out)?,
    }
    Ok(report)
}

/// A bar on a terminal, and nothing elsewhere.
fn progress() -> ProgressBar {
    let bar = ProgressBar::new(STEPS);
    if let Ok(style) = ProgressStyle::with_template("{bar:22} {pos}/{len}") {
        bar.set_style(style);
    }
    bar
}

fn text_of(step: &Step) -> String {
    let Step {
        name,
        what,
        expected,
        actual,
        ok,
    } = step;
    if *ok {
        format!("ok     {name}\n       {what}\n       → {actual}\n")
    } else {
        format!("NOT OK {name}\n       {what}\n       → {actual}\n       expected: {expected}\n")
    }
}

fn print(text: &str) -> Result<()> {
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}

fn say_where_to_log_in(servers: &Servers, format: ReportFormat) -> Result<()> {
    let emails: Vec<&str> = PEOPLE.iter().map(|person| person.email).collect();
    let attacks = servers.deployment.config_for_attacks()?;
    let text = format!(
        "\nLog in at {} as any of\n  {}\nwith the password\n  {PASSWORD}\n\nAttack it, from another terminal:\n  \
         lychgate attack --config {}\n\nCtrl-C ends the demo and removes its folder.\n",
        servers.application,
        emails.join("\n  "),
        attacks.display(),
    );
    match format {
        ReportFormat::Text => print(&text),
        // Nothing follows the document.
        ReportFormat::Json => Ok(std::io::stderr().write_all(text.as_bytes())?),
    }
}
