//! What each row adds to the counts: its key, what it is found by, its hash.

use std::collections::BTreeMap;

use anyhow::Result;
use lychgate_password::{Pool, Recogniser, StoredHash, Unusable};
use lychgate_store::{Identifier, IdentifierRules, Surveyed, SurveyedHash, Value};
use zeroize::Zeroizing;

use super::findings::{self, Subject};
use super::names::{self, NameFault};
use super::tally::{Forms, Space, Tally};
use super::{Plan, Preflight};

/// The counts so far.
pub(super) struct Census {
    rows: u64,
    /// How many rows each thing is true of.
    counts: BTreeMap<Subject, u64>,
    /// How many keys there are of each kind.
    kinds: BTreeMap<&'static str, u64>,
    tally: Tally,
    recogniser: Recogniser,
    pool: Option<Pool>,
    identifiers: IdentifierRules,
    spaces: Vec<Space>,
}

impl Census {
    pub(super) fn new(plan: &Plan) -> Self {
        let emails = plan.has_email.then_some(Space::Email);
        let usernames = plan.has_username.then_some(Space::Username);
        Self {
            rows: 0,
            counts: BTreeMap::new(),
            kinds: BTreeMap::new(),
            tally: Tally::new(),
            recogniser: Recogniser::new(),
            pool: plan.pool.clone(),
            identifiers: IdentifierRules {
                normalization: plan.normalization,
                ..IdentifierRules::default()
            },
            spaces: emails.into_iter().chain(usernames).collect(),
        }
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Counts a user.
    pub(super) fn count(&mut self, user: Surveyed) -> Result<()> {
        self.rows += 1;
        self.count_id(user.id)?;
        let mut is_findable = false;
        let spaces = self.spaces.clone();
        for (space, value) in spaces.into_iter().zip(user.identifiers) {
            is_findable |= self.count_identifier(space, value)?;
        }
        if !is_findable {
            self.add(Subject::NotFindable);
        }
        self.count_hash(&user.hash);
        Ok(())
    }

    /// What all of it comes to.
    pub(super) fn finish(mut self) -> Result<Preflight> {
        let most = self.kinds.values().max().copied().unwrap_or_default();
        let others = self.kinds.values().sum::<u64>() - most;
        if others > 0 {
            self.counts.insert(Subject::IdMixedKinds, others);
        }
        let formats = self.recogniser.recognition();
        for (subject, count) in [
            (Subject::HashBlank, formats.blank),
            (Subject::HashUnknown, formats.unknown),
        ] {
            if count > 0 {
                *self.counts.entry(subject).or_default() += count;
            }
        }
        let findings = findings::all(&self.counts, &self.tally.finish()?);
        Ok(Preflight {
            rows: self.rows,
            findings,
            formats,
        })
    }

    fn add(&mut self, subject: Subject) {
        *self.counts.entry(subject).or_default() += 1;
    }

    fn count_id(&mut self, id: Result<Value, &'static str>) -> Result<()> {
        let (kind, text) = match id {
            Ok(Value::Null) => {
                self.add(Subject::IdNull);
                return Ok(());
            }
            Ok(Value::Integer(number)) => {
                if number < 0 {
                    self.add(Subject::IdNegative);
                }
                ("number", number.to_string())
            }
            Ok(Value::Real(number)) => {
                self.add(Subject::IdFraction);
                ("fraction", number.to_string())
            }
            Ok(Value::Text(text)) => ("text", text),
            Ok(Value::Boolean(_) | Value::Bytes(_)) | Err(_) => {
                self.add(Subject::IdUnreadable);
                return Ok(());
            }
        };
        let text = Zeroizing::new(text);
        if text.trim().is_empty() {
            self.add(Subject::IdEmpty);
            return Ok(());
        }
        *self.kinds.entry(kind).or_default() += 1;
        let is_address = names::fault_of_email(text.trim()).is_none();
        for (subject, is_true) in [
            (Subject::IdIsEmail, is_address),
            (Subject::IdPipe, text.contains('|')),
            (Subject::IdLong, text.chars().count() > LONGEST_ID),
            (Subject::IdControl, text.chars().any(char::is_control)),
            (Subject::IdSpace, text.trim().len() < text.len()),
        ] {
            if is_true {
                self.add(subject);
            }
        }
        self.tally_text(Space::Id, &text, None)
    }

    /// Whether the user can be found by this one.
    fn count_identifier(
        &mut self,
        space: Space,
        value: Result<Value, &'static str>,
    ) -> Result<bool> {
        let is_email = space == Space::Email;
        let subject = |email, username| if is_email { email } else { username };
        let text = match value {
            Ok(Value::Null) => None,
            Ok(Value::Text(text)) => Some(Zeroizing::new(text)),
            Ok(Value::Integer(number)) => Some(Zeroizing::new(number.to_string())),
            Ok(Value::Boolean(_) | Value::Real(_) | Value::Bytes(_)) | Err(_) => {
                self.add(subject(
                    Subject::EmailUnreadable,
                    Subject::UsernameUnreadable,
                ));
                return Ok(false);
            }
        };
        let Some(text) = text.filter(|text| !text.trim().is_empty()) else {
            self.add(subject(Subject::EmailMissing, Subject::UsernameMissing));
            return Ok(false);
        };
        let trimmed = text.trim();
        if trimmed.len() < text.len() {
            self.add(subject(Subject::EmailUntrimmed, Subject::UsernameUntrimmed));
        }
        if is_email {
            match names::fault_of_email(trimmed) {
                Some(NameFault::NoAt) => self.add(Subject::EmailNoAt),
                Some(NameFault::Space) => self.add(Subject::EmailSpace),
                Some(NameFault::TooLong) => self.add(Subject::EmailTooLong),
                Some(NameFault::Malformed) => self.add(Subject::EmailMalformed),
                None => {}
            }
        } else if !names::is_username(trimmed) {
            self.add(Subject::UsernameRefused);
        }
        let Ok(identifier) = Identifier::parse(&text, self.identifiers) else {
            self.add(subject(Subject::EmailUntyped, Subject::UsernameUntyped));
            return Ok(false);
        };
        self.tally_text(space, &text, Some(identifier.as_str()))?;
        Ok(true)
    }

    fn tally_text(&mut self, space: Space, text: &str, compared: Option<&str>) -> Result<()> {
        let trimmed = text.trim();
        let lowered = Zeroizing::new(trimmed.to_lowercase());
        let forms = Forms {
            written: text,
            trimmed,
            lowered: &lowered,
            compared: compared.unwrap_or(&lowered),
        };
        self.tally.add(space, self.rows, &forms)
    }

    fn count_hash(&mut self, hash: &SurveyedHash) {
        match hash {
            SurveyedHash::Missing => self.add(Subject::HashMissing),
            SurveyedHash::Unfit => self.add(Subject::HashUnfit),
            SurveyedHash::NotText => self.add(Subject::HashNotText),
            SurveyedHash::Stored(hash) => match self.pool.as_ref().map(|pool| pool.parse(hash)) {
                Some(Err(Unusable::Malformed)) => self.add(Subject::HashMalformed),
                Some(Err(Unusable::NotAccepted)) => {
                    self.recognise(hash, Some(Subject::HashNotAccepted));
                }
                Some(Err(Unusable::TooCostly)) => {
                    self.recognise(hash, Some(Subject::HashTooCostly));
                }
                // Empty ones, locked ones and those of no format at all are told by the recogniser.
                None | Some(Ok(_) | Err(Unusable::Unknown)) => self.recognise(hash, None),
            },
        }
    }

    fn recognise(&mut self, hash: &StoredHash, subject: Option<Subject>) {
        self.recogniser.observe(hash);
        if let Some(subject) = subject {
            self.add(subject);
        }
    }
}

/// The longest key that the platform links accounts by.
const LONGEST_ID: usize = 128;
