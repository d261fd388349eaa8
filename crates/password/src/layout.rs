//! Where salt, digest and rounds stand in a stored hash, as a layout such as `{digest:hex}:{salt}`.
//! A layout comes from the format table or from config; it reads stored hashes strictly, each in one way only.

mod parse;

use base64::{
    Engine as _,
    alphabet::{Alphabet, CRYPT, STANDARD as STANDARD_ALPHABET},
    engine::{
        GeneralPurpose,
        general_purpose::{NO_PAD, STANDARD, STANDARD_NO_PAD},
    },
};
use zeroize::Zeroizing;

use crate::{function::Bytes, text::decimal};

/// The most bytes that a salt may have.
pub(crate) const MAX_SALT_BYTES: usize = 128;

/// The most bytes of a salt that shares its field with the digest; directories use 4, 8 or 16.
const MAX_JOINED_SALT_BYTES: usize = 64;

/// The salt of an example where the layout says no length.
const EXAMPLE_SALT_BYTES: usize = 8;

/// The 64 characters of crypt(3), the highest bits first.
const CRYPT_BASE64: GeneralPurpose = GeneralPurpose::new(&CRYPT, NO_PAD);

/// The alphabet of passlib, with a dot for the plus.
const ADAPTED_BASE64: GeneralPurpose = GeneralPurpose::new(
    &match Alphabet::new("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789./") {
        Ok(alphabet) => alphabet,
        Err(_) => STANDARD_ALPHABET,
    },
    NO_PAD,
);

/// A layout of stored hashes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    parts: Vec<Part>,
}

#[derive(Debug, PartialEq, Eq)]
enum Part {
    /// Text as it is; what begins with a brace is a scheme, and read in any case.
    Literal(String),
    /// A decimal number.
    Rounds,
    /// Bytes one after another, encoded together.
    Field {
        pieces: Vec<Piece>,
        encoding: Encoding,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    what: What,
    /// How many bytes; `None` for a salt of any length.
    length: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Digest,
    Salt,
    /// Bytes that stand there for something else.
    Ignored,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    /// The characters are the bytes.
    Text,
    /// Likewise, of printable ASCII without space and dollar, which is what stands between dollars.
    Word,
    /// Hexadecimal in either case.
    Hex,
    Base64,
    Base64NoPadding,
    Base64Crypt,
    Base64Adapted,
}

/// What a stored hash says.
#[derive(Default)]
pub(crate) struct Reading {
    pub(crate) rounds: Option<u32>,
    pub(crate) salt: Bytes,
    pub(crate) digest: Bytes,
}

impl Layout {
    /// Reads a stored hash; `None` for one that is laid out otherwise.
    pub(crate) fn read(&self, text: &str) -> Option<Reading> {
        let mut reading = Reading::default();
        let mut rest = text;
        let mut parts = self.parts.as_slice();
        while let Some((part, after)) = parts.split_first() {
            parts = after;
            if let Part::Literal(literal) = part {
                rest = strip(rest, literal)?;
                continue;
            }
            let width = match (part.width(), after.first()) {
                (Some(width), _) => width,
                (None, None) => rest.len(),
                (None, Some(next)) => match after.iter().map(Part::width).sum::<Option<usize>>() {
                    Some(behind) => rest.len().checked_sub(behind)?,
                    None => next.find_in(rest)?,
                },
            };
            let (field, behind) = rest.split_at_checked(width)?;
            rest = behind;
            part.read(field, &mut reading)?;
        }
        rest.is_empty().then_some(reading)
    }

    /// Whether a text begins as every hash of this layout does, where they have a beginning in common.
    pub(crate) fn begins(&self, text: &str) -> bool {
        match self.parts.first() {
            Some(Part::Literal(literal)) => strip(text, literal).is_some(),
            Some(Part::Rounds | Part::Field { .. }) | None => false,
        }
    }

    /// A hash of this layout that says nothing.
    pub(crate) fn example(&self, rounds: u32) -> String {
        self.parts.iter().map(|part| part.example(rounds)).collect()
    }

    pub(crate) fn has_salt(&self) -> bool {
        self.parts.iter().any(|part| part.has(What::Salt))
    }

    pub(crate) fn has_rounds(&self) -> bool {
        self.parts.contains(&Part::Rounds)
    }
}

impl Part {
    /// How many characters it always has.
    fn width(&self) -> Option<usize> {
        match self {
            Self::Literal(literal) => Some(literal.len()),
            Self::Rounds => None,
            Self::Field { pieces, encoding } => {
                let bytes = pieces
                    .iter()
                    .map(|piece| piece.length)
                    .sum::<Option<usize>>()?;
                Some(encoding.width(bytes))
            }
        }
    }

