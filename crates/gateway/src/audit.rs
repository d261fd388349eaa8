//! One line for each answer and each refusal, made by the wrapper around the operations, so that none can forget it.
//!
//! A [`Record`] goes the whole way with its request and notes the step it is at; whatever ends the request, the line says
//! where. An attacker wants to act without a trace, or to read in the trace what it must not hold: there is no field for
//! a password, a hash, a token or a plain identifier, and a request whose line cannot be written is not answered. An
//! attacker who got into the machine wants to change the trace: lines are a chain, whose head can be signed.

mod chain;
mod destination;
mod file;
mod head;
mod hex;
mod line;
pub(crate) mod native;
mod outcome;
mod own;
pub(crate) mod pseudonym;
mod refusals;
mod step;
mod syslog;
pub(crate) mod trace;
mod verification;
mod writer;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use lychgate_store::Identifier;
use lychgate_token::UnixTime;

use crate::canary::Canary;
use crate::ledger::Sighting;
use crate::operations::{Authenticate, Operation as _};
use crate::problem::{Problem, ProblemKind};
use line::Line;
use pseudonym::PseudonymKey;
use trace::Detail;

pub use chain::{Digest, Link};
pub use destination::Heads;
pub use file::Rotation;
pub use head::{HeadKey, HeadPublicKey};
pub use line::{EVENTS, FIELDS};
pub use outcome::Outcome;
pub(crate) use refusals::{RefusalLines, Refusals};
pub use step::Step;
pub use syslog::SyslogAddress;
pub use trace::DETAILS;
pub(crate) use trace::Trace;
pub use verification::{Fault, FaultKind, Place, Signed, Verification};
pub(crate) use writer::Writer;

/// What is known of a request so far.
#[derive(Debug)]
pub(crate) struct Record {
    time: UnixTime,
    request_id: String,
    address: IpAddr,
    step: Step,
    client: Option<String>,
    operation: Option<&'static str>,
    about: Option<String>,
    outcome: &'static str,
    told: Option<Sighting>,
    canary: Option<Canary>,
    trace: Arc<Trace>,
}

impl Record {
    pub(crate) fn new(time: UnixTime, request_id: String, address: IpAddr) -> Self {
        Self {
            time,
            request_id,
            address,
            step: Step::Headers,
            client: None,
            operation: None,
            about: None,
            outcome: "none",
            told: None,
            canary: None,
            trace: Arc::default(),
        }
    }

    /// The client that a trusted proxy names.
    pub(crate) fn address(&mut self, address: IpAddr) {
        self.address = address;
    }

    /// The request has come to this step.
    pub(crate) fn step(&mut self, step: Step) {
        self.step = step;
    }

    /// Where the request is.
    pub(crate) fn current_step(&self) -> Step {
        self.step
    }

    /// Who calls, by a token that is good: allowed or not.
    pub(crate) fn client(&mut self, client: &str) {
        self.client = Some(client.to_owned());
    }

    /// What is asked for.
    pub(crate) fn operation(&mut self, name: &'static str) {
        self.operation = Some(name);
    }

