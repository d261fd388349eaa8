//! What came of attacks: for people, as one JSON document, and as SARIF.

use std::io::Write as _;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::super::sarif;
use crate::attack::{self, Attack, Outcome, Target};

/// An attack that was played.
pub(super) struct Played {
    pub(super) attack: &'static Attack,
    pub(super) outcome: Outcome,
}

/// One paragraph.
pub(super) fn one(played: &Played) -> Result<()> {
    let Attack {
        id, severity, what, ..
    } = played.attack;
    let expected = played.attack.expected;
    let (seen, severity) = (played.outcome.seen(), severity.name());
    let text = match &played.outcome {
        Outcome::Blocked(_) => format!("blocked    {id}\n           {what}\n           → {seen}\n"),
        Outcome::GotThrough(_) => format!(
            "OPEN       {id} ({severity})\n           {what}\n           → {seen}\n           expected: {expected}\n"
        ),
        Outcome::NotTried(_) => {
            format!("not tried  {id}\n           {what}\n           → {seen}\n")
        }
    };
    print(&text)
}

/// The last line.
pub(super) fn summary(played: &[Played]) -> Result<()> {
    let of = |name: &str| {
        played
            .iter()
            .filter(|one| one.outcome.name() == name)
            .count()
    };
    let (blocked, open, not_tried) = (of("blocked"), of("open"), of("not-tried"));
    let noun = if played.len() == 1 {
        "attack"
    } else {
        "attacks"
    };
    print(&format!(
        "{} {noun}: {blocked} blocked, {open} open, {not_tried} not tried.\n",
        played.len()
    ))
}

/// Everything in one document.
pub(super) fn json(played: &[Played], target: &Target) -> Result<()> {
    let attacks = played.iter().map(|one| {
        json!({
            "id": one.attack.id,
            "what": one.attack.what,
            "expected": one.attack.expected,
            "seen": one.outcome.seen(),
            "outcome": one.outcome.name(),
            "severity": one.attack.severity.name(),
        })
    });
    let attacks: Vec<Value> = attacks.collect();
    let (gateway, tenant) = target.places();
    let document = json!({
        "gateway": gateway.map(ToString::to_string),
        "tenant": tenant.map(ToString::to_string),
        "attacks": attacks,
        "ok": super::verdict(played).is_ok(),
    });
    print(&format!("{document:#}\n"))
}

/// What got through, as findings.
pub(super) fn sarif(played: &[Played], target: &Target) -> Result<()> {
    let all = attack::all();
    let rules = all
        .iter()
        .map(|attack| sarif::rule(attack.id, attack.id, attack.what, attack.severity));
    let (gateway, tenant) = target.places();
    let place = gateway.or(tenant).map(ToString::to_string);
    let open = played
        .iter()
        .filter(|one| matches!(one.outcome, Outcome::GotThrough(_)));
    let results = open.map(|one| {
        let attack = one.attack;
        let text = format!(
            "{}: {}. Expected: {}.",
            attack.what,
            one.outcome.seen(),
            attack.expected
        );
        json!({
            "ruleId": attack.id,
            "ruleIndex": all.iter().position(|other| other.id == attack.id),
            "level": sarif::level(attack.severity),
            "message": { "text": text },
            "locations": [{ "logicalLocations": [{ "fullyQualifiedName": place, "kind": "resource" }] }],
        })
    });
    let (rules, results): (Vec<_>, Vec<_>) = (rules.collect(), results.collect());
    let document = sarif::document(&rules, &results);
    print(&format!("{document:#}\n"))
}

fn print(text: &str) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout
        .write_all(text.as_bytes())
        .context("cannot print what came of it")
}
