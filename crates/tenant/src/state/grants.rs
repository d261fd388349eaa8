//! Codes and refresh tokens, and the grant that both belong to.
//!
//! ```text
//! /authorize ─keep_code→ code ─take_code→ first refresh token ─rotate→ next ─rotate→ …
//!               └──────────── a grant: a used code or refresh token presented again revokes it, and all of it ───┘
//! ```

use std::time::Duration;

use lychgate_token::UnixTime;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sqlx::Row;

use super::{Reference, State, from_json, to_json};
use crate::{Error, grants::Authorization};

/// How long after its end a code that is presented again still revokes what it gave.
const REUSE_NOTICED: Duration = Duration::from_mins(10);

/// What a code stands for (RFC 6749 §4.1.2).
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Code {
    pub(crate) authorization: Authorization,
    pub(crate) redirect_uri: String,
    /// `S256`, in its plain form.
    pub(crate) challenge: Option<String>,
    pub(crate) nonce: Option<String>,
    /// Claims that rules and actions put into the access token.
    pub(crate) access_token_claims: Map<String, Value>,
    /// Claims that rules and actions put into the ID token.
    pub(crate) id_token_claims: Map<String, Value>,
}

/// What is known of a refresh token that somebody presents.
pub(crate) enum RefreshTokenFound {
    /// It can be used.
    Current {
        grant_id: String,
        authorization: Authorization,
    },
    /// It was used before: either its owner or a thief is late, and nobody can tell which.
    Used { grant_id: String, client_id: String },
    /// It was revoked, has expired, or never was.
    Unknown,
}

impl State {
    /// Keeps a code and opens its grant, which outlives the code by a little, so that a reuse is noticed.
    pub(crate) async fn keep_code(
        &self,
        code: &Reference,
        content: &Code,
        expires_at: UnixTime,
    ) -> Result<(), Error> {
        let failed = Error::state("keep a code");
        let grant_id = Reference::generate()?;
        let content_json = to_json(content)?;
        let mut both = self
            .pool
            .begin_with("begin immediate")
            .await
            .map_err(&failed)?;
        sqlx::query(
            "insert into grants (grant_id, code_digest, user_id, expires_at) values (?, ?, ?, ?)",
        )
        .bind(grant_id.expose_secret())
        .bind(code.digest())
        .bind(&content.authorization.user_id)
        .bind(expires_at.plus(REUSE_NOTICED).seconds())
        .execute(&mut *both)
        .await
        .map_err(&failed)?;
        sqlx::query(
            "insert into codes (digest, grant_id, content, expires_at) values (?, ?, ?, ?)",
        )
        .bind(code.digest())
        .bind(grant_id.expose_secret())
        .bind(content_json)
        .bind(expires_at.seconds())
        .execute(&mut *both)
        .await
        .map_err(&failed)?;
        both.commit().await.map_err(&failed)
    }

    /// Takes a code: one statement returns what it stands for, with its grant's id, and ends it.
    pub(crate) async fn take_code(
        &self,
        code: &Reference,
        now: UnixTime,
    ) -> Result<Option<(String, Code)>, Error> {
        let failed = Error::state("take a code");
        let taken = sqlx::query(
            "delete from codes where digest = ? returning grant_id, content, expires_at",
        )
        .bind(code.digest())
        .fetch_optional(&self.pool)
        .await
        .map_err(&failed)?;
        let Some(row) = taken else { return Ok(None) };
        let expires_at: i64 = row.try_get("expires_at").map_err(&failed)?;
        if expires_at <= now.seconds() {
            return Ok(None);
        }
        let content: String = row.try_get("content").map_err(&failed)?;
        Ok(Some((
            row.try_get("grant_id").map_err(&failed)?,
            from_json(&content)?,
        )))
    }

    /// Revokes what a code gave, because it was presented again (RFC 6749 §4.1.2); `false` if it was never a code.
    pub(crate) async fn revoke_grant_of_code(&self, code: &Reference) -> Result<bool, Error> {
        let done = sqlx::query("update grants set revoked = 1 where code_digest = ?")
            .bind(code.digest())
            .execute(&self.pool)
            .await
            .map_err(Error::state("revoke a grant"))?;
        Ok(done.rows_affected() > 0)
    }

    /// Revokes a grant with every refresh token of it.
    pub(crate) async fn revoke_grant(&self, grant_id: &str) -> Result<(), Error> {
        sqlx::query("update grants set revoked = 1 where grant_id = ?")
            .bind(grant_id)
            .execute(&self.pool)
            .await
            .map_err(Error::state("revoke a grant"))?;
        Ok(())
    }

