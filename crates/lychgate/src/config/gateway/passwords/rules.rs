//! `[passwords.rules]`: what new passwords must be like, and the list of those that are known to others.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

use lychgate_gateway::{BreachedList, NewPasswordRules};

use crate::config::document::Key;
use crate::config::finding::Findings;
use crate::config::raw::RawPasswordRules;

/// The rules. A list that cannot be read is found here, and not by the first user who wants a password.
pub(crate) fn rules(
    raw: &RawPasswordRules,
    folder: &Path,
    findings: &mut Findings<'_>,
) -> Option<NewPasswordRules> {
    let key = Key::new("passwords.rules");
    let defaults = NewPasswordRules::default();
    let min_length = raw.min_length.map_or(defaults.min_length, NonZeroU32::get);
    let max_length = raw.max_length.map(NonZeroU32::get);
    if max_length.is_some_and(|most| most < min_length) {
        findings.push(
            &key.member("max_length"),
            "is less than `min_length`: no password would do",
        );
        return None;
    }
    let breached = match &raw.breached_list {
        Some(file) => {
            let list = BreachedList::open(&folder.join(file));
            Some(Arc::new(findings.keep(&key.member("breached_list"), list)?))
        }
        None => None,
    };
    Some(NewPasswordRules {
        min_length,
        max_length,
        breached,
        service_names: raw.service_names.clone(),
    })
}
