//! A gateway from its start to its stop.

use std::net::SocketAddr;
use std::sync::Arc;

use lychgate_listener::{Drained, Listener, Live, Peer, Transport};
use lychgate_token::UnixTime;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::access_token::discovery::Discovery;
use crate::admin::{self, Admin, Names};
use crate::admin_socket::{AdminSocket, Operator};
use crate::admission::Admission;
use crate::adoption::{Adoption, KeyKeeping};
use crate::audit::pseudonym::LedgerKey;
use crate::audit::{RefusalLines, Refusals, Writer};
use crate::error::Error;
use crate::idempotency::Idempotency;
use crate::ledger::{LedgerSettings, LedgerWriter, Recorder};
use crate::legacy::{Decoys, Legacy};
use crate::lockout::Lockout;
use crate::metrics::{Metrics, Readings};
use crate::native::{Door, Sessions};
use crate::possession::Memory;
use crate::rate::Rates;
use crate::rules::Rules;
use crate::settings::{AdminEndpoint, ClientAddress, Endpoint, Limits, Settings};
use crate::upgrade::{UpgradeQueue, Upgrading};
use crate::way::Way;

/// The guarded API in front of a legacy store, bound and ready to run.
pub struct Gateway {
    listener: Listener,
    admin_listener: Listener,
    admin_socket: Option<AdminSocket>,
    doors: Vec<Door>,
    sessions: Arc<Sessions>,
    way: Arc<Way>,
    metrics: Arc<Metrics>,
    key_keeping: KeyKeeping,
    refusals: Refusals,
    refusal_lines: RefusalLines,
    upgrade_queue: UpgradeQueue,
    ledger_writer: Option<LedgerWriter>,
}

