//! Who may call, by which tokens: what can be put in force while the gateway runs.
//!
//! Each request takes the rules that are in force when it comes, and is judged by them to its end.

use std::collections::BTreeSet;
use std::sync::Arc;

use lychgate_token::UnixTime;

use crate::access_token::AccessTokens;
use crate::access_token::issuer_keys::IssuerKeys;
use crate::admission::Admission;
use crate::possession::{Memory, Possession};
use crate::settings::{AccessTokenSettings, Audience, ClientId};

/// Everything about callers that is decided by config.
pub(crate) struct Rules {
    pub(crate) admission: Admission,
    pub(crate) access_tokens: Arc<AccessTokens>,
    pub(crate) clients: BTreeSet<ClientId>,
    pub(crate) audience: Audience,
    pub(crate) possession: Possession,
    settings: AccessTokenSettings,
}

impl Rules {
    /// The first ones.
    pub(crate) fn new(
        admission: Admission,
        settings: AccessTokenSettings,
        memory: Arc<Memory>,
        now: UnixTime,
    ) -> Self {
        let access_tokens = Arc::new(AccessTokens::new(&settings, now));
        Self::of(admission, access_tokens, settings, memory)
    }

    /// Others in their place. Issuers that stay keep their keys, and what was found good stays so where nothing about tokens
    /// is different. What was used stays so, whatever is different.
    pub(crate) fn followed_by(
        &self,
        admission: Admission,
        settings: AccessTokenSettings,
        now: UnixTime,
    ) -> Self {
        let access_tokens = if settings == self.settings {
            Arc::clone(&self.access_tokens)
        } else {
            let known = |issuer: &_| {
                let keys = self.access_tokens.issuers();
                let mut keys = keys.filter(|keys| keys.are_of(issuer, settings.keys));
                keys.next().map(Arc::clone)
            };
            Arc::new(AccessTokens::knowing(&settings, now, known))
        };
        let memory = Arc::clone(self.possession.memory());
        Self::of(admission, access_tokens, settings, memory)
    }

    /// The issuers of these rules that the others do not have.
    pub(crate) fn issuers_beyond<'a>(
        &'a self,
        others: &'a Self,
    ) -> impl Iterator<Item = &'a Arc<IssuerKeys>> {
        self.access_tokens.issuers().filter(|keys| {
            let mut theirs = others.access_tokens.issuers();
            !theirs.any(|their| Arc::ptr_eq(their, keys))
        })
    }

    fn of(
        admission: Admission,
        access_tokens: Arc<AccessTokens>,
        settings: AccessTokenSettings,
        memory: Arc<Memory>,
    ) -> Self {
        Self {
            admission,
            access_tokens,
            clients: settings.clients.clone(),
            audience: settings.audience.clone(),
            possession: Possession::new(&settings, memory),
            settings,
        }
    }
}
