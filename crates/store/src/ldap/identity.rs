//! Active Directory's binary identities, `objectGUID` and `objectSid`, in the text forms that its own tools show.
//! A text that is none names nobody.

use std::fmt::Write as _;

/// What stands for a user in binary.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Identity {
    Guid,
    Sid,
}

impl Identity {
    /// The kind of identity that an attribute holds, if it holds one.
    pub(super) fn of(attribute: &str) -> Option<Self> {
        match attribute.to_ascii_lowercase().as_str() {
            "objectguid" => Some(Self::Guid),
            "objectsid" => Some(Self::Sid),
            _ => None,
        }
    }

    /// The text form of the bytes.
    pub(super) fn text(self, bytes: &[u8]) -> Option<String> {
        match self {
            Self::Guid => guid_text(bytes.try_into().ok()?),
            Self::Sid => sid_text(bytes),
        }
    }

    /// The bytes of the text form.
    fn bytes(self, text: &str) -> Option<Vec<u8>> {
        let bytes = match self {
            Self::Guid => guid_bytes(text)?,
            Self::Sid => sid_bytes(text)?,
        };
        // One identity has one text, whatever a lenient reader would take for it.
        (self.text(&bytes)? == text.to_ascii_lowercase().replace('s', "S")).then_some(bytes)
    }
}

/// A value as the attribute is compared with it.
pub(super) fn encoded(attribute: &str, value: Vec<u8>) -> Option<Vec<u8>> {
    match Identity::of(attribute) {
        None => Some(value),
        Some(identity) => identity.bytes(std::str::from_utf8(&value).ok()?),
    }
}

/// [MS-DTYP] 2.3.4: the first three fields are little-endian.
fn guid_text(bytes: &[u8; 16]) -> Option<String> {
    let mut text = String::with_capacity(36);
    for (place, index) in GUID_ORDER.into_iter().enumerate() {
        if matches!(place, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        write!(text, "{:02x}", bytes.get(index)?).ok()?;
    }
    Some(text)
}

fn guid_bytes(text: &str) -> Option<Vec<u8>> {
    let digits: String = text.chars().filter(|character| *character != '-').collect();
    if digits.len() != 32 {
        return None;
    }
    let mut bytes = vec![0; 16];
    for (place, index) in GUID_ORDER.into_iter().enumerate() {
        let pair = digits.get(place * 2..place * 2 + 2)?;
        *bytes.get_mut(index)? = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(bytes)
}

/// [MS-DTYP] 2.4.2: revision, count, an authority of six bytes, and little-endian numbers.
fn sid_text(bytes: &[u8]) -> Option<String> {
    let (&[revision, count, ..], rest) = bytes.split_first_chunk::<8>()?;
    let authority = bytes.get(2..8)?.iter();
    let authority = authority.fold(0, |number, byte| number << 8 | u64::from(*byte));
    let (numbers, []) = rest.as_chunks::<4>() else {
        return None;
    };
    if numbers.len() != usize::from(count) || numbers.len() > MOST_NUMBERS {
        return None;
    }
    let mut text = format!("S-{revision}-{authority}");
    for number in numbers {
        write!(text, "-{}", u32::from_le_bytes(*number)).ok()?;
    }
    Some(text)
}

fn sid_bytes(text: &str) -> Option<Vec<u8>> {
    let mut parts = text.split('-').skip(1);
    let revision: u8 = parts.next()?.parse().ok()?;
    let authority: u64 = parts.next()?.parse().ok()?;
    let numbers: Vec<u32> = parts
        .map(|part| part.parse().ok())
        .collect::<Option<Vec<_>>>()?;
    if numbers.len() > MOST_NUMBERS {
        return None;
    }
    let mut bytes = vec![revision, u8::try_from(numbers.len()).ok()?];
    bytes.extend_from_slice(authority.to_be_bytes().get(2..)?);
    for number in numbers {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    Some(bytes)
}

const GUID_ORDER: [usize; 16] = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];

const MOST_NUMBERS: usize = 15;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_well_known_sid_has_its_known_text() {
        // [MS-DTYP] 2.4.2.4: BUILTIN\Administrators.
        let bytes = [1, 2, 0, 0, 0, 0, 0, 5, 0x20, 0, 0, 0, 0x20, 2, 0, 0];
        assert_eq!(Identity::Sid.text(&bytes).unwrap(), "S-1-5-32-544");
        assert_eq!(Identity::Sid.bytes("S-1-5-32-544").unwrap(), bytes);
    }

    #[test]
    fn what_is_no_identity_names_nobody() {
        for text in [
            "",
            "*",
            "S-1",
            "S-1-5-",
            "S-1-5-032",
            "S-1-281474976710656",
            "T-1-5-32",
            "33221100-5544-7766-8899-aabbccddeef",
            "3322110055447766 8899aabbccddeeff",
            "33221100554477668899aabbccddeeff",
            "+3221100-5544-7766-8899-aabbccddeeff",
            "é3221100-5544-7766-8899-aabbccddeef",
        ] {
            for identity in [Identity::Guid, Identity::Sid] {
                assert_eq!(identity.bytes(text), None, "{text}");
            }
        }
        assert_eq!(Identity::Sid.text(&[1, 2, 0, 0, 0, 0, 0, 5, 1]), None);
        assert_eq!(Identity::Guid.text(&[1]), None);
    }

    proptest! {
        #[test]
        fn an_identity_is_read_back_from_its_text(
            guid in any::<[u8; 16]>(),
            revision in any::<u8>(),
            authority in any::<[u8; 6]>(),
            numbers in proptest::collection::vec(any::<u32>(), 0..15),
        ) {
            let text = Identity::Guid.text(&guid).unwrap();
            prop_assert_eq!(Identity::Guid.bytes(&text).unwrap(), guid);
            prop_assert_eq!(Identity::Guid.bytes(&text.to_uppercase()).unwrap(), guid);
            let mut sid = vec![revision, u8::try_from(numbers.len()).unwrap()];
            sid.extend(authority);
            sid.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
            let text = Identity::Sid.text(&sid).unwrap();
            prop_assert_eq!(Identity::Sid.bytes(&text).unwrap(), sid);
        }
    }
}
