//! `lychgate attack`: against a sound deployment nothing gets through; against one that lacks a single defence, what was made
//! for that defence does, and nothing else. So no attack is one that could never succeed.

mod bound;
mod deployment;
mod naive;
mod target;
mod weak;

use std::collections::BTreeSet;

use self::deployment::{Deployment, Outcome, Played};
use self::weak::Weakness;
use crate::demo::{Demo, Directory};
use crate::support::{Database, Kind};

/// What belongs together: a weakness is looked for by all of its family, and found by the one that was made for it.
const TENANT: [&str; 10] = [
    "audience-injection-code",
    "audience-injection-prompt-none",
    "audience-injection-implicit",
    "audience-injection-refresh",
    "audience-injection-password",
    "redirect-uri",
    "pkce-downgrade",
    "code-replay",
    "code-theft",
    "refresh-token-replay",
];

const TOKENS: [&str; 20] = [
    "user-token",
    "id-token",
    "other-client",
    "other-audience",
    "other-scope",
    "algorithm-none",
    "algorithm-hmac-with-public-key",
    "signature-not-checked",
    "header-jwk",
    "header-jku-x5u",
    "header-kid",
    "other-issuer",
    "claim-of-wrong-type",
    "claim-twice",
    "expired-token",
    "long-lived-token",
    "sender-constraint-stripped",
    "token-elsewhere",
    "authorization-twice",
    "replay-from-elsewhere",
];

const REQUESTS: [&str; 13] = [
    "sql-injection",
    "ldap-injection",
    "quote-in-any-field",
    "mass-assignment",
    "field-of-wrong-type",
    "field-twice",
    "oversize-body",
    "deep-json",
    "undefined-operation",
    "operations-told-apart",
    "admin-on-the-gateway",
    "admin-rebinding",
    "admin-from-the-network",
];

const TIME: [&str; 9] = [
    "enumeration-by-answer",
    "enumeration-by-page",
    "enumeration-by-time",
    "request-smuggling",
    "slow-headers",
    "slow-body",
    "key-flood",
    "hash-flood",
    "guessing-without-delay",
];

/// For a gateway that asks for proofs, which takes nothing else.
const PROOFS: [&str; 5] = [
    "dpop-stripped",
    "dpop-other-key",
    "dpop-other-request",
    "dpop-replay",
    "dpop-stale",
];

/// For a gateway that asks its clients for a certificate.
const CERTIFICATES: [&str; 1] = ["client-certificate-missing"];

/// Alone, as it takes its time.
const LOCK: [&str; 1] = ["lockout-bypass"];

#[tokio::test]
async fn every_attack_is_blocked_by_a_sound_deployment() {
    let deployment = Deployment::start(&[]).await;
    let played = deployment.attack(None, &[]).await;
    all_are_blocked(&played);
    let families = [
        &TENANT[..],
        &TOKENS,
        &REQUESTS,
        &TIME,
        &LOCK,
        &PROOFS,
        &CERTIFICATES,
    ]
    .concat();
    let mut ids: Vec<_> = played.iter().map(|one| one.id.as_str()).collect();
    let mut known = families.clone();
    ids.sort_unstable();
    known.sort_unstable();
    assert_eq!(ids, known, "an attack that no weakness is tried with");
}

#[test]
fn every_attack_has_a_weakness_that_lets_it_through() {
    let rows = weak::TABLE.iter().flat_map(|(_, found_by)| *found_by);
    let rows = rows.chain(CONFIGS.iter().flat_map(|(_, found_by)| *found_by));
    let mut found: Vec<_> = rows.copied().chain(CERTIFICATES).collect();
    let mut known = [
        &TENANT[..],
        &TOKENS,
        &REQUESTS,
        &TIME,
        &LOCK,
        &PROOFS,
        &CERTIFICATES,
    ]
    .concat();
    found.sort_unstable();
    found.dedup();
    known.sort_unstable();
    assert_eq!(found, known);
}

#[tokio::test]
async fn a_tenant_that_lacks_one_defence_is_found_by_the_attack_made_for_it() {
    each_is_found_by_its_own(&[], &TENANT).await;
}

#[tokio::test]
async fn a_gateway_that_believes_too_much_of_a_token_is_found_by_the_attack_made_for_it() {
    each_is_found_by_its_own(&[], &TOKENS).await;
}

#[tokio::test]
async fn a_gateway_that_asks_for_proofs_blocks_what_is_stripped_stolen_or_seen_before() {
    let deployment = Deployment::start(&BOUND).await;
    let played = deployment.attack(None, &PROOFS).await;
    let others = played.iter().filter(|one| one.outcome != Outcome::Blocked);
    assert_eq!(others.count(), 0, "{played:#?}");
}

#[tokio::test]
async fn a_gateway_that_takes_a_proof_for_another_is_found_by_the_attack_made_for_it() {
    each_is_found_by_its_own(&BOUND, &PROOFS).await;
}

