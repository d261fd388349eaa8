//! What the counts mean: what will go wrong for whom, and the mend. One line for each thing there is to find.

use std::collections::BTreeMap;

use super::tally::{Collisions, Shared, Tallied};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    /// It stops a migration.
    High,
    /// Somebody will be unable to log in.
    Medium,
    /// It is good to know.
    Low,
}

impl Severity {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) id: &'static str,
    pub(crate) severity: Severity,
    /// How many users.
    pub(crate) users: u64,
    /// How many different things they share, where they share one.
    pub(crate) groups: Option<u64>,
    pub(crate) what: &'static str,
    pub(crate) mend: &'static str,
}

macro_rules! subjects {
    ($($name:ident $id:literal $severity:ident $what:literal $mend:literal;)*) => {
        /// What may be true of a row.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(super) enum Subject {
            $(#[doc = $what] $name,)*
        }

        impl Subject {
            fn finding(self, users: u64) -> Finding {
                match self {
                    $(Self::$name => Finding {
                        id: $id,
                        severity: Severity::$severity,
                        users,
                        groups: None,
                        what: $what,
                        mend: $mend,
                    },)*
                }
            }
        }
    };
}

subjects! {
    IdNull "id-null" High "have no key" "give each user a key that never changes";
    IdEmpty "id-empty" High "have an empty key" "give each user a key that never changes";
    IdUnreadable "id-unreadable" High "have a key that is no text and no number" "turn it into a text in the statements, such as hexadecimal digits";
    IdFraction "id-fraction" High "have a fraction for a key, which does not come back as it went" "use a whole number or a text";
    IdMixedKinds "id-mixed-kinds" Medium "have a key of another kind than most (a text among numbers, or the other way)" "keep one kind: `7` and `'7'` become one user at the platform";
    IdIsEmail "id-is-email" Medium "have an e-mail address for a key: whoever changes the address becomes somebody else" "take a key that stays";
    IdNegative "id-negative" Low "have a negative key" "see that nothing between here and the platform drops the sign";
    IdPipe "id-pipe" Low "have a `|` in their key; the platform puts one before it" "split what the platform gives you at the first `|` only";
    IdLong "id-long" Medium "have a key of more than 128 characters, which the platform links no accounts by" "take a shorter key";
    IdControl "id-control" High "have a control character in their key" "take it out";
    IdSpace "id-space" Medium "have spaces around their key" "trim them, where it stands and where it is referred to";
    NotFindable "not-findable" Medium "have nothing to be found by: they cannot log in" "give them an address or a username, or leave them behind";
    EmailMissing "email-missing" Low "have no e-mail address" "they log in by username only, if at all";
    EmailUnreadable "email-unreadable" Medium "have an e-mail address that is no text" "mend the encoding of the column";
    EmailUntrimmed "email-untrimmed" Medium "have spaces around their e-mail address: what they type is trimmed, and does not meet it" "trim the column";
    EmailNoAt "email-no-at" Medium "have an e-mail address without `@`" "mend it, or let them log in by username";
    EmailSpace "email-space" Medium "have a space inside of their e-mail address" "mend it";
    EmailTooLong "email-too-long" Medium "have an e-mail address over 254 characters, or 64 before the `@`" "mend it";
    EmailMalformed "email-malformed" Medium "have an e-mail address that the platform may not take" "mend it, and ask the user";
    EmailUntyped "email-untyped" Medium "have an e-mail address with control characters or over 256 bytes, which the gateway takes from nobody" "mend it";
    UsernameMissing "username-missing" Low "have no username" "they log in by e-mail address only, if at all";
    UsernameUnreadable "username-unreadable" Medium "have a username that is no text" "mend the encoding of the column";
    UsernameUntrimmed "username-untrimmed" Medium "have spaces around their username" "trim the column";
    UsernameRefused "username-refused" Medium "have a username with characters that the platform does not take, or over 128" "let them log in by e-mail address, or choose another";
    UsernameUntyped "username-untyped" Medium "have a username with control characters or over 256 bytes, which the gateway takes from nobody" "mend it";
    HashMissing "hash-missing" Medium "have no hash: they can never log in" "let them reset their password at the platform";
    HashBlank "hash-blank" Medium "have an empty hash, or the mark of a locked account: they can never log in" "let them reset their password, or leave them behind";
    HashUnknown "hash-unknown" Medium "have a hash of no format that is known: they can never log in" "describe it under `[[passwords.formats]]`";
    HashUnfit "hash-unfit" Medium "have a hash of more than 1024 bytes, or with a NUL in it: they can never log in" "let them reset their password";
    HashNotText "hash-not-text" Medium "have a hash that is no text: they can never log in" "turn it into a text in the statements";
    HashNotAccepted "hash-not-accepted" Medium "have a hash of a format that the config does not accept: they can never log in" "name the format in `[passwords] accept`";
    HashTooCostly "hash-too-costly" Medium "have a hash that asks for more work than the limits allow: they can never log in" "let them reset their password";
    HashMalformed "hash-malformed" Medium "have a hash that begins like an accepted format, and goes on like none: they can never log in" "let them reset their password";
}

