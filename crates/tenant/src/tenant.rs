//! A tenant from its settings to its last answer.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    routing::{get, patch, post},
};
use lychgate_listener::{Drained, Listener, Live, Tls};
use lychgate_token::{SigningKey, UnixTime};
use tokio_util::sync::CancellationToken;

use crate::{
    ConnectionStatistics, Error, Issuer, Policy, Settings,
    access::Access,
    authorize,
    connections::Database,
    context::{Context, TokenRequests, clients_by_id, databases},
    database_connections, discovery, edge, grants, login, logout, management, page,
    possession::Proofs,
    revoke,
    state::State,
    tickets,
    tokens::Keys,
    userinfo,
};

/// How often expired rows are looked for.
const PURGE_EVERY: Duration = Duration::from_mins(1);

/// A tenant that is bound to its address and has not answered yet.
pub struct Tenant {
    context: Arc<Context>,
    listener: Listener,
}

/// What can be asked of a tenant, and done to it, while it runs.
#[derive(Clone)]
pub struct Handle {
    context: Arc<Context>,
}

impl Tenant {
    /// Checks that the settings fit, opens the state, makes the signing key if there is none, and binds the address.
    pub async fn start(settings: Settings) -> Result<Self, Error> {
        let clients = clients_by_id(settings.clients)?;
        let access = Access::new(settings.policy, &settings.issuer, &clients)?;
        let databases = databases(settings.connections)?;
        if let Some(folder) = settings.outbox.as_ref().filter(|folder| !folder.is_dir()) {
            return Err(Error::Setting {
                what: "outbox",
                value: folder.display().to_string(),
                reason: "is not a folder: make it, or leave the key out",
            });
        }
        let state = State::open(&settings.state).await?;
        let keys = Keys::open(&state, settings.signing_algorithm, UnixTime::now()).await?;
        let listener = Listener::bind(settings.listen, settings.transport, settings.limits)
            .map_err(Error::Listener)?;
        let proofs = Proofs::new(&settings.issuer)?;
        let context = Context {
            issuer: settings.issuer,
            state,
            keys,
            proofs,
            lifetimes: settings.lifetimes,
            outbox: settings.outbox,
            token_requests: TokenRequests::of(&clients),
            clients,
            databases,
            access: std::sync::RwLock::new(Arc::new(access)),
        };
        Ok(Self {
            context: Arc::new(context),
            listener,
        })
    }

    /// The address that is bound, with the real port.
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// The tenant's name.
    pub fn issuer(&self) -> &Issuer {
        &self.context.issuer
    }

    /// Where TLS is spoken, the certificate that is in force, to be replaced at any time.
    pub fn tls(&self) -> Option<Arc<Live<Tls>>> {
        self.listener.tls()
    }

    /// What can be asked while it runs.
    pub fn handle(&self) -> Handle {
        Handle {
            context: Arc::clone(&self.context),
        }
    }

    /// Answers until `stop`, then finishes what runs and closes the state.
    pub async fn run(self, stop: CancellationToken) -> Result<Drained, Error> {
        let served = stop.child_token();
        let purging = tokio::spawn(purge(Arc::clone(&self.context), served.clone()));
        let router = router(Arc::clone(&self.context));
        let context = Arc::clone(&self.context);
        let answer = move |address, request| {
            edge::answer(Arc::clone(&context), router.clone(), address, request)
        };
        let drained = self
            .listener
            .serve(
                |peer| Some(edge::ClientAddress(peer.address().ip())),
                answer,
                stop,
            )
            .await;
        served.cancel();
        purging
            .await
            .map_err(|_| Error::Internal("the task that purges expired rows panicked"))?;
        self.context.state.close().await;
        Ok(drained)
    }
}

/// The key that signs the tokens of a tenant with these settings, if it has been started before: for its operator, who
/// attacks it. Nothing is made.
pub async fn signing_key(settings: &Settings) -> Result<Option<SigningKey>, Error> {
    if !settings.state.is_file() {
        return Ok(None);
    }
    let state = State::open(&settings.state).await?;
    let key = state.signing_key(settings.signing_algorithm).await;
    state.close().await;
    key
}

impl Handle {
    /// How often a client has proven itself at the token endpoint, whatever came of it.
    pub fn token_requests(&self, client_id: &str) -> u64 {
        self.context.token_requests.seen(client_id)
    }

    /// What the container of a connection has done; `None` if there is no such connection.
    pub fn connection_statistics(&self, name: &str) -> Option<ConnectionStatistics> {
        self.context.database(Some(name)).map(Database::statistics)
    }

    /// Puts another policy in force for the requests to come; an error leaves the old one in force.
    pub fn adopt(&self, policy: Policy) -> Result<(), Error> {
        let context = &self.context;
        context.adopt(Access::new(policy, &context.issuer, &context.clients)?);
        Ok(())
    }
}

/// The routes, in the order of a login.
fn router(context: Arc<Context>) -> Router {
    let mut router = Router::new()
        .route(
            "/.well-known/openid-configuration",
            get(discovery::metadata),
        )
        .route(
            "/.well-known/oauth-authorization-server",
            get(discovery::metadata),
        )
        .route("/.well-known/jwks.json", get(discovery::keys))
        .route(
            "/authorize",
            get(authorize::by_query).post(authorize::by_form),
        )
        .route("/u/login", get(login::show).post(login::submit))
        .route("/u/style.css", get(page::style))
        .route("/oauth/token", post(grants::token))
        .route("/oauth/revoke", post(revoke::revoke))
        .route(
            "/userinfo",
            get(userinfo::userinfo).post(userinfo::userinfo),
        )
        .route(
            "/oidc/logout",
            get(logout::rp_initiated).post(logout::confirmed),
        )
        .route("/v2/logout", get(logout::platform))
        .route("/dbconnections/signup", post(database_connections::signup))
        .route(
            "/u/reset-password",
            get(tickets::show_password_change).post(tickets::change_password),
        )
        .route("/u/email-verification", get(tickets::verify_email))
        .route(
            "/api/v2/users/{id}",
            patch(management::update_user).delete(management::delete_user),
        )
        .route(
            "/api/v2/tickets/password-change",
            post(management::password_change_ticket),
        )
        .route(
            "/api/v2/tickets/email-verification",
            post(management::email_verification_ticket),
        );
    if context.outbox.is_some() {
        router = router.route(
            "/dbconnections/change_password",
            post(database_connections::change_password),
        );
    }
    router.with_state(context)
}

/// Takes expired rows away, a bounded number at a time, until `stop`.
async fn purge(context: Arc<Context>, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(PURGE_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        match context.state.purge(UnixTime::now()).await {
            Ok(0) => {}
            Ok(rows) => tracing::debug!(rows, "purged expired rows"),
            Err(error) => {
                tracing::error!(error = error.chain(), "expired rows could not be purged");
            }
        }
    }
}
