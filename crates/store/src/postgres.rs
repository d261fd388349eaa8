//! A legacy store in PostgreSQL: how to connect, what it says of a statement, and what its errors mean.
//! Every session of ours begins read-only, by an option that wins over the role's own settings; only the transaction of
//! a write may write. So a read cannot, whatever functions it calls.

mod arguments;
mod arrays;
mod kinds;
mod lane;
mod lanes;
mod numeric;
pub(crate) mod tls;
mod values;

use std::time::Duration;

use sqlx::error::DatabaseError;
use sqlx::postgres::{
    PgArguments, PgConnectOptions, PgConnection, PgDatabaseError, PgQueryResult, PgRow, PgSslMode,
    PgStatement, PgTypeInfo, PgValueRef,
};
use sqlx::{
    Column as _, ConnectOptions as _, Either, Executor as _, Row as _, SqlStr, Statement as _,
};

use self::kinds::Kind;
pub(crate) use self::lanes::PostgresStore;
use crate::answer::{self, Answer};
use crate::credentials::Credential;
use crate::error::{Error, StatementFlaw};
use crate::parameters::{Binding, Value};
use crate::prepare::{Prepared, configured, refused};
use crate::row::Row;
use crate::server::{Dialect, Failure, Unfit, failure};
use crate::sql::NamedSql;
use crate::statement::StatementName;
use crate::url::{Address, Endpoint, Trust};

/// A value of a row, by the type that its column has.
#[expect(
    clippy::needless_pass_by_value,
    reason = "as the other drivers' values are passed"
)]
pub(crate) fn value(raw: PgValueRef<'_>) -> Result<Value, &'static str> {
    values::value(&raw)
}

/// What PostgreSQL says of a statement when it prepares it.
pub(crate) struct Signature {
    parameters: Vec<PgTypeInfo>,
    columns: Vec<PgTypeInfo>,
    statement: PgStatement,
}

/// Where a PostgreSQL server is.
pub(crate) struct Postgres(pub(crate) Address);

impl Dialect for Postgres {
    type Database = sqlx::Postgres;
    type Signature = Signature;

    const UNDOES: bool = true;

    fn credential(&self) -> Credential {
        self.0.credential()
    }

    fn as_user(&self, credential: &Credential) -> Self {
        Self(self.0.as_user(credential))
    }

    fn is_pooled(&self) -> bool {
        !self.0.way.prepared
    }

    /// Behind a pooler a transaction brings its limits with it: those of the session are whoever's came before.
    fn begin(&self, writes: bool, deadline: Duration) -> SqlStr {
        let begin = if writes { BEGIN } else { BEGIN_READ };
        if !self.is_pooled() {
            return SqlStr::from_static(begin);
        }
        let milliseconds = deadline.as_millis();
        configured(format!(
            "{begin}; set local statement_timeout = {milliseconds}; \
             set local idle_in_transaction_session_timeout = {milliseconds}"
        ))
    }

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
            .disable_statement_logging();
        let limit = deadline.as_millis().to_string();
        // A pooler takes no settings of a session, and has a session without prepared statements.
        let options = if self.is_pooled() {
            options.statement_cache_capacity(0).extra_float_digits(None)
        } else {
            options.options([
                ("default_transaction_read_only", "on"),
                ("statement_timeout", &limit),
                ("idle_in_transaction_session_timeout", &limit),
            ])
        };
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
        &self,
        connection: &mut PgConnection,
        name: StatementName,
        named: &NamedSql,
    ) -> Result<Prepared<Signature>, StatementFlaw> {
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
        let columns = statement.columns().iter();
        let signature = Signature {
            parameters: types,
            columns: columns.map(|column| column.type_info().clone()).collect(),
            statement: statement.clone(),
        };
        Prepared::new(name, named, statement.columns(), sql, signature)
    }

    fn arguments(signature: &Signature, bindings: &[Binding<'_>]) -> Result<PgArguments, Unfit> {
        arguments::arguments(&signature.parameters, bindings)
    }

    async fn run(
        &self,
        connection: &mut PgConnection,
        prepared: &Prepared<Signature>,
        arguments: PgArguments,
    ) -> Result<Answer<PgRow>, Failure> {
        let changes = PgQueryResult::rows_affected;
        // With what was told of it at start, nothing of it has to be asked again: a question in between would end the
        // statement that has no name.
        let query = if self.is_pooled() {
            let statement = &prepared.signature.statement;
            statement.query_with(arguments).persistent(false)
        } else {
            sqlx::query_with(prepared.sql.clone(), arguments)
        };
        let answer = answer::run::<sqlx::Postgres>(connection, query, changes).await;
        answer.map_err(|error| failure::<Self>(&error))
    }

    fn row(name: StatementName, row: &PgRow) -> Result<Row, Error> {
        answer::row::<sqlx::Postgres>(name, row, value)
    }

    fn failure(error: &dyn DatabaseError) -> Failure {
        let routine = error.try_downcast_ref::<PgDatabaseError>();
        let routine = routine.and_then(PgDatabaseError::routine);
        failure_of(&error.code().unwrap_or_default(), routine)
    }
}

/// What an error means, by the class of its code, <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
fn failure_of(code: &str, routine: Option<&str>) -> Failure {
    match code {
        // The table has changed since the session prepared its statement: a new session prepares it anew.
        "0A000" if routine == Some("RevalidateCachedQuery") => Failure::Lost,
        "23505" => Failure::Unique,
        "23502" => Failure::Constraint("not null"),
        "23503" => Failure::Constraint("foreign key"),
        "23514" => Failure::Constraint("check"),
        "P0001" => Failure::Constraint("trigger"),
        "57014" => Failure::TooSlow,
        "57P01" | "57P02" | "57P03" | "57P05" | "25P03" => Failure::Lost,
        "40001" | "40P01" | "55P03" => Failure::Unavailable("another transaction was in the way"),
        "25006" => Failure::Unavailable("it may only be read"),
        "53300" => Failure::Unavailable("it has no connection left for us"),
        "3D000" => Failure::Unavailable("it has no such database"),
        "08P01" => Failure::Unavailable(A_POOLER),
        "26000" | "42P05" => Failure::Unavailable(ANOTHER_SESSION),
        code if code.starts_with("08") => Failure::Lost,
        code if code.starts_with("28") => Failure::Refused,
        code if code.starts_with("23") => Failure::Constraint("another one"),
        code if code.starts_with("22") => Failure::Unfit,
        code if code.starts_with("53") => Failure::Unavailable("its disk or memory is full"),
        code => Failure::Other(code.to_owned()),
    }
}

const A_POOLER: &str =
    "it does not take our session's settings; behind a pooler, add `prepared=false` to `url`";
const ANOTHER_SESSION: &str =
    "a prepared statement is not in its session; behind a pooler, add `prepared=false` to `url`";

const BEGIN: &str = "begin read write";
const BEGIN_READ: &str = "begin read only";

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
