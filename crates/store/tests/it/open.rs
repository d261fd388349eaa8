use lychgate_store::StatementName::{
    self, Authenticate, ChangePassword, Create, Lookup, VerifyEmail,
};
use lychgate_store::{Error, StatementFlaw, Store};

use crate::legacy::{self, AUTHENTICATE, Legacy, refused};

const ALL: [(StatementName, &str); 7] = [
    (StatementName::Authenticate, AUTHENTICATE),
    (StatementName::Lookup, legacy::LOOKUP),
    (StatementName::Create, legacy::CREATE),
    (StatementName::VerifyEmail, legacy::VERIFY_EMAIL),
    (StatementName::ChangePassword, legacy::CHANGE_PASSWORD),
    (StatementName::ChangeEmail, legacy::CHANGE_EMAIL),
    (StatementName::Delete, legacy::DELETE),
];

async fn flaws(statements: &[(StatementName, &str)]) -> Vec<(StatementName, StatementFlaw)> {
    match refused(Legacy::sample().await.open(statements).await) {
        Error::Statements(flaws) => flaws,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn every_operation_opens_and_tells_its_parameters_and_columns() {
    let legacy = Legacy::sample().await;
    let store = legacy.open(&ALL).await.unwrap();
    let authenticate = store.statement(Authenticate).unwrap();
    assert_eq!(authenticate.parameters(), ["identifier"]);
    assert_eq!(
        authenticate.columns(),
        [
            "id",
            "email",
            "email_verified",
            "nickname",
            "blocked",
            "password_hash"
        ]
    );
    let change_password = store.statement(ChangePassword).unwrap();
    assert_eq!(
        change_password.parameters(),
        ["password_hash", "identifier"]
    );
    assert!(change_password.columns().is_empty());
    assert_eq!(store.statement(Create).unwrap().columns(), ["id", "email"]);
    store.ping().await.unwrap();
}

#[tokio::test]
async fn what_is_not_defined_is_not_there() {
    let legacy = Legacy::sample().await;
    let store = legacy.open(&[(Lookup, legacy::LOOKUP)]).await.unwrap();
    assert!(store.statement(Authenticate).is_none());
    let error = refused(
        store
            .read(Authenticate, &lychgate_store::Parameters::new())
            .await,
    );
    assert!(matches!(error, Error::NotDefined(Authenticate)));
}

#[tokio::test]
async fn a_store_is_never_created() {
    let legacy = Legacy::empty();
    let error = refused(legacy.open(&ALL).await);
    assert!(matches!(error, Error::File { .. }), "{error}");
    assert!(!legacy.file.exists());
    assert!(matches!(
        refused(Store::open(folder_as_store(&legacy)).await),
        Error::File { .. }
    ));
}

fn folder_as_store(legacy: &Legacy) -> lychgate_store::Settings {
    let mut settings = legacy.settings(&ALL);
    settings.url = lychgate_store::StoreUrl::sqlite(legacy.file.parent().unwrap());
    settings
}

#[tokio::test]
async fn a_file_that_is_not_sqlite_is_refused_as_that() {
    let legacy = Legacy::empty();
    std::fs::write(&legacy.file, "email,password\n".repeat(500)).unwrap();
    let error = refused(legacy.open(&ALL).await).to_string();
    assert!(error.contains("is not a SQLite database"), "{error}");
}

#[tokio::test]
async fn a_file_whose_text_would_be_misread_is_refused() {
    let legacy = Legacy::with_schema(
        "pragma encoding = 'UTF-16le'; create table users (id, email, email_verified, nickname, blocked)",
    )
    .await;
    let error = refused(legacy.open(&[(Lookup, legacy::LOOKUP)]).await).to_string();
    assert!(error.contains("keeps its text in UTF-16"), "{error}");
}

#[tokio::test]
async fn a_sample_is_never_made_over_a_file_that_is_there() {
    let legacy = Legacy::sample().await;
    let before = legacy.users().await;
    let error = refused(lychgate_store::create_sample(&legacy.file, &[]).await);
    assert!(matches!(error, Error::File { .. }), "{error}");
    assert_eq!(legacy.users().await, before);
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_reads_a_sample() {
    use std::os::unix::fs::PermissionsExt as _;

    let mode = std::fs::metadata(&Legacy::sample().await.file)
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn every_flawed_statement_is_listed_by_name() {
    let error = Error::Statements(
        flaws(&[
            (
                Authenticate,
                "select id from users where email = :identifier",
            ),
            (
                Lookup,
                "select id, password_hash from users where email = :identifier",
            ),
            (
                VerifyEmail,
                "update users set email_verified = 1 where mail = :email",
            ),
            (ChangePassword, legacy::CHANGE_PASSWORD),
        ])
        .await,
    );
    assert_eq!(
        error.to_string(),
        "statement `authenticate`: it does not return `password_hash`; \
         add the column, or name it so with `as password_hash`\n\
         statement `lookup`: it returns `password_hash`, which only `authenticate` may; leave it out\n\
         statement `verify_email`: the database does not accept it: no such column: mail"
    );
}

#[tokio::test]
async fn a_read_that_writes_is_found_by_the_database() {
    let hidden = "with x as (select :identifier) delete from users where email in x returning id, password_hash";
    assert_eq!(
        flaws(&[(Authenticate, hidden)]).await,
        [(Authenticate, StatementFlaw::NotARead)]
    );
}

#[tokio::test]
async fn a_write_that_reads_is_found_by_the_database() {
    let hidden = "with x as (select :email as email) select email from x";
    assert_eq!(
        flaws(&[(VerifyEmail, hidden)]).await,
        [(VerifyEmail, StatementFlaw::NotAWrite)]
    );
}

#[tokio::test]
async fn a_hash_does_not_travel_by_returning() {
    let sql = "update users set password_hash = :password_hash where email = :identifier returning password_hash";
    assert_eq!(
        flaws(&[(ChangePassword, sql)]).await,
        [(ChangePassword, StatementFlaw::PasswordHash)]
    );
}

#[tokio::test]
async fn a_create_without_returning_needs_a_lookup() {
    let create = (
        Create,
        "insert into users (email, password_hash) values (:email, :password_hash)",
    );
    assert_eq!(flaws(&[create]).await, [(Create, StatementFlaw::NoWayBack)]);
    Legacy::sample()
        .await
        .open(&[create, (Lookup, legacy::LOOKUP)])
        .await
        .unwrap();
}

#[tokio::test]
async fn a_quote_that_sqlite_does_not_know_hides_no_parameter_from_it() {
    // `$x$ … $x$` is a string in PostgreSQL, and a placeholder in SQLite.
    let sql = "select id from users where email = :identifier and nickname = $x$ :identifier $x$";
    let [(Lookup, flaw)] = &flaws(&[(Lookup, sql)]).await[..] else {
        panic!()
    };
    assert!(
        matches!(
            flaw,
            StatementFlaw::ParameterCount { .. } | StatementFlaw::Refused(_)
        ),
        "{flaw}"
    );
}

#[tokio::test]
async fn limits_that_are_not_sound_are_refused() {
    let legacy = Legacy::sample().await;
    let unsound: [fn(&mut lychgate_store::Settings); 4] = [
        |settings| settings.connections = 0,
        |settings| settings.deadline = std::time::Duration::ZERO,
        |settings| settings.deadline = std::time::Duration::MAX,
        |settings| settings.wait = std::time::Duration::MAX,
    ];
    for change in unsound {
        let mut settings = legacy.settings(&ALL);
        change(&mut settings);
        assert!(matches!(
            refused(Store::open(settings).await),
            Error::Settings(_)
        ));
    }
}
