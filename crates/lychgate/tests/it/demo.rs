//! `lychgate demo` from its first line to the last of its folder.

mod person;
mod running;
mod stores;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use reqwest::Url;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use self::person::Person;
pub(crate) use self::running::Demo;
pub(crate) use self::stores::Directory;
use crate::support::{PASSWORD, free_port};

/// The steps of the tour, in their order.
const STEPS: [&str; 22] = [
    "login",
    "login-wrong-password",
    "login-unknown-user",
    "every-hash-format",
    "every-script",
    "token-cached-in-global",
    "audience-injection-by-default",
    "audience-injection-with-rule",
    "audience-injection-with-action",
    "audience-injection-with-access-policy",
    "other-client",
    "no-token",
    "malformed-token",
    "expired-token",
    "forged-signature",
    "algorithm-none",
    "wrong-audience",
    "wrong-issuer",
    "insufficient-scope",
    "address-not-allowed",
    "allowlist-alone",
    "undefined-operation",
];

/// How a password hash of the sample store, or a token, begins.
const HASHES_AND_TOKENS: [&str; 6] = [
    "$argon2id$",
    "$2y$",
    "$P$",
    "pbkdf2_sha256$",
    "{SSHA}",
    "eyJ",
];

#[tokio::test]
async fn the_tour_is_one_json_document_of_steps_that_all_came_out_as_expected() {
    let ended = Demo::start(&["--exit", "--format", "json"]).end().await;
    assert_eq!(ended.status, Some(0), "{}{}", ended.output, ended.errors);
    let report: Value =
        serde_json::from_str(&ended.output).expect("one JSON document and nothing else");
    let steps = report["steps"].as_array().unwrap();
    let names: Vec<_> = steps
        .iter()
        .map(|step| step["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, STEPS);
    for step in steps {
        assert_eq!(members(step), ["actual", "expected", "name", "ok", "what"]);
        assert_eq!(step["actual"], step["expected"], "{step}");
        assert_eq!(step["ok"], true, "{step}");
        assert!(
            step["what"].as_str().is_some_and(|what| !what.is_empty()),
            "{step}"
        );
    }
    assert_eq!(members(&report), ["ok", "steps"]);
    assert_eq!(report["ok"], true);
    for output in [&ended.output, &ended.errors] {
        assert_holds_none(output, &HASHES_AND_TOKENS);
        assert_holds_none(output, &[PASSWORD]);
    }
    assert_eq!(ended.left, 0, "its folder is still there");
}

#[tokio::test]
async fn a_tour_that_is_ended_on_its_way_leaves_nothing_and_does_not_pass_for_a_good_one() {
    for (arguments, signal, status) in [
        (&["--exit"][..], "TERM", 1),
        (&["--exit"][..], "HUP", 1),
        (&["--exit"], "INT", 1),
        (&[], "INT", 0),
    ] {
        let mut demo = Demo::start(arguments);
        demo.line("login-wrong-password").await;
        assert_eq!(mode(&demo.folder()), 0o700);
        demo.signal(signal).await;
        let ended = demo.end().await;
        assert_eq!(
            ended.status,
            Some(status),
            "{arguments:?} and SIG{signal}: {}{}",
            ended.output,
            ended.errors
        );
        assert!(
            !ended.output.contains("undefined-operation"),
            "the tour went on: {}",
            ended.output
        );
        assert_eq!(ended.left, 0, "its folder is still there after SIG{signal}");
    }
}

#[tokio::test]
async fn after_the_tour_it_stays_up_with_the_api_shut_until_it_is_told_to_end() {
    let (port, _) = free_port();
    let mut demo = Demo::start(&["--port", &port.to_string()]);
    let application = demo.application().await;
    let tenant = Url::parse(&format!("http://127.0.0.1:{port}/")).unwrap();
    assert_eq!(mode(&demo.folder()), 0o700);
    let secrets = secrets(&demo.folder());

    assert_eq!(
        issuer_of(&tenant).await,
        tenant.as_str(),
        "the tenant is where `--port` says"
    );
    a_user_can_log_in(&application).await;
    an_attacker_gets_an_error_and_no_token(&application).await;
    for server in [&application, &tenant] {
        only_its_own_name_is_answered(server).await;
    }

    demo.signal("TERM").await;
    let ended = demo.end().await;
    assert_eq!(ended.status, Some(0), "{}{}", ended.output, ended.errors);
    for step in STEPS {
        assert!(
            ended
                .output
                .lines()
                .any(|line| line.ends_with(&format!(" {step}"))),
            "no line for {step}"
        );
    }
    assert!(
        ended
            .output
            .contains("22 of 22 steps came out as expected."),
        "{}",
        ended.output
    );
    for output in [&ended.output, &ended.errors] {
        assert_holds_none(output, &HASHES_AND_TOKENS);
        assert_holds_none(output, &secrets);
    }
    assert_eq!(ended.left, 0, "its folder is still there");
}

#[tokio::test]
async fn with_json_the_document_stays_alone_on_standard_output_while_it_stays_up() {
    let mut demo = Demo::start(&["--format", "json"]);
    demo.error_line("Log in at ").await;
    demo.signal("TERM").await;
    let ended = demo.end().await;
    assert_eq!(ended.status, Some(0), "{}{}", ended.output, ended.errors);
    let report: Value =
        serde_json::from_str(&ended.output).expect("one JSON document and nothing else");
    assert_eq!(report["ok"], true);
}

#[tokio::test]
async fn a_port_that_is_taken_ends_it_with_the_reason_and_leaves_nothing() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let ended = Demo::start(&["--exit", "--port", &address.port().to_string()])
        .end()
        .await;
    assert_eq!(ended.status, Some(1), "{}", ended.errors);
    assert!(
        ended.errors.contains(&address.to_string()),
        "{}",
        ended.errors
    );
    assert_eq!(ended.output, "");
    assert_eq!(ended.left, 0, "its folder is still there");
}

async fn a_user_can_log_in(application: &Url) {
    let mut person = Person::new();
    let page = person.open(application.join("login").unwrap()).await;
    let page = person.log_in(&page, "grace@example.com", PASSWORD).await;
    assert_eq!(page.address.path(), "/callback");
    assert!(page.text.contains("grace@example.com"), "{}", page.text);
}

async fn an_attacker_gets_an_error_and_no_token(application: &Url) {
    let mut person = Person::new();
    let page = person.open(application.join("login?attack").unwrap()).await;
    let page = person.log_in(&page, "grace@example.com", PASSWORD).await;
    let answer: Vec<(String, String)> = page.address.query_pairs().into_owned().collect();
    assert_eq!(page.address.path(), "/callback");
    assert!(
        answer.contains(&("error".to_owned(), "access_denied".to_owned())),
        "{answer:?}"
    );
    assert!(
        !answer
            .iter()
            .any(|(name, _)| name == "code" || name == "access_token"),
        "{answer:?}"
    );
    assert!(page.text.contains("access_denied"), "{}", page.text);
    assert!(!page.text.contains("gave a token"), "{}", page.text);
}

/// Names that someone may point at this machine get nothing (DNS rebinding).
async fn only_its_own_name_is_answered(server: &Url) {
    let (ours, path) = (server.authority(), "/.well-known/openid-configuration");
    let good = status(
        ours,
        &format!("GET {path} HTTP/1.1\r\nHost: {ours}\r\n\r\n"),
    )
    .await;
    assert!(
        good == 200 || good == 404,
        "{ours} does not answer to its own name: {good}"
    );
    for head in [
        format!("GET {path} HTTP/1.1\r\nHost: evil.example\r\n\r\n"),
        format!(
            "GET {path} HTTP/1.1\r\nHost: localhost:{}\r\n\r\n",
            server.port().unwrap()
        ),
        format!("GET {path} HTTP/1.1\r\nHost: {ours}\r\nHost: evil.example\r\n\r\n"),
        format!("GET http://evil.example{path} HTTP/1.1\r\nHost: {ours}\r\n\r\n"),
        format!("GET {path} HTTP/1.1\r\n\r\n"),
        format!("GET {path} HTTP/1.0\r\n\r\n"),
    ] {
        let status = status(ours, &head).await;
        assert!(status == 400 || status == 421, "{status} for {head:?}");
    }
}

/// The status that the server at `address` answers these lines with.
async fn status(address: &str, head: &str) -> u16 {
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(head.as_bytes()).await.unwrap();
    let mut line = String::new();
    let mut answer = BufReader::new(connection);
    tokio::time::timeout(running::PATIENCE, answer.read_line(&mut line))
        .await
        .expect("no answer")
        .unwrap();
    line.split(' ')
        .nth(1)
        .unwrap_or_else(|| panic!("closed after {head:?}"))
        .parse()
        .unwrap()
}

async fn issuer_of(tenant: &Url) -> String {
    let address = tenant.join(".well-known/openid-configuration").unwrap();
    let discovery: Value = reqwest::get(address).await.unwrap().json().await.unwrap();
    discovery["issuer"].as_str().unwrap().to_owned()
}

/// What of the demo's folder nobody may see.
fn secrets(folder: &Path) -> Vec<String> {
    let names = [
        "script-client.secret",
        "other-client.secret",
        "keeper-client.secret",
        "pseudonym.key",
    ];
    let secrets = names.map(|name| std::fs::read_to_string(folder.join(name)).unwrap());
    assert!(
        secrets.iter().all(|secret| secret.len() >= 32),
        "a secret that anyone guesses"
    );
    secrets.to_vec()
}

fn assert_holds_none(output: &str, secrets: &[impl AsRef<str>]) {
    for secret in secrets {
        assert!(
            !output.contains(secret.as_ref()),
            "it prints {}: {output}",
            secret.as_ref()
        );
    }
}

fn members(object: &Value) -> Vec<&str> {
    let mut names: Vec<_> = object
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    names.sort_unstable();
    names
}

fn mode(folder: &Path) -> u32 {
    std::fs::metadata(folder).unwrap().permissions().mode() & 0o777
}