    /// Where a literal stands first.
    fn find_in(&self, text: &str) -> Option<usize> {
        match self {
            Self::Literal(literal) => text.find(literal.as_str()),
            Self::Rounds | Self::Field { .. } => None,
        }
    }

    fn has(&self, wanted: What) -> bool {
        match self {
            Self::Literal(_) | Self::Rounds => false,
            Self::Field { pieces, .. } => pieces.iter().any(|piece| piece.what == wanted),
        }
    }

    fn read(&self, field: &str, reading: &mut Reading) -> Option<()> {
        match self {
            Self::Literal(_) => {}
            Self::Rounds => reading.rounds = Some(decimal(field).filter(|rounds| *rounds > 0)?),
            Self::Field { pieces, encoding } => {
                let bytes = encoding.decode(field)?;
                let is_joined = pieces.iter().any(|piece| piece.what == What::Digest);
                let known: usize = pieces.iter().filter_map(|piece| piece.length).sum();
                let mut rest = bytes.as_slice();
                for piece in pieces {
                    let length = match piece.length {
                        Some(length) => length,
                        None => bytes.len().checked_sub(known)?,
                    };
                    let (piece_bytes, behind) = rest.split_at_checked(length)?;
                    rest = behind;
                    let most_salt = match piece.length {
                        None if is_joined => MAX_JOINED_SALT_BYTES,
                        _ => MAX_SALT_BYTES,
                    };
                    match piece.what {
                        What::Digest => reading.digest = Zeroizing::new(piece_bytes.to_vec()),
                        What::Salt if !(1..=most_salt).contains(&length) => return None,
                        What::Salt => reading.salt = Zeroizing::new(piece_bytes.to_vec()),
                        What::Ignored => {}
                    }
                }
                return rest.is_empty().then_some(());
            }
        }
        Some(())
    }

    fn example(&self, rounds: u32) -> String {
        match self {
            Self::Literal(literal) => literal.clone(),
            Self::Rounds => rounds.to_string(),
            Self::Field { pieces, encoding } => {
                let length = |piece: &Piece| piece.length.unwrap_or(EXAMPLE_SALT_BYTES);
                encoding.encode(&vec![b'a'; pieces.iter().map(length).sum()])
            }
        }
    }
}

impl Encoding {
    const ALL: [Self; 7] = [
        Self::Text,
        Self::Word,
        Self::Hex,
        Self::Base64,
        Self::Base64NoPadding,
        Self::Base64Crypt,
        Self::Base64Adapted,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Word => "word",
            Self::Hex => "hex",
            Self::Base64 => "base64",
            Self::Base64NoPadding => "base64-no-padding",
            Self::Base64Crypt => "base64-crypt",
            Self::Base64Adapted => "base64-adapted",
        }
    }

    fn width(self, bytes: usize) -> usize {
        match self {
            Self::Text | Self::Word => bytes,
            Self::Hex => 2 * bytes,
            Self::Base64 => 4 * bytes.div_ceil(3),
            Self::Base64NoPadding | Self::Base64Crypt | Self::Base64Adapted => {
                (4 * bytes).div_ceil(3)
            }
        }
    }

    fn decode(self, text: &str) -> Option<Bytes> {
        let bytes = match self {
            Self::Text if text.chars().any(char::is_control) => return None,
            Self::Word if !text.bytes().all(is_word) => return None,
            Self::Text | Self::Word => text.as_bytes().to_vec(),
            Self::Hex => decode_hex(text)?,
            Self::Base64 => STANDARD.decode(text).ok()?,
            Self::Base64NoPadding => STANDARD_NO_PAD.decode(text).ok()?,
            Self::Base64Crypt => CRYPT_BASE64.decode(text).ok()?,
            Self::Base64Adapted => ADAPTED_BASE64.decode(text).ok()?,
        };
        Some(Zeroizing::new(bytes))
    }

    fn encode(self, bytes: &[u8]) -> String {
        match self {
            Self::Text | Self::Word => String::from_utf8_lossy(bytes).into_owned(),
            Self::Hex => {
                let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or_default();
                let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
                digits.map(digit).collect()
            }
            Self::Base64 => STANDARD.encode(bytes),
            Self::Base64NoPadding => STANDARD_NO_PAD.encode(bytes),
            Self::Base64Crypt => CRYPT_BASE64.encode(bytes),
            Self::Base64Adapted => ADAPTED_BASE64.encode(bytes),
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b'$'
}

/// What follows a literal; schemes in braces are read in any case, as directories do.
pub(crate) fn strip<'a>(text: &'a str, literal: &str) -> Option<&'a str> {
    let (beginning, rest) = text.split_at_checked(literal.len())?;
    let alike = if literal.starts_with('{') {
        beginning.eq_ignore_ascii_case(literal)
    } else {
        beginning == literal
    };
    alike.then_some(rest)
}

