use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;

use proptest::prelude::*;
use tempfile::NamedTempFile;

use super::*;

fn file(content: impl AsRef<[u8]>) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(content.as_ref()).unwrap();
    file
}

fn digits(password: &str) -> String {
    sha1(password.as_bytes())
        .iter()
        .fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02X}").unwrap();
            text
        })
}

/// Have I Been Pwned's form of these passwords, in order.
fn sorted(passwords: &[&str], newline: &str) -> String {
    let digests: BTreeSet<_> = passwords.iter().map(|password| digits(password)).collect();
    let lines = digests.iter().enumerate();
    let lines: Vec<_> = lines
        .map(|(place, digest)| format!("{digest}:{}", place * place * 997 + 1))
        .collect();
    lines.join(newline)
}

async fn holds(list: &BreachedList, password: &str) -> Result<bool, Problem> {
    list.holds(&Password::new(password.to_owned()).unwrap())
        .await
}

#[tokio::test]
async fn plain_passwords_are_found_to_the_letter() {
    let file = file("password1\r\nkorrekt pferd\n\nпароль123\nlast");
    let list = BreachedList::open(file.path()).unwrap();
    for (password, expected) in [
        ("password1", true),
        ("korrekt pferd", true),
        ("пароль123", true),
        ("last", true),
        ("Password1", false),
        ("password1\r", false),
        ("correct horse", false),
    ] {
        assert_eq!(
            holds(&list, password).await.unwrap(),
            expected,
            "{password}"
        );
    }
}

/// From the dump of Have I Been Pwned: `password` is `5BAA61E4…` (RFC 3174's SHA-1 by `sha1sum`).
#[tokio::test]
async fn a_digest_is_that_of_sha1sum() {
    let file = file("5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8:10434004\n");
    let list = BreachedList::open(file.path()).unwrap();
    assert!(holds(&list, "password").await.unwrap());
    assert!(!holds(&list, "Password").await.unwrap());
}

#[test]
fn what_is_no_list_is_refused_with_the_reason() {
    let refusal = |content: &str| BreachedList::open(file(content).path()).err().unwrap();
    assert!(matches!(refusal(""), BreachedListFault::Empty));
    assert!(matches!(refusal("\n\r\n"), BreachedListFault::Empty));
    let ntlm = "8846F7EAEE8FB117AD06BDD830B7586C:3\n";
    assert!(matches!(refusal(ntlm), BreachedListFault::Ntlm));
    let [one, other] = ["password", "another"].map(digits);
    let disordered = format!(
        "{}:1\n{}:2\n",
        one.clone().max(other.clone()),
        one.min(other)
    );
    assert!(matches!(
        refusal(&disordered),
        BreachedListFault::NotSorted(_)
    ));
    let broken = sorted(&["a", "b", "c"], "\n") + "\nnot a digest\n";
    assert!(matches!(refusal(&broken), BreachedListFault::NotSorted(_)));
    let folder = tempfile::tempdir().unwrap();
    let fault = BreachedList::open(folder.path()).err().unwrap();
    assert!(matches!(
        fault,
        BreachedListFault::NotAFile | BreachedListFault::Unreadable(_)
    ));
    let gone = BreachedList::open(&folder.path().join("gone"))
        .err()
        .unwrap();
    assert!(matches!(gone, BreachedListFault::Unreadable(_)));
}

#[tokio::test]
async fn a_list_that_breaks_later_is_no_permission() {
    let passwords: Vec<_> = (0..500).map(|number| format!("password{number}")).collect();
    let passwords: Vec<_> = passwords.iter().map(String::as_str).collect();
    let file = file(sorted(&passwords, "\r\n"));
    let list = BreachedList::open(file.path()).unwrap();
    assert!(holds(&list, "password7").await.unwrap());
    file.as_file().set_len(30).unwrap();
    let refused = holds(&list, "password7").await;
    assert!(matches!(
        refused,
        Err(Problem::Internal("breached-list-unreadable"))
    ));
}

proptest! {
    #[test]
    fn a_search_finds_what_is_there_and_nothing_else(
        passwords in prop::collection::btree_set("[a-c]{1,6}", 1..60),
        other in "[a-c]{1,6}",
        newline in prop_oneof!["\n", "\r\n"],
        ends in any::<bool>(),
    ) {
        let list: Vec<_> = passwords.iter().map(String::as_str).collect();
        let content = sorted(&list, &newline) + if ends { newline.as_str() } else { "" };
        let file = file(content);
        let Kind::Sorted(sorted) = BreachedList::open(file.path()).unwrap().kind else {
            panic!("digests")
        };
        for password in &passwords {
            prop_assert!(sorted.holds(&sha1(password.as_bytes())).unwrap());
        }
        prop_assert_eq!(sorted.holds(&sha1(other.as_bytes())).unwrap(), passwords.contains(&other));
    }
}
