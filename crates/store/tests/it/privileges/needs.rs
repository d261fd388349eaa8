//! What statements need is what the database asks for: with it they run, and without any part of it they do not.

use lychgate_store::StatementName::{
    Authenticate, ChangeEmail, ChangePassword, Create, Delete, Lookup, VerifyEmail,
};
use lychgate_store::{Error, Parameters, RelationNeeds, StatementName, StoreKind};

use super::{Ward, inspection};
use crate::legacy::hash;
use crate::world::World;

const TABLES: &str = "
create table persons (person_id integer primary key, nickname varchar(40), salary integer, e_mail varchar(99));
create table audit (at integer, what varchar(99));
insert into persons values (1, 'Zed', 100, 'zoe@example.com')";

const SIMPLE: [(StatementName, &str); 7] = [
    (
        Authenticate,
        "select id, email, password_hash from users where email = :identifier",
    ),
    (
        Lookup,
        "select id, email, email_verified from users where lower(email) = :identifier",
    ),
    (
        Create,
        "insert into users (email, password_hash) values (:email, :password_hash)",
    ),
    (
        VerifyEmail,
        "update users set email_verified = true where email = :email",
    ),
    (
        ChangePassword,
        "update users set password_hash = :password_hash where email = :identifier",
    ),
    (
        ChangeEmail,
        "update users set email = :new_email where email = :identifier",
    ),
    (Delete, "delete from users where id = :user_id"),
];

/// Statements as they are found in the wild.
const CLEVER: [(StatementName, &str); 6] = [
    (
        Authenticate,
        "select u.id as user_id, email, password_hash, p.nickname from users u \
         left join persons as p on p.person_id = u.id where email = :identifier",
    ),
    (
        Lookup,
        "with them as (select id, email from users where not blocked) \
         select t.id, (select max(nickname) from persons where person_id = t.id) as nickname \
         from them t where email = :identifier and exists (select 1 from audit) order by t.id",
    ),
    (
        Create,
        "insert into users (email, password_hash) select :email, :password_hash",
    ),
    (
        VerifyEmail,
        "update users set email_verified = case when blocked then email_verified else true end where email = :email",
    ),
    (
        ChangePassword,
        "update users set password_hash = :password_hash where id = (select person_id from persons where e_mail = :identifier)",
    ),
    (
        Delete,
        "delete from users where id = :user_id and not exists (select person_id from persons where person_id = users.id and nickname = 'root')",
    ),
];

#[tokio::test]
async fn in_postgres_the_grants_are_enough_and_none_can_be_spared() {
    for statements in [&SIMPLE[..], &CLEVER[..], &postgres_only()] {
        let ward = Ward::new(World::postgres().await, TABLES, statements).await;
        enough_and_none_to_spare(&ward).await;
    }
}

#[tokio::test]
async fn in_mysql_the_grants_are_enough_and_none_can_be_spared() {
    for statements in [&SIMPLE[..], &CLEVER[..], &mysql_only()] {
        let ward = Ward::new(World::mysql().await, TABLES, statements).await;
        enough_and_none_to_spare(&ward).await;
    }
}

fn postgres_only() -> Vec<(StatementName, &'static str)> {
    vec![
        (
            Create,
            "with made as (insert into users (email, password_hash) values (:email, :password_hash) \
             on conflict (email) do update set nickname = excluded.nickname where users.blocked returning id, email as address) \
             insert into audit (at, what) select id, address from made returning at as id",
        ),
        (
            ChangeEmail,
            "update users u set email = :new_email from persons where person_id = u.id and e_mail = :identifier returning u.id, u.nickname",
        ),
        (
            Delete,
            "delete from users using persons p where p.person_id = users.id and users.id = :user_id",
        ),
        (
            Lookup,
            "select id::text as \"Id\", row_to_json(p)::text as name from users join persons p on (p.person_id = id) \
             where email = :identifier and p.person_id = any(array(select count(*) from audit)) group by id, p.person_id limit 2",
        ),
    ]
}

