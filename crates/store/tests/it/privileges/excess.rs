//! Each right too many is found, alone and by its kind; its mend takes it away, and nothing that is needed.

use lychgate_store::StatementName::{ChangePassword, Create, Lookup};
use lychgate_store::{Excess, ExcessKind, StatementName, Via};

use super::{Ward, account};
use crate::world::World;

const STATEMENTS: [(StatementName, &str); 3] = [
    (
        Lookup,
        "select id, email from users where email = :identifier",
    ),
    (
        ChangePassword,
        "update users set password_hash = :password_hash where email = :identifier",
    ),
    (
        Create,
        "insert into users (email, password_hash) values (:email, :password_hash)",
    ),
];

const POSTGRES: &str = "
create table secrets (id integer, word text);
create sequence numbers;
create schema other;
create function raise() returns text language sql security definer as 'select current_user::text';
revoke execute on function raise() from public;
create foreign data wrapper bridge;
create server far foreign data wrapper bridge;
select lo_create(4711)";

const MYSQL: &str = "
create table secrets (id integer, word text);
create procedure peek() select 1;
create function one() returns int deterministic return 1";

/// What is planted, in the place of `ROLE` the role and of `GROUP` one that is made for it; its kind, and its subject.
const PLANTED_IN_POSTGRES: [(&str, ExcessKind, &str); 36] = [
    ("alter role ROLE superuser", ExcessKind::Superuser, ""),
    ("alter role ROLE createrole", ExcessKind::CreateRole, ""),
    ("alter role ROLE createdb", ExcessKind::CreateDatabase, ""),
    ("alter role ROLE replication", ExcessKind::Replication, ""),
    (
        "alter role ROLE bypassrls",
        ExcessKind::BypassRowSecurity,
        "",
    ),
    (
        "alter role GROUP superuser; grant GROUP to ROLE",
        ExcessKind::Superuser,
        "",
    ),
    (
        "grant pg_read_all_data to ROLE",
        ExcessKind::Membership,
        "pg_read_all_data",
    ),
    (
        "grant pg_execute_server_program to ROLE",
        ExcessKind::Membership,
        "pg_execute_server_program",
    ),
    (
        "grant GROUP to ROLE; grant pg_monitor to GROUP",
        ExcessKind::Membership,
        "pg_monitor",
    ),
    (
        "grant GROUP to ROLE with admin option",
        ExcessKind::Membership,
        "GROUP",
    ),
    (
        "alter table secrets owner to ROLE",
        ExcessKind::Ownership,
        "public.secrets",
    ),
    (
        "alter table users owner to ROLE",
        ExcessKind::Ownership,
        "public.users",
    ),
    (
        "alter schema other owner to ROLE",
        ExcessKind::Ownership,
        "other",
    ),
    (
        "alter large object 4711 owner to ROLE",
        ExcessKind::Ownership,
        "4711",
    ),
    (
        "grant select on secrets to ROLE",
        ExcessKind::Table,
        "public.secrets",
    ),
    (
        "grant select on secrets to public",
        ExcessKind::Table,
        "public.secrets",
    ),
    (
        "grant GROUP to ROLE; grant delete on users to GROUP",
        ExcessKind::Table,
        "public.users",
    ),
    (
        "grant update on users to ROLE",
        ExcessKind::Table,
        "public.users",
    ),
    (
        "grant truncate, references, trigger on users to ROLE",
        ExcessKind::Table,
        "public.users",
    ),
    (
        "grant select on pg_authid to ROLE",
        ExcessKind::Table,
        "pg_catalog.pg_authid",
    ),
    (
        "grant select (nickname), update (id) on users to ROLE",
        ExcessKind::Column,
        "public.users",
    ),
    (
        "grant select (rolpassword) on pg_authid to public",
        ExcessKind::Column,
        "pg_catalog.pg_authid",
    ),
    (
        "grant select (email) on users to ROLE with grant option",
        ExcessKind::GrantOption,
        "public.users",
    ),
    (
        "grant usage on sequence numbers to ROLE",
        ExcessKind::Sequence,
        "public.numbers",
    ),
    (
        "grant create on schema public to public",
        ExcessKind::Schema,
        "public",
    ),
    (
        "grant usage on schema other to ROLE",
        ExcessKind::Schema,
        "other",
    ),
    (
        "grant create on database DATABASE to ROLE",
        ExcessKind::Schema,
        "DATABASE",
    ),
    (
        "grant temporary on database DATABASE to public",
        ExcessKind::Temporary,
        "DATABASE",
    ),
    (
        "create database DATABASE_b",
        ExcessKind::OtherDatabase,
        "DATABASE_b",
    ),
    (
        "grant execute on function raise() to public",
        ExcessKind::Function,
        "public.raise",
    ),
    (
        "grant execute on function pg_read_file(text) to ROLE",
        ExcessKind::Function,
        "pg_catalog.pg_read_file",
    ),
    (
        "grant execute on function lo_import(text) to public",
        ExcessKind::Function,
        "pg_catalog.lo_import",
    ),
    (
        "grant select on large object 4711 to ROLE",
        ExcessKind::LargeObject,
        "4711",
    ),
    (
        "grant usage on foreign server far to ROLE",
        ExcessKind::ForeignServer,
        "far",
    ),
    (
        "grant set on parameter session_replication_role to ROLE",
        ExcessKind::Parameter,
        "session_replication_role",
    ),
    (
        "alter default privileges in schema public grant select on tables to ROLE",
        ExcessKind::DefaultPrivilege,
        "public.postgres",
    ),
];

