//! A deployment as a naive one would be: the real servers, seen through somebody in between who does one thing wrong.
//!
//! With everything else handed on byte for byte, what gets through here gets through because of that one thing.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::deployment::{Deployment, SECRET};
use super::naive::{self, Verdict};
use crate::support::{AUDIENCE, SCRIPT_CLIENT};

/// One thing that is done wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weakness {
    // At the tenant.
    GivesTokensByFragment,
    RefreshesForAnyAudience,
    TakesPasswordsForAnyAudience,
    RedirectsAnywhere,
    NeedsNoChallenge,
    TakesCodesTwice,
    TakesCodesForAnyAddress,
    TakesRefreshTokensTwice,
    TellsStrangersOnThePage,
    // At the gateway: tokens.
    BelievesUsers,
    BelievesIdTokens,
    IgnoresTheAudience,
    IgnoresTheScope,
    BelievesAlgorithmNone,
    TakesThePublicKeyForASecret,
    ChecksNoSignature,
    BelievesTheKeyInTheHeader,
    FetchesTheKeyOfTheHeader,
    ReadsTheKeyByItsPath,
    AsksAnyIssuer,
    ReadsTimesFromText,
    TakesTheLastOfTwoClaims,
    IgnoresTheEnd,
    ForgetsTheConstraint,
    ReadsTokensFromTheQuery,
    TakesTheFirstOfTwoTokens,
    // At the gateway: tokens that are bound to a key.
    TakesBoundTokensFromBearers,
    TakesProofsByAnyKey,
    TakesProofsForAnyPlace,
    TakesProofsTwice,
    TakesProofsOfAnyTime,
    // At the gateway: requests.
    BuildsSql,
    BuildsFilters,
    BreaksOnAQuote,
    TakesAnyField,
    ObeysOperators,
    TakesAFieldTwice,
    ReadsAnyLength,
    BreaksOnDepth,
    HasAnOperationMore,
    TellsWhatIsThere,
    ShowsItsMetrics,
    AdminAnswersToAnyName,
    AdminListensEverywhere,
    // At the gateway: what can be seen from outside.
    TellsStrangersByStatus,
    DoesNoWorkForStrangers,
    TakesLengthOverChunks,
    WaitsForHeaders,
    WaitsForBodies,
    FetchesForEveryKey,
    HashesBeforeAllElse,
    LocksEachSpellingAlone,
}

use Weakness as W;

/// Each with the attacks that find it.
pub(super) const TABLE: [(Weakness, &[&str]); 52] = [
    (W::GivesTokensByFragment, &["audience-injection-implicit"]),
    (W::RefreshesForAnyAudience, &["audience-injection-refresh"]),
    (
        W::TakesPasswordsForAnyAudience,
        &["audience-injection-password"],
    ),
    (W::RedirectsAnywhere, &["redirect-uri"]),
    (W::NeedsNoChallenge, &["pkce-downgrade"]),
    (W::TakesCodesTwice, &["code-replay"]),
    (W::TakesCodesForAnyAddress, &["code-theft"]),
    (W::TakesRefreshTokensTwice, &["refresh-token-replay"]),
    (W::TellsStrangersOnThePage, &["enumeration-by-page"]),
    (W::BelievesUsers, &["user-token"]),
    (W::BelievesIdTokens, &["id-token"]),
    (W::IgnoresTheAudience, &["other-audience"]),
    (W::IgnoresTheScope, &["other-scope"]),
    (W::BelievesAlgorithmNone, &["algorithm-none"]),
    (
        W::TakesThePublicKeyForASecret,
        &["algorithm-hmac-with-public-key"],
    ),
    (W::ChecksNoSignature, &["signature-not-checked"]),
    (W::BelievesTheKeyInTheHeader, &["header-jwk"]),
    (W::FetchesTheKeyOfTheHeader, &["header-jku-x5u"]),
    (W::ReadsTheKeyByItsPath, &["header-kid"]),
    (W::AsksAnyIssuer, &["other-issuer"]),
    (W::ReadsTimesFromText, &["claim-of-wrong-type"]),
    (W::TakesTheLastOfTwoClaims, &["claim-twice"]),
    (W::IgnoresTheEnd, &["expired-token"]),
    (W::ForgetsTheConstraint, &["sender-constraint-stripped"]),
    (W::ReadsTokensFromTheQuery, &["token-elsewhere"]),
    (W::TakesTheFirstOfTwoTokens, &["authorization-twice"]),
    (W::TakesBoundTokensFromBearers, &["dpop-stripped"]),
    (W::TakesProofsByAnyKey, &["dpop-other-key"]),
    (W::TakesProofsForAnyPlace, &["dpop-other-request"]),
    (W::TakesProofsTwice, &["dpop-replay"]),
    (W::TakesProofsOfAnyTime, &["dpop-stale"]),
    (W::BuildsSql, &["sql-injection"]),
    (W::BuildsFilters, &["ldap-injection"]),
    (W::BreaksOnAQuote, &["quote-in-any-field"]),
    (W::TakesAnyField, &["mass-assignment"]),
    (W::ObeysOperators, &["field-of-wrong-type"]),
    (W::TakesAFieldTwice, &["field-twice"]),
    (W::ReadsAnyLength, &["oversize-body"]),
    (W::BreaksOnDepth, &["deep-json"]),
    (W::HasAnOperationMore, &["undefined-operation"]),
    (W::TellsWhatIsThere, &["operations-told-apart"]),
    (W::ShowsItsMetrics, &["admin-on-the-gateway"]),
    (W::AdminAnswersToAnyName, &["admin-rebinding"]),
    (W::AdminListensEverywhere, &["admin-from-the-network"]),
    (W::TellsStrangersByStatus, &["enumeration-by-answer"]),
    // Whoever does no work for strangers counts no failures of theirs either.
    (
        W::DoesNoWorkForStrangers,
        &["enumeration-by-time", "guessing-without-delay"],
    ),
    (W::TakesLengthOverChunks, &["request-smuggling"]),
    (W::WaitsForHeaders, &["slow-headers"]),
    (W::WaitsForBodies, &["slow-body"]),
    (W::FetchesForEveryKey, &["key-flood"]),
    (W::HashesBeforeAllElse, &["hash-flood"]),
    (W::LocksEachSpellingAlone, &["lockout-bypass"]),
];

