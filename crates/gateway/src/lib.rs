//! The guarded API in front of a legacy store.
//!
//! The modules stand in the order in which a request meets them. Each step hands on a type that only it can make, and the
//! next step asks for that type, so that no operation can be reached but by the whole way:
//!
//! ```text
//! Connection ─admission→ AdmittedPeer ─access_token→ VerifiedToken ─caller→ Caller ─scope→ Authorized<Op>
//!   ─body→ Op::Input ─operation→ store row ─password→ matched? ─profile→ Op::Output
//!   ─answer or problem→ response          every exit → audit
//! ```

mod gateway;
mod settings;
mod error;

mod way;
mod admission;
mod access_token;
mod budget;
mod caller;
mod scope;
mod lockout;
mod body;
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
mod openapi;

pub use audit::pseudonym::LedgerKey;
pub use body::fields::{Email, FieldValue, Fields};
pub use caller::Caller;
pub use error::Error;
pub use gateway::Gateway;
pub use ledger::LedgerSettings;
pub use legacy::Legacy;
pub use new_password::{BreachedList, BreachedListFault, NewPasswordRules};
pub use openapi::{openapi, openapi_of};
pub use scope::Authorized;
pub use settings::{
    AccessTokenSettings, Audience, AuditDestination, AuditSettings, BodyLimits, ClientAddress,
    ClientId, Endpoint, Issuer, IssuerSettings, KeyLimits, KeyLocation, Limits, LockoutLimits,
    LoopbackAddress, PseudonymKey, Settings, UpgradeLimits,
};
