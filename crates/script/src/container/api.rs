//! What an action may ask of its `api`. The table is the only list: what is not in it throws a `TypeError` that names it.

use serde::Serialize;

/// A method of `api`.
#[derive(Serialize)]
pub(crate) struct ApiMethod {
    /// With its family, such as `access.deny`.
    pub(crate) name: &'static str,
    /// How many arguments it takes.
    arguments: &'static [u8],
    /// What its first argument must be one of; empty if anything.
    codes: &'static [&'static str],
}

/// <https://auth0.com/docs/customize/actions/reference/post-login/api-object>
const POST_LOGIN: &[ApiMethod] = &[
    method("access.deny", &[1]),
    method("accessToken.setCustomClaim", &[2]),
    method("accessToken.addScope", &[1]),
    method("accessToken.removeScope", &[1]),
    method("idToken.setCustomClaim", &[2]),
    method("user.setUserMetadata", &[2]),
    method("user.setAppMetadata", &[2]),
];

/// <https://auth0.com/docs/customize/actions/reference/credentials-exchange/api-object>
const CREDENTIALS_EXCHANGE: &[ApiMethod] = &[
    ApiMethod {
        name: "access.deny",
        arguments: &[2],
        codes: &["invalid_scope", "invalid_request", "server_error"],
    },
    method("accessToken.setCustomClaim", &[2]),
];

/// The methods that an action gets under its export's name; none for a name that no trigger has.
pub(crate) fn methods(export: &str) -> Option<&'static [ApiMethod]> {
    match export {
        "onExecutePostLogin" => Some(POST_LOGIN),
        "onExecuteCredentialsExchange" => Some(CREDENTIALS_EXCHANGE),
        _ => None,
    }
}

const fn method(name: &'static str, arguments: &'static [u8]) -> ApiMethod {
    ApiMethod {
        name,
        arguments,
        codes: &[],
    }
}
