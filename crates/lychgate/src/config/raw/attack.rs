//! `[attack]`: what `lychgate attack` plays with, and whom it may play against.

use schemars::JsonSchema;
use serde::Deserialize;

use super::RawSecret;

/// What `lychgate attack` may use against a deployment that is yours. `serve` reads none of it. What is left out is taken
/// from the other sections, where they say it; an attack that needs more than there is says so and is not tried.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "Attack")]
#[serde(deny_unknown_fields)]
pub(crate) struct RawAttack {
    /// The URL of the gateway; that of `[gateway]` if left out.
    pub(crate) gateway: Option<String>,
    /// The URL of the tenant; the first issuer of `[gateway.access_token]`, or that of `[tenant]`, if left out.
    pub(crate) tenant: Option<String>,
    /// The URL of the gateway's admin listener, as this machine reaches it; that of `[gateway]` if
    /// left out.
    pub(crate) admin: Option<String>,
    /// The hosts that are yours: names, addresses, networks, or a name with the network that it must resolve to, as
    /// `gateway.example.com=203.0.113.0/24`. Loopback needs none; any other target that is not here is refused.
    #[serde(default)]
    pub(crate) hosts: Vec<String>,
    /// A file of certificates in PEM that are trusted beside those of this machine.
    pub(crate) ca: Option<String>,
    /// What is shown to a gateway that asks its clients for a certificate.
    pub(crate) client_certificate: Option<RawAttackCertificate>,
    /// What the gateway calls itself, where its tokens are bound to a key; that of `[gateway]`, or else
    /// `gateway`, if left out.
    pub(crate) public_url: Option<String>,
    /// The gateway's audience; that of `[gateway.access_token]` if left out.
    pub(crate) audience: Option<String>,
    /// The audience of another API that the script client has a grant for.
    pub(crate) other_audience: Option<String>,
    /// The script client; its secret is that of `[[tenant.clients]]` if left out.
    pub(crate) client: Option<RawAttackClient>,
    /// A client that is not on the gateway's list and has a grant for its audience all the same.
    pub(crate) other_client: Option<RawAttackClient>,
    /// An application that the test user can log in to.
    pub(crate) application: Option<RawAttackApplication>,
    /// A test user, whose password may be guessed at and whose login may be delayed for a while.
    pub(crate) user: Option<RawAttackUser>,
    /// The issuer's private key in PEM (PKCS#8), where you have it: tokens that are wrong in one claim alone are made with
    /// it. That of `[tenant]` is read from its state if this is left out.
    pub(crate) issuer_key: Option<String>,
    /// An address of this machine that is not on the allowlist, as `127.0.0.2`, to call from.
    pub(crate) outside_address: Option<String>,
    /// Whether `create` may be attacked, too. Users who are made are deleted again, where `delete` is defined.
    #[serde(default)]
    pub(crate) create_users: bool,
}

/// A certificate that is shown to a server, both files in PEM.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "AttackCertificate")]
#[serde(deny_unknown_fields)]
pub(crate) struct RawAttackCertificate {
    /// The file of the certificate, followed by those of its issuers.
    pub(crate) certificate: String,
    /// The file of the private key: PKCS#8, PKCS#1 or SEC1.
    pub(crate) key: String,
}

/// A client that proves itself by a secret.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "AttackClient")]
#[serde(deny_unknown_fields)]
pub(crate) struct RawAttackClient {
    /// Its public name on the wire.
    pub(crate) client_id: String,
    /// Its secret.
    pub(crate) client_secret: RawSecret,
}

/// An application that users log in to.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "AttackApplication")]
#[serde(deny_unknown_fields)]
pub(crate) struct RawAttackApplication {
    /// Its public name on the wire.
    pub(crate) client_id: String,
    /// Its secret, if it has one.
    pub(crate) client_secret: Option<RawSecret>,
    /// One of its redirect URIs. Nothing has to listen there.
    pub(crate) callback: String,
}

/// A test user.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "AttackUser")]
#[serde(deny_unknown_fields)]
pub(crate) struct RawAttackUser {
    /// Whom the store finds.
    pub(crate) identifier: String,
    /// The password.
    pub(crate) password: RawSecret,
}