const PLANTED_IN_MYSQL: [(&str, ExcessKind, &str); 19] = [
    ("grant all on *.* to ROLE", ExcessKind::Superuser, "*.*"),
    ("grant super on *.* to ROLE", ExcessKind::Superuser, "*.*"),
    (
        "grant create user on *.* to ROLE",
        ExcessKind::CreateRole,
        "*.*",
    ),
    (
        "grant replication slave on *.* to ROLE",
        ExcessKind::Replication,
        "*.*",
    ),
    ("grant file on *.* to ROLE", ExcessKind::ServerFiles, "*.*"),
    ("grant process on *.* to ROLE", ExcessKind::Process, "*.*"),
    (
        "grant select, reload on *.* to ROLE",
        ExcessKind::Global,
        "*.*",
    ),
    (
        "grant select on DATABASE.* to ROLE",
        ExcessKind::Schema,
        "DATABASE",
    ),
    (
        "grant all on DATABASE.* to ROLE",
        ExcessKind::Schema,
        "DATABASE",
    ),
    (
        "grant select on mysql.* to ROLE",
        ExcessKind::Schema,
        "mysql",
    ),
    (
        "grant select on DATABASE.secrets to ROLE",
        ExcessKind::Table,
        "DATABASE.secrets",
    ),
    (
        "grant select, drop on DATABASE.users to ROLE",
        ExcessKind::Table,
        "DATABASE.users",
    ),
    (
        "grant select (nickname), update (id) on DATABASE.users to ROLE",
        ExcessKind::Column,
        "DATABASE.users",
    ),
    (
        "grant usage on DATABASE.users to ROLE with grant option",
        ExcessKind::GrantOption,
        "DATABASE.users",
    ),
    (
        "grant execute on procedure DATABASE.peek to ROLE",
        ExcessKind::Function,
        "DATABASE.peek",
    ),
    (
        "grant execute on function DATABASE.one to ROLE",
        ExcessKind::Function,
        "DATABASE.one",
    ),
    (
        "create role GROUP; grant select on DATABASE.secrets to GROUP; grant GROUP to ROLE",
        ExcessKind::Table,
        "DATABASE.secrets",
    ),
    (
        "insert ignore into mysql.proxies_priv (host, user, with_grant) values ('127.0.0.1', 'root', true); flush privileges; grant proxy on 'nobody'@'localhost' to ROLE",
        ExcessKind::Proxy,
        "`nobody`@`localhost`",
    ),
    ("rename user ROLE to ANYWHERE", ExcessKind::AnyHost, ""),
];

#[tokio::test]
async fn in_postgres_each_planted_excess_is_found_and_its_mend_ends_it() {
    let ward = Ward::new(World::postgres().await, POSTGRES, &STATEMENTS).await;
    let group = format!("{}_group", ward.role);
    for (plant, kind, subject) in PLANTED_IN_POSTGRES {
        ward.world.run(&format!("create role {group}")).await;
        let filled = |text: &str| {
            let text = text.replace("ROLE", &ward.role).replace("GROUP", &group);
            text.replace("DATABASE", ward.world.database())
        };
        is_found_and_mended(&ward, &filled(plant), kind, &filled(subject)).await;
        ward.world
            .run(&format!("drop owned by {group}; drop role {group}"))
            .await;
    }
}

#[tokio::test]
async fn in_mysql_each_planted_excess_is_found_and_its_mend_ends_it() {
    let ward = Ward::new(World::mysql().await, MYSQL, &STATEMENTS).await;
    let group = format!("{}_group", ward.role);
    for (plant, kind, subject) in PLANTED_IN_MYSQL {
        let filled = |text: &str| {
            let text = text
                .replace("ROLE", &account(&ward.role))
                .replace("GROUP", &group);
            let text = text.replace("ANYWHERE", &format!("'{}'@'%'", ward.role));
            text.replace("DATABASE", ward.world.database())
        };
        is_found_and_mended(&ward, &filled(plant), kind, &filled(subject)).await;
    }
}

