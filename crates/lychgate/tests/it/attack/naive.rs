//! What each weakness makes of a request.

use std::sync::atomic::Ordering;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use lychgate_token::UnixTime;
use serde_json::{Map, Value, json};

use super::bound;
use super::weak::{Behind, Naive, Request, Weakness as W};
use crate::support::{AUDIENCE, PASSWORD, SCRIPT_CLIENT};

/// What is done with a request.
pub(super) enum Verdict {
    /// It is handed on, as these bytes.
    Forward(Vec<u8>),
    /// The same, and the answer is not what it was.
    Change(Vec<u8>, fn(&Naive, &mut Vec<u8>)),
    Answer(String),
    Close,
    Hold,
}

/// Whether what is not whole yet is waited for, for ever.
pub(super) fn waits(weakness: W, bytes: &[u8]) -> bool {
    let has_head = bytes.windows(4).any(|four| four == b"\r\n\r\n");
    (weakness == W::WaitsForHeaders && !has_head) || (weakness == W::WaitsForBodies && has_head)
}

pub(super) async fn verdict(naive: &Naive, request: &Request, behind: Behind) -> Verdict {
    match behind {
        Behind::Gateway => at_gateway(naive, request).await,
        Behind::Tenant => at_tenant(naive, request),
        Behind::Admin if naive.weakness == W::AdminAnswersToAnyName => {
            Verdict::Forward(request.with(&[("Host", "localhost")]))
        }
        Behind::Admin => Verdict::Forward(request.bytes.clone()),
    }
}

/// The answer to a lookup that found somebody.
fn somebody() -> Verdict {
    ok(&json!({ "user": { "user_id": "1" } }))
}

fn ok(body: &Value) -> Verdict {
    answer("200 OK", body)
}

fn answer(status: &str, body: &Value) -> Verdict {
    let body = body.to_string();
    Verdict::Answer(format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    ))
}

async fn at_gateway(naive: &Naive, request: &Request) -> Verdict {
    if bound::believes(naive, request) {
        return ok(&json!({ "user": null }));
    }
    let mut tokens = request.headers.iter().filter_map(|(name, value)| {
        let is_authorization = name.eq_ignore_ascii_case("authorization");
        value.strip_prefix("Bearer ").filter(|_| is_authorization)
    });
    // Two of them are the real one's to refuse, but for the weakness that takes the first.
    if let (Some(token), None) = (tokens.next(), tokens.next()) {
        let token = Token::read(token);
        if believes(naive, &token).await {
            return with_good_token(naive, request, &request.target).await;
        }
        let is_flood = token.key_id().contains("lychgate-attack");
        if naive.weakness == W::FetchesForEveryKey && !is_flood && naive.is_out_of_budget() {
            return answer("503 Service Unavailable", &json!({}));
        }
    }
    let forward = || Verdict::Forward(request.bytes.clone());
    at_requests(naive, request).await.unwrap_or_else(forward)
}

/// A token as whoever checks nothing reads it.
struct Token {
    header: Map<String, Value>,
    payload: String,
    claims: Map<String, Value>,
    signature: String,
}

impl Token {
    fn read(token: &str) -> Self {
        let mut parts = token.split('.');
        let mut part = || {
            let part = BASE64_URL_SAFE_NO_PAD.decode(parts.next().unwrap_or_default());
            String::from_utf8_lossy(&part.unwrap_or_default()).into_owned()
        };
        let (header, payload) = (part(), part());
        Self {
            header: serde_json::from_str(&header).unwrap_or_default(),
            claims: serde_json::from_str(&payload).unwrap_or_default(),
            payload,
            signature: token.rsplit('.').next().unwrap_or_default().to_owned(),
        }
    }

    fn has(&self, name: &str) -> bool {
        self.header.contains_key(name)
    }

