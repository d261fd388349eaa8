//! The lines of the native interface: sessions in the database's own protocol, which have no requests.

use std::net::IpAddr;
use std::time::Duration;

use lychgate_listener::CertificateThumbprint;
use lychgate_store::StoreKind;
use lychgate_token::UnixTime;

use super::hex;
use super::line::Line;
use super::{Outcome, Step, micros};

/// What is known of a session. Only a user and a database that config names are ever in it.
pub(crate) struct NativeSession {
    id: String,
    address: IpAddr,
    protocol: &'static str,
    pub(crate) certificate: Option<CertificateThumbprint>,
    pub(crate) user: Option<String>,
    pub(crate) database: Option<String>,
}

/// How a session ended.
pub(crate) struct NativeEnd {
    pub(crate) from_client: u64,
    pub(crate) from_server: u64,
    /// Why it was cut, if it was.
    pub(crate) reason: Option<&'static str>,
}

impl NativeSession {
    pub(crate) fn new(id: String, address: IpAddr, kind: StoreKind) -> Self {
        Self {
            id,
            address,
            protocol: match kind {
                StoreKind::Mysql => "mysql",
                StoreKind::Postgres | StoreKind::Sqlite => "postgres",
            },
            certificate: None,
            user: None,
            database: None,
        }
    }

    /// It begins.
    pub(crate) fn opened(&self, time: UnixTime, took: Duration) -> Line<'_> {
        self.line(time, Outcome::Opened, took)
    }

    /// It has ended.
    pub(crate) fn closed(&self, time: UnixTime, end: &NativeEnd, took: Duration) -> Line<'_> {
        Line {
            reason: end.reason,
            bytes_from_client: Some(end.from_client),
            bytes_from_server: Some(end.from_server),
            ..self.line(time, Outcome::Closed, took)
        }
    }

    /// It was not let through; and before it so many of which there was no room to tell.
    pub(crate) fn refused(
        &self,
        time: UnixTime,
        (reason, untold): (&'static str, u64),
        took: Duration,
    ) -> Line<'_> {
        Line {
            reason: Some(reason),
            untold: Some(untold),
            ..self.line(time, Outcome::Refused, took)
        }
    }

    fn line(&self, time: UnixTime, outcome: Outcome, took: Duration) -> Line<'_> {
        Line {
            request_id: Some(&self.id),
            address: Some(self.address),
            outcome: outcome.name(),
            protocol: Some(self.protocol),
            certificate: self
                .certificate
                .map(|certificate| hex::encode(certificate.as_bytes())),
            user: self.user.as_deref(),
            database: self.database.as_deref(),
            duration_us: Some(micros(took)),
            ..Line::new("native-session", time, Step::Session)
        }
    }
}