async fn is_found_and_mended(ward: &Ward, plant: &str, kind: ExcessKind, subject: &str) {
    assert_eq!(ward.excesses().await, [], "before {plant}");
    ward.world.run(plant).await;
    let found = ward.excesses().await;
    let [
        Excess {
            kind: found_kind,
            subject: found_subject,
            mend,
            ..
        },
    ] = found.as_slice()
    else {
        panic!("{plant}: {found:#?}");
    };
    assert_eq!(
        (*found_kind, found_subject.as_str()),
        (kind, subject),
        "{plant}"
    );
    ward.world.run(mend).await;
    assert_eq!(ward.excesses().await, [], "after {plant}, mended by {mend}");
    ward.open()
        .await
        .unwrap_or_else(|error| panic!("{plant}, mended by {mend}: {error}"));
}

#[tokio::test]
async fn where_a_right_comes_from_is_said() {
    let ward = Ward::new(World::postgres().await, POSTGRES, &STATEMENTS).await;
    let (role, group) = (&ward.role, format!("{}_group", ward.role));
    ward.world
        .run(&format!(
            "create role {group}; grant {group} to {role}; grant select on secrets to {role}, public, {group}"
        ))
        .await;
    let ways: Vec<_> = ward
        .excesses()
        .await
        .into_iter()
        .map(|excess| excess.via)
        .collect();
    assert_eq!(ways, [Via::Itself, Via::Public, Via::Role(group)]);
}

#[tokio::test]
async fn a_function_that_reaches_out_is_found_with_the_extension_that_brings_it() {
    let ward = Ward::new(World::postgres().await, POSTGRES, &STATEMENTS).await;
    ward.world.run("create extension dblink").await;
    let found = ward.excesses().await;
    assert!(
        found.iter().any(|excess| excess.subject == "public.dblink"),
        "{found:#?}"
    );
    assert!(
        found
            .iter()
            .all(|excess| excess.kind == ExcessKind::Function)
    );
    for excess in found {
        ward.world.run(&excess.mend).await;
    }
    assert_eq!(ward.excesses().await, []);
}

/// What a stranger with the role's password would try.
const TRIED_IN_POSTGRES: [&str; 24] = [
    "select * from users",
    "select nickname from users",
    "select password_hash from users",
    "select word from secrets",
    "update users set id = 2",
    "update users set email = 'mallory@example.com'",
    "delete from users",
    "truncate users",
    "insert into users (id, email) values (9, 'x')",
    "alter table users add column x integer",
    "drop table users",
    "create table mine (x integer)",
    "create temporary table mine (x integer)",
    "create schema mine",
    "create function public.mine() returns int language sql as 'select 1'",
    "create extension dblink",
    "create role mallory",
    "copy users to program 'id'",
    "copy users to '/tmp/users'",
    "copy users (nickname) to stdout",
    "select pg_read_file('/etc/passwd')",
    "select lo_import('/etc/passwd')",
    "select raise()",
    "set role postgres",
];

const TRIED_IN_MYSQL: [&str; 19] = [
    "select * from users",
    "select nickname from users",
    "select password_hash from users",
    "select word from secrets",
    "update users set id = 2",
    "update users set email = 'mallory@example.com'",
    "delete from users",
    "truncate users",
    "insert into users (id, email) values (9, 'x')",
    "replace into users (email, password_hash) values ('x', 'y')",
    "alter table users add column x integer",
    "drop table users",
    "create table mine (x integer)",
    "create temporary table mine (x integer)",
    "create function mine() returns int return 1",
    "create user mallory",
    "select * from mysql.global_priv",
    "select email into outfile '/tmp/users' from users",
    "call peek()",
];

#[tokio::test]
async fn in_postgres_a_role_with_the_exported_grants_is_refused_all_else() {
    let ward = Ward::new(World::postgres().await, POSTGRES, &STATEMENTS).await;
    for sql in TRIED_IN_POSTGRES {
        assert_eq!(ward.refusal(sql).await.as_deref(), Some("42501"), "{sql}");
    }
}

#[tokio::test]
async fn in_mysql_a_role_with_the_exported_grants_is_refused_all_else() {
    let ward = Ward::new(World::mysql().await, MYSQL, &STATEMENTS).await;
    for sql in TRIED_IN_MYSQL {
        let refused = ward
            .refusal(sql)
            .await
            .unwrap_or_else(|| panic!("{sql} is done"));
        let refusals = ["1044", "1045", "1142", "1143", "1227", "1370"];
        assert!(refusals.contains(&refused.as_str()), "{sql}: {refused}");
    }
}
