//! Where an answer of `/authorize` goes, once that is known to be the client's own address.

use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use url::Url;

use super::may_authorize;
use crate::{
    context::Context, issuer::Issuer, oauth_error::OAuthError, parameters::Parameters,
    state::Reference,
};

/// A registered `redirect_uri` of a known client, and the `state` that it wants back.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct ReturnAddress {
    redirect_uri: String,
    state: Option<String>,
}

impl ReturnAddress {
    /// Reads `client_id`, `redirect_uri` and `state`. An error must never be sent to the address it is about.
    pub(super) fn read(context: &Context, parameters: &Parameters) -> Result<Self, OAuthError> {
        let client_id = parameters.required("client_id")?;
        let unknown = || {
            OAuthError::invalid_request("no application with this client_id can log users in here")
        };
        let client = context
            .client(client_id)
            .filter(|client| may_authorize(client))
            .ok_or_else(unknown)?;
        let redirect_uri = parameters.required("redirect_uri")?;
        if !client.has_callback(redirect_uri) {
            return Err(OAuthError::invalid_request(
                "the redirect_uri is not among the application's callbacks: add it there, to the letter",
            ));
        }
        Ok(Self {
            redirect_uri: redirect_uri.to_owned(),
            state: parameters.optional("state").map(str::to_owned),
        })
    }

    /// The `redirect_uri`, to the letter.
    pub(crate) fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// What a page must allow forms to lead to: browsers hold `form-action` against redirects, too.
    pub(crate) fn form_action(&self) -> String {
        let Ok(url) = Url::parse(&self.redirect_uri) else {
            return String::new();
        };
        match url.origin() {
            origin @ url::Origin::Tuple(..) => origin.ascii_serialization(),
            url::Origin::Opaque(_) => format!("{}:", url.scheme()),
        }
    }

    /// The answer of RFC 6749 §4.1.2, with the issuer of RFC 9207.
    pub(crate) fn with_code(&self, issuer: &Issuer, code: &Reference) -> Response {
        self.redirect(issuer, &[("code", code.expose_secret())])
    }

    /// The answer of RFC 6749 §4.1.2.1, with the issuer of RFC 9207.
    pub(crate) fn with_error(&self, issuer: &Issuer, error: &OAuthError) -> Response {
        error.log("authorize");
        self.redirect(
            issuer,
            &[
                ("error", error.code.name()),
                ("error_description", error.description()),
            ],
        )
    }

    fn redirect(&self, issuer: &Issuer, parameters: &[(&str, &str)]) -> Response {
        let Ok(mut url) = Url::parse(&self.redirect_uri) else {
            return (
                StatusCode::INTERNAL_SERVER_ERROR,
                "the redirect URI cannot be read\n",
            )
                .into_response();
        };
        {
            let mut query = url.query_pairs_mut();
            query.extend_pairs(parameters);
            query.extend_pairs(self.state.as_ref().map(|state| ("state", state)));
            query.append_pair("iss", issuer.as_str());
        }
        (StatusCode::SEE_OTHER, [(header::LOCATION, url.to_string())]).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(redirect_uri: &str) -> String {
        let address = ReturnAddress {
            redirect_uri: redirect_uri.to_owned(),
            state: Some("a b&c".to_owned()),
        };
        let issuer = "https://login.example.com/".parse().unwrap();
        let error = OAuthError::access_denied("no");
        let response = address.with_error(&issuer, &error);
        response.headers()[header::LOCATION]
            .to_str()
            .unwrap()
            .to_owned()
    }

    #[test]
    fn an_answer_keeps_what_the_address_already_has() {
        assert_eq!(
            location("https://app.example/callback?tenant=1"),
            "https://app.example/callback?tenant=1&error=access_denied&error_description=no&state=a+b%26c&iss=https%3A%2F%2Flogin.example.com%2F"
        );
        assert!(
            location("com.example.app:/callback")
                .starts_with("com.example.app:/callback?error=access_denied")
        );
    }

    #[test]
    fn a_form_may_lead_to_the_applications_origin_only() {
        let address = |uri: &str| {
            ReturnAddress {
                redirect_uri: uri.to_owned(),
                state: None,
            }
            .form_action()
        };
        assert_eq!(
            address("https://app.example/callback"),
            "https://app.example"
        );
        assert_eq!(
            address("http://127.0.0.1:4000/callback"),
            "http://127.0.0.1:4000"
        );
        assert_eq!(address("com.example.app:/callback"), "com.example.app:");
    }
}
