//! Tables of users, as seven schools have written them.

use serde_json::{Value, json};

use crate::support::PASSWORD;

/// A table of users as a school writes it.
pub(super) struct School {
    /// In angled quotes are names; `KEY` is a key that counts, `TRUTH` a truth value, `MOMENT` a moment.
    pub(super) schema: &'static str,
    /// A user with this hash who can log in, and one who is blocked.
    pub(super) users: &'static str,
    pub(super) profile: fn() -> Value,
    /// The password of everybody.
    pub(super) password: &'static str,
}

pub(super) const SCHOOLS: [School; 7] = [
    School {
        schema: "create table users (id KEY, email varchar(190) not null unique, encrypted_password varchar(128) not null, \
                 reset_password_token varchar(190), confirmed_at MOMENT null, locked_at MOMENT null, created_at MOMENT not null)",
        users: "insert into users (email, encrypted_password, confirmed_at, locked_at, created_at) values \
                ('ada@example.com', 'HASH', '2010-01-01 00:00:00', null, '2009-01-01 00:00:00'), \
                ('eve@example.com', 'HASH', null, '2011-01-01 00:00:00', '2009-01-01 00:00:00')",
        profile: || json!({ "user_id": "1", "email": "ada@example.com", "email_verified": true, "blocked": false }),
        password: PASSWORD,
    },
    School {
        schema: "create table wp_users (ID KEY, user_login varchar(60) not null, user_pass varchar(255) not null, \
                 user_nicename varchar(50) not null, user_email varchar(100) not null, display_name varchar(250) not null)",
        users: "insert into wp_users (user_login, user_pass, user_nicename, user_email, display_name) values \
                ('ada', 'HASH', 'ada-l', 'Ada@example.com', 'Ada Lovelace')",
        profile: || {
            json!({
                "user_id": "1", "email": "Ada@example.com", "username": "ada", "nickname": "ada-l", "name": "Ada Lovelace",
            })
        },
        password: PASSWORD,
    },
    School {
        schema: "create table auth_user (id KEY, password varchar(128) not null, username varchar(150) not null unique, \
                 first_name varchar(30) not null, last_name varchar(150) not null, email varchar(190) not null, \
                 is_active TRUTH not null, date_joined MOMENT not null)",
        users: "insert into auth_user (password, username, first_name, last_name, email, is_active, date_joined) values \
                ('HASH', 'ada', 'Ada', 'Lovelace', 'ada@example.com', '1', '2009-01-01 00:00:00'), \
                ('HASH', 'eve', 'Eve', 'Adams', 'eve@example.com', '0', '2009-01-01 00:00:00')",
        profile: || {
            json!({
                "user_id": "1", "email": "ada@example.com", "username": "ada", "given_name": "Ada", "family_name": "Lovelace",
                "blocked": false,
            })
        },
        password: PASSWORD,
    },
    School {
        schema: "create table tbl_members (member_id KEY, mail varchar(190), passwd varchar(255), activated char(1), \
                 status varchar(20), nick varchar(50))",
        users: "insert into tbl_members (mail, passwd, activated, status, nick) values \
                ('ada@example.com', 'HASH', 'Y', 'active', 'ada'), ('bob@example.com', 'HASH', 'N', 'active', 'bob'), \
                ('eve@example.com', 'HASH', 'N', 'banned', 'eve')",
        profile: || {
            json!({
                "user_id": "1", "email": "ada@example.com", "email_verified": true, "nickname": "ada", "blocked": false,
            })
        },
        password: PASSWORD,
    },
    School {
        schema: "create table vb_user (userid KEY, usergroupid integer not null, username varchar(100) not null, \
                 password varchar(32) not null, email varchar(100) not null, salt varchar(30) not null)",
        users: "insert into vb_user (usergroupid, username, password, email, salt) values \
                (2, 'ada', '16780ba78d2d5f02f3202901c1b6d975', 'ada@example.com', '568'), \
                (8, 'eve', '16780ba78d2d5f02f3202901c1b6d975', 'eve@example.com', '568')",
        profile: || {
            json!({
                "user_id": "1", "email": "ada@example.com", "email_verified": true, "username": "ada", "blocked": false,
            })
        },
        // hashcat's example of its module 2611.
        password: "hashcat",
    },
    School {
        schema: "create table «AspNetUsers» («Id» varchar(128) not null primary key, «UserName» varchar(190), \
                 «NormalizedEmail» varchar(190), «Email» varchar(190), «EmailConfirmed» TRUTH not null, \
                 «PasswordHash» varchar(255), «SecurityStamp» varchar(100), «LockoutEnd» MOMENT null); \
                 create index «EmailIndex» on «AspNetUsers» («NormalizedEmail»)",
        users: "insert into «AspNetUsers» («Id», «UserName», «NormalizedEmail», «Email», «EmailConfirmed», «PasswordHash», \
                «LockoutEnd») values \
                ('5f0c', 'ada', 'ADA@EXAMPLE.COM', 'ada@example.com', '1', \
                 'AQAAAAAAAAPoAAAAEFNTU1NTU1NTU1NTU1NTU1NoZhOWfTW+kVfhB7Ism3gkT23etLqWxybKBaduMD4AFg==', null), \
                ('77aa', 'eve', 'EVE@EXAMPLE.COM', 'eve@example.com', '1', \
                 'AQAAAAAAAAPoAAAAEFNTU1NTU1NTU1NTU1NTU1NoZhOWfTW+kVfhB7Ism3gkT23etLqWxybKBaduMD4AFg==', '2999-01-01 00:00:00')",
        profile: || {
            json!({
                "user_id": "5f0c", "email": "ada@example.com", "email_verified": true, "username": "ada", "blocked": false,
            })
        },
        // Of Python's hashlib, as the vectors of the password crate have it.
        password: "correct horse",
    },
    School {
        schema: "create table users (id KEY, login varchar(190) not null, hashed_password varchar(40) not null, \
                 firstname varchar(30) not null, lastname varchar(255) not null, status integer not null, \
                 auth_source_id integer null, «type» varchar(255), salt varchar(64)); \
                 create table email_addresses (id KEY, user_id bigint not null, address varchar(190) not null, \
                 is_default TRUTH not null)",
        users: "insert into users (login, hashed_password, firstname, lastname, status, «type», salt) values \
                ('ada', '7f3b68c825c54dc287f2d54ba32e15e97d81e96c', 'Ada', 'Lovelace', 1, 'User', 'deadbeef'), \
                ('eve', '7f3b68c825c54dc287f2d54ba32e15e97d81e96c', 'Eve', 'Adams', 3, 'User', 'deadbeef'); \
                insert into email_addresses (user_id, address, is_default) values \
                (1, 'ada@example.com', '1'), (2, 'eve@example.com', '1')",
        profile: || {
            json!({
                "user_id": "1", "email": "ada@example.com", "username": "ada", "given_name": "Ada", "family_name": "Lovelace",
                "blocked": false,
            })
        },
        // Of PHP 8.2, as the vectors of the password crate have it.
        password: "correct horse",
    },
];
