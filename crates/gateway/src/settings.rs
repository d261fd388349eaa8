//! What a gateway is told, in which every value is already sound: the binary's config makes it, or says why not.

mod names;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use lychgate_listener::{Allowlist, ForwardedField, MutualTls, Tls, TrustedProxies};
use lychgate_password::DecoyClass;
use lychgate_store::IdentifierRules;
use lychgate_token::Algorithm;

use crate::canary::Canaries;
use crate::error::Error;
use crate::ledger::LedgerSettings;
use crate::native::NativeSettings;
use crate::new_password::NewPasswordRules;
use crate::problem::Scheme;
use crate::profile::ProfileField;
use crate::rate::RateLimits;

pub use crate::access_token::keys::KeyLimits;
pub use crate::audit::pseudonym::PseudonymKey;
pub use crate::audit::{HeadKey, HeadPublicKey, Heads, Rotation, SyslogAddress};
pub use crate::body::BodyLimits;
pub use crate::idempotency::IdempotencyLimits;
pub use crate::lockout::LockoutLimits;
pub use crate::upgrade::UpgradeLimits;
pub use names::{Audience, ClientId, Issuer, KeyLocation, PublicUrl};

/// Everything a gateway is told.
pub struct Settings {
    /// Where calls come in, and over what.
    pub listen: Endpoint,
    /// Who says what the address of a client is.
    pub client_address: ClientAddress,
    /// Where the operator looks in.
    pub admin_listen: AdminEndpoint,
    /// The Unix socket through which the operator changes something, where there is one.
    pub admin_socket: Option<PathBuf>,
    /// The networks that calls may come from.
    pub allowlist: Allowlist,
    /// What makes a token good.
    pub access_token: AccessTokenSettings,
    /// The legacy store and its statements.
    pub store: lychgate_store::Settings,
    /// What an identifier is, and when two are the same.
    pub identifiers: IdentifierRules,
    /// Renames of profile fields: which column each comes from, where the names differ.
    pub profile: BTreeMap<ProfileField, String>,
    /// The hash formats, and the pool that computes them.
    pub passwords: lychgate_password::Settings,
    /// The formats and costs of the store's hashes, for the work done on behalf of users who do not exist. Empty: not
    /// known, and guessed until rows have been seen.
    pub decoys: Vec<DecoyClass>,
    /// What new passwords must be like.
    pub new_passwords: NewPasswordRules,
    /// Where audit lines go.
    pub audit: AuditSettings,
    /// Decoys, whose use raises an alert.
    pub canaries: Canaries,
    /// The migration ledger, where one is kept.
    pub ledger: Option<LedgerSettings>,
    /// The doors to the database's own protocol.
    pub natives: Vec<NativeSettings>,
    /// Every other bound.
    pub limits: Limits,
}

/// What makes an access token good, beside its form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessTokenSettings {
    /// The issuers whose tokens are accepted. Not empty.
    pub issuers: Vec<IssuerSettings>,
    /// The audience that is us.
    pub audience: Audience,
    /// The clients whose tokens are accepted. Not empty.
    pub clients: BTreeSet<ClientId>,
    /// The signature algorithms that are accepted. Not empty.
    pub algorithms: Vec<Algorithm>,
    /// What a token must be bound to beside its bearer.
    pub sender_constraint: SenderConstraint,
    /// Whether a token is good for one call only.
    pub one_use: bool,
    /// How far clocks may differ; 10 s by default.
    pub leeway: Duration,
    /// The longest `exp - iat`, inclusive; 24 h by default.
    pub max_lifetime: Duration,
    /// How keys are fetched.
    pub keys: KeyLimits,
    /// Verified tokens that are remembered.
    pub verified_tokens: u64,
}

/// What a token must be bound to beside its bearer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SenderConstraint {
    /// Nothing. A token that says it is bound is refused.
    None,
    /// A key, which every request proves anew (RFC 9449), for the place that this URL names.
    Dpop(PublicUrl),
    /// The certificate that the client shows in the TLS handshake (RFC 8705).
    Mtls,
}

