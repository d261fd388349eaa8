//! What is asked of a directory beside a request, and what it says beside its answer (RFC 4511 §4.1.11).
//! Whatever a server sends, reading it does not panic.

use ldap3::asn1::{PL, StructureTag, parse_tag};
use ldap3::controls::{Control, PagedResults, RawControl};

const PAGE: &str = "1.2.840.113556.1.4.319";
const POLICY: &str = "1.3.6.1.4.1.42.2.27.8.5.1";

/// How many entries of a long answer are asked for at a time: fewer than servers refuse to send at once.
const ENTRIES: i32 = 250;

/// Asks for a page, the one after that with this cookie (RFC 2696).
pub(super) fn page(cookie: Vec<u8>) -> RawControl {
    let size = ENTRIES;
    PagedResults { size, cookie }.into()
}

/// The cookie for the next page; `None` if there is no more.
pub(super) fn next_page(controls: &[Control]) -> Option<Vec<u8>> {
    match parts(controls, PAGE)?.pop()?.payload {
        PL::P(cookie) if !cookie.is_empty() => Some(cookie),
        _ => None,
    }
}

/// Asks what the password policy says (draft-behera-ldap-password-policy §6.1). A directory that does not know this goes
/// on without.
pub(super) fn policy() -> RawControl {
    RawControl {
        ctype: POLICY.to_owned(),
        crit: false,
        val: None,
    }
}

/// Whether the policy lets the user do nothing but change the password: its answer is `changeAfterReset` (§6.2).
pub(super) fn must_change(controls: &[Control]) -> bool {
    let is_reset = |part: &StructureTag| {
        part.id == 1 && matches!(&part.payload, PL::P(error) if error.as_slice() == [2])
    };
    parts(controls, POLICY).is_some_and(|parts| parts.iter().any(is_reset))
}

/// The members of the sequence that is the value of a control.
fn parts(controls: &[Control], name: &str) -> Option<Vec<StructureTag>> {
    let control = controls.iter().find(|control| control.1.ctype == name)?;
    match parse_tag(control.1.val.as_deref()?).ok()?.1.payload {
        PL::C(parts) => Some(parts),
        PL::P(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn control(name: &str, value: &[u8]) -> Vec<Control> {
        let raw = RawControl {
            ctype: name.to_owned(),
            crit: false,
            val: Some(value.to_vec()),
        };
        vec![Control(None, raw)]
    }

    #[test]
    fn a_password_that_must_be_changed_is_told_from_one_that_will_expire() {
        // error [1] changeAfterReset; warning [0] timeBeforeExpiration 60; error [1] passwordExpired; neither.
        for (value, is_told) in [
            (&[0x30, 3, 0x81, 1, 2][..], true),
            (&[0x30, 8, 0xa0, 3, 0x80, 1, 60, 0x81, 1, 2], true),
            (&[0x30, 5, 0xa0, 3, 0x80, 1, 60], false),
            (&[0x30, 3, 0x81, 1, 0], false),
            (&[0x30, 0], false),
        ] {
            assert_eq!(must_change(&control(POLICY, value)), is_told, "{value:?}");
            assert!(!must_change(&control(PAGE, value)));
        }
    }

    #[test]
    fn a_page_without_a_cookie_is_the_last() {
        let more = [0x30, 6, 2, 1, 0, 4, 1, 7];
        assert_eq!(next_page(&control(PAGE, &more)), Some(vec![7]));
        let last = [0x30, 5, 2, 1, 0, 4, 0];
        assert_eq!(next_page(&control(PAGE, &last)), None);
        assert_eq!(next_page(&[]), None);
    }

    proptest! {
        #[test]
        fn no_value_of_a_control_makes_it_panic(value: Vec<u8>) {
            let _any = must_change(&control(POLICY, &value));
            let _any = next_page(&control(PAGE, &value));
        }
    }
}
