//! What the rows themselves say: hashes that are weak, users whom nobody finds, users whom one identifier finds twice.
//! Rows are counted and never shown.

use lychgate_password::Group;

use super::facts::{Facts, Users};
use super::finding::{Check, Findings, Severity};

static WEAK: Check = Check {
    severity: Severity::Medium,
    id: "hashes-weak",
    title: "users have weak hashes",
    why: "Whoever gets the table gets these passwords, for little.",
};

static NOT_ACCEPTED: Check = Check {
    severity: Severity::Low,
    id: "hashes-not-accepted",
    title: "users have hashes that the config does not accept",
    why: "They cannot log in.",
};

static NO_INDEX: Check = Check {
    severity: Severity::Medium,
    id: "identifier-without-index",
    title: "no index serves the comparison of the identifier",
    why: "Each login reads the whole table. A few at once keep the store busy.",
};

static COLLISION: Check = Check {
    severity: Severity::High,
    id: "identifier-collision",
    title: "one identifier finds several users",
    why: "Which of them logs in is left to chance, or none can.",
};

static NOT_FOUND: Check = Check {
    severity: Severity::Medium,
    id: "identifier-case",
    title: "users are not found because of upper case",
    why: "The gateway puts identifiers in lower case, and the store's comparison distinguishes.",
};

static ASCII: Check = Check {
    severity: Severity::Low,
    id: "identifier-ascii-lower",
    title: "SQLite puts only ASCII in lower case",
    why: "`lower('É')` is `É` there, and the gateway asks for `é`: such users are not found.",
};

static ANY_CASE: Check = Check {
    severity: Severity::Medium,
    id: "identifier-case-ignored",
    title: "the store ignores case, and the gateway does not",
    why: "Each spelling of one identifier is somebody else to the lockout, so whoever guesses has more guesses; and \
          one user has several pseudonyms.",
};

static BY_NUMBER: Check = Check {
    severity: Severity::Low,
    id: "user-id-as-number",
    title: "the store compares `user_id` as a number",
    why: "MySQL and MariaDB take the text for a number: `01` deletes user 1.",
};

pub(super) static CHECKS: [&Check; 8] = [
    &WEAK,
    &NOT_ACCEPTED,
    &NO_INDEX,
    &COLLISION,
    &NOT_FOUND,
    &ASCII,
    &ANY_CASE,
    &BY_NUMBER,
];

pub(super) fn run(facts: &Facts, findings: &mut Findings) {
    let Some(seen) = facts.seen() else { return };
    for users in &seen.users {
        let key = format!("store.operations.{}", users.statement);
        identifiers(users, &key, findings);
    }
    if seen.keyed_by_number > 0 {
        findings.push(
            &BY_NUMBER,
            "store.operations.delete",
            "`delete` finds users by their key with a zero before it",
            "compare the text, too: `where id = :user_id and cast(id as char) = :user_id`",
        );
    }
    hashes(facts, findings);
}

fn identifiers(users: &Users, key: &str, findings: &mut Findings) {
    let name = users.statement;
    if users.is_served_by_index == Some(false) {
        findings.push(
            &NO_INDEX,
            key,
            format!("the plan of `{name}` reads the whole table"),
            "make an index over exactly what the statement compares, such as `create index on users (lower(email))`",
        );
    }
    if users.doubled > 0 {
        findings.push(
            &COLLISION,
            key,
            format!("{} identifier(s) find more than one user by `{name}`", users.doubled),
            "let `lychgate preflight` count them by kind, join or rename those users, then make the index unique",
        );
    }
    if users.in_upper_case > 0 {
        findings.push(
            &NOT_FOUND,
            key,
            format!(
                "{} user(s) have upper case in what `{name}` compares",
                users.in_upper_case
            ),
            "compare `lower(column)`, or set `identifier_case = \"sensitive\"` if that is meant",
        );
    }
    if users.in_any_case > 0 {
        findings.push(
            &ANY_CASE,
            key,
            format!(
                "`{name}` finds {} user(s) in another case than their own",
                users.in_any_case
            ),
            "set `identifier_case = \"insensitive\"`, or compare by a collation that tells case apart",
        );
    }
    if users.beyond_ascii > 0 {
        findings.push(
            &ASCII,
            key,
            format!(
                "{} user(s) have upper case that `lower` leaves",
                users.beyond_ascii
            ),
            "store those identifiers in lower case",
        );
    }
}

fn hashes(facts: &Facts, findings: &mut Findings) {
    let (Some(gateway), Some(recognition)) = (
        &facts.gateway,
        facts.seen().and_then(|seen| seen.hashes.as_ref()),
    ) else {
        return;
    };
    let observed = recognition.observed;
    let accept = &gateway.passwords.accept;
    for group in &recognition.groups {
        let names = names(group);
        let is_weak = group.candidates.iter().all(|one| one.format.is_weak());
        let weak = if is_weak {
            group.hashes
        } else {
            let certain = group
                .candidates
                .iter()
                .filter(|one| one.is_certain && one.format.is_weak());
            certain.map(|one| one.fits).sum()
        };
        if weak > 0 {
            findings.push(
                &WEAK,
                "passwords.accept",
                format!("{weak} of {observed} hashes are weak: {names}"),
                "hash them again with the format that `write` names when their users next log in, or wrap them",
            );
        }
        if !group
            .candidates
            .iter()
            .any(|one| accept.contains(&one.format))
        {
            findings.push(
                &NOT_ACCEPTED,
                "passwords.accept",
                format!(
                    "{} of {observed} hashes may be {names}, and none of these is accepted",
                    group.hashes
                ),
                "find out which they are with `lychgate password identify`, and add it to `accept`",
            );
        }
    }
}

/// The formats that hashes may be of, the first few.
fn names(group: &Group) -> String {
    let candidates = group.candidates.iter().take(MOST_NAMES);
    let names: Vec<_> = candidates.map(|one| format!("`{}`", one.format)).collect();
    let more = group.candidates.len().saturating_sub(MOST_NAMES);
    match more {
        0 => names.join(" or "),
        more => format!("{} or {more} others", names.join(" or ")),
    }
}

const MOST_NAMES: usize = 4;
