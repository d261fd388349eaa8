//! Whole configs, good and broken.

use std::collections::BTreeSet;

use lychgate_store::{IdentifierCase, IdentifierKind, IdentifierNormalization, IdentifierRules};
use proptest::prelude::*;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, IsCa,
    KeyIdMethod, KeyPair, SerialNumber,
};
use tempfile::TempDir;

use super::*;

/// Every key that there is, with values that are good together.
const EVERY_KEY: &str = include_str!("tests/every_key.toml");

/// The same of a directory, of which the other one has none.
const DIRECTORY: &str = include_str!("tests/directory.toml");

/// A secret that stands in broken configs and must not come out of them.
const CANARY: &str = "kanarienvogel";

/// The folder that [`EVERY_KEY`] needs.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    crate::templates::write_scripts(folder.path()).unwrap();
    let key = rcgen::generate_simple_self_signed(["gateway.internal".to_owned()]).unwrap();
    let authority = authority();
    let jwks = lychgate_token::SigningKey::generate(lychgate_token::Algorithm::Es256).unwrap();
    let jwks = serde_json::json!({ "keys": [jwks.public_jwk().to_json()] });
    for (name, text) in [
        ("gateway.pem", key.cert.pem()),
        ("gateway.key", key.signing_key.serialize_pem()),
        ("client-ca.pem", authority.pem()),
        ("client-ca.crl", revocation_list(&authority)),
        ("issuer.pem", key.signing_key.serialize_pem()),
        ("networks.txt", "198.51.100.0/24 # the office\n".to_owned()),
        ("ip-ranges.json", IP_RANGES.to_owned()),
        (
            "pseudonym.key",
            "0123456789abcdef0123456789abcdef\n".to_owned(),
        ),
        ("audit-signing.pem", SIGNING_KEY.to_owned()),
        ("client.jwks", jwks.to_string()),
        ("canary.key", format!("{CANARY}\n")),
        ("attack.secret", format!("{CANARY}\n")),
        ("breached.txt", "correct horse battery staple\n".to_owned()),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// An authority of clients.
fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn revocation_list(authority: &CertifiedIssuer<'_, KeyPair>) -> String {
    let list = CertificateRevocationListParams {
        this_update: rcgen::date_time_ymd(2020, 1, 1),
        next_update: rcgen::date_time_ymd(4000, 1, 1),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: Vec::new(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    list.signed_by(authority).unwrap().pem().unwrap()
}

/// Made by `openssl genpkey -algorithm ed25519`.
const SIGNING_KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIOveyR/FcU/YfrgvmPYOCfHLjDpbX8+HmQzoLp6moez0\n-----END PRIVATE KEY-----\n";

const IP_RANGES: &str =
    r#"{"last_updated_at": "2026-01-01", "regions": {"EU": {"ipv4_cidrs": ["192.0.2.0/28"]}}}"#;

/// What is wrong with `text`, each as `line:column key: reason`.
fn wrong(text: &str, folder: &Path) -> Vec<String> {
    let findings = parse(text, folder).err().unwrap_or_default();
    findings
        .iter()
        .map(|Finding { place, key, reason }| {
            format!("{}:{} {key}: {reason}", place.line, place.column)
        })
        .collect()
}

#[test]
fn each_source_of_the_clients_address_is_accepted_with_its_proxies() {
    let folder = folder();
    for (source, tls) in [
        (
            "proxy-protocol",
            "{ certificate = \"gateway.pem\", key = \"gateway.key\" }",
        ),
        ("proxy-protocol", "\"terminated-by-trusted-proxy\""),
        ("forwarded", "\"terminated-by-trusted-proxy\""),
        ("x-forwarded-for", "\"terminated-by-trusted-proxy\""),
    ] {
        let text = EVERY_KEY
            .replace(
                "client_address = \"peer\"",
                &format!("client_address = \"{source}\""),
            )
            .replace(
                "trusted_proxies = []",
                "trusted_proxies = [\"10.0.0.2\", \"10.1.0.0/16\"]",
            )
            .replacen(
                "{ certificate = \"gateway.pem\", key = \"gateway.key\" }",
                tls,
                1,
            );
        assert_eq!(wrong(&text, folder.path()), [""; 0], "{source} {tls}");
    }
}

#[test]
fn a_config_with_every_key_is_accepted() {
    let folder = folder();
    assert_eq!(wrong(EVERY_KEY, folder.path()), [""; 0]);
    let (config, _) = parse(EVERY_KEY, folder.path()).unwrap_or_else(|_| panic!());
    assert!(config.gateway.is_some() && config.tenant.is_some());
}

#[test]
fn what_an_identifier_is_comes_from_the_config_and_is_anything_by_itself() {
    let folder = folder();
    let rules = |text| {
        let (config, _) = parse(text, folder.path()).unwrap_or_else(|_| panic!());
        config.gateway.unwrap().identifiers
    };
    let every_key = IdentifierRules {
        kind: IdentifierKind::Email,
        case: IdentifierCase::Insensitive,
        normalization: IdentifierNormalization::Nfkc,
    };
    assert_eq!(rules(EVERY_KEY), every_key);
    let mut others = EVERY_KEY.to_owned();
    for (from, to) in [
        ("identifier = \"email\"", "identifier = \"username\""),
        ("\"insensitive\"", "\"sensitive\""),
        ("\"nfkc\"", "\"none\""),
    ] {
        assert_eq!(others.matches(from).count(), 1, "{from}");
        others = others.replace(from, to);
    }
    let expected = IdentifierRules {
        kind: IdentifierKind::Username,
        case: IdentifierCase::Sensitive,
        normalization: IdentifierNormalization::None,
    };
    assert_eq!(rules(&others), expected);
    let without: String = EVERY_KEY
        .lines()
        .filter(|line| !line.starts_with("identifier_") && *line != "identifier = \"email\"")
        .flat_map(|line| [line, "\n"])
        .collect();
    assert_eq!(rules(&without), IdentifierRules::default());
}

#[test]
fn the_config_of_the_handbook_is_accepted() {
    let folder = folder();
    assert_eq!(
        wrong(include_str!("tests/handbook.toml"), folder.path()),
        [""; 0]
    );
}

#[test]
fn a_directory_is_accepted_and_what_is_wrong_with_one_is_shown_where_it_stands() {
    let folder = folder();
    assert_eq!(wrong(DIRECTORY, folder.path()), [""; 0]);
    let sql = include_str!("tests/handbook.toml");
    for (good, bad, place) in [
        (
            "bind_dn = \"cn=lychgate,ou=services,dc=example,dc=com\"",
            "bind_dn = \"\"",
            "store.ldap.bind_dn: is empty",
        ),
        (
            "user_id = \"entryUUID\"\n",
            "",
            "store.profile: names no `user_id`",
        ),
        (
            "name = \"cn\"",
            "name = \"MAIL\"",
            "another field has already",
        ),
        (
            "authenticate = \"bind\"",
            "authenticate = \"password_hash\"",
            "store.ldap.decoy_dn: is never bound",
        ),
        (
            "(entryUUID=:user_id)",
            "(entryUUID=:id)",
            "store.operations.delete: unknown parameter",
        ),
        (
            "lookup = \"(&",
            "lookup = \"(",
            "store.operations.lookup: it is not a search filter",
        ),
        (
            "/ou=people,dc=example,dc=com",
            "",
            "store.url: the store's url names no base",
        ),
        (
            "ldaps://",
            "ldaps://root:kanarienvogel@",
            "store.url: the store's url holds a user or a password",
        ),
    ] {
        assert!(DIRECTORY.contains(good), "{good}");
        let found = wrong(&DIRECTORY.replacen(good, bad, 1), folder.path());
        assert!(
            found.iter().any(|one| one.contains(place)),
            "{place}: {found:?}"
        );
        assert!(!found.iter().any(|one| one.contains(CANARY)), "{found:?}");
    }
    let (without, ldap) = DIRECTORY.split_once("[store.ldap]").unwrap();
    let found = wrong(&format!("{sql}\n[store.ldap]{ldap}"), folder.path());
    assert!(
        found[0].contains("store.ldap: is of directories alone"),
        "{found:?}"
    );
    let found = wrong(without, folder.path());
    assert!(
        found[0].contains("store.url: is a directory, which needs"),
        "{found:?}"
    );
}

#[test]
fn the_configs_of_the_page_on_directories_are_accepted() {
    let folder = folder();
    let page = include_str!("../../../../docs/how-to/ldap.md");
    let (gateway, _) = DIRECTORY.split_once("[store]").unwrap();
    let blocks: Vec<_> = page.split("```toml\n").skip(1).collect();
    assert_eq!(blocks.len(), 2);
    for block in blocks {
        let store = block.split("```").next().unwrap();
        let store = store.replace("ldap.password", "canary.key");
        let found = wrong(&format!("{gateway}{store}"), folder.path());
        assert_eq!(found, [""; 0]);
    }
}

#[test]
fn no_key_of_the_schema_is_left_out_of_the_config_with_every_key() {
    fn keys(schema: &Value, found: &mut BTreeSet<String>) {
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            found.extend(properties.keys().cloned());
        }
        let definitions = schema.get("$defs").and_then(Value::as_object);
        for definition in definitions.into_iter().flat_map(serde_json::Map::values) {
            keys(definition, found);
        }
    }
    let mut found = BTreeSet::new();
    keys(raw::schema().as_value(), &mut found);
    assert!(found.len() > 50);
    for key in found {
        let named = [format!("{key} = "), format!("{key}]")];
        let is_in = |config: &str| named.iter().any(|named| config.contains(named));
        assert!(is_in(EVERY_KEY) || is_in(DIRECTORY), "{key}");
    }
}

#[test]
fn everything_wrong_is_shown_at_once_where_it_stands() {
    let folder = folder();
    let text = r#"[gateway]
listen = "0.0.0.0:8443"
admin_listen = "10.0.0.1:9090"
trusted_proxies = ["10.0.0.2"]

[gateway.allowlist]
networks = ["10.0.0.0/8", "10.0.0.1/8", "ten"]

[gateway.access_token]
issuers = ["https://example.com/", "http://example.com/"]
audience = "*"
clients = []
algorithms = ["none", "HS256", "RS256"]
leeway = "0s"

[store]
url = "mongodb://root@db/legacy"
operations = { authenticate = "select :identifer", delete = "delete from users" }
profile = { id = "id" }

[passwords]
accept = ["bcrypt", "md6"]

[audit]
pseudonym_key = "short"
"#;
    let wrong = wrong(text, folder.path());
    let places: Vec<&str> = wrong
        .iter()
        .filter_map(|one| one.split(": ").next())
        .collect();
    assert_eq!(
        places,
        [
            "2:1 gateway.listen",
            "3:1 gateway.admin_listen",
            "4:1 gateway.trusted_proxies",
            "7:27 gateway.allowlist.networks[1]",
            "7:41 gateway.allowlist.networks[2]",
            "10:36 gateway.access_token.issuers[1]",
            "11:1 gateway.access_token.audience",
            "12:1 gateway.access_token.clients",
            "13:15 gateway.access_token.algorithms[0]",
            "13:23 gateway.access_token.algorithms[1]",
            "14:1 gateway.access_token.leeway",
            "17:1 store.url",
            "18:16 store.operations.authenticate",
            "18:52 store.operations.delete",
            "19:13 store.profile.id",
            "22:21 passwords.accept[1]",
            "25:1 audit.pseudonym_key",
        ]
    );
}

#[test]
fn sections_that_nothing_reads_and_a_config_without_a_role_are_refused() {
    let found = wrong("\n[audit]\nfile = \"-\"\n", Path::new(""));
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("1:1 : there is no role"));
    assert!(found[1].starts_with("2:2 audit: is read by the gateway alone"));
}

#[test]
fn an_error_names_the_file_the_line_and_the_column() {
    let folder = folder();
    let path = folder.path().join("lychgate.toml");
    std::fs::write(&path, "[audit]\nfile = 1\n").unwrap();
    let error = read(&path).err().unwrap().to_string();
    let path = path.display();
    assert_eq!(
        error,
        format!("{path} cannot be used: 1 error\n  {path}:2:1: `audit.file`: must be text")
    );
}

#[test]
fn hashes_that_nobody_could_check_are_refused_where_they_are_asked_for() {
    for (passwords, place) in [
        ("accept = [\"bcrypt\"]", "passwords.write"),
        ("accept = []", "passwords.write"),
        ("write = \"phpass\"", "passwords.write"),
        (
            "accept = [\"argon2id\"]\ndecoy = { bcrypt = 1 }",
            "passwords.decoy",
        ),
        ("decoy = { argon2id = 0 }", "passwords.decoy"),
        ("threads = 5000", "passwords.threads"),
        ("queue = 1000000", "passwords.queue"),
    ] {
        let folder = folder();
        let text = include_str!("tests/handbook.toml").replace("accept = [\"argon2id\", \"bcrypt\", \"phpass\", \"django-pbkdf2\", \"ldap-ssha\"]\nwrite = \"argon2id\"", passwords);
        let found = wrong(&text, folder.path());
        assert_eq!(found.len(), 1, "{passwords}: {found:?}");
        assert!(found[0].contains(&format!(" {place}: ")), "{found:?}");
    }
}

/// One line of a config, broken.
#[derive(Clone, Debug)]
enum Break {
    Value(String),
    Removed,
    Doubled,
}

fn breaks() -> impl Strategy<Value = Break> {
    let value = |text: &str| Just(Break::Value(text.to_owned()));
    prop_oneof![
        value(&format!("\"{CANARY}\"")),
        value(&format!("[\"{CANARY}\"]")),
        value(&format!("[[\"{CANARY}\"]]")),
        value(&format!("{{ x = \"{CANARY}\" }}")),
        value(&format!("[{{ {CANARY}x = \"{CANARY}\" }}]").replace(&format!("{CANARY}x"), "x")),
        value(&format!("\"{CANARY}")),
        value(CANARY),
        value(&format!("\"\\{CANARY}\"")),
        value(&format!("1{CANARY}")),
        value("\"${file:canary.key}\""),
        value("[\"${file:canary.key}\"]"),
        value(&format!("\"https://{CANARY}.example/#x\"")),
        value(&format!("\"http://{CANARY}.example/\"")),
        value(&format!("\"https://user:{CANARY}@login.example/\"")),
        value(&format!("\"sqlite:{CANARY}?mode=rwc\"")),
        value(&format!("\"postgres://user:{CANARY}@db/legacy\"")),
        value(&format!("\"select '{CANARY}'\"")),
        value(&format!("\"${{{CANARY}}}\"")),
        value("99999999999999999999"),
        value("-1"),
        value("2024-01-01"),
        Just(Break::Removed),
        Just(Break::Doubled),
    ]
}

/// [`EVERY_KEY`], with some of its one-line keys broken.
fn broken() -> impl Strategy<Value = String> {
    let lines: Vec<&str> = EVERY_KEY.lines().collect();
    let breakable: Vec<usize> = (0..lines.len())
        .filter(|index| lines[*index].contains(" = ") && !lines[*index].starts_with('#'))
        .collect();
    proptest::collection::vec((proptest::sample::select(breakable), breaks()), 1..4).prop_map(
        move |breaks| {
            let mut lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
            for (index, how) in breaks {
                let line = lines[index].clone();
                let name = line.split(" = ").next().unwrap_or_default();
                lines[index] = match how {
                    Break::Value(value) => format!("{name} = {value}"),
                    Break::Removed => String::new(),
                    Break::Doubled => format!("{line}\n{line}"),
                };
            }
            lines.join("\n")
        },
    )
}

#[test]
fn what_differs_between_two_readings_is_known_by_its_key_and_by_no_value() {
    let folder = folder();
    let every_key = with_a_password_of_the_store(folder.path());
    let read = |text: &str| match parse(text, folder.path()) {
        Ok((_, source)) => source,
        Err(findings) => panic!("{findings:?}"),
    };
    let before = read(&every_key);
    assert!(before.changed(&read(&every_key)).is_empty());
    let other = every_key
        .replace("connections = 100\n", "connections = 101\n")
        .replace("outbox = \"outbox\"\n", "");
    let other = read(&other);
    let changed = ["gateway.limits.connections", "tenant.outbox"];
    assert_eq!(before.changed(&other), changed.into());
    assert_eq!(other.changed(&before), changed.into());

    // What stands in a file is a part of it, but for what the store reads again by itself.
    std::fs::write(folder.path().join("store.password"), "another").unwrap();
    assert!(before.changed(&read(&every_key)).is_empty());
    std::fs::write(folder.path().join("networks.txt"), "192.0.2.77\n").unwrap();
    let changed = ["gateway.allowlist.files[0] (its file)"];
    assert_eq!(before.changed(&read(&every_key)), changed.into());
    let own = "pseudonym_key = \"${file:own.key}\"";
    let every_key = every_key.replace("pseudonym_key = \"${file:pseudonym.key}\"", own);
    std::fs::write(
        folder.path().join("own.key"),
        "0123456789abcdef0123456789abcdef",
    )
    .unwrap();
    let before = read(&every_key);
    std::fs::write(
        folder.path().join("own.key"),
        "fedcba9876543210fedcba9876543210",
    )
    .unwrap();
    let changed = ["audit.pseudonym_key"];
    assert_eq!(before.changed(&read(&every_key)), changed.into());
}

#[test]
fn the_files_of_a_config_are_known_even_where_it_cannot_be_used() {
    let folder = folder();
    let every_key = with_a_password_of_the_store(folder.path());
    let path = folder.path().join("lychgate.toml");
    std::fs::write(&path, every_key.replace("listen = ", "lisen = ")).unwrap();
    let files = files(&path);
    for (name, is_part) in [
        ("lychgate.toml", true),
        ("gateway.pem", true),
        ("gateway.key", true),
        ("client-ca.crl", true),
        ("networks.txt", true),
        ("ip-ranges.cache.json", true),
        ("pseudonym.key", true),
        // The store reads it again by itself.
        ("store.password", false),
        ("breached.txt", false),
    ] {
        assert_eq!(files.contains(&folder.path().join(name)), is_part, "{name}");
    }
}

/// The config with every key, where a file of its own holds a password of the store.
fn with_a_password_of_the_store(folder: &Path) -> String {
    std::fs::write(folder.join("store.password"), "first").unwrap();
    let user = "user = \"lychgate_a\", password = ";
    let [canary, own] =
        ["canary.key", "store.password"].map(|file| format!("{user}\"${{file:{file}}}\""));
    assert_eq!(EVERY_KEY.matches(&canary).count(), 1);
    EVERY_KEY.replace(&canary, &own)
}

#[test]
fn a_leeway_that_would_lengthen_the_life_of_tokens_is_refused() {
    let folder = folder();
    let text = EVERY_KEY.replace("leeway = 10\n", "leeway = \"6m\"\n");
    let found = wrong(&text, folder.path());
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("gateway.access_token.leeway: must be at most 5m"));
}

