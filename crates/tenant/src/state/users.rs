//! The profiles that connections gave, cached.

use lychgate_token::UnixTime;
use serde_json::{Map, Value};
use sqlx::{Row, sqlite::SqliteRow};

use super::{State, from_json, to_json};
use crate::{Error, connections::Profile};

/// A user as the tenant knows one: the profile of the last login, and what actions have added.
#[derive(Clone)]
#[expect(clippy::struct_field_names, reason = "the names are the platform's")]
pub(crate) struct User {
    pub(crate) connection: String,
    pub(crate) profile: Profile,
    pub(crate) user_metadata: Map<String, Value>,
    pub(crate) app_metadata: Map<String, Value>,
    pub(crate) logins: i64,
    pub(crate) created_at: UnixTime,
    pub(crate) updated_at: UnixTime,
}

impl State {
    /// Puts a profile in place of the one before, and counts `logins` more. `None` if another connection has given the
    /// same user id: then one of them is not who it says, and nobody can tell which.
    pub(crate) async fn keep_profile(
        &self,
        connection: &str,
        profile: &Profile,
        logins: i64,
        now: UnixTime,
    ) -> Result<Option<User>, Error> {
        let failed = Error::state("keep a profile");
        let row = sqlx::query(
            "insert into users (user_id, connection, profile, logins, created_at, updated_at) values (?1, ?2, ?3, ?4, ?5, ?5)
             on conflict (user_id) do update set profile = ?3, logins = logins + ?4, updated_at = ?5 where connection = ?2
             returning *",
        )
        .bind(profile.subject())
        .bind(connection)
        .bind(to_json(profile)?)
        .bind(logins)
        .bind(now.seconds())
        .fetch_optional(&self.pool)
        .await
        .map_err(&failed)?;
        row.map(|row| read(&row)).transpose()
    }

    /// The user with a `sub`.
    pub(crate) async fn user(&self, subject: &str) -> Result<Option<User>, Error> {
        let row = sqlx::query("select * from users where user_id = ?")
            .bind(subject)
            .fetch_optional(&self.pool)
            .await
            .map_err(Error::state("read a user"))?;
        row.map(|row| read(&row)).transpose()
    }

    /// Keeps the metadata that an action has set.
    pub(crate) async fn keep_metadata(
        &self,
        subject: &str,
        user_metadata: &Map<String, Value>,
        app_metadata: &Map<String, Value>,
    ) -> Result<(), Error> {
        sqlx::query("update users set user_metadata = ?, app_metadata = ? where user_id = ?")
            .bind(to_json(user_metadata)?)
            .bind(to_json(app_metadata)?)
            .bind(subject)
            .execute(&self.pool)
            .await
            .map_err(Error::state("keep metadata"))?;
        Ok(())
    }

    /// Ends everything that lets a user in without a password: after a new password, a new address, a deletion.
    pub(crate) async fn end_access_of(&self, subject: &str) -> Result<(), Error> {
        let failed = Error::state("end the sessions of a user");
        let mut both = self
            .pool
            .begin_with("begin immediate")
            .await
            .map_err(&failed)?;
        for statement in [
            "delete from sessions where user_id = ?",
            "update grants set revoked = 1 where user_id = ?",
        ] {
            sqlx::query(statement)
                .bind(subject)
                .execute(&mut *both)
                .await
                .map_err(&failed)?;
        }
        both.commit().await.map_err(&failed)
    }

    /// Forgets a user.
    pub(crate) async fn delete_user(&self, subject: &str) -> Result<(), Error> {
        self.end_access_of(subject).await?;
        sqlx::query("delete from users where user_id = ?")
            .bind(subject)
            .execute(&self.pool)
            .await
            .map_err(Error::state("delete a user"))?;
        Ok(())
    }
}

fn read(row: &SqliteRow) -> Result<User, Error> {
    let failed = Error::state("read a user");
    let text = |column: &str| row.try_get::<String, _>(column).map_err(&failed);
    let seconds = |column: &str| row.try_get::<i64, _>(column).map_err(&failed);
    Ok(User {
        connection: text("connection")?,
        profile: from_json(&text("profile")?)?,
        user_metadata: from_json(&text("user_metadata")?)?,
        app_metadata: from_json(&text("app_metadata")?)?,
        logins: seconds("logins")?,
        created_at: UnixTime::from_seconds(seconds("created_at")?),
        updated_at: UnixTime::from_seconds(seconds("updated_at")?),
    })
}
