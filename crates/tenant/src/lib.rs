//! An authorization server with custom database connections.
//!
//! A browser comes to `/authorize`, a person logs in on a page, the connection's action script asks the legacy store,
//! rules and actions have their say, the access policy has the last word, and tokens go out:
//!
//! ```text
//! browser → /authorize → login page → connection → action script
//!                                       └→ profile → rules / actions → access → code → tokens
//! ```
//!
//! Its names and defaults are the platform's, the dangerous ones included: whoever logs in and names an API's audience
//! gets a token for it, until a rule, an action or the API's own policy says no. It reaches the legacy store only as its
//! scripts do, over HTTP.

mod settings;
mod issuer;
mod tenant;
mod context;
mod edge;
mod parameters;
mod oauth_error;
mod discovery;
mod clients;
mod apis;
mod authorize;
mod login;
mod page;
mod connections;
mod pipeline;
mod script_folder;
mod access;
mod session;
mod grants;
mod possession;
mod tokens;
mod userinfo;
mod revoke;
mod logout;
mod database_connections;
mod tickets;
mod outbox;
mod management;
mod state;
mod events;
mod error;

pub use access::Policy;
pub use apis::{
    Api, ClientGrant, ClientPolicy, DEFAULT_TOKEN_LIFETIME, MAX_TOKEN_LIFETIME, Mechanism,
    ProofOfPossession, SubjectType, SubjectTypeAuthorization, UserPolicy,
};
pub use clients::{Client, ClientAuthentication, GrantType, RedirectUri};
pub use connections::{ActionScript, ActionScripts, Connection, ConnectionStatistics};
pub use error::Error;
pub use issuer::Issuer;
pub use pipeline::PipelineSettings;
pub use settings::{Lifetimes, Settings};
pub use tenant::{Handle, Tenant, signing_key};
