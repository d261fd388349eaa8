//! The way of a request, as one story: every step in its order, and the wrapper around them all.
//!
//! An admitted peer's request comes in; an answer goes out that was audited and counted, whatever happened in between. A
//! caller who hangs up ends nothing half-way: the request goes on to its end, and to its line.

mod beat;
mod caught;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method, Request, Response, StatusCode, Uri, header};
use http_body_util::Full;
use hyper::body::Incoming;
use lychgate_listener::{AdmittedPeer, LastAnswer, Live};
use lychgate_store::IdentifierRules;
use lychgate_token::{UnixTime, random_bytes};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::task::TaskTracker;

use crate::admission::Connection;
use crate::audit::pseudonym::PseudonymKey;
use crate::audit::{Record, Step, Writer};
use crate::body;
use crate::caller::{Caller, client_of};
use crate::canary::{Canaries, Canary};
use crate::idempotency::Idempotency;
use crate::ledger::Recorder;
use crate::legacy::Legacy;
use crate::lockout::{Guesses, Lockout};
use crate::metrics::Metrics;
use crate::operations::{Call, OPERATIONS, OperationEntry};
use crate::problem::{Problem, common_headers};
use crate::rate::Rates;
use crate::rules::Rules;
use crate::settings::Limits;
use caught::caught;

/// The header in which a server hands out nonces (RFC 9449 §8).
const NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// What every answer has in common.
pub(crate) type Answer = Response<Full<Bytes>>;

/// Everything that a request meets.
pub(crate) struct Way {
    pub(crate) rules: Arc<Live<Rules>>,
    pub(crate) rates: Arc<Rates>,
    pub(crate) identifiers: IdentifierRules,
    pub(crate) idempotency: Arc<Idempotency>,
    pub(crate) canaries: Canaries,
    pub(crate) lockout: Arc<Lockout>,
    pub(crate) legacy: Arc<Legacy>,
    pub(crate) audit: Arc<Writer>,
    pub(crate) pseudonym_key: PseudonymKey,
    pub(crate) ledger: Option<Recorder>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) limits: Limits,
    pub(crate) tasks: TaskTracker,
    /// One permit for each request that may be under way.
    pub(crate) places: Arc<Semaphore>,
}

/// What an operation answered.
struct Done {
    status: StatusCode,
    json: Bytes,
}

impl Way {
    /// Answers a request, to its end even if the caller is gone. One that still waits for its place ends with its caller:
    /// who hangs up makes no room for more than there are places.
    pub(crate) async fn answer(
        self: Arc<Self>,
        connection: Connection,
        request: Request<Incoming>,
    ) -> Answer {
        let arrived = Instant::now();
        let place = Arc::clone(&self.places).acquire_owned();
        let Ok(Ok(place)) = timeout(self.limits.request, place).await else {
            let record = Record::new(UnixTime::now(), request_id(), connection.address());
            record.trace().place(arrived.elapsed());
            let decided = Err(Problem::Overloaded);
            return self.audited(decided, &record, arrived.elapsed()).await;
        };
        let way = Arc::clone(&self);
        let waited = arrived.elapsed();
        let task = self.tasks.spawn(async move {
            let _until_answered = place;
            way.answer_to_the_end(connection, request, waited).await
        });
        task.await.unwrap_or_else(|_| {
            Problem::Internal("lost").answer("none", self.rules.current().possession.scheme())
        })
    }

    async fn answer_to_the_end(
        &self,
        connection: Connection,
        request: Request<Incoming>,
        waited: Duration,
    ) -> Answer {
        let started = Instant::now();
        let now = UnixTime::now();
        let mut record = Record::new(now, request_id(), connection.address());
        record.trace().place(waited);
        let (head, mut body) = request.into_parts();
        let decided = if self.audit.is_failing() {
            // Its own line is the try that may end this; until one is written, nothing is done that would leave no trace.
            Err(Problem::Internal("audit-not-written"))
        } else {
            self.decide_in_time(connection, &head, &mut body, &mut record, now)
                .await
        };
        // Whoever was let in by a list that held her, and is on it no more, has nothing else to say.
        let last =
            connection.is_of_one_client() && matches!(decided, Err(Problem::AddressNotAllowed(_)));
        let mut answer = self.audited(decided, &record, started.elapsed()).await;
        if last {
            answer.extensions_mut().insert(LastAnswer);
        }
        if record.refused_a_login() {
            sleep(beat::left(started.elapsed())).await;
        }
        let refused = !answer.status().is_success();
        if refused && !head.headers.contains_key(header::EXPECT) {
            body::drain(&mut body, self.limits.body).await;
        }
        answer
    }

