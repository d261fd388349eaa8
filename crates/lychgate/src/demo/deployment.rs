//! The demo's folder: the store, the secrets, the scripts, and the config that is made from them.
//!
//! Each server is made from a config like anyone's, written here and read as `lychgate serve` reads it.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use lychgate_token::random_token;
use minijinja::value::Serde;
use minijinja::{Environment, context};
use serde::Serialize;
use tempfile::TempDir;

use super::names::{
    APPLICATION, AUDIENCE, KEEPER_CLIENT, OTHER_AUDIENCE, OTHER_CLIENT, SCRIPT_CLIENT,
};
use super::ports::Ports;
use super::store::{self, PASSWORD, SomeonesStore};
use crate::config::{self, Config};
use crate::templates;

/// The folder, and how to make a config in it. The folder is gone when this is dropped.
pub(crate) struct Deployment {
    folder: TempDir,
    pub(crate) ports: Ports,
    /// The store's URL, as the config names it.
    store: &'static str,
    /// Whether the store is a directory.
    pub(crate) is_directory: bool,
}

/// What of the gateway a config has.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct GatewayConfig {
    pub(crate) port: u16,
    /// The port of the admin listener; 0 is any.
    pub(crate) admin: u16,
    /// The one network of the allowlist.
    pub(crate) network: &'static str,
    /// Whether there is a `[gateway.access_token]`.
    pub(crate) access_token: bool,
    pub(crate) audit: &'static str,
}

impl GatewayConfig {
    /// The gateway of the chain.
    pub(crate) fn chain(ports: Ports) -> Self {
        Self {
            port: ports.gateway,
            admin: ports.admin,
            network: "127.0.0.1/32",
            access_token: true,
            audit: "audit.jsonl",
        }
    }

    /// A gateway that lets in only a network where nobody is (RFC 5737 §3).
    pub(crate) fn elsewhere(ports: Ports) -> Self {
        Self {
            port: ports.elsewhere,
            admin: 0,
            network: "192.0.2.0/24",
            audit: "elsewhere.jsonl",
            ..Self::chain(ports)
        }
    }
}

/// What of the tenant a config has.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct TenantConfig {
    pub(crate) port: u16,
    pub(crate) state: &'static str,
    #[serde(flatten)]
    pub(crate) policy: TenantPolicy,
}

/// Who may get a token for the gateway's audience, and what it looks like.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct TenantPolicy {
    /// The access policy of the API, for users.
    user_policy: &'static str,
    token_dialect: &'static str,
    /// Seconds.
    token_lifetime: u32,
    /// Whether the rule runs.
    rules: bool,
    /// Whether the actions run.
    actions: bool,
}

impl TenantConfig {
    /// The tenant of the chain.
    pub(crate) fn chain(ports: Ports, policy: TenantPolicy) -> Self {
        Self {
            port: ports.tenant,
            state: "tenant.db",
            policy,
        }
    }

    /// A tenant that the gateway does not know.
    pub(crate) fn stranger(ports: Ports) -> Self {
        Self {
            port: ports.stranger,
            state: "stranger.db",
            policy: TenantPolicy::DEFAULT,
        }
    }
}

impl TenantPolicy {
    /// What a platform does when nobody has told it better.
    pub(crate) const DEFAULT: Self = Self {
        user_policy: "allow_all",
        token_dialect: "access_token",
        token_lifetime: 3600,
        rules: false,
        actions: false,
    };
    /// The same, with tokens in the form of RFC 9068.
    pub(crate) const DEFAULT_RFC9068: Self = Self {
        token_dialect: "rfc9068_profile",
        ..Self::DEFAULT
    };
    /// The same, with tokens that live for a second.
    pub(crate) const SHORT_LIVED: Self = Self {
        token_lifetime: 1,
        ..Self::DEFAULT
    };
    /// Guarded by the rule alone.
    pub(crate) const WITH_RULE: Self = Self {
        rules: true,
        ..Self::DEFAULT
    };
    /// Guarded by the actions alone.
    pub(crate) const WITH_ACTION: Self = Self {
        actions: true,
        ..Self::DEFAULT
    };
    /// Guarded by the API's own access policy alone: what is recommended, and what stays.
    pub(crate) const WITH_ACCESS_POLICY: Self = Self {
        user_policy: "deny_all",
        ..Self::DEFAULT
    };
}

impl Deployment {
    /// Makes the folder, of mode 0700, with everything that a config names; and a sample store, if none is given.
    pub(crate) async fn new(ports: Ports, store: Option<&SomeonesStore>) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("lychgate-demo-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir()
            .context("cannot make a folder")?;
        let account = store.and_then(SomeonesStore::account);
        if let Some(account) = account {
            write(&folder.path().join("bind.dn"), &account.bind_dn)?;
            write(&folder.path().join("bind.password"), &account.bind_password)?;
        }
        let is_directory = account.is_some();
        let store = if let Some(store) = store {
            write(&folder.path().join("store.url"), store.url())?;
            "${file:store.url}"
        } else {
            store::create(&folder.path().join("legacy.db")).await?;
            "sqlite:legacy.db"
        };
        templates::write_scripts(folder.path())?;
        for name in [SCRIPT_CLIENT, OTHER_CLIENT, KEEPER_CLIENT] {
            write(
                &folder.path().join(format!("{name}.secret")),
                &random_token()?,
            )?;
        }
        write(&folder.path().join("pseudonym.key"), &random_token()?)?;
        Ok(Self {
            folder,
            ports,
            store,
            is_directory,
        })
    }

    /// The secret of a client.
    pub(crate) fn secret(&self, client: &str) -> Result<String> {
        let path = self.folder.path().join(format!("{client}.secret"));
        std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    }

    /// Writes the config of a chain as `name` and returns where it stands.
    pub(crate) fn write_config(
        &self,
        name: &str,
        gateway: Option<GatewayConfig>,
        tenant: Option<TenantConfig>,
    ) -> Result<PathBuf> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
        let text = environment.render_str(
            templates::DEMO_CONFIG,
            context! {
                gateway => Serde(gateway),
                tenant => Serde(tenant),
                ports => Serde(self.ports),
                store => self.store,
                is_directory => self.is_directory,
                audience => AUDIENCE,
                other_audience => OTHER_AUDIENCE,
                application => APPLICATION,
                script_client => SCRIPT_CLIENT,
                other_client => OTHER_CLIENT,
                keeper_client => KEEPER_CLIENT,
                password => PASSWORD,
            },
        )?;
        let path = self.folder.path().join(name);
        write(&path, &text)?;
        Ok(path)
    }

    /// Writes the config of the whole chain as it stands after the tour, for `lychgate attack`, and returns where it stands.
    pub(crate) fn config_for_attacks(&self) -> Result<PathBuf> {
        let gateway = GatewayConfig::chain(self.ports);
        let tenant = TenantConfig::chain(self.ports, TenantPolicy::WITH_ACCESS_POLICY);
        self.write_config("attack.toml", Some(gateway), Some(tenant))
    }

    /// Writes a config and reads it as `lychgate serve` does.
    pub(crate) fn config(
        &self,
        gateway: Option<GatewayConfig>,
        tenant: Option<TenantConfig>,
    ) -> Result<Config> {
        let path = self.write_config("lychgate.toml", gateway, tenant)?;
        config::read(&path).context("the demo's own config")
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
