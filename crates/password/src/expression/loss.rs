//! Which passwords an expression reads whole: derived from what it is made of, never declared beside it.

use super::{Encoding, Expression, Values, Variable, trim};
use crate::loss::{Loss, of_hmac_key};

/// How the bytes of an expression depend on the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Shape {
    /// Not at all.
    Constant,
    /// Through digests only: always of one length, and no part of it is a part of the password.
    Digested,
    /// As it is, or in another encoding.
    Plain,
}

impl Expression {
    /// What of this password the bytes of the expression do not depend on.
    pub(crate) fn loss(&self, values: Values<'_>) -> Option<Loss> {
        match self {
            Self::Variable(_) | Self::Literal(_) => None,
            Self::Digest(_, inner) => inner.loss(values),
            Self::Concatenation(terms) => {
                let plain = terms.iter().filter(|term| term.is_plain()).count();
                if plain > 1 {
                    return Some(Loss::Ambiguous);
                }
                least(terms.iter().map(|term| (term, term.loss(values))))
            }
            Self::Encoded(encoding, inner) => inner.loss(values).or_else(|| {
                let bytes = inner.is_plain().then(|| inner.evaluate(values))??;
                encoding.loss(&bytes)
            }),
            Self::Hmac {
                function,
                key,
                message,
            } => {
                let of_key = key.loss(values).or_else(|| {
                    let bytes = key.is_plain().then(|| key.evaluate(values))??;
                    of_hmac_key(*function, &bytes)
                });
                let parts = [(&**message, message.loss(values)), (&**key, of_key)];
                least(parts.into_iter())
            }
        }
    }

    /// Whether the password is in the bytes of the expression as it is, or in another encoding.
    pub(crate) fn is_plain(&self) -> bool {
        self.shape() == Shape::Plain
    }

    fn shape(&self) -> Shape {
        match self {
            Self::Variable(Variable::Password) => Shape::Plain,
            Self::Variable(_) | Self::Literal(_) => Shape::Constant,
            Self::Encoded(_, inner) => inner.shape(),
            Self::Concatenation(terms) => {
                let shapes = terms.iter().map(Self::shape);
                shapes.max().unwrap_or(Shape::Constant)
            }
            Self::Digest(_, inner) => inner.shape().min(Shape::Digested),
            Self::Hmac { key, message, .. } => {
                key.shape().max(message.shape()).min(Shape::Digested)
            }
        }
    }
}

impl Encoding {
    /// What re-encoding these bytes, which hold the password, takes away. Case counts as lost wherever there is a letter:
    /// who typed it in one may type it in the other tomorrow.
    fn loss(self, bytes: &[u8]) -> Option<Loss> {
        match self {
            // A password that the encoding has no characters for matches nothing.
            Self::Hex | Self::UpperHex | Self::Base64 | Self::Utf16Le | Self::Latin1 => None,
            Self::Upper | Self::Lower => bytes
                .iter()
                .any(u8::is_ascii_alphabetic)
                .then_some(Loss::Case),
            Self::Trim => (trim(bytes).len() < bytes.len()).then_some(Loss::Space),
        }
    }
}

/// The loss of parts that can be told apart: none, if one of those with the password has none.
fn least<'a>(parts: impl Iterator<Item = (&'a Expression, Option<Loss>)>) -> Option<Loss> {
    let mut losses = parts
        .filter(|(part, _)| part.shape() > Shape::Constant)
        .map(|(_, loss)| loss)
        .collect::<Vec<_>>();
    losses.sort_by_key(Option::is_some);
    losses.into_iter().next().flatten()
}