fn mysql_only() -> Vec<(StatementName, &'static str)> {
    vec![
        (
            Lookup,
            "select straight_join `id`, NICKNAME as `name` from `users` where email = :identifier having `name` is null limit 2",
        ),
        (
            ChangeEmail,
            "update users u join persons p on p.person_id = u.id set u.email = :new_email where p.e_mail = :identifier",
        ),
    ]
}

async fn enough_and_none_to_spare(ward: &Ward) {
    let script = ward.script().await;
    if let Some(refused) = refused(ward).await {
        panic!("{refused}\n{script}");
    }
    assert_eq!(ward.excesses().await, [], "{script}");
    let kind = ward.world.kind();
    for (name, needs) in ward.needs().await.relations() {
        let table = name.quoted(kind);
        for right in rights(&needs, kind) {
            let to = ward.grantee();
            ward.world
                .run(&format!("revoke {right} on table {table} from {to}"))
                .await;
            assert!(
                refused(ward).await.is_some(),
                "{right} on {table} can be spared:\n{script}"
            );
            ward.world
                .run(&format!("grant {right} on table {table} to {to}"))
                .await;
        }
    }
    assert_eq!(refused(ward).await, None);
}

/// MySQL asks for `update` of what is set then, MariaDB for `update` of what is inserted and for `select` of what is set.
#[tokio::test]
async fn an_insert_that_may_become_an_update_has_what_either_server_asks_for() {
    let create = "insert into users set EMAIL = :email, password_hash = :password_hash on duplicate key update nickname = null";
    let lookup = "select id from users where email = :identifier";
    let ward = Ward::new(
        World::mysql().await,
        TABLES,
        &[(Create, create), (Lookup, lookup)],
    )
    .await;
    assert_eq!(refused(&ward).await, None);
    assert_eq!(ward.excesses().await, []);
}

/// What the database refuses the role of all its statements, at start or when they run. A planner that knows that there
/// will be no row checks less at start.
async fn refused(ward: &Ward) -> Option<String> {
    let store = match ward.open().await {
        Ok(store) => store,
        Err(Error::Statements(flaws)) => return Some(format!("{flaws:?}")),
        Err(error) => panic!("{error}"),
    };
    for &name in ward.statements.keys() {
        ward.world.run(ONE_USER).await;
        match run(&store, name).await {
            Ok(()) => {}
            Err(Error::Failed { statement, code }) if REFUSALS.contains(&code.as_str()) => {
                return Some(format!("{statement}: {code}"));
            }
            Err(error) => panic!("{name}: {error}"),
        }
    }
    None
}

async fn run(store: &lychgate_store::Store, name: StatementName) -> Result<(), Error> {
    let statement = store.statement(name).unwrap();
    let mut parameters = Parameters::new();
    for parameter in statement.parameters() {
        parameters = match parameter.as_str() {
            "password_hash" => parameters.with_password_hash(hash("$2b$04$new")),
            "user_id" => parameters.with("user_id", "1"),
            "email" if name == Create => parameters.with("email", "new@example.com"),
            other => parameters.with(other, "zoe@example.com"),
        };
    }
    if name.is_read() {
        store.read(name, &parameters).await.map(drop)
    } else {
        store.write(name, &parameters).await.map(drop)
    }
}

const ONE_USER: &str =
    "delete from users; insert into users (id, email) values (1, 'zoe@example.com')";

/// How the databases say that a right is lacking.
const REFUSALS: [&str; 4] = ["42501", "1142", "1143", "1370"];

/// Each right for each column.
fn rights(needs: &RelationNeeds, kind: StoreKind) -> Vec<String> {
    let mut rights = Vec::new();
    for (right, columns) in [
        ("select", &needs.select),
        ("insert", &needs.insert),
        ("update", &needs.update),
    ] {
        rights.extend(columns.iter().map(|column| match kind {
            StoreKind::Mysql => format!("{right} (`{column}`)"),
            _ => format!("{right} (\"{column}\")"),
        }));
    }
    if needs.delete {
        rights.push("delete".to_owned());
    }
    rights
}

