//! What an account of a directory may do beyond its operations, tried on the real OpenLDAP.

use lychgate_store::{Excess, ExcessKind, StatementName, Via};

use crate::directory::{Directory, FILTERS};

/// What is found with this account and these operations. The directory is the same afterwards, to the last change number.
async fn found(
    directory: &Directory,
    account: &str,
    operations: &[(StatementName, &str)],
) -> Vec<Excess> {
    let state = || {
        let changed = ["zoe", "max"].map(|uid| directory.attribute(&directory.dn(uid), "entryCSN"));
        (directory.people(), changed)
    };
    let before = state();
    let ldap = directory.ldap_as(account);
    let store = directory.open_with(ldap, operations).await.unwrap();
    let found = store.directory_excesses().await.unwrap();
    assert_eq!(state(), before);
    found
}

fn of_kind(found: &[Excess], kind: ExcessKind) -> Vec<&str> {
    let of_kind = found.iter().filter(|excess| excess.kind == kind);
    of_kind.map(|excess| excess.may.as_str()).collect()
}

/// The rules of docs/how-to/ldap.md, which the server of the tests has for this account.
#[tokio::test(flavor = "multi_thread")]
async fn the_account_of_the_guide_may_do_nothing_beyond_its_operations() {
    assert_eq!(found(&Directory::new(), "least", &FILTERS).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_operation_needed_is_too_much_without_it() {
    let directory = Directory::new();
    let found = found(&directory, "least", &FILTERS[..2]).await;
    let said: Vec<_> = found
        .iter()
        .map(|one| (one.kind, one.may.as_str()))
        .collect();
    assert_eq!(
        said,
        [
            (ExcessKind::DirectoryAttribute, "reads `uid` of a user"),
            (ExcessKind::DirectoryWrite, "changes `mail` of a user"),
            (
                ExcessKind::DirectoryWrite,
                "changes `userpassword` of a user"
            ),
        ]
    );
    let rule = |attribute: &str, right: &str| {
        format!(
            "to dn.subtree=\"{}\" attrs={attribute} by dn.exact=\"cn=least,{}\" {right} by * break",
            directory.base(),
            directory.root
        )
    };
    assert!(found[1].mend.ends_with(&rule("mail", "read")), "{found:?}");
    assert!(
        found[2].mend.ends_with(&rule("userpassword", "none")),
        "{found:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn each_right_that_was_given_for_nothing_is_found() {
    let directory = Directory::new();
    let found = found(&directory, "keeper", &FILTERS).await;
    let of_kind = |kind| of_kind(&found, kind);
    assert_eq!(
        of_kind(ExcessKind::DirectoryPassword),
        ["reads `userpassword` of a user"]
    );
    let attributes = of_kind(ExcessKind::DirectoryAttribute);
    assert!(attributes[0].contains("creatorsname"), "{attributes:?}");
    let written = of_kind(ExcessKind::DirectoryWrite).concat();
    for name in ["description", "title", "pwdaccountlockedtime"] {
        assert!(written.contains(name), "{written}");
    }
    // Operations set these.
    assert!(!written.contains("mail") && !written.contains("userpassword"));
    let trees = found.iter().filter(|excess| {
        matches!(
            excess.kind,
            ExcessKind::DirectoryEntries | ExcessKind::DirectoryServer
        )
    });
    let trees: Vec<_> = trees
        .map(|excess| (excess.kind, excess.subject.as_str()))
        .collect();
    assert_eq!(
        trees,
        [
            (ExcessKind::DirectoryServer, "cn=config"),
            (ExcessKind::DirectoryEntries, directory.root.as_str()),
        ]
    );
    assert_eq!(of_kind(ExcessKind::DirectoryAnonymous).len(), 0);
    for excess in &found {
        assert!(!format!("{excess:?}").contains("zoe"), "{excess:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hashes_are_needed_where_the_gateway_verifies_them() {
    let directory = Directory::new();
    let ldap = directory.ldap_with_hashes();
    let store = directory.open_with(ldap, &FILTERS).await.unwrap();
    let found = store.directory_excesses().await.unwrap();
    assert_eq!(of_kind(&found, ExcessKind::DirectoryPassword).len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn users_who_are_shown_to_whoever_asks_are_found() {
    let found = found(&Directory::open_to_all(), "least", &FILTERS[..2]).await;
    let anonymous = found
        .iter()
        .find(|one| one.kind == ExcessKind::DirectoryAnonymous);
    assert_eq!(anonymous.unwrap().via, Via::Public);
}