/// All that was found, the worst first.
pub(super) fn all(counts: &BTreeMap<Subject, u64>, tallied: &Tallied) -> Vec<Finding> {
    let mut findings: Vec<_> = counts
        .iter()
        .map(|(subject, users)| subject.finding(*users))
        .collect();
    findings.extend(shared(&tallied.ids, &IDS));
    findings.extend(shared(&tallied.emails, &EMAILS));
    findings.extend(shared(&tallied.usernames, &USERNAMES));
    if tallied.crossed > 0 {
        findings.push(Finding {
            id: "username-is-another-email",
            severity: Severity::High,
            users: tallied.crossed,
            groups: None,
            what: "have somebody else's e-mail address for a username: either could be taken for the other",
            mend: "rename them, and let users log in by e-mail address only",
        });
    }
    findings.sort_by_key(|finding| (finding.severity, finding.id));
    findings
}

/// How what is shared in a space is called: to the letter, but for spaces, for case, for Unicode.
type Names = [(&'static str, Severity, &'static str, &'static str); 4];

fn shared(collisions: &Collisions, names: &Names) -> Vec<Finding> {
    let Collisions {
        exact,
        spaces,
        case,
        unicode,
    } = collisions;
    let found = [exact, spaces, case, unicode].into_iter().zip(names);
    let found = found.filter(|(shared, _)| shared.groups > 0);
    found
        .map(
            |(Shared { users, groups }, (id, severity, what, mend))| Finding {
                id,
                severity: *severity,
                users: *users,
                groups: Some(*groups),
                what,
                mend,
            },
        )
        .collect()
}

const IDS: Names = [
    (
        "id-not-unique",
        Severity::High,
        "share their key with another",
        "give each user a key of their own: the platform would take them for one",
    ),
    (
        "id-differs-by-space",
        Severity::High,
        "have a key that differs from another's by spaces alone",
        "give each user a key of their own",
    ),
    (
        "id-differs-by-case",
        Severity::Medium,
        "have a key that differs from another's by case alone",
        "see that nothing between here and the platform folds case",
    ),
    (
        "id-differs-by-unicode",
        Severity::Medium,
        "have a key that differs from another's by the composition of its letters",
        "give each user a key of their own",
    ),
];

const EMAILS: Names = [
    (
        "email-duplicate",
        Severity::High,
        "share their e-mail address with another to the letter: none of them can log in by it",
        "merge the accounts, or change one address",
    ),
    (
        "email-differs-by-space",
        Severity::High,
        "have an e-mail address that differs from another's by spaces alone",
        "merge the accounts, or change one address",
    ),
    (
        "email-differs-by-case",
        Severity::High,
        "have an e-mail address that differs from another's by case",
        "merge the accounts, or change one address",
    ),
    (
        "email-differs-by-unicode",
        Severity::High,
        "have an e-mail address that differs from another's by the composition of its letters",
        "merge the accounts, or change one address",
    ),
];

const USERNAMES: Names = [
    (
        "username-duplicate",
        Severity::High,
        "share their username with another to the letter",
        "rename one, or let users log in by e-mail address only",
    ),
    (
        "username-differs-by-space",
        Severity::High,
        "have a username that differs from another's by spaces alone",
        "rename one",
    ),
    (
        "username-differs-by-case",
        Severity::High,
        "have a username that differs from another's by case",
        "rename one, or let users log in by e-mail address only",
    ),
    (
        "username-differs-by-unicode",
        Severity::High,
        "have a username that differs from another's by the composition of its letters",
        "rename one",
    ),
];
