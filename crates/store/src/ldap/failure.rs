//! What a directory's result codes mean (RFC 4511 §4.1.9, appendix A).
//! A diagnostic message may hold values, so only what is known of it is looked for, and none of it is passed on.

use ldap3::{LdapError, LdapResult};

use super::control::must_change;
use crate::server::Failure;

/// What came of an operation that was not a search.
pub(super) fn checked(answer: Result<LdapResult, LdapError>) -> Result<(), Failure> {
    let answer = answer.map_err(|error| lost(&error))?;
    match answer.rc {
        0 => Ok(()),
        code => Err(failure(code, &answer.text)),
    }
}

/// The driver's own errors: whatever it is, this connection is of no more use.
pub(super) fn lost(_error: &LdapError) -> Failure {
    Failure::Lost
}

/// What a result code means.
pub(super) fn failure(code: u32, message: &str) -> Failure {
    match code {
        3 => Failure::TooSlow,
        7 | 8 | 13 => {
            Failure::Unavailable("it wants to be spoken to in another way, such as by TLS")
        }
        10 => Failure::Unavailable("it refers to another server, and referrals are never followed"),
        19 if message.contains("unique") => Failure::Unique,
        19 => Failure::Constraint("constraintViolation"),
        20 => Failure::Constraint("attributeOrValueExists"),
        21 | 34 => Failure::Unfit,
        49 => Failure::Unavailable("it refuses the account of `bind_dn`, or its password"),
        51 => Failure::Unavailable("it is busy"),
        52 => Failure::Unavailable("it says that it is not available"),
        53 if message.contains("read-only") || message.contains("shadow context") => {
            Failure::Unavailable("it may only be read")
        }
        53 => Failure::Constraint("unwillingToPerform"),
        64 => Failure::Constraint("namingViolation"),
        65 => Failure::Constraint("objectClassViolation"),
        66 => Failure::Constraint("notAllowedOnNonLeaf"),
        67 => Failure::Constraint("notAllowedOnRDN"),
        68 => Failure::Unique,
        // The server says on this connection that it ends.
        80 if message.contains("shutdown") => Failure::Lost,
        1 => Failure::Other("1 operationsError".to_owned()),
        11 => Failure::Other("11 adminLimitExceeded".to_owned()),
        16 => Failure::Other("16 noSuchAttribute".to_owned()),
        17 => Failure::Other("17 undefinedAttributeType".to_owned()),
        32 => Failure::Other("32 noSuchObject".to_owned()),
        50 => Failure::Other("50 insufficientAccessRights".to_owned()),
        other => Failure::Other(other.to_string()),
    }
}

/// There is no such entry.
pub(super) const NO_SUCH_OBJECT: u32 = 32;

/// What a server says of a bind as a user.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    Right,
    /// A wrong password, and every state in which the right one does not suffice: locked, expired, disabled, to be
    /// changed first. To the caller they are one.
    Refused,
}

/// Reads the answer to a bind as a user. Active Directory tells the states apart in its message only (`data 533`), all
/// with invalidCredentials; other servers have codes of their own for some.
pub(super) fn verdict(answer: &LdapResult) -> Result<Verdict, Failure> {
    match answer.rc {
        0 if must_change(&answer.ctrls) => Ok(Verdict::Refused),
        0 => Ok(Verdict::Right),
        // constraintViolation and unwillingToPerform: accounts that are locked or inactive, in 389 Directory Server and
        // eDirectory. noSuchObject: gone in between. inappropriateAuthentication: an entry without password.
        19 | 32 | 48 | 49 | 50 | 53 => Ok(Verdict::Refused),
        code => Err(failure(code, &answer.text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(rc: u32, text: &str) -> LdapResult {
        LdapResult {
            rc,
            matched: String::new(),
            text: text.to_owned(),
            refs: Vec::new(),
            ctrls: Vec::new(),
        }
    }

    #[test]
    fn every_state_of_an_account_is_the_same_refusal() {
        // The messages of Active Directory: no such user, wrong password, expired, disabled, account expired, must
        // change, locked.
        for data in ["525", "52e", "532", "533", "701", "773", "775"] {
            let text = format!(
                "80090308: LdapErr: DSID-0C09044E, comment: AcceptSecurityContext error, data {data}, v2580\0"
            );
            assert!(
                matches!(verdict(&answer(49, &text)), Ok(Verdict::Refused)),
                "{data}"
            );
        }
        for code in [19, 32, 48, 53] {
            assert!(
                matches!(verdict(&answer(code, "")), Ok(Verdict::Refused)),
                "{code}"
            );
        }
    }

    #[test]
    fn a_server_in_trouble_is_no_wrong_password() {
        for code in [1, 2, 3, 8, 10, 11, 13, 51, 52, 80] {
            assert!(verdict(&answer(code, "")).is_err(), "{code}");
        }
    }
}