    fn algorithm(&self) -> &str {
        self.header
            .get("alg")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    fn key_id(&self) -> &str {
        self.header
            .get("kid")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// A claim that is a text.
    fn text(&self, name: &str) -> &str {
        self.claims
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// Whether it names a key of the issuer, whose ids are digests, and brings none of its own.
    fn names_issuers_key(&self) -> bool {
        self.key_id().len() == 43 && !self.has("jwk") && !self.has("jku") && !self.has("x5u")
    }

    /// Whether the claims are those of the script client, each once, with nothing else that could be wrong.
    fn is_fair(&self, naive: &Naive) -> bool {
        let names: Vec<_> = self.claims.keys().map(String::as_str).collect();
        let number = |name: &str| {
            self.claims
                .get(name)
                .and_then(Value::as_i64)
                .unwrap_or_default()
        };
        let now = UnixTime::now().seconds();
        let read = Value::Object(self.claims.clone()).to_string();
        names == ["aud", "azp", "exp", "gty", "iat", "iss", "scope", "sub"]
            && read.len() == self.payload.len()
            && self.text("iss") == format!("http://127.0.0.1:{}/", naive.tenant)
            && self.text("sub") == format!("{SCRIPT_CLIENT}@clients")
            && self.text("azp") == SCRIPT_CLIENT
            && self.text("aud") == AUDIENCE
            && self.text("gty") == "client-credentials"
            && self.text("scope").split(' ').count() == 7
            && number("exp") > now
            && number("iat") <= now
            && number("exp") - number("iat") <= 3700
    }
}

async fn with_good_token(naive: &Naive, request: &Request, target: &str) -> Verdict {
    let authorization = format!("Bearer {}", naive.good_token().await);
    Verdict::Forward(request.rewritten(target, &[("Authorization", &authorization)], &request.body))
}

/// Whether a token that is not good is taken for a good one.
async fn believes(naive: &Naive, token: &Token) -> bool {
    let fair = token.is_fair(naive);
    match naive.weakness {
        W::BelievesUsers => token.text("sub").starts_with("auth0|") && names_us(&token.claims),
        W::BelievesIdTokens => token.text("aud") == "an-application",
        W::IgnoresTheAudience => token.text("aud") == "urn:of-another-api",
        W::IgnoresTheScope => token.text("scope") == "read:users",
        W::BelievesAlgorithmNone => token.algorithm().eq_ignore_ascii_case("none") && fair,
        W::TakesThePublicKeyForASecret => {
            // The length of an HMAC with SHA-256.
            let is_hmac = token.algorithm() == "HS256" && token.signature.len() == 43;
            is_hmac && fair && token.names_issuers_key()
        }
        W::ChecksNoSignature => {
            let families = ["RS", "PS", "ES", "Ed"];
            let is_asymmetric = families
                .iter()
                .any(|family| token.algorithm().starts_with(family));
            fair && is_asymmetric && token.names_issuers_key()
        }
        W::BelievesTheKeyInTheHeader => token.has("jwk") && fair,
        W::FetchesTheKeyOfTheHeader => {
            for name in ["jku", "x5u"] {
                if let Some(url) = token.header.get(name).and_then(Value::as_str) {
                    naive.fetch(url).await;
                }
            }
            false
        }
        W::ReadsTheKeyByItsPath => token.key_id() == "/dev/null" && fair,
        W::AsksAnyIssuer => {
            let issuer = token.text("iss");
            if !issuer.is_empty() && !issuer.contains(&naive.tenant.to_string()) {
                naive.fetch(issuer).await;
            }
            false
        }
        W::ReadsTimesFromText => token.claims.get("exp").is_some_and(Value::is_string),
        W::TakesTheLastOfTwoClaims => token.payload.matches("\"aud\":").count() == 2,
        W::IgnoresTheEnd => {
            let end = token.claims.get("exp").and_then(Value::as_i64);
            end.is_some_and(|end| end > 0 && end < UnixTime::now().seconds())
        }
        W::ForgetsTheConstraint => token.claims.get("cnf").is_some_and(Value::is_object),
        W::FetchesForEveryKey => {
            if token.key_id().contains("lychgate-attack") {
                naive.spend_budget();
            }
            false
        }
        _ => false,
    }
}

fn names_us(claims: &Map<String, Value>) -> bool {
    match &claims["aud"] {
        Value::Array(several) => several.iter().any(|one| one == AUDIENCE),
        one => one == AUDIENCE,
    }
}

async fn at_requests(naive: &Naive, request: &Request) -> Option<Verdict> {
    let body: Value = serde_json::from_str(&request.body).unwrap_or_default();
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let (identifier, target) = (text("identifier"), request.target.as_str());
    let has_token = request.header("Authorization").is_some();
    let is_stranger = identifier.contains("lychgate-attack");
    let authenticates = target == "/v1/users/authenticate";
    match naive.weakness {
        W::ReadsTokensFromTheQuery if target.contains("access_token=") => {
            let (path, _) = target.split_once('?')?;
            Some(with_good_token(naive, request, path).await)
        }
        W::TakesTheFirstOfTwoTokens => {
            let token = request.header("Authorization")?.to_owned();
            Some(Verdict::Forward(request.with(&[("Authorization", &token)])))
        }
        W::BuildsSql if identifier.contains("' OR '1'='1") => Some(somebody()),
        W::BuildsFilters if identifier == "*" => Some(somebody()),
        W::BreaksOnAQuote if text("user_id").contains('\'') => {
            Some(answer("500 Internal Server Error", &json!({})))
        }
        W::TakesAnyField if body.get("is_admin").is_some() => Some(ok(&json!({ "user": null }))),
        W::ObeysOperators if body["identifier"].get("$ne").is_some() => Some(somebody()),
        W::TakesAFieldTwice if request.body.matches("identifier").count() == 2 => {
            Some(ok(&json!({ "user": null })))
        }
        W::ReadsAnyLength if is_long(request) => Some(ok(&json!({ "user": null }))),
        W::BreaksOnDepth if request.body.contains("[[[[") => Some(Verdict::Close),
        W::HasAnOperationMore if target == "/v1/users/export" && has_token => {
            Some(ok(&json!({ "users": [] })))
        }
        W::TellsWhatIsThere if !has_token && target == "/v1/users/list" => {
            Some(answer("404 Not Found", &json!({})))
        }
        W::ShowsItsMetrics if target == "/metrics" => Some(ok(&json!({}))),
        W::TellsStrangersByStatus if authenticates && is_stranger => {
            let bytes = request.with(&[("Connection", "close")]);
            Some(Verdict::Change(bytes, |_, answer| {
                let text = String::from_utf8_lossy(answer).replacen("200 OK", "404 Not Found", 1);
                *answer = text.into_bytes();
            }))
        }
        W::DoesNoWorkForStrangers if authenticates && is_stranger => {
            let body = json!({ "identifier": identifier }).to_string();
            Some(Verdict::Forward(request.rewritten(
                "/v1/users/lookup",
                &[],
                &body,
            )))
        }
        W::TakesLengthOverChunks
            if request.header("Content-Length").is_some()
                && request.header("Transfer-Encoding").is_some() =>
        {
            let one = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";
            Some(Verdict::Answer(one.repeat(2)))
        }
        W::HashesBeforeAllElse => hashes(naive, request, authenticates),
        W::LocksEachSpellingAlone
            if authenticates
                && text("password") == PASSWORD
                && identifier != identifier.to_lowercase() =>
        {
            let body = json!({ "identifier": identifier }).to_string();
            Some(Verdict::Forward(request.rewritten(
                "/v1/users/lookup",
                &[],
                &body,
            )))
        }
        _ => None,
    }
}

/// Whether the head announces more than anybody should read.
fn is_long(request: &Request) -> bool {
    let length = request
        .header("Content-Length")
        .and_then(|value| value.parse::<usize>().ok());
    length.is_some_and(|length| length > 1024 * 1024)
}

/// One thing after the other: whoever looks somebody up waits behind those who log in, and is sent away.
fn hashes(naive: &Naive, request: &Request, authenticates: bool) -> Option<Verdict> {
    if authenticates {
        naive.hashing.fetch_add(1, Ordering::Relaxed);
        let bytes = request.with(&[("Connection", "close")]);
        return Some(Verdict::Change(bytes, |naive, _| {
            naive.hashing.fetch_sub(1, Ordering::Relaxed);
        }));
    }
    let is_busy = naive.hashing.load(Ordering::Relaxed) > 4;
    is_busy.then(|| answer("503 Service Unavailable", &json!({})))
}

fn at_tenant(naive: &Naive, request: &Request) -> Verdict {
    let host = format!("127.0.0.1:{}", naive.tenant);
    let form = if request.method == "POST" {
        request.body.clone()
    } else {
        request
            .target
            .split_once('?')
            .unwrap_or_default()
            .1
            .to_owned()
    };
    let form: Vec<(String, String)> = url_pairs(&form);
    let field = |name: &str| {
        form.iter()
            .find(|(other, _)| other == name)
            .map_or("", |(_, value)| value)
    };
    let authorizes = request.target.starts_with("/authorize");
    let exchanges = request.target.starts_with("/oauth/token");
    let asks_for_us = field("audience") == AUDIENCE;
    let changes = [("Host", host.as_str())];
    match naive.weakness {
        W::GivesTokensByFragment if authorizes && field("response_type").contains("token") => {
            return redirect(&format!(
                "{}#access_token={}",
                field("redirect_uri"),
                token_for_us()
            ));
        }
        W::RefreshesForAnyAudience
            if exchanges && field("grant_type") == "refresh_token" && asks_for_us =>
        {
            return ok(&json!({ "access_token": token_for_us() }));
        }
        W::TakesPasswordsForAnyAudience if exchanges && field("grant_type") == "password" => {
            return ok(&json!({ "access_token": token_for_us() }));
        }
        W::RedirectsAnywhere
            if authorizes && field("redirect_uri").starts_with("https://attacker.example/") =>
        {
            return redirect(&format!("{}?code=stolen", field("redirect_uri")));
        }
        W::NeedsNoChallenge if authorizes && field("code_challenge").is_empty() => {
            return redirect("/u/login?state=begun");
        }
        W::TakesCodesForAnyAddress if exchanges && field("redirect_uri").contains("attacker") => {
            return ok(&json!({ "access_token": token_for_us() }));
        }
        W::TakesCodesTwice if exchanges && field("grant_type") == "authorization_code" => {
            return once(naive, request, &changes, field("code"));
        }
        W::TakesRefreshTokensTwice if exchanges && field("grant_type") == "refresh_token" => {
            return once(naive, request, &changes, field("refresh_token"));
        }
        W::TellsStrangersOnThePage if field("username").contains("lychgate-attack") => {
            return answer(
                "404 Not Found",
                &json!({ "error": "there is no such user" }),
            );
        }
        _ => {}
    }
    Verdict::Forward(request.with(&changes))
}

/// What was answered to this once is answered to it again.
fn once(naive: &Naive, request: &Request, changes: &[(&str, &str)], what: &str) -> Verdict {
    let mut exchanged = naive.exchanged.lock().unwrap();
    if let Some(answer) = exchanged.get(what) {
        return Verdict::Answer(String::from_utf8_lossy(answer).into_owned());
    }
    exchanged.insert(what.to_owned(), b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 22\r\nConnection: close\r\n\r\n{\"access_token\":\"a.b\"}".to_vec());
    Verdict::Forward(request.with(changes))
}

fn redirect(location: &str) -> Verdict {
    Verdict::Answer(format!(
        "HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    ))
}

/// A user's token for the gateway's audience, as far as its claims go.
fn token_for_us() -> String {
    let claims = json!({ "aud": AUDIENCE, "sub": "auth0|1", "scope": "openid read:users" });
    format!(
        "e30.{}.e30",
        BASE64_URL_SAFE_NO_PAD.encode(claims.to_string())
    )
}

fn url_pairs(form: &str) -> Vec<(String, String)> {
    let url = reqwest::Url::parse(&format!("http://form/?{form}")).unwrap();
    url.query_pairs().into_owned().collect()
}