/// An issuer, and where its keys are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerSettings {
    /// Its name, to the letter.
    pub issuer: Issuer,
    /// Where its keys are; `None`: its discovery document says it.
    pub jwks_uri: Option<KeyLocation>,
}

/// Where calls come in. Plain HTTP exists on loopback only.
pub enum Endpoint {
    /// Plain HTTP on a loopback address.
    Plain(LoopbackAddress),
    /// TLS 1.3 or 1.2 on any address.
    Tls(SocketAddr, Tls),
    /// Plain HTTP on any address from a trusted proxy, who has ended TLS; nobody else is heard.
    TerminatedByTrustedProxy(SocketAddr),
}

/// Where the operator looks in: from this machine, or from elsewhere with a certificate.
pub enum AdminEndpoint {
    /// Plain HTTP on a loopback address.
    Plain(LoopbackAddress),
    /// TLS on any address, with clients that show a certificate.
    MutualTls(SocketAddr, MutualTls),
}

/// Who says what the address of a client is: exactly one source is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientAddress {
    /// The socket: the client is the peer of the connection.
    Peer,
    /// A PROXY header of a trusted proxy, before TLS.
    ProxyProtocol(TrustedProxies),
    /// A header field of a trusted proxy, in each request.
    Field(ForwardedField, TrustedProxies),
}

/// An address that only this machine reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoopbackAddress(SocketAddr);

/// Where audit lines go.
pub struct AuditSettings {
    /// The file, or standard output.
    pub destination: AuditDestination,
    /// The key by which identifiers become pseudonyms.
    pub pseudonym_key: PseudonymKey,
    /// When the file is rotated; `None`: somebody else does, or nobody.
    pub rotation: Option<Rotation>,
    /// The key that signs the head of the chain, where there is one.
    pub heads: Option<Heads>,
    /// What becomes of a request whose line cannot be written.
    pub on_failure: OnAuditFailure,
}

/// What becomes of a request whose audit line cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnAuditFailure {
    /// It is not answered, and nothing more is done until a line can be written.
    Refuse,
    /// It is answered without a trace. That is counted.
    Answer,
}

/// Where audit lines go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditDestination {
    /// Appended to a file, which is made with mode 0600 if it is not there.
    File(PathBuf),
    /// Written to standard output.
    Stdout,
    /// Sent to the system's log.
    Syslog(SyslogAddress),
}

/// Bounds of a gateway that are not another room's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Connections, handshakes, header reading, draining. A head over `header_bytes` or `headers` is answered with 431.
    pub listener: lychgate_listener::Limits,
    /// The body of a request.
    pub body: BodyLimits,
    /// Requests under way at once, those of callers who are gone included; one more waits for its place.
    pub requests: usize,
    /// How long a request waits for its place; and how long, from there, it may take to its answer, whatever happens in
    /// between.
    pub request: Duration,
    /// How often a client and a network may call.
    pub rates: RateLimits,
    /// How long, and of how much, a call that is sent again gets the answer that it got.
    pub idempotency: IdempotencyLimits,
    /// How failures slow down guessing.
    pub lockout: LockoutLimits,
    /// Audit lines a minute about connections that the allowlist refused; the rest is counted in the next line.
    pub refused_connection_lines: u32,
    /// The rewriting of hashes after logins.
    pub upgrades: UpgradeLimits,
    /// Proofs of possession that are remembered so that none is taken twice, and as many used tokens. What comes when there
    /// is no room is refused.
    pub replay_entries: usize,
}

