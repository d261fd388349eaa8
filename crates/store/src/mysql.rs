//! A legacy store in MySQL or MariaDB: how to connect, what it says of a statement, and what its errors mean.
//! Every session of ours is read-only; only the transaction of a write may write. So a read cannot, whatever functions
//! it calls.

mod values;

pub(crate) use self::values::value;

use std::time::Duration;

use sqlx::error::DatabaseError;
use sqlx::mysql::{
    MySqlArguments, MySqlConnectOptions, MySqlConnection, MySqlDatabaseError, MySqlQueryResult,
    MySqlRow, MySqlSslMode,
};
use sqlx::{
    ConnectOptions as _, Connection as _, Either, Executor as _, MySql, Row as _, SqlStr,
    Statement as _,
};

use crate::answer::{self, Answer};
use crate::credentials::Credential;
use crate::error::{Error, StatementFlaw};
use crate::parameters::Binding;
use crate::prepare::{Prepared, configured, refused};
use crate::row::Row;
use crate::server::{Dialect, Failure, Unfit, failure};
use crate::sql::NamedSql;
use crate::statement::StatementName;
use crate::url::{Address, Endpoint, Trust};

/// Where a MySQL or MariaDB server is.
pub(crate) struct Mysql(pub(crate) Address);

impl Dialect for Mysql {
    type Database = MySql;
    /// The parameter of each `?`, by its place: a name that is used twice has two of them.
    type Signature = Vec<usize>;

    /// `MyISAM` tables know no transactions: what was done there is done.
    const UNDOES: bool = false;

    fn credential(&self) -> Credential {
        self.0.credential()
    }

    fn as_user(&self, credential: &Credential) -> Self {
        Self(self.0.as_user(credential))
    }

    fn begin(&self, writes: bool, _deadline: Duration) -> SqlStr {
        SqlStr::from_static(if writes { BEGIN } else { BEGIN_READ })
    }

    fn options(&self, _deadline: Duration) -> Result<MySqlConnectOptions, Error> {
        let address = &self.0;
        let options = MySqlConnectOptions::new()
            .username(&address.user)
            .database(&address.database)
            .charset("utf8mb4")
            .ssl_mode(match address.way.trust {
                Trust::Disable => MySqlSslMode::Disabled,
                Trust::Prefer => MySqlSslMode::Preferred,
                Trust::Require => MySqlSslMode::Required,
                Trust::VerifyCa => MySqlSslMode::VerifyCa,
                Trust::VerifyFull => MySqlSslMode::VerifyIdentity,
            })
            .disable_statement_logging();
        let options = match &address.way.endpoint {
            Endpoint::Network { host, port } => options.host(host).port(*port),
            Endpoint::Socket(file) => options.socket(file),
        };
        let options = match &address.password {
            Some(password) => options.password(password),
            None => options,
        };
        Ok(match address.way.root_certificate_pem()? {
            Some(pem) => options.ssl_ca_from_pem(pem),
            None => options,
        })
    }

    /// Backslashes in strings are what they are in other databases, and as we read them: nothing special. The deadline
    /// has one name in MariaDB, and another in MySQL, for reads only.
    async fn ready(connection: &mut MySqlConnection, deadline: Duration) -> sqlx::Result<()> {
        let lock_wait = deadline.as_secs().max(1);
        let session = format!(
            "set session innodb_lock_wait_timeout = {lock_wait}, \
             sql_mode = concat(@@sql_mode, ',NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES')"
        );
        connection.execute(configured(session)).await?;
        connection
            .execute(SqlStr::from_static("set session transaction read only"))
            .await?;
        let seconds = deadline.as_secs_f64();
        let in_mariadb = format!("set session max_statement_time = {seconds}");
        if connection.execute(configured(in_mariadb)).await.is_ok() {
            return Ok(());
        }
        let milliseconds = deadline.as_millis();
        let in_mysql = format!("set session max_execution_time = {milliseconds}");
        connection.execute(configured(in_mysql)).await.map(drop)
    }

