//! Doors that should not be there: operations that nobody defined, and the admin listener.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use anyhow::Result;
use reqwest::Method;
use reqwest::header::HOST;
use serde_json::json;
use tokio::net::TcpStream;

use super::door::{Answer, Reception, Seen};
use super::operations;
use super::target::{LOOKUP, Target};
use super::{Attack, NotTried, Outcome};
use crate::commands::check::Severity;

pub(super) static ATTACKS: [Attack; 5] = [
    Attack {
        id: "undefined-operation",
        severity: Severity::High,
        what: "a good token for paths that are no operation, for spellings of those that are, and with other methods",
        expected: "404 or 405",
        play: |target| Box::pin(undefined(target)),
    },
    Attack {
        id: "operations-told-apart",
        severity: Severity::Low,
        what: "without a token: which paths and methods are there?",
        expected: "one and the same answer for all",
        play: |target| Box::pin(told_apart(target)),
    },
    Attack {
        id: "admin-on-the-gateway",
        severity: Severity::Medium,
        what: "the paths of the admin listener at the gateway itself",
        expected: "401 without a token, 404 with one",
        play: |target| Box::pin(admin_on_gateway(target)),
    },
    Attack {
        id: "admin-rebinding",
        severity: Severity::Medium,
        what: "the admin listener under another name, as a page in the operator's browser would reach it (DNS rebinding)",
        expected: "421",
        play: |target| Box::pin(admin_rebinding(target)),
    },
    Attack {
        id: "admin-from-the-network",
        severity: Severity::High,
        what: "the admin listener's port at an address that others reach",
        expected: "no connection",
        play: |target| Box::pin(admin_from_network(target)),
    },
];

const NOT_OPERATIONS: [&str; 14] = [
    "/",
    "/v1/users",
    "/v1/users/list",
    "/v1/users/export",
    "/v1/users/search",
    "/v1/users/lookup/",
    "/v1/users/lookup.json",
    "/v1/users//lookup",
    "//v1/users/lookup",
    "/v1/users/%6cookup",
    "/V1/USERS/LOOKUP",
    "/v1/users/x%2f..%2flookup",
    "/v1/admin",
    "/.env",
];

const ADMIN: [&str; 4] = ["livez", "readyz", "metrics", "openapi.json"];

const METHODS: [&str; 6] = ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"];

async fn undefined(target: &Target) -> Result<Outcome> {
    let token = target.good_token().await?;
    let gateway = target.gateway()?;
    let body = json!({ "identifier": target.somebody() });
    let mut requests = Vec::new();
    for path in NOT_OPERATIONS {
        let mut url = gateway.url.clone();
        url.set_path(path);
        requests.push((format!("POST {path}"), gateway.http.post(url).json(&body)));
    }
    for method in METHODS {
        let what = format!("{method} {LOOKUP}");
        let method = Method::from_bytes(method.as_bytes())?;
        let request = gateway.http.request(method, gateway.endpoint(LOOKUP)?);
        requests.push((what, request.json(&body)));
    }
    let get = gateway.http.get(gateway.endpoint(LOOKUP)?).json(&body);
    let overridden = get.header("X-HTTP-Method-Override", "POST");
    requests.push((format!("GET {LOOKUP} as POST"), overridden));
    let mut seen = Seen::default();
    for (what, request) in requests {
        let answer = Answer::to(request.bearer_auth(token)).await?;
        if answer.is_success() || answer.is_failure() {
            return Ok(Outcome::GotThrough(format!("{what} is answered {answer}")));
        }
        seen.add(answer);
    }
    Ok(Outcome::Blocked(seen.to_string()))
}

async fn told_apart(target: &Target) -> Result<Outcome> {
    let gateway = target.gateway()?;
    let mut seen = Seen::default();
    let mut challenges = BTreeSet::new();
    let paths = operations::all()
        .into_iter()
        .map(|operation| operation.path);
    for path in paths.chain(NOT_OPERATIONS.into_iter().take(5)) {
        for method in [Method::POST, Method::GET] {
            let answer = Answer::to(gateway.http.request(method, gateway.endpoint(path)?)).await?;
            let challenge = answer.headers.get("www-authenticate").cloned();
            challenges.insert(challenge.map(|value| value.as_bytes().to_vec()));
            seen.add(answer);
        }
    }
    Ok(if seen.kinds() == 1 && challenges.len() == 1 {
        Outcome::Blocked(seen.to_string())
    } else {
        Outcome::GotThrough(format!("they differ: {seen}"))
    })
}

async fn admin_on_gateway(target: &Target) -> Result<Outcome> {
    let gateway = target.gateway()?;
    let token = target.good_token().await.ok();
    let mut seen = Seen::default();
    for path in ADMIN {
        for token in [None, token] {
            let request = gateway.http.get(gateway.endpoint(path)?);
            let request = match token {
                Some(token) => request.bearer_auth(token),
                None => request,
            };
            let answer = Answer::to(request).await?;
            if answer.is_success() {
                return Ok(Outcome::GotThrough(format!("/{path} is answered {answer}")));
            }
            seen.add(answer);
        }
    }
    Ok(Outcome::Blocked(seen.to_string()))
}

async fn admin_rebinding(target: &Target) -> Result<Outcome> {
    let admin = target.admin()?;
    let control = Answer::to(admin.http.get(admin.endpoint("livez")?)).await?;
    if !control.is_success() {
        return Err(NotTried::because(format!(
            "its own name is answered {control}"
        )));
    }
    let mut seen = Seen::default();
    for host in [
        "attacker.example",
        "localhost.attacker.example",
        "192.0.2.1:9090",
    ] {
        for path in ADMIN {
            let request = admin.http.get(admin.endpoint(path)?).header(HOST, host);
            let answer = Answer::to(request).await?;
            if answer.is_success() {
                return Ok(Outcome::GotThrough(format!(
                    "/{path} for {host} is answered {answer}"
                )));
            }
            seen.add(answer);
        }
    }
    Ok(Outcome::Blocked(seen.to_string()))
}

async fn admin_from_network(target: &Target) -> Result<Outcome> {
    let admin = target.admin()?;
    let port = admin.url.port_or_known_default().unwrap_or_default();
    if !admin.is_on_loopback() {
        // Whether it asks for a certificate is seen by not having one.
        let answer = Answer::to(admin.http.get(admin.endpoint("livez")?)).await;
        return Ok(match answer {
            Ok(answer) if answer.reception() == Reception::LetIn => {
                Outcome::GotThrough(format!("answered {answer} without a certificate"))
            }
            Ok(answer) => Outcome::Blocked(answer.to_string()),
            Err(_) => Outcome::Blocked("no connection without a certificate".to_owned()),
        });
    }
    let Some(address) = outward_address() else {
        return Err(NotTried::because(
            "this machine has no address that others reach",
        ));
    };
    let place = SocketAddr::new(address, port);
    let connected = tokio::time::timeout(Duration::from_secs(5), TcpStream::connect(place)).await;
    Ok(match connected {
        Ok(Ok(_)) => Outcome::GotThrough(format!("{place} takes a connection")),
        Ok(Err(_)) | Err(_) => Outcome::Blocked(format!("no connection to {place}")),
    })
}

/// The address by which this machine speaks to others. Nothing is sent to find it.
fn outward_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    // A network for documentation (RFC 5737 §3), where nobody is.
    socket.connect((Ipv4Addr::new(198, 51, 100, 1), 9)).ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then_some(address)
}
