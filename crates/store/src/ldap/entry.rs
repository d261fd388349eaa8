//! One entry of a search's answer. Whatever a server sends, reading it does not panic.

use std::collections::BTreeSet;

use ldap3::ResultEntry;
use ldap3::asn1::{PL, StructureTag};

/// A name, and the attributes that were asked for. Personal data, so it has no `Debug`.
pub(super) struct Entry {
    pub(super) dn: String,
    attributes: Vec<(String, Vec<Vec<u8>>)>,
}

impl Entry {
    /// Reads a `SearchResultEntry` (RFC 4511 §4.5.2); `None` if it is none.
    pub(super) fn read(result: ResultEntry) -> Option<Self> {
        let mut parts = constructed(result.0)?.into_iter();
        let dn = text(parts.next()?)?;
        let attributes = constructed(parts.next()?)?.into_iter().map(|attribute| {
            let mut parts = constructed(attribute)?.into_iter();
            let name = text(parts.next()?)?;
            let values = constructed(parts.next()?)?.into_iter().map(primitive);
            Some((name, values.collect::<Option<Vec<_>>>()?))
        });
        Some(Self {
            dn,
            attributes: attributes.collect::<Option<_>>()?,
        })
    }

    /// The names of the attributes, in lower case and without options such as `;lang-en`.
    pub(super) fn names(&self) -> BTreeSet<String> {
        let names = self.attributes.iter().map(|(name, _)| name.as_str());
        let names = names.map(|name| name.split(';').next().unwrap_or(name));
        names.map(str::to_ascii_lowercase).collect()
    }

    /// The values of an attribute, whichever case the server writes its name in.
    pub(super) fn values(&self, name: &str) -> &[Vec<u8>] {
        let named = |known: &str| known.eq_ignore_ascii_case(name);
        let found = self.attributes.iter().find(|(known, _)| named(known));
        found.map_or(&[], |(_, values)| values.as_slice())
    }
}

fn constructed(tag: StructureTag) -> Option<Vec<StructureTag>> {
    match tag.payload {
        PL::C(tags) => Some(tags),
        PL::P(_) => None,
    }
}

fn primitive(tag: StructureTag) -> Option<Vec<u8>> {
    match tag.payload {
        PL::P(bytes) => Some(bytes),
        PL::C(_) => None,
    }
}

fn text(tag: StructureTag) -> Option<String> {
    String::from_utf8(primitive(tag)?).ok()
}
