//! The server that scripts call.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::IntoResponse;
use axum::routing::any;
use axum::{Json, Router};
use lychgate_script::{Container, Settings};
use serde_json::json;

pub(crate) struct Server {
    pub(crate) port: u16,
    pub(crate) requests: Arc<AtomicUsize>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let requests = Arc::new(AtomicUsize::new(0));
        let routes = Router::new()
            .route("/echo/{*rest}", any(echo))
            .route("/echo", any(echo))
            .route("/status/{code}", any(status))
            .route("/slow/{millis}", any(slow))
            .route("/never", any(never))
            .route("/large/{bytes}", any(large))
            .route("/redirect/{code}", any(redirect))
            .route("/token", any(token))
            .with_state(Arc::clone(&requests));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { port, requests }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Settings that list this server and nothing else, and tell scripts where it is.
    pub(crate) fn settings(&self) -> Settings {
        Settings {
            outbound_hosts: vec![format!("127.0.0.1:{}", self.port).parse().unwrap()],
            configuration: [("URL".to_owned(), self.url(""))].into(),
            ..Settings::default()
        }
    }

    pub(crate) fn container(&self) -> Container {
        Container::new(self.settings())
    }

    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

async fn echo(
    State(requests): State<Arc<AtomicUsize>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> impl IntoResponse {
    requests.fetch_add(1, Ordering::SeqCst);
    let headers: serde_json::Map<_, _> = headers
        .iter()
        .map(|(name, value)| {
            (
                name.to_string(),
                json!(String::from_utf8_lossy(value.as_bytes())),
            )
        })
        .collect();
    Json(json!({
        "method": method.as_str(),
        "path": uri.path(),
        "query": uri.query(),
        "headers": headers,
        "body": String::from_utf8_lossy(&body),
    }))
}

async fn status(Path(code): Path<u16>) -> impl IntoResponse {
    (
        StatusCode::from_u16(code).unwrap(),
        Json(json!({ "code": code })),
    )
}

async fn slow(
    State(requests): State<Arc<AtomicUsize>>,
    Path(millis): Path<u64>,
) -> impl IntoResponse {
    requests.fetch_add(1, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(millis)).await;
    Json(json!({ "slept": millis }))
}

async fn never() -> StatusCode {
    std::future::pending().await
}

async fn large(Path(bytes): Path<usize>) -> impl IntoResponse {
    "x".repeat(bytes)
}

async fn redirect(
    State(requests): State<Arc<AtomicUsize>>,
    Path(code): Path<u16>,
    Query(to): Query<Vec<(String, String)>>,
) -> impl IntoResponse {
    requests.fetch_add(1, Ordering::SeqCst);
    let target = to.into_iter().find(|(name, _)| name == "to").unwrap().1;
    (
        StatusCode::from_u16(code).unwrap(),
        [(header::LOCATION, target)],
    )
}

async fn token(State(requests): State<Arc<AtomicUsize>>) -> impl IntoResponse {
    let count = requests.fetch_add(1, Ordering::SeqCst) + 1;
    tokio::time::sleep(Duration::from_millis(20)).await;
    Json(json!({ "access_token": format!("token-{count}"), "expires_in": 3600 }))
}