impl Gateway {
    /// Opens the store, proves every statement, starts the pool, and binds. It does not wait for the issuer: until its
    /// keys are there, whoever calls is told to come again.
    #[expect(
        clippy::too_many_lines,
        reason = "a list of the rooms that there are, each opened once"
    )]
    pub async fn start(settings: Settings) -> Result<Self, Error> {
        settings.access_token.refuse_empty_lists()?;
        settings.limits.lockout.check()?;
        let now = UnixTime::now();
        let pseudonym_key = settings.audit.pseudonym_key.clone();
        let ledger_key = pseudonym_key.ledger_key();
        let decoys = Decoys {
            mix: settings.decoys,
            key: pseudonym_key.decoy_key(),
        };
        // On the heap, as to open a store is a long story, too.
        let opening = Legacy::open(
            settings.store,
            &settings.profile,
            settings.passwords,
            decoys,
            settings.new_passwords,
            settings.limits.upgrades,
        );
        let (legacy, upgrade_queue) = Box::pin(opening).await?;
        let legacy = Arc::new(legacy);
        let keys = settings.access_token.keys;
        let discovery = Discovery::new(keys.fetch, keys.answer_bytes).map_err(Error::KeyClient)?;
        let listener = bind(settings.listen, &settings.client_address, &settings.limits)?;
        let admin_listener = bind_admin(settings.admin_listen, &settings.limits)?;
        let doors = settings.natives.into_iter().map(Door::bind);
        let doors = doors.collect::<Result<_, _>>()?;
        let admin_socket = settings.admin_socket.as_deref();
        let admin_socket = admin_socket.map(AdminSocket::bind).transpose()?;
        let rates = Arc::new(Rates::new(settings.limits.rates));
        let admission = Admission::new(settings.allowlist, settings.client_address);
        let memory = Memory::new(&pseudonym_key.nonce_key(), settings.limits.replay_entries);
        let rules = Rules::new(admission, settings.access_token, Arc::new(memory), now);
        let rules = Arc::new(Live::new(rules));
        let lockout = Lockout::new(settings.limits.lockout);
        let idempotency_key = pseudonym_key.idempotency_key();
        let idempotency = Idempotency::new(settings.limits.idempotency, &idempotency_key);
        let (ledger, ledger_writer) = start_ledger(settings.ledger, ledger_key, now).await?;
        // It begins with a line that says that we have started: after all that could keep us from it.
        let audit = Arc::new(Box::pin(Writer::open(settings.audit)).await?);
        let refused_lines = settings.limits.refused_connection_lines;
        let sessions = Sessions::new(Arc::clone(&audit), refused_lines, now);
        let readings = Readings {
            rates: Arc::clone(&rates),
            idempotency: Arc::clone(&idempotency),
            audit: Arc::clone(&audit),
            lockout: Arc::clone(&lockout),
            connections: listener.counters(),
            admin_connections: admin_listener.counters(),
            native: sessions.counts(),
            legacy: Arc::clone(&legacy),
            rules: Arc::clone(&rules),
            ledger: ledger.as_ref().map_or_else(Arc::default, Recorder::counts),
        };
        let metrics = Arc::new(Metrics::new(readings));
        let (refusals, refusal_lines) = Refusals::new(refused_lines, now);
        let way = Way {
            rules,
            rates,
            identifiers: settings.identifiers,
            idempotency,
            canaries: settings.canaries,
            lockout,
            legacy,
            audit,
            pseudonym_key,
            ledger,
            metrics: Arc::clone(&metrics),
            places: Arc::new(Semaphore::new(settings.limits.requests)),
            limits: settings.limits,
            tasks: TaskTracker::new(),
        };
        Ok(Self {
            listener,
            admin_listener,
            admin_socket,
            doors,
            sessions,
            way: Arc::new(way),
            metrics,
            key_keeping: KeyKeeping::new(discovery),
            refusals,
            refusal_lines,
            upgrade_queue,
            ledger_writer,
        })
    }

    /// Where calls come in, with the real port.
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// Where the doors of the native interface are, with the real ports, in the order of config.
    pub fn native_addresses(&self) -> Vec<SocketAddr> {
        self.doors.iter().map(Door::address).collect()
    }

    /// Where the operator looks in, with the real port.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin_listener.address()
    }

    /// Who puts other settings in force while this gateway runs.
    pub fn adoption(&self) -> Adoption {
        Adoption {
            rules: Arc::clone(&self.way.rules),
            tls: self.listener.tls(),
            admin_tls: self.admin_listener.tls(),
            doors: self.doors.iter().map(Door::tls).collect(),
            audit: Arc::clone(&self.way.audit),
            metrics: Arc::clone(&self.metrics),
            key_keeping: self.key_keeping.clone(),
        }
    }

    /// Runs until `stop`; then accepts no more, finishes what runs, and says how long that took. The admin listener and
    /// the issuer's keys stay until the last request is answered.
    pub async fn run(self, stop: CancellationToken) -> Result<Drained, Error> {
        let end = self.key_keeping.end.clone();
        let _end_with_this_run = end.clone().drop_guard();
        let background = self.key_keeping.tasks.clone();
        for issuer in self.way.rules.current().access_tokens.issuers() {
            self.key_keeping.keep_fresh(Arc::clone(issuer));
        }
        let (lines, audit, until) = (self.refusal_lines, Arc::clone(&self.way.audit), end.clone());
        background.spawn(async move { lines.write(&audit, &until).await });
        let upgrading = Upgrading {
            legacy: Arc::clone(&self.way.legacy),
            audit: Arc::clone(&self.way.audit),
            pseudonym_key: self.way.pseudonym_key.clone(),
            stop: stop.clone(),
            end: end.clone(),
        };
        background.spawn(self.upgrade_queue.run(upgrading));
        if let Some(writer) = self.ledger_writer {
            background.spawn(writer.run(end.clone()));
        }
        let operator = Admin {
            rules: Arc::clone(&self.way.rules),
            legacy: Arc::clone(&self.way.legacy),
            metrics: self.metrics,
            names: match self.admin_listener.tls() {
                Some(_) => Names::Any,
                None => Names::Loopback,
            },
            stop: stop.clone(),
        };
        background.spawn(serve_admin(self.admin_listener, operator, end.clone()));
        if let Some(socket) = self.admin_socket {
            let operator = Operator {
                lockout: Arc::clone(&self.way.lockout),
                identifiers: self.way.identifiers,
                pseudonym_key: self.way.pseudonym_key.clone(),
                audit: Arc::clone(&self.way.audit),
            };
            background.spawn(socket.serve(operator, end.clone()));
        }

        for door in self.doors {
            let (way, refusals) = (Arc::clone(&self.way), self.refusals.clone());
            let admit = move |peer: Peer| {
                let admitted = way.rules.current().admission.native(peer);
                admitted
                    .inspect_err(|peer| refusals.note(peer.address().ip()))
                    .ok()
            };
            let sessions = Arc::clone(&self.sessions);
            background.spawn(door.run(sessions, admit, stop.clone()));
        }
        let (way, refusals) = (Arc::clone(&self.way), self.refusals);
        let admit = move |peer| {
            way.rules
                .current()
                .admission
                .connection(peer)
                .inspect_err(|peer| refusals.note(peer.address().ip()))
                .ok()
        };
        let way = Arc::clone(&self.way);
        let drained = self
            .listener
            .serve(
                admit,
                move |connection, request| Arc::clone(&way).answer(connection, request),
                stop,
            )
            .await;
        self.way.finish().await;
        end.cancel();
        background.close();
        background.wait().await;
        if let Err(error) = self.way.audit.stop().await {
            tracing::error!("the last audit line of this run was not written: {error}");
        }
        Ok(drained)
    }
}

