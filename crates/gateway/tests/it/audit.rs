//! One line for each answer; never a secret in it; and no answer without it.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use lychgate_gateway::audit::Verification;
use lychgate_gateway::{
    AuditDestination, Gateway, HeadKey, HeadPublicKey, Heads, OnAuditFailure, Rotation,
    SyslogAddress,
};
use serde_json::{Value, json};

use crate::world::{CLIENT, PASSWORD, World, ZOE, audit_file, send, settings};

#[tokio::test]
async fn each_answer_has_one_line_with_its_request_id_and_step() {
    let world = World::start().await;
    let good = world.call("lookup", json!({ "identifier": ZOE })).await;
    let absent = send(world.client.post(world.url("/v1/users/lookup"))).await;
    let scope = world.lookup_with(&world.token("delete:users")).await;
    let unknown = world
        .post("/nothing", &world.token("read:users"), &json!({}))
        .await;
    let field = world.call("lookup", json!({})).await;
    let lines = world.audit();
    assert_eq!(lines.len(), 5);
    for (line, answer) in lines.iter().zip([&good, &absent, &scope, &unknown, &field]) {
        assert_eq!(line["request_id"], answer.header("x-request-id"));
        assert_eq!(line["status"], answer.status);
        assert_eq!(line["event"], "answer");
        assert_eq!(line["address"], "127.0.0.1");
        assert!(line["duration_us"].is_u64() && line["time"].is_string());
    }
    let steps: Vec<_> = lines
        .iter()
        .map(|line| line["step"].as_str().unwrap())
        .collect();
    assert_eq!(
        steps,
        ["operation", "access_token", "scope", "route", "body"]
    );
    let outcomes: Vec<_> = lines
        .iter()
        .map(|line| line["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(
        outcomes,
        [
            "user",
            "invalid-token",
            "insufficient-scope",
            "unknown-operation",
            "invalid-field"
        ]
    );
    assert_eq!(lines[0]["client"], CLIENT);
    assert_eq!(lines[0]["operation"], "lookup");
    assert_eq!(lines[1]["reason"], "no-credentials");
    assert!(lines[1].get("client").is_none() && lines[1].get("operation").is_none());
}

#[tokio::test]
async fn a_line_tells_what_was_found_on_the_way_and_how_long_it_took() {
    let world = World::start().await;
    for (identifier, password) in [
        (ZOE, PASSWORD),
        (ZOE, "wrong"),
        ("nobody@example.com", PASSWORD),
    ] {
        let body = json!({ "identifier": identifier, "password": password });
        world.call("authenticate", body).await;
    }
    world.call("lookup", json!({ "identifier": ZOE })).await;
    send(world.client.post(world.url("/v1/users/lookup"))).await;
    let details: Vec<Value> = world
        .audit()
        .into_iter()
        .map(|mut line| line["detail"].take())
        .collect();
    let found = |detail: &Value| (detail["row"].clone(), detail["matches"].clone());
    assert_eq!(found(&details[0]), (json!(true), json!(true)));
    assert_eq!(found(&details[1]), (json!(true), json!(false)));
    assert_eq!(found(&details[2]), (json!(false), json!(false)));
    assert_eq!(found(&details[3]), (json!(true), Value::Null));
    for detail in &details[..3] {
        assert_eq!(detail["format"], "argon2id");
        assert_eq!(detail["issuer"], world.issuer.name);
        assert_eq!(detail["scope"], "authenticate:users");
        for time in [
            "place_us",
            "token_us",
            "lockout_us",
            "store_us",
            "hash_wait_us",
            "hash_us",
        ] {
            assert!(detail[time].is_u64(), "{time} in {detail}");
        }
    }
    assert!(details[3]["hash_us"].is_null() && details[3]["store_us"].is_u64());
    assert!(details[4]["issuer"].is_null() && details[4]["token_us"].is_u64());
}

#[tokio::test]
async fn the_same_user_has_the_same_pseudonym_and_no_name() {
    let world = World::start().await;
    world.call("lookup", json!({ "identifier": ZOE })).await;
    world
        .call("lookup", json!({ "identifier": "ZOE@example.com" }))
        .await;
    world
        .call("lookup", json!({ "identifier": "nobody@example.com" }))
        .await;
    let lines = world.audit();
    assert_eq!(lines[0]["pseudonym"], lines[1]["pseudonym"]);
    assert_ne!(lines[0]["pseudonym"], lines[2]["pseudonym"]);
    assert_eq!(lines[0]["pseudonym"].as_str().unwrap().len(), 64);
    assert!(lines[0]["pseudonym_key"].is_string());
}

#[tokio::test]
async fn no_line_holds_a_password_a_hash_a_token_or_an_identifier() {
    let world = World::start().await;
    let token = world.token("authenticate:users");
    world
        .post(
            "/v1/users/authenticate",
            &token,
            &json!({ "identifier": ZOE, "password": PASSWORD }),
        )
        .await;
    world
        .call(
            "change_password",
            json!({ "identifier": ZOE, "new_password": "hunter2" }),
        )
        .await;
    world
        .call(
            "create",
            json!({ "email": "new@example.com", "password": "hunter2" }),
        )
        .await;
    world
        .post(&format!("/x?access_token={token}"), &token, &json!({}))
        .await;
    let text = world.audit_text();
    assert_eq!(world.audit().len(), 4);
    let signature = token.rsplit('.').next().unwrap();
    for secret in [
        PASSWORD,
        "hunter2",
        "$argon2",
        "zoe",
        "new@example.com",
        signature,
    ] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

#[tokio::test]
async fn the_file_is_its_owners_alone() {
    let world = World::start().await;
    world.call("lookup", json!({ "identifier": ZOE })).await;
    let mode = std::fs::metadata(audit_file(&world.folder))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn a_line_that_a_crash_tore_spoils_none_after_it() {
    let folder = tempfile::TempDir::new().unwrap();
    let torn = "{\"time\":\"2026-11-23T00:00:00Z\",\"ev";
    let file = folder.path().join("torn.jsonl");
    std::fs::write(&file, torn).unwrap();
    let world = World::with(|settings| {
        settings.audit.destination = AuditDestination::File(file.clone());
    })
    .await;
    world.call("lookup", json!({ "identifier": ZOE })).await;
    world.call("lookup", json!({ "identifier": ZOE })).await;
    let text = std::fs::read_to_string(&file).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some(torn), "what was there stays");
    let read: Vec<Value> = lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let events: Vec<_> = read.iter().map(|line| &line["event"]).collect();
    assert_eq!(events, ["start", "torn", "answer", "answer"]);
    let verification = verified(&[&file], None);
    assert_eq!((verification.faults(), verification.torn()), (&[][..], 1));
}

#[tokio::test]
async fn a_restart_goes_on_with_the_chain_and_says_whether_the_run_before_had_an_end() {
    let world = World::start().await;
    world.call("lookup", json!({ "identifier": ZOE })).await;
    let (_, folder) = world.stop().await;
    let file = audit_file(&folder);
    let again = || async {
        let file = file.clone();
        let world = World::with(move |settings| {
            settings.audit.destination = AuditDestination::File(file);
        })
        .await;
        world.call("lookup", json!({ "identifier": ZOE })).await;
        world
    };
    again().await.stop().await;
    let verification = verified(&[&file], None);
    assert_eq!(verification.faults(), []);
    assert_eq!((verification.lines(), verification.chains()), (6, 1));
    assert!(verification.unended().is_empty());
    // A crash: the last line is there to its middle.
    let mut text = std::fs::read(&file).unwrap();
    text.truncate(text.len() - 30);
    std::fs::write(&file, &text).unwrap();
    let world = again().await;
    let verification = verified(&[&file], None);
    assert_eq!(verification.faults(), []);
    assert_eq!(verification.torn(), 1);
    assert_eq!(verification.unended().len(), 1);
    assert_eq!(world.metric("lychgate_audit_sequence").await, 8);
}

#[tokio::test]
async fn two_gateways_do_not_write_one_file() {
    let world = World::start().await;
    let file = audit_file(&world.folder);
    let folder = tempfile::TempDir::new().unwrap();
    let mut settings = settings(&world.issuer, &folder).await;
    settings.audit.destination = AuditDestination::File(file);
    let refused = Box::pin(Gateway::start(settings)).await.err().unwrap();
    let cause = std::error::Error::source(&refused).unwrap().to_string();
    assert!(cause.contains("another process writes it"), "{cause}");
}

#[tokio::test]
async fn a_file_that_holds_something_else_is_left_alone() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("other.log");
    let text = "a line of another program\n".repeat(40);
    std::fs::write(&file, &text).unwrap();
    let world = World::start().await;
    let mut settings = settings(&world.issuer, &folder).await;
    settings.audit.destination = AuditDestination::File(file.clone());
    let refused = Box::pin(Gateway::start(settings)).await.err().unwrap();
    assert!(refused.to_string().contains("move the file away"));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
}

#[tokio::test]
async fn a_file_that_is_rotated_goes_on_in_the_next_and_what_is_removed_is_said() {
    let world = World::with(|settings| {
        settings.audit.rotation = Some(Rotation {
            bytes: Some(1),
            after: None,
            keep: Some(2),
        });
        settings.audit.heads = Some(heads());
    })
    .await;
    for _ in 0..5 {
        world.call("lookup", json!({ "identifier": ZOE })).await;
    }
    let (_, folder) = world.stop().await;
    let files = log_files(&folder);
    assert_eq!(files.len(), 3, "two old ones are kept");
    let files: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    let verification = verified(&files, Some(heads().key.public_key().clone()));
    assert_eq!(verification.faults(), []);
    assert!(verification.first().unwrap() > 1);
    assert_eq!(
        verification.signed().unwrap().sequence,
        verification.last().unwrap().sequence
    );
    for file in &files {
        let mode = std::fs::metadata(file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let without = [files[0], files[2]];
    let verification = verified(&without, None);
    assert_eq!(verification.faults()[0].kind.name(), "missing");
}

#[tokio::test]
async fn a_file_that_somebody_else_moves_away_goes_on_in_a_new_one() {
    let world = World::start().await;
    world.call("lookup", json!({ "identifier": ZOE })).await;
    let file = audit_file(&world.folder);
    let moved = world.folder.path().join("audit.jsonl.1");
    std::fs::rename(&file, &moved).unwrap();
    // It is looked for once a second.
    while !file.exists() {
        world.call("lookup", json!({ "identifier": ZOE })).await;
    }
    let (_, folder) = world.stop().await;
    let verification = verified(&[&moved, &file], None);
    assert_eq!(verification.faults(), []);
    let first = &std::fs::read_to_string(audit_file(&folder)).unwrap();
    assert!(first.lines().next().unwrap().contains("\"rotated\""));
}

fn heads() -> Heads {
    Heads {
        key: HeadKey::from_pem(SIGNING_KEY).unwrap(),
        lines: Heads::LINES,
        every: Heads::EVERY,
    }
}

/// The old files and then the one that is written, in their order.
fn log_files(folder: &tempfile::TempDir) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder.path()).unwrap();
    let files = files.map(|file| file.unwrap().path());
    let mut files: Vec<_> = files
        .filter(|file| file.to_str().unwrap().contains("audit.jsonl."))
        .collect();
    files.sort();
    files.push(audit_file(folder));
    files
}

fn verified(files: &[&Path], key: Option<HeadPublicKey>) -> Verification {
    let mut verification = Verification::new(key.into_iter().collect());
    for (number, file) in files.iter().enumerate() {
        let text = std::fs::read(file).unwrap();
        verification.read(number, &text[..]).unwrap();
    }
    verification.finish();
    verification
}

/// Made by `openssl genpkey -algorithm ed25519`.
const SIGNING_KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIOveyR/FcU/YfrgvmPYOCfHLjDpbX8+HmQzoLp6moez0\n-----END PRIVATE KEY-----\n";

#[tokio::test]
async fn what_cannot_be_audited_is_not_answered() {
    let world = World::with(|settings| {
        settings.audit.destination = AuditDestination::File("/dev/full".into());
    })
    .await;
    let answer = world.lookup_with(&world.token("read:users")).await;
    answer.is_problem(500, "internal");
    assert!(!answer.text.contains(ZOE));
    assert_eq!(world.metric("lychgate_audit_failures_total").await, 1);
}

#[tokio::test]
async fn where_config_says_so_what_cannot_be_audited_is_answered_and_counted() {
    let world = World::with(|settings| {
        settings.audit.destination = AuditDestination::File("/dev/full".into());
        settings.audit.on_failure = OnAuditFailure::Answer;
    })
    .await;
    for _ in 0..2 {
        let answer = world.lookup_with(&world.token("read:users")).await;
        assert_eq!(answer.status, 200);
    }
    assert_eq!(world.metric("lychgate_audit_failures_total").await, 2);
}

#[tokio::test]
async fn the_system_log_takes_the_chain_and_while_it_is_away_nothing_is_done() {
    let folder = tempfile::TempDir::new().unwrap();
    let socket = folder.path().join("log");
    let log = tokio::net::UnixDatagram::bind(&socket).unwrap();
    let address = SyslogAddress::Socket(socket.clone());
    let world = World::with(|settings| {
        settings.audit.destination = AuditDestination::Syslog(address);
        settings.audit.heads = Some(heads());
    })
    .await;
    world.call("lookup", json!({ "identifier": ZOE })).await;
    let mut text = Vec::new();
    for event in ["start", "answer"] {
        let mut message = vec![0; 8192];
        let length = log.recv(&mut message).await.unwrap();
        let message = String::from_utf8(message[..length].to_vec()).unwrap();
        let (head, line) = message.split_once(" - {").unwrap();
        assert!(
            head.starts_with("<110>1 ") && head.ends_with(event),
            "{head}"
        );
        text.extend_from_slice(format!("{{{line}\n").as_bytes());
    }
    let mut verification = Verification::new(vec![heads().key.public_key().clone()]);
    verification.read(0, &text[..]).unwrap();
    verification.finish();
    assert_eq!(verification.faults(), []);
    assert_eq!(verification.lines(), 2);
    drop(log);
    std::fs::remove_file(&socket).unwrap();
    let answer = world.lookup_with(&world.token("read:users")).await;
    answer.is_problem(500, "internal");
    let log = tokio::net::UnixDatagram::bind(&socket).unwrap();
    // The line of this request is the try that ends it; the next is answered.
    world.lookup_with(&world.token("read:users")).await;
    let answer = world.lookup_with(&world.token("read:users")).await;
    assert_eq!(answer.status, 200);
    drop(log);
}

#[tokio::test]
async fn a_system_log_that_is_not_there_is_an_error_of_the_start() {
    let issuer = World::start().await;
    let folder = tempfile::TempDir::new().unwrap();
    let mut settings = settings(&issuer.issuer, &folder).await;
    settings.audit.destination =
        AuditDestination::Syslog(SyslogAddress::parse("/nowhere/log").unwrap());
    let refused = Box::pin(Gateway::start(settings)).await.err().unwrap();
    assert!(refused.to_string().contains("cannot be reached"));
}

#[tokio::test]
async fn while_nothing_can_be_audited_nothing_is_done() {
    let world = World::with(|settings| {
        settings.audit.destination = AuditDestination::File("/dev/full".into());
    })
    .await;
    let lookup = world.lookup_with(&world.token("read:users")).await;
    lookup.is_problem(500, "internal");
    let file = world.folder.path().join("users.db");
    let before = std::fs::read(&file).unwrap();
    let change = json!({ "identifier": ZOE, "new_password": "without a trace" });
    let answer = world.call("change_password", change).await;
    answer.is_problem(500, "internal");
    assert_eq!(std::fs::read(&file).unwrap(), before);
    assert_eq!(world.hashes().await, 0);
}
