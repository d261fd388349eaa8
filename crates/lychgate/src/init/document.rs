//! The proposal as a config: commented, so that whoever reads it knows why each line stands there.

use anyhow::Result;
use lychgate_password::Format;
use minijinja::value::Serde;
use minijinja::{Environment, context};
use serde::Serialize;

use super::{IdentifierKind, Operation, Proposal};
use crate::templates;

/// What the operator says of the deployment; what is `None` becomes a placeholder.
#[derive(Default)]
pub(crate) struct Deployment {
    pub(crate) issuer: Option<String>,
    pub(crate) audience: Option<String>,
    pub(crate) client: Option<String>,
    pub(crate) networks: Vec<String>,
    /// The store's URL, without a user.
    pub(crate) url: String,
    /// The gateway's own role, where there are roles.
    pub(crate) role: Option<String>,
    /// The file of the grants, where there is one.
    pub(crate) grants: Option<String>,
}

#[derive(Serialize)]
struct Statement<'a> {
    name: &'static str,
    sql: &'a str,
}

#[derive(Serialize)]
struct Weight {
    name: &'static str,
    weight: u64,
}

/// The text of `lychgate.toml`.
pub(crate) fn config(proposal: &Proposal, deployment: &Deployment) -> Result<String> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    environment.add_filter("toml", |text: String| toml::Value::String(text).to_string());
    let statements = |is_enabled: bool| -> Vec<_> {
        let operations = proposal
            .operations
            .iter()
            .filter(|operation| operation.is_enabled == is_enabled);
        operations
            .map(|Operation { name, sql, .. }| Statement {
                name: name.name(),
                sql,
            })
            .collect()
    };
    let or_placeholder = |value: &Option<String>, what: &str| {
        value.clone().unwrap_or_else(|| format!("${{fill:{what}}}"))
    };
    let networks = if deployment.networks.is_empty() {
        vec![format!("${{fill:{NETWORK}}}")]
    } else {
        deployment.networks.clone()
    };
    let hashes = &proposal.hashes;
    let mut accept: Vec<_> = hashes
        .accept
        .iter()
        .map(|(format, _)| format.name().to_owned())
        .collect();
    accept.extend(hashes.undecided.iter().map(|group| {
        let names: Vec<_> = group
            .candidates
            .iter()
            .map(|candidate| candidate.format.name())
            .collect();
        format!("${{fill:{UNDECIDED}{}}}", names.join(", "))
    }));
    if accept.is_empty() {
        accept.push(format!("${{fill:{NO_FORMAT}}}"));
    }
    // What the gateway writes it has to read, too.
    let write = hashes.write.unwrap_or(Format::Argon2id).name();
    if !accept.iter().any(|name| name == write) {
        accept.push(write.to_owned());
    }
    let is_decided = hashes.undecided.is_empty();
    let weights = hashes.accept.iter().filter(|_| is_decided);
    let weights: Vec<_> = weights
        .map(|(format, hashes)| Weight {
            name: format.name(),
            weight: (*hashes).max(1),
        })
        .collect();
    let text = environment.render_str(
        templates::INIT_CONFIG,
        context! {
            table => proposal.table.relation.shown(),
            product => proposal.table.made_by(),
            networks,
            issuer => or_placeholder(&deployment.issuer, ISSUER),
            audience => or_placeholder(&deployment.audience, AUDIENCE),
            client => or_placeholder(&deployment.client, CLIENT),
            url => &deployment.url,
            role => &deployment.role,
            grants => &deployment.grants,
            comparison => comparison_lines(proposal),
            enabled => Serde(statements(true)),
            disabled => Serde(statements(false)),
            hashes => hash_lines(proposal).iter().flat_map(|line| wrapped(line)).collect::<Vec<_>>(),
            accept,
            write,
            weights => Serde(weights),
            remarks => proposal.remarks.iter().flat_map(|remark| wrapped(remark)).collect::<Vec<_>>(),
        },
    )?;
    Ok(text + "\n")
}

fn comparison_lines(proposal: &Proposal) -> Vec<String> {
    let comparison = &proposal.comparison;
    let what = match comparison.kind {
        IdentifierKind::Email => "the e-mail address",
        IdentifierKind::Username => "the username",
        IdentifierKind::Either => "the e-mail address or the username",
    };
    let mut lines = vec![format!("Users are found by {what}.")];
    if comparison.is_served {
        lines.push("An index serves this, by the database's own plan.".to_owned());
    } else {
        lines.push("No index serves this: every login would read the whole table.".to_owned());
        lines.extend(
            comparison
                .index
                .iter()
                .map(|index| format!("This one would: {index};")),
        );
    }
    lines
}

fn hash_lines(proposal: &Proposal) -> Vec<String> {
    let hashes = &proposal.hashes;
    let mut lines = vec![format!(
        "From a sample of {} rows, the first and the last by their key: {} without a hash, {} locked or empty, {} of no \
         format that is known.",
        hashes.rows, hashes.missing, hashes.blank, hashes.unknown
    )];
    if !hashes.undecided.is_empty() {
        lines.push(SEVERAL.to_owned());
    }
    lines
}

/// A text in lines that a person reads without scrolling.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + word.chars().count() < WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

const WIDTH: usize = 110;

const SEVERAL: &str = "Several formats fit some of them, and a hash does not say which: prove one with a password that \
                       you know, by `lychgate password identify`.";
const ISSUER: &str =
    "the issuer of your tenant, to the letter, such as https://example.eu.auth0.com/";
const AUDIENCE: &str =
    "the identifier of the gateway's API at the platform, such as urn:legacy-identity";
const CLIENT: &str = "the client ID of the application that the action scripts use";
const NETWORK: &str = "a network that calls may come from, such as 203.0.113.0/24";
const UNDECIDED: &str = "one of these formats, which `lychgate password identify` proves: ";
const NO_FORMAT: &str =
    "the formats of your hashes, as listed in docs/reference/password-formats.md";
