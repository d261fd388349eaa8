//! `lychgate password` as a person runs it: hashes from files or standard input, passwords never from an argument.

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::support::{gateway_config, lychgate};

/// How long a command may take before it is called hung.
const PATIENCE: Duration = Duration::from_mins(1);

/// Of the password `correct horse`, made by Python's bcrypt over MD5 in hexadecimal.
const BCRYPT_OF_MD5: &str = "$2b$04$KDuo4fEgEBAm8mTRSfKy7uxPbTQc5opZnBO7mq5TepxacpGh95Fcq";

#[tokio::test]
async fn a_mixed_column_is_identified_with_what_to_accept() {
    let column = "$P$984478476IagS59wHZvyQMArzfx58u.\n\
                  $argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQxMjM0NTY3OA$Hxng4Yy6LCVrLbkdfdv9BMmVCzni4rhYXmaO7EilNz0\r\n\
                  8743b52063cd84097a65d1633f5c74f5\n\
                  !\n\
                  $P$5bah7Z44iRTqnslzBvzvnsxckJzwKJ.\n";
    let output = run(&["password", "identify"], column).await;
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    for line in [
        "5 read, 1 blank or locked, 0 unknown",
        "2 of this format:",
        "  argon2id: Argon2id in PHC form (RFC 9106), the default for new hashes. (memory_kib 256; passes 2; lanes 2; \
         accepted already)",
        "  md5: MD5 in hexadecimal. (weak)",
        "accept = [\"argon2id\", \"phpass\"]",
    ] {
        assert!(said.lines().any(|said| said == line), "{line}\n{said}");
    }
    assert!(said.contains("log2_rounds 7 to 11"), "{said}");
    assert!(
        said.contains("# and one of these, once it is proven: \"md5\", "),
        "{said}"
    );
    assert!(
        column
            .lines()
            .all(|hash| hash == "!" || !said.contains(hash))
    );
}

#[tokio::test]
async fn a_known_password_proves_the_one_format_that_looks_cannot_tell() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str| write(&folder, name, content);
    let arguments = [
        "password",
        "identify",
        "--file",
        &file("hash", BCRYPT_OF_MD5),
        "--password-file",
        &file("password", "correct horse\n"),
        "--format",
        "json",
    ];
    let output = run(&arguments, "").await;
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["proof"]["proven"], json!(["bcrypt-md5"]));
    assert_eq!(document["proof"]["untried"][0]["format"], "devise");
    assert_eq!(document["accept"], json!(["argon2id", "bcrypt-md5"]));
    assert_eq!(document["open"], json!([]));
    let candidates = document["groups"][0]["candidates"].as_array().unwrap();
    assert_eq!(candidates.len(), 6);
    assert_eq!(
        candidates[0]["costs"],
        json!([{ "name": "log2_rounds", "least": 4, "most": 4 }])
    );
    assert_eq!(candidates[5]["needs"], json!(["the pepper"]));

    // The wrong password proves nothing, which is a finding.
    let wrong = file("wrong", "wrong horse");
    let arguments = [
        "password",
        "identify",
        "--file",
        &file("hash", BCRYPT_OF_MD5),
        "--password-file",
        &wrong,
    ];
    let output = run(&arguments, "").await;
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stdout).contains("proven: none"),
        "{}",
        text(&output.stdout)
    );
}

#[tokio::test]
async fn what_is_like_no_format_is_a_finding() {
    let output = run(&["password", "identify"], "hunter2\n").await;
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).starts_with("1 read, 0 blank or locked, 1 unknown"));
    assert!(text(&output.stderr).contains("1 of 1 are like no format there is"));
}

