//! Which client asks, and how it means to prove it (RFC 6749 §2.3).
//!
//! In come the headers and the form of a token request; out comes one claim to be one client, with what
//! is to prove it, or nothing. Nothing is proven here. An attacker would want to be read as one client
//! and checked as another: two methods, or one parameter twice, are an error.

mod assertion;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

pub use assertion::Assertion;

use crate::{ClientAuthMethod, ClientSecret, Error};

/// What a client shows of itself. The ids are 1 to 256 characters of printable ASCII
/// (RFC 6749 appendix A.1).
pub enum PresentedClient {
    /// A public client says who it is.
    Public {
        /// `client_id`.
        client_id: String,
    },
    /// `client_secret_basic`.
    Basic {
        /// `client_id`.
        client_id: String,
        /// `client_secret`.
        secret: ClientSecret,
    },
    /// `client_secret_post`.
    Post {
        /// `client_id`.
        client_id: String,
        /// `client_secret`.
        secret: ClientSecret,
    },
    /// `private_key_jwt`.
    PrivateKeyJwt {
        /// `client_id` or, without one, the assertion's `sub`, which anyone may have written.
        client_id: String,
        /// `client_assertion`, to be handed to [`Assertion::verify`].
        assertion: String,
    },
}

impl PresentedClient {
    /// The longest `client_id`, in bytes.
    pub const MOST_CLIENT_ID_BYTES: usize = 256;

    /// Reads what a token request shows; `None` if it shows no client at all. Parameters without a value
    /// count as absent (RFC 6749 §3.2).
    pub fn read(headers: &HeaderMap, form: &[(String, String)]) -> Result<Option<Self>, Error> {
        let client_id = parameter(form, "client_id")?
            .map(parse_client_id)
            .transpose()?;
        let secret = parameter(form, "client_secret")?;
        let assertion = read_assertion(form)?;
        match (read_basic(headers)?, secret, assertion) {
            (None, None, None) => Ok(client_id.map(|client_id| Self::Public { client_id })),
            (Some((basic_id, secret)), None, None) => {
                if client_id.is_some_and(|client_id| client_id != basic_id) {
                    return Err(Error::ClientCredentials(
                        "`client_id` is not that of the Authorization header",
                    ));
                }
                Ok(Some(Self::Basic {
                    client_id: basic_id,
                    secret,
                }))
            }
            (None, Some(secret), None) => {
                let client_id =
                    client_id.ok_or(Error::ClientCredentials("`client_id` is missing"))?;
                Ok(Some(Self::Post {
                    client_id,
                    secret: parse_secret(secret.to_owned())?,
                }))
            }
            (None, None, Some(assertion)) => {
                let client_id = match client_id {
                    Some(client_id) => client_id,
                    None => parse_client_id(&assertion::unverified_subject(assertion)?)?,
                };
                Ok(Some(Self::PrivateKeyJwt {
                    client_id,
                    assertion: assertion.to_owned(),
                }))
            }
            _ => Err(Error::TwoClientAuthMethods),
        }
    }

    /// Which client it says it is.
    pub fn client_id(&self) -> &str {
        match self {
            Self::Public { client_id }
            | Self::Basic { client_id, .. }
            | Self::Post { client_id, .. }
            | Self::PrivateKeyJwt { client_id, .. } => client_id,
        }
    }

    /// How it means to prove it.
    pub fn method(&self) -> ClientAuthMethod {
        match self {
            Self::Public { .. } => ClientAuthMethod::None,
            Self::Basic { .. } => ClientAuthMethod::ClientSecretBasic,
            Self::Post { .. } => ClientAuthMethod::ClientSecretPost,
            Self::PrivateKeyJwt { .. } => ClientAuthMethod::PrivateKeyJwt,
        }
    }
}

fn read_assertion(form: &[(String, String)]) -> Result<Option<&str>, Error> {
    match (
        parameter(form, "client_assertion_type")?,
        parameter(form, "client_assertion")?,
    ) {
        (None, None) => Ok(None),
        (Some(Assertion::TYPE), Some(assertion)) => Ok(Some(assertion)),
        (Some(_), Some(_)) => Err(Error::ClientCredentials(
            "`client_assertion_type` is not that of RFC 7523",
        )),
        (Some(_), None) => Err(Error::ClientCredentials("`client_assertion` is missing")),
        (None, Some(_)) => Err(Error::ClientCredentials(
            "`client_assertion_type` is missing",
        )),
    }
}

/// An `Authorization` header with another scheme is no absence of credentials but bad ones.
fn read_basic(headers: &HeaderMap) -> Result<Option<(String, ClientSecret)>, Error> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => decode_basic(value).map(Some),
        (Some(_), Some(_)) => Err(Error::ClientCredentials(
            "there is more than one Authorization header",
        )),
    }
}