    /// The operation that was asked for, by a caller who may know that it exists.
    pub(crate) fn operation_name(&self) -> Option<&'static str> {
        self.operation
    }

    /// Whom it is about. It leaves here as a pseudonym only.
    pub(crate) fn about(&mut self, identifier: &str) {
        self.about = Some(identifier.to_owned());
    }

    /// What came of it.
    pub(crate) fn outcome(&mut self, outcome: Outcome) {
        self.outcome = outcome.name();
    }

    /// It uses a decoy.
    pub(crate) fn canary(&mut self, canary: Canary) {
        self.canary = Some(canary);
    }

    /// Whether it uses a decoy.
    pub(crate) fn used_canary(&self) -> Option<Canary> {
        self.canary
    }

    /// What is found below, as it is found.
    pub(crate) fn trace(&self) -> &Arc<Trace> {
        &self.trace
    }

    /// What the answer tells the platform about a user.
    pub(crate) fn told(&mut self, sighting: Option<Sighting>) {
        self.told = sighting;
    }

    /// Whether it is a login that was answered with nobody.
    pub(crate) fn refused_a_login(&self) -> bool {
        self.operation == Some(Authenticate::NAME) && self.outcome == Outcome::NoUser.name()
    }

    /// What the answer tells the platform about a user; not for the line.
    pub(crate) fn sighting(&self) -> Option<&Sighting> {
        self.told.as_ref()
    }

    /// The id that the answer carries, too.
    pub(crate) fn request_id(&self) -> &str {
        &self.request_id
    }

    /// The line of an answer: what was decided, by which step, in which time.
    pub(crate) fn line<'a>(
        &'a self,
        status: u16,
        problem: Option<&Problem>,
        key: &'a PseudonymKey,
        took: Duration,
    ) -> Line<'a> {
        let mut detail = self.trace.so_far();
        detail.retry_after_s = problem.and_then(Problem::retry_after);
        let event = if self.canary.is_some() {
            "canary"
        } else {
            "answer"
        };
        Line {
            severity: self.canary.map(|_| "alert"),
            canary: self.canary.map(Canary::name),
            detail: (detail != Detail::default()).then_some(detail),
            pseudonym: self
                .about
                .as_deref()
                .map(|identifier| key.pseudonym(identifier)),
            pseudonym_key: self.about.as_deref().map(|_| key.id()),
            client: self.client.as_deref(),
            operation: self.operation,
            reason: problem.and_then(Problem::reason),
            status: Some(status),
            duration_us: Some(micros(took)),
            request_id: Some(&self.request_id),
            outcome: problem.map_or(self.outcome, |problem| problem.kind().describe().name),
            address: Some(self.address),
            ..Line::new(event, self.time, self.step)
        }
    }
}

/// The line of a connection that the allowlist refused, and of how many before it there was no room to tell.
pub(crate) fn refused_connection(time: UnixTime, address: IpAddr, untold: u64) -> Line<'static> {
    Line {
        outcome: ProblemKind::AddressNotAllowed.describe().name,
        untold: Some(untold),
        address: Some(address),
        ..Line::new("refused-connection", time, Step::Allowlist)
    }
}

/// The line of a stored hash that was to be rewritten after a login. It is our doing, so it has no request and no peer.
/// What is left as it is has no line: why would tell something of the password.
pub(crate) fn password_upgrade<'a>(
    time: UnixTime,
    identifier: &Identifier,
    key: &'a PseudonymKey,
    (outcome, reason): (Outcome, Option<&'static str>),
    took: Duration,
) -> Line<'a> {
    Line {
        outcome: outcome.name(),
        reason,
        pseudonym: Some(key.pseudonym(identifier.as_str())),
        pseudonym_key: Some(key.id()),
        duration_us: Some(micros(took)),
        ..Line::new("password-upgrade", time, Step::Operation)
    }
}

/// The line of an operator who ends the delays of an identifier, through the admin socket.
pub(crate) fn unlock_line<'a>(
    time: UnixTime,
    identifier: &Identifier,
    key: &'a PseudonymKey,
    outcome: Outcome,
) -> Line<'a> {
    Line {
        outcome: outcome.name(),
        pseudonym: Some(key.pseudonym(identifier.as_str())),
        pseudonym_key: Some(key.id()),
        ..Line::new("unlock", time, Step::Lockout)
    }
}

/// The line of settings that were read again. It has no request, no peer and no step.
pub(crate) fn reload(
    time: UnixTime,
    outcome: Outcome,
    reason: Option<&'static str>,
) -> Line<'static> {
    Line {
        step: None,
        outcome: outcome.name(),
        reason,
        ..Line::new("reload", time, Step::Operation)
    }
}

