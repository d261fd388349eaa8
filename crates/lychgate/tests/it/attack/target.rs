//! Whom the command attacks, and whom it leaves alone.

use super::deployment::Deployment;
use crate::support::lychgate;

#[tokio::test]
async fn a_target_that_is_neither_loopback_nor_listed_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("lychgate.toml");
    for (option, hosts) in [
        ("--gateway", ""),
        ("--tenant", ""),
        (
            "--gateway",
            "hosts = [\"192.0.2.78\", \"gateway.example.com\"]",
        ),
    ] {
        std::fs::write(&config, format!("[attack]\n{hosts}\n")).unwrap();
        let arguments = [
            "attack",
            "--config",
            "lychgate.toml",
            option,
            "http://192.0.2.77:9/",
        ];
        let output = lychgate(folder.path(), &arguments).output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(
            said.contains("192.0.2.77 is neither on loopback nor in `[attack] hosts`"),
            "{said}"
        );
        assert_eq!(output.stdout, b"");
    }
}

#[tokio::test]
async fn a_target_that_does_not_answer_is_no_blocked_attack() {
    let folder = tempfile::tempdir().unwrap();
    let (port, held) = crate::support::free_port();
    drop(held);
    let gateway = format!("http://127.0.0.1:{port}");
    let arguments = [
        "attack",
        "--gateway",
        &gateway,
        "--format",
        "json",
        "--only",
        "operations-told-apart",
    ];
    let output = lychgate(folder.path(), &arguments).output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("no attack could be tried"), "{said}");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["ok"], false);
    assert_eq!(report["attacks"][0]["outcome"], "not-tried");
}

#[tokio::test]
async fn what_is_wrong_with_the_command_line_ends_in_2() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, said) in [
        (&["attack"][..], "lychgate.toml"),
        (
            &["attack", "--gateway", "http://u:p@127.0.0.1/"],
            "without credentials",
        ),
        (
            &[
                "attack",
                "--gateway",
                "http://127.0.0.1:9/",
                "--only",
                "algoritm-none",
            ],
            "did you mean algorithm-none?",
        ),
    ] {
        let output = lychgate(folder.path(), arguments).output().await.unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(said), "{error}");
    }
}

#[tokio::test]
async fn what_was_seen_is_told_to_people_and_to_tools() {
    let deployment = Deployment::start(&[("user = \"deny_all\"", "user = \"allow_all\"")]).await;
    let only = [
        "--only",
        "audience-injection-code",
        "--only",
        "algorithm-none",
        "--only",
        "ldap-injection",
    ];
    let run = async |format: &str| {
        let output = deployment
            .run(&[&["attack", "--format", format], &only[..]].concat())
            .await;
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stdout).unwrap()
    };
    let text = run("text").await;
    assert!(
        text.contains("OPEN       audience-injection-code (medium)\n"),
        "{text}"
    );
    assert!(text.contains("blocked    algorithm-none\n"), "{text}");
    assert!(
        text.ends_with("3 attacks: 2 blocked, 1 open, 0 not tried.\n"),
        "{text}"
    );
    assert!(!text.contains("eyJ"), "a token is printed: {text}");

    let sarif: serde_json::Value = serde_json::from_str(&run("sarif").await).unwrap();
    let run = &sarif["runs"][0];
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 1);
    assert_eq!(results[0]["ruleId"], "audience-injection-code");
    assert_eq!(results[0]["level"], "warning");
    let index = usize::try_from(results[0]["ruleIndex"].as_u64().unwrap()).unwrap();
    assert_eq!(
        run["tool"]["driver"]["rules"][index]["id"],
        "audience-injection-code"
    );
}