    /// The decision, within the request's deadline and whatever panics.
    async fn decide_in_time(
        &self,
        connection: Connection,
        head: &Parts,
        body: &mut Incoming,
        record: &mut Record,
        now: UnixTime,
    ) -> Result<Done, Problem> {
        let decision = timeout(
            self.limits.request,
            self.decide(connection, head, body, record, now),
        );
        match caught(decision).await {
            Some(Ok(decided)) => decided,
            Some(Err(_)) => Err(out_of_time(record)),
            None => Err(Problem::Internal("panic")),
        }
    }

    /// The way: each step asks for what the step before it has proven.
    async fn decide(
        &self,
        connection: Connection,
        head: &Parts,
        body: &mut Incoming,
        record: &mut Record,
        now: UnixTime,
    ) -> Result<Done, Problem> {
        // In force for this request to its end, whatever comes after.
        let rules = self.rules.current();
        let peer = admit(&rules, connection, head, record)?;
        record.step(Step::Headers);
        refuse_large_head(&head.headers, &head.uri, &self.limits)?;
        record.step(Step::AccessToken);
        let judging = Instant::now();
        let judged = rules
            .access_tokens
            .verify(peer, &head.headers, &head.uri, now)
            .await;
        record.trace().token(judging.elapsed());
        let token = judged?;
        record.trace().issuer(token.verified().issuer());
        record.step(Step::Caller);
        if let Ok(client) = client_of(token.verified()) {
            record.client(client);
            if self.canaries.has_client(client) {
                record.canary(Canary::Client);
                // Also where rules that were put in force since the start would let it in.
                return Err(Problem::ClientNotAllowed("client-not-listed"));
            }
        }
        let caller = Caller::admit(peer, token, &rules.clients, &rules.audience)?;
        record.step(Step::Possession);
        let caller = rules.possession.prove(caller, head, now)?;
        record.step(Step::Route);
        let operation = self.route(head)?;
        record.operation(operation.name);
        if head.method != Method::POST {
            return Err(Problem::MethodNotAllowed);
        }
        let call = Call {
            headers: &head.headers,
            body,
            body_limits: self.limits.body,
            rates: &self.rates,
            identifiers: self.identifiers,
            idempotency: &self.idempotency,
            guesses: Guesses {
                lockout: &self.lockout,
                key: &self.pseudonym_key,
            },
            canaries: &self.canaries,
            legacy: &self.legacy,
            record,
        };
        let json = (operation.run)(caller, call).await?;
        Ok(Done {
            status: operation.status,
            json,
        })
    }