#[tokio::test]
async fn a_sequence_and_a_function_of_ones_own_are_granted_too() {
    let schema = "
        create schema app;
        create table app.accounts (id serial primary key, mail text, \"Hash\" text, notes text);
        create function app.fold(text) returns text language internal immutable as 'lower';
        revoke execute on function app.fold(text) from public";
    let statements = [
        (
            Lookup,
            "select id from app.accounts where app.fold(mail) = :identifier",
        ),
        (
            Create,
            "insert into app.accounts (mail, \"Hash\") values (:email, :password_hash) returning id",
        ),
    ];
    let ward = Ward::new(World::postgres().await, schema, &statements).await;
    assert_eq!(refused(&ward).await, None);
    assert_eq!(ward.excesses().await, []);
    let to = ward.grantee();
    ward.world
        .run(&format!(
            "revoke usage on sequence app.accounts_id_seq from {to}"
        ))
        .await;
    assert!(refused(&ward).await.is_some());
}

#[tokio::test]
async fn what_cannot_be_told_is_named() {
    let world = World::postgres().await;
    world
        .run(
            "create table audit (what text);
             create view open_view with (security_invoker = true) as select id, email from users;
             create function peek(text) returns bigint language sql as 'select count(*) from audit where what = $1';
             create function twice(int) returns int language sql as 'select $1';
             create function twice(text) returns text language sql as 'select $1';
             create function note() returns trigger language plpgsql as 'begin insert into audit values (new.email); return new; end';
             create trigger noted after update on users for each row execute function note()",
        )
        .await;
    let mut inspection = inspection(&world.url()).await;
    for (name, sql, expected) in [
        (
            Lookup,
            "select id from open_view where email = :identifier",
            "view `open_view` reads with this role's rights",
        ),
        (
            Lookup,
            "select peek(email) as id from users where email = :identifier",
            "function `public.peek` runs with this role's rights",
        ),
        (
            Lookup,
            "select twice(email) as id from users where email = :identifier",
            "there are 2 functions `twice`",
        ),
        (
            VerifyEmail,
            "update users set email_verified = true where email = :email",
            "trigger `noted` of `users` runs with this role's rights",
        ),
        (
            Lookup,
            "select id from users where email = :identifier for update",
            "it locks rows",
        ),
        (
            Lookup,
            "select id from strangers where email = :identifier",
            "`strangers` is no table that this role can see",
        ),
        (
            Lookup,
            "select ssn from users where email = :identifier",
            "`ssn` is a column of none of its tables",
        ),
        (
            Lookup,
            "select u.ssn from users u where email = :identifier",
            "`u.ssn` is no column",
        ),
        (
            Lookup,
            "select id from users natural join audit where email = :identifier",
            "a natural join",
        ),
    ] {
        let needs = inspection
            .needs(&[(name, sql.to_owned())].into())
            .await
            .unwrap();
        let reasons: Vec<_> = needs
            .unknown
            .iter()
            .map(|unknown| unknown.reason.as_str())
            .collect();
        assert!(
            reasons.iter().any(|reason| reason.contains(expected)),
            "{sql}: {reasons:?}"
        );
    }
}

#[tokio::test]
async fn in_sqlite_columns_are_found_whatever_their_case() {
    let world = World::sqlite().await;
    let mut inspection = inspection(&world.url()).await;
    let sql = "select ID, Email from USERS where lower(email) = :identifier";
    let needs = inspection
        .needs(&[(Lookup, sql.to_owned())].into())
        .await
        .unwrap();
    assert_eq!(needs.unknown, []);
    let relations = needs.relations();
    let (name, users) = relations.first_key_value().unwrap();
    assert_eq!(name.to_string(), "users");
    assert_eq!(users.select, ["email".to_owned(), "id".to_owned()].into());
}
