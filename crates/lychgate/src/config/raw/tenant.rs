//! `[tenant]`: the embedded authorization server. Names are Auth0's own wherever it has one.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{RawSecret, RawTls};
use crate::config::duration::RawDuration;

/// The embedded authorization server.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "Tenant")]
#[serde(deny_unknown_fields)]
pub(crate) struct RawTenant {
    /// The issuer, with the slash at its end: `https://login.example.com/`. HTTP only on loopback.
    pub(crate) issuer: String,
    /// The address and port to listen on. Without `tls` only a loopback address.
    pub(crate) listen: String,
    /// The certificate of the issuer.
    pub(crate) tls: Option<RawTls>,
    /// Whether every client has to show a certificate of `tls.client_ca`; the default is that it has to.
    pub(crate) client_certificates: Option<RawClientCertificates>,
    /// Where the tenant keeps its own state: `sqlite:FILE`, made when it is not there.
    pub(crate) state: String,
    /// The API that a request without an audience is for.
    pub(crate) default_audience: Option<String>,
    /// A folder into which mails are written as `.eml` files. Without it nobody is sent a mail, and
    /// `/dbconnections/change_password` is not there.
    pub(crate) outbox: Option<String>,
    /// The APIs that access tokens are issued for.
    #[serde(default)]
    pub(crate) apis: Vec<RawApi>,
    /// The applications.
    #[serde(default)]
    pub(crate) clients: Vec<RawClient>,
    /// Which client may have which scopes of which API.
    #[serde(default)]
    pub(crate) client_grants: Vec<RawClientGrant>,
    /// The custom database connections.
    #[serde(default)]
    pub(crate) connections: Vec<RawConnection>,
    /// The rules and actions that run before a token is issued.
    #[serde(default)]
    pub(crate) pipeline: RawPipeline,
}

/// Whether every client has to show a certificate.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[schemars(rename = "ClientCertificates")]
#[serde(rename_all = "lowercase")]
pub(crate) enum RawClientCertificates {
    /// It has to. No browser gets to the login page without one.
    Required,
    /// It may, and a wrong one ends the connection. What a token is bound to has to be shown all the same.
    Requested,
}

/// An API that access tokens are issued for.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "Api")]
#[serde(deny_unknown_fields)]
pub(crate) struct RawApi {
    /// The audience of its tokens.
    pub(crate) identifier: String,
    /// What may be asked for.
    #[serde(default)]
    pub(crate) scopes: Vec<String>,
    /// How long a token lives; the default is Auth0's.
    pub(crate) token_lifetime: Option<RawDuration>,
    /// The form of its tokens.
    #[serde(default)]
    pub(crate) token_dialect: RawTokenDialect,
    /// Whether `offline_access` gives a refresh token.
    #[serde(default)]
    pub(crate) allow_offline_access: bool,
    /// What its tokens are bound to. Without it they are plain bearer tokens, and proofs are ignored.
    pub(crate) proof_of_possession: Option<RawProofOfPossession>,
    /// Who may have a token at all.
    #[serde(default)]
    pub(crate) subject_type_authorization: RawSubjectTypeAuthorization,
}

/// What the tokens of an API are bound to.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ProofOfPossession")]
#[serde(deny_unknown_fields)]
pub(crate) struct RawProofOfPossession {
    /// How a client proves what it has.
    pub(crate) mechanism: RawMechanism,
    /// Whether there is no token without it.
    #[serde(default)]
    pub(crate) required: bool,
}

/// How a client proves what its tokens are to be bound to.
#[derive(Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[schemars(rename = "Mechanism")]
#[serde(rename_all = "lowercase")]
pub(crate) enum RawMechanism {
    /// A key, by a proof with each request (RFC 9449).
    Dpop,
    /// The certificate that it shows (RFC 8705), for which `tls` needs `client_ca`.
    Mtls,
}

/// The form of an access token.
#[derive(Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
#[schemars(rename = "TokenDialect")]
#[serde(rename_all = "snake_case")]
pub(crate) enum RawTokenDialect {
    /// Auth0's own: `typ` `JWT`, `azp`, `gty`.
    #[default]
    AccessToken,
    /// RFC 9068: `typ` `at+jwt`, `client_id`, `jti`.
    #[serde(rename = "rfc9068_profile")]
    Rfc9068Profile,
}

