//! From the `Authorization` header to a fact: one of our issuers made this token for us, and it is good now.
//!
//! A request from an [`AdmittedPeer`] comes in; a [`VerifiedToken`] goes on. An attacker wants a token of her own making
//! to pass, a token to outlive its key, or the gateway to fetch keys without end because of names she made up.

mod credentials;
pub(crate) mod discovery;
pub(crate) mod issuer_keys;
pub(crate) mod keys;
mod verified;

use std::collections::BTreeMap;
use std::sync::Arc;

use http::{HeaderMap, Uri};
use lychgate_listener::AdmittedPeer;
use lychgate_token::access_token::Rules;
use lychgate_token::{BearerToken, Refusal, UnixTime, UnverifiedToken, VerifiedToken};

use crate::problem::{InvalidToken, Problem, Scheme};
use crate::settings::{AccessTokenSettings, IssuerSettings};
use credentials::Credentials;
use issuer_keys::{IssuerKeys, NoKey};
use verified::{SignedBy, VerifiedTokens};

/// A token that was found good, with the SHA-256 of its text.
#[derive(Debug, Clone)]
pub(crate) struct PresentedToken {
    verified: VerifiedToken,
    digest: [u8; 32],
}

impl PresentedToken {
    /// What it says.
    pub(crate) fn verified(&self) -> &VerifiedToken {
        &self.verified
    }

    /// The SHA-256 of its text, by which a proof names it.
    pub(crate) fn digest(&self) -> [u8; 32] {
        self.digest
    }
}

/// What decides whether a token is good: the rules, the issuers' keys, and the tokens that were found good already.
pub(crate) struct AccessTokens {
    rules: Rules,
    issuers: BTreeMap<String, Arc<IssuerKeys>>,
    verified: VerifiedTokens,
    schemes: &'static [Scheme],
}

impl AccessTokens {
    pub(crate) fn new(settings: &AccessTokenSettings, now: UnixTime) -> Self {
        Self::knowing(settings, now, |_| None)
    }

    /// The same, with the keys of issuers that are known already.
    pub(crate) fn knowing(
        settings: &AccessTokenSettings,
        now: UnixTime,
        known: impl Fn(&IssuerSettings) -> Option<Arc<IssuerKeys>>,
    ) -> Self {
        let issuers = settings.issuers.iter().map(|issuer| {
            let keys = known(issuer)
                .unwrap_or_else(|| Arc::new(IssuerKeys::new(issuer.clone(), settings.keys, now)));
            (issuer.issuer.as_str().to_owned(), keys)
        });
        Self {
            rules: Rules {
                issuers: settings
                    .issuers
                    .iter()
                    .map(|issuer| issuer.issuer.as_str().to_owned())
                    .collect(),
                audience: settings.audience.as_str().to_owned(),
                algorithms: settings.algorithms.clone(),
                leeway: settings.leeway,
                max_lifetime: settings.max_lifetime,
            },
            issuers: issuers.collect(),
            verified: VerifiedTokens::new(settings.verified_tokens),
            schemes: settings.sender_constraint.schemes(),
        }
    }

    /// Steps 1 to 3 of what makes a token good: one token, well-formed, signed by a current key of an issuer on
    /// the list, for us, and good at `now`.
    pub(crate) async fn verify(
        &self,
        _admitted: AdmittedPeer,
        headers: &HeaderMap,
        uri: &Uri,
        now: UnixTime,
    ) -> Result<PresentedToken, Problem> {
        match Credentials::read(headers, uri, self.schemes)? {
            Credentials::Absent => Err(Problem::InvalidToken(InvalidToken::Absent)),
            Credentials::Token(token) => {
                let digest = token.digest();
                let verified = self.verify_token(&token, digest, now).await?;
                Ok(PresentedToken { verified, digest })
            }
        }
    }

    async fn verify_token(
        &self,
        token: &BearerToken,
        digest: [u8; 32],
        now: UnixTime,
    ) -> Result<VerifiedToken, Problem> {
        if let Some(verified) = self
            .verified
            .find(&digest, now, |signed_by| self.is_current(signed_by, now))
        {
            return Ok(verified);
        }
        let unverified = UnverifiedToken::parse(token, &self.rules).map_err(refused)?;
        let issuer = self
            .issuers
            .get(unverified.issuer())
            .ok_or_else(|| refused(Refusal::WrongIssuer))?;
        let key = issuer
            .key(unverified.key_id(), unverified.algorithm(), now)
            .await
            .map_err(|no_key| match no_key {
                NoKey::Unknown => refused(Refusal::UnknownKey),
                NoKey::Unavailable => Problem::KeysUnavailable,
            })?;
        let verified = unverified.verify(&key, &self.rules, now).map_err(refused)?;
        self.verified
            .keep(digest, &verified, SignedBy::key(verified.issuer(), &key));
        Ok(verified)
    }

    fn is_current(&self, signed_by: &SignedBy, now: UnixTime) -> bool {
        self.issuers
            .get(signed_by.issuer())
            .is_some_and(|keys| keys.is_current(signed_by, now))
    }

    /// The keys of each issuer, for the tasks that refresh them and for readiness.
    pub(crate) fn issuers(&self) -> impl Iterator<Item = &Arc<IssuerKeys>> {
        self.issuers.values()
    }

    /// The keys of the issuer of this name.
    pub(crate) fn keys_of(&self, issuer: &str) -> Option<&Arc<IssuerKeys>> {
        self.issuers.get(issuer)
    }

    /// How many verified tokens are remembered.
    pub(crate) fn remembered(&self) -> u64 {
        self.verified.len()
    }
}

fn refused(refusal: Refusal) -> Problem {
    Problem::InvalidToken(InvalidToken::Refused(refusal.name()))
}
