//! The seven operations, and the table that is the only list of them.
//!
//! An [`Authorized`] caller and a typed input come in; a typed output goes on. The router, the `OpenAPI` document, the
//! metric labels and the tests come from [`OPERATIONS`]. An attacker wants an eighth operation: there is no way to add
//! one but here, and none to run one without its own permission.

mod authenticate;
mod lookup;
mod create;
mod verify_email;
mod change_password;
mod change_email;
mod delete;
mod answers;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::StatusCode;
use lychgate_store::{IdentifierRules, StatementName};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::audit::{Outcome, Record, Step};
use crate::body;
use crate::body::fields::Fields;
use crate::canary::{Canaries, Canary};
use crate::idempotency::{Answered, Idempotency, Question, Turn};
use crate::ledger::Sighting;
use crate::legacy::Legacy;
use crate::lockout::Guesses;
use crate::possession::ProvenCaller;
use crate::problem::{InvalidField, Problem};
use crate::rate::Rates;
use crate::scope::Authorized;

pub use answers::UserAnswer;
pub use authenticate::{Authenticate, AuthenticateInput};
pub use change_email::{ChangeEmail, ChangeEmailInput, EmailChanged};
pub use change_password::{ChangePassword, ChangePasswordInput, PasswordChanged};
pub use create::{Create, CreateInput, UserCreated};
pub use delete::{Delete, DeleteInput, UserDeleted};
pub use lookup::{Lookup, LookupInput};
pub use verify_email::{EmailVerified, VerifyEmail, VerifyEmailInput};

/// One thing that a caller may do with the legacy store.
pub trait Operation: Sized + Send + 'static {
    /// The name, in metrics, audit lines and config.
    const NAME: &'static str;
    /// The path it is called at, with `POST`.
    const PATH: &'static str;
    /// The one scope that allows it.
    const SCOPE: &'static str;
    /// What it does, in a line, for the reference.
    const SUMMARY: &'static str;
    /// The statement without which it does not exist.
    const STATEMENT: StatementName;
    /// Whether it tells if a password is right, so that failures slow down what comes after them.
    const TRIES_A_PASSWORD: bool = false;
    /// The status of its answer.
    const STATUS: StatusCode = StatusCode::OK;
    /// The body.
    type Input: Input;
    /// The answer.
    type Output: Output;

    /// Does it.
    fn run(
        caller: Authorized<Self>,
        input: Self::Input,
        legacy: &Legacy,
    ) -> impl Future<Output = Result<Self::Output, Problem>> + Send;
}

/// The body of an operation.
pub trait Input: JsonSchema + Sized + Send {
    /// Takes its fields out of the body.
    fn read(fields: &mut Fields<'_>) -> Result<Self, InvalidField>;
    /// Whom it is about, as the audit line's pseudonym is made from it.
    fn about(&self) -> &str;
    /// A second name that it gives to somebody.
    fn second_name(&self) -> Option<&str> {
        None
    }
}

/// The answer of an operation.
pub trait Output: JsonSchema + Serialize + Send {
    /// What came of it, for the audit line.
    fn outcome(&self) -> Outcome;
    /// Which user it told of, for the migration ledger.
    fn user_id(&self) -> Option<&str> {
        None
    }
}

/// One row of the table.
pub struct OperationEntry {
    /// [`Operation::NAME`].
    pub name: &'static str,
    /// [`Operation::PATH`].
    pub path: &'static str,
    /// [`Operation::SCOPE`].
    pub scope: &'static str,
    /// [`Operation::SUMMARY`].
    pub summary: &'static str,
    /// [`Operation::STATEMENT`].
    pub statement: StatementName,
    /// [`Operation::STATUS`].
    pub status: StatusCode,
    pub(crate) input: fn(&mut SchemaGenerator) -> Schema,
    pub(crate) output: fn(&mut SchemaGenerator) -> Schema,
    pub(crate) run: for<'a> fn(ProvenCaller, Call<'a>) -> Running<'a>,
}

/// What an operation is run with, beside its caller.
pub(crate) struct Call<'a> {
    pub(crate) headers: &'a http::HeaderMap,
    pub(crate) body: &'a mut hyper::body::Incoming,
    pub(crate) body_limits: body::BodyLimits,
    pub(crate) rates: &'a Rates,
    pub(crate) identifiers: IdentifierRules,
    pub(crate) idempotency: &'a Arc<Idempotency>,
    pub(crate) guesses: Guesses<'a>,
    pub(crate) canaries: &'a Canaries,
    pub(crate) legacy: &'a Legacy,
    pub(crate) record: &'a mut Record,
}

