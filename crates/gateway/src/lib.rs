//! The guarded API in front of a legacy store.
//!
//! The modules stand in the order in which a request meets them. Each step hands on a type that only it can make, and the
//! next step asks for that type, so that no operation can be reached but by the whole way:
//!
//! ```text
//! Connection ─admission→ AdmittedPeer ─access_token→ VerifiedToken ─caller→ Caller
//!   ─possession→ ProvenCaller ─scope→ Authorized<Op>
//!   ─rate→ Slot ─body→ Op::Input ─idempotency→ Turn ─lockout→ Attempt ─operation→ store row ─password→ matched? ─profile→ Op::Output
//!   ─answer or problem→ response          every exit → audit
//! ```

mod gateway;
mod adoption;
mod settings;
mod error;

mod way;
mod rules;
mod admission;
mod access_token;
mod budget;
mod caller;
mod possession;
mod scope;
mod canary;
mod rate;
mod body;
mod idempotency;
mod lockout;
pub mod operations;
mod legacy;
mod new_password;
mod upgrade;
mod ledger;
pub mod profile;
pub mod problem;
pub mod audit;
pub mod metrics;
mod admin;
mod admin_socket;
mod native;
mod openapi;

pub use admin_socket::{AdminSocketError, unlock};
pub use adoption::{Adoption, AllowlistRefresh, AllowlistRefreshes, Replacement};
pub use audit::pseudonym::LedgerKey;
pub use body::fields::{Email, FieldValue, Fields};
pub use caller::Caller;
pub use canary::Canaries;
pub use error::Error;
pub use gateway::Gateway;
pub use ledger::LedgerSettings;
pub use legacy::Legacy;
pub use native::{NativeLimits, NativeSettings};
pub use new_password::{BreachedList, BreachedListFault, NewPasswordRules};
pub use openapi::{openapi, openapi_of};
pub use possession::ProvenCaller;
pub use rate::{Rate, RateLimits};
pub use scope::Authorized;
pub use settings::{
    AccessTokenSettings, AdminEndpoint, Audience, AuditDestination, AuditSettings, BodyLimits,
    ClientAddress, ClientId, Endpoint, HeadKey, HeadPublicKey, Heads, IdempotencyLimits, Issuer,
    IssuerSettings, KeyLimits, KeyLocation, Limits, LockoutLimits, LoopbackAddress, OnAuditFailure,
    PseudonymKey, PublicUrl, Rotation, SenderConstraint, Settings, SyslogAddress, UpgradeLimits,
};
