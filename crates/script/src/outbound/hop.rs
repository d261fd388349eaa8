//! One request on its way through redirects, as the Fetch standard sends it on.

use reqwest::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, HeaderMap, HeaderName,
    HeaderValue, LOCATION, TE, TRANSFER_ENCODING, UPGRADE, USER_AGENT,
};
use reqwest::{Method, StatusCode};
use url::Url;

use super::client::{Redirect, Request, Trouble};

/// One request on the way of a chain of redirects.
pub(super) struct Hop {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Vec<u8>>,
    pub(super) redirect: Redirect,
}

impl Hop {
    pub(super) fn first(request: Request) -> Result<Self, Trouble> {
        let invalid =
            |what: &str| Trouble::new("ERR_INVALID_ARG_VALUE", format!("{what} is not valid"));
        let method =
            Method::from_bytes(request.method.as_bytes()).map_err(|_| invalid("the method"))?;
        if matches!(method, Method::CONNECT | Method::TRACE) {
            return Err(invalid("the method"));
        }
        let url = Url::parse(&request.url).map_err(|_| invalid("the URL"))?;
        let mut headers = HeaderMap::new();
        for (name, value) in &request.headers {
            let name =
                HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid("a header's name"))?;
            let value = HeaderValue::from_str(value).map_err(|_| invalid("a header's value"))?;
            headers.append(name, value);
        }
        // The connection's own, which `fetch` keeps from scripts too.
        for name in [
            HOST,
            CONTENT_LENGTH,
            TRANSFER_ENCODING,
            CONNECTION,
            UPGRADE,
            TE,
        ] {
            headers.remove(name);
        }
        headers
            .entry(USER_AGENT)
            .or_insert(HeaderValue::from_static("lychgate-script"));
        Ok(Self {
            method,
            url,
            headers,
            body: request.body,
            redirect: request.redirect,
        })
    }

    /// Where the answer sends the request, if it does.
    pub(super) fn target(&self, answer: &reqwest::Response) -> Option<Result<Url, Trouble>> {
        if !matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
            return None;
        }
        let location = answer.headers().get(LOCATION)?;
        let target = location
            .to_str()
            .ok()
            .and_then(|location| self.url.join(location).ok());
        Some(
            target.ok_or_else(|| {
                Trouble::new("ERR_INVALID_URL", "the redirect's Location is not a URL")
            }),
        )
    }

    /// Turns to `target` as the Fetch standard says (HTTP-redirect fetch, steps 12 to 14).
    pub(super) fn turn(&mut self, status: StatusCode, target: Url) {
        let becomes_get = match status.as_u16() {
            301 | 302 => self.method == Method::POST,
            303 => !matches!(self.method, Method::GET | Method::HEAD),
            _ => false,
        };
        if becomes_get {
            self.method = Method::GET;
            self.body = None;
            self.headers.remove(CONTENT_TYPE);
        }
        if target.origin() != self.url.origin() {
            self.headers.remove(AUTHORIZATION);
            self.headers.remove(COOKIE);
        }
        self.url = target;
    }
}
