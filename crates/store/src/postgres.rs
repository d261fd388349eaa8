//! A legacy store in PostgreSQL: how to connect, what it says of a statement, and what its errors mean.
//! Every session of ours begins read-only, by an option that wins over the role's own settings; only the transaction of
//! a write may write. So a read cannot, whatever functions it calls.

mod arguments;
mod arrays;
mod kinds;
mod numeric;
mod values;

use std::time::Duration;

use sqlx::error::DatabaseError;
use sqlx::postgres::{
    PgArguments, PgConnectOptions, PgConnection, PgQueryResult, PgRow, PgSslMode, PgTypeInfo,
};
use sqlx::{ConnectOptions as _, Either, Executor as _, Row as _, Statement as _};

use self::kinds::Kind;
use crate::answer::{self, Answer};
use crate::error::{Error, StatementFlaw};
use crate::parameters::Binding;
use crate::prepare::{Prepared, configured, refused};
use crate::row::Row;
use crate::server::{Dialect, Failure, Unfit, failure};
use crate::sql::NamedSql;
use crate::statement::StatementName;
use crate::url::{Address, Endpoint, Trust};

/// Where a PostgreSQL server is.
pub(crate) struct Postgres(pub(crate) Address);

impl Dialect for Postgres {
    type Database = sqlx::Postgres;
    type Signature = Vec<PgTypeInfo>;

    const BEGIN: &'static str = "begin read write";
    const UNDOES: bool = true;

    fn options(&self, deadline: Duration) -> Result<PgConnectOptions, Error> {
        let address = &self.0;
        let options = PgConnectOptions::new_without_pgpass()
            .username(&address.user)
            .database(&address.database)
            .ssl_mode(match address.way.trust {
                Trust::Disable => PgSslMode::Disable,
                Trust::Prefer => PgSslMode::Prefer,
                Trust::Require => PgSslMode::Require,
                Trust::VerifyCa => PgSslMode::VerifyCa,
                Trust::VerifyFull => PgSslMode::VerifyFull,
            })
            .application_name("lychgate")
            .options([
                ("default_transaction_read_only", "on".to_owned()),
                ("statement_timeout", deadline.as_millis().to_string()),
                (
                    "idle_in_transaction_session_timeout",
                    deadline.as_millis().to_string(),
                ),
            ])
            .disable_statement_logging();
        let options = match &address.way.endpoint {
            Endpoint::Network { host, port } => options.host(host).port(*port),
            Endpoint::Socket(folder) => options.socket(folder),
        };
        let options = match &address.password {
            Some(password) => options.password(password),
            None => options,
        };
        Ok(match address.way.root_certificate_pem()? {
            Some(pem) => options.ssl_root_cert_from_pem(pem),
            None => options,
        })
    }

    async fn ready(_connection: &mut PgConnection, _deadline: Duration) -> sqlx::Result<()> {
        Ok(())
    }

    async fn prepare(
        connection: &mut PgConnection,
        name: StatementName,
        named: &NamedSql,
    ) -> Result<Prepared<Vec<PgTypeInfo>>, StatementFlaw> {
        let numbered = named.with_placeholders(|number| format!("${number}"));
        let sql = configured(numbered.clone());
        let statement = connection.prepare(sql.clone()).await.map_err(refused)?;
        let types = match statement.parameters() {
            Some(Either::Left(types)) => types.to_vec(),
            Some(Either::Right(_)) | None => Vec::new(),
        };
        let (expected, found) = (named.parameters().len(), types.len());
        if found != expected {
            return Err(StatementFlaw::ParameterCount { expected, found });
        }
        for (parameter, kind) in named.parameters().iter().zip(&types) {
            if !Kind::of(kind).is_some_and(Kind::can_be_given) {
                return Err(StatementFlaw::ParameterType {
                    parameter: parameter.clone(),
                    kind: kind.to_string().to_lowercase(),
                });
            }
        }
        values::check_columns(statement.columns())?;
        match (name.is_read(), writes(connection, &numbered, &types).await?) {
            (true, true) => return Err(StatementFlaw::NotARead),
            (false, false) => return Err(StatementFlaw::NotAWrite),
            (true, false) | (false, true) => {}
        }
        Prepared::new(name, named, statement.columns(), sql, types)
    }

    fn arguments(types: &Vec<PgTypeInfo>, bindings: &[Binding<'_>]) -> Result<PgArguments, Unfit> {
        arguments::arguments(types, bindings)
    }

    async fn run(
        connection: &mut PgConnection,
        prepared: &Prepared<Vec<PgTypeInfo>>,
        arguments: PgArguments,
    ) -> Result<Answer<PgRow>, Failure> {
        let changes = PgQueryResult::rows_affected;
        let sql = prepared.sql.clone();
        let answer = answer::run::<sqlx::Postgres>(connection, sql, arguments, changes).await;
        answer.map_err(|error| failure::<Self>(&error))
    }

    fn row(name: StatementName, row: &PgRow) -> Result<Row, Error> {
        answer::row::<sqlx::Postgres>(name, row, |raw| values::value(&raw))
    }

    /// By the class of the code, <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
    fn failure(error: &dyn DatabaseError) -> Failure {
        let code = error.code().unwrap_or_default();
        match &*code {
            "23505" => Failure::Unique,
            "23502" => Failure::Constraint("not null"),
            "23503" => Failure::Constraint("foreign key"),
            "23514" => Failure::Constraint("check"),
            "P0001" => Failure::Constraint("trigger"),
            "57014" => Failure::TooSlow,
            "57P01" | "57P02" | "57P03" | "57P05" | "25P03" => Failure::Lost,
            "40001" | "40P01" | "55P03" => {
                Failure::Unavailable("another transaction was in the way")
            }
            "25006" => Failure::Unavailable("it may only be read"),
            "53300" => Failure::Unavailable("it has no connection left for us"),
            "3D000" => Failure::Unavailable("it has no such database"),
            code if code.starts_with("08") => Failure::Lost,
            code if code.starts_with("28") => {
                Failure::Unavailable("it refuses the user, or the password")
            }
            code if code.starts_with("23") => Failure::Constraint("another one"),
            code if code.starts_with("22") => Failure::Unfit,
            code if code.starts_with("53") => Failure::Unavailable("its disk or memory is full"),
            code => Failure::Other(code.to_owned()),
        }
    }
}

/// Whether a statement would write, by its plan: a node that modifies a table stands in it, however deep in a `with`.
/// The plan is made for values that are all null, and nothing is run.
async fn writes(
    connection: &mut PgConnection,
    sql: &str,
    types: &[PgTypeInfo],
) -> Result<bool, StatementFlaw> {
    let nulls = arguments::nulls(types);
    let explain = configured(format!("explain (format json, costs off) {sql}"));
    let query = sqlx::query_with(explain, nulls).persistent(false);
    let plan = connection.fetch_one(query).await.map_err(refused)?;
    let plan = plan.try_get_raw(0).and_then(|plan| {
        plan.as_str()
            .map_err(sqlx::Error::Decode)
            .map(str::to_owned)
    });
    // In JSON no string of the statement's own can hold these quotes.
    Ok(plan
        .map_err(refused)?
        .contains("\"Node Type\": \"ModifyTable\""))
}
