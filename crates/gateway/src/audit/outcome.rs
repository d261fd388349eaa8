//! What came of a request, or of something that we did by ourselves, as lines name it.

/// What came of a request that was answered as asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// There is such a user; of `authenticate`: and the password is right.
    User,
    /// A user was added.
    Created,
    /// An address was marked as verified.
    Verified,
    /// A password or an address was changed.
    Changed,
    /// A user was removed.
    Deleted,
    /// There is no such user; of `authenticate`: or the password is wrong, or the account is disabled.
    NoUser,
    /// The hash was rewritten in the format of today.
    Upgraded,
    /// The hash was no longer the one that the login verified, and was left.
    Superseded,
    /// The hash was not rewritten, or nobody knows.
    UpgradeFailed,
    /// The failures of an identifier were forgotten.
    Unlocked,
    /// There were no failures to forget.
    NotLocked,
    /// Other settings are in force from now on.
    Adopted,
    /// A session of the native interface has begun.
    Opened,
    /// It has ended.
    Closed,
    /// Other settings cannot be used, and the old ones stay in force; or there was no such session.
    Refused,
}

impl Outcome {
    /// Every outcome; beside them there are the names of the problems.
    pub const ALL: [Self; 15] = [
        Self::User,
        Self::Created,
        Self::Verified,
        Self::Changed,
        Self::Deleted,
        Self::NoUser,
        Self::Upgraded,
        Self::Superseded,
        Self::UpgradeFailed,
        Self::Unlocked,
        Self::NotLocked,
        Self::Adopted,
        Self::Opened,
        Self::Closed,
        Self::Refused,
    ];

    /// Its name in a line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Created => "created",
            Self::Verified => "verified",
            Self::Changed => "changed",
            Self::Deleted => "deleted",
            Self::NoUser => "no-user",
            Self::Upgraded => "upgraded",
            Self::Superseded => "superseded",
            Self::UpgradeFailed => "upgrade-failed",
            Self::Unlocked => "unlocked",
            Self::NotLocked => "not-locked",
            Self::Adopted => "adopted",
            Self::Opened => "opened",
            Self::Closed => "closed",
            Self::Refused => "refused",
        }
    }

    /// What it says, for the reference.
    pub const fn says(self) -> &'static str {
        match self {
            Self::User => "there is such a user; of `authenticate`: and the password is right",
            Self::Created => "a user was added",
            Self::Verified => "an address was marked as verified",
            Self::Changed => "a password or an address was changed",
            Self::Deleted => "a user was removed",
            Self::NoUser => {
                "there is no such user; of `authenticate`: or the password is wrong, or the account is disabled"
            }
            Self::Upgraded => "the hash was rewritten in the format of today",
            Self::Superseded => {
                "the hash was no longer the one that the login verified, and was left"
            }
            Self::UpgradeFailed => "the hash was not rewritten, or nobody knows; `reason` says why",
            Self::Unlocked => "the failures of the identifier were forgotten",
            Self::NotLocked => "the identifier had no failures to forget",
            Self::Adopted => "the settings that were read again are in force",
            Self::Opened => "a session of the native interface has begun",
            Self::Closed => "it has ended; `reason` says why, where neither end closed it",
            Self::Refused => {
                "the settings that were read again cannot be used, and the old ones stay in force; or there was no such \
                 session of the native interface; `reason` says why"
            }
        }
    }
}