/// Somebody in between, until it is dropped.
pub(super) struct Weak {
    pub(super) gateway: u16,
    pub(super) tenant: u16,
    pub(super) admin: u16,
    _until_dropped: DropGuard,
}

/// Which of the servers is behind.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Behind {
    Gateway,
    Tenant,
    Admin,
}

/// What somebody in between knows and remembers.
pub(super) struct Naive {
    pub(super) weakness: Weakness,
    pub(super) tenant: u16,
    http: reqwest::Client,
    /// What the tenant answered to a code or a refresh token.
    pub(super) exchanged: Mutex<BTreeMap<String, Vec<u8>>>,
    pub(super) unknown_keys: AtomicUsize,
    pub(super) to_refuse: AtomicUsize,
    pub(super) hashing: AtomicUsize,
}

impl Weak {
    pub(super) async fn start(weakness: Weakness, deployment: &Deployment) -> Self {
        let naive = Arc::new(Naive {
            weakness,
            tenant: deployment.tenant,
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            exchanged: Mutex::default(),
            unknown_keys: AtomicUsize::new(0),
            to_refuse: AtomicUsize::new(0),
            hashing: AtomicUsize::new(0),
        });
        let stop = CancellationToken::new();
        let serve = async |behind: Behind, port: u16| -> u16 {
            let everywhere = behind == Behind::Admin && weakness == W::AdminListensEverywhere;
            let address = if everywhere {
                Ipv4Addr::UNSPECIFIED
            } else {
                Ipv4Addr::LOCALHOST
            };
            let listener = TcpListener::bind((address, 0)).await.unwrap();
            let bound = listener.local_addr().unwrap().port();
            let naive = Arc::clone(&naive);
            tokio::spawn(stop.clone().run_until_cancelled_owned(async move {
                while let Ok((socket, peer)) = listener.accept().await {
                    // The real one's allowlist sees us and not the peer, so it is held here.
                    if peer.ip() == Ipv4Addr::LOCALHOST || behind == Behind::Admin {
                        let naive = Arc::clone(&naive);
                        tokio::spawn(
                            async move { Box::pin(naive.serve(socket, behind, port)).await },
                        );
                    }
                }
            }));
            bound
        };
        Self {
            gateway: serve(Behind::Gateway, deployment.gateway).await,
            tenant: serve(Behind::Tenant, deployment.tenant).await,
            admin: serve(Behind::Admin, deployment.admin).await,
            _until_dropped: stop.drop_guard(),
        }
    }
}

impl Naive {
    async fn serve(&self, mut socket: TcpStream, behind: Behind, port: u16) {
        let mut bytes = Vec::new();
        let request = Box::pin(read(&mut socket, &mut bytes)).await;
        let verdict = match &request {
            Some(request) => naive::verdict(self, request, behind).await,
            None if naive::waits(self.weakness, &bytes) => Verdict::Hold,
            None => Verdict::Forward(bytes),
        };
        match verdict {
            Verdict::Forward(bytes) => self.forward(socket, port, &bytes).await,
            Verdict::Change(bytes, change) => {
                let mut answer = self.answer(port, &bytes).await;
                change(self, &mut answer);
                let _gone = socket.write_all(&answer).await;
            }
            Verdict::Answer(answer) => {
                let _gone = socket.write_all(answer.as_bytes()).await;
                let _gone = socket.shutdown().await;
                drain(&mut socket).await;
            }
            Verdict::Close => {}
            Verdict::Hold => {
                let mut rest = [0; 1024];
                while matches!(socket.read(&mut rest).await, Ok(1..)) {}
            }
        }
    }

