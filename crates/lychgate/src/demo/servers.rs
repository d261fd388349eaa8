//! The servers of the demo, and a way to ask them.

use std::time::Duration;

use anyhow::{Context as _, Result};
use lychgate_gateway::Gateway;
use lychgate_tenant::{Handle, Tenant};
use reqwest::redirect::Policy as Redirects;
use reqwest::{Client, Url};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::deployment::{Deployment, GatewayConfig, TenantConfig, TenantPolicy};
use super::ports::Ports;
use super::store::SomeonesStore;

/// How long an answer may take before the tour calls it none.
const PATIENCE: Duration = Duration::from_secs(30);

/// Everything that runs.
pub(crate) struct Servers {
    /// Follows no redirect and keeps no cookie: what comes back is what was sent.
    pub(crate) http: Client,
    /// The tenant of the chain.
    pub(crate) tenant: TenantAt,
    /// A tenant that the gateway does not know.
    pub(crate) stranger: TenantAt,
    /// The gateway of the chain.
    pub(crate) gateway: Url,
    /// A gateway that lets in only networks where nobody is.
    pub(crate) elsewhere: Url,
    /// Where the sample application is, or will be.
    pub(crate) application: Url,
    pub(crate) deployment: Deployment,
    running: Running,
}

/// A tenant that runs.
pub(crate) struct TenantAt {
    pub(crate) issuer: Url,
    pub(crate) handle: Handle,
}

impl TenantAt {
    /// One of its endpoints.
    pub(crate) fn endpoint(&self, path: &str) -> Result<Url> {
        Ok(self.issuer.join(path)?)
    }
}

impl Servers {
    /// Starts everything, with the tenant as a platform is by default.
    pub(crate) async fn start(ports: Ports, store: Option<&SomeonesStore>) -> Result<Self> {
        let deployment = Deployment::new(ports, store).await?;
        let mut running = Running {
            servers: JoinSet::new(),
            stop: CancellationToken::new(),
        };
        let tenant = running
            .tenant(
                &deployment,
                TenantConfig::chain(ports, TenantPolicy::DEFAULT),
            )
            .await?;
        let stranger = running
            .tenant(&deployment, TenantConfig::stranger(ports))
            .await?;
        let gateway = running
            .gateway(&deployment, GatewayConfig::chain(ports))
            .await?;
        let elsewhere = running
            .gateway(&deployment, GatewayConfig::elsewhere(ports))
            .await?;
        Ok(Self {
            http: Client::builder()
                .redirect(Redirects::none())
                .timeout(PATIENCE)
                .build()?,
            tenant,
            stranger,
            gateway,
            elsewhere,
            application: Url::parse(&format!("http://127.0.0.1:{}/", ports.application))?,
            deployment,
            running,
        })
    }

    /// Where the application is sent codes.
    pub(crate) fn callback(&self) -> Result<Url> {
        Ok(self.application.join("callback")?)
    }

    /// Puts another policy in force at the tenant of the chain.
    pub(crate) fn adopt(&self, policy: TenantPolicy) -> Result<()> {
        let config = self.deployment.config(
            None,
            Some(TenantConfig::chain(self.deployment.ports, policy)),
        )?;
        let settings = config.tenant.context("the config has a tenant")?;
        Ok(self.tenant.handle.adopt(settings.policy)?)
    }

    /// Stops everything and waits for it.
    pub(crate) async fn stop(mut self) -> Result<()> {
        self.running.stop.cancel();
        while let Some(ended) = self.running.servers.join_next().await {
            ended??;
        }
        Ok(())
    }
}

/// The servers' tasks, and what ends them.
struct Running {
    servers: JoinSet<Result<()>>,
    stop: CancellationToken,
}

impl Running {
    async fn tenant(&mut self, deployment: &Deployment, config: TenantConfig) -> Result<TenantAt> {
        let settings = deployment
            .config(None, Some(config))?
            .tenant
            .context("the config has a tenant")?;
        let tenant = Tenant::start(settings).await?;
        let at = TenantAt {
            issuer: Url::parse(tenant.issuer().as_str())?,
            handle: tenant.handle(),
        };
        let stop = self.stop.clone();
        self.servers
            .spawn(async move { Ok(tenant.run(stop).await.map(|_drained| ())?) });
        Ok(at)
    }

    async fn gateway(&mut self, deployment: &Deployment, config: GatewayConfig) -> Result<Url> {
        let settings = deployment
            .config(Some(config), None)?
            .gateway
            .context("the config has a gateway")?;
        let gateway = Gateway::start(settings).await?;
        let at = Url::parse(&format!("http://{}/", gateway.address()))?;
        let stop = self.stop.clone();
        self.servers
            .spawn(async move { Ok(gateway.run(stop).await.map(|_drained| ())?) });
        Ok(at)
    }
}
