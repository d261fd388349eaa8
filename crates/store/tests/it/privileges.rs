//! Least privilege, asked of the databases themselves: what is granted is enough, nothing of it can be spared, and all
//! else is refused.

mod excess;
mod needs;

use std::collections::BTreeMap;

use lychgate_store::{
    Excess, ExcessKind, GrantScript, Inspection, Needs, Settings, StatementName, Store, StoreKind,
    StoreUrl, mysql_account, postgres_role,
};
use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection, PgConnection};

use crate::world::World;

/// A database, and a role in it that has what the script grants, and nothing else.
pub(crate) struct Ward {
    pub(crate) world: World,
    /// The role's name.
    pub(crate) role: String,
    pub(crate) statements: BTreeMap<StatementName, String>,
}

const PASSWORD: &str = "a-password-of-a-role";

impl Ward {
    /// Makes the tables and the role, and grants what these statements need.
    pub(crate) async fn new(
        world: World,
        schema: &str,
        statements: &[(StatementName, &str)],
    ) -> Self {
        world.run(schema).await;
        let role = format!("gate_{}", world.database());
        let create = match world.kind() {
            StoreKind::Mysql => {
                format!("create user {} identified by '{PASSWORD}'", account(&role))
            }
            _ => format!("create role {role} login password '{PASSWORD}'"),
        };
        world.run(&create).await;
        let statements = statements
            .iter()
            .map(|(name, sql)| (*name, (*sql).to_owned()));
        let ward = Self {
            world,
            role,
            statements: statements.collect(),
        };
        ward.world.run(&ward.script().await).await;
        ward
    }

    /// The role, as SQL writes it.
    pub(crate) fn grantee(&self) -> String {
        match self.world.kind() {
            StoreKind::Mysql => account(&self.role),
            _ => postgres_role(&self.role),
        }
    }

    /// The URL of the role.
    pub(crate) fn url_text(&self) -> String {
        let (scheme, rest) = self.world.url_text().split_once("://").unwrap();
        let (_, place) = rest.split_once('@').unwrap();
        format!("{scheme}://{}:{PASSWORD}@{place}", self.role)
    }

    pub(crate) fn url(&self) -> StoreUrl {
        self.url_text().parse().unwrap()
    }

    /// What the statements need, as an administrator sees it.
    pub(crate) async fn needs(&self) -> Needs {
        let mut inspection = inspection(&self.world.url()).await;
        inspection.needs(&self.statements).await.unwrap()
    }

    /// The script of grants.
    pub(crate) async fn script(&self) -> String {
        let needs = self.needs().await;
        assert_eq!(needs.unknown, []);
        let mut inspection = inspection(&self.world.url()).await;
        let public = inspection.public_excesses(&needs).await.unwrap();
        let script = GrantScript {
            kind: self.world.kind(),
            database: self.world.database(),
            role: &self.grantee(),
            needs: &needs,
            public: &public,
        }
        .write();
        // What everybody needs to use a database at all is not taken from everybody.
        assert!(
            !script.contains("information_schema") && !script.contains("pg_catalog"),
            "{script}"
        );
        script
    }

    /// Opens the store as the role, which has the database check every right.
    pub(crate) async fn open(&self) -> Result<Store, lychgate_store::Error> {
        Box::pin(Store::open(Settings::new(
            self.url(),
            self.statements.clone(),
        )))
        .await
    }

    /// What the role may do beyond its needs, as it says itself. Databases of other tests are somebody else's.
    pub(crate) async fn excesses(&self) -> Vec<Excess> {
        let mut inspection = inspection(&self.url()).await;
        let needs = inspection.needs(&self.statements).await.unwrap();
        assert_eq!(needs.unknown, []);
        let all = inspection.excesses(&needs).await.unwrap();
        let own = |excess: &Excess| {
            excess.kind != ExcessKind::OtherDatabase
                || excess.subject.starts_with(self.world.database())
        };
        all.into_iter().filter(own).collect()
    }

    /// The code of the database's refusal when the role runs this, or `None` if it does it.
    pub(crate) async fn refusal(&self, sql: &str) -> Option<String> {
        let sql = AssertSqlSafe(sql.to_owned());
        let url = self.url_text();
        let done = if self.world.kind() == StoreKind::Mysql {
            let mut role = MySqlConnection::connect(&url).await.unwrap();
            sqlx::raw_sql(sql).execute(&mut role).await.map(drop)
        } else {
            let mut role = PgConnection::connect(&url).await.unwrap();
            sqlx::raw_sql(sql).execute(&mut role).await.map(drop)
        };
        let error = done.err()?;
        let error = error
            .as_database_error()
            .unwrap_or_else(|| panic!("{error}"));
        match error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
            Some(error) => Some(error.number().to_string()),
            None => Some(error.code().unwrap().into_owned()),
        }
    }
}

pub(crate) fn account(role: &str) -> String {
    mysql_account(role, "127.0.0.1")
}

pub(crate) async fn inspection(url: &StoreUrl) -> Inspection {
    Box::pin(Inspection::open(url)).await.unwrap()
}
