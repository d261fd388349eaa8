//! `[store]`: where the users are, and the only statements there will ever be.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::Path;

use lychgate_gateway::profile::ProfileField;
use lychgate_store::{
    IdentifierCase, IdentifierKind, IdentifierNormalization, IdentifierRules, Settings,
    StatementName, StoreUrl,
};

use super::credentials::credentials;
use super::ldap;
use crate::config::document::Key;
use crate::config::duration;
use crate::config::finding::Findings;
use crate::config::raw::{
    RawIdentifierCase, RawIdentifierKind, RawIdentifierNormalization, RawOperations, RawStore,
};

pub(super) type Profile = BTreeMap<ProfileField, String>;

/// The store, how its identifiers compare, and which column each field comes from.
pub(crate) fn settings(
    raw: Option<&RawStore>,
    folder: &Path,
    findings: &mut Findings<'_>,
) -> Option<(Settings, IdentifierRules, Profile)> {
    let key = Key::new("store");
    let Some(raw) = raw else {
        findings.push(
            &key,
            "is missing: the gateway needs a store; name its `url` and `operations`",
        );
        return None;
    };
    let url = findings.keep(
        &key.member("url"),
        raw.url.expose_secret().parse::<StoreUrl>(),
    );
    let credentials = url
        .as_ref()
        .and_then(|url| credentials(raw, url, folder, findings));
    let statements = statements(&raw.operations);
    judge(&statements, raw, url.as_ref(), findings);
    let profile = profile(&raw.profile, &key.member("profile"), findings);
    let url = url?;
    let ldap = match (url.is_directory(), &raw.ldap) {
        (true, Some(raw)) => Some(Box::new(ldap::settings(raw, profile.as_ref()?, findings)?)),
        (true, None) => {
            let reason =
                "is a directory, which needs `[store.ldap]` with `bind_dn` and `bind_password`";
            findings.push(&key.member("url"), reason);
            return None;
        }
        (false, Some(_)) => {
            let reason = "is of directories alone, and `url` names another kind of store";
            findings.push(&key.member("ldap"), reason);
            return None;
        }
        (false, None) => None,
    };
    let defaults = Settings::new(url.below(folder), statements);
    let settings = Settings {
        credentials,
        ldap,
        connections: raw
            .connections
            .map_or(defaults.connections, NonZeroU32::get),
        wait: duration::or(
            raw.wait.as_ref(),
            defaults.wait,
            &key.member("wait"),
            findings,
        )?,
        deadline: duration::or(
            raw.deadline.as_ref(),
            defaults.deadline,
            &key.member("deadline"),
            findings,
        )?,
        ..defaults
    };
    Some((settings, identifiers(raw), profile?))
}

fn identifiers(raw: &RawStore) -> IdentifierRules {
    IdentifierRules {
        kind: match raw.identifier {
            RawIdentifierKind::Email => IdentifierKind::Email,
            RawIdentifierKind::Username => IdentifierKind::Username,
            RawIdentifierKind::Either => IdentifierKind::Either,
        },
        case: match raw.identifier_case {
            RawIdentifierCase::Insensitive => IdentifierCase::Insensitive,
            RawIdentifierCase::Sensitive => IdentifierCase::Sensitive,
        },
        normalization: match raw.identifier_normalization {
            RawIdentifierNormalization::Nfc => IdentifierNormalization::Nfc,
            RawIdentifierNormalization::Nfkc => IdentifierNormalization::Nfkc,
            RawIdentifierNormalization::None => IdentifierNormalization::None,
        },
    }
}

/// What is wrong with the statements, as far as that can be said without the store.
fn judge(
    statements: &BTreeMap<StatementName, String>,
    raw: &RawStore,
    url: Option<&StoreUrl>,
    findings: &mut Findings<'_>,
) {
    let key = Key::new("store.operations");
    for (name, text) in statements {
        let flaw = match url {
            Some(url) => url.flaw_in(*name, text),
            // Filters, and no SQL, whatever is wrong with the URL.
            None if raw.url.expose_secret().starts_with("ldap") => None,
            None => name.flaw_in(text),
        };
        if let Some(flaw) = flaw {
            findings.push(&key.member(name.name()), flaw);
        }
    }
    if statements.contains_key(&StatementName::UpgradePassword)
        && !statements.contains_key(&StatementName::Authenticate)
    {
        findings.push(
            &key.member("upgrade_password"),
            "follows a login, and there is no `authenticate`; add that, or leave this out",
        );
    }
    if statements.is_empty() {
        findings.push(
            &key,
            "has no statement: a gateway without operations serves nobody",
        );
    }
}

fn statements(raw: &RawOperations) -> BTreeMap<StatementName, String> {
    let written = [
        (StatementName::Authenticate, &raw.authenticate),
        (StatementName::Lookup, &raw.lookup),
        (StatementName::Create, &raw.create),
        (StatementName::VerifyEmail, &raw.verify_email),
        (StatementName::ChangePassword, &raw.change_password),
        (StatementName::ChangeEmail, &raw.change_email),
        (StatementName::Delete, &raw.delete),
        (StatementName::UpgradePassword, &raw.upgrade_password),
    ];
    written
        .into_iter()
        .filter_map(|(name, text)| Some((name, text.clone()?)))
        .collect()
}

fn profile(
    raw: &BTreeMap<String, String>,
    key: &Key,
    findings: &mut Findings<'_>,
) -> Option<Profile> {
    let mut profile = Some(Profile::new());
    for (field, column) in raw {
        let known = ProfileField::ALL
            .into_iter()
            .find(|known| known.name() == field);
        let names = ProfileField::ALL.map(ProfileField::name).join(", ");
        let field = findings.keep(
            &key.member(field),
            known.ok_or(format!("is no field of the profile; these are: {names}")),
        );
        profile = profile.zip(field).map(|(mut profile, field)| {
            profile.insert(field, column.clone());
            profile
        });
    }
    profile
}
