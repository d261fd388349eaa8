//! A tree of the test's own in the directory of the run, and a second way into it, by OpenLDAP's own programs.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use lychgate_store::{
    Error, LdapEntry, LdapNewPassword, LdapSettings, LdapVerification, Parameters, Settings,
    StatementName, Store,
};

use crate::world::{own_number, settings, variable};

/// The filters of the operations, in the order of the contract.
pub(crate) const FILTERS: [(StatementName, &str); 7] = [
    (
        StatementName::Authenticate,
        "(&(objectClass=inetOrgPerson)(mail=:identifier))",
    ),
    (
        StatementName::Lookup,
        "(&(objectClass=inetOrgPerson)(mail=:identifier))",
    ),
    (StatementName::Create, "(mail=:email)"),
    (
        StatementName::VerifyEmail,
        "(&(objectClass=emailAccount)(mail=:email))",
    ),
    (
        StatementName::ChangePassword,
        "(&(objectClass=inetOrgPerson)(mail=:identifier))",
    ),
    (
        StatementName::ChangeEmail,
        "(&(objectClass=emailAccount)(mail=:identifier))",
    ),
    (
        StatementName::Delete,
        "(&(objectClass=inetOrgPerson)(entryUUID=:user_id))",
    ),
];

/// The password of the tree's first user.
pub(crate) const PASSWORD: &str = "correct horse";

/// The password of every account that a gateway works as.
pub(crate) const SERVICE_PASSWORD: &str = "service password";

pub(crate) struct Directory {
    /// The URL of the server, with the suffix.
    server: String,
    /// The root of this test's tree.
    pub(crate) root: String,
}

impl Directory {
    /// Two users: one can log in, the other has no password and is locked.
    pub(crate) fn new() -> Self {
        Self::on(&variable("LYCHGATE_TEST_LDAP"), "test")
    }

    /// The same, in the server that a test may kill.
    pub(crate) fn mortal() -> Self {
        Self::on(&variable("LYCHGATE_TEST_LDAP_MORTAL"), "test")
    }

    /// The same, in a tree that the server shows to whoever asks.
    pub(crate) fn open_to_all() -> Self {
        Self::on(&variable("LYCHGATE_TEST_LDAP"), "open")
    }

    fn on(server: &str, name: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let root = format!("ou={name}-{}-{number},dc=example,dc=com", own_number());
        let directory = Self {
            server: server.to_owned(),
            root,
        };
        directory.add(TREE);
        directory
    }

    /// The entry below which the users are.
    pub(crate) fn base(&self) -> String {
        format!("ou=people,{}", self.root)
    }

    pub(crate) fn dn(&self, uid: &str) -> String {
        format!("uid={uid},{}", self.base())
    }

    /// The store's URL, with `options`.
    pub(crate) fn url(&self, options: &str) -> String {
        self.url_on(&self.server, options)
    }

    /// The same on another address of the server.
    pub(crate) fn url_on(&self, server: &str, options: &str) -> String {
        let (address, _) = server.rsplit_once('/').unwrap();
        format!("{address}/{}{options}", self.base())
    }

    /// The port of the server.
    pub(crate) fn port(&self) -> u16 {
        let (address, _) = self.server.rsplit_once('/').unwrap();
        address.rsplit_once(':').unwrap().1.parse().unwrap()
    }

    /// The account that may do what the operations need.
    pub(crate) fn ldap(&self) -> LdapSettings {
        self.ldap_as("lychgate")
    }

    pub(crate) fn ldap_as(&self, account: &str) -> LdapSettings {
        let bind_dn = format!("cn={account},{}", self.root);
        let mut ldap = LdapSettings::new(bind_dn, SERVICE_PASSWORD.to_owned().into());
        ldap.attributes = ["entryUUID", "mail", "emailVerified", "displayName"]
            .map(str::to_owned)
            .to_vec();
        ldap.user_id = Some("entryUUID".to_owned());
        ldap.blocked = vec!["pwdAccountLockedTime".to_owned()];
        ldap.verification = LdapVerification::Bind {
            decoy_dn: Some(format!("cn=nobody,{}", self.root)),
        };
        let pairs = |pairs: &[(&str, &str)]| {
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect()
        };
        ldap.verify_email = pairs(&[("emailVerified", "TRUE")]);
        ldap.change_email = pairs(&[("mail", ":new_email"), ("emailVerified", ":email_verified")]);
        ldap.email_taken = Some("(mail=:new_email)".to_owned());
        let attributes: [(&str, &[&str]); 6] = [
            ("objectClass", &["inetOrgPerson", "emailAccount"]),
            ("cn", &[":email"]),
            ("sn", &[":email"]),
            ("mail", &[":email"]),
            ("displayName", &[":nickname"]),
            ("emailVerified", &[":email_verified"]),
        ];
        ldap.create = Some(LdapEntry {
            rdn: "uid=:email".to_owned(),
            attributes: attributes
                .iter()
                .map(|(name, values)| {
                    let values = values.iter().map(|value| (*value).to_owned());
                    ((*name).to_owned(), values.collect())
                })
                .collect(),
        });
        ldap
    }

