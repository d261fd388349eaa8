//! What a search filter cannot say of a directory: `[store.ldap]`.

use std::collections::BTreeMap;
use std::fmt;

use zeroize::Zeroizing;

/// How the gateway works with a directory.
#[derive(Clone)]
pub struct LdapSettings {
    /// The account that everything but the check of a password is done as.
    pub bind_dn: String,
    /// Its password.
    pub bind_password: Zeroizing<String>,
    /// How far below the base users are looked for.
    pub scope: LdapScope,
    /// The attributes that `authenticate`, `lookup` and `create` return, each once.
    pub attributes: Vec<String>,
    /// The one among them that must have one value: the user's id.
    pub user_id: Option<String>,
    /// The attributes that are returned together, as a JSON object, by the name of that column.
    pub objects: BTreeMap<String, Vec<String>>,
    /// The attributes that say that an account is disabled or locked; any of them suffices.
    pub blocked: Vec<String>,
    /// How a password is checked.
    pub verification: LdapVerification,
    /// How a password is set.
    pub new_password: LdapNewPassword,
    /// The attribute that holds password hashes.
    pub password_attribute: String,
    /// A new entry.
    pub create: Option<LdapEntry>,
    /// What `verify_email` sets: attributes, and their values.
    pub verify_email: BTreeMap<String, String>,
    /// What `change_email` sets.
    pub change_email: BTreeMap<String, String>,
    /// The filter that finds who has a new address already.
    pub email_taken: Option<String>,
}

/// How far below the base users are looked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum LdapScope {
    /// At any depth.
    #[default]
    Subtree,
    /// Right below it.
    One,
}

/// How a password is checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LdapVerification {
    /// By binding as the user.
    Bind {
        /// Whom to bind as when there is no such user, so that the answer takes as long.
        decoy_dn: Option<String>,
    },
    /// By the hash, which is read.
    PasswordHash,
}

/// How a password is set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum LdapNewPassword {
    /// By the extended operation of RFC 3062: the directory hashes.
    #[default]
    PasswordModify,
    /// By replacing the attribute with a hash.
    Replace,
    /// By replacing Active Directory's `unicodePwd`.
    UnicodePwd,
}

/// A new entry: its name relative to the base, and its attributes.
#[derive(Clone, Debug)]
pub struct LdapEntry {
    /// Such as `uid=:username`.
    pub rdn: String,
    /// Attributes and their values. A value whose parameter was not given is left out.
    pub attributes: BTreeMap<String, Vec<String>>,
}

impl LdapSettings {
    /// Settings with the defaults, for this account.
    pub fn new(bind_dn: String, bind_password: Zeroizing<String>) -> Self {
        Self {
            bind_dn,
            bind_password,
            scope: LdapScope::default(),
            attributes: Vec::new(),
            user_id: None,
            objects: BTreeMap::new(),
            blocked: Vec::new(),
            verification: LdapVerification::Bind { decoy_dn: None },
            new_password: LdapNewPassword::default(),
            password_attribute: "userPassword".to_owned(),
            create: None,
            verify_email: BTreeMap::new(),
            change_email: BTreeMap::new(),
            email_taken: None,
        }
    }
}

/// The account only: its password stands beside it.
impl fmt::Debug for LdapSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("LdapSettings")
            .field("bind_dn", &self.bind_dn)
            .finish_non_exhaustive()
    }
}
