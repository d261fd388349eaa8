//! What users are found by is for the config to say, and whatever else is typed is nobody's: the same work, the same
//! answer.

use lychgate_store::{IdentifierKind, IdentifierNormalization, StatementName};
use serde_json::json;

use crate::world::{PASSWORD, World, ZOE};

/// A nickname of the sample, by which no config of these tests lets users be found.
const NICKNAME: &str = "zoë";

/// A gateway whose statements find users by address and nickname, whatever its config says that an identifier is.
async fn world(kind: IdentifierKind) -> World {
    World::with(|settings| {
        settings.identifiers.kind = kind;
        for sql in settings.store.statements.values_mut() {
            *sql = sql.replace(
                "lower(email) = :identifier",
                "(lower(email) = :identifier or replace(lower(nickname), 'Ë', 'ë') = :identifier)",
            );
        }
        settings.store.statements.insert(
            StatementName::Create,
            "insert into users (email, nickname, password_hash) \
             values (coalesce(:email, :username), :username, :password_hash)"
                .into(),
        );
    })
    .await
}

#[tokio::test]
async fn an_identifier_of_another_kind_is_nobodys_after_the_same_work() {
    for (kind, own, other) in [
        (IdentifierKind::Email, ZOE, NICKNAME),
        (IdentifierKind::Username, NICKNAME, ZOE),
    ] {
        let world = world(kind).await;
        let body = |identifier| json!({ "identifier": identifier, "password": PASSWORD });
        let found = world.call("authenticate", body(own)).await;
        assert_eq!(found.json()["user"]["user_id"], "1", "{kind:?}");
        let mut answers = Vec::new();
        for nobody in [other, "nobody@example.com", "nobody"] {
            let before = world.hashes().await;
            let answer = world.call("authenticate", body(nobody)).await;
            assert_eq!(world.hashes().await - before, 1, "{kind:?} {nobody}");
            let looked_up = world.call("lookup", json!({ "identifier": nobody })).await;
            for mut answer in [answer, looked_up] {
                answer.headers.remove("x-request-id");
                answer.headers.remove("date");
                answers.push((answer.status, format!("{:?}", answer.headers), answer.text));
            }
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "{answers:?}");
        assert!(
            answers
                .iter()
                .all(|(_, _, text)| text == r#"{"user":null}"#)
        );
        let lines = world.audit();
        let pseudonyms = lines.iter().filter(|line| line.get("pseudonym").is_some());
        assert_eq!(pseudonyms.count(), lines.len());
    }
}

#[tokio::test]
async fn guessing_at_an_identifier_of_another_kind_is_slowed_all_the_same() {
    let world = world(IdentifierKind::Username).await;
    let guess = json!({ "identifier": ZOE, "password": PASSWORD });
    for _ in 0..10 {
        let answer = world.call("authenticate", guess.clone()).await;
        assert_eq!(answer.text, r#"{"user":null}"#);
    }
    let answer = world.call("authenticate", guess).await;
    answer.is_problem(429, "identifier-locked");
}

#[tokio::test]
async fn what_is_wrong_with_the_rows_of_another_kind_is_not_told() {
    let world = World::with(|settings| {
        settings.identifiers.kind = IdentifierKind::Email;
        settings.store.statements.insert(
            StatementName::Lookup,
            "select id, email from users where :identifier is not null".into(),
        );
    })
    .await;
    let answer = world.call("lookup", json!({ "identifier": "zoe" })).await;
    assert_eq!(answer.text, r#"{"user":null}"#);
    let answer = world.call("lookup", json!({ "identifier": ZOE })).await;
    assert_eq!(answer.status, 500);
}

#[tokio::test]
async fn nothing_is_written_by_an_identifier_of_another_kind() {
    for (kind, changed) in [
        (IdentifierKind::Username, false),
        (IdentifierKind::Either, true),
    ] {
        let world = world(kind).await;
        let password = json!({ "identifier": ZOE, "new_password": "another one" });
        let answer = world.call("change_password", password).await;
        assert_eq!(answer.json(), json!({ "changed": changed }));
        let login = json!({ "identifier": NICKNAME, "password": PASSWORD });
        let answer = world.call("authenticate", login).await;
        assert_eq!(answer.json()["user"].is_null(), changed);
        let email =
            json!({ "identifier": ZOE, "new_email": "z@example.com", "email_verified": true });
        let answer = world.call("change_email", email).await;
        assert_eq!(answer.json(), json!({ "changed": changed }));
        let answer = world
            .call("lookup", json!({ "identifier": NICKNAME }))
            .await;
        assert_eq!(answer.json()["user"]["email"] == ZOE, !changed);
    }
}

#[tokio::test]
async fn a_new_user_has_an_identifier_of_the_kind() {
    for (kind, email, username, field) in [
        (IdentifierKind::Email, None, Some("ada"), Some("email")),
        (
            IdentifierKind::Email,
            Some("ada@example.com"),
            Some("ada"),
            None,
        ),
        (IdentifierKind::Email, None, Some("ada@example.com"), None),
        (
            IdentifierKind::Username,
            Some("ada@example.com"),
            None,
            Some("username"),
        ),
        (
            IdentifierKind::Username,
            None,
            Some("ada@example.com"),
            Some("username"),
        ),
        (
            IdentifierKind::Username,
            Some("ada@example.com"),
            Some("ada"),
            None,
        ),
        (IdentifierKind::Either, None, Some("ada"), None),
    ] {
        let world = world(kind).await;
        let mut body = json!({ "password": "a password of hers" });
        for (field, value) in [("email", email), ("username", username)] {
            if let Some(value) = value {
                body[field] = json!(value);
            }
        }
        let answer = world.call("create", body.clone()).await;
        match field {
            Some(field) => {
                answer.is_problem(422, "invalid-field");
                assert!(
                    answer.text.contains(&format!("`{field}`")),
                    "{}",
                    answer.text
                );
            }
            None => assert_eq!(answer.status, 201, "{kind:?} {body}"),
        }
    }
}

#[tokio::test]
async fn the_configs_normalization_is_what_the_store_is_asked_with() {
    for (normalization, is_found) in [
        (IdentifierNormalization::Nfc, false),
        (IdentifierNormalization::Nfkc, true),
        (IdentifierNormalization::None, false),
    ] {
        let world =
            World::with(|settings| settings.identifiers.normalization = normalization).await;
        let wide = json!({ "identifier": ZOE.replace('z', "ｚ") });
        let answer = world.call("lookup", wide).await;
        assert_eq!(
            !answer.json()["user"].is_null(),
            is_found,
            "{normalization:?}"
        );
        let other = json!({ "identifier": ZOE, "password": "wrong" });
        world.call("authenticate", other).await;
        let lines = world.audit();
        let of_one = lines.first().map(|line| &line["pseudonym"])
            == lines.last().map(|line| &line["pseudonym"]);
        assert_eq!(of_one, is_found, "{normalization:?}");
    }
}
