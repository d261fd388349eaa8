//! Tickets: links in mails that may be followed once.

use lychgate_token::UnixTime;
use serde::{Deserialize, Serialize};
use sqlx::Row;

use super::{Reference, State, from_json, to_json};
use crate::Error;

/// Tickets that may be open at once: anybody may ask for a mail.
const TICKETS: i64 = 100_000;
/// Tickets that may be open at once for one address: nobody's mailbox is flooded.
const TICKETS_OF_ONE: i64 = 5;

/// What a ticket is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TicketPurpose {
    /// Setting a new password.
    PasswordChange,
    /// Showing that a mail arrived.
    EmailVerification,
}

impl TicketPurpose {
    fn name(self) -> &'static str {
        match self {
            Self::PasswordChange => "password-change",
            Self::EmailVerification => "email-verification",
        }
    }
}

/// Whom a ticket is about.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Ticket {
    /// The connection whose script will run.
    pub(crate) connection: String,
    /// The address, as the legacy store knows it.
    pub(crate) email: String,
    /// The user, where one is known here; its sessions end with its password.
    pub(crate) user_id: Option<String>,
}

impl State {
    /// Keeps a ticket; `false` when too many are open, in all or for its address.
    pub(crate) async fn keep_ticket(
        &self,
        reference: &Reference,
        purpose: TicketPurpose,
        ticket: &Ticket,
        expires_at: UnixTime,
    ) -> Result<bool, Error> {
        let done = sqlx::query(
            "insert into tickets (digest, purpose, email, content, expires_at) select ?1, ?2, ?3, ?4, ?5
             where (select count(*) from tickets) < ?6 and (select count(*) from tickets where email = ?3) < ?7",
        )
        .bind(reference.digest())
        .bind(purpose.name())
        .bind(&ticket.email)
        .bind(to_json(ticket)?)
        .bind(expires_at.seconds())
        .bind(TICKETS)
        .bind(TICKETS_OF_ONE)
        .execute(&self.pool)
        .await
        .map_err(Error::state("keep a ticket"))?;
        Ok(done.rows_affected() == 1)
    }

    /// Whether a ticket is open; looking does not end it.
    pub(crate) async fn ticket_is_open(
        &self,
        reference: &Reference,
        purpose: TicketPurpose,
        now: UnixTime,
    ) -> Result<bool, Error> {
        let found = sqlx::query(
            "select 1 from tickets where digest = ? and purpose = ? and expires_at > ?",
        )
        .bind(reference.digest())
        .bind(purpose.name())
        .bind(now.seconds())
        .fetch_optional(&self.pool)
        .await
        .map_err(Error::state("read a ticket"))?;
        Ok(found.is_some())
    }

    /// Takes a ticket: one statement returns it and ends it.
    pub(crate) async fn take_ticket(
        &self,
        reference: &Reference,
        purpose: TicketPurpose,
        now: UnixTime,
    ) -> Result<Option<Ticket>, Error> {
        let failed = Error::state("take a ticket");
        let taken =
            sqlx::query("delete from tickets where digest = ? and purpose = ? and expires_at > ? returning content")
                .bind(reference.digest())
                .bind(purpose.name())
                .bind(now.seconds())
                .fetch_optional(&self.pool)
                .await
                .map_err(&failed)?;
        let Some(row) = taken else { return Ok(None) };
        from_json(&row.try_get::<String, _>("content").map_err(&failed)?).map(Some)
    }
}
