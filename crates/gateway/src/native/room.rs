//! A connection at a door, from its first byte to its last: proven, allowed, announced to the server, passed on.
//!
//! In comes a connection from an allowed network; what goes on to the server is a session of a user and a database that
//! config names, over a connection whose client has proven its certificate. A client that is told why it is refused is
//! told in its own protocol, and not for long.

use std::collections::BTreeSet;
use std::io;
use std::time::{Duration, Instant};

use lychgate_listener::{AdmittedPeer, Proven};
use lychgate_store::{StoreKind, Upstream};
use lychgate_token::random_bytes;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::relay::{Passed, relay};
use super::{DoorTls, NativeLimits, Sessions, mysql, postgres};
use crate::audit::native::NativeSession;
use crate::way::request_id;

/// What every session of a door shares.
pub(super) struct Room {
    pub(super) tls: DoorTls,
    pub(super) upstream: Upstream,
    pub(super) users: BTreeSet<String>,
    pub(super) databases: BTreeSet<String>,
    pub(super) limits: NativeLimits,
}

/// The two ends of a session that may begin, and what the server is told first.
struct Opened {
    client: Box<dyn Stream>,
    server: Box<dyn Stream>,
    first: Vec<u8>,
    /// Whether commands are looked at on their way.
    is_mysql: bool,
}

/// Why there is no session: a word for the audit line.
struct Refused(&'static str);

/// Bytes, both ways.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl From<io::Error> for Refused {
    fn from(_: io::Error) -> Self {
        Self("broken-off")
    }
}

impl Room {
    /// A connection, from its first byte to its last.
    pub(super) async fn session(
        &self,
        sessions: &Sessions,
        peer: AdmittedPeer,
        stream: TcpStream,
        stop: &CancellationToken,
    ) {
        let began = Instant::now();
        let mut session = NativeSession::new(request_id(), peer.address(), self.upstream.kind());
        let opening = async {
            match self.upstream.kind() {
                StoreKind::Mysql => self.open_mysql(stream, &mut session).await,
                StoreKind::Postgres | StoreKind::Sqlite => {
                    self.open_postgres(stream, &mut session).await
                }
            }
        };
        let opened = tokio::select! {
            opened = timeout(self.limits.opening, opening) => {
                opened.unwrap_or(Err(Refused("too-slow")))
            }
            () = stop.cancelled() => Err(Refused("stopping")),
        };
        match opened {
            Ok(opened) => {
                let passing = self.pass(opened, sessions, &session, began, stop);
                passing.await;
            }
            Err(Refused(reason)) => {
                let took = began.elapsed();
                sessions.refused(&session, reason, took).await;
            }
        }
    }

    /// Passes on what both ends say, once there is a line about it.
    async fn pass(
        &self,
        mut opened: Opened,
        sessions: &Sessions,
        session: &NativeSession,
        began: Instant,
        stop: &CancellationToken,
    ) {
        let Some(open) = sessions.opened(session, began.elapsed()).await else {
            return;
        };
        let mut commands = opened.is_mysql.then(mysql::Commands::default);
        let may_pass = |bytes: &[u8]| match &mut commands {
            Some(commands) => commands.may_pass(bytes, |name| self.databases.contains(name)),
            None => true,
        };
        let passed = match opened.server.write_all(&opened.first).await {
            Ok(()) => relay(opened.client, opened.server, self.limits, may_pass, stop).await,
            Err(_) => Passed::default(),
        };
        sessions
            .closed(open, session, passed, began.elapsed())
            .await;
    }

    async fn open_postgres(
        &self,
        mut stream: TcpStream,
        session: &mut NativeSession,
    ) -> Result<Opened, Refused> {
        let mut first = [0];
        stream.peek(&mut first).await?;
        let [first] = first;
        let opening = match postgres::until_tls(&mut stream, first).await? {
            Ok(opening) => opening,
            Err(flaw) => {
                let text = "this server is reached with TLS and a client certificate only";
                return Err(say(stream, &postgres::refusal("28000", text), flaw.reason()).await);
            }
        };
        let mut client = self.prove(stream, session).await?;
        let is_named = client.protocol.as_deref() == Some(postgres::ALPN);
        if opening == postgres::Opening::Direct && !is_named {
            return Err(Refused("protocol-not-named"));
        }
        let message = match postgres::first(&mut client.stream).await? {
            Ok(postgres::First::Startup(startup)) => {
                let database = Some(startup.database.as_str());
                if let Err(Refused(reason)) = self.allow(&startup.user, database, session) {
                    let text = "this user and this database are not reached by this way";
                    let message = postgres::refusal("28000", text);
                    return Err(say(client.stream, &message, reason).await);
                }
                startup.message
            }
            Ok(postgres::First::Cancel(message)) => message,
            Err(flaw) => {
                let text = "the startup message is not one that is passed on";
                let message = postgres::refusal("28000", text);
                return Err(say(client.stream, &message, flaw.reason()).await);
            }
        };
        match self.postgres_server().await {
            Ok(server) => Ok(Opened {
                client: Box::new(client.stream),
                server,
                first: message,
                is_mysql: false,
            }),
            Err(error) => {
                tracing::error!("the native interface: its server is not reached: {error}");
                let message = postgres::refusal("57P03", "the server cannot be reached");
                Err(say(client.stream, &message, "upstream-unavailable").await)
            }
        }
    }

