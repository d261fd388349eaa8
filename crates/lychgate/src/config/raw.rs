//! The config as it is written: every key, with the words of the reference.
//!
//! These types exist for one function. What a key means, and which values are legal, stands where it is turned into
//! the settings of a role. The JSON Schema and the reference are made from here, so a doc comment is a user's text.

mod audit;
mod attack;
mod gateway;
mod ldap;
mod native;
mod store;
mod tenant;

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use zeroize::Zeroizing;

pub(crate) use self::attack::{
    RawAttack, RawAttackApplication, RawAttackCertificate, RawAttackClient, RawAttackUser,
};
pub(crate) use self::audit::{RawAudit, RawCanaries, RawOnFailure, RawRotation};
pub(crate) use self::gateway::{
    RawAccessToken, RawAllowlist, RawClientAddress, RawGateway, RawGatewayTls, RawLimits,
    RawLockout, RawRate, RawRates, RawSenderConstraint,
};
pub(crate) use self::ldap::{
    RawLdap, RawLdapAuthenticate, RawLdapChangePassword, RawLdapEntry, RawLdapScope,
};
pub(crate) use self::native::RawNative;
pub(crate) use self::store::{
    RawIdentifierCase, RawIdentifierKind, RawIdentifierNormalization, RawLedger, RawOperations,
    RawPasswordFormat, RawPasswordRules, RawPasswords, RawStore,
};
pub(crate) use self::tenant::{
    RawApi, RawClient, RawClientCertificates, RawClientGrant, RawClientPolicy, RawConnection,
    RawMechanism, RawPipeline, RawSubjectType, RawTenant, RawTokenDialect, RawUserPolicy,
};

/// The config of Lychgate. What it does not name is not there.
///
/// Every text may hold `${env:NAME}` or `${file:PATH}`; one trailing newline of a file is dropped.
/// A `${fill:WHAT}`, which `lychgate init` writes where only you know what belongs there, is an error until you have replaced it.
/// Relative paths start from the folder of the config.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "Config")]
#[serde(deny_unknown_fields)]
pub(crate) struct RawConfig {
    /// The guarded API. Needs `[store]`.
    pub(crate) gateway: Option<RawGateway>,
    /// The legacy store behind the gateway.
    pub(crate) store: Option<RawStore>,
    /// How the store's passwords are hashed.
    #[serde(default)]
    pub(crate) passwords: RawPasswords,
    /// One line for each answer and each refusal of the gateway.
    #[serde(default)]
    pub(crate) audit: RawAudit,
    /// Decoys, whose use raises an alert.
    #[serde(default)]
    pub(crate) canaries: RawCanaries,
    /// Who has been seen since when, for the end of a migration.
    pub(crate) ledger: Option<RawLedger>,
    /// Doors to the database's own protocol, beside the API.
    #[serde(default)]
    pub(crate) native: Vec<RawNative>,
    /// The embedded authorization server.
    pub(crate) tenant: Option<RawTenant>,
    /// What `lychgate attack` may use.
    pub(crate) attack: Option<RawAttack>,
}

/// Where the certificate and its key stand, and whose certificates clients must show; all in PEM.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "Tls")]
#[serde(deny_unknown_fields)]
pub(crate) struct RawTls {
    /// The file of the certificate, followed by those of its issuers.
    pub(crate) certificate: String,
    /// The file of the private key: PKCS#8, PKCS#1 or SEC1.
    pub(crate) key: String,
    /// The file of the authorities whose certificates clients must show (mutual TLS). Without it clients show none.
    pub(crate) client_ca: Option<String>,
    /// The file of the revocation lists of these authorities, each of which must have one then. From the `nextUpdate` of a
    /// list on nobody comes in by its authority.
    pub(crate) client_crl: Option<String>,
}

/// A text that no error and no log ever shows.
#[derive(Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct RawSecret(Zeroizing<String>);

impl RawSecret {
    pub(crate) fn expose_secret(&self) -> &str {
        &self.0
    }
}

impl JsonSchema for RawSecret {
    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

/// The JSON Schema of [`RawConfig`].
pub(crate) fn schema() -> Schema {
    schemars::schema_for!(RawConfig)
}
