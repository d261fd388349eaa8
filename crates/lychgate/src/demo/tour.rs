//! The tour: logins first, then the attacks, each a real request to the real servers.
//!
//! A step says what must come back before it is taken, and is good only if the same words come back. A step that fails
//! on its way says so instead, and the tour goes on.

mod doors;
mod injection;
mod login;
mod scripts;
mod tokens;

use anyhow::Result;

use super::deployment::TenantPolicy;
use super::names::SCRIPT_CLIENT;
use super::report::{Report, Step};
use super::servers::Servers;

/// How many steps the tour has, for whoever shows how far it is.
pub(crate) const STEPS: u64 = 22;

/// Goes through all steps and tells `seen` of each. Afterwards the API stands at `deny_all`.
pub(crate) async fn tour(servers: &Servers, seen: impl FnMut(&Step)) -> Result<Report> {
    let mut tour = Tour {
        steps: Vec::new(),
        seen,
    };
    // Taken first, because it has to be old enough when its turn comes.
    let dying_token = tokens::short_lived(servers).await;

    logins(&mut tour, servers).await;
    injections(&mut tour, servers).await;
    servers.adopt(TenantPolicy::WITH_ACCESS_POLICY)?;
    bad_tokens(&mut tour, servers, dying_token).await;
    closed_doors(&mut tour, servers).await;
    Ok(Report::new(tour.steps))
}

async fn logins(tour: &mut Tour<impl FnMut(&Step)>, servers: &Servers) {
    let token_requests = servers.tenant.handle.token_requests(SCRIPT_CLIENT);
    tour.step(
        "login",
        "a user logs in: page, script, gateway, store, and back",
        "logged in as ada@example.com",
        login::right_password(servers).await,
    );
    tour.step(
        "login-wrong-password",
        "a user types a wrong password",
        "the page again: Wrong email or password.",
        login::wrong_password(servers).await,
    );
    tour.step(
        "login-unknown-user",
        "somebody logs in who is not there",
        "the same page as for a wrong password",
        login::unknown_user(servers).await,
    );
    tour.step(
        "every-hash-format",
        "a user of each decade logs in",
        if servers.deployment.is_directory {
            "logged in: sha512-crypt, bcrypt, ldap-smd5, ldap-sha, ldap-ssha"
        } else {
            "logged in: argon2id, bcrypt, phpass, django-pbkdf2, ldap-ssha"
        },
        login::every_hash_format(servers).await,
    );
    tour.step(
        "every-script",
        "a user signs up, is verified, gets a new password and a new email, and leaves",
        "seen to work: get_user, create, login, verify, change_password, change_email, delete",
        scripts::every_script(servers).await,
    );
    tour.step(
        "token-cached-in-global",
        "fifty logins at once; the tenant counts what the script client asks for",
        "50 logins, 1 token request since the first login",
        scripts::token_cached_in_global(servers, token_requests).await,
    );
}

async fn injections(tour: &mut Tour<impl FnMut(&Step)>, servers: &Servers) {
    tour.step(
        "audience-injection-by-default",
        "a user adds the gateway's audience to /authorize, in both token dialects",
        "access_token: the tenant gave a token for the gateway, the gateway answered 403 client-not-allowed; \
         rfc9068_profile: the tenant gave a token for the gateway, the gateway answered 403 client-not-allowed",
        injection::by_default(servers).await,
    );
    tour.step(
        "audience-injection-with-rule",
        "the same, where the rule runs",
        "no token: access_denied; without the audience the login still works",
        injection::guarded(servers, TenantPolicy::WITH_RULE).await,
    );
    tour.step(
        "audience-injection-with-action",
        "the same, where the action runs",
        "no token: access_denied; without the audience the login still works",
        injection::guarded(servers, TenantPolicy::WITH_ACTION).await,
    );
    tour.step(
        "audience-injection-with-access-policy",
        "the same, where the API's own policy is deny_all",
        "no token: access_denied; without the audience the login still works",
        injection::guarded(servers, TenantPolicy::WITH_ACCESS_POLICY).await,
    );
    tour.step(
        "other-client",
        "another client asks for itself, with a grant that was made by mistake",
        "with the action: no token, invalid_request; without it: the gateway answered 403 client-not-allowed",
        injection::other_client(servers).await,
    );
}

async fn bad_tokens(
    tour: &mut Tour<impl FnMut(&Step)>,
    servers: &Servers,
    dying_token: Result<tokens::ShortLived>,
) {
    const INVALID: &str = "401 invalid-token";
    tour.step(
        "no-token",
        "the gateway is asked without a token",
        INVALID,
        tokens::none(servers).await,
    );
    tour.step(
        "malformed-token",
        "with a text that is no token",
        INVALID,
        tokens::malformed(servers).await,
    );
    tour.step(
        "expired-token",
        "with a token that lived for a second",
        INVALID,
        tokens::expired(servers, dying_token).await,
    );
    tour.step(
        "forged-signature",
        "with one bit of the signature turned",
        INVALID,
        tokens::forged(servers).await,
    );
    tour.step(
        "algorithm-none",
        "with a token that says it needs no signature",
        INVALID,
        tokens::unsigned(servers).await,
    );
    tour.step(
        "wrong-audience",
        "with the script client's token for another API",
        INVALID,
        tokens::wrong_audience(servers).await,
    );
    tour.step(
        "wrong-issuer",
        "with the token of a tenant nobody knows",
        INVALID,
        tokens::wrong_issuer(servers).await,
    );
    tour.step(
        "insufficient-scope",
        "a token for reading is used to delete, then to read",
        "403 insufficient-scope, then 200",
        tokens::insufficient_scope(servers).await,
    );
}

async fn closed_doors(tour: &mut Tour<impl FnMut(&Step)>, servers: &Servers) {
    tour.step(
        "address-not-allowed",
        "a good token comes from an address that is not on the allowlist",
        "closed",
        doors::address_not_allowed(servers).await,
    );
    tour.step(
        "allowlist-alone",
        "a gateway is started with an allowlist and without access tokens",
        "refused to start: exit status 2, `gateway.access_token` is missing",
        doors::allowlist_alone(servers).await,
    );
    tour.step(
        "undefined-operation",
        "a good token asks for an operation that the config does not have",
        "404 unknown-operation",
        doors::undefined_operation(servers).await,
    );
}

struct Tour<Seen> {
    steps: Vec<Step>,
    seen: Seen,
}

impl<Seen: FnMut(&Step)> Tour<Seen> {
    fn step(
        &mut self,
        name: &'static str,
        what: &'static str,
        expected: &'static str,
        came: Result<String>,
    ) {
        let actual = came.unwrap_or_else(|error| format!("failed: {error:#}"));
        let step = Step::new(name, what, expected, actual);
        (self.seen)(&step);
        self.steps.push(step);
    }
}
