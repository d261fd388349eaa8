//! The least that answers `lookup`: a handler of `axum` that reads the body and makes the answer out of it. What a
//! gateway takes beyond this is the price of its checks, its store and its line in the audit log.

use anyhow::{Context as _, Result};
use axum::routing::post;
use axum::{Json, Router};
use clap::Args;
use serde::{Deserialize, Serialize};

#[derive(Args)]
pub(crate) struct Arguments {
    /// The port on loopback.
    port: u16,
}

#[derive(Deserialize)]
struct Question {
    identifier: String,
}

#[derive(Serialize)]
struct Answer {
    user: Option<User>,
}

#[expect(clippy::struct_field_names, reason = "the names of the wire")]
#[derive(Serialize)]
struct User {
    user_id: String,
    email: String,
    email_verified: bool,
    nickname: String,
    name: String,
    blocked: bool,
}

pub(crate) async fn run(arguments: Arguments) -> Result<()> {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", arguments.port))
        .await
        .context("cannot listen")?;
    let router = Router::new().route("/v1/users/lookup", post(look_up));
    axum::serve(listener, router).await?;
    Ok(())
}

async fn look_up(Json(question): Json<Question>) -> Json<Answer> {
    let number = question
        .identifier
        .strip_prefix("user")
        .and_then(|rest| rest.split_once('@'))
        .map(|(number, _)| number.to_owned());
    Json(Answer {
        user: number.map(|number| User {
            email: question.identifier,
            email_verified: true,
            nickname: format!("user{number}"),
            name: format!("User {number}"),
            blocked: false,
            user_id: number,
        }),
    })
}
