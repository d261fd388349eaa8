//! The seven action scripts of a connection, from a folder.

use std::{collections::BTreeMap, path::Path};

use lychgate_script::Script;

use crate::{Error, script_folder::read_script};

/// The names of the action scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ActionScript {
    /// `login(identifier, password, callback)`.
    Login,
    /// `get_user(identifier, callback)`.
    GetUser,
    /// `create(user, callback)`.
    Create,
    /// `verify(email, callback)`.
    Verify,
    /// `change_password(identifier, newPassword, callback)`.
    ChangePassword,
    /// `change_email(email, newEmail, verified, callback)`.
    ChangeEmail,
    /// `delete(id, callback)`.
    Delete,
}

impl ActionScript {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Login,
        Self::GetUser,
        Self::Create,
        Self::Verify,
        Self::ChangePassword,
        Self::ChangeEmail,
        Self::Delete,
    ];

    /// The platform's key, which is the file's name without `.js`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::GetUser => "get_user",
            Self::Create => "create",
            Self::Verify => "verify",
            Self::ChangePassword => "change_password",
            Self::ChangeEmail => "change_email",
            Self::Delete => "delete",
        }
    }
}

/// The action scripts that a connection has; `login` is always there.
#[derive(Clone)]
pub struct ActionScripts(BTreeMap<ActionScript, Script>);

impl ActionScripts {
    /// Reads `login.js` and whichever of the other six are in `folder`.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let mut scripts = BTreeMap::new();
        for name in ActionScript::ALL {
            let file = folder.join(format!("{}.js", name.name()));
            if name == ActionScript::Login || file.is_file() {
                scripts.insert(name, read_script(&file)?);
            }
        }
        let has = |name| scripts.contains_key(&name);
        if has(ActionScript::Create) && !has(ActionScript::GetUser) {
            return Err(Error::Setting {
                what: "scripts",
                value: folder.display().to_string(),
                reason: "create.js needs get_user.js beside it, which says whether the user is there already",
            });
        }
        Ok(Self(scripts))
    }

    /// One of them.
    pub fn script(&self, name: ActionScript) -> Option<&Script> {
        self.0.get(&name)
    }
}