    /// The operation of this path, if config defines its statement.
    fn route(&self, head: &Parts) -> Result<&'static OperationEntry, Problem> {
        OPERATIONS
            .iter()
            .find(|operation| operation.path == head.uri.path())
            .filter(|operation| self.legacy.defines(operation.statement))
            .ok_or(Problem::UnknownOperation)
    }

    /// Writes the line, counts, and answers. What cannot be audited is not answered.
    async fn audited(
        &self,
        decided: Result<Done, Problem>,
        record: &Record,
        took: Duration,
    ) -> Answer {
        let status = decided.as_ref().map_or_else(
            |problem| problem.kind().describe().status,
            |done| done.status,
        );
        let line = record.line(
            status.as_u16(),
            decided.as_ref().err(),
            &self.pseudonym_key,
            took,
        );
        let decided = match self.audit.write(&line).await {
            Ok(()) => decided,
            Err(error) => {
                tracing::error!(
                    request_id = record.request_id(),
                    "an audit line was not written: {error}"
                );
                self.metrics.audit_failed();
                if self.audit.refuses() {
                    Err(Problem::Internal("audit-not-written"))
                } else {
                    decided
                }
            }
        };
        self.metrics.answered(
            record.operation_name(),
            decided.as_ref().err().map(Problem::kind),
            took,
        );
        if let Some(canary) = record.used_canary() {
            self.alert(canary, record.request_id());
        }
        if let (Ok(_), Some(ledger), Some(told)) = (&decided, &self.ledger, record.sighting()) {
            ledger.note(told.clone(), UnixTime::now());
        }
        let rules = self.rules.current();
        let mut answer = match decided {
            Ok(done) => done.answer(record.request_id()),
            Err(problem) => problem.answer(record.request_id(), rules.possession.scheme()),
        };
        if let Some(nonce) = rules.possession.nonce(UnixTime::now()) {
            answer.headers_mut().insert(NONCE, nonce);
        }
        answer
    }
}

impl Way {
    /// Says aloud that a decoy was used; the answer does not wait for it.
    fn alert(&self, canary: Canary, request_id: &str) {
        self.metrics.canary_used(canary);
        let request_id = request_id.to_owned();
        tokio::spawn(async move {
            let kind = canary.name();
            tracing::error!(
                request_id,
                "a canary was used ({kind}): somebody has what nobody should have"
            );
        });
    }
}

impl Done {
    fn answer(self, request_id: &str) -> Answer {
        let mut answer = Response::new(Full::new(self.json));
        *answer.status_mut() = self.status;
        common_headers(answer.headers_mut(), request_id, "application/json");
        answer
    }
}

/// The client of this request, from a network on the allowlist.
fn admit(
    rules: &Rules,
    connection: Connection,
    head: &Parts,
    record: &mut Record,
) -> Result<AdmittedPeer, Problem> {
    record.step(Step::Allowlist);
    let admitted = rules.admission.client(connection, &head.headers);
    let address = match &admitted {
        Ok(peer) => Some(peer.address()),
        Err(refused) => refused.address,
    };
    if let Some(address) = address {
        record.address(address);
    }
    admitted.map_err(|refused| refused.problem)
}

/// A name for one request that no other has. Where the system gives no random bytes it is none, and the request goes its
/// way to its line all the same.
pub(crate) fn request_id() -> String {
    random_bytes().map_or_else(
        |_| "none".to_owned(),
        |bytes| format!("{:032x}", u128::from_be_bytes(bytes)),
    )
}

/// The listener reads twice as much before it hangs up; what is between is answered.
fn refuse_large_head(headers: &HeaderMap, uri: &Uri, limits: &Limits) -> Result<(), Problem> {
    let target = uri
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    let fields: usize = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum();
    if target + fields > limits.listener.header_bytes || headers.len() > limits.listener.headers {
        Err(Problem::HeadersTooLarge)
    } else {
        Ok(())
    }
}

/// Which problem it is that time was over depends on how far the request had come: once an operation runs, a write may
/// have been sent.
fn out_of_time(record: &Record) -> Problem {
    let statement = OPERATIONS
        .iter()
        .find(|entry| Some(entry.name) == record.operation_name())
        .map(|entry| entry.statement);
    match (record.current_step(), statement) {
        (Step::Operation, Some(statement)) if statement.is_read() => Problem::StoreTimeout,
        (Step::Operation, _) => Problem::OutcomeUnknown,
        // It waited for the first of its key.
        (Step::Idempotency, _) => Problem::Overloaded,
        (
            Step::Allowlist
            | Step::Headers
            | Step::AccessToken
            | Step::Caller
            | Step::Possession
            | Step::Route
            | Step::Scope
            | Step::Rate
            | Step::Body
            | Step::Lockout
            // Of the native interface, which has no requests.
            | Step::Session,
            _,
        ) => Problem::TooSlow,
    }
}
