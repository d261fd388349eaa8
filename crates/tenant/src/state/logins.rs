//! Logins under way, and sessions: logins that are over.

use lychgate_token::UnixTime;
use sqlx::Row;
use subtle::ConstantTimeEq;

use super::{Reference, State, from_json, to_json};
use crate::{Error, authorize::AuthorizeRequest};

/// Logins that may be under way at once. Whoever floods the table ends old logins sooner; nobody is kept from a new one.
const TRANSACTIONS: i64 = 20_000;

/// A login under way.
pub(crate) struct LoginTransaction {
    /// What the client asked `/authorize` for.
    pub(crate) request: AuthorizeRequest,
}

/// A browser in which a user has logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Session {
    /// `sid` of the ID token; not a secret.
    pub(crate) sid: String,
    /// Who logged in.
    pub(crate) user_id: String,
    /// Through which connection.
    pub(crate) connection: String,
    /// When the password was asked for.
    pub(crate) authenticated_at: UnixTime,
    /// When it ends.
    pub(crate) expires_at: UnixTime,
}

impl State {
    /// Begins a login bound to the browser that holds `binding`. When too many are under way, the oldest ends.
    pub(crate) async fn begin_login(
        &self,
        transaction: &Reference,
        binding: &Reference,
        request: &AuthorizeRequest,
        expires_at: UnixTime,
    ) -> Result<(), Error> {
        let failed = Error::state("begin a login");
        let request = to_json(request)?;
        let mut both = self
            .pool
            .begin_with("begin immediate")
            .await
            .map_err(&failed)?;
        sqlx::query(
            "delete from login_transactions where digest in (select digest from login_transactions
             order by expires_at limit max(0, (select count(*) from login_transactions) - ? + 1))",
        )
        .bind(TRANSACTIONS)
        .execute(&mut *both)
        .await
        .map_err(&failed)?;
        sqlx::query("insert into login_transactions (digest, binding, request, expires_at) values (?, ?, ?, ?)")
            .bind(transaction.digest())
            .bind(binding.digest())
            .bind(request)
            .bind(expires_at.seconds())
            .execute(&mut *both)
            .await
            .map_err(&failed)?;
        both.commit().await.map_err(&failed)
    }

    /// The login under way, if this is the browser that began it.
    pub(crate) async fn login(
        &self,
        transaction: &Reference,
        binding: &Reference,
        now: UnixTime,
    ) -> Result<Option<LoginTransaction>, Error> {
        let failed = Error::state("read a login");
        let row = sqlx::query(
            "select binding, request from login_transactions where digest = ? and expires_at > ?",
        )
        .bind(transaction.digest())
        .bind(now.seconds())
        .fetch_optional(&self.pool)
        .await
        .map_err(&failed)?;
        let Some(row) = row else { return Ok(None) };
        let bound_to: Vec<u8> = row.try_get("binding").map_err(&failed)?;
        if !bool::from(bound_to.ct_eq(&binding.digest())) {
            return Ok(None);
        }
        let request: String = row.try_get("request").map_err(&failed)?;
        Ok(Some(LoginTransaction {
            request: from_json(&request)?,
        }))
    }

    /// Counts an attempt before it is made, so that attempts side by side cannot slip past `most`; `false` when there are
    /// no more.
    pub(crate) async fn count_attempt(
        &self,
        transaction: &Reference,
        most: i64,
    ) -> Result<bool, Error> {
        let done = sqlx::query("update login_transactions set attempts = attempts + 1 where digest = ? and attempts < ?")
            .bind(transaction.digest())
            .bind(most)
            .execute(&self.pool)
            .await
            .map_err(Error::state("count a login attempt"))?;
        Ok(done.rows_affected() == 1)
    }

    /// Ends a login; `true` for whoever ended it first.
    pub(crate) async fn take_login(
        &self,
        transaction: &Reference,
        now: UnixTime,
    ) -> Result<bool, Error> {
        let taken = sqlx::query(
            "delete from login_transactions where digest = ? and expires_at > ? returning digest",
        )
        .bind(transaction.digest())
        .bind(now.seconds())
        .fetch_optional(&self.pool)
        .await
        .map_err(Error::state("end a login"))?;
        Ok(taken.is_some())
    }

    /// Begins a session.
    pub(crate) async fn begin_session(
        &self,
        cookie: &Reference,
        session: &Session,
    ) -> Result<(), Error> {
        sqlx::query(
            "insert into sessions (digest, sid, user_id, connection, authenticated_at, expires_at)
             values (?, ?, ?, ?, ?, ?)",
        )
        .bind(cookie.digest())
        .bind(&session.sid)
        .bind(&session.user_id)
        .bind(&session.connection)
        .bind(session.authenticated_at.seconds())
        .bind(session.expires_at.seconds())
        .execute(&self.pool)
        .await
        .map_err(Error::state("begin a session"))?;
        Ok(())
    }

    /// The session of a browser.
    pub(crate) async fn session(
        &self,
        cookie: &Reference,
        now: UnixTime,
    ) -> Result<Option<Session>, Error> {
        let read = |row: sqlx::sqlite::SqliteRow| {
            Ok(Session {
                sid: row.try_get("sid")?,
                user_id: row.try_get("user_id")?,
                connection: row.try_get("connection")?,
                authenticated_at: UnixTime::from_seconds(row.try_get("authenticated_at")?),
                expires_at: UnixTime::from_seconds(row.try_get("expires_at")?),
            })
        };
        sqlx::query("select * from sessions where digest = ? and expires_at > ?")
            .bind(cookie.digest())
            .bind(now.seconds())
            .fetch_optional(&self.pool)
            .await
            .and_then(|row| row.map(read).transpose())
            .map_err(Error::state("read a session"))
    }

    /// Ends a session.
    pub(crate) async fn end_session(&self, cookie: &Reference) -> Result<(), Error> {
        sqlx::query("delete from sessions where digest = ?")
            .bind(cookie.digest())
            .execute(&self.pool)
            .await
            .map_err(Error::state("end a session"))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const END: UnixTime = UnixTime::from_seconds(1_000_000);

    fn request() -> AuthorizeRequest {
        let request = json!({
            "client_id": "app",
            "return_address": { "redirect_uri": "https://app.example/callback", "state": null },
            "scope": "openid",
            "audience": null,
            "connection": null,
            "nonce": null,
            "login_hint": null,
            "prompt": "AsNeeded",
            "max_age": null,
            "code_challenge": null,
            "query": {},
        });
        serde_json::from_value(request).unwrap()
    }

    #[tokio::test]
    async fn a_flood_ends_old_logins_and_keeps_nobody_from_a_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(&folder.path().join("tenant.db")).await.unwrap();
        sqlx::query(
            "with recursive n (i) as (select 1 union all select i + 1 from n where i < 20000)
             insert into login_transactions select randomblob(32), x'00', '{}', 0, i from n",
        )
        .execute(&state.pool)
        .await
        .unwrap();
        let (login, browser) = (
            Reference::generate().unwrap(),
            Reference::generate().unwrap(),
        );
        state
            .begin_login(&login, &browser, &request(), END)
            .await
            .unwrap();
        let now = UnixTime::from_seconds(1);
        assert!(state.login(&login, &browser, now).await.unwrap().is_some());
        let left = sqlx::query("select count(*), min(expires_at) from login_transactions");
        let left = left.fetch_one(&state.pool).await.unwrap();
        assert_eq!(
            (left.get::<i64, _>(0), left.get::<i64, _>(1)),
            (TRANSACTIONS, 2)
        );
    }

    #[tokio::test]
    async fn a_login_is_its_browsers_and_ends_once() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(&folder.path().join("tenant.db")).await.unwrap();
        let (login, browser, other) = (
            Reference::generate().unwrap(),
            Reference::generate().unwrap(),
            Reference::generate().unwrap(),
        );
        state
            .begin_login(&login, &browser, &request(), END)
            .await
            .unwrap();
        let now = UnixTime::from_seconds(1);
        assert!(state.login(&login, &other, now).await.unwrap().is_none());
        assert!(
            state.login(&login, &browser, END).await.unwrap().is_none(),
            "it has expired"
        );
        assert!(state.count_attempt(&login, 2).await.unwrap());
        assert!(state.count_attempt(&login, 2).await.unwrap());
        assert!(!state.count_attempt(&login, 2).await.unwrap());
        assert!(state.take_login(&login, now).await.unwrap());
        assert!(!state.take_login(&login, now).await.unwrap());
    }
}
