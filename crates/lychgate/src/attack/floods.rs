//! Work that is cheap to ask for and dear to do (CWE-400).

use anyhow::Result;
use futures_util::future::{join_all, try_join_all};
use serde_json::json;

use super::door::{Reception, Seen};
use super::target::Target;
use super::{Attack, Outcome};
use crate::commands::check::Severity;

pub(super) static ATTACKS: [Attack; 2] = [
    Attack {
        id: "key-flood",
        severity: Severity::Medium,
        what: "sixty tokens with made-up `kid`s, each of which might be fetched for",
        expected: "401 for each, and a good token is taken right after",
        play: |target| Box::pin(keys(target)),
    },
    Attack {
        id: "hash-flood",
        severity: Severity::Medium,
        what: "sixty-four logins of strangers at once with passwords of a kilobyte, and lookups meanwhile",
        expected: "the lookups are answered",
        play: |target| Box::pin(hashes(target)),
    },
];

const KEYS: usize = 60;
const LOGINS: usize = 64;
const LOOKUPS: usize = 12;

async fn keys(target: &Target) -> Result<Outcome> {
    let forger = target.forger().await?;
    let tokens = (0..KEYS).map(|number| {
        let header = json!({ "alg": "RS256", "kid": target.stranger(number) });
        forger.by_own_key(&header, &json!({}))
    });
    let tokens: Vec<String> = tokens.collect::<Result<_>>()?;
    let mut seen = Seen::default();
    for some in tokens.chunks(10) {
        for answer in try_join_all(some.iter().map(|token| target.lookup(Some(token)))).await? {
            if answer.reception() == Reception::LetIn {
                return Ok(Outcome::GotThrough(format!(
                    "a made-up key was believed: {answer}"
                )));
            }
            seen.add(answer);
        }
    }
    Ok(match target.still_serves().await? {
        Ok(()) => Outcome::Blocked(seen.to_string()),
        Err(after) => Outcome::GotThrough(after),
    })
}

async fn hashes(target: &Target) -> Result<Outcome> {
    let token = target.good_token().await?;
    let password = "lychgate ".repeat(110);
    let strangers: Vec<String> = (0..LOGINS)
        .map(|number| target.stranger(300 + number))
        .collect();
    let logins = strangers
        .iter()
        .map(|stranger| target.authenticate(token, stranger, &password));
    let lookups = async {
        let mut seen = Seen::default();
        let mut failed = None;
        for _ in 0..LOOKUPS {
            match target.lookup(Some(token)).await {
                Ok(answer) if answer.reception() == Reception::LetIn => seen.add(answer),
                Ok(answer) => failed = Some(answer.to_string()),
                Err(error) => failed = Some(format!("{error:#}")),
            }
        }
        (seen, failed)
    };
    let (logins, (seen, failed)) = tokio::join!(join_all(logins), lookups);
    let mut answers = Seen::default();
    for answer in logins.into_iter().flatten() {
        answers.add(answer);
    }
    Ok(match failed {
        None => Outcome::Blocked(format!("lookups: {seen}; logins: {answers}")),
        Some(failed) => {
            Outcome::GotThrough(format!("a lookup was answered {failed}; logins: {answers}"))
        }
    })
}