#[tokio::test]
async fn a_password_is_verified_with_status_0_or_1() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str| write(&folder, name, content);
    let (right, wrong) = (
        file("right", "correct horse\n"),
        file("wrong", "wrong horse\n"),
    );
    for (password, more, status, said) in [
        (&right, &[][..], 0, "yes, as `bcrypt-md5`\n"),
        (
            &right,
            &["--format-name", "bcrypt-md5"],
            0,
            "yes, as `bcrypt-md5`\n",
        ),
        (&right, &["--format-name", "bcrypt"], 1, "no\n"),
        (&wrong, &["--format-name", "bcrypt-md5"], 1, "no\n"),
        (&right, &["--format-name", "argon2id"], 1, ""),
    ] {
        let arguments = [&["password", "verify", "--password-file", password], more].concat();
        let output = run(&arguments, BCRYPT_OF_MD5).await;
        assert_eq!(output.status.code(), Some(status), "{more:?}");
        assert_eq!(text(&output.stdout), said, "{more:?}");
    }

    // Both from standard input, the password in the first line.
    let both = format!("correct horse\n{BCRYPT_OF_MD5}\n");
    let arguments = [
        "password",
        "verify",
        "--password-file",
        "-",
        "--format",
        "json",
    ];
    let output = run(&arguments, &both).await;
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["verified"], true);
    assert_eq!(document["formats"], json!(["bcrypt-md5"]));
}

#[tokio::test]
async fn formats_that_hash_more_than_the_password_are_given_it_in_files() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str| write(&folder, name, content);
    let password = file("password", "correct horse");
    // Of passlib, for the user Ada; of Python's bcrypt, with the pepper `pepper`.
    let oracle = "ED5ED57C904B87A0";
    let devise = "$2b$04$fMsqTEl88GuzIShoWCUpYe/js.iypPc8KnnedfiDMb5oJmup9dlpi";
    let (user, pepper) = (file("user", "Ada"), file("pepper", "pepper"));
    for (hash, more, said) in [
        (
            oracle,
            &["--user-name-file", &user][..],
            "yes, as `oracle-10`\n",
        ),
        (
            oracle,
            &[],
            "no\nnot tried: `oracle-10`, it needs the name of the user (--user-name-file)\n",
        ),
        (devise, &["--pepper-file", &pepper], "yes, as `devise`\n"),
        (
            devise,
            &[],
            "no\nnot tried: `devise`, it needs the pepper of the application (--pepper-file)\n",
        ),
    ] {
        let arguments = [&["password", "verify", "--password-file", &password], more].concat();
        let output = run(&arguments, hash).await;
        assert_eq!(text(&output.stdout), said, "{more:?}");
    }
}

#[tokio::test]
async fn the_formats_that_a_config_declares_are_known_where_it_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str| write(&folder, name, content);
    let sections = r#"
[store]
url = "sqlite:store.db"
[store.operations]
authenticate = "select id as user_id, password_hash from users where email = :identifier"
[passwords]
accept = ["argon2id", "house"]
[[passwords.formats]]
name = "house"
stored = ["house:{digest:hex}"]
digest = "md5(password)"
"#;
    let config = file(
        "lychgate.toml",
        &gateway_config("https://issuer.example/", sections),
    );
    let hash = "house:3cb4e732631f47e6eb961f34554b7cde";
    let output = run(&["password", "identify"], hash).await;
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
    let output = run(&["password", "identify", "--config", &config], hash).await;
    assert!(
        text(&output.stdout).contains("  house: Declared by config. (weak; accepted already)"),
        "{}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    let password = file("password", "correct horse");
    let arguments = [
        "password",
        "verify",
        "--config",
        &config,
        "--password-file",
        &password,
    ];
    assert_eq!(
        text(&run(&arguments, hash).await.stdout),
        "yes, as `house`\n"
    );
}

#[tokio::test]
async fn a_new_hash_is_of_its_password() {
    let folder = tempfile::tempdir().unwrap();
    let password = write(&folder, "password", "correct horse\n");
    for (more, beginning, format) in [
        (&[][..], "$argon2id$v=19$m=19456,t=2,p=1$", "argon2id"),
        (&["--format-name", "bcrypt"], "$2b$12$", "bcrypt"),
    ] {
        let arguments = [&["password", "hash", "--password-file", &password], more].concat();
        let output = run(&arguments, "").await;
        let hash = text(&output.stdout);
        assert!(
            hash.starts_with(beginning) && hash.ends_with('\n'),
            "{hash}"
        );
        let arguments = ["password", "verify", "--password-file", &password];
        let output = run(&arguments, &hash).await;
        assert_eq!(text(&output.stdout), format!("yes, as `{format}`\n"));
    }
    let arguments = [
        "password",
        "hash",
        "--password-file",
        "-",
        "--format",
        "json",
    ];
    let output = run(&arguments, "correct horse\n").await;
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["format"], "argon2id");
}

