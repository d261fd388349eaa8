//! The two ways in which the platform writes access tokens.

use std::fmt;
use std::str::FromStr;

use crate::Error;

/// How an access token is written; an API chooses (`token_dialect`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TokenDialect {
    /// The platform's own: `typ` is `JWT`, the client is in `azp`, the grant in `gty`.
    #[default]
    AccessToken,
    /// RFC 9068's: `typ` is `at+jwt`, the client is in `client_id`, there is a `jti` and no `gty`.
    Rfc9068Profile,
}

impl TokenDialect {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::AccessToken, Self::Rfc9068Profile];

    /// The platform's name for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AccessToken => "access_token",
            Self::Rfc9068Profile => "rfc9068_profile",
        }
    }

    pub(crate) const fn token_type(self) -> &'static str {
        match self {
            Self::AccessToken => "JWT",
            Self::Rfc9068Profile => "at+jwt",
        }
    }
}

impl FromStr for TokenDialect {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|dialect| dialect.name() == name)
            .ok_or(Error::UnknownDialect)
    }
}

impl fmt::Display for TokenDialect {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back_and_others_do_not() {
        for dialect in TokenDialect::ALL {
            assert_eq!(
                dialect.to_string().parse::<TokenDialect>().unwrap(),
                dialect
            );
        }
        assert!("access_token_authz".parse::<TokenDialect>().is_err());
        assert!("".parse::<TokenDialect>().is_err());
    }
}
