//! Custom database connections: scripts that ask over HTTP, and more than one connection.

use std::{
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::{Json, Router, extract::State, http::HeaderMap, routing::post};
use lychgate_tenant::{ActionScripts, Connection};
use serde_json::{Value, json};

use tokio::task::JoinSet;

use crate::{
    browser::{Browser, returned},
    harness::{EMAIL, PASSWORD, TestTenant, write},
};

/// A login that takes a token once, keeps it in `global`, and asks a server with it.
const SCRIPT: &str = r"
async function login(identifier, password, callback) {
    try {
        global.token = global.token || fetch(configuration.URL + '/token', { method: 'POST' }).then((answer) => answer.json());
        const { access_token } = await global.token;
        const answer = await fetch(configuration.URL + '/users', {
            method: 'POST',
            headers: { authorization: 'Bearer ' + access_token, 'content-type': 'application/json' },
            body: JSON.stringify({ identifier, password }),
        });
        const { user } = await answer.json();
        if (!user) return callback(new WrongUsernameOrPasswordError(identifier, 'no'));
        return callback(null, user);
    } catch (error) {
        return callback(new Error('the store cannot be asked'));
    }
}";

/// A server that hands out tokens, counts them, and knows one user.
async fn serve_users() -> (String, Arc<AtomicU64>) {
    async fn token(State(tokens): State<Arc<AtomicU64>>) -> Json<Value> {
        Json(json!({ "access_token": format!("token-{}", tokens.fetch_add(1, Ordering::SeqCst)) }))
    }
    async fn users(headers: HeaderMap, Json(body): Json<Value>) -> Json<Value> {
        let known = headers["authorization"] == "Bearer token-0"
            && body["identifier"] == EMAIL
            && body["password"] == PASSWORD;
        Json(json!({ "user": known.then(|| json!({ "user_id": "db|1", "email": EMAIL })) }))
    }
    let tokens = Arc::new(AtomicU64::new(0));
    let router = Router::new()
        .route("/token", post(token))
        .route("/users", post(users))
        .with_state(Arc::clone(&tokens));
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (format!("http://{address}"), tokens)
}

fn connection(name: &str, folder: &std::path::Path, url: &str, listed: bool) -> Connection {
    let mut sandbox = lychgate_script::Settings::default();
    sandbox
        .configuration
        .insert("URL".to_owned(), url.to_owned());
    if listed {
        sandbox
            .outbound_hosts
            .push(url.trim_start_matches("http://").parse().unwrap());
    }
    Connection {
        name: name.to_owned(),
        scripts: ActionScripts::read(folder).unwrap(),
        sandbox,
    }
}

async fn log_in_through(tenant: &TestTenant, name: &str, password: &str) -> u16 {
    let mut browser = Browser::default();
    let state = browser.open_login(tenant, &[("connection", name)]).await;
    browser
        .submit(tenant, &state, EMAIL, password)
        .await
        .status()
        .as_u16()
}

#[tokio::test]
async fn a_script_takes_its_token_once_for_many_logins() {
    let (url, tokens) = serve_users().await;
    let tenant = TestTenant::start_with(|folder, settings| {
        write(&folder.join("remote/login.js"), SCRIPT.trim());
        settings
            .connections
            .push(connection("remote", &folder.join("remote"), &url, true));
        settings
            .connections
            .push(connection("unlisted", &folder.join("remote"), &url, false));
    })
    .await;
    let tenant = Arc::new(tenant);
    let mut logins = JoinSet::new();
    for _ in 0..50 {
        let tenant = Arc::clone(&tenant);
        logins.spawn(async move { log_in_through(&tenant, "remote", PASSWORD).await });
    }
    assert_eq!(
        logins.join_all().await,
        [303; 50],
        "at once, and every one of them"
    );
    assert_eq!(log_in_through(&tenant, "remote", "wrong").await, 400);
    assert_eq!(tokens.load(Ordering::SeqCst), 1, "kept in `global`");
    assert_eq!(
        tenant
            .handle
            .connection_statistics("remote")
            .unwrap()
            .started,
        1
    );
    assert_eq!(
        log_in_through(&tenant, "unlisted", PASSWORD).await,
        503,
        "a host that is not listed is not asked"
    );
    assert_eq!(tokens.load(Ordering::SeqCst), 1);
    assert!(tenant.handle.connection_statistics("unknown").is_none());
}

#[tokio::test]
async fn a_session_of_one_connection_is_none_of_another() {
    let tenant = TestTenant::start_with(|folder, settings| {
        settings.connections.push(connection(
            "second",
            &folder.join("scripts"),
            "http://127.0.0.1:9",
            false,
        ));
    })
    .await;
    let mut browser = Browser::default();
    browser.log_in(&tenant, &[("connection", "legacy")]).await;
    let silent = [("prompt", "none"), ("connection", "second")];
    assert_eq!(
        returned(&browser.authorize(&tenant, &silent).await)["error"],
        "login_required"
    );
}

#[tokio::test]
async fn two_connections_that_return_one_user_id_are_not_one_user() {
    let tenant = TestTenant::start_with(|folder, settings| {
        settings.connections.push(connection(
            "second",
            &folder.join("scripts"),
            "http://127.0.0.1:9",
            false,
        ));
    })
    .await;
    assert_eq!(log_in_through(&tenant, "legacy", PASSWORD).await, 303);
    assert_eq!(log_in_through(&tenant, "second", PASSWORD).await, 500);
    assert_eq!(log_in_through(&tenant, "legacy", PASSWORD).await, 303);
}