#[tokio::test]
async fn a_gateway_that_takes_too_much_of_a_request_is_found_by_the_attack_made_for_it() {
    each_is_found_by_its_own(&[], &REQUESTS).await;
}

#[tokio::test]
async fn a_gateway_that_tells_too_much_or_holds_too_long_is_found_by_the_attack_made_for_it() {
    each_is_found_by_its_own(&[], &TIME).await;
}

#[tokio::test]
async fn a_lock_that_another_spelling_opens_is_found_by_the_attack_made_for_it() {
    each_is_found_by_its_own(&[], &LOCK).await;
}

/// Tokens that are bound to a key, from the tenant to the gateway.
const BOUND: [(&str, &str); 5] = [
    (
        "admin_listen = ",
        "public_url = \"http://127.0.0.1:GATEWAY_PORT/\"\nadmin_listen = ",
    ),
    (
        "max_lifetime = ",
        "sender_constraint = \"dpop\"\nmax_lifetime = ",
    ),
    (
        "token_lifetime = ",
        "proof_of_possession = { mechanism = \"dpop\", required = true }\ntoken_lifetime = ",
    ),
    (
        "outside_address = ",
        "public_url = \"http://127.0.0.1:GATEWAY_PORT/\"\noutside_address = ",
    ),
    (
        "\nAUDIENCE = ",
        "\nSENDER_CONSTRAINT = \"dpop\"\nAUDIENCE = ",
    ),
];

/// Changes of a config, from and to, and the attacks that find them.
type ConfigRow = (
    &'static [(&'static str, &'static str)],
    &'static [&'static str],
);

/// What a config can be without, with the attacks that say so.
const CONFIGS: [ConfigRow; 5] = [
    (
        &[("user = \"deny_all\"", "user = \"allow_all\"")],
        &["audience-injection-code", "audience-injection-prompt-none"],
    ),
    (
        &[(
            "clients = [\"script-client\"]",
            "clients = [\"script-client\", \"other-client\"]",
        )],
        &["other-client"],
    ),
    (
        &[("max_lifetime = \"1h\"", "max_lifetime = \"30days\"")],
        &["long-lived-token"],
    ),
    (
        &[("127.0.0.1/32", "127.0.0.0/8")],
        &["replay-from-elsewhere"],
    ),
    (
        &[("failures = 10", "failures = 1000000")],
        &["guessing-without-delay"],
    ),
];

#[tokio::test]
async fn a_config_that_lacks_one_defence_is_found_by_the_attack_made_for_it() {
    for (changes, found_by) in CONFIGS {
        let deployment = Deployment::start(changes).await;
        let quick: Vec<_> = [&TENANT[..], &TOKENS].concat();
        let only = if found_by == ["guessing-without-delay"] {
            vec!["guessing-without-delay", "enumeration-by-answer"]
        } else {
            quick
        };
        let played = deployment.attack(None, &only).await;
        assert_eq!(open(&played), found_by, "{changes:?}: {played:#?}");
    }
}

async fn each_is_found_by_its_own(changes: &[(&str, &str)], family: &[&str]) {
    let deployment = Deployment::start(changes).await;
    for (weakness, found_by) in &weak::TABLE {
        let is_cut_off = *weakness == Weakness::AdminListensEverywhere && !is_in_a_network();
        if is_cut_off || !found_by.iter().any(|id| family.contains(id)) {
            continue;
        }
        let weak = deployment.weakened(*weakness).await;
        let only = plays(family, found_by);
        let played = deployment.attack(Some(&weak), &only).await;
        assert_eq!(open(&played), *found_by, "{weakness:?}: {played:#?}");
    }
}

