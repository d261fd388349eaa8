//! `WWW-Authenticate`: how a token would have to be presented, and what is wrong with how it was.

use http::HeaderValue;

use super::{InvalidToken, Malformed, Problem};

/// The scheme in which this gateway wants tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// RFC 6750.
    Bearer,
    /// RFC 9449 §7.1.
    Dpop,
}

impl Scheme {
    /// Its name, which is compared in any case (RFC 9110 §11.1).
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bearer => "Bearer",
            Self::Dpop => "DPoP",
        }
    }

    /// What a client has to know to use it.
    fn parameters(self) -> Option<&'static str> {
        match self {
            Self::Bearer => None,
            Self::Dpop => Some("algs=\"ES256 EdDSA\""),
        }
    }
}

impl Problem {
    /// The challenge of this problem: bare without credentials, with the error where there were some (RFC 6750 §3).
    pub(super) fn challenge(&self, scheme: Scheme) -> Option<HeaderValue> {
        let error = self.error_code()?;
        let mut parameters = Vec::new();
        if !error.is_empty() {
            parameters.push(format!("error=\"{error}\""));
        }
        if let Self::InsufficientScope { scope } = self {
            parameters.push(format!("scope=\"{scope}\""));
        }
        parameters.extend(scheme.parameters().map(str::to_owned));
        HeaderValue::from_str(format!("{} {}", scheme.name(), parameters.join(", ")).trim_end())
            .ok()
    }

    /// The error of RFC 6750 §3.1 or RFC 9449 §7.1, empty where there were no credentials; `None` for a problem that no
    /// other credentials would mend.
    fn error_code(&self) -> Option<&'static str> {
        match self {
            Self::InvalidToken(InvalidToken::Absent) => Some(""),
            Self::InvalidToken(InvalidToken::Refused(_)) => Some("invalid_token"),
            Self::InvalidToken(InvalidToken::BadProof(_)) => Some("invalid_dpop_proof"),
            Self::InvalidToken(InvalidToken::NonceWanted) => Some("use_dpop_nonce"),
            Self::InsufficientScope { .. } => Some("insufficient_scope"),
            Self::MalformedRequest(
                Malformed::SeveralCredentials | Malformed::TokenInQuery | Malformed::TokenInBody,
            ) => Some("invalid_request"),
            Self::MalformedRequest(
                Malformed::IdempotencyKey | Malformed::NotJson | Malformed::Incomplete,
            )
            | Self::HeadersTooLarge
            | Self::KeysUnavailable
            | Self::AddressNotAllowed(_)
            | Self::ClientNotAllowed(_)
            | Self::UnknownOperation
            | Self::MethodNotAllowed
            | Self::UnsupportedMediaType
            | Self::TooLarge
            | Self::TooSlow
            | Self::InvalidField(_)
            | Self::IdempotencyKeyReused
            | Self::RateLimited { .. }
            | Self::UserExists
            | Self::IdentifierLocked { .. }
            | Self::Internal(_)
            | Self::Overloaded
            | Self::StoreUnavailable
            | Self::StoreTimeout
            | Self::OutcomeUnknown => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use lychgate_token::dpop::Proof;

    use super::*;

    fn challenge(problem: &Problem, scheme: Scheme) -> Option<String> {
        let challenge = problem.challenge(scheme)?;
        Some(challenge.to_str().unwrap().to_owned())
    }

    fn both(problem: &Problem) -> [String; 2] {
        [Scheme::Bearer, Scheme::Dpop].map(|scheme| challenge(problem, scheme).unwrap())
    }

    #[test]
    fn challenges_are_those_of_rfc_6750_and_of_rfc_9449() {
        assert_eq!(
            both(&Problem::InvalidToken(InvalidToken::Absent)),
            ["Bearer", "DPoP algs=\"ES256 EdDSA\""]
        );
        assert_eq!(
            both(&Problem::InvalidToken(InvalidToken::Refused("expired"))),
            [
                "Bearer error=\"invalid_token\"",
                "DPoP error=\"invalid_token\", algs=\"ES256 EdDSA\""
            ]
        );
        let problem = Problem::InsufficientScope {
            scope: "read:users",
        };
        assert_eq!(
            both(&problem),
            [
                "Bearer error=\"insufficient_scope\", scope=\"read:users\"",
                "DPoP error=\"insufficient_scope\", scope=\"read:users\", algs=\"ES256 EdDSA\""
            ]
        );
        assert_eq!(
            both(&Problem::MalformedRequest(Malformed::TokenInQuery))[0],
            "Bearer error=\"invalid_request\""
        );
        for (cause, error) in [
            (InvalidToken::BadProof("expired"), "invalid_dpop_proof"),
            (InvalidToken::NonceWanted, "use_dpop_nonce"),
        ] {
            let expected = format!("DPoP error=\"{error}\", algs=\"ES256 EdDSA\"");
            assert_eq!(both(&Problem::InvalidToken(cause))[1], expected);
        }
        let not_json = Problem::MalformedRequest(Malformed::NotJson);
        assert_eq!(challenge(&not_json, Scheme::Bearer), None);
    }

    #[test]
    fn the_challenge_names_the_algorithms_of_proofs() {
        let names = Proof::ALGORITHMS.map(lychgate_token::Algorithm::name);
        let expected = format!("algs=\"{}\"", names.join(" "));
        assert_eq!(Scheme::Dpop.parameters(), Some(expected.as_str()));
    }
}
