//! What in a directory says that an account is disabled or locked.

use super::entry::Entry;
use super::schema::{Kind, Schema};

/// One sign of it.
pub(super) struct Sign {
    attribute: String,
    meaning: Meaning,
}

#[derive(Clone, Copy)]
enum Meaning {
    /// It is there.
    Present,
    /// It is there and not zero.
    NotZero,
    /// It has this bit.
    Bit(u32),
    /// It is `TRUE`.
    True,
}

impl Sign {
    /// The sign that an attribute is; `None` if it is not known to be one.
    pub(super) fn of(attribute: &str, schema: &Schema) -> Option<Self> {
        let meaning = match attribute.to_ascii_lowercase().as_str() {
            // Active Directory: ACCOUNTDISABLE, and the lock as it is at this moment.
            "useraccountcontrol" => Meaning::Bit(0x2),
            "msds-user-account-control-computed" => Meaning::Bit(0x10),
            "lockouttime" => Meaning::NotZero,
            // OpenLDAP's password policy.
            "pwdaccountlockedtime" => Meaning::Present,
            _ if schema.attribute(attribute)?.kind == Kind::Boolean => Meaning::True,
            _ => return None,
        };
        Some(Self {
            attribute: attribute.to_owned(),
            meaning,
        })
    }

    /// The attribute to read.
    pub(super) fn attribute(&self) -> &str {
        &self.attribute
    }

    /// Whether an entry has the sign; a value that cannot be read is one.
    pub(super) fn is_on(&self, entry: &Entry) -> bool {
        let Some(value) = entry.values(&self.attribute).first() else {
            return false;
        };
        let number = || std::str::from_utf8(value).ok()?.parse::<i64>().ok();
        match self.meaning {
            Meaning::Present => true,
            Meaning::NotZero => number() != Some(0),
            Meaning::Bit(bit) => number().is_none_or(|number| number & i64::from(bit) != 0),
            Meaning::True => value != b"FALSE",
        }
    }
}
