//! Rules for new passwords, after NIST SP 800-63B-4 §3.1.1.2: long enough, not known from a breach, not the user's own
//! name; nothing about digits and signs.
//!
//! A new password and what the request says of its user come in; a permission to hash comes out, or the field's fault,
//! which says which rule and nothing else. It never depends on whether there is such a user. A password is kept as it is
//! received, without normalization: it must be what the legacy application will verify.

mod breached;

use std::sync::Arc;

use lychgate_password::Password;

use crate::problem::{FieldFault, InvalidField, Problem};

pub use breached::{BreachedList, BreachedListFault};

/// What a new password must be like. Passwords that are there already are never asked.
#[derive(Clone)]
pub struct NewPasswordRules {
    /// The fewest Unicode code points: 8.
    pub min_length: u32,
    /// The most code points, where something else sets a limit to them; 1024 bytes are the limit in any case.
    pub max_length: Option<u32>,
    /// Passwords that are known to others.
    pub breached: Option<Arc<BreachedList>>,
    /// What the service is called: none of these is a password here.
    pub service_names: Vec<String>,
}

impl Default for NewPasswordRules {
    fn default() -> Self {
        Self {
            min_length: 8,
            max_length: None,
            breached: None,
            service_names: Vec::new(),
        }
    }
}

impl NewPasswordRules {
    /// Refuses a password that a rule is against; `names` are what the user is called in this request.
    pub(crate) async fn check(
        &self,
        password: &Password,
        names: &[&str],
        field: &'static str,
    ) -> Result<(), Problem> {
        let refused = |fault| {
            Problem::InvalidField(InvalidField {
                field: field.into(),
                fault,
            })
        };
        let text = password.expose_secret();
        let length = text.chars().count();
        if length < self.min_length as usize {
            return Err(refused(FieldFault::TooShort(self.min_length)));
        }
        if let Some(most) = self.max_length
            && length > most as usize
        {
            return Err(refused(FieldFault::TooLong(most)));
        }
        let services = self.service_names.iter().map(String::as_str);
        if is_a_name(text, names.iter().copied().chain(services)) {
            return Err(refused(FieldFault::ContextWord));
        }
        match &self.breached {
            Some(list) if list.holds(password).await? => Err(refused(FieldFault::Breached)),
            Some(_) | None => Ok(()),
        }
    }
}

/// Whether the whole password is one of these names, or the local part of one that is an address, in any case and with
/// any digits and signs around it. Parts are not compared: a long password may well hold a name.
fn is_a_name<'a>(password: &str, names: impl Iterator<Item = &'a str>) -> bool {
    let password = password.to_lowercase();
    names
        .flat_map(|name| {
            let local = name.rsplit_once('@').map(|(local, _)| local);
            [Some(name), local]
        })
        .flatten()
        .map(str::to_lowercase)
        .any(|name| password == name || (!core(&name).is_empty() && core(&password) == core(&name)))
}

/// Without the digits and signs at either end.
fn core(text: &str) -> &str {
    text.trim_matches(|character: char| !character.is_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn fault(rules: &NewPasswordRules, password: &str) -> Option<FieldFault> {
        let password = Password::new(password.to_owned()).unwrap();
        let names = ["zoe.miller@example.com", "zoe"];
        match rules.check(&password, &names, "password").await {
            Ok(()) => None,
            Err(Problem::InvalidField(invalid)) => Some(invalid.fault),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn length_is_counted_in_code_points() {
        let rules = NewPasswordRules {
            max_length: Some(10),
            ..NewPasswordRules::default()
        };
        for (password, expected) in [
            ("1234567", Some(FieldFault::TooShort(8))),
            ("пароль1", Some(FieldFault::TooShort(8))),
            ("длинный!", None),
            ("🐴🐴🐴🐴🐴🐴🐴🐴", None),
            ("an eleven !", Some(FieldFault::TooLong(10))),
        ] {
            assert_eq!(fault(&rules, password).await, expected, "{password}");
        }
    }

    #[tokio::test]
    async fn a_name_with_something_around_it_is_no_password_and_one_that_holds_a_name_is() {
        let rules = NewPasswordRules {
            min_length: 1,
            service_names: vec!["Acme Shop".to_owned(), "4711".to_owned()],
            ..NewPasswordRules::default()
        };
        for password in [
            "zoe.miller@example.com",
            "ZOE.Miller",
            "zoe.miller1980!",
            "123zoe",
            "acme shop",
            "ACME SHOP 2026",
            "4711",
        ] {
            let expected = Some(FieldFault::ContextWord);
            assert_eq!(fault(&rules, password).await, expected, "{password}");
        }
        for password in [
            "zoe rides to the shop",
            "zoemiller",
            "4712",
            "12345",
            "shop",
        ] {
            assert_eq!(fault(&rules, password).await, None, "{password}");
        }
    }
}
