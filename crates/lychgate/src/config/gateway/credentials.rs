//! As whom the store is spoken to: what `url` or `credentials` say, read again from its files while the store is open.

use std::path::Path;

use lychgate_store::{Credential, Credentials, StoreKind, StoreUrl};
use zeroize::Zeroizing;

use crate::config::document::Key;
use crate::config::finding::Findings;
use crate::config::raw::RawStore;
use crate::config::substitution::substitute;

/// The users of `credentials`, or the user of a `url` that comes from a file. `None`: what `url` says is all there is.
pub(super) fn credentials(
    raw: &RawStore,
    url: &StoreUrl,
    folder: &Path,
    findings: &mut Findings<'_>,
) -> Option<Credentials> {
    let key = Key::new("store");
    let (url_key, list_key) = (key.member("url"), key.member("credentials"));
    if url.is_directory() {
        if raw.credentials.is_some() {
            findings.push(
                &list_key,
                "is for a database; the account of a directory stands in `[store.ldap]`",
            );
        }
        return None;
    }
    let folder = folder.to_owned();
    // A file has no users, and a directory has its own keys for the one it has.
    let has_users = matches!(url.kind(), Some(StoreKind::Postgres | StoreKind::Mysql));
    let Some(list) = &raw.credentials else {
        if !has_users {
            return None;
        }
        if url.credential().is_none() {
            findings.push(&url_key, "names no user; add one, or `credentials`");
        }
        let written = findings.written(&url_key)?.to_owned();
        return written.contains("${file:").then(|| {
            Credentials::new(move || {
                let text = Zeroizing::new(substitute(&written, &folder).map_err(said)?);
                let url = text.parse::<StoreUrl>().map_err(said)?;
                Ok(url.credential().into_iter().collect())
            })
        });
    };
    if !has_users {
        findings.push(
            &list_key,
            "is for a database server: a file has no users, and a directory has `bind_dn`; remove it",
        );
    } else if list.is_empty() {
        findings.push(&list_key, "is empty; name a user");
    }
    if url.credential().is_some() {
        findings.push(
            &url_key,
            "names a user, and `credentials` do so, too; leave it out of `url`",
        );
    }
    let mut written = Vec::new();
    for place in 0..list.len() {
        let key = list_key.element(place);
        let text = |name| findings.written(&key.member(name)).map(str::to_owned);
        written.push((text("user")?, text("password")));
    }
    Some(Credentials::new(move || {
        let read = written.iter().map(|(user, password)| {
            let password = password.as_deref();
            let password = password.map(|text| substitute(text, &folder).map(Zeroizing::new));
            let password = password.transpose().map_err(said)?;
            Ok(Credential::new(
                substitute(user, &folder).map_err(said)?,
                password,
            ))
        });
        read.collect()
    }))
}

/// An error that shows no value.
#[expect(clippy::needless_pass_by_value, reason = "as `map_err` hands it over")]
fn said(error: impl ToString) -> String {
    error.to_string()
}
