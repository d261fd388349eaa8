//! What a new password must be like, and that nothing but the request decides it.

use std::sync::Arc;

use lychgate_gateway::{BreachedList, NewPasswordRules, Settings};
use lychgate_password::Format;
use lychgate_store::StatementName;
use serde_json::{Value, json};

use crate::world::{Answer, PASSWORD, World, ZOE, operation_of};

/// A list of digests, none of which is of a password here.
const LIST: &str = "0B2C5E0F7F5E3E3E9B1B1B1B1B1B1B1B1B1B1B1B:3\n";

fn with_rules(change: impl FnOnce(&mut NewPasswordRules)) -> impl FnOnce(&mut Settings) {
    move |settings| {
        let mut rules = NewPasswordRules::default();
        change(&mut rules);
        settings.new_passwords = rules;
    }
}

async fn change(world: &World, identifier: &str, password: &str) -> Answer {
    let body = json!({ "identifier": identifier, "new_password": password });
    world.call("change_password", body).await
}

fn without_its_name(answer: &Answer) -> Value {
    let mut body = answer.json();
    body["request_id"].take();
    body
}

#[tokio::test]
async fn a_rule_is_told_by_field_and_limit_and_is_the_same_for_everybody() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "known to all\n").unwrap();
    let list = Arc::new(BreachedList::open(file.path()).unwrap());
    let world = World::with(with_rules(|rules| {
        rules.max_length = Some(40);
        rules.breached = Some(list);
        rules.service_names = vec!["lych gate".to_owned()];
    }))
    .await;
    let long = "x".repeat(41);
    for (password, reason, detail) in [
        ("seven 7", "password-too-short", "at least 8 characters"),
        (long.as_str(), "password-too-long", "at most 40 characters"),
        ("known to all", "password-breached", "known from a breach"),
        (
            "Lych Gate 1!",
            "password-is-a-name",
            "a name of the user or of the service",
        ),
    ] {
        let hashes = world.hashes().await;
        let known = change(&world, ZOE, password).await;
        let unknown = change(&world, "nobody@example.com", password).await;
        let body = json!({ "email": "new@example.com", "password": password });
        let created = world.call("create", body).await;
        for (answer, field) in [(&known, "`new_password`"), (&created, "`password`")] {
            answer.is_problem(422, "invalid-field");
            let told = answer.json()["detail"].as_str().unwrap().to_owned();
            assert!(told.contains(detail) && told.contains(field), "{told}");
            assert!(!answer.text.contains(password));
        }
        assert_eq!(without_its_name(&known), without_its_name(&unknown));
        assert_eq!(world.hashes().await, hashes, "nothing is hashed");
        assert_eq!(world.audit().last().unwrap()["reason"], reason);
    }
    let own = change(&world, ZOE, "ZOE@example.com").await;
    own.is_problem(422, "invalid-field");
    let changed = change(&world, ZOE, "eight 8!").await;
    assert_eq!(changed.json(), json!({ "changed": true }));
}

#[tokio::test]
async fn a_password_is_kept_as_it_is_received() {
    let world = World::with(with_rules(|_| {})).await;
    let decomposed = "re\u{301}sume\u{301} of \u{ff21}da";
    assert_eq!(change(&world, ZOE, decomposed).await.status, 200);
    for (password, is_hers) in [(decomposed, true), ("r\u{e9}sum\u{e9} of Ada", false)] {
        let body = json!({ "identifier": ZOE, "password": password });
        let answer = world.call("authenticate", body).await;
        assert_eq!(!answer.json()["user"].is_null(), is_hers);
    }
}

#[tokio::test]
async fn while_the_list_cannot_be_read_no_password_is_changed() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), LIST).unwrap();
    let list = Arc::new(BreachedList::open(file.path()).unwrap());
    let world = World::with(with_rules(|rules| rules.breached = Some(list))).await;
    assert_eq!(change(&world, ZOE, "an unknown one").await.status, 200);
    std::fs::write(file.path(), "garbage").unwrap();
    let refused = change(&world, ZOE, "another unknown one").await;
    refused.is_problem(500, "internal");
    let line = world.audit().pop().unwrap();
    assert_eq!(line["reason"], "breached-list-unreadable");
    let body = json!({ "identifier": ZOE, "password": "an unknown one" });
    assert!(!world.call("authenticate", body).await.json()["user"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_no_rule_would_let_in_logs_in_and_is_upgraded() {
    let world = World::with(|settings| {
        settings.new_passwords.min_length = 100;
        settings.passwords.accept = vec![Format::Argon2id, Format::Bcrypt];
        settings.passwords.write = Format::Bcrypt;
        settings.store.statements.insert(
            StatementName::UpgradePassword,
            "update users set password_hash = :password_hash \
             where lower(email) = :identifier and password_hash = :old_hash"
                .to_owned(),
        );
    })
    .await;
    let (path, scope) = operation_of("authenticate");
    let body = json!({ "identifier": ZOE, "password": PASSWORD });
    let answer = world.post(path, &world.token(scope), &body).await;
    assert!(!answer.json()["user"].is_null());
    let upgraded = async {
        let line = "lychgate_password_upgrades_total{outcome=\"upgraded\"}";
        while world.metric(line).await == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), upgraded)
        .await
        .expect("upgraded in time");
}
