//! `lychgate attack`: plays the known attacks against a deployment that is yours, and says which got through.

mod report;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::Url;

use self::report::Played;
use super::check::Format;
use super::{Failure, stop_signal};
use crate::attack::{self, Attack, Given, Outcome, Target, TargetError};
use crate::config;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The config; `lychgate.toml`, where that is there and neither `--gateway` nor `--tenant` is given.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The gateway, if it is not that of the config.
    #[arg(long, value_name = "URL", value_parser = config::attack::base_url)]
    gateway: Option<Url>,
    /// The tenant, if it is not that of the config.
    #[arg(long, value_name = "URL", value_parser = config::attack::base_url)]
    tenant: Option<Url>,
    /// Only this attack; may be given more than once.
    #[arg(long, value_name = "ID")]
    only: Vec<String>,
    /// How to print what came of it.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

/// Plays the attacks one after the other, prints what came of each, and fails if one got through, or none could be tried.
pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let attacks = chosen(&arguments.only)?;
    let config = match path(&arguments) {
        Some(path) => Some(config::read(path)?),
        None => None,
    };
    let given = Given {
        config,
        gateway: arguments.gateway,
        tenant: arguments.tenant,
    };
    let target = Box::pin(Target::open(given))
        .await
        .map_err(|error| match error {
            TargetError::Other(error) => Failure::Other(error),
            refused @ (TargetError::None | TargetError::NotYours(_)) => {
                Failure::Usage(refused.to_string())
            }
        })?;
    let stop = stop_signal().context("cannot listen for signals")?;
    let playing = Box::pin(play(&attacks, &target, arguments.format));
    let Some(played) = stop.run_until_cancelled(playing).await else {
        return Err(Failure::Finding("ended on its way".to_owned()));
    };
    let played = played?;
    match arguments.format {
        Format::Text => report::summary(&played)?,
        Format::Json => report::json(&played, &target)?,
        Format::Sarif => report::sarif(&played, &target)?,
    }
    verdict(&played)
}

fn path(arguments: &Arguments) -> Option<&Path> {
    let usual = Path::new("lychgate.toml");
    let is_named = arguments.gateway.is_some() || arguments.tenant.is_some();
    let usual = (!is_named).then_some(usual);
    arguments.config.as_deref().or(usual)
}

fn chosen(only: &[String]) -> Result<Vec<&'static Attack>, Failure> {
    let all = attack::all();
    let unknown = only
        .iter()
        .find(|id| all.iter().all(|attack| attack.id != *id));
    if let Some(id) = unknown {
        let ids = all.iter().map(|attack| attack.id);
        let near = ids.max_by(|one, other| {
            let likeness = |name: &str| strsim::jaro_winkler(name, id);
            likeness(one).total_cmp(&likeness(other))
        });
        let near = near.unwrap_or_default();
        return Err(Failure::Usage(format!(
            "there is no attack {id}; did you mean {near}?"
        )));
    }
    let is_chosen = |attack: &&Attack| only.is_empty() || only.iter().any(|id| attack.id == id);
    Ok(all.into_iter().filter(is_chosen).collect())
}

async fn play(
    attacks: &[&'static Attack],
    target: &Target,
    format: Format,
) -> Result<Vec<Played>, Failure> {
    let progress = progress(attacks.len());
    let mut played = Vec::new();
    for attack in attacks {
        progress.set_message(attack.id);
        let outcome = Box::pin(attack.play(target)).await;
        let one = Played { attack, outcome };
        if format == Format::Text {
            progress.suspend(|| report::one(&one))?;
        }
        progress.inc(1);
        played.push(one);
    }
    progress.finish_and_clear();
    Ok(played)
}

/// A bar on a terminal, and nothing elsewhere.
fn progress(attacks: usize) -> ProgressBar {
    let bar = ProgressBar::new(attacks as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:22} {pos}/{len} {msg}") {
        bar.set_style(style);
    }
    bar
}

fn verdict(played: &[Played]) -> Result<(), Failure> {
    let of = |name: &str| {
        played
            .iter()
            .filter(|one| one.outcome.name() == name)
            .count()
    };
    let (open, not_tried) = (of("open"), of("not-tried"));
    let first = played.iter().find_map(|one| match &one.outcome {
        Outcome::NotTried(reason) => Some(reason.as_str()),
        Outcome::Blocked(_) | Outcome::GotThrough(_) => None,
    });
    match open {
        0 if not_tried == played.len() => Err(Failure::Finding(format!(
            "no attack could be tried: {}",
            first.unwrap_or_default()
        ))),
        0 => Ok(()),
        1 => Err(Failure::Finding("1 attack got through".to_owned())),
        open => Err(Failure::Finding(format!("{open} attacks got through"))),
    }
}
