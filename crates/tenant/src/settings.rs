//! What a tenant is told before it starts. Every value is legal by itself; [`crate::Tenant::start`] checks that they fit.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use lychgate_listener::{Limits, Transport};
use lychgate_token::Algorithm;

use crate::{Client, Connection, Issuer, Policy};

/// A tenant, as configured.
pub struct Settings {
    /// Its name, under which browsers and APIs reach it.
    pub issuer: Issuer,
    /// Where it listens.
    pub listen: SocketAddr,
    /// What it speaks there.
    pub transport: Transport,
    /// The listener's bounds.
    pub limits: Limits,
    /// The SQLite file that holds its state; made where it is absent.
    pub state: PathBuf,
    /// What signs its tokens; the platform's default is RS256.
    pub signing_algorithm: Algorithm,
    /// The clients.
    pub clients: Vec<Client>,
    /// The connections; the first is the one of a request that names none.
    pub connections: Vec<Connection>,
    /// Who may get which token.
    pub policy: Policy,
    /// A folder into which mails are written. Without it nobody can ask for one.
    pub outbox: Option<PathBuf>,
    /// How long things last.
    pub lifetimes: Lifetimes,
}

/// How long things last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    /// From `/authorize` to the right password.
    pub login: Duration,
    /// From the login to the next time a password is asked for.
    pub session: Duration,
    /// From the code to its exchange (RFC 6749 §4.1.2 advises at most ten minutes).
    pub code: Duration,
    /// From the code to the end of the last refresh token that comes of it.
    pub refresh_token: Duration,
    /// From a mail to the click on its link.
    pub ticket: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            login: Duration::from_hours(1),
            session: Duration::from_hours(72),
            code: Duration::from_mins(1),
            refresh_token: Duration::from_hours(720),
            ticket: Duration::from_hours(24),
        }
    }
}