#[tokio::test]
async fn a_hash_that_cannot_be_used_ends_in_2_and_is_not_printed_back() {
    let folder = tempfile::tempdir().unwrap();
    let password = write(&folder, "password", "correct horse");
    let long = format!("secret{}", "a".repeat(1100));
    let verify = ["password", "verify", "--password-file", &password];
    for (arguments, input, said) in [
        (
            &["password", "identify"][..],
            "",
            "there is no hash to identify",
        ),
        (
            &["password", "identify", "--file", "nowhere"],
            "",
            "nowhere: No such file",
        ),
        (
            &["password", "identify", "--config", "nowhere"],
            "",
            "nowhere",
        ),
        (
            &["password", "identify"],
            &long,
            "line 1: a stored hash may have at most 1024 bytes",
        ),
        (
            &["password", "identify"],
            "\nsecret\0",
            "line 2: a stored hash must not contain the NUL",
        ),
        (&verify, "", "give one line with a hash"),
        (&verify, "secret\nsecret", "give one line with a hash"),
        (
            &[&verify[..], &["--format-name", "md6"]].concat(),
            "secret",
            "no password format has this name",
        ),
    ] {
        is_refused(arguments, input, said).await;
    }
    // Latin-1 is no UTF-8; neither is it shown.
    let latin = folder.path().join("latin");
    std::fs::write(&latin, b"secr\xe9t\n").unwrap();
    let arguments = ["password", "identify", "--file", latin.to_str().unwrap()];
    is_refused(&arguments, "", "line 1: is not UTF-8").await;
}

#[tokio::test]
async fn a_password_that_cannot_be_used_ends_in_2_and_is_not_printed_back() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str| write(&folder, name, content);
    let (password, long) = (
        file("password", "correct horse"),
        file("long", &"secret".repeat(20)),
    );
    let (empty, blank) = (file("empty", ""), file("blank", "\n"));
    let hash = |file, format| {
        [
            "password",
            "hash",
            "--password-file",
            file,
            "--format-name",
            format,
        ]
    };
    for (arguments, input, said) in [
        (&["password", "verify"][..], "secret", "use --password-file"),
        (&["password", "hash"], "", "use --password-file"),
        (
            &["password", "verify", "--password-file", &empty],
            "secret",
            "there is nothing",
        ),
        (
            &["password", "verify", "--password-file", &blank],
            "secret",
            "a password must not be empty",
        ),
        (
            &hash(&password, "md5"),
            "",
            "`md5` is only read, never written",
        ),
        (&hash(&long, "bcrypt"), "", "at most 72 bytes"),
    ] {
        is_refused(arguments, input, said).await;
    }
}

async fn is_refused(arguments: &[&str], input: &str, said: &str) {
    let output = run(arguments, input).await;
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
    assert_eq!(text(&output.stdout), "", "{arguments:?}");
    assert!(error.contains(said), "{arguments:?}: {error}");
    let secrets = ["secret", "horse", "secr\u{e9}t"];
    assert!(
        secrets.iter().all(|secret| !error.contains(secret)),
        "{error}"
    );
}

fn write(folder: &TempDir, name: &str, content: &str) -> String {
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The command in a session of its own, where there is no terminal that a prompt could be answered at.
async fn run(arguments: &[&str], input: &str) -> Output {
    let command = lychgate(Path::new("/"), arguments);
    let mut alone = Command::new("setsid");
    alone
        .arg("--wait")
        .arg(command.as_std().get_program())
        .args(command.as_std().get_args())
        .env("NO_COLOR", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut child = alone.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A command that refuses its options does not read.
    let _unread = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    tokio::time::timeout(PATIENCE, child.wait_with_output())
        .await
        .expect("the command hangs")
        .unwrap()
}