    /// The same, where the gateway reads and writes hashes itself.
    pub(crate) fn ldap_with_hashes(&self) -> LdapSettings {
        let mut ldap = self.ldap_as("reader");
        ldap.verification = LdapVerification::PasswordHash;
        ldap.new_password = LdapNewPassword::Replace;
        ldap
    }

    pub(crate) fn settings(
        &self,
        ldap: LdapSettings,
        statements: &[(StatementName, &str)],
    ) -> Settings {
        let mut settings = settings(self.url("").parse().unwrap(), statements);
        settings.ldap = Some(Box::new(ldap));
        settings
    }

    /// A store with all operations.
    pub(crate) async fn open(&self) -> Store {
        self.open_with(self.ldap(), &FILTERS).await.unwrap()
    }

    pub(crate) async fn open_with(
        &self,
        ldap: LdapSettings,
        statements: &[(StatementName, &str)],
    ) -> Result<Store, Error> {
        Store::open(self.settings(ldap, statements)).await
    }

    /// Adds entries, as another program would; `ROOT` is the root of the tree.
    pub(crate) fn add(&self, ldif: &str) {
        self.run("ldapadd", &[], ldif);
    }

    pub(crate) fn modify(&self, ldif: &str) {
        self.run("ldapmodify", &["-e", "!relax"], ldif);
    }

    /// All there is of the people, as LDIF.
    pub(crate) fn people(&self) -> String {
        let base = self.base();
        let search = ["-LLL", "-o", "ldif-wrap=no", "-b", &base, "*", "entryUUID"];
        self.run("ldapsearch", &search, "")
    }

    /// The values of an attribute of a user, as LDIF.
    pub(crate) fn attribute(&self, dn: &str, attribute: &str) -> String {
        let search = [
            "-LLL",
            "-o",
            "ldif-wrap=no",
            "-s",
            "base",
            "-b",
            dn,
            attribute,
        ];
        let found = self.run("ldapsearch", &search, "");
        let lines = found.lines().filter(|line| !line.starts_with("dn:"));
        lines.collect::<Vec<_>>().join("\n").trim().to_owned()
    }

    /// Whether the directory itself takes this password, by its own program.
    pub(crate) fn accepts(&self, dn: &str, password: &str) -> bool {
        let (address, _) = self.server.rsplit_once('/').unwrap();
        let whoami = Command::new("ldapwhoami")
            .args(["-x", "-H", address, "-D", dn, "-w", password])
            .output()
            .unwrap();
        whoami.status.success()
    }

    fn run(&self, program: &str, arguments: &[&str], ldif: &str) -> String {
        let (address, _) = self.server.rsplit_once('/').unwrap();
        let administrator = [
            "-x",
            "-H",
            address,
            "-D",
            "cn=admin,dc=example,dc=com",
            "-w",
            "admin",
        ];
        let mut child = Command::new(program)
            .args(administrator)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let ldif = ldif.replace("ROOT", &self.root);
        child
            .stdin
            .take()
            .unwrap()
            .write_all(ldif.as_bytes())
            .unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(
            output.status.success(),
            "{program}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }
}

pub(crate) fn identifier(value: &str) -> Parameters {
    Parameters::new().with("identifier", value)
}

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

dn: cn=keeper,ROOT
objectClass: applicationProcess
objectClass: simpleSecurityObject
userPassword: service password

dn: cn=least,ROOT
objectClass: applicationProcess
objectClass: simpleSecurityObject
userPassword: service password

dn: cn=nobody,ROOT
objectClass: applicationProcess
objectClass: simpleSecurityObject
userPassword: nobody knows this one

dn: uid=zoe,ou=people,ROOT
objectClass: inetOrgPerson
objectClass: emailAccount
cn: zoe
sn: zoe
mail: zoe@example.com
displayName: Zoë
emailVerified: TRUE
userPassword: correct horse

dn: uid=max,ou=people,ROOT
objectClass: inetOrgPerson
objectClass: emailAccount
cn: max
sn: max
mail: max@example.com
emailVerified: FALSE
pwdAccountLockedTime: 000001010000Z
";
