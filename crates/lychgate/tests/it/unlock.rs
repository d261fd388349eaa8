//! `lychgate unlock` beside a real `lychgate serve`.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use crate::serve::{change_config, client, folder};
use crate::support::{Issuer, PASSWORD, Serve, lychgate};

const SOCKET: &str = "admin_socket = \"lychgate.socket\"\nadmin_listen";

async fn unlock(folder: &Path, arguments: &[&str], identifier: &str) -> Output {
    let arguments = [&["unlock"], arguments].concat();
    let mut command = lychgate(folder, &arguments);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut running = command.spawn().unwrap();
    let mut input = running.stdin.take().unwrap();
    // One that does not want it may be gone already.
    drop(input.write_all(identifier.as_bytes()).await);
    drop(input);
    running.wait_with_output().await.unwrap()
}

fn said(output: &Output) -> (Option<i32>, String) {
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!errors.contains("example.com"), "{errors}");
    (output.status.code(), text.trim_end().to_owned())
}

async fn authenticate(issuer: &Issuer, serve: &Serve, password: &str) -> u16 {
    let answer = client()
        .build()
        .unwrap()
        .post(format!("{}/v1/users/authenticate", serve.gateway))
        .bearer_auth(issuer.sign(&issuer.claims()))
        .json(&json!({ "identifier": "ada@example.com", "password": password }));
    answer.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn an_operator_ends_a_delay_and_it_is_audited_under_the_pseudonym() {
    let issuer = Issuer::start();
    let folder = folder(&issuer.identifier).await;
    change_config(folder.path(), "admin_listen", SOCKET);
    let lockout = "[gateway.lockout]\nfailures = 2\nfirst_delay = \"5m\"\n\n[audit]";
    change_config(folder.path(), "[audit]", lockout);
    let serve = Serve::start(folder.path()).await;
    serve.ready().await;
    let socket = folder.path().join("lychgate.socket");
    let mode = std::fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    for _ in 0..2 {
        assert_eq!(authenticate(&issuer, &serve, "wrong").await, 200);
    }
    assert_eq!(authenticate(&issuer, &serve, PASSWORD).await, 429);
    let unlocked = unlock(folder.path(), &[], " ADA@example.com\n").await;
    assert_eq!(
        said(&unlocked),
        (Some(0), "its failures are forgotten".to_owned())
    );
    assert_eq!(authenticate(&issuer, &serve, PASSWORD).await, 200);

    std::fs::write(folder.path().join("who"), "ada@example.com\n").unwrap();
    let again = ["--identifier-file", "who", "--format", "json"];
    let again = unlock(folder.path(), &again, "").await;
    assert_eq!(said(&again), (Some(0), "{\"unlocked\":false}".to_owned()));

    let text = std::fs::read_to_string(folder.path().join("audit.jsonl")).unwrap();
    assert!(!text.contains("ada@"));
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of = |event: &str| -> Vec<&Value> {
        let of_event = lines.iter().filter(|line| line["event"] == event);
        of_event.collect()
    };
    let unlocks = of("unlock");
    let outcomes: Vec<_> = unlocks.iter().map(|line| &line["outcome"]).collect();
    assert_eq!(outcomes, ["unlocked", "not-locked"]);
    let pseudonym = &of("answer")[0]["pseudonym"];
    assert!(pseudonym.is_string());
    assert_eq!(&unlocks[0]["pseudonym"], pseudonym);

    assert_eq!(serve.stop().await.0, Some(0));
    assert!(!socket.exists(), "the socket is left behind");
    let late = unlock(folder.path(), &[], "ada@example.com\n").await;
    assert_eq!(said(&late), (Some(1), String::new()));
}

#[tokio::test]
async fn without_a_socket_or_an_identifier_nothing_is_asked() {
    let folder = folder("https://issuer.example/").await;
    let output = unlock(folder.path(), &[], "ada@example.com\n").await;
    assert_eq!(said(&output), (Some(2), String::new()));
    assert!(String::from_utf8_lossy(&output.stderr).contains("admin_socket"));
    change_config(folder.path(), "admin_listen", SOCKET);
    assert_eq!(said(&unlock(folder.path(), &[], "").await).0, Some(2));
    let argument = unlock(folder.path(), &["ada"], "").await;
    assert_eq!(said(&argument).0, Some(2), "an argument is not taken");
}
