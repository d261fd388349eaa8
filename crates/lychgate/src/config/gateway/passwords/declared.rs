//! `[[passwords.formats]]`: what the store's own software made of passwords.

use lychgate_password::{Declaration, DeclaredRecipe, Format};

use super::Declared;
use crate::config::document::Key;
use crate::config::finding::Findings;
use crate::config::raw::RawPasswordFormat;

/// The declared formats by name.
pub(super) fn formats(raw: &[RawPasswordFormat], findings: &mut Findings<'_>) -> Option<Declared> {
    let key = Key::new("passwords.formats");
    let mut formats = Declared::new();
    for (index, raw) in raw.iter().enumerate() {
        let key = key.element(index);
        let recipe = recipe(raw, &key, findings)?;
        let name = raw.name.clone();
        let format = findings.keep(&key, Declaration { name, recipe }.declare())?;
        if formats.insert(raw.name.clone(), format).is_some() {
            findings.push(&key.member("name"), "is the name of a format above, too");
        }
    }
    Some(formats)
}

fn recipe(
    raw: &RawPasswordFormat,
    key: &Key,
    findings: &mut Findings<'_>,
) -> Option<DeclaredRecipe> {
    let Some(digest) = &raw.digest else {
        let like = raw.like.iter().enumerate().map(|(index, name)| {
            let key = key.member("like").element(index);
            findings.keep(&key, name.parse::<Format>())
        });
        let like: Option<Vec<_>> = like.collect::<Vec<_>>().into_iter().collect();
        return Some(DeclaredRecipe::Over {
            like: like?,
            prefix: raw.prefix.clone(),
            password: raw
                .password
                .clone()
                .unwrap_or_else(|| "password".to_owned()),
        });
    };
    let is_mixed = !raw.like.is_empty() || !raw.prefix.is_empty() || raw.password.is_some();
    if is_mixed {
        let reason =
            "has `digest` beside `like`, `prefix` or `password`; a format is one or the other";
        findings.push(key, reason);
        return None;
    }
    Some(DeclaredRecipe::Expression {
        stored: raw.stored.clone(),
        digest: digest.clone(),
        again: raw.again.clone(),
        pbkdf2: raw.pbkdf2.clone(),
        rounds: raw.rounds.map_or(1, std::num::NonZeroU32::get),
    })
}
