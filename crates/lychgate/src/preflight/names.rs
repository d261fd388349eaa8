//! Whether a text can be an e-mail address or a username, as the platform takes them.

/// What is wrong with an address: RFC 5321's lengths, and the characters that every mail system takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum NameFault {
    NoAt,
    Space,
    TooLong,
    Malformed,
}

/// What is wrong with an e-mail address, trimmed already.
pub(super) fn fault_of_email(email: &str) -> Option<NameFault> {
    let Some((local, domain)) = email.rsplit_once('@') else {
        return Some(NameFault::NoAt);
    };
    if email.contains(char::is_whitespace) {
        return Some(NameFault::Space);
    }
    if email.len() > 254 || local.len() > 64 {
        return Some(NameFault::TooLong);
    }
    let is_atom =
        |c: char| c.is_alphanumeric() || "!#$%&'*+/=?^_`{|}~-".contains(c) || !c.is_ascii();
    let is_local = local
        .split('.')
        .all(|atom| !atom.is_empty() && atom.chars().all(is_atom));
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let is_domain = domain.contains('.') && domain.split('.').all(is_label);
    (!is_local || !is_domain).then_some(NameFault::Malformed)
}

/// Whether the platform takes such a username at its widest setting: 128 characters, letters, digits and some signs.
pub(super) fn is_username(name: &str) -> bool {
    let is_taken = |c: char| c.is_ascii_alphanumeric() || "@^$.!`#+'~_-".contains(c);
    (1..=128).contains(&name.chars().count()) && name.chars().all(is_taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_what_cannot_be_one() {
        for email in [
            "a@example.com",
            "o'hara+x@mail.example.co.uk",
            "zoë@exämple.com",
            "a_b-c@a-b.io",
        ] {
            assert_eq!(fault_of_email(email), None, "{email}");
        }
        let long = format!("{}@example.com", "a".repeat(65));
        for (email, fault) in [
            ("nobody", NameFault::NoAt),
            ("a b@example.com", NameFault::Space),
            (long.as_str(), NameFault::TooLong),
            ("a@localhost", NameFault::Malformed),
            ("a@@example.com", NameFault::Malformed),
            (".a@example.com", NameFault::Malformed),
            ("a..b@example.com", NameFault::Malformed),
            ("@example.com", NameFault::Malformed),
            ("a@-x.com", NameFault::Malformed),
            ("a@example.com,b@example.com", NameFault::Malformed),
        ] {
            assert_eq!(fault_of_email(email), Some(fault), "{email}");
        }
    }

    #[test]
    fn usernames_have_the_platforms_characters() {
        for name in ["ada", "Ada.Lovelace", "a@b", "o'hara"] {
            assert!(is_username(name), "{name}");
        }
        for name in ["", "a b", "zoë", "a/b", &"a".repeat(129)] {
            assert!(!is_username(name), "{name}");
        }
    }
}