/// Who may have a token for an API at all.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[schemars(rename = "SubjectTypeAuthorization")]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawSubjectTypeAuthorization {
    /// Tokens on behalf of a user.
    pub(crate) user: RawUserPolicy,
    /// Tokens of a client itself.
    pub(crate) client: RawClientPolicy,
}

/// Who may have a token on behalf of a user.
#[derive(Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
#[schemars(rename = "UserPolicy")]
#[serde(rename_all = "snake_case")]
pub(crate) enum RawUserPolicy {
    /// Whoever logs in and names the audience: the platform's default, and the hole this product is about.
    #[default]
    AllowAll,
    /// Only through clients that have a grant.
    RequireClientGrant,
    /// Nobody.
    DenyAll,
}

/// Who may have a token of a client itself.
#[derive(Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
#[schemars(rename = "ClientPolicy")]
#[serde(rename_all = "snake_case")]
pub(crate) enum RawClientPolicy {
    /// Only clients that have a grant.
    #[default]
    RequireClientGrant,
    /// No client.
    DenyAll,
}

/// An application.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "Client")]
#[serde(deny_unknown_fields)]
pub(crate) struct RawClient {
    /// Its public name on the wire.
    pub(crate) client_id: String,
    /// What it is called on the login page. The client ID if left out.
    pub(crate) name: Option<String>,
    /// Its secret, if its method needs one.
    pub(crate) client_secret: Option<RawSecret>,
    /// `authorization_code`, `refresh_token`, `client_credentials`.
    pub(crate) grant_types: Vec<String>,
    /// The redirect URIs, to the letter.
    #[serde(default)]
    pub(crate) callbacks: Vec<String>,
    /// Where a logout may lead, to the letter.
    #[serde(default)]
    pub(crate) allowed_logout_urls: Vec<String>,
    /// `none`, `client_secret_post` (if left out), `client_secret_basic` or `private_key_jwt`.
    pub(crate) token_endpoint_auth_method: Option<String>,
    /// Whether every token for it has to be bound.
    #[serde(default)]
    pub(crate) require_proof_of_possession: bool,
    /// The file with the client's public keys as a JWK set, for `private_key_jwt`.
    pub(crate) jwks: Option<String>,
}

/// Which scopes of an API a client may have.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ClientGrant")]
#[serde(deny_unknown_fields)]
pub(crate) struct RawClientGrant {
    /// The client.
    pub(crate) client_id: String,
    /// The API.
    pub(crate) audience: String,
    /// At most these scopes.
    pub(crate) scope: Vec<String>,
    /// On whose behalf.
    #[serde(default)]
    pub(crate) subject_type: RawSubjectType,
}

/// On whose behalf a token acts.
#[derive(Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
#[schemars(rename = "SubjectType")]
#[serde(rename_all = "snake_case")]
pub(crate) enum RawSubjectType {
    /// The client's own.
    #[default]
    Client,
    /// A user's.
    User,
}

/// A custom database connection: users that live elsewhere, reached by action scripts.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "Connection")]
#[serde(deny_unknown_fields)]
pub(crate) struct RawConnection {
    /// Its name: at most 35 letters, digits and dashes.
    pub(crate) name: String,
    /// The folder of the action scripts: `login.js`, `get_user.js`, `create.js`, `verify.js`, `change_password.js`,
    /// `change_email.js`, `delete.js`; what is not there cannot be done.
    pub(crate) scripts: String,
    /// What the scripts read as `configuration`.
    #[serde(default)]
    pub(crate) configuration: BTreeMap<String, RawSecret>,
    /// The hosts that the scripts may call: `api.example.com`, `127.0.0.1:8443`. None if left out.
    #[serde(default)]
    pub(crate) outbound_hosts: Vec<String>,
}

/// The rules and actions that run before a token is issued, in the order of their file names.
#[derive(Default, Deserialize, JsonSchema)]
#[schemars(rename = "Pipeline")]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawPipeline {
    /// The folder of the rules.
    pub(crate) rules: Option<String>,
    /// What rules read as `configuration`.
    pub(crate) rules_configuration: BTreeMap<String, RawSecret>,
    /// The folder of the actions, with `post-login` and `credentials-exchange` in it.
    pub(crate) actions: Option<String>,
    /// What actions read as `event.secrets`.
    pub(crate) secrets: BTreeMap<String, RawSecret>,
}