#[test]
fn a_tenant_that_asks_for_no_certificates_binds_no_token_to_one() {
    let folder = folder();
    let binds = EVERY_KEY.replace("mechanism = \"dpop\"", "mechanism = \"mtls\"");
    assert_eq!(wrong(&binds, folder.path()), Vec::<String>::new());
    let asks = ", client_ca = \"client-ca.pem\" }\nclient_certificates = \"requested\"";
    assert_eq!(binds.matches(asks).count(), 1);
    let found = wrong(&binds.replace(asks, " }"), folder.path());
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("tenant.apis[0].proof_of_possession: binds tokens to certificates"));
    let asks_by_nothing = EVERY_KEY.replace(asks, " }\nclient_certificates = \"requested\"");
    let found = wrong(&asks_by_nothing, folder.path());
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("tenant.client_certificates: says how clients are asked"));
}

#[test]
fn the_cause_of_an_error_is_said_with_it() {
    let folder = folder();
    for (file, text, said) in [
        (
            "gateway.pem",
            "-----BEGIN CERTIFICATE-----\n?",
            "gateway.tls: the certificate cannot be read as PEM: ",
        ),
        (
            "client-ca.pem",
            "no certificate",
            "gateway.admin_tls.client_ca: the file of the clients' authorities has no CERTIFICATE section",
        ),
        (
            "client-ca.crl",
            "no list",
            "gateway.admin_tls.client_crl: the revocation list cannot be read: ",
        ),
        (
            "client.jwks",
            "{\"keys\": [], \"keys\": []}",
            "jwks: the key set cannot be read: ",
        ),
        (
            "action_scripts/login.js",
            "function (",
            "scripts: cannot use login.js: script login, line ",
        ),
        (
            "rules/a.js",
            "1 + 1",
            "rules: cannot use a.js: script a is neither one function",
        ),
    ] {
        let path = folder.path().join(file);
        let before = std::fs::read(&path).ok();
        std::fs::write(&path, text).unwrap();
        let found = wrong(EVERY_KEY, folder.path());
        assert!(
            found.iter().any(|one| one.contains(said)),
            "{said} in {found:#?}"
        );
        match before {
            Some(before) => std::fs::write(&path, before).unwrap(),
            None => std::fs::remove_file(&path).unwrap(),
        }
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(\\PC|[\n=\\[\\]\"'.{},#]|gateway|tenant|\\$\\{)*") {
        drop(parse(&text, Path::new("/nowhere")));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_broken_config_is_refused_with_places_and_keys_and_never_with_a_value(text in broken()) {
        static FOLDER: std::sync::LazyLock<TempDir> = std::sync::LazyLock::new(folder);
        let lines = text.lines().count();
        for Finding { place, key, reason } in parse(&text, FOLDER.path()).err().unwrap_or_default() {
            prop_assert!((1..=lines + 1).contains(&place.line) && place.column >= 1);
            prop_assert!(!reason.contains(CANARY), "`{key}`: {reason}");
            prop_assert!(!key.contains(CANARY), "`{key}`: {reason}");
            prop_assert!(!reason.contains("has the right shape"), "the schema took what the types do not: {text}");
        }
    }
}