/// The whole family, but for what takes long and was made for something else.
fn plays<'a>(family: &[&'a str], found_by: &[&'a str]) -> Vec<&'a str> {
    let long = [
        "slow-headers",
        "slow-body",
        "quote-in-any-field",
        "hash-flood",
        "request-smuggling",
    ];
    let is_short = |id: &&&str| found_by.contains(*id) || !long.contains(*id);
    family.iter().filter(is_short).copied().collect()
}

fn open(played: &[Played]) -> Vec<&str> {
    let open = played.iter().filter(|one| one.outcome == Outcome::Open);
    open.map(|one| one.id.as_str()).collect()
}

/// So that each row of the table is a weakness of its own.
#[test]
fn no_weakness_stands_twice_in_the_table() {
    let names = weak::TABLE
        .iter()
        .map(|(weakness, _)| format!("{weakness:?}"));
    let names: BTreeSet<_> = names.collect();
    assert_eq!(names.len(), weak::TABLE.len());
}

/// The scripts of the tenant do not know the certificate, so nobody logs in here.
#[tokio::test]
async fn what_is_said_below_http_is_said_over_tls_where_the_gateway_speaks_it() {
    let deployment = Deployment::start(&[
        (
            "admin_listen = ",
            "tls = { certificate = \"gateway.pem\", key = \"gateway.key\" }\nadmin_listen = ",
        ),
        (
            "outside_address = ",
            "gateway = \"https://localhost:GATEWAY_PORT/\"\nca = \"gateway.pem\"\noutside_address = ",
        ),
    ])
    .await;
    let only = [
        "algorithm-none",
        "other-scope",
        "sql-injection",
        "oversize-body",
        "undefined-operation",
        "request-smuggling",
        "slow-headers",
        "slow-body",
    ];
    let played = deployment.attack(None, &only).await;
    let others = played.iter().filter(|one| one.outcome != Outcome::Blocked);
    assert_eq!(others.count(), 0, "{played:#?}");
    let smuggled = played.iter().find(|one| one.id == "request-smuggling");
    // An answer was read below HTTP, so it went through TLS both ways.
    assert!(smuggled.unwrap().seen.contains("40"), "{played:#?}");
}

#[tokio::test]
async fn a_gateway_that_forgets_to_ask_for_certificates_is_found_and_one_that_asks_is_not() {
    let asks = "tls = { certificate = \"gateway.pem\", key = \"gateway.key\", client_ca = \"gateway.pem\" }\nadmin_listen = ";
    let forgets = "tls = { certificate = \"gateway.pem\", key = \"gateway.key\" }\nadmin_listen = ";
    let attack = "gateway = \"https://localhost:GATEWAY_PORT/\"\nca = \"gateway.pem\"\n\
        client_certificate = { certificate = \"gateway.pem\", key = \"gateway.key\" }\noutside_address = ";
    for (tls, expected) in [(asks, Outcome::Blocked), (forgets, Outcome::Open)] {
        let changes = [("admin_listen = ", tls), ("outside_address = ", attack)];
        let deployment = Deployment::start(&changes).await;
        let only = [
            "client-certificate-missing",
            "algorithm-none",
            "request-smuggling",
        ];
        for one in deployment.attack(None, &only).await {
            let is_it = CERTIFICATES.contains(&one.id.as_str());
            let blocked = &Outcome::Blocked;
            assert_eq!(
                &one.outcome,
                if is_it { &expected } else { blocked },
                "{one:?}"
            );
        }
    }
}

#[tokio::test]
async fn the_servers_of_the_demo_block_every_attack() {
    the_demo_blocks(Demo::start(&[]), &[]).await;
}

#[tokio::test]
async fn a_gateway_on_postgresql_blocks_every_attack() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::new(Kind::Postgres, folder.path()).await;
    the_demo_blocks(Demo::start(&["--store", &database.url]), &[]).await;
}

#[tokio::test]
async fn a_gateway_on_mariadb_blocks_every_attack() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::new(Kind::Mysql, folder.path()).await;
    the_demo_blocks(Demo::start(&["--store", &database.url]), &[]).await;
}

/// How long a bind takes is the directory's to say, so nothing is measured here.
#[tokio::test]
async fn a_gateway_on_openldap_blocks_what_is_injected() {
    let directory = Directory::new("attacked");
    let injected = [
        "ldap-injection",
        "sql-injection",
        "quote-in-any-field",
        "mass-assignment",
    ];
    the_demo_blocks(directory.demo(&[]), &injected).await;
}

/// Types the command that the demo prints.
async fn the_demo_blocks(mut demo: Demo, only: &[&str]) {
    demo.line("Attack it, from another terminal:").await;
    let line = demo.line("lychgate attack --config ").await;
    let words = line.split_whitespace().skip(1);
    let only = only.iter().flat_map(|id| ["--only", id]);
    let arguments: Vec<&str> = words.chain(["--format", "json"]).chain(only).collect();
    let folder = tempfile::tempdir().unwrap();
    all_are_blocked(&deployment::attack(folder.path(), &arguments).await);
    demo.signal("TERM").await;
    assert_eq!(demo.end().await.status, Some(0));
}

/// What takes bound tokens is for deployments that have them.
fn all_are_blocked(played: &[Played]) {
    let others = played.iter().filter(|one| {
        let is_cut_off = one.id == "admin-from-the-network" && !is_in_a_network();
        let elsewhere = [&PROOFS[..], &CERTIFICATES].concat();
        let expected = if is_cut_off || elsewhere.contains(&one.id.as_str()) {
            Outcome::NotTried
        } else {
            Outcome::Blocked
        };
        one.outcome != expected
    });
    let others: Vec<_> = others.collect();
    assert!(others.is_empty(), "{others:#?}");
}

/// Whether this machine has an address that others could reach; without one there is no door to try.
fn is_in_a_network() -> bool {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
    // A network for documentation, where nobody is; nothing is sent.
    socket.connect("198.51.100.1:9").is_ok_and(|()| {
        let address = socket.local_addr().unwrap().ip();
        !address.is_loopback() && !address.is_unspecified()
    })
}
