//! The types of PostgreSQL that a user's data may have.

use sqlx::TypeInfo as _;
use sqlx::postgres::{PgTypeInfo, PgTypeKind};

/// A type, by how its values travel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Boolean,
    Int2,
    Int4,
    Int8,
    Oid,
    Float4,
    Float8,
    Numeric,
    /// Text, names, enumerations.
    Text,
    /// `char(n)`, which comes padded with blanks.
    PaddedText,
    Json,
    Jsonb,
    Uuid,
    Bytes,
    Date,
    Time,
    Timestamp,
    TimestampWithZone,
    Array,
}

impl Kind {
    /// The kind of a type; a domain is what it is made of. `None`: not supported.
    pub(super) fn of(info: &PgTypeInfo) -> Option<Self> {
        match info.kind() {
            PgTypeKind::Domain(base) => return Self::of(base),
            PgTypeKind::Enum(_) => return Some(Self::Text),
            PgTypeKind::Array(element) => {
                let element = Self::of(element)?;
                return (element != Self::Array).then_some(Self::Array);
            }
            PgTypeKind::Simple => {}
            PgTypeKind::Pseudo | PgTypeKind::Composite(_) | PgTypeKind::Range(_) => return None,
        }
        Some(match info.name() {
            "BOOL" => Self::Boolean,
            "INT2" => Self::Int2,
            "INT4" => Self::Int4,
            "INT8" => Self::Int8,
            "OID" => Self::Oid,
            "FLOAT4" => Self::Float4,
            "FLOAT8" => Self::Float8,
            "NUMERIC" => Self::Numeric,
            "TEXT" | "VARCHAR" | "NAME" | "UNKNOWN" | "\"CHAR\"" => Self::Text,
            "CHAR" => Self::PaddedText,
            "JSON" => Self::Json,
            "JSONB" => Self::Jsonb,
            "UUID" => Self::Uuid,
            "BYTEA" => Self::Bytes,
            "DATE" => Self::Date,
            "TIME" => Self::Time,
            "TIMESTAMP" => Self::Timestamp,
            "TIMESTAMPTZ" => Self::TimestampWithZone,
            name if name.eq_ignore_ascii_case("citext") => Self::Text,
            _ => return None,
        })
    }

    /// Whether a value of ours can be brought into it.
    pub(super) fn can_be_given(self) -> bool {
        !matches!(self, Self::Array | Self::Time)
    }
}
