//! Every check there is.

use super::{
    Check, access_token, allowlist, audit, client_certificates, exposure, passwords, role, secrets,
    store, tenant, transport, users,
};

/// How many are made of a tenant, or of all else.
pub(super) fn count(with_tenant: bool) -> usize {
    let of_tenant = if with_tenant {
        0
    } else {
        tenant::checks().len()
    };
    all().len() - of_tenant
}

/// The checks, in the order in which they are made.
pub(crate) fn all() -> Vec<&'static Check> {
    let mut all = Vec::new();
    all.extend(store::CHECKS);
    all.extend(role::CHECKS);
    all.extend(transport::CHECKS);
    all.extend(client_certificates::CHECKS);
    all.extend(exposure::CHECKS);
    all.extend(allowlist::CHECKS);
    all.extend(access_token::CHECKS);
    all.extend(passwords::CHECKS);
    all.extend(users::CHECKS);
    all.extend(secrets::CHECKS);
    all.extend(audit::CHECKS);
    all.extend(tenant::checks());
    all
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_checks_have_the_same_id() {
        let ids: BTreeSet<_> = all().iter().map(|check| check.id).collect();
        assert_eq!(ids.len(), all().len());
    }
}