impl Way {
    /// Waits for requests whose callers are gone, as long as a request may take.
    async fn finish(&self) {
        self.tasks.close();
        if timeout(self.limits.request, self.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!("requests were still running at the end of their time");
            if let Some(ledger) = &self.ledger {
                ledger.lose_track();
            }
        }
    }
}

async fn start_ledger(
    settings: Option<LedgerSettings>,
    key: LedgerKey,
    now: UnixTime,
) -> Result<(Option<Recorder>, Option<LedgerWriter>), Error> {
    let Some(settings) = settings else {
        return Ok((None, None));
    };
    // On the heap, as it is a long story and few have one.
    let (recorder, writer) = Box::pin(Recorder::start(settings, key, now)).await?;
    Ok((Some(recorder), Some(writer)))
}

async fn serve_admin(listener: Listener, admin: Admin, stop: CancellationToken) {
    let admin = Arc::new(admin);
    let answer = move |_, request| {
        let admin = Arc::clone(&admin);
        async move { admin.answer(&request).await }
    };
    listener.serve(Some, answer, stop).await;
}

fn bind(
    endpoint: Endpoint,
    client_address: &ClientAddress,
    limits: &Limits,
) -> Result<Listener, Error> {
    let (address, transport) = match endpoint {
        Endpoint::Plain(loopback) => (loopback.address(), Transport::Plain),
        Endpoint::Tls(address, tls) => (address, Transport::Tls(tls)),
        Endpoint::TerminatedByTrustedProxy(address) => match client_address {
            ClientAddress::Peer => return Err(Error::NoTrustedProxy),
            ClientAddress::ProxyProtocol(_) | ClientAddress::Field(..) => {
                (address, Transport::Plain)
            }
        },
    };
    let listener = Listener::bind(address, transport, limits.listener.clone())?;
    Ok(match client_address {
        ClientAddress::ProxyProtocol(proxies) => listener.behind(proxies.clone()),
        ClientAddress::Peer | ClientAddress::Field(..) => listener,
    })
}

fn bind_admin(endpoint: AdminEndpoint, limits: &Limits) -> Result<Listener, Error> {
    let (address, transport) = match endpoint {
        AdminEndpoint::Plain(loopback) => (loopback.address(), Transport::Plain),
        AdminEndpoint::MutualTls(address, tls) => (address, Transport::Tls(tls.into())),
    };
    let limits = lychgate_listener::Limits {
        connections: admin::CONNECTIONS,
        ..limits.listener.clone()
    };
    Ok(Listener::bind(address, transport, limits)?)
}
