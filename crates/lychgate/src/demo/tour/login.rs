//! People who log in, and people who do not.

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::demo::browser::{Browser, Login};
use crate::demo::servers::Servers;
use crate::demo::store::{PASSWORD, PEOPLE, PEOPLE_OF_A_DIRECTORY};

const WRONG: &str = "Wrong email or password.";

pub(super) async fn right_password(servers: &Servers) -> Result<String> {
    let profile = profile(servers, "ada@example.com", PASSWORD).await?;
    let email = profile
        .get("email")
        .and_then(Value::as_str)
        .context("the profile has an email")?;
    Ok(format!("logged in as {email}"))
}

pub(super) async fn wrong_password(servers: &Servers) -> Result<String> {
    let page = refused(servers, "ada@example.com").await?;
    Ok(if page.contains(WRONG) {
        format!("the page again: {WRONG}")
    } else {
        format!("a page without `{WRONG}`")
    })
}

pub(super) async fn unknown_user(servers: &Servers) -> Result<String> {
    let known = refused(servers, "ada@example.com").await?;
    let unknown = refused(servers, "nobody@example.com").await?;
    let verdict = if known == unknown {
        "the same page as for a wrong password"
    } else {
        "another page"
    };
    Ok(verdict.to_owned())
}

pub(super) async fn every_hash_format(servers: &Servers) -> Result<String> {
    let people = if servers.deployment.is_directory {
        &PEOPLE_OF_A_DIRECTORY
    } else {
        &PEOPLE
    };
    let mut formats = Vec::new();
    for person in people {
        let profile = profile(servers, person.email, PASSWORD).await?;
        if profile.get("email").and_then(Value::as_str) == Some(person.email) {
            formats.push(person.format.name());
        }
    }
    Ok(format!("logged in: {}", formats.join(", ")))
}

/// What `/userinfo` says of a person after a login.
pub(super) async fn profile(servers: &Servers, username: &str, password: &str) -> Result<Value> {
    let tokens = match Browser::new(servers)
        .log_in(username, password, None)
        .await?
    {
        Login::Code(code) => code.exchange(servers).await?,
        Login::Error(error) => bail!("{username} was refused: {error}"),
        Login::Page(_) => bail!("{username} was shown the login page again"),
    };
    let token = tokens
        .get("access_token")
        .and_then(Value::as_str)
        .context("an access token came back")?;
    servers.userinfo(token).await
}

/// The page that a wrong password leads to.
async fn refused(servers: &Servers, username: &str) -> Result<String> {
    match Browser::new(servers)
        .log_in(username, "not the password", None)
        .await?
    {
        Login::Page(page) => Ok(page),
        Login::Code(_) => bail!("{username} was logged in with a wrong password"),
        Login::Error(error) => bail!("{username} was sent back with {error}"),
    }
}