    /// Whether tokens of a grant may still be handed out.
    pub(crate) async fn grant_stands(&self, grant_id: &str) -> Result<bool, Error> {
        let found = sqlx::query("select 1 from grants where grant_id = ? and revoked = 0")
            .bind(grant_id)
            .fetch_optional(&self.pool)
            .await
            .map_err(Error::state("read a grant"))?;
        Ok(found.is_some())
    }

    /// Keeps the first refresh token of a grant, and the grant as long; `false` if it was revoked meanwhile.
    pub(crate) async fn keep_refresh_token(
        &self,
        token: &Reference,
        grant_id: &str,
        authorization: &Authorization,
        expires_at: UnixTime,
    ) -> Result<bool, Error> {
        let failed = Error::state("keep a refresh token");
        let content = to_json(authorization)?;
        let mut both = self
            .pool
            .begin_with("begin immediate")
            .await
            .map_err(&failed)?;
        let extended =
            sqlx::query("update grants set expires_at = ? where grant_id = ? and revoked = 0")
                .bind(expires_at.seconds())
                .bind(grant_id)
                .execute(&mut *both)
                .await
                .map_err(&failed)?;
        if extended.rows_affected() == 0 {
            return Ok(false);
        }
        sqlx::query("insert into refresh_tokens (digest, grant_id, authorization, expires_at) values (?, ?, ?, ?)")
            .bind(token.digest())
            .bind(grant_id)
            .bind(content)
            .bind(expires_at.seconds())
            .execute(&mut *both)
            .await
            .map_err(&failed)?;
        both.commit().await.map_err(&failed)?;
        Ok(true)
    }

    /// What is known of a refresh token; looking changes nothing.
    pub(crate) async fn refresh_token(
        &self,
        token: &Reference,
        now: UnixTime,
    ) -> Result<RefreshTokenFound, Error> {
        let failed = Error::state("read a refresh token");
        let row = sqlx::query(
            "select grant_id, authorization, used_at from refresh_tokens join grants using (grant_id)
             where digest = ? and revoked = 0 and refresh_tokens.expires_at > ?",
        )
        .bind(token.digest())
        .bind(now.seconds())
        .fetch_optional(&self.pool)
        .await
        .map_err(&failed)?;
        let Some(row) = row else {
            return Ok(RefreshTokenFound::Unknown);
        };
        let grant_id = row.try_get("grant_id").map_err(&failed)?;
        let authorization: Authorization =
            from_json(&row.try_get::<String, _>("authorization").map_err(&failed)?)?;
        Ok(
            match row.try_get::<Option<i64>, _>("used_at").map_err(&failed)? {
                None => RefreshTokenFound::Current {
                    grant_id,
                    authorization,
                },
                Some(_) => RefreshTokenFound::Used {
                    grant_id,
                    client_id: authorization.client_id,
                },
            },
        )
    }

