//! The keys that sign tokens.

use lychgate_token::{Algorithm, SigningKey, UnixTime};
use sqlx::Row;
use zeroize::Zeroizing;

use super::State;
use crate::Error;

impl State {
    /// The newest key for `algorithm`, if there is one.
    pub(crate) async fn signing_key(
        &self,
        algorithm: Algorithm,
    ) -> Result<Option<SigningKey>, Error> {
        let failed = Error::state("read the signing key");
        let Some(row) =
            sqlx::query("select pkcs8 from signing_keys where algorithm = ? order by created_at desc, key_id limit 1")
                .bind(algorithm.to_string())
                .fetch_optional(&self.pool)
                .await
                .map_err(&failed)?
        else {
            return Ok(None);
        };
        let pkcs8 = Zeroizing::new(row.try_get::<Vec<u8>, _>("pkcs8").map_err(&failed)?);
        SigningKey::from_pkcs8(algorithm, &pkcs8)
            .map(Some)
            .map_err(Error::Token)
    }

    /// Keeps a key that was just made.
    pub(crate) async fn keep_signing_key(
        &self,
        key: &SigningKey,
        now: UnixTime,
    ) -> Result<(), Error> {
        let pkcs8 = key.to_pkcs8().map_err(Error::Token)?;
        sqlx::query(
            "insert into signing_keys (key_id, algorithm, pkcs8, created_at) values (?, ?, ?, ?)",
        )
        .bind(key.key_id())
        .bind(key.algorithm().to_string())
        .bind(pkcs8.as_slice())
        .bind(now.seconds())
        .execute(&self.pool)
        .await
        .map_err(Error::state("keep the signing key"))?;
        Ok(())
    }
}