fn decode_basic(value: &HeaderValue) -> Result<(String, ClientSecret), Error> {
    let malformed = || {
        Error::ClientCredentials("the Authorization header is not Basic with `id:secret` in base64")
    };
    let text = value.to_str().map_err(|_| malformed())?;
    let (scheme, encoded) = text.split_once(' ').ok_or_else(malformed)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(malformed());
    }
    let bytes = STANDARD
        .decode(encoded.trim_start_matches(' '))
        .map(Zeroizing::new)
        .map_err(|_| malformed())?;
    let credentials = std::str::from_utf8(&bytes).map_err(|_| malformed())?;
    let (id, secret) = credentials.split_once(':').ok_or_else(malformed)?;
    Ok((
        parse_client_id(&form_decode(id)?)?,
        parse_secret(form_decode(secret)?)?,
    ))
}

/// RFC 6749 §2.3.1 has id and secret form-encoded before they are joined. Many clients do not do it, and
/// the platform takes what they send: a `%` without two hexadecimal digits behind it stands for itself.
fn form_decode(text: &str) -> Result<String, Error> {
    let spaced = Zeroizing::new(text.replace('+', " "));
    let decoded = percent_decode_str(&spaced).decode_utf8();
    decoded
        .map(Into::into)
        .map_err(|_| Error::ClientCredentials("id or secret is not UTF-8"))
}

fn parse_client_id(text: &str) -> Result<String, Error> {
    let printable = text.bytes().all(|byte| matches!(byte, 0x20..=0x7e));
    if text.is_empty() || text.len() > PresentedClient::MOST_CLIENT_ID_BYTES || !printable {
        return Err(Error::ClientCredentials(
            "`client_id` is empty, too long or not printable ASCII",
        ));
    }
    Ok(text.to_owned())
}

fn parse_secret(text: String) -> Result<ClientSecret, Error> {
    ClientSecret::new(text).map_err(|_| {
        Error::ClientCredentials("`client_secret` is empty, too long or not printable ASCII")
    })
}

