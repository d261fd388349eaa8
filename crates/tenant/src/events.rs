//! The tenant's log, in the platform's codes.
//!
//! A line says what happened, to which client, through which connection. Who it was is said at debug level only.

/// What happened, by the platform's log event type codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    SuccessLogin,
    SuccessSilentAuth,
    FailedSilentAuth,
    FailedLogin,
    FailedLoginWrongPassword,
    FailedLoginUnknownUser,
    SuccessSignup,
    FailedSignup,
    SuccessCodeExchange,
    FailedCodeExchange,
    SuccessRefreshExchange,
    FailedRefreshExchange,
    SuccessClientCredentialsExchange,
    FailedClientCredentialsExchange,
    SuccessLogout,
    SuccessPasswordChange,
    FailedPasswordChange,
    PasswordChangeRequested,
    SuccessEmailChange,
    FailedEmailChange,
    SuccessEmailVerification,
    FailedEmailVerification,
    SuccessUserDeletion,
    FailedUserDeletion,
}

impl Event {
    /// The platform's code.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::SuccessLogin => "s",
            Self::SuccessSilentAuth => "ssa",
            Self::FailedSilentAuth => "fsa",
            Self::FailedLogin => "f",
            Self::FailedLoginWrongPassword => "fp",
            Self::FailedLoginUnknownUser => "fu",
            Self::SuccessSignup => "ss",
            Self::FailedSignup => "fs",
            Self::SuccessCodeExchange => "seacft",
            Self::FailedCodeExchange => "feacft",
            Self::SuccessRefreshExchange => "sertft",
            Self::FailedRefreshExchange => "fertft",
            Self::SuccessClientCredentialsExchange => "seccft",
            Self::FailedClientCredentialsExchange => "feccft",
            Self::SuccessLogout => "slo",
            Self::SuccessPasswordChange => "scp",
            Self::FailedPasswordChange => "fcp",
            Self::PasswordChangeRequested => "scpr",
            Self::SuccessEmailChange => "sce",
            Self::FailedEmailChange => "fce",
            Self::SuccessEmailVerification => "sv",
            Self::FailedEmailVerification => "fv",
            Self::SuccessUserDeletion => "sdu",
            Self::FailedUserDeletion => "fdu",
        }
    }

    /// Writes the event into the log; `connection` is empty where there is none.
    pub(crate) fn log(self, client_id: &str, connection: &str) {
        tracing::info!(target: "lychgate_tenant::log", r#type = self.code(), event = ?self, client_id, connection);
    }

    /// Like [`Event::log`]; the user id is added at debug level.
    pub(crate) fn log_user(self, client_id: &str, connection: &str, user_id: &str) {
        self.log(client_id, connection);
        tracing::debug!(target: "lychgate_tenant::log", r#type = self.code(), user_id);
    }
}