    async fn prepare(
        &self,
        connection: &mut MySqlConnection,
        name: StatementName,
        named: &NamedSql,
    ) -> Result<Prepared<Vec<usize>>, StatementFlaw> {
        let sql = configured(named.with_placeholders(|_| "?".to_owned()));
        let places: Vec<usize> = named.places().collect();
        // MariaDB refuses even to prepare a write where it may not be run.
        let begin = SqlStr::from_static(if name.is_read() { BEGIN_READ } else { BEGIN });
        let mut transaction = connection.begin_with(begin).await.map_err(refused)?;
        let statement = transaction.prepare(sql.clone()).await.map_err(refused)?;
        transaction.rollback().await.map_err(refused)?;
        match statement.parameters() {
            Some(Either::Right(found)) if found != places.len() => {
                let expected = places.len();
                return Err(StatementFlaw::ParameterCount { expected, found });
            }
            _ => {}
        }
        // Neither server has a statement that writes inside a `select`, but for `into outfile`, which returns nothing.
        let returns = !statement.columns().is_empty();
        match (name.is_read(), named.verb()) {
            (true, _) if !returns => return Err(StatementFlaw::NotARead),
            (false, "with") if returns => return Err(StatementFlaw::NotAWrite),
            _ => {}
        }
        values::check_columns(statement.columns())?;
        Prepared::new(name, named, statement.columns(), sql, places)
    }

    fn arguments(places: &Vec<usize>, bindings: &[Binding<'_>]) -> Result<MySqlArguments, Unfit> {
        values::arguments(places, bindings)
    }

    /// Compared with a number, MySQL takes a text for the number that it begins with, and warns: `1 or 1=1` is 1. What
    /// was found that way was not asked for.
    async fn run(
        &self,
        connection: &mut MySqlConnection,
        prepared: &Prepared<Vec<usize>>,
        arguments: MySqlArguments,
    ) -> Result<Answer<MySqlRow>, Failure> {
        let lost = |error| failure::<Self>(&error);
        let query = sqlx::query_with(prepared.sql.clone(), arguments);
        let changes = MySqlQueryResult::rows_affected;
        let answer = answer::run::<MySql>(&mut *connection, query, changes).await;
        let answer = answer.map_err(lost)?;
        if answer.matched() > 0 && answer.is_complete() {
            let warnings = connection.fetch_all(SqlStr::from_static("show warnings"));
            for warning in warnings.await.map_err(lost)? {
                let code: u32 = warning.try_get_unchecked("Code").map_err(lost)?;
                if code == TRUNCATED {
                    return Err(Failure::Unfit);
                }
            }
        }
        Ok(answer)
    }

    fn row(name: StatementName, row: &MySqlRow) -> Result<Row, Error> {
        answer::row::<MySql>(name, row, values::value)
    }

    /// By number, <https://mariadb.com/kb/en/mariadb-error-code-reference/>.
    fn failure(error: &dyn DatabaseError) -> Failure {
        let Some(error) = error.try_downcast_ref::<MySqlDatabaseError>() else {
            return Failure::Lost;
        };
        match error.number() {
            1022 | 1062 | 1169 | 1586 => Failure::Unique,
            1048 | 1364 => Failure::Constraint("not null"),
            1216 | 1217 | 1451 | 1452 => Failure::Constraint("foreign key"),
            3819 | 4025 => Failure::Constraint("check"),
            1644 => Failure::Constraint("trigger"),
            1969 | 3024 => Failure::TooSlow,
            // The last four: a text that is not in a column's alphabet cannot be compared with it.
            1264 | 1265 | 1292 | 1366 | 1406 | 1267 | 1270 | 1271 | 3988 => Failure::Unfit,
            1053 | 1077..=1079 | 1152..=1161 | 1184 | 1927 => Failure::Lost,
            1205 | 1213 => Failure::Unavailable("another transaction was in the way"),
            1290 | 1792 | 1836 => Failure::Unavailable("it may only be read"),
            1040 | 1203 | 1226 => Failure::Unavailable("it has no connection left for us"),
            // A password that has run out, and a user that is locked, are refused like a wrong one.
            1044 | 1045 | 1251 | 1698 | 1820 | 1862 | 3118 | 4151 => Failure::Refused,
            1049 => Failure::Unavailable("it has no such database"),
            1021 | 1037 | 1038 | 1041 | 1114 => Failure::Unavailable("its disk or memory is full"),
            number => Failure::Other(number.to_string()),
        }
    }
}

const BEGIN: &str = "start transaction read write";
const BEGIN_READ: &str = "start transaction read only";

/// A text that begins as a number, and goes on as something else.
const TRUNCATED: u32 = 1292;