fn micros(took: Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use lychgate_store::StoreKind;
    use serde_json::Value;

    use super::own::OwnEvent;
    use super::*;
    use crate::problem::InvalidToken;

    fn record() -> Record {
        Record::new(
            UnixTime::from_seconds(1_700_000_000),
            "0a1b".into(),
            "203.0.113.7".parse().unwrap(),
        )
    }

    fn key() -> PseudonymKey {
        PseudonymKey::new(&[7; 32]).unwrap()
    }

    #[test]
    fn a_line_says_who_asked_what_and_which_step_decided() {
        let mut record = record();
        record.step(Step::AccessToken);
        let problem = Problem::InvalidToken(InvalidToken::Refused("expired"));
        let key = key();
        let line = record.line(401, Some(&problem), &key, Duration::from_micros(1234));
        assert_eq!(
            serde_json::to_string(&line).unwrap(),
            "{\"time\":\"2023-11-14T22:13:20Z\",\"event\":\"answer\",\"request_id\":\"0a1b\",\"address\":\"203.0.113.7\",\
             \"step\":\"access_token\",\"outcome\":\"invalid-token\",\"reason\":\"expired\",\"status\":401,\"duration_us\":1234}"
        );
    }

    #[test]
    fn an_identifier_is_in_the_line_as_its_pseudonym_only() {
        let mut record = record();
        record.about("zoe@example.com");
        record.outcome(Outcome::NoUser);
        let line = serde_json::to_string(&record.line(200, None, &key(), Duration::ZERO)).unwrap();
        assert!(!line.contains("zoe"));
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["pseudonym"], key().pseudonym("zoe@example.com"));
        assert_eq!(line["pseudonym_key"], key().id());
        assert_eq!(line["outcome"], "no-user");
    }

    #[test]
    fn every_field_and_event_of_a_line_is_in_the_reference() {
        let mut record = record();
        record.about("zoe");
        record.operation("lookup");
        record.canary(Canary::Identifier);
        record.trace = Arc::new(Trace::full());
        let problem = Problem::ClientNotAllowed("reason");
        let key = key();
        let mut line = record.line(500, Some(&problem), &key, Duration::ZERO);
        line.client = Some("client");
        if let Some(detail) = &mut line.detail {
            detail.retry_after_s = Some(1);
        }
        line.untold = Some(3);
        line.protocol = Some("postgres");
        line.certificate = Some("0a".to_owned());
        line.user = Some("scripts");
        line.database = Some("legacy");
        line.bytes_from_client = Some(1);
        line.bytes_from_server = Some(1);
        let line = serde_json::to_value(&line).unwrap();
        let detail = line["detail"].as_object().unwrap();
        let described: BTreeSet<_> = DETAILS.iter().map(|(name, _)| *name).collect();
        assert_eq!(
            detail.keys().map(String::as_str).collect::<BTreeSet<_>>(),
            described
        );
        let own = [
            OwnEvent::Start,
            OwnEvent::Stop,
            OwnEvent::Head,
            OwnEvent::Rotated {
                removed_through: Some(7),
            },
            OwnEvent::Torn(Digest::of(b"{")),
        ]
        .map(|own| serde_json::to_value(own.line(UnixTime::from_seconds(0), Some("id"))).unwrap());
        // These come around each line when it is written.
        let mut written = BTreeSet::from(["sequence", "previous", "chain", "signature"]);
        for line in own.iter().chain([&line]) {
            written.extend(line.as_object().unwrap().keys().map(String::as_str));
            assert!(EVENTS.iter().any(|(name, _)| line["event"] == *name));
        }
        let described: BTreeSet<_> = FIELDS.iter().map(|(name, _)| *name).collect();
        assert_eq!(written, described);
        let refused =
            refused_connection(UnixTime::from_seconds(0), "192.0.2.1".parse().unwrap(), 2);
        let zoe = Identifier::parse("zoe", lychgate_store::IdentifierCase::Insensitive);
        let upgrade = password_upgrade(
            UnixTime::from_seconds(0),
            &zoe.unwrap(),
            &key,
            (Outcome::Upgraded, None),
            Duration::ZERO,
        );
        let zoe = Identifier::parse("zoe", lychgate_store::IdentifierCase::Insensitive);
        let unlock = unlock_line(
            UnixTime::from_seconds(0),
            &zoe.unwrap(),
            &key,
            Outcome::Unlocked,
        );
        let address = "192.0.2.1".parse().unwrap();
        let session = native::NativeSession::new("0a".into(), address, StoreKind::Postgres);
        let session = session.opened(UnixTime::from_seconds(0), Duration::ZERO);
        let [refused, upgrade, unlock, session] =
            [refused, upgrade, unlock, session].map(|line| serde_json::to_value(line).unwrap());
        let reload = reload(UnixTime::from_seconds(0), Outcome::Adopted, None);
        let reload = serde_json::to_value(reload).unwrap();
        assert!(reload["step"].is_null());
        let lines = [&line, &refused, &upgrade, &unlock, &session, &reload];
        for event in lines.map(|line| &line["event"]) {
            assert!(EVENTS.iter().any(|(name, _)| event == name));
        }
        assert!(upgrade["address"].is_null() && upgrade["request_id"].is_null());
    }
}
