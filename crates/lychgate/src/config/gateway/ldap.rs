//! `[store.ldap]` into the settings of a directory.

use std::collections::BTreeSet;

use lychgate_gateway::profile::ProfileField;
use lychgate_store::{LdapEntry, LdapNewPassword, LdapScope, LdapSettings, LdapVerification};

use super::store::Profile;
use crate::config::document::Key;
use crate::config::finding::Findings;
use crate::config::raw::{
    RawLdap, RawLdapAuthenticate, RawLdapChangePassword, RawLdapEntry, RawLdapScope,
};

/// The settings, with the attributes that the profile names as those to read.
pub(super) fn settings(
    raw: &RawLdap,
    profile: &Profile,
    findings: &mut Findings<'_>,
) -> Option<LdapSettings> {
    let attributes = attributes(profile, findings)?;
    let key = Key::new("store.ldap");
    for (name, value) in [
        ("bind_dn", raw.bind_dn.as_str()),
        ("bind_password", raw.bind_password.expose_secret()),
    ] {
        if value.is_empty() {
            let reason = "is empty: a directory takes that for nobody, and says yes";
            findings.push(&key.member(name), reason);
        }
    }
    let verification = match raw.authenticate {
        RawLdapAuthenticate::Bind => LdapVerification::Bind {
            decoy_dn: raw.decoy_dn.clone(),
        },
        RawLdapAuthenticate::PasswordHash => {
            if raw.decoy_dn.is_some() {
                let reason = "is never bound as where hashes are read; leave it out";
                findings.push(&key.member("decoy_dn"), reason);
            }
            LdapVerification::PasswordHash
        }
    };
    let password = raw.bind_password.expose_secret().to_owned().into();
    let mut settings = LdapSettings::new(raw.bind_dn.clone(), password);
    settings.scope = match raw.scope {
        RawLdapScope::Subtree => LdapScope::Subtree,
        RawLdapScope::One => LdapScope::One,
    };
    settings.attributes = attributes;
    settings.user_id = profile.get(&ProfileField::UserId).cloned();
    for (column, names) in [
        (ProfileField::UserMetadata, &raw.user_metadata),
        (ProfileField::AppMetadata, &raw.app_metadata),
    ] {
        if !names.is_empty() {
            settings
                .objects
                .insert(column.name().to_owned(), names.clone());
        }
    }
    settings.blocked.clone_from(&raw.blocked);
    settings.verification = verification;
    settings.new_password = match raw.change_password {
        RawLdapChangePassword::PasswordModify => LdapNewPassword::PasswordModify,
        RawLdapChangePassword::Replace => LdapNewPassword::Replace,
        RawLdapChangePassword::UnicodePwd => LdapNewPassword::UnicodePwd,
    };
    if let Some(attribute) = &raw.password_attribute {
        settings.password_attribute.clone_from(attribute);
    }
    settings.create = raw.create.as_ref().map(entry);
    settings.verify_email.clone_from(&raw.verify_email);
    settings.change_email.clone_from(&raw.change_email);
    settings.email_taken.clone_from(&raw.email_taken);
    Some(settings)
}

fn entry(raw: &RawLdapEntry) -> LdapEntry {
    LdapEntry {
        rdn: raw.rdn.clone(),
        attributes: raw.attributes.clone(),
    }
}

/// What is read is what the profile names, and no more.
fn attributes(profile: &Profile, findings: &mut Findings<'_>) -> Option<Vec<String>> {
    let key = Key::new("store.profile");
    if !profile.contains_key(&ProfileField::UserId) {
        let reason = "names no `user_id`; with a directory it says which attributes are read: `user_id = \"entryUUID\"`";
        findings.push(&key, reason);
        return None;
    }
    let mut seen = BTreeSet::new();
    let mut attributes = Vec::new();
    for (field, attribute) in profile {
        if seen.insert(attribute.to_ascii_lowercase()) {
            attributes.push(attribute.clone());
        } else {
            let reason = "names an attribute that another field has already";
            findings.push(&key.member(field.name()), reason);
        }
    }
    Some(attributes)
}