/// The one value of a parameter (RFC 6749 §3.2: not more than once; empty is absent).
fn parameter<'f>(
    form: &'f [(String, String)],
    name: &'static str,
) -> Result<Option<&'f str>, Error> {
    let mut values = form
        .iter()
        .filter(|(key, _)| key == name)
        .map(|(_, value)| value.as_str());
    let value = values.next();
    if values.next().is_some() {
        return Err(Error::RepeatedParameter(name));
    }
    Ok(value.filter(|value| !value.is_empty()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::{Algorithm, SigningKey};

    const ASSERTION_TYPE: (&str, &str) = ("client_assertion_type", Assertion::TYPE);

    fn read(
        authorization: &[&str],
        form: &[(&str, &str)],
    ) -> Result<Option<PresentedClient>, Error> {
        let mut headers = HeaderMap::new();
        for value in authorization {
            headers.append(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        let form: Vec<_> = form
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        PresentedClient::read(&headers, &form)
    }

    fn basic(credentials: &str) -> String {
        format!("Basic {}", STANDARD.encode(credentials))
    }

    /// Method, id and what proves it.
    fn shown(
        presented: Result<Option<PresentedClient>, Error>,
    ) -> (ClientAuthMethod, String, String) {
        let presented = presented.unwrap().unwrap();
        let (method, client_id) = (presented.method(), presented.client_id().to_owned());
        let proof = match presented {
            PresentedClient::Public { .. } => String::new(),
            PresentedClient::Basic { secret, .. } | PresentedClient::Post { secret, .. } => {
                secret.expose_secret().to_owned()
            }
            PresentedClient::PrivateKeyJwt { assertion, .. } => assertion,
        };
        (method, client_id, proof)
    }

    fn expected(
        method: ClientAuthMethod,
        client_id: &str,
        proof: &str,
    ) -> (ClientAuthMethod, String, String) {
        (method, client_id.to_owned(), proof.to_owned())
    }

    #[test]
    fn each_method_is_read() {
        use ClientAuthMethod::{ClientSecretBasic, ClientSecretPost, None, PrivateKeyJwt};
        // RFC 6749 §2.3.1's example.
        let header = "Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3";
        let both = expected(ClientSecretBasic, "s6BhdRkqt3", "7Fjfp0ZBr1KtDRbnfVdmIw");
        assert_eq!(shown(read(&[header], &[])), both);
        assert_eq!(shown(read(&[header], &[("client_id", "s6BhdRkqt3")])), both);
        let post = [("client_id", "a"), ("client_secret", "b")];
        assert_eq!(
            shown(read(&[], &post)),
            expected(ClientSecretPost, "a", "b")
        );
        assert_eq!(
            shown(read(&[], &[("client_id", "a")])),
            expected(None, "a", "")
        );
        let jwt = [
            ("client_id", "a"),
            ASSERTION_TYPE,
            ("client_assertion", "x.y.z"),
        ];
        assert_eq!(
            shown(read(&[], &jwt)),
            expected(PrivateKeyJwt, "a", "x.y.z")
        );
    }

    #[test]
    fn no_client_at_all_is_nothing() {
        assert!(read(&[], &[]).unwrap().is_none());
        assert!(
            read(
                &[],
                &[
                    ("grant_type", "x"),
                    ("client_id", ""),
                    ("client_secret", "")
                ]
            )
            .unwrap()
            .is_none()
        );
    }

    #[test]
    fn an_assertion_names_its_client_itself() {
        let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
        let assertion = key.sign("JWT", &json!({ "sub": "script" })).unwrap();
        let presented = read(&[], &[ASSERTION_TYPE, ("client_assertion", &assertion)])
            .unwrap()
            .unwrap();
        assert_eq!(presented.client_id(), "script");
        assert!(matches!(
            read(&[], &[ASSERTION_TYPE, ("client_assertion", "x.y.z")]),
            Err(Error::Assertion(_))
        ));
    }

    #[test]
    fn two_methods_at_once_are_an_error() {
        let header = basic("a:b");
        let post = ("client_secret", "b");
        let jwt = [ASSERTION_TYPE, ("client_assertion", "x.y.z")];
        for (headers, form) in [
            (&[header.as_str()][..], vec![("client_id", "a"), post]),
            (&[&header], vec![post]),
            (&[&header], jwt.to_vec()),
            (&[], [&jwt[..], &[("client_id", "a"), post]].concat()),
            (&[&header], [&jwt[..], &[post]].concat()),
        ] {
            assert!(
                matches!(read(headers, &form), Err(Error::TwoClientAuthMethods)),
                "{form:?}"
            );
        }
    }

    #[test]
    fn a_parameter_that_stands_twice_is_an_error() {
        for name in [
            "client_id",
            "client_secret",
            "client_assertion",
            "client_assertion_type",
        ] {
            let refused = read(&[], &[(name, "a"), (name, "")]);
            assert!(matches!(refused, Err(Error::RepeatedParameter(named)) if named == name));
        }
    }

    #[test]
    fn credentials_that_cannot_be_read_are_never_absent() {
        let header = basic("a:b");
        for headers in [
            &[header.as_str(), header.as_str()][..],
            &["Bearer abc"],
            &["Basic"],
            &["Basic !"],
            &[&basic("no colon")],
            &[&basic(":secret")],
            &[&basic("id:")],
            &[&basic("id:\u{1}")],
            &[&basic("%ff:b")],
            &["Basic YTpi="],
        ] {
            assert!(read(headers, &[]).is_err(), "{headers:?}");
        }
        assert!(read(&[&header], &[("client_id", "other")]).is_err());
        assert!(read(&[], &[("client_secret", "b")]).is_err());
        assert!(read(&[], &[("client_id", "a"), ("client_assertion", "x.y.z")]).is_err());
        assert!(read(&[], &[("client_id", "a"), ASSERTION_TYPE]).is_err());
        let foreign = (
            "client_assertion_type",
            "urn:ietf:params:oauth:client-assertion-type:saml2-bearer",
        );
        assert!(
            read(
                &[],
                &[("client_id", "a"), foreign, ("client_assertion", "x.y.z")]
            )
            .is_err()
        );
        assert!(read(&[], &[("client_id", &"a".repeat(257))]).is_err());
    }

    #[test]
    fn id_and_secret_are_form_encoded_or_taken_as_they_are() {
        for (sent, id, secret) in [
            ("a%3Ab:c%25d", "a:b", "c%d"),
            ("a:b:c", "a", "b:c"),
            ("a:b+c", "a", "b c"),
            ("a:100%", "a", "100%"),
            ("a:%zz", "a", "%zz"),
        ] {
            let presented = shown(read(&[&basic(sent)], &[]));
            assert_eq!(
                presented,
                expected(ClientAuthMethod::ClientSecretBasic, id, secret),
                "{sent}"
            );
        }
    }

    #[test]
    fn the_scheme_is_compared_in_any_case() {
        assert!(read(&["bAsIc YTpi"], &[]).unwrap().is_some());
        assert!(read(&["basic  YTpi"], &[]).unwrap().is_some());
    }

    proptest! {
        #[test]
        fn form_encoded_credentials_survive(id in "[ -~]{1,20}", secret in "[ -~]{1,20}") {
            let encode = |text: &str| {
                percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
            };
            let header = basic(&format!("{}:{}", encode(&id), encode(&secret)));
            let presented = shown(read(&[&header], &[]));
            prop_assert_eq!(presented, expected(ClientAuthMethod::ClientSecretBasic, &id, &secret));
        }

        #[test]
        fn no_header_makes_it_panic(credentials: Vec<u8>, raw in "[ -~]{0,30}") {
            let header = format!("Basic {}", STANDARD.encode(credentials));
            for value in [header, raw] {
                if let Ok(Some(presented)) = read(&[&value], &[]) {
                    prop_assert!(!presented.client_id().is_empty());
                }
            }
        }
    }
}
