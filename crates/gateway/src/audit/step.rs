//! The steps of the way, as lines name them.

/// Where a request is on its way; the step of the line is the one that decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// The network.
    Allowlist,
    /// The size of the header fields.
    Headers,
    /// The access token, its signature and its claims.
    AccessToken,
    /// Whom the token was issued to.
    Caller,
    /// The proof of the key that the token is bound to.
    Possession,
    /// The operation's path and method.
    Route,
    /// The token's scope.
    Scope,
    /// How often the client and its network call.
    Rate,
    /// The body and its fields.
    Body,
    /// What became of the same call before.
    Idempotency,
    /// How often the password of an identifier was wrong.
    Lockout,
    /// The operation itself: store and passwords.
    Operation,
    /// A session of the native interface.
    Session,
}

impl Step {
    /// Every step, in the order of the way.
    pub const ALL: [Self; 13] = [
        Self::Allowlist,
        Self::Headers,
        Self::AccessToken,
        Self::Caller,
        Self::Possession,
        Self::Route,
        Self::Scope,
        Self::Rate,
        Self::Body,
        Self::Idempotency,
        Self::Lockout,
        Self::Operation,
        Self::Session,
    ];

    /// Its name in a line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allowlist => "allowlist",
            Self::Headers => "headers",
            Self::AccessToken => "access_token",
            Self::Caller => "caller",
            Self::Possession => "possession",
            Self::Route => "route",
            Self::Scope => "scope",
            Self::Rate => "rate",
            Self::Body => "body",
            Self::Idempotency => "idempotency",
            Self::Lockout => "lockout",
            Self::Operation => "operation",
            Self::Session => "session",
        }
    }

    /// What it decides, for the reference.
    pub const fn decides(self) -> &'static str {
        match self {
            Self::Allowlist => "whether the peer's network is on the allowlist",
            Self::Headers => "whether the header fields are within their limit",
            Self::AccessToken => "whether there is one access token, and it is good",
            Self::Caller => "whether it was issued to an allowed client, by client credentials",
            Self::Possession => {
                "whether the token is sent as it must be: with a proof of the key that it is bound to, or once"
            }
            Self::Route => "whether there is such an operation, and it is called with `POST`",
            Self::Scope => "whether the token's scope names the operation",
            Self::Rate => "whether the client and its network are within their rates",
            Self::Body => "whether the body and its fields are as the operation takes them",
            Self::Idempotency => {
                "whether the same call was made before, by its `Idempotency-Key`; what it got then is answered again"
            }
            Self::Lockout => "whether the password of this identifier may be tried now",
            Self::Operation => "the operation itself: store and passwords",
            Self::Session => {
                "of the native interface: the certificate, user and database of a session, and its bounds"
            }
        }
    }
}
