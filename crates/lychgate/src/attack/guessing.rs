//! Guessing at a password, and around what slows it (CWE-307).

use std::time::Duration;

use anyhow::Result;
use tokio::time::Instant;

use super::door::{Answer, Seen};
use super::enumeration::forget_failures;
use super::target::Target;
use super::{Attack, NotTried, Outcome};
use crate::commands::check::Severity;

pub(super) static ATTACKS: [Attack; 2] = [
    Attack {
        id: "guessing-without-delay",
        severity: Severity::High,
        what: "forty wrong passwords in a row for one identifier, which is nobody's",
        expected: "429 before the last of them",
        play: |target| Box::pin(without_delay(target)),
    },
    Attack {
        id: "lockout-bypass",
        severity: Severity::High,
        what: "the right password while the user is locked, with her name in other cases, spaces and Unicode forms",
        expected: "429, or nobody of that name",
        play: |target| Box::pin(around_the_lock(target)),
    },
];

const GUESSES: usize = 40;

/// What a lock must have left, so that it is still on when the last spelling is answered.
const LONG_ENOUGH: Duration = Duration::from_secs(6);

async fn without_delay(target: &Target) -> Result<Outcome> {
    let token = target.good_token().await?;
    let stranger = target.stranger(200);
    for guess in 1..=GUESSES {
        let answer = target
            .authenticate(token, &stranger, &format!("wrong {guess}"))
            .await?;
        match answer.status {
            Some(429) => return Ok(Outcome::Blocked(format!("{answer} at guess {guess}"))),
            Some(200) => {}
            _ => return Err(super::forger::unclear("a guess", &answer)),
        }
    }
    Ok(Outcome::GotThrough(format!(
        "{GUESSES} guesses, and none was delayed"
    )))
}

async fn around_the_lock(target: &Target) -> Result<Outcome> {
    let token = target.good_token().await?;
    let control = forget_failures(target, token).await?;
    if !control.has_user() {
        return Err(NotTried::because(format!(
            "the test user's right password is answered {control}"
        )));
    }
    let outcome = try_spellings(target, token).await;
    release(target, token).await?;
    outcome
}

async fn try_spellings(target: &Target, token: &str) -> Result<Outcome> {
    let user = target.user()?;
    let mut lock = lock(target, token).await?;
    let mut seen = Seen::default();
    for spelling in spellings(&user.identifier) {
        if !lock.holds() {
            lock = self::lock(target, token).await?;
        }
        let answer = target
            .authenticate(token, &spelling, user.password.expose_secret())
            .await?;
        if answer.has_user() && lock.holds() {
            return Ok(Outcome::GotThrough(format!(
                "{spelling:?} is let in while the user is locked"
            )));
        }
        if answer.is_failure() {
            return Err(super::forger::unclear(&format!("{spelling:?}"), &answer));
        }
        let was_nobody = answer.is_success() && !answer.has_user();
        seen.add(if was_nobody {
            "nobody".to_owned()
        } else {
            answer.to_string()
        });
    }
    Ok(Outcome::Blocked(seen.to_string()))
}

/// A lock that is on for a while.
struct Lock {
    until: Instant,
}

impl Lock {
    fn holds(&self) -> bool {
        Instant::now() < self.until
    }
}

/// Guesses wrongly until the user is locked for long enough.
async fn lock(target: &Target, token: &str) -> Result<Lock> {
    let identifier = &target.user()?.identifier;
    for guess in 0..GUESSES {
        let asked = Instant::now();
        let answer = target
            .authenticate(token, identifier, &format!("wrong {guess}"))
            .await?;
        match (answer.status, retry_after(&answer)) {
            (Some(429), Some(rest)) if rest > LONG_ENOUGH => {
                // Seconds are rounded up, so the last one may not be whole.
                let until = asked + rest.saturating_sub(Duration::from_secs(1));
                return Ok(Lock { until });
            }
            (Some(429), Some(rest)) => tokio::time::sleep(rest).await,
            (Some(200), _) => {}
            _ => return Err(super::forger::unclear("a wrong password", &answer)),
        }
    }
    Err(NotTried::because(format!(
        "{GUESSES} wrong passwords do not lock the user for long"
    )))
}

/// Waits for the end of the lock and logs in, so that nothing is left of it.
async fn release(target: &Target, token: &str) -> Result<()> {
    for _ in 0..GUESSES {
        let answer = forget_failures(target, token).await?;
        match retry_after(&answer) {
            Some(rest) => tokio::time::sleep(rest).await,
            None => return Ok(()),
        }
    }
    Ok(())
}

fn retry_after(answer: &Answer) -> Option<Duration> {
    let seconds = answer
        .headers
        .get("retry-after")?
        .to_str()
        .ok()?
        .parse()
        .ok()?;
    (answer.status == Some(429)).then(|| Duration::from_secs(seconds))
}

/// The same name as somebody might take for another one.
fn spellings(identifier: &str) -> Vec<String> {
    let upper = identifier.to_uppercase();
    let mut first_upper = identifier.chars();
    let first = first_upper
        .next()
        .map(|first| first.to_uppercase().to_string());
    let title = first.unwrap_or_default() + first_upper.as_str();
    let wide = |text: &str| -> String {
        let wide = |letter: char| match letter {
            '!'..='~' => char::from_u32(u32::from(letter) + 0xFEE0).unwrap_or(letter),
            letter => letter,
        };
        text.chars().map(wide).collect()
    };
    vec![
        identifier.to_owned(),
        upper.clone(),
        title,
        format!(" {identifier}"),
        format!("{identifier} "),
        format!("\t{identifier}"),
        format!("{identifier}\u{a0}"),
        format!("{identifier}\u{200b}"),
        format!("\u{feff}{identifier}"),
        format!("{identifier}\0"),
        format!("{identifier}."),
        identifier.replace('@', "\u{ff20}"),
        wide(identifier),
        upper.replace('I', "\u{130}"),
        identifier.replace('i', "\u{131}"),
        upper.replace('K', "\u{212a}"),
        upper.replace('S', "\u{17f}"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spellings_of_a_name_are_many_and_the_first_is_the_name() {
        let spellings = spellings("ada@example.com");
        assert_eq!(spellings[0], "ada@example.com");
        assert!(spellings.contains(&"Ada@example.com".to_owned()));
        assert!(spellings.contains(&"ada＠example.com".to_owned()));
        assert!(spellings.contains(&"ａｄａ＠ｅｘａｍｐｌｅ．ｃｏｍ".to_owned()));
    }
}