impl AccessTokenSettings {
    /// One issuer, its discovered keys, RS256, and the default limits.
    pub fn new(issuer: Issuer, audience: Audience, client: ClientId) -> Self {
        Self {
            issuers: vec![IssuerSettings {
                issuer,
                jwks_uri: None,
            }],
            audience,
            clients: BTreeSet::from([client]),
            algorithms: vec![Algorithm::Rs256],
            sender_constraint: SenderConstraint::None,
            one_use: false,
            leeway: Self::LEEWAY,
            max_lifetime: Self::MAX_LIFETIME,
            keys: KeyLimits::default(),
            verified_tokens: Self::VERIFIED_TOKENS,
        }
    }

    /// The default `leeway`.
    pub const LEEWAY: Duration = Duration::from_secs(10);
    /// The default `max_lifetime`.
    pub const MAX_LIFETIME: Duration = Duration::from_hours(24);
    /// The default number of verified tokens that are remembered.
    pub const VERIFIED_TOKENS: u64 = 10_000;

    /// What a type cannot say: none of the lists is empty.
    pub(crate) fn refuse_empty_lists(&self) -> Result<(), Error> {
        let empty = [
            ("issuers", self.issuers.is_empty()),
            ("clients", self.clients.is_empty()),
            ("algorithms", self.algorithms.is_empty()),
        ];
        match empty.into_iter().find(|(_, is_empty)| *is_empty) {
            Some((list, _)) => Err(Error::EmptyList(list)),
            None => Ok(()),
        }
    }
}

impl AuditSettings {
    /// Neither rotated nor signed.
    pub fn new(destination: AuditDestination, pseudonym_key: PseudonymKey) -> Self {
        Self {
            destination,
            pseudonym_key,
            rotation: None,
            heads: None,
            on_failure: OnAuditFailure::Refuse,
        }
    }
}

impl Heads {
    /// The default number of lines after which the head is signed.
    pub const LINES: u64 = 1000;
    /// The default time after which it is, if there was a line.
    pub const EVERY: Duration = Duration::from_mins(1);
}

impl SenderConstraint {
    /// The scheme of challenges.
    pub(crate) fn scheme(&self) -> Scheme {
        match self {
            Self::None | Self::Mtls => Scheme::Bearer,
            Self::Dpop(_) => Scheme::Dpop,
        }
    }

    /// The schemes that tokens may come in. For one that is bound to a certificate RFC 8705 has `Bearer`, and the platform
    /// advises `DPoP`.
    pub(crate) fn schemes(&self) -> &'static [Scheme] {
        match self {
            Self::None => &[Scheme::Bearer],
            Self::Dpop(_) => &[Scheme::Dpop],
            Self::Mtls => &[Scheme::Bearer, Scheme::Dpop],
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            listener: lychgate_listener::Limits::default(),
            body: BodyLimits::default(),
            requests: 1024,
            request: Duration::from_secs(30),
            rates: RateLimits::default(),
            idempotency: IdempotencyLimits::default(),
            lockout: LockoutLimits::default(),
            refused_connection_lines: 60,
            upgrades: UpgradeLimits::default(),
            replay_entries: 100_000,
        }
    }
}

impl LoopbackAddress {
    /// Takes an address if it is loopback.
    pub fn new(address: SocketAddr) -> Result<Self, Error> {
        if address.ip().to_canonical().is_loopback() {
            Ok(Self(address))
        } else {
            Err(Error::NotLoopback(address))
        }
    }

    /// The address.
    pub fn address(self) -> SocketAddr {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_loopback() {
        for address in [
            "127.0.0.1:0",
            "127.9.9.9:80",
            "[::1]:0",
            "[::ffff:127.0.0.1]:0",
        ] {
            assert!(
                LoopbackAddress::new(address.parse().unwrap()).is_ok(),
                "{address}"
            );
        }
        for address in ["0.0.0.0:0", "10.0.0.1:80", "[::]:0", "[::ffff:10.0.0.1]:0"] {
            assert!(
                matches!(
                    LoopbackAddress::new(address.parse().unwrap()),
                    Err(Error::NotLoopback(_))
                ),
                "{address}"
            );
        }
    }
}
