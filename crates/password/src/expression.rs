//! How the simple formats make a digest, as an expression such as `md5(hex(md5(password)) + salt)`.
//! Text of the format table or of config comes in and leaves as a tree that any login can evaluate in bounded time.
//! An attacker would like one that ignores the password; none is read.

mod loss;
mod parse;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use crate::function::{Bytes, Function};

/// What stands for a value that only a login knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variable {
    Password,
    Salt,
    User,
    Pepper,
    /// The digest of the round before; only where rounds go on.
    Digest,
}

impl Variable {
    const ALL: [Self; 5] = [
        Self::Password,
        Self::Salt,
        Self::User,
        Self::Pepper,
        Self::Digest,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Salt => "salt",
            Self::User => "user",
            Self::Pepper => "pepper",
            Self::Digest => "digest",
        }
    }
}

/// What turns bytes into other bytes without hashing them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// Lower-case hexadecimal.
    Hex,
    /// Upper-case hexadecimal.
    UpperHex,
    /// Base64 with padding.
    Base64,
    /// UTF-8 re-encoded as UTF-16, little-endian, without a mark.
    Utf16Le,
    /// UTF-8 re-encoded as ISO 8859-1; a character that it lacks makes every answer `no`.
    Latin1,
    /// Upper case, of ASCII letters alone.
    Upper,
    /// Lower case, of ASCII letters alone.
    Lower,
    /// Without white space at either end, as PHP's `trim` has it.
    Trim,
}

impl Encoding {
    const ALL: [Self; 8] = [
        Self::Hex,
        Self::UpperHex,
        Self::Base64,
        Self::Utf16Le,
        Self::Latin1,
        Self::Upper,
        Self::Lower,
        Self::Trim,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Hex => "hex",
            Self::UpperHex => "HEX",
            Self::Base64 => "base64",
            Self::Utf16Le => "utf16le",
            Self::Latin1 => "latin1",
            Self::Upper => "upper",
            Self::Lower => "lower",
            Self::Trim => "trim",
        }
    }
}

/// An expression over the values of a login.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Expression {
    Variable(Variable),
    Literal(String),
    Concatenation(Vec<Expression>),
    Encoded(Encoding, Box<Expression>),
    Digest(Function, Box<Expression>),
    Hmac {
        function: Function,
        key: Box<Expression>,
        message: Box<Expression>,
    },
}

/// The values of one login; what is not there is empty, and whoever asks has made sure that it is not mentioned.
#[derive(Clone, Copy, Default)]
pub(crate) struct Values<'a> {
    pub(crate) password: &'a [u8],
    pub(crate) salt: &'a [u8],
    pub(crate) user: &'a [u8],
    pub(crate) pepper: &'a [u8],
    pub(crate) digest: &'a [u8],
}

impl Expression {
    /// The bytes of the expression; `None` for a password that its encoding has no characters for.
    pub(crate) fn evaluate(&self, values: Values<'_>) -> Option<Bytes> {
        Some(match self {
            Self::Variable(variable) => Zeroizing::new(values.of(*variable).to_vec()),
            Self::Literal(text) => Zeroizing::new(text.as_bytes().to_vec()),
            Self::Concatenation(terms) => {
                let terms = terms.iter().map(|term| term.evaluate(values));
                let terms = terms.collect::<Option<Vec<_>>>()?;
                let length = terms.iter().map(|term| term.len()).sum();
                let mut bytes = Zeroizing::new(Vec::with_capacity(length));
                for term in &terms {
                    bytes.extend_from_slice(term);
                }
                bytes
            }
            Self::Encoded(encoding, inner) => encode(*encoding, &inner.evaluate(values)?)?,
            Self::Digest(function, inner) => function.digest(&[&inner.evaluate(values)?]),
            Self::Hmac {
                function,
                key,
                message,
            } => function.hmac(&key.evaluate(values)?, &message.evaluate(values)?),
        })
    }

    /// Whether the value is needed.
    pub(crate) fn mentions(&self, wanted: Variable) -> bool {
        match self {
            Self::Variable(variable) => *variable == wanted,
            Self::Literal(_) => false,
            Self::Concatenation(terms) => terms.iter().any(|term| term.mentions(wanted)),
            Self::Encoded(_, inner) | Self::Digest(_, inner) => inner.mentions(wanted),
            Self::Hmac { key, message, .. } => key.mentions(wanted) || message.mentions(wanted),
        }
    }

    /// The function whose digest the whole expression is, if it is one.
    pub(crate) fn function(&self) -> Option<Function> {
        match self {
            Self::Digest(function, _) | Self::Hmac { function, .. } => Some(*function),
            Self::Variable(_) | Self::Literal(_) | Self::Concatenation(_) | Self::Encoded(..) => {
                None
            }
        }
    }
}

