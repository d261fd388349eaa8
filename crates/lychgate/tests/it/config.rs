//! What `lychgate serve` does not start with: exit status 2, the reason, the mend, and where it stands.

mod refusals;

use std::path::Path;
use std::process::Output;

use self::refusals::{
    Bad, MISSING_CONTROLS, OVERHEARD_OR_MISREAD, UNFIT_AUDIT, UNFIT_RULES, UNFIT_STATEMENTS,
    UNPROVABLE,
};
use crate::support::{lychgate, sample_store};

/// A config that `serve` starts with.
const GOOD: &str = r#"[gateway]
listen = "127.0.0.1:0"
admin_listen = "127.0.0.1:0"

[gateway.allowlist]
networks = ["127.0.0.0/8"]

[gateway.access_token]
issuers = ["http://127.0.0.1:9/"]
audience = "urn:legacy-identity"
clients = ["script-client"]
algorithms = ["RS256"]

[store]
url = "sqlite:store.db"

[store.operations]
authenticate = "select id, email, password_hash from users where email = :identifier"
lookup = "select id, email from users where email = :identifier"
create = "insert into users (email, password_hash) values (:email, :password_hash)"
delete = "delete from users where id = :user_id"

[store.profile]
user_id = "id"

[audit]
file = "audit.jsonl"
"#;

#[tokio::test]
async fn serve_refuses_to_start_where_a_control_is_missing() {
    refused(&MISSING_CONTROLS).await;
}

#[tokio::test]
async fn serve_refuses_to_start_where_it_could_be_overheard_or_misread() {
    refused(&OVERHEARD_OR_MISREAD).await;
}

#[tokio::test]
async fn serve_refuses_statements_that_do_not_fit_their_operation_by_name() {
    refused(&UNFIT_STATEMENTS).await;
}

#[tokio::test]
async fn serve_refuses_an_audit_log_that_could_not_be_kept_and_a_decoy_that_would_be_let_in() {
    refused(&UNFIT_AUDIT).await;
}

#[tokio::test]
async fn serve_refuses_rules_for_passwords_that_cannot_be_kept() {
    refused(&UNFIT_RULES).await;
}

#[tokio::test]
async fn serve_refuses_a_sender_constraint_that_could_not_be_proven() {
    refused(&UNPROVABLE).await;
}

#[tokio::test]
async fn a_config_that_is_not_there_is_wrong_config_too() {
    let folder = tempfile::tempdir().unwrap();
    let output = lychgate(folder.path(), &["serve", "--config", "other.toml"])
        .output()
        .await
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot read other.toml"));
}

/// Starts each on its own; whatever is wrong with any of them is said at the end.
async fn refused(table: &[Bad]) {
    let folder = tempfile::tempdir().unwrap();
    sample_store(folder.path()).await;
    for bad in table {
        assert_eq!(
            GOOD.matches(bad.instead_of).count(),
            1,
            "{}",
            bad.instead_of
        );
        let text = GOOD.replace(bad.instead_of, bad.written);
        std::fs::write(folder.path().join("lychgate.toml"), &text).unwrap();
        let output = serve(folder.path()).await;
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{}\n{error}", bad.written);
        assert!(output.stdout.is_empty(), "{error}");
        assert!(error.starts_with("error: "), "{error}");
        if !bad.at.is_empty() {
            let place = place(&text, bad.at);
            assert!(error.contains(&place), "{place} in\n{error}");
        }
        for said in bad.said {
            assert!(error.contains(said), "{said} in\n{error}");
        }
    }
}

async fn serve(folder: &Path) -> Output {
    let running = lychgate(folder, &["serve"]).output();
    let ended = tokio::time::timeout(std::time::Duration::from_mins(1), running).await;
    ended.expect("it started").unwrap()
}

/// Where `needle` stands in `text`, as an error points at it.
fn place(text: &str, needle: &str) -> String {
    let before = &text.split_once(needle).unwrap().0;
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap().chars().count() + 1;
    format!("lychgate.toml:{line}:{column}:")
}
