//! The users of a directory by their ids, one after the other, as a filter of the config's own finds them.
//! Whoever is not found would be taken for moved, so whatever could leave somebody out is an error.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::LdapStore;
use super::connection::Search;
use super::filter::Filter;
use super::template::Values;
use super::values::column;
use crate::error::Error;
use crate::listing::{ListingError, each_id};
use crate::parameters::Value;
use crate::server::{Failure, unavailable};
use crate::store::Settings;
use crate::url::Directory;

/// What is wrong with a filter that lists users, as far as that can be said without its directory.
pub(crate) fn listing_flaw(text: &str) -> Option<String> {
    let filter = match Filter::parse(text) {
        Ok(filter) => filter,
        Err(flaw) => return Some(flaw.to_string()),
    };
    let mut parameters = BTreeSet::new();
    filter.collect_parameters(&mut parameters);
    let reason = "it takes no parameters; write `(objectClass=inetOrgPerson)`";
    (!parameters.is_empty()).then(|| reason.to_owned())
}

/// Hands the id of everybody whom a filter finds to `each`.
pub(crate) async fn list(
    directory: &Directory,
    settings: &Settings,
    (text, limit): (&str, Duration),
    mut each: impl FnMut(&str) + Send,
) -> Result<(), ListingError> {
    if listing_flaw(text).is_some() {
        return Err(NO_FILTER);
    }
    let mut ldap = settings.ldap.clone();
    let user_id = ldap.as_mut().and_then(|ldap| {
        ldap.objects.clear();
        ldap.blocked.clear();
        ldap.attributes = ldap.user_id.iter().cloned().collect();
        ldap.user_id.clone()
    });
    let only = Settings {
        statements: BTreeMap::new(),
        ldap,
        ..settings.clone()
    };
    let store = LdapStore::open(directory, &only).await?;
    let filter = Filter::parse(text).map_err(|_| NO_FILTER)?;
    if store.schema.is_empty() {
        return Err(NO_SCHEMA);
    }
    let is_known = |name: &String| store.schema.attribute(name).is_some();
    let id = user_id.and_then(|name| Some((store.schema.attribute(&name)?, name)));
    let (Some((attribute, user_id)), true) = (id, filter.attributes().iter().all(is_known)) else {
        return Err(UNKNOWN_ATTRIBUTE);
    };
    let filter = filter.fill(&Values::new(&[], &[])).ok_or(NO_FILTER)?;
    let search = Search {
        base: &store.base,
        scope: store.scope(),
        filter: &filter,
        attributes: &[&user_id],
        limit,
        most: usize::MAX,
        names_only: false,
    };
    let mut lease = store
        .service
        .new_lease()
        .await
        .map_err(|failure| unavailable(&failure))?;
    let mut listed = Ok(());
    let through = search.run_through(&mut lease, |entry| {
        if listed.is_ok() {
            let id = column(&entry, &user_id, attribute, true).unwrap_or(Value::Null);
            listed = each_id(&id, &mut each);
        }
    });
    match through.await {
        Ok(()) => listed,
        Err(Failure::Unavailable(reason)) => Err(Error::Unavailable(reason).into()),
        Err(Failure::Lost) => Err(Error::Unavailable("it broke off in between").into()),
        Err(_) => Err(NOT_TO_ITS_END),
    }
}

const NO_FILTER: ListingError = ListingError::Statement("is no filter that lists users");
const NO_SCHEMA: ListingError = ListingError::Statement(
    "cannot be trusted while the directory hides its schema: a misspelt attribute would find nobody; let the account of `bind_dn` read `cn=subschema`",
);
const UNKNOWN_ATTRIBUTE: ListingError = ListingError::Statement(
    "or the `user_id` of the profile names an attribute that the directory does not have",
);
const NOT_TO_ITS_END: ListingError = ListingError::Statement(
    "was not answered to its end by the directory; OpenLDAP sends an account all its entries with \
     `olcLimits: dn.exact=\"…\" size.prtotal=unlimited`",
);
