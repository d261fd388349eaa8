//! The ways in which a client may authenticate.

use std::fmt;
use std::str::FromStr;

use crate::Error;

/// How a client authenticates at the token endpoint, by the names of the IANA registry
/// "OAuth Token Endpoint Authentication Methods".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClientAuthMethod {
    /// `none`: a public client, which says who it is and proves nothing.
    None,
    /// `client_secret_basic`: id and secret in an `Authorization: Basic` header.
    ClientSecretBasic,
    /// `client_secret_post`: id and secret in the body.
    ClientSecretPost,
    /// `private_key_jwt`: a JWT signed with the client's own key (RFC 7523).
    PrivateKeyJwt,
}

impl ClientAuthMethod {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::None,
        Self::ClientSecretBasic,
        Self::ClientSecretPost,
        Self::PrivateKeyJwt,
    ];

    /// The registered name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
        }
    }
}

impl FromStr for ClientAuthMethod {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|method| method.name() == name)
            .ok_or(Error::UnknownClientAuthMethod)
    }
}

impl fmt::Display for ClientAuthMethod {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back_and_others_do_not() {
        for method in ClientAuthMethod::ALL {
            assert_eq!(
                method.to_string().parse::<ClientAuthMethod>().unwrap(),
                method
            );
        }
        assert!("client_secret_jwt".parse::<ClientAuthMethod>().is_err());
        assert!("None".parse::<ClientAuthMethod>().is_err());
    }
}
