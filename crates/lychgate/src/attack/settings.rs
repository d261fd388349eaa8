//! What the config lends to attacks.

use std::net::IpAddr;
use std::sync::Arc;

use lychgate_password::Password;
use lychgate_token::{ClientSecret, SigningKey};
use reqwest::Url;
use zeroize::Zeroizing;

use super::OwnedHosts;

/// `[attack]`, where it is there. What it leaves out may be known from elsewhere.
#[derive(Default)]
pub(crate) struct Settings {
    pub(crate) gateway: Option<Url>,
    pub(crate) tenant: Option<Url>,
    pub(crate) admin: Option<Url>,
    pub(crate) hosts: OwnedHosts,
    /// Certificates in PEM.
    pub(crate) ca: Option<Vec<u8>>,
    /// A certificate and its key in PEM.
    pub(crate) client_certificate: Option<Arc<Zeroizing<Vec<u8>>>>,
    /// What the gateway calls itself.
    pub(crate) public_url: Option<Url>,
    pub(crate) audience: Option<String>,
    pub(crate) other_audience: Option<String>,
    pub(crate) client: Option<Client>,
    pub(crate) other_client: Option<Client>,
    pub(crate) application: Option<Application>,
    pub(crate) user: Option<User>,
    pub(crate) issuer_key: Option<Arc<SigningKey>>,
    pub(crate) outside_address: Option<IpAddr>,
    pub(crate) create_users: bool,
}

/// A client that proves itself by a secret.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) client_id: String,
    pub(crate) secret: Arc<ClientSecret>,
}

/// An application that users log in to.
#[derive(Clone)]
pub(crate) struct Application {
    pub(crate) client_id: String,
    pub(crate) secret: Option<Arc<ClientSecret>>,
    pub(crate) callback: Url,
}

/// A test user.
pub(crate) struct User {
    pub(crate) identifier: String,
    pub(crate) password: Password,
}
