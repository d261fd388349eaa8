//! `lychgate serve` over a directory, the real OpenLDAP, from the caller to the entry and back.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::serve::{Gateway, folder, who, write};
use crate::support::{Issuer, Serve, lychgate, own_number};

const PASSWORD: &str = "correct horse";

const ADMINISTRATOR: [&str; 4] = ["-D", "cn=admin,dc=example,dc=com", "-w", "admin"];

/// What `cargo xtask test` tells its tests of the directory that it has started.
#[expect(
    clippy::disallowed_methods,
    reason = "the test's own configuration comes from the environment"
)]
fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run `cargo xtask test`"))
}

/// A tree of a test's own in the directory of the run.
pub(crate) struct Tree {
    /// The address of the server, without a base.
    address: String,
    pub(crate) root: String,
}

impl Tree {
    /// These entries, in which `ROOT` is the root.
    pub(crate) fn new(name: &str, entries: &str) -> Self {
        let server = variable("LYCHGATE_TEST_LDAP");
        let (address, suffix) = server.rsplit_once('/').unwrap();
        let tree = Self {
            address: address.to_owned(),
            root: format!("ou={name}-{},{suffix}", own_number()),
        };
        tree.add(entries);
        tree
    }

    /// The URL of a store with this base, by TLS.
    pub(crate) fn url(&self, base: &str) -> String {
        let certificate = variable("LYCHGATE_TEST_CA");
        format!("{}/{base}?sslrootcert={certificate}", self.address)
    }

    pub(crate) fn add(&self, entries: &str) {
        let mut added = self
            .program("ldapadd")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut input = added.stdin.take().unwrap();
        let entries = entries.replace("ROOT", &self.root);
        input.write_all(entries.as_bytes()).unwrap();
        drop(input);
        assert!(added.wait().unwrap().success());
    }

    /// All there is in it, as LDIF.
    pub(crate) fn text(&self) -> String {
        let mut search = self.program("ldapsearch");
        let search = search.args(["-LLL", "-b", &self.root, "*", "+"]);
        let output = search.output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    }

    fn program(&self, name: &str) -> Command {
        let mut program = Command::new(name);
        program
            .args(["-x", "-H", &self.address])
            .args(ADMINISTRATOR);
        program
    }
}

/// A tree of the test's own, and the config of a gateway in front of it.
pub(crate) fn directory(folder: &Path, name: &str, changes: &[(&str, &str)]) -> Tree {
    let tree = Tree::new(&format!("serve-{name}"), TREE);
    let root = &tree.root;
    write(folder, "ldap.password", "service password\n");
    let text = std::fs::read_to_string(folder.join("lychgate.toml")).unwrap();
    let (before, after) = text.split_once("[store]").unwrap();
    let (_, after) = after.split_once("[audit]").unwrap();
    let mut store = STORE
        .replace("URL", &tree.url(&format!("ou=people,{root}")))
        .replace("ROOT", root);
    for (from, to) in changes {
        assert!(store.contains(from), "{from}");
        store = store.replace(from, to);
    }
    write(
        folder,
        "lychgate.toml",
        &format!("{before}{store}[audit]{after}"),
    );
    tree
}

#[tokio::test]
async fn every_operation_does_its_work_in_a_directory() {
    let issuer = Issuer::start();
    let folder = folder(&issuer.identifier).await;
    directory(folder.path(), "operations", &[]);
    does_every_operation(&issuer, folder.path()).await;
}

#[tokio::test]
async fn every_operation_does_its_work_where_the_gateway_verifies_hashes() {
    let issuer = Issuer::start();
    let folder = folder(&issuer.identifier).await;
    let changes = [
        ("cn=lychgate,", "cn=reader,"),
        (
            "authenticate = \"bind\"",
            "authenticate = \"password_hash\"\nchange_password = \"replace\"",
        ),
        (
            "[store.profile]",
            "[passwords]\naccept = [\"argon2id\", \"ldap-argon2\", \"ldap-ssha\"]\n\n[store.profile]",
        ),
    ];
    directory(folder.path(), "hashes", &changes);
    does_every_operation(&issuer, folder.path()).await;
}