impl<'a> Values<'a> {
    fn of(&self, variable: Variable) -> &'a [u8] {
        match variable {
            Variable::Password => self.password,
            Variable::Salt => self.salt,
            Variable::User => self.user,
            Variable::Pepper => self.pepper,
            Variable::Digest => self.digest,
        }
    }
}

fn encode(encoding: Encoding, bytes: &[u8]) -> Option<Bytes> {
    let encoded = match encoding {
        Encoding::Hex => lower_hex(bytes),
        Encoding::UpperHex => hex(bytes, b"0123456789ABCDEF"),
        Encoding::Base64 => STANDARD.encode(bytes).into_bytes(),
        Encoding::Utf16Le => {
            let text = str::from_utf8(bytes).ok()?;
            let mut encoded = Vec::with_capacity(2 * bytes.len());
            encoded.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
            encoded
        }
        Encoding::Latin1 => {
            let text = str::from_utf8(bytes).ok()?;
            let mut encoded = Vec::with_capacity(bytes.len());
            for character in text.chars() {
                encoded.push(u8::try_from(character).ok()?);
            }
            encoded
        }
        Encoding::Upper => bytes.to_ascii_uppercase(),
        Encoding::Lower => bytes.to_ascii_lowercase(),
        Encoding::Trim => trim(bytes).to_vec(),
    };
    Some(Zeroizing::new(encoded))
}

/// Lower-case hexadecimal.
pub(crate) fn lower_hex(bytes: &[u8]) -> Vec<u8> {
    hex(bytes, b"0123456789abcdef")
}

fn hex(bytes: &[u8], digits: &[u8; 16]) -> Vec<u8> {
    let digit = |value: u8| digits.get(usize::from(value)).copied().unwrap_or_default();
    let mut text = Vec::with_capacity(2 * bytes.len());
    text.extend(
        bytes
            .iter()
            .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]),
    );
    text
}

/// What PHP's `trim` leaves.
fn trim(bytes: &[u8]) -> &[u8] {
    let is_kept = |byte: &u8| !b" \t\n\r\0\x0b".contains(byte);
    let start = bytes.iter().position(is_kept).unwrap_or(bytes.len());
    let end = bytes
        .iter()
        .rposition(is_kept)
        .map_or(start, |last| last + 1);
    bytes.get(start..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Expression, Values, Variable};

    fn evaluate(text: &str, password: &str) -> Option<Vec<u8>> {
        let values = Values {
            password: password.as_bytes(),
            salt: b"salt",
            user: b"Ada",
            pepper: b"pepper",
            digest: b"before",
        };
        let expression: Expression = text.parse().unwrap();
        expression.evaluate(values).map(|bytes| bytes.to_vec())
    }

    #[test]
    fn each_part_of_the_language_means_what_it_says() {
        for (text, expected) in [
            ("password", b"pw".as_slice()),
            ("password + salt + ':'+user+pepper", b"pwsalt:Adapepper"),
            ("hex('az/')", b"617a2f"),
            ("HEX('az/')", b"617A2F"),
            ("base64(password)", b"cHc="),
            ("utf16le(password)", b"p\0w\0"),
            ("upper(user) + lower(user)", b"ADAada"),
            ("trim(' \t a b\n')", b"a b"),
            ("trim('  ')", b""),
            ("hex(md5(password))", b"8fe4c11451281c094a6578e6ddbf5eed"),
            // RFC 2202 §2, test case 2.
            (
                "hex(hmac_md5('Jefe', 'what do ya want for nothing?'))",
                b"750c783e6ab0b503eaa86e310a5db738",
            ),
        ] {
            assert_eq!(evaluate(text, "pw").as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn passwords_are_re_encoded_or_have_no_bytes_at_all() {
        assert_eq!(
            evaluate("latin1(password)", "é").as_deref(),
            Some(b"\xe9".as_slice())
        );
        assert_eq!(evaluate("latin1(password)", "пароль"), None);
        assert_eq!(
            evaluate("utf16le(password)", "é𝄞").as_deref(),
            Some(b"\xe9\0\x34\xd8\x1e\xdd".as_slice())
        );
    }

    #[test]
    fn what_is_mentioned_is_known() {
        let expression: Expression = "hmac_sha1(pepper, hex(md5(password)) + salt)"
            .parse()
            .unwrap();
        assert!(expression.mentions(Variable::Pepper) && expression.mentions(Variable::Salt));
        assert!(!expression.mentions(Variable::User) && !expression.mentions(Variable::Digest));
    }
}
