//! `[store.ldap]`: what a search filter cannot say of a directory.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::RawSecret;

/// How the gateway works with a directory. Needed with a `url` of LDAP, and refused with any other.
///
/// In the values that are set, `:name` is a parameter of the operation and `\\3a` the byte of that number.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "Ldap")]
#[serde(deny_unknown_fields)]
pub(crate) struct RawLdap {
    /// The account that everything is done as, but the check of a password.
    pub(crate) bind_dn: String,
    /// Its password: `${file:PATH}`.
    pub(crate) bind_password: RawSecret,
    /// How far below the base of `url` users are looked for.
    #[serde(default)]
    pub(crate) scope: RawLdapScope,
    /// How a password is checked.
    #[serde(default)]
    pub(crate) authenticate: RawLdapAuthenticate,
    /// An entry with a password that nobody knows, of the scheme of the users': it is bound as when there is no such user,
    /// so that the answer takes as long. If left out, the directory is asked to bind as the base, which may be quicker.
    pub(crate) decoy_dn: Option<String>,
    /// How a password is set, by `change_password` and `create`.
    #[serde(default)]
    pub(crate) change_password: RawLdapChangePassword,
    /// The attribute that holds hashes: `userPassword` if left out.
    pub(crate) password_attribute: Option<String>,
    /// The attributes that say that an account is disabled or locked: `userAccountControl`, `lockoutTime`,
    /// `msDS-User-Account-Control-Computed`, `pwdAccountLockedTime`, or a boolean one.
    #[serde(default)]
    pub(crate) blocked: Vec<String>,
    /// The attributes that make up `user_metadata`.
    #[serde(default)]
    pub(crate) user_metadata: Vec<String>,
    /// The attributes that make up `app_metadata`.
    #[serde(default)]
    pub(crate) app_metadata: Vec<String>,
    /// The entry that `create` adds.
    pub(crate) create: Option<RawLdapEntry>,
    /// What `verify_email` sets: `emailVerified = "TRUE"`.
    #[serde(default)]
    pub(crate) verify_email: BTreeMap<String, String>,
    /// What `change_email` sets: `mail = ":new_email"`.
    #[serde(default)]
    pub(crate) change_email: BTreeMap<String, String>,
    /// The filter that finds who has the new address of `change_email` already: `(mail=:new_email)`. If left out, only the
    /// directory's own rules keep addresses apart.
    pub(crate) email_taken: Option<String>,
}

/// How far below the base users are looked for.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[schemars(rename = "LdapScope")]
#[serde(rename_all = "lowercase")]
pub(crate) enum RawLdapScope {
    /// At any depth.
    #[default]
    Subtree,
    /// Right below it.
    One,
}

/// How a password is checked.
#[derive(Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[schemars(rename = "LdapAuthenticate")]
#[serde(rename_all = "snake_case")]
pub(crate) enum RawLdapAuthenticate {
    /// By binding as the user.
    #[default]
    Bind,
    /// By the hash in `password_attribute`, which the account may read, and `[passwords]` verifies.
    PasswordHash,
}

/// How a password is set.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[schemars(rename = "LdapChangePassword")]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RawLdapChangePassword {
    /// By the extended operation of RFC 3062; the directory hashes.
    #[default]
    PasswordModify,
    /// By replacing `password_attribute` with a hash that `[passwords] write` makes.
    Replace,
    /// By replacing Active Directory's `unicodePwd`.
    UnicodePwd,
}

/// A new entry.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "LdapEntry")]
#[serde(deny_unknown_fields)]
pub(crate) struct RawLdapEntry {
    /// Its name below the base: `uid=:username`.
    pub(crate) rdn: String,
    /// Its attributes: `mail = [":email"]`. A value whose parameter was not sent is left out.
    pub(crate) attributes: BTreeMap<String, Vec<String>>,
}