#[tokio::test]
async fn check_finds_what_the_account_may_beyond_its_operations() {
    let issuer = Issuer::start();
    for (account, expected) in [
        ("least", &[][..]),
        (
            "keeper",
            &[
                "directory-attribute-readable",
                "directory-attribute-writable",
                "directory-other-entries",
                "directory-password-readable",
                "directory-server-entries",
            ],
        ),
    ] {
        let folder = folder(&issuer.identifier).await;
        let bind_dn = format!("cn={account},");
        let changes = [
            ("cn=lychgate,", bind_dn.as_str()),
            ("\"description\"", "\"employeeType\""),
        ];
        directory(folder.path(), account, &changes);
        let output = lychgate(folder.path(), &["check", "--format", "json"])
            .output()
            .await;
        let output = output.unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let report: Value = serde_json::from_str(&said).unwrap();
        let findings = report["findings"].as_array().unwrap();
        let found = findings.iter().filter(|finding| {
            let id = finding["id"].as_str().unwrap();
            id.starts_with("directory-") || id.starts_with("store-un")
        });
        let found: BTreeSet<_> = found
            .map(|finding| finding["id"].as_str().unwrap())
            .collect();
        assert_eq!(found, expected.iter().copied().collect(), "{said}");
        assert!(!said.contains("service password") && !said.contains("example.com\""));
    }
}

async fn does_every_operation(issuer: &Issuer, folder: &Path) {
    let serve = Serve::start(folder).await;
    serve.ready().await;
    let gateway = Gateway {
        serve: &serve,
        token: issuer.sign(&issuer.claims()),
    };
    let nobody = (200, json!({ "user": null }));
    let (status, answer) = gateway
        .ask("authenticate", &who(" ADA@example.com", PASSWORD))
        .await;
    assert_eq!(status, 200);
    let ada = &answer["user"];
    assert!(ada["user_id"].is_string());
    assert_eq!(
        (&ada["email"], &ada["email_verified"], &ada["blocked"]),
        (&json!("ada@example.com"), &json!(true), &json!(false))
    );
    assert_eq!(ada["app_metadata"], json!({ "description": ["first"] }));
    lets_nobody_else_in(&gateway).await;
    let lookup = |identifier: &str| json!({ "identifier": identifier });
    assert_eq!(
        &gateway.ask("lookup", &lookup("ada@example.com")).await.1["user"],
        ada
    );
    let (_, locked) = gateway.ask("lookup", &lookup("locked@example.com")).await;
    assert_eq!(locked["user"]["blocked"], true);

    let new =
        json!({ "email": "new@example.com", "nickname": "new", "password": "a first password" });
    let (status, created) = gateway.ask("create", &new).await;
    assert_eq!(
        (status, &created["user"]["email"]),
        (201, &json!("new@example.com"))
    );
    assert_eq!(gateway.ask("create", &new).await.0, 409);
    let login = gateway
        .ask("authenticate", &who("new@example.com", "a first password"))
        .await;
    assert_eq!(login.1["user"]["nickname"], "new");

    let changed = (200, json!({ "changed": true }));
    let email = json!({ "email": "new@example.com" });
    let verified = gateway.ask("verify-email", &email).await;
    assert_eq!(verified, (200, json!({ "verified": true })));
    let password = json!({ "identifier": "new@example.com", "new_password": "a second password" });
    assert_eq!(gateway.ask("change-password", &password).await, changed);
    let taken = json!({ "identifier": "new@example.com", "new_email": "ada@example.com", "email_verified": false });
    assert_eq!(gateway.ask("change-email", &taken).await.0, 409);
    let email = json!({ "identifier": "new@example.com", "new_email": "newer@example.com", "email_verified": false });
    assert_eq!(gateway.ask("change-email", &email).await, changed);
    for (typed, logs_in) in [("a first password", false), ("a second password", true)] {
        let (_, answer) = gateway
            .ask("authenticate", &who("newer@example.com", typed))
            .await;
        assert_eq!(answer["user"].is_object(), logs_in, "{typed}");
    }
    let user_id = json!({ "user_id": created["user"]["user_id"] });
    for deleted in [true, false] {
        let answer = gateway.ask("delete", &user_id).await;
        assert_eq!(answer, (200, json!({ "deleted": deleted })));
    }
    assert_eq!(
        gateway.ask("lookup", &lookup("newer@example.com")).await,
        nobody
    );
    no_secret_was_said(folder);
}

