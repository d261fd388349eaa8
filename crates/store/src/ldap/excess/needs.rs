//! The attributes that the operations need, so that all others are known to be too much.

use std::collections::BTreeSet;

use super::super::LdapStore;
use super::super::operation::{UNICODE_PWD, Work};
use super::super::settings::{LdapNewPassword, LdapVerification};

impl LdapStore {
    /// The attributes that the operations read, look for or set, in lower case.
    pub(super) fn needed(&self) -> BTreeSet<String> {
        let mut needed = self.set_by_operations();
        needed.extend(self.columns.read().into_iter().map(str::to_ascii_lowercase));
        needed.insert("objectclass".to_owned());
        let password = self.settings.password_attribute.to_ascii_lowercase();
        if self.settings.verification == LdapVerification::PasswordHash {
            needed.insert(password);
        } else {
            needed.remove(&password);
        }
        for operation in self.operations.values() {
            let mut names = operation.filter.attributes();
            match &operation.work {
                Work::Create(name, _) => names.extend(name.attributes().map(str::to_owned)),
                Work::Set(_, Some(taken)) => names.extend(taken.attributes()),
                Work::Set(_, None) | Work::Read | Work::SetPassword | Work::Delete => {}
            }
            needed.extend(names.iter().map(|name| name.to_ascii_lowercase()));
        }
        needed
    }

    /// The attributes that the operations set, in lower case.
    pub(super) fn set_by_operations(&self) -> BTreeSet<String> {
        let mut set = BTreeSet::new();
        for operation in self.operations.values() {
            match &operation.work {
                Work::Set(attributes, _) => set.extend(attributes.iter().map(|(name, _)| name)),
                // Some servers ask for the right to each attribute of a new entry.
                Work::Create(_, attributes) => {
                    set.extend(attributes.iter().map(|(name, _)| name));
                }
                Work::Read | Work::SetPassword | Work::Delete => {}
            }
        }
        let mut set: BTreeSet<_> = set
            .into_iter()
            .map(|name| name.to_ascii_lowercase())
            .collect();
        if self.sets_password() {
            set.insert(self.settings.password_attribute.to_ascii_lowercase());
        }
        set
    }

    /// Active Directory takes the deletion of a password for one that somebody mistyped, and may lock the account.
    pub(super) fn counts_as_a_login(&self, name: &str) -> bool {
        let is_of_active_directory = self.settings.new_password == LdapNewPassword::UnicodePwd;
        name.eq_ignore_ascii_case(UNICODE_PWD)
            || (is_of_active_directory
                && name.eq_ignore_ascii_case(&self.settings.password_attribute))
    }

    pub(super) fn sets_password(&self) -> bool {
        self.operations
            .values()
            .any(|operation| matches!(operation.work, Work::SetPassword | Work::Create(..)))
    }

    pub(super) fn is_hash(&self, name: &str) -> bool {
        let is = |hash: &str| hash.eq_ignore_ascii_case(name);
        is(&self.settings.password_attribute) || HASHES.into_iter().any(is)
    }
}

/// Attributes that hold hashes, besides the one of the config.
pub(super) const HASHES: [&str; 8] = [
    "userPassword",
    "unicodePwd",
    "pwdHistory",
    "authPassword",
    "sambaNTPassword",
    "sambaLMPassword",
    "krbPrincipalKey",
    "ipaNTHash",
];
