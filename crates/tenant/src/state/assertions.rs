//! Client assertions that were used.

use lychgate_token::UnixTime;

use super::State;
use crate::Error;

impl State {
    /// Ends the assertion `jti` of a client; `false` if it had been used before (RFC 7523 §3, point 7).
    pub(crate) async fn end_assertion(
        &self,
        client_id: &str,
        jti: &str,
        expires_at: UnixTime,
    ) -> Result<bool, Error> {
        let done = sqlx::query(
            "insert or ignore into assertions (client_id, jti, expires_at) values (?, ?, ?)",
        )
        .bind(client_id)
        .bind(jti)
        .bind(expires_at.seconds())
        .execute(&self.pool)
        .await
        .map_err(Error::state("end a client assertion"))?;
        Ok(done.rows_affected() == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_assertion_is_good_once_for_its_client() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(&folder.path().join("tenant.db")).await.unwrap();
        let end = UnixTime::from_seconds(100);
        assert!(state.end_assertion("a", "jti", end).await.unwrap());
        assert!(!state.end_assertion("a", "jti", end).await.unwrap());
        assert!(state.end_assertion("b", "jti", end).await.unwrap());
    }
}