    async fn forward(&self, mut socket: TcpStream, port: u16, bytes: &[u8]) {
        let mut behind = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
            .await
            .unwrap();
        let _gone = behind.write_all(bytes).await;
        let _gone = copy_bidirectional(&mut socket, &mut behind).await;
    }

    /// The whole answer to a request that asks for the connection to be closed.
    async fn answer(&self, port: u16, bytes: &[u8]) -> Vec<u8> {
        let mut behind = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
            .await
            .unwrap();
        behind.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        let _closed = behind.read_to_end(&mut answer).await;
        answer
    }

    /// A token that the gateway takes.
    pub(super) async fn good_token(&self) -> String {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", SCRIPT_CLIENT),
            ("client_secret", SECRET),
            ("audience", AUDIENCE),
        ];
        let url = format!("http://127.0.0.1:{}/oauth/token", self.tenant);
        let answer = self.http.post(url).form(&form).send().await.unwrap();
        let answer: serde_json::Value = answer.json().await.unwrap();
        answer["access_token"].as_str().unwrap().to_owned()
    }

    /// Asks a stranger's server, as nobody should.
    pub(super) async fn fetch(&self, url: &str) {
        let _unreachable = self.http.get(url).send().await;
    }

    /// Another unknown key: after fifty the budget is spent, and then honest callers are refused.
    pub(super) fn spend_budget(&self) {
        let known = self.unknown_keys.fetch_add(1, Ordering::Relaxed) + 1;
        if known.is_multiple_of(50) {
            self.to_refuse.store(1, Ordering::Relaxed);
        }
    }

    /// Whether this was seen before; it is from now on.
    pub(super) fn has_seen(&self, text: &str) -> bool {
        let mut exchanged = self.exchanged.lock().unwrap();
        exchanged.insert(text.to_owned(), Vec::new()).is_some()
    }

    pub(super) fn is_out_of_budget(&self) -> bool {
        let spend = |left: usize| left.checked_sub(1);
        self.to_refuse
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend)
            .is_ok()
    }
}

/// A request that was read whole.
pub(super) struct Request {
    pub(super) bytes: Vec<u8>,
    pub(super) method: String,
    pub(super) target: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Request {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self
            .headers
            .iter()
            .filter(|(other, _)| other.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.as_str())
    }

    /// The same with other headers; a header of none of them stays away.
    pub(super) fn with(&self, changes: &[(&str, &str)]) -> Vec<u8> {
        self.rewritten(&self.target, changes, &self.body)
    }

    pub(super) fn rewritten(&self, target: &str, changes: &[(&str, &str)], body: &str) -> Vec<u8> {
        let is_changed = |name: &str| {
            changes
                .iter()
                .any(|(other, _)| other.eq_ignore_ascii_case(name))
        };
        let kept = self
            .headers
            .iter()
            .filter(|(name, _)| !is_changed(name) && !name.eq_ignore_ascii_case("content-length"));
        let kept = kept.map(|(name, value)| (name.as_str(), value.as_str()));
        let mut text = format!("{} {target} HTTP/1.1\r\n", self.method);
        for (name, value) in kept.chain(changes.iter().copied()) {
            write!(text, "{name}: {value}\r\n").unwrap();
        }
        write!(text, "Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
        text.into_bytes()
    }
}

/// Bytes of a request that is read whole.
const MOST_BYTES: usize = 64 * 1024;

/// Reads one request, unless it is one of those that are large, slow or no request.
async fn read(socket: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<Request> {
    const WHOLE: Duration = Duration::from_secs(4);
    let reading = async {
        loop {
            if let Some(request) = whole(bytes) {
                return Some(request);
            }
            if bytes.len() > MOST_BYTES {
                return None;
            }
            let mut chunk = vec![0; 16 * 1024];
            match socket.read(&mut chunk).await {
                Ok(count @ 1..) => bytes.extend_from_slice(&chunk[..count]),
                _ => return None,
            }
        }
    };
    tokio::time::timeout(WHOLE, reading).await.ok().flatten()
}

/// `None`: there is more to come. Of a large one the head is enough.
fn whole(bytes: &[u8]) -> Option<Request> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.trim_end().split("\r\n");
    let mut first = lines.next()?.split(' ').map(str::to_owned);
    let (method, target) = (first.next()?, first.next().unwrap_or_default());
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers: Vec<_> = headers
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    let mut lengths = headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length = lengths
        .next_back()
        .and_then(|(_, value)| value.parse::<usize>().ok());
    let length = length.unwrap_or_default();
    if length <= MOST_BYTES && bytes.len() < end + length {
        return None;
    }
    Some(Request {
        body: String::from_utf8_lossy(&bytes[end..]).into_owned(),
        bytes: bytes.to_vec(),
        method,
        target,
        headers,
    })
}

/// Reads what is still sent, so that the answer is not lost to a reset.
async fn drain(socket: &mut TcpStream) {
    let mut rest = vec![0; 64 * 1024];
    while matches!(socket.read(&mut rest).await, Ok(1..)) {}
}