    /// Ends `used` and puts `next` in its place, in one step; `false` if another was faster or the grant is revoked.
    pub(crate) async fn rotate_refresh_token(
        &self,
        used: &Reference,
        next: &Reference,
        now: UnixTime,
    ) -> Result<bool, Error> {
        let failed = Error::state("rotate a refresh token");
        let mut both = self
            .pool
            .begin_with("begin immediate")
            .await
            .map_err(&failed)?;
        let taken = sqlx::query(
            "update refresh_tokens set used_at = ?2 where digest = ?1 and used_at is null and expires_at > ?2
             and grant_id in (select grant_id from grants where revoked = 0) returning digest",
        )
        .bind(used.digest())
        .bind(now.seconds())
        .fetch_optional(&mut *both)
        .await
        .map_err(&failed)?;
        if taken.is_none() {
            return Ok(false);
        }
        sqlx::query(
            "insert into refresh_tokens (digest, grant_id, authorization, expires_at)
             select ?, grant_id, authorization, expires_at from refresh_tokens where digest = ?",
        )
        .bind(next.digest())
        .bind(used.digest())
        .execute(&mut *both)
        .await
        .map_err(&failed)?;
        both.commit().await.map_err(&failed)?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime::from_seconds(1_000_000);
    const LATER: UnixTime = UnixTime::from_seconds(1_000_060);
    const MUCH_LATER: UnixTime = UnixTime::from_seconds(2_000_000);

    fn authorization() -> Authorization {
        Authorization {
            client_id: "app".to_owned(),
            user_id: "auth0|7".to_owned(),
            audience: None,
            scope: "openid".to_owned(),
            authenticated_at: NOW.seconds(),
            session_id: None,
            confirmation: None,
        }
    }

    async fn with_code() -> (tempfile::TempDir, State, Reference) {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(&folder.path().join("tenant.db")).await.unwrap();
        let code = Reference::generate().unwrap();
        let content = Code {
            authorization: authorization(),
            redirect_uri: "https://app.example/callback".to_owned(),
            challenge: None,
            nonce: None,
            access_token_claims: Map::new(),
            id_token_claims: Map::new(),
        };
        state.keep_code(&code, &content, LATER).await.unwrap();
        (folder, state, code)
    }

    #[tokio::test]
    async fn a_code_is_taken_once_and_not_after_its_end() {
        let (_folder, state, code) = with_code().await;
        assert!(state.take_code(&code, NOW).await.unwrap().is_some());
        assert!(state.take_code(&code, NOW).await.unwrap().is_none());
        let (_folder, state, code) = with_code().await;
        assert!(state.take_code(&code, LATER).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn nothing_more_comes_of_a_revoked_grant() {
        let (_folder, state, code) = with_code().await;
        let (grant_id, _) = state.take_code(&code, NOW).await.unwrap().unwrap();
        let first = Reference::generate().unwrap();
        assert!(
            state
                .keep_refresh_token(&first, &grant_id, &authorization(), MUCH_LATER)
                .await
                .unwrap()
        );
        assert!(state.revoke_grant_of_code(&code).await.unwrap());
        assert!(!state.grant_stands(&grant_id).await.unwrap());
        let next = Reference::generate().unwrap();
        assert!(
            !state
                .keep_refresh_token(&next, &grant_id, &authorization(), MUCH_LATER)
                .await
                .unwrap()
        );
        assert!(
            !state
                .rotate_refresh_token(&first, &next, NOW)
                .await
                .unwrap()
        );
        assert!(matches!(
            state.refresh_token(&first, NOW).await.unwrap(),
            RefreshTokenFound::Unknown
        ));
    }

    #[tokio::test]
    async fn a_refresh_token_is_rotated_once_and_its_use_is_remembered() {
        let (_folder, state, code) = with_code().await;
        let (grant_id, _) = state.take_code(&code, NOW).await.unwrap().unwrap();
        let first = Reference::generate().unwrap();
        state
            .keep_refresh_token(&first, &grant_id, &authorization(), MUCH_LATER)
            .await
            .unwrap();
        let (next, other) = (
            Reference::generate().unwrap(),
            Reference::generate().unwrap(),
        );
        assert!(
            state
                .rotate_refresh_token(&first, &next, NOW)
                .await
                .unwrap()
        );
        assert!(
            !state
                .rotate_refresh_token(&first, &other, NOW)
                .await
                .unwrap()
        );
        assert!(matches!(
            state.refresh_token(&first, NOW).await.unwrap(),
            RefreshTokenFound::Used { .. }
        ));
        assert!(matches!(
            state.refresh_token(&next, NOW).await.unwrap(),
            RefreshTokenFound::Current { .. }
        ));
        assert!(matches!(
            state.refresh_token(&other, NOW).await.unwrap(),
            RefreshTokenFound::Unknown
        ));
        assert!(matches!(
            state.refresh_token(&next, MUCH_LATER).await.unwrap(),
            RefreshTokenFound::Unknown
        ));
    }

    #[tokio::test]
    async fn what_has_expired_is_purged_and_nothing_else() {
        let (_folder, state, code) = with_code().await;
        assert_eq!(state.purge(NOW).await.unwrap(), 0);
        let (grant_id, _) = state.take_code(&code, NOW).await.unwrap().unwrap();
        let token = Reference::generate().unwrap();
        state
            .keep_refresh_token(&token, &grant_id, &authorization(), MUCH_LATER)
            .await
            .unwrap();
        assert_eq!(
            state.purge(LATER.plus(REUSE_NOTICED)).await.unwrap(),
            0,
            "the grant lives as long as its tokens"
        );
        assert_eq!(
            state.purge(MUCH_LATER).await.unwrap(),
            2,
            "the token and the grant"
        );
        assert!(!state.revoke_grant_of_code(&code).await.unwrap());
    }
}
