//! A directory as a legacy store, against the real OpenLDAP.

use std::time::Duration;

use lychgate_password::Password;
use lychgate_store::StatementName::{
    Authenticate, ChangeEmail, ChangePassword, Create, Delete, Lookup, VerifyEmail,
};
use lychgate_store::{
    Error, LdapNewPassword, LdapVerification, ListingError, Parameters, StatementName, Store,
    Value, list_users,
};

use crate::directory::{Directory, FILTERS, PASSWORD, identifier};
use crate::legacy::{hash, refused};

fn password(text: &str) -> Password {
    Password::new(text.to_owned()).unwrap()
}

async fn logs_in(store: &Store, who: &str, typed: &str) -> bool {
    let asked = store.authenticate(&identifier(who), &password(typed)).await;
    asked.unwrap().is_some()
}

async fn matched(store: &Store, name: StatementName, parameters: Parameters) -> u64 {
    store.write(name, &parameters).await.unwrap().matched
}

fn new_user(email: &str) -> Parameters {
    Parameters::new()
        .with("email", email)
        .with_password(password("a first password"))
}

async fn id_of(store: &Store, who: &str) -> String {
    let row = store.read(Lookup, &identifier(who)).await.unwrap().unwrap();
    match row.get("entryUUID") {
        Some(Value::Text(id)) => id.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_opens_and_tells_its_parameters_and_columns() {
    let store = Directory::new().open().await;
    assert!(store.verifies_passwords() && store.hashes_passwords());
    let columns = [
        "entryUUID",
        "mail",
        "emailVerified",
        "displayName",
        "blocked",
    ];
    for (name, parameters, returned) in [
        (Authenticate, &["identifier"][..], &columns[..]),
        (Lookup, &["identifier"], &columns),
        (
            Create,
            &["email", "email_verified", "nickname", "password_hash"],
            &columns,
        ),
        (VerifyEmail, &["email"], &[]),
        (ChangePassword, &["identifier", "password_hash"], &[]),
        (
            ChangeEmail,
            &["email_verified", "identifier", "new_email"],
            &[],
        ),
        (Delete, &["user_id"], &[]),
    ] {
        let statement = store.statement(name).unwrap();
        assert_eq!(statement.parameters(), parameters, "{name}");
        assert_eq!(statement.columns(), returned, "{name}");
    }
    store.ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_logs_in_with_her_password_and_with_no_other() {
    let directory = Directory::new();
    let store = directory.open().await;
    let asked = store
        .authenticate(&identifier("zoe@example.com"), &password(PASSWORD))
        .await;
    let mut row = asked.unwrap().unwrap();
    assert!(row.take_password_hash().is_none());
    assert_eq!(row.get("mail"), Some(&"zoe@example.com".into()));
    assert_eq!(row.get("displayName"), Some(&"Zoë".into()));
    assert_eq!(row.get("emailVerified"), Some(&true.into()));
    assert_eq!(row.get("blocked"), Some(&false.into()));
    for (who, typed) in [
        ("zoe@example.com", "Correct horse"),
        ("zoe@example.com", "correct horse "),
        ("zoe@example.com", "correct horse\0"),
        ("zoe@example.com", "\0"),
        ("zoe@example.com", "*"),
        ("max@example.com", PASSWORD),
        ("nobody@example.com", PASSWORD),
        ("nobody@example.com", "nobody knows this one"),
    ] {
        assert!(!logs_in(&store, who, typed).await, "{who} {typed:?}");
    }
    assert!(logs_in(&store, "zoe@example.com", PASSWORD).await);
}

/// RFC 4513 §5.1.2: with a name and an empty password a directory may bind as nobody, and says that it succeeded. This
/// one does.
#[tokio::test(flavor = "multi_thread")]
async fn an_empty_password_is_refused_before_any_bind() {
    let directory = Directory::new();
    assert!(
        directory.accepts(&directory.dn("zoe"), ""),
        "the directory is careful, and this test shows nothing"
    );
    assert!(
        Password::new(String::new()).is_err(),
        "no empty password comes as far as a store"
    );
    let mut ldap = directory.ldap();
    ldap.bind_password = String::new().into();
    let error = refused(directory.open_with(ldap, &FILTERS).await).to_string();
    assert!(error.contains("must not be empty"), "{error}");
    let mut ldap = directory.ldap();
    ldap.bind_dn = String::new();
    let error = refused(directory.open_with(ldap, &FILTERS).await).to_string();
    assert!(error.contains("must not be empty"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_password_policy_refuses_is_no_login_and_what_a_lookup_shows_is_blocked() {
    let directory = Directory::new();
    directory.add(POLICY);
    directory.modify(
        "dn: uid=zoe,ou=people,ROOT\nchangetype: modify\nadd: pwdPolicySubentry\npwdPolicySubentry: cn=policy,ROOT\n",
    );
    let store = directory.open().await;
    for _ in 0..2 {
        assert!(!logs_in(&store, "zoe@example.com", "wrong").await);
    }
    assert!(
        !logs_in(&store, "zoe@example.com", PASSWORD).await,
        "locked by two failures"
    );
    let row = store.read(Lookup, &identifier("zoe@example.com")).await;
    assert_eq!(row.unwrap().unwrap().get("blocked"), Some(&true.into()));
    directory
        .modify("dn: uid=zoe,ou=people,ROOT\nchangetype: modify\ndelete: pwdAccountLockedTime\n");
    assert!(logs_in(&store, "zoe@example.com", PASSWORD).await);
}

/// The directory lets her in again once the lock has run out, and its mark is gone only then.
#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_has_run_out_blocks_nobody() {
    let directory = Directory::new();
    directory.add(POLICY);
    directory.modify(
        "dn: uid=zoe,ou=people,ROOT\nchangetype: modify\nadd: pwdPolicySubentry\npwdPolicySubentry: cn=policy,ROOT\n-\nadd: pwdAccountLockedTime\npwdAccountLockedTime: 20200101000000Z\n",
    );
    let store = directory.open().await;
    let asked = store
        .authenticate(&identifier("zoe@example.com"), &password(PASSWORD))
        .await;
    let row = asked.unwrap().unwrap();
    assert_eq!(row.get("blocked"), Some(&false.into()));
}

const POLICY: &str = "
dn: cn=policy,ROOT
objectClass: device
objectClass: pwdPolicy
pwdAttribute: userPassword
pwdLockout: TRUE
pwdMaxFailure: 2
pwdLockoutDuration: 3600
pwdMinLength: 12
pwdCheckQuality: 2
";

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_has_expired_is_no_login() {
    let directory = Directory::new();
    directory.add(&POLICY.replace("pwdLockout: TRUE", "pwdLockout: FALSE\npwdMaxAge: 60"));
    directory.modify(
        "dn: uid=zoe,ou=people,ROOT\nchangetype: modify\nadd: pwdPolicySubentry\npwdPolicySubentry: cn=policy,ROOT\n-\nreplace: pwdChangedTime\npwdChangedTime: 20200101000000Z\n",
    );
    let store = directory.open().await;
    assert!(!logs_in(&store, "zoe@example.com", PASSWORD).await);
}

/// The directory itself lets such a user in, to do nothing but change the password.
#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_has_to_change_the_password_first_does_not_log_in() {
    let directory = Directory::new();
    directory.add(&format!("{POLICY}pwdMustChange: TRUE\n"));
    directory.modify(
        "dn: uid=zoe,ou=people,ROOT\nchangetype: modify\nadd: pwdPolicySubentry\npwdPolicySubentry: cn=policy,ROOT\n",
    );
    let store = directory.open().await;
    assert!(logs_in(&store, "zoe@example.com", PASSWORD).await);
    directory
        .modify("dn: uid=zoe,ou=people,ROOT\nchangetype: modify\nadd: pwdReset\npwdReset: TRUE\n");
    assert!(directory.accepts(&directory.dn("zoe"), PASSWORD));
    assert!(!logs_in(&store, "zoe@example.com", PASSWORD).await);
}

async fn listed(directory: &Directory, filter: &str) -> Result<Vec<String>, ListingError> {
    let settings = directory.settings(directory.ldap(), &[]);
    let mut ids = Vec::new();
    list_users(&settings, filter, |id| ids.push(id.to_owned())).await?;
    Ok(ids)
}

fn many(numbers: std::ops::Range<u32>) -> String {
    let person = |number| {
        format!(
            "dn: uid=u{number},ou=people,ROOT\nobjectClass: inetOrgPerson\ncn: u\nsn: u\nmail: u{number}@example.com\n\n"
        )
    };
    numbers.map(person).collect()
}

/// More than fit on one page; and more than the server gives to an account without leave of its own (`olcSizeLimit`).
#[tokio::test(flavor = "multi_thread")]
async fn users_are_listed_to_the_last_one_or_not_at_all() {
    let directory = Directory::new();
    directory.add(&many(0..300));
    let mut ids = listed(&directory, "(objectClass=inetOrgPerson)")
        .await
        .unwrap();
    assert!(ids.contains(&id_of(&directory.open().await, "u299@example.com").await));
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 302);
    let active = listed(&directory, "(&(mail=*)(!(uid=max)))").await.unwrap();
    assert_eq!(active.len(), 301);

    directory.add(&many(300..600));
    let error = listed(&directory, "(objectClass=inetOrgPerson)").await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("size.prtotal"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_could_leave_somebody_out_is_refused() {
    let directory = Directory::new();
    for (filter, reason) in [
        ("(objectClas=inetOrgPerson)", "does not have"),
        ("(mail=:email)", "no filter"),
        ("(mail=*", "no filter"),
    ] {
        let error = listed(&directory, filter).await.unwrap_err().to_string();
        assert!(error.contains(reason), "{filter}: {error}");
    }
    let mut ldap = directory.ldap();
    ldap.user_id = Some("displayName".to_owned());
    let settings = directory.settings(ldap, &[]);
    let error = list_users(&settings, "(objectClass=inetOrgPerson)", |_| {}).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("id is null"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_identifier_finds_anybody_but_who_is_called_so() {
    let directory = Directory::new();
    let store = directory.open().await;
    let before = directory.people();
    for hostile in HOSTILE {
        let found = store.read(Lookup, &identifier(hostile)).await.unwrap();
        assert!(found.is_none(), "{hostile:?}");
        assert!(!logs_in(&store, hostile, PASSWORD).await, "{hostile:?}");
        let by_email = Parameters::new().with("email", hostile);
        assert_eq!(matched(&store, VerifyEmail, by_email).await, 0);
        let change = identifier(hostile).with_password(password("another password"));
        assert_eq!(matched(&store, ChangePassword, change).await, 0);
        let change = identifier(hostile)
            .with("new_email", "x@example.com")
            .with("email_verified", true);
        assert_eq!(matched(&store, ChangeEmail, change).await, 0);
        let delete = Parameters::new().with("user_id", hostile);
        assert_eq!(matched(&store, Delete, delete).await, 0);
    }
    assert_eq!(directory.people(), before);
}

const HOSTILE: [&str; 14] = [
    "*",
    "zoe*",
    "*@example.com",
    "zoe@example.com)(objectClass=*",
    "x)(|(mail=*",
    "*)(uid=*))(|(uid=*",
    "zoe@example.com)(&",
    "zoe@example.com\0",
    "\0",
    "\\2a",
    "\\",
    "zoe@example.com\\",
    "\u{1f9d9}\u{200d}\u{2642}",
    "",
];

#[tokio::test(flavor = "multi_thread")]
async fn what_a_field_holds_is_a_value_of_the_new_entry_and_nothing_else() {
    let directory = Directory::new();
    let store = directory.open().await;
    for (number, hostile) in HOSTILE
        .into_iter()
        .chain(["a,ou=people", "a+cn=b", " a ", "#a"])
        .enumerate()
    {
        if hostile.is_empty() {
            continue;
        }
        let email = format!("user{number}@example.com");
        let user = new_user(&email).with("nickname", hostile);
        if hostile.contains('\0') {
            let error = refused(store.write(Create, &user).await);
            assert!(
                matches!(&error, Error::Value { parameter: Some(name), .. } if name == "nickname"),
                "{error}"
            );
            continue;
        }
        let written = store.write(Create, &user).await.unwrap();
        let row = written.row.unwrap();
        assert_eq!(row.get("displayName"), Some(&hostile.into()), "{hostile:?}");
    }
    // In the name of the entry, too: it stands right below the base, whatever the address looks like.
    for (address, is_of_ascii) in [
        ("a,ou=people", true),
        ("a+cn=b", true),
        ("*", true),
        ("ö,dc=x", false),
    ] {
        let created = store.write(Create, &new_user(address)).await;
        if !is_of_ascii {
            assert!(matches!(refused(created), Error::Value { .. }));
            continue;
        }
        let row = created.unwrap().row.unwrap();
        assert_eq!(row.get("mail"), Some(&address.into()), "{address}");
        assert!(
            logs_in(&store, address, "a first password").await,
            "{address}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_created_user_comes_back_and_logs_in() {
    let directory = Directory::new();
    let store = directory.open().await;
    let eve = new_user("eve@example.com")
        .with("nickname", "Eve")
        .with("email_verified", false);
    let written = store.write(Create, &eve).await.unwrap();
    assert_eq!(written.matched, 1);
    let row = written.row.unwrap();
    assert_eq!(row.get("displayName"), Some(&"Eve".into()));
    assert_eq!(row.get("emailVerified"), Some(&false.into()));
    assert!(logs_in(&store, "eve@example.com", "a first password").await);
    assert!(directory.accepts(&directory.dn("eve@example.com"), "a first password"));
    // The directory has hashed it.
    let stored = directory.attribute(&directory.dn("eve@example.com"), "userPassword");
    assert!(stored.starts_with("userPassword:: e1NTSEF9"), "{stored}");
    let error = refused(store.write(Create, &eve).await);
    assert!(matches!(error, Error::UniqueViolation(Create)), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_whose_password_is_refused_is_not_left_behind() {
    let directory = Directory::new();
    directory.add(POLICY);
    let mut ldap = directory.ldap();
    let create = ldap.create.as_mut().unwrap();
    create.attributes.insert(
        "pwdPolicySubentry".to_owned(),
        vec![format!("cn=policy,{}", directory.root)],
    );
    let store = directory.open_with(ldap, &FILTERS).await.unwrap();
    let before = directory.people();
    let short = Parameters::new()
        .with("email", "eve@example.com")
        .with_password(password("short"));
    let error = refused(store.write(Create, &short).await);
    assert!(
        matches!(&error, Error::Value { parameter: Some(name), .. } if name == "password_hash"),
        "{error}"
    );
    assert_eq!(directory.people(), before);
    assert_eq!(
        matched(&store, Create, new_user("eve@example.com")).await,
        1
    );
    let change = identifier("eve@example.com").with_password(password("short"));
    let error = refused(store.write(ChangePassword, &change).await);
    assert!(matches!(error, Error::Value { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_password_is_the_only_one_that_logs_in() {
    let directory = Directory::new();
    let store = directory.open().await;
    let change = identifier("zoe@example.com").with_password(password("pässwörd \\00 *"));
    assert_eq!(matched(&store, ChangePassword, change).await, 1);
    assert!(logs_in(&store, "zoe@example.com", "pässwörd \\00 *").await);
    assert!(!logs_in(&store, "zoe@example.com", PASSWORD).await);
    let change = identifier("nobody@example.com").with_password(password("x"));
    assert_eq!(matched(&store, ChangePassword, change).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hash_is_read_and_written_where_the_gateway_verifies() {
    let directory = Directory::new();
    let ldap = directory.ldap_with_hashes();
    let store = directory.open_with(ldap, &FILTERS).await.unwrap();
    assert!(!store.verifies_passwords() && !store.hashes_passwords());
    let stored = "$argon2id$v=19$m=32,t=2,p=1$c29tZXNhbHQ$abc";
    let change = identifier("zoe@example.com").with_password_hash(hash(stored));
    assert_eq!(matched(&store, ChangePassword, change).await, 1);
    let found = store
        .read(Authenticate, &identifier("zoe@example.com"))
        .await;
    let mut row = found.unwrap().unwrap();
    let read = row.take_password_hash().unwrap();
    assert_eq!(read.expose_secret(), format!("{{ARGON2}}{stored}"));
    assert_eq!(row.into_columns().len(), 5);
    let row = store.read(Lookup, &identifier("zoe@example.com")).await;
    assert!(row.unwrap().unwrap().take_password_hash().is_none());
    let eve = Parameters::new()
        .with("email", "eve@example.com")
        .with_password_hash(hash(
            "$2b$04$abcdefghijklmnopqrstuv0123456789012345678901234567890",
        ));
    assert_eq!(matched(&store, Create, eve).await, 1);
    let found = store
        .read(Authenticate, &identifier("eve@example.com"))
        .await;
    let read = found.unwrap().unwrap().take_password_hash().unwrap();
    assert!(read.expose_secret().starts_with("{CRYPT}$2b$04$"));
}

/// What the gateway writes, the directory verifies: by its module for Argon2.
#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_hash_is_one_that_the_directory_can_verify() {
    let directory = Directory::new();
    let mut ldap = directory.ldap();
    ldap.new_password = LdapNewPassword::Replace;
    let store = directory.open_with(ldap, &FILTERS).await.unwrap();
    let made = std::process::Command::new("/usr/sbin/slappasswd")
        .args([
            "-o",
            "module-path=/usr/lib/ldap",
            "-o",
            "module-load=argon2",
        ])
        .args(["-h", "{ARGON2}", "-n", "-s", "another password"])
        .output()
        .unwrap();
    let made = String::from_utf8(made.stdout).unwrap();
    let bare = made.strip_prefix("{ARGON2}").unwrap();
    let change = identifier("zoe@example.com").with_password_hash(hash(bare));
    assert_eq!(matched(&store, ChangePassword, change).await, 1);
    assert!(logs_in(&store, "zoe@example.com", "another password").await);
    assert!(!logs_in(&store, "zoe@example.com", PASSWORD).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_changed_unless_somebody_else_has_it() {
    let directory = Directory::new();
    let store = directory.open().await;
    let change = |who: &str, to: &str, verified: bool| {
        identifier(who)
            .with("new_email", to)
            .with("email_verified", verified)
    };
    let taken = change("max@example.com", "zoe@example.com", true);
    let error = refused(store.write(ChangeEmail, &taken).await);
    assert!(
        matches!(error, Error::UniqueViolation(ChangeEmail)),
        "{error}"
    );
    let id = id_of(&store, "max@example.com").await;
    for (from, to, verified) in [
        ("max@example.com", "max@example.com", true),
        ("max@example.com", "maxi@example.com", false),
        ("maxi@example.com", "maxi@example.com", true),
    ] {
        assert_eq!(
            matched(&store, ChangeEmail, change(from, to, verified)).await,
            1
        );
        let row = store.read(Lookup, &identifier(to)).await.unwrap().unwrap();
        assert_eq!(row.get("emailVerified"), Some(&verified.into()));
    }
    assert_eq!(id_of(&store, "maxi@example.com").await, id);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_verified_and_a_user_deleted_once() {
    let directory = Directory::new();
    let store = directory.open().await;
    for (email, expected) in [
        ("zoe@example.com", 1),
        ("max@example.com", 1),
        ("max@example.com", 1),
        ("nobody@example.com", 0),
    ] {
        let parameters = Parameters::new().with("email", email);
        assert_eq!(matched(&store, VerifyEmail, parameters).await, expected);
    }
    let row = store.read(Lookup, &identifier("max@example.com")).await;
    assert_eq!(
        row.unwrap().unwrap().get("emailVerified"),
        Some(&true.into())
    );
    let id = id_of(&store, "max@example.com").await;
    for expected in [1, 0] {
        let delete = Parameters::new().with("user_id", id.as_str());
        assert_eq!(matched(&store, Delete, delete).await, expected);
    }
    assert!(!directory.people().contains("max"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_that_finds_several_is_ambiguous_and_changes_nothing() {
    let directory = Directory::new();
    let one = "
dn: uid=manyNUMBER,ou=people,ROOT
objectClass: inetOrgPerson
cn: many
sn: many
mail: manyNUMBER@example.com
";
    let many: Vec<_> = (0..50)
        .map(|number| one.replace("NUMBER", &number.to_string()))
        .collect();
    let many = many.concat();
    directory.add(&many);
    let everybody = "(&(objectClass=inetOrgPerson)(mail=*:identifier))";
    let store = directory
        .open_with(
            directory.ldap(),
            &[
                (Lookup, everybody),
                (Authenticate, everybody),
                (ChangePassword, everybody),
                (Delete, "(|(mail=*@example.com)(entryUUID=:user_id))"),
            ],
        )
        .await
        .unwrap();
    let before = directory.people();
    for _ in 0..3 {
        let error = refused(store.read(Lookup, &identifier("@example.com")).await);
        assert!(matches!(error, Error::Ambiguous(Lookup)), "{error}");
    }
    let who = identifier("@example.com");
    let error = refused(store.authenticate(&who, &password(PASSWORD)).await);
    assert!(matches!(error, Error::Ambiguous(Authenticate)), "{error}");
    let change = who.with_password(password("x"));
    let error = refused(store.write(ChangePassword, &change).await);
    assert!(matches!(error, Error::Ambiguous(ChangePassword)), "{error}");
    let delete = Parameters::new().with("user_id", "x");
    let error = refused(store.write(Delete, &delete).await);
    assert!(matches!(error, Error::Ambiguous(Delete)), "{error}");
    assert_eq!(directory.people(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_account_may_not_do_fails_by_its_code_and_without_values() {
    let directory = Directory::new();
    let mut ldap = directory.ldap_as("nobody");
    ldap.bind_password = "nobody knows this one".to_owned().into();
    let error = refused(directory.open_with(ldap, &FILTERS).await).to_string();
    assert!(error.contains("does not show"), "{error}");

    let mut ldap = directory.ldap();
    ldap.change_email
        .insert("title".to_owned(), ":new_email".to_owned());
    let store = directory.open_with(ldap, &FILTERS).await.unwrap();
    let change = identifier("zoe@example.com")
        .with("new_email", "zoe2@example.com")
        .with("email_verified", true);
    let error = refused(store.write(ChangeEmail, &change).await).to_string();
    assert!(error.contains("50 insufficientAccessRights"), "{error}");
    assert!(!error.contains("zoe"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_the_directory_refuses_is_named_as_that() {
    let directory = Directory::new();
    let mut ldap = directory.ldap();
    ldap.bind_password = "wrong canary".to_owned().into();
    let error = refused(directory.open_with(ldap, &FILTERS).await).to_string();
    assert!(
        error.contains("refuses the account of `bind_dn`"),
        "{error}"
    );
    assert!(!error.contains("canary"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_refused_at_start() {
    let directory = Directory::new();
    for (name, filter, reason) in [
        (
            Lookup,
            "(mial=:identifier)",
            "schema has no attribute `mial`",
        ),
        (Lookup, "(mail=:identifer)", "did you mean `:identifier`"),
        (Lookup, "(mail=:password_hash)", "unknown parameter"),
        (
            Lookup,
            "(objectClass=inetOrgPerson)",
            "does not use `:identifier`",
        ),
        (Lookup, "(mail=:identifier", "is opened and never closed"),
        (
            Lookup,
            "select id from users where email = :identifier",
            "is not a search filter",
        ),
        (
            Delete,
            "(mail=:identifier)",
            "unknown parameter `:identifier`",
        ),
        (Create, "(objectClass=person)", "`:email` or `:username`"),
    ] {
        let opened = directory
            .open_with(directory.ldap(), &[(name, filter)])
            .await;
        let error = refused(opened).to_string();
        assert!(error.contains(reason), "{filter}: {error}");
    }
    let (lookup, change) = (FILTERS[1], FILTERS[5]);
    let broken: [(Change, &str); 6] = [
        (
            |ldap| ldap.attributes.push("mial".into()),
            "no attribute `mial`",
        ),
        (
            |ldap| ldap.blocked = vec!["mail".into()],
            "no sign of a disabled account",
        ),
        (
            |ldap| ldap.change_email.clear(),
            "`[store.ldap.change_email]` is missing",
        ),
        (
            |ldap| drop(ldap.change_email.insert("mail".into(), "x".into())),
            "does not use `:new_email`",
        ),
        (
            |ldap| drop(ldap.change_email.insert("maill".into(), "x".into())),
            "no attribute `maill`",
        ),
        (
            |ldap| ldap.email_taken = Some("(mail=:mail)".into()),
            "unknown parameter `:mail`",
        ),
    ];
    for (change_settings, reason) in broken {
        let mut ldap = directory.ldap();
        change_settings(&mut ldap);
        if reason.contains(":new_email") {
            ldap.email_taken = None;
        }
        let error = refused(directory.open_with(ldap, &[lookup, change]).await).to_string();
        assert!(error.contains(reason), "{error}");
    }
}

type Change = fn(&mut lychgate_store::LdapSettings);

#[tokio::test(flavor = "multi_thread")]
async fn values_come_by_the_types_of_the_schema() {
    let directory = Directory::new();
    directory.modify(
        "dn: uid=zoe,ou=people,ROOT\nchangetype: modify\nadd: mail\nmail: second@example.com\n-\nadd: description\ndescription: TRUE\n",
    );
    let mut ldap = directory.ldap();
    ldap.attributes = [
        "entryUUID",
        "MAIL",
        "emailVerified",
        "createTimestamp",
        "description",
        "mobile",
    ]
    .map(str::to_owned)
    .to_vec();
    ldap.objects.insert(
        "app_metadata".to_owned(),
        [
            "mail",
            "emailVerified",
            "description",
            "mobile",
            "createTimestamp",
        ]
        .map(str::to_owned)
        .to_vec(),
    );
    let store = directory.open_with(ldap, &[FILTERS[1]]).await.unwrap();
    let row = store.read(Lookup, &identifier("second@example.com")).await;
    let row = row.unwrap().unwrap();
    assert_eq!(
        row.get("MAIL"),
        Some(&"zoe@example.com".into()),
        "the first"
    );
    assert_eq!(
        row.get("description"),
        Some(&"TRUE".into()),
        "a text all the same"
    );
    assert_eq!(row.get("mobile"), Some(&Value::Null));
    let Some(Value::Text(created)) = row.get("createTimestamp") else {
        panic!()
    };
    assert!(created.starts_with("20") && created.ends_with('Z') && created.contains('T'));
    let Some(Value::Text(object)) = row.get("app_metadata") else {
        panic!()
    };
    let object: serde_json::Value = serde_json::from_str(object).unwrap();
    assert_eq!(
        object,
        serde_json::json!({
            "mail": ["zoe@example.com", "second@example.com"],
            "emailVerified": true,
            "description": ["TRUE"],
            "createTimestamp": created,
        })
    );
    // An id that is two is none.
    let mut ldap = directory.ldap();
    ldap.user_id = Some("mail".to_owned());
    let store = directory.open_with(ldap, &[FILTERS[1]]).await.unwrap();
    let error = refused(store.read(Lookup, &identifier("zoe@example.com")).await);
    assert!(
        matches!(&error, Error::Column { column, .. } if column == "mail"),
        "{error}"
    );
}

/// Active Directory's attributes, in an OpenLDAP that has them, too.
#[tokio::test(flavor = "multi_thread")]
async fn the_attributes_of_active_directory_are_understood() {
    let directory = Directory::new();
    directory.add(ACTIVE_DIRECTORY);
    let mut ldap = directory.ldap();
    ldap.attributes = ["objectGUID", "objectSid", "sAMAccountName"]
        .map(str::to_owned)
        .to_vec();
    ldap.user_id = Some("objectGUID".to_owned());
    ldap.blocked = ["userAccountControl", "lockoutTime"]
        .map(str::to_owned)
        .to_vec();
    ldap.new_password = LdapNewPassword::UnicodePwd;
    ldap.create = None;
    let filter = "(&(objectClass=user)(sAMAccountName=:identifier))";
    let statements = [
        (Lookup, filter),
        (ChangePassword, filter),
        (Delete, "(&(objectClass=user)(objectGUID=:user_id))"),
    ];
    let store = directory.open_with(ldap, &statements).await.unwrap();
    for (who, blocked) in [("ada", false), ("off", true), ("locked", true)] {
        let row = store.read(Lookup, &identifier(who)).await.unwrap().unwrap();
        assert_eq!(row.get("blocked"), Some(&blocked.into()), "{who}");
    }
    let row = store
        .read(Lookup, &identifier("ada"))
        .await
        .unwrap()
        .unwrap();
    let guid = "33221100-5544-7766-8899-aabbccddeeff";
    assert_eq!(row.get("objectGUID"), Some(&guid.into()));
    assert_eq!(row.get("objectSid"), Some(&"S-1-5-32-544".into()));
    let change = identifier("ada").with_password(password("aé"));
    assert_eq!(matched(&store, ChangePassword, change).await, 1);
    // `"aé"`, quotes and all, in UTF-16.
    let ada = format!("cn=ada,{}", directory.base());
    assert_eq!(
        directory.attribute(&ada, "unicodePwd"),
        "unicodePwd:: IgBhAOkAIgA="
    );
    for (id, expected) in [
        ("x", 0),
        ("00112233-4455-6677-8899-aabbccddeeff", 0),
        (guid, 1),
    ] {
        let delete = Parameters::new().with("user_id", id);
        assert_eq!(matched(&store, Delete, delete).await, expected, "{id}");
    }
}

const ACTIVE_DIRECTORY: &str = "
dn: cn=ada,ou=people,ROOT
objectClass: user
cn: ada
sn: ada
sAMAccountName: ada
objectGUID:: ABEiM0RVZneImaq7zN3u/w==
objectSid:: AQIAAAAAAAUgAAAAIAIAAA==
userAccountControl: 512
lockoutTime: 0

dn: cn=off,ou=people,ROOT
objectClass: user
cn: off
sn: off
sAMAccountName: off
objectSid:: AQIAAAAAAAUgAAAAIQIAAA==
userAccountControl: 514

dn: cn=locked,ou=people,ROOT
objectClass: user
cn: locked
sn: locked
sAMAccountName: locked
objectSid:: AQIAAAAAAAUgAAAAIgIAAA==
userAccountControl: 512
lockoutTime: 133000000000000000
";

#[tokio::test(flavor = "multi_thread")]
async fn what_an_account_may_read_is_all_that_comes_back() {
    let directory = Directory::new();
    let mut ldap = directory.ldap();
    ldap.verification = LdapVerification::PasswordHash;
    let store = directory.open_with(ldap, &FILTERS).await.unwrap();
    // This account may write passwords, and read none.
    let found = store
        .read(Authenticate, &identifier("zoe@example.com"))
        .await;
    assert!(found.unwrap().unwrap().take_password_hash().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_does_not_leave_the_base_and_the_scope() {
    let directory = Directory::new();
    directory.add(
        "dn: ou=more,ou=people,ROOT\nobjectClass: organizationalUnit\n\ndn: uid=deep,ou=more,ou=people,ROOT\nobjectClass: inetOrgPerson\ncn: deep\nsn: deep\nmail: deep@example.com\n",
    );
    let mut ldap = directory.ldap_as("keeper");
    let store = directory
        .open_with(ldap.clone(), &[FILTERS[1]])
        .await
        .unwrap();
    let deep = identifier("deep@example.com");
    assert!(store.read(Lookup, &deep).await.unwrap().is_some());
    ldap.scope = lychgate_store::LdapScope::One;
    let store = directory.open_with(ldap, &[FILTERS[1]]).await.unwrap();
    assert!(store.read(Lookup, &deep).await.unwrap().is_none());
}

/// A referral would send the password of whoever logs in to a server that an entry names.
#[tokio::test(flavor = "multi_thread")]
async fn a_referral_is_not_followed() {
    let directory = Directory::new();
    let trap = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let port = trap.local_addr().unwrap().port();
    directory.add(&format!(
        "dn: cn=elsewhere,ou=people,ROOT\nobjectClass: referral\nobjectClass: extensibleObject\ncn: elsewhere\nref: ldap://127.0.0.1:{port}/ou=people,ROOT\n"
    ));
    let store = directory.open().await;
    assert!(!logs_in(&store, "nobody@example.com", PASSWORD).await);
    assert!(logs_in(&store, "zoe@example.com", PASSWORD).await);
    let nobody_came = tokio::time::timeout(Duration::from_millis(200), trap.accept()).await;
    assert!(nobody_came.is_err(), "the referral was followed");
}
