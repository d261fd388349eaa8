//! Cookies: a browser's session, and the one that binds a login under way to the browser that began it.

use http::{HeaderMap, HeaderValue, header};

use crate::{Error, issuer::Issuer, state::Reference};

/// A cookie of this tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cookie {
    /// Who holds it is logged in.
    Session,
    /// Who holds it may go on with the logins it began.
    Login,
}

impl Cookie {
    /// Its name. The prefix makes browsers refuse one that another host or plain HTTP has set (RFC 6265bis §4.1.3).
    fn name(self, issuer: &Issuer) -> &'static str {
        match (self, issuer.is_https()) {
            (Self::Session, true) => "__Host-lychgate_session",
            (Self::Session, false) => "lychgate_session",
            (Self::Login, true) => "__Host-lychgate_login",
            (Self::Login, false) => "lychgate_login",
        }
    }

    /// What the browser brought. One that stands twice was tampered with, and counts as none.
    pub(crate) fn read(self, issuer: &Issuer, headers: &HeaderMap) -> Option<Reference> {
        let name = self.name(issuer);
        let lines = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|line| line.to_str().ok());
        let pairs = lines
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='));
        let mut values = pairs
            .filter(|(found, _)| *found == name)
            .map(|(_, value)| value);
        match (values.next(), values.next()) {
            (Some(value), None) => Reference::presented(value),
            _ => None,
        }
    }

    /// A `Set-Cookie` that lasts until the browser is closed.
    pub(crate) fn set(self, issuer: &Issuer, value: &Reference) -> Result<HeaderValue, Error> {
        self.header(issuer, value.expose_secret(), "")
    }

    /// A `Set-Cookie` that takes it away.
    pub(crate) fn clear(self, issuer: &Issuer) -> Result<HeaderValue, Error> {
        self.header(issuer, "", "; Max-Age=0")
    }

    fn header(self, issuer: &Issuer, value: &str, age: &str) -> Result<HeaderValue, Error> {
        let secure = if issuer.is_https() { "; Secure" } else { "" };
        let text = format!(
            "{}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}",
            self.name(issuer)
        );
        HeaderValue::try_from(text).map_err(|_| Error::Internal("a cookie that is no header value"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[&str]) -> HeaderMap {
        lines
            .iter()
            .map(|line| (header::COOKIE, HeaderValue::from_str(line).unwrap()))
            .collect()
    }

    #[test]
    fn over_tls_a_cookie_belongs_to_this_host_alone() {
        let issuer: Issuer = "https://login.example.com/".parse().unwrap();
        let value = Reference::generate().unwrap();
        let set = Cookie::Session.set(&issuer, &value).unwrap();
        let set = set.to_str().unwrap();
        assert!(set.starts_with("__Host-lychgate_session="));
        assert!(set.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"));
        let pair = set.split(';').next().unwrap();
        assert!(
            Cookie::Session
                .read(&issuer, &headers(&["a=b", pair]))
                .is_some()
        );
        assert!(Cookie::Login.read(&issuer, &headers(&[pair])).is_none());
    }

    #[test]
    fn a_cookie_that_stands_twice_is_none() {
        let issuer: Issuer = "http://127.0.0.1:3000/".parse().unwrap();
        let pair = format!(
            "lychgate_session={}",
            Reference::generate().unwrap().expose_secret()
        );
        assert!(Cookie::Session.read(&issuer, &headers(&[&pair])).is_some());
        assert!(
            Cookie::Session
                .read(&issuer, &headers(&[&format!("{pair}; {pair}")]))
                .is_none()
        );
        assert!(
            Cookie::Session
                .read(&issuer, &headers(&[&pair, &pair]))
                .is_none()
        );
    }

    proptest::proptest! {
        #[test]
        fn no_cookie_header_is_read_as_another_ones(line in "[ -~]{0,120}") {
            let issuer: Issuer = "https://login.example.com/".parse().unwrap();
            if let Some(value) = Cookie::Session.read(&issuer, &headers(&[&line])) {
                let pair = ["__Host-lychgate_session=", value.expose_secret()].concat();
                proptest::prop_assert!(line.contains(&pair));
            }
        }
    }
}
