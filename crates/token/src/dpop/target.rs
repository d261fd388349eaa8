//! Where a request goes, in the one form in which two spellings of it are the same.

use url::Url;

/// An `http` or `https` URI without query and fragment, in normal form (RFC 3986 §6.2.2 and §6.2.3), as RFC 9449 §4.3
/// compares them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target(String);

impl Target {
    /// The longest URI that is read, in bytes.
    pub const MOST_BYTES: usize = 2048;

    /// `None` if the text is no such URI, or one with credentials in it.
    pub fn parse(uri: &str) -> Option<Self> {
        if uri.len() > Self::MOST_BYTES {
            return None;
        }
        let mut url = Url::parse(uri).ok()?;
        let anonymous = url.username().is_empty() && url.password().is_none();
        if !matches!(url.scheme(), "http" | "https") || !anonymous {
            return None;
        }
        url.set_query(None);
        url.set_fragment(None);
        Some(Self(normal_escapes(url.as_str())))
    }

    /// The URI.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Escapes in capitals, and none where a character can stand for itself (RFC 3986 §6.2.2.1 and §6.2.2.2). All else is
/// done by the parser already.
fn normal_escapes(url: &str) -> String {
    let mut parts = url.split('%');
    let mut normal = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let escape = part
            .split_at_checked(2)
            .and_then(|(digits, rest)| Some((u8::from_str_radix(digits, 16).ok()?, digits, rest)));
        match escape {
            Some((byte, _, rest)) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                normal.push(char::from(byte));
                normal.push_str(rest);
            }
            Some((_, digits, rest)) => {
                normal.push('%');
                normal.push_str(&digits.to_ascii_uppercase());
                normal.push_str(rest);
            }
            None => {
                normal.push('%');
                normal.push_str(part);
            }
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn target(uri: &str) -> Target {
        Target::parse(uri).unwrap_or_else(|| panic!("{uri}"))
    }

    #[test]
    fn spellings_of_one_place_are_one_target() {
        let one = target("https://gateway.example/v1/users~/look-up");
        for other in [
            "HTTPS://gateway.example/v1/users~/look-up",
            "https://GATEWAY.Example/v1/users~/look-up",
            "https://gateway.example:443/v1/users~/look-up",
            "https://gateway.example/v1/users%7e/look%2Dup",
            "https://gateway.example/v1/./x/../users~/look-up",
            "https://gateway.example/v1/users~/look-up?a=b",
            "https://gateway.example/v1/users~/look-up#part",
        ] {
            assert_eq!(target(other), one, "{other}");
        }
        assert_eq!(target("https://a.example"), target("https://a.example/"));
        assert_eq!(
            target("https://a.example/%2f"),
            target("https://a.example/%2F")
        );
    }

    #[test]
    fn another_place_is_another_target() {
        let one = target("https://gateway.example/v1/users/lookup");
        for other in [
            "http://gateway.example/v1/users/lookup",
            "https://gateway.example:8443/v1/users/lookup",
            "https://gateway.example.evil/v1/users/lookup",
            "https://gateway.example/v1/users/Lookup",
            "https://gateway.example/v1/users/lookup/",
            "https://gateway.example/v1/users%2Flookup",
            "https://gateway.example//v1/users/lookup",
        ] {
            assert_ne!(target(other), one, "{other}");
        }
    }

    #[test]
    fn what_is_no_plain_place_is_none() {
        for uri in [
            "",
            "/v1/users/lookup",
            "gateway.example/v1",
            "ftp://gateway.example/",
            "https://user@gateway.example/",
            "https://user:password@gateway.example/",
            "https://",
            &format!("https://gateway.example/{}", "a".repeat(Target::MOST_BYTES)),
        ] {
            assert_eq!(Target::parse(uri), None, "{uri}");
        }
    }

    proptest! {
        #[test]
        fn the_normal_form_is_its_own(path in "[a-zA-Z0-9%~._/ é-]{0,40}") {
            if let Some(one) = Target::parse(&format!("https://gateway.example/{path}")) {
                prop_assert_eq!(Target::parse(one.as_str()), Some(one));
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,60}") {
            prop_assert!(Target::parse(&text).is_none_or(|target| target.as_str().starts_with("http")));
        }
    }
}
