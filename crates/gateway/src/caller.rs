//! Whom the token was issued to: the script client, by the client credentials grant, and nobody else.
//!
//! A verified token comes in; a [`Caller`] goes on, which proves that the token belongs to a client on the list and to
//! no user. An attacker has a good token for this audience that was made for a user or for another client, because the
//! tenant hands those out by default; here it ends.

use std::collections::BTreeSet;

use lychgate_listener::AdmittedPeer;
use lychgate_token::{Scope, VerifiedToken};

use crate::access_token::PresentedToken;
use crate::problem::{InvalidToken, Problem};
use crate::settings::{Audience, ClientId};

/// The one value of `gty` that a client credentials token has in the platform's dialect.
const CLIENT_CREDENTIALS: &str = "client-credentials";

/// What stands behind a client's id in the `sub` of its own tokens.
const CLIENT_SUBJECT_SUFFIX: &str = "@clients";

/// Claims that only a login or a delegation puts into a token.
const CLAIMS_OF_A_USER: [&str; 4] = ["sid", "nonce", "auth_time", "act"];

/// Scopes that only a login asks for (OpenID Connect Core §3.1.2.1, §5.4, §11).
const SCOPES_OF_A_LOGIN: [&str; 3] = ["openid", "profile", "offline_access"];

/// An allowed client, calling from an allowed network with a good token of its own. [`Caller::admit`] makes it, and
/// nothing else.
#[derive(Debug, Clone)]
pub struct Caller {
    peer: AdmittedPeer,
    client: ClientId,
    token: PresentedToken,
}

impl Caller {
    /// Step 4 of what makes a token good: the client and the grant.
    pub(crate) fn admit(
        peer: AdmittedPeer,
        token: PresentedToken,
        clients: &BTreeSet<ClientId>,
        audience: &Audience,
    ) -> Result<Self, Problem> {
        let client = client_of(token.verified())?;
        let client = clients
            .get(client)
            .ok_or(Problem::ClientNotAllowed("client-not-listed"))?;
        issued_to_the_client_itself(token.verified(), client, audience)?;
        Ok(Self {
            peer,
            client: client.clone(),
            token,
        })
    }

    /// Where the call comes from.
    pub fn peer(&self) -> AdmittedPeer {
        self.peer
    }

    /// The client that the token was issued to.
    pub fn client(&self) -> &ClientId {
        &self.client
    }

    /// What the token allows.
    pub fn scope(&self) -> &Scope {
        self.token().scope()
    }

    /// The token itself.
    pub(crate) fn token(&self) -> &VerifiedToken {
        self.token.verified()
    }

    /// The SHA-256 of the token's text.
    pub(crate) fn token_digest(&self) -> [u8; 32] {
        self.token.digest()
    }
}

/// The client by `azp` (the platform's dialect) or `client_id` (RFC 9068 §2.2); where both are there they agree.
pub(crate) fn client_of(token: &VerifiedToken) -> Result<&str, Problem> {
    match (token.authorized_party(), token.client_id()) {
        (Some(party), Some(client)) if party != client => Err(Problem::InvalidToken(
            InvalidToken::Refused("azp-and-client-id-differ"),
        )),
        (Some(client), _) | (None, Some(client)) => Ok(client),
        (None, None) => Err(Problem::ClientNotAllowed("no-client")),
    }
}

fn issued_to_the_client_itself(
    token: &VerifiedToken,
    client: &ClientId,
    audience: &Audience,
) -> Result<(), Problem> {
    let refused = |reason| Err(Problem::ClientNotAllowed(reason));
    if token
        .grant_type()
        .is_some_and(|grant| grant != CLIENT_CREDENTIALS)
    {
        return refused("other-grant");
    }
    let subject = token.subject().unwrap_or_default();
    if subject
        .strip_suffix(CLIENT_SUBJECT_SUFFIX)
        .unwrap_or(subject)
        != client.as_str()
    {
        return refused("other-subject");
    }
    if CLAIMS_OF_A_USER.iter().any(|claim| token.has_claim(claim)) {
        return refused("claim-of-a-user");
    }
    if token
        .audience()
        .iter()
        .any(|entry| entry != audience.as_str())
    {
        return refused("audience-of-a-user");
    }
    if SCOPES_OF_A_LOGIN
        .iter()
        .any(|scope| token.scope().contains(scope))
    {
        return refused("scope-of-a-login");
    }
    Ok(())
}