async fn lets_nobody_else_in(gateway: &Gateway<'_>) {
    let nobody = (200, json!({ "user": null }));
    for (identifier, password) in [
        ("ada@example.com", "wrong"),
        ("ada@example.com*", PASSWORD),
        ("*", PASSWORD),
        ("nobody@example.com", PASSWORD),
        ("locked@example.com", PASSWORD),
    ] {
        let answer = gateway
            .ask("authenticate", &who(identifier, password))
            .await;
        assert_eq!(answer, nobody, "{identifier}");
    }
    let empty = gateway
        .ask("authenticate", &who("ada@example.com", ""))
        .await;
    assert_eq!(empty.0, 422);
}

fn no_secret_was_said(folder: &Path) {
    let audit = std::fs::read_to_string(folder.join("audit.jsonl")).unwrap();
    let lines: Vec<Value> = audit
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(lines.len() > 10);
    for secret in [
        "example.com",
        PASSWORD,
        "a first password",
        "service password",
    ] {
        assert!(!audit.contains(secret), "{secret}");
    }
}

const STORE: &str = r#"[store]
url = "URL"

[store.operations]
authenticate = "(&(objectClass=inetOrgPerson)(mail=:identifier))"
lookup = "(&(objectClass=inetOrgPerson)(mail=:identifier))"
create = "(mail=:email)"
verify_email = "(&(objectClass=emailAccount)(mail=:email))"
change_password = "(&(objectClass=inetOrgPerson)(mail=:identifier))"
change_email = "(&(objectClass=emailAccount)(mail=:identifier))"
delete = "(&(objectClass=inetOrgPerson)(entryUUID=:user_id))"

[store.profile]
user_id = "entryUUID"
email = "mail"
email_verified = "emailVerified"
nickname = "displayName"

[store.ldap]
bind_dn = "cn=lychgate,ROOT"
bind_password = "${file:ldap.password}"
authenticate = "bind"
blocked = ["pwdAccountLockedTime"]
app_metadata = ["description"]
email_taken = "(mail=:new_email)"

[store.ldap.create]
rdn = "uid=:email"

[store.ldap.create.attributes]
objectClass = ["inetOrgPerson", "emailAccount"]
cn = [":email"]
sn = [":email"]
mail = [":email"]
displayName = [":nickname"]

[store.ldap.verify_email]
emailVerified = "TRUE"

[store.ldap.change_email]
mail = ":new_email"
emailVerified = ":email_verified"

"#;

/// The hash of the first user is `slappasswd`'s of her password, so that it is one that both sides can verify.
const TREE: &str = "
dn: ROOT
objectClass: organizationalUnit

dn: ou=people,ROOT
objectClass: organizationalUnit

dn: cn=lychgate,ROOT
objectClass: applicationProcess
objectClass: simpleSecurityObject
userPassword: service password

dn: cn=reader,ROOT
objectClass: applicationProcess
objectClass: simpleSecurityObject
userPassword: service password

dn: cn=least,ROOT
objectClass: applicationProcess
objectClass: simpleSecurityObject
userPassword: service password

dn: cn=keeper,ROOT
objectClass: applicationProcess
objectClass: simpleSecurityObject
userPassword: service password

dn: uid=ada,ou=people,ROOT
objectClass: inetOrgPerson
objectClass: emailAccount
cn: ada
sn: ada
mail: ada@example.com
description: first
emailVerified: TRUE
userPassword: {SSHA}nkWaHkfmeXYRGpnDIjr2Msk/7vFI+CuM

dn: uid=locked,ou=people,ROOT
objectClass: inetOrgPerson
cn: locked
sn: locked
mail: locked@example.com
pwdAccountLockedTime: 000001010000Z
userPassword: {SSHA}nkWaHkfmeXYRGpnDIjr2Msk/7vFI+CuM
";
