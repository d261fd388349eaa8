//! What a gateway does not start with.

use lychgate_gateway::{Endpoint, Error, Gateway, Settings};
use lychgate_store::StatementName;
use tempfile::TempDir;

use crate::issuer::{Issuer, key};
use crate::world::settings;

async fn refusal(change: impl FnOnce(&mut Settings)) -> Error {
    let key = key();
    let issuer = Issuer::start(&[&key]);
    let folder = TempDir::new().unwrap();
    let mut settings = settings(&issuer, &folder).await;
    change(&mut settings);
    Box::pin(Gateway::start(settings))
        .await
        .err()
        .expect("a refusal to start")
}

#[tokio::test]
async fn a_column_that_is_no_field_is_an_error_that_names_statement_and_column() {
    let error = refusal(|settings| {
        let statement =
            "select id, email, email as ssn from users where lower(email) = :identifier";
        settings
            .store
            .statements
            .insert(StatementName::Lookup, statement.into());
    })
    .await;
    let text = error.to_string();
    assert!(
        matches!(error, Error::Profile { .. })
            && text.contains("`lookup`")
            && text.contains("`ssn`"),
        "{text}"
    );
}

#[tokio::test]
async fn a_statement_without_user_id_or_a_rename_of_nothing_is_an_error() {
    let error = refusal(|settings| settings.profile.clear()).await;
    assert!(matches!(error, Error::Profile { .. }), "{error}");
    let error = refusal(|settings| {
        settings.profile.insert(
            lychgate_gateway::profile::ProfileField::Picture,
            "avatar".into(),
        );
    })
    .await;
    assert!(matches!(error, Error::UnusedRename { .. }), "{error}");
}

#[tokio::test]
async fn empty_lists_are_errors() {
    for empty in [
        (|settings: &mut Settings| settings.access_token.clients.clear()) as fn(&mut Settings),
        |settings| settings.access_token.issuers.clear(),
        |settings| settings.access_token.algorithms.clear(),
    ] {
        assert!(matches!(refusal(empty).await, Error::EmptyList(_)));
    }
}

#[tokio::test]
async fn an_audit_file_that_cannot_be_opened_is_an_error() {
    let error = refusal(|settings| {
        settings.audit.destination =
            lychgate_gateway::AuditDestination::File("/nowhere/audit.jsonl".into());
    })
    .await;
    assert!(matches!(error, Error::AuditFile { .. }));
}

#[tokio::test]
async fn plain_http_on_any_address_needs_a_proxy_that_is_named() {
    let error = refusal(|settings| {
        settings.listen = Endpoint::TerminatedByTrustedProxy("0.0.0.0:0".parse().unwrap());
    })
    .await;
    assert!(matches!(error, Error::NoTrustedProxy), "{error}");
}