/// A run under way; at its end the answer's JSON.
pub(crate) type Running<'a> = Pin<Box<dyn Future<Output = Result<Bytes, Problem>> + Send + 'a>>;

/// Every operation there is.
pub static OPERATIONS: [OperationEntry; 7] = [
    entry::<Authenticate>(),
    entry::<Lookup>(),
    entry::<Create>(),
    entry::<VerifyEmail>(),
    entry::<ChangePassword>(),
    entry::<ChangeEmail>(),
    entry::<Delete>(),
];

const fn entry<O: Operation>() -> OperationEntry {
    OperationEntry {
        name: O::NAME,
        path: O::PATH,
        scope: O::SCOPE,
        summary: O::SUMMARY,
        statement: O::STATEMENT,
        status: O::STATUS,
        input: O::Input::json_schema,
        output: O::Output::json_schema,
        run: run::<O>,
    }
}

/// The way of every operation, from its caller to its answer: scope, rate, body, fields, what became of it before, and
/// the thing itself.
fn run<O: Operation>(caller: ProvenCaller, call: Call<'_>) -> Running<'_> {
    Box::pin(async move {
        call.record.step(Step::Scope);
        call.record.trace().scope(O::SCOPE);
        let authorized = Authorized::<O>::of(caller)?;
        call.record.step(Step::Rate);
        let room = call.rates.take(&authorized)?;
        call.record.step(Step::Body);
        let body = body::read(&room, call.headers, call.body, call.body_limits).await?;
        let input = read_input::<O>(body::object(&body)?, call.identifiers, call.legacy)
            .map_err(Problem::InvalidField)?;
        let about = input.about().to_owned();
        call.record.about(&about);
        let is_canary = [Some(about.as_str()), input.second_name()]
            .iter()
            .flatten()
            .any(|name| call.canaries.has_identifier(name));
        if is_canary {
            call.record.canary(Canary::Identifier);
        }
        call.record.step(Step::Idempotency);
        let question = Question {
            client: authorized.caller().client(),
            operation: O::STATEMENT,
            about: &about,
            body: &body,
        };
        let turn = call.idempotency.turn(call.headers, question).await?;
        // A password may be in it, which is not needed any more.
        drop(body);
        let answered = match turn {
            Turn::Again(answered) => answered?,
            Turn::First(claim) => {
                let legacy = call.legacy.of_request(call.record.trace(), is_canary);
                let answered =
                    answer::<O>(authorized, input, call.guesses, &legacy, call.record).await;
                if let Some(claim) = claim {
                    claim.end(&answered);
                }
                answered?
            }
        };
        call.record.outcome(answered.outcome);
        call.record.told(answered.told);
        Ok(answered.json)
    })
}

/// The thing itself, where it tries a password as one attempt at that.
async fn answer<O: Operation>(
    authorized: Authorized<O>,
    input: O::Input,
    guesses: Guesses<'_>,
    legacy: &Legacy,
    record: &mut Record,
) -> Result<Answered, Problem> {
    let about = input.about().to_owned();
    let attempt = if O::TRIES_A_PASSWORD {
        record.step(Step::Lockout);
        let asked = Instant::now();
        let begun = guesses.begin(&about).await;
        record.trace().lockout(asked.elapsed());
        Some(begun?)
    } else {
        None
    };
    record.step(Step::Operation);
    let output = O::run(authorized, input, legacy).await;
    if let Some(attempt) = attempt {
        match &output {
            Ok(output) if output.outcome() == Outcome::NoUser => attempt.wrong(),
            Ok(_) => attempt.right(),
            Err(_) => attempt.void(),
        }
    }
    let output = output?;
    let json = serde_json::to_vec(&output).map_err(|_| Problem::Internal("answer-not-json"))?;
    Ok(Answered {
        json: json.into(),
        outcome: output.outcome(),
        told: Sighting::of(O::STATEMENT, output.outcome(), output.user_id(), &about),
    })
}

/// The fields that the operation has and the configured statement takes, and no others.
fn read_input<O: Operation>(
    members: Map<String, Value>,
    identifiers: IdentifierRules,
    legacy: &Legacy,
) -> Result<O::Input, InvalidField> {
    let taken = |field: &str| legacy.takes(O::STATEMENT, field);
    let mut fields = Fields::new(members, identifiers, &taken);
    let input = O::Input::read(&mut fields)?;
    fields.finish()?;
    Ok(input)
}

#[cfg(test)]
mod tests;
