//! APIs: what tokens are for.

use std::{str::FromStr, time::Duration};

use lychgate_token::{Scope, TokenDialect};

use crate::Error;

/// The longest life that the platform lets a token have.
pub const MAX_TOKEN_LIFETIME: Duration = Duration::from_hours(720);
/// The life of a token where the API says nothing.
pub const DEFAULT_TOKEN_LIFETIME: Duration = Duration::from_hours(24);

/// An API (the platform's "resource server").
#[derive(Debug, Clone)]
pub struct Api {
    /// Its audience, to the letter.
    pub identifier: String,
    /// The scopes that exist on it.
    pub scopes: Scope,
    /// How long a token for it lives; at most [`MAX_TOKEN_LIFETIME`].
    pub token_lifetime: Duration,
    /// How a token for it is written.
    pub token_dialect: TokenDialect,
    /// Who may get one.
    pub subject_type_authorization: SubjectTypeAuthorization,
    /// Whether refresh tokens may be had for it.
    pub allow_offline_access: bool,
    /// What a token for it is bound to. Without it a proof is ignored, as on the platform.
    pub proof_of_possession: Option<ProofOfPossession>,
}

impl Api {
    /// An API with the platform's defaults: a day, its own dialect, every user allowed.
    pub fn new(identifier: String, scopes: Scope) -> Self {
        Self {
            identifier,
            scopes,
            token_lifetime: DEFAULT_TOKEN_LIFETIME,
            token_dialect: TokenDialect::default(),
            subject_type_authorization: SubjectTypeAuthorization::default(),
            allow_offline_access: false,
            proof_of_possession: None,
        }
    }
}

/// What tokens for an API are bound to (`proof_of_possession`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProofOfPossession {
    /// How a client proves what it has.
    pub mechanism: Mechanism,
    /// Whether there is no token without it.
    pub required: bool,
}

/// How a client proves what its tokens are to be bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// A key, by a proof with each request (RFC 9449).
    Dpop,
    /// The certificate that it shows in the TLS handshake (RFC 8705), for which the transport has to ask for one.
    Mtls,
}

/// The API access policies (`subject_type_authorization`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SubjectTypeAuthorization {
    /// For every flow whose token is bound to a user.
    pub user: UserPolicy,
    /// For client credentials.
    pub client: ClientPolicy,
}

/// Which applications get tokens that act for a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UserPolicy {
    /// Every application, for whoever logs in. The platform's default, and the hole that this product is about.
    #[default]
    AllowAll,
    /// Applications with a client grant for users.
    RequireClientGrant,
    /// None.
    DenyAll,
}

impl FromStr for UserPolicy {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        match name {
            "allow_all" => Ok(Self::AllowAll),
            "require_client_grant" => Ok(Self::RequireClientGrant),
            "deny_all" => Ok(Self::DenyAll),
            _ => Err(Error::Setting {
                what: "subject_type_authorization.user",
                value: name.to_owned(),
                reason: "must be allow_all, require_client_grant or deny_all",
            }),
        }
    }
}

/// Which applications get tokens that act for themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientPolicy {
    /// Applications with a client grant.
    #[default]
    RequireClientGrant,
    /// None.
    DenyAll,
}

impl FromStr for ClientPolicy {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        match name {
            "require_client_grant" => Ok(Self::RequireClientGrant),
            "deny_all" => Ok(Self::DenyAll),
            _ => Err(Error::Setting {
                what: "subject_type_authorization.client",
                value: name.to_owned(),
                reason: "must be require_client_grant or deny_all",
            }),
        }
    }
}

/// A client grant: this client may have tokens for this API, with at most these scopes.
#[derive(Debug, Clone)]
pub struct ClientGrant {
    /// The client.
    pub client_id: String,
    /// The API's identifier, or that of the management API.
    pub audience: String,
    /// At most these.
    pub scope: Scope,
    /// On whose behalf.
    pub subject_type: SubjectType,
}

impl ClientGrant {
    /// Whether both say something about the same client, API and kind of subject.
    pub(crate) fn is_about_what(&self, other: &Self) -> bool {
        self.client_id == other.client_id
            && self.audience == other.audience
            && self.subject_type == other.subject_type
    }
}

/// On whose behalf a token acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SubjectType {
    /// The client's own.
    #[default]
    Client,
    /// A user's.
    User,
}
