//! Who has an account here? Told by an answer, a page, or a time (CWE-204, CWE-208).

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::Value;
use tokio::time::Instant;

use super::browser::{Browser, Landing};
use super::door::Answer;
use super::target::Target;
use super::{Attack, NotTried, Outcome};
use crate::commands::check::Severity;

pub(super) static ATTACKS: [Attack; 3] = [
    Attack {
        id: "enumeration-by-answer",
        severity: Severity::High,
        what: "a wrong password for a user and for a stranger at the gateway: status, headers and body compared",
        expected: "the same answer",
        play: |target| Box::pin(by_answer(target)),
    },
    Attack {
        id: "enumeration-by-page",
        severity: Severity::Medium,
        what: "the same at the tenant's login page",
        expected: "the same page",
        play: |target| Box::pin(by_page(target)),
    },
    Attack {
        id: "enumeration-by-time",
        severity: Severity::High,
        what: "the same by the clock: a user against a dozen strangers, the fastest of several tries each, in up to three rounds",
        expected: "a user takes no other time than some stranger does",
        play: |target| Box::pin(by_time(target)),
    },
];

const WRONG: &str = "lychgate attack: not the password";

async fn by_answer(target: &Target) -> Result<Outcome> {
    let token = target.good_token().await?;
    let user = &target.user()?.identifier;
    let known = target.authenticate(token, user, WRONG).await?;
    let unknown = target
        .authenticate(token, &target.stranger(0), WRONG)
        .await?;
    forget_failures(target, token).await?;
    let (known, unknown) = (visible(&known), visible(&unknown));
    Ok(if known == unknown {
        Outcome::Blocked(format!("twice {}", known.0))
    } else {
        Outcome::GotThrough(format!(
            "a user: {}; a stranger: {}{}",
            known.0,
            unknown.0,
            differing(&known, &unknown)
        ))
    })
}

/// What differs where the status does not.
fn differing(known: &Visible, unknown: &Visible) -> &'static str {
    if known.0 != unknown.0 {
        ""
    } else if known.1 == unknown.1 {
        " with another body"
    } else {
        " with other headers"
    }
}

/// Status, headers and body, but for what differs from one answer to the next.
type Visible = (String, Vec<String>, Value);

fn visible(answer: &Answer) -> Visible {
    let passing = |name: &str| matches!(name, "date" | "x-request-id" | "retry-after");
    let headers = answer
        .headers
        .iter()
        .filter(|(name, _)| !passing(name.as_str()));
    let mut headers: Vec<_> = headers.map(|header| format!("{header:?}")).collect();
    headers.sort_unstable();
    let mut body = answer.json();
    if let Some(members) = body.as_object_mut() {
        members.remove("request_id");
    }
    (answer.to_string(), headers, body)
}

async fn by_page(target: &Target) -> Result<Outcome> {
    let user = &target.user()?.identifier;
    let known = refused(target, user).await?;
    let unknown = refused(target, &target.stranger(0)).await?;
    // A right login ends what the wrong one has begun.
    Browser::new(target)?.log_in_plainly("openid").await?;
    Ok(if known == unknown {
        Outcome::Blocked(format!("the same page, with status {}", known.0))
    } else {
        Outcome::GotThrough(format!(
            "a page of status {}, and another one of status {}",
            known.0, unknown.0
        ))
    })
}

/// The page that a wrong password leads to, without what differs from one login to the next.
async fn refused(target: &Target, identifier: &str) -> Result<(u16, String)> {
    let mut browser = Browser::new(target)?;
    let landing = browser.authorize(&[]).await?;
    let Landing::Login(page) = landing else {
        return Err(NotTried::because(format!("no login page: {landing}")));
    };
    let state = super::browser::parameter(&page, "state").context("a login page has a state")?;
    match browser.submit_as(&page, identifier, WRONG).await? {
        Landing::Page(status, text) => {
            Ok((status, text.replace(&state, "").replace(identifier, "")))
        }
        landing => Err(NotTried::because(format!(
            "a wrong password leads to {landing}"
        ))),
    }
}

/// Strangers beside whom a user is measured. In a store of several formats each stranger costs what some user costs, so the
/// user's time must lie among theirs.
const STRANGERS: usize = 12;
const TRIES: usize = 3;
const ROUNDS: usize = 3;

/// What is a difference: twice the time and at least this much.
const NOTICEABLE: Duration = Duration::from_millis(4);

async fn by_time(target: &Target) -> Result<Outcome> {
    let token = target.good_token().await?;
    let user = target.user()?.identifier.clone();
    let strangers: Vec<String> = (0..STRANGERS)
        .map(|number| target.stranger(100 + number))
        .collect();
    let mut of_user = Duration::MAX;
    let mut of_strangers = [Duration::MAX; STRANGERS];
    for _ in 0..ROUNDS {
        for _ in 0..TRIES {
            of_user = of_user.min(time(target, token, &user).await?);
            for (stranger, fastest) in strangers.iter().zip(&mut of_strangers) {
                *fastest = (*fastest).min(time(target, token, stranger).await?);
            }
        }
        forget_failures(target, token).await?;
        // The fastest of all tries only gets truer: what still differs after the last round is a difference.
        if !is_told_apart(of_user, &of_strangers) {
            break;
        }
    }
    let (least, most) = range(&of_strangers);
    let said = format!(
        "a user {} ms, strangers {} to {} ms",
        of_user.as_millis(),
        least.as_millis(),
        most.as_millis()
    );
    Ok(if is_told_apart(of_user, &of_strangers) {
        Outcome::GotThrough(said)
    } else {
        Outcome::Blocked(said)
    })
}

async fn time(target: &Target, token: &str, identifier: &str) -> Result<Duration> {
    let began = Instant::now();
    let answer = target.authenticate(token, identifier, WRONG).await?;
    let took = began.elapsed();
    if answer.status == Some(429) || answer.is_failure() {
        return Err(NotTried::because(format!(
            "it is answered {answer}, which cannot be measured"
        )));
    }
    Ok(took)
}

fn range(times: &[Duration]) -> (Duration, Duration) {
    let least = times.iter().min().copied().unwrap_or_default();
    (least, times.iter().max().copied().unwrap_or_default())
}

fn is_told_apart(of_user: Duration, of_strangers: &[Duration]) -> bool {
    let (least, most) = range(of_strangers);
    let slower = of_user > most * 2 && of_user > most + NOTICEABLE;
    let faster = least > of_user * 2 && least > of_user + NOTICEABLE;
    slower || faster
}

/// A right login, after which the user's failures are forgotten and nobody is delayed.
pub(super) async fn forget_failures(target: &Target, token: &str) -> Result<Answer> {
    let user = target.user()?;
    let (identifier, password) = (&user.identifier, user.password.expose_secret());
    target.authenticate(token, identifier, password).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_far_outside_the_strangers_times_is_told_apart() {
        let ms = Duration::from_millis;
        let mixed = [ms(5), ms(60), ms(20)];
        for (of_user, told) in [
            (60, false),
            (5, false),
            (100, false),
            (130, true),
            (0, true),
            (3, false),
        ] {
            assert_eq!(is_told_apart(ms(of_user), &mixed), told, "{of_user} ms");
        }
        assert!(!is_told_apart(ms(3), &[ms(1)]), "too little to notice");
    }
}