    async fn postgres_server(&self) -> io::Result<Box<dyn Stream>> {
        let mut server = self.upstream.connect().await?;
        if !self.upstream.is_encrypted() {
            return Ok(Box::new(server));
        }
        server.write_all(&postgres::ASK_FOR_TLS).await?;
        if server.read_u8().await? != b'S' {
            return Err(io::Error::other("it has no TLS"));
        }
        Ok(Box::new(self.upstream.secure(server).await?))
    }

    async fn open_mysql(
        &self,
        mut stream: TcpStream,
        session: &mut NativeSession,
    ) -> Result<Opened, Refused> {
        let challenge = random_bytes().map_err(|_| Refused("no-random-bytes"))?;
        stream.write_all(&mysql::greeting(challenge)).await?;
        let asked = mysql::read_packet(&mut stream, 1).await?;
        if let Err(flaw) = asked.and_then(|payload| mysql::read_tls_request(&payload)) {
            let text = "this server is reached with TLS and a client certificate only";
            return Err(say(stream, &mysql::refusal(2, text), flaw.reason()).await);
        }
        let mut client = self.prove(stream, session).await?;
        let response = mysql::read_packet(&mut client.stream, 2).await?;
        let login = response.and_then(|payload| mysql::Login::parse(&payload));
        let allowed = login
            .map_err(|flaw| Refused(flaw.reason()))
            .and_then(|login| {
                self.allow(&login.user, login.database.as_deref(), session)
                    .map(|()| login)
            });
        let login = match allowed {
            Ok(login) => login,
            Err(Refused(reason)) => {
                let text = "this session is not one that is passed on";
                return Err(say(client.stream, &mysql::refusal(3, text), reason).await);
            }
        };
        match self.mysql_server(&login).await {
            Ok(server) => Ok(Opened {
                client: Box::new(client.stream),
                server,
                first: login.response(),
                is_mysql: true,
            }),
            Err(error) => {
                tracing::error!("the native interface: its server is not reached: {error}");
                let message = mysql::refusal(3, "the server cannot be reached");
                Err(say(client.stream, &message, "upstream-unavailable").await)
            }
        }
    }

    async fn mysql_server(&self, login: &mysql::Login) -> io::Result<Box<dyn Stream>> {
        let mut server = self.upstream.connect().await?;
        let greeting = mysql::read_packet(&mut server, 0).await?;
        greeting
            .and_then(|greeting| mysql::is_fit(&greeting))
            .map_err(|flaw| io::Error::other(flaw.reason()))?;
        server.write_all(&login.tls_request()).await?;
        Ok(Box::new(self.upstream.secure(server).await?))
    }

    /// The handshake, at whose end the client has proven a certificate.
    async fn prove(
        &self,
        stream: TcpStream,
        session: &mut NativeSession,
    ) -> Result<Proven<TcpStream>, Refused> {
        let tls = self.tls.current();
        let proven = tls.accept(stream).await;
        let client = proven.map_err(|fault| Refused(fault.name()))?;
        session.certificate = Some(client.certificate);
        Ok(client)
    }

    /// Whether config names the user and the database. Only what it names gets into the line.
    fn allow(
        &self,
        user: &str,
        database: Option<&str>,
        session: &mut NativeSession,
    ) -> Result<(), Refused> {
        let user = self.users.get(user).ok_or(Refused("user-not-allowed"))?;
        session.user = Some(user.clone());
        if let Some(database) = database {
            let database = self.databases.get(database);
            session.database = Some(database.ok_or(Refused("database-not-allowed"))?.clone());
        }
        Ok(())
    }
}

/// Says why in the client's own protocol, if it listens.
async fn say(mut client: impl Stream, message: &[u8], reason: &'static str) -> Refused {
    let said = async {
        client.write_all(message).await?;
        client.shutdown().await?;
        // Until the client has closed: over bytes that nobody has read a socket ends in a reset, and nothing is heard.
        let mut rest = client.take(UNREAD_BYTES);
        tokio::io::copy(&mut rest, &mut tokio::io::sink()).await
    };
    drop(timeout(GOODBYE, said).await);
    Refused(reason)
}

/// Bytes of a refused client that are read and thrown away.
const UNREAD_BYTES: u64 = 16 * 1024;

/// How long a client may take to hear why.
pub(super) const GOODBYE: Duration = Duration::from_secs(1);