/// Bytes of crypt(3)'s characters, the highest bits first.
pub(crate) fn decode_crypt(text: &str) -> Option<Vec<u8>> {
    CRYPT_BASE64.decode(text).ok()
}

/// Bytes of hexadecimal digits in either case.
pub(crate) fn decode_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| {
            let (high, low) = (digit(pair.first()?)?, digit(pair.get(1)?)?);
            u8::try_from(high << 4 | low).ok()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Layout;

    fn layout(text: &str) -> Layout {
        Layout::parse(text, 2).unwrap()
    }

    /// Salt, digest and rounds that a layout reads.
    fn read(text: &str, hash: &str) -> Option<(Vec<u8>, Vec<u8>, Option<u32>)> {
        let reading = layout(text).read(hash)?;
        Some((
            reading.salt.to_vec(),
            reading.digest.to_vec(),
            reading.rounds,
        ))
    }

    #[test]
    fn salt_digest_and_rounds_are_found_where_they_stand() {
        let (salt, digest) = (b"sa:lt".to_vec(), vec![1, 0xab]);
        for (text, hash, rounds) in [
            ("{digest:hex}:{salt}", "01ab:sa:lt", None),
            ("{digest:hex}:{salt}", "01AB:sa:lt", None),
            ("{salt}:{digest:hex}", "sa:lt:01ab", None),
            ("{salt}{digest:hex}", "sa:lt01ab", None),
            (
                "$x${rounds}${salt}${digest:hex}",
                "$x$7$sa:lt$01ab",
                Some(7),
            ),
            ("{{X}}{digest+salt:base64}", "{x}AatzYTpsdA==", None),
            (
                "{{x, {rounds}}}{digest+salt:base64}",
                "{x, 12}AatzYTpsdA==",
                Some(12),
            ),
            ("{salt[5]+digest+ignored[1]:hex}", "73613a6c7401abff", None),
            (
                "{digest:base64-no-padding}.{salt:hex}",
                "Aas.73613a6c74",
                None,
            ),
        ] {
            let expected = (salt.clone(), digest.clone(), rounds);
            assert_eq!(read(text, hash), Some(expected), "{text} of {hash}");
        }
    }

    #[test]
    fn what_is_laid_out_otherwise_is_not_read() {
        for (text, hash) in [
            ("{digest:hex}", "01a"),
            ("{digest:hex}", "01abc"),
            ("{digest:hex}", "01ag"),
            ("{digest:hex}", "+1ab"),
            ("{digest:hex}", "éab"),
            ("{digest:hex}:{salt}", "01ab:"),
            ("{digest:hex}:{salt}", "01ab"),
            ("{digest:hex}:{salt}", "01ab:s\n"),
            ("$x${rounds}${digest:hex}", "$x$07$01ab"),
            ("$x${rounds}${digest:hex}", "$x$0$01ab"),
            ("$x${rounds}${digest:hex}", "$X$7$01ab"),
            ("$x${rounds}${digest:hex}", "$x$99999999999$01ab"),
            ("{digest:base64}", "AAs"),
            ("{digest:base64}", "AA="),
            ("{salt[5]:hex}{digest:hex}", "73613a6c01ab"),
            ("{salt:word}${digest:hex}", "sa lt$01ab"),
            ("{salt:word}${digest:hex}", "sält$01ab"),
            ("{salt:word}${digest:hex}", "salt$salt$01ab"),
            ("{salt:word}${digest:hex}", "$01ab"),
        ] {
            assert!(read(text, hash).is_none(), "{text} of {hash}");
        }
        let long = format!("01ab:{}", "s".repeat(129));
        assert!(read("{digest:hex}:{salt}", &long).is_none());
        let joined = |salt_bytes: usize| read("{digest+salt:hex}", &"0".repeat(4 + 2 * salt_bytes));
        assert!(joined(64).is_some() && joined(65).is_none() && joined(0).is_none());
    }

    #[test]
    fn an_example_can_be_read() {
        for text in [
            "{digest:hex}:{salt}",
            "{{x, {rounds}}}{digest+salt:base64}",
            "{salt[16]+digest:hex}",
            "${salt:base64-no-padding}${digest:base64-crypt}",
        ] {
            let layout = layout(text);
            assert!(layout.read(&layout.example(3)).is_some(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_hash_does_harm(hash in any::<String>(), which in 0_usize..4) {
            let texts = ["{digest:hex}:{salt}", "{salt}${digest:base64}", "${rounds}${salt}{digest:hex}", "{{X}}{digest+salt:base64}"];
            drop(layout(texts[which]).read(&hash));
        }
    }
}
