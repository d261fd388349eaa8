//! A stored hash whose every part is legal in its format, with what it takes to verify it.
//! Only an [`Acceptance`](crate::acceptance::Acceptance) makes one: whoever has it knows that its cost is within bounds.

use std::fmt;

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::{
    Error, Format, Loss, Password, Pepper,
    expression::{Expression, Values, Variable},
    function::Bytes,
    recipe::{Parsed, Recipe, Secrets},
};

/// A stored hash that can be verified: of an accepted format, well-formed, and within the limits.
///
/// It has no `Debug`, `Display`, `Serialize`, `PartialEq` or `Clone`.
pub struct ParsedHash {
    format: Format,
    parsed: Parsed,
    pepper: Option<Pepper>,
    is_decoy: bool,
}

/// The work of one verification, as precisely as its duration depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cost {
    format: Format,
    parameters: [u32; 3],
    salt_bytes: usize,
    digest_bytes: usize,
}

impl fmt::Display for Cost {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [one, two, three] = self.parameters;
        let (format, salt, digest) = (self.format, self.salt_bytes, self.digest_bytes);
        write!(formatter, "{format} {one},{two},{three} {salt},{digest}")
    }
}

impl ParsedHash {
    pub(crate) fn new(format: Format, parsed: Parsed, pepper: Option<Pepper>) -> Self {
        Self {
            format,
            parsed,
            pepper,
            is_decoy: false,
        }
    }

    /// The format that it was read as.
    pub fn format(&self) -> Format {
        self.format
    }

    pub(crate) fn recipe(&self) -> &Recipe {
        &self.parsed.recipe
    }

    pub(crate) fn cost(&self) -> Cost {
        Cost {
            format: self.format,
            parameters: self.parsed.recipe.parameters(),
            salt_bytes: self.parsed.salt.len(),
            digest_bytes: self.parsed.digest.len(),
        }
    }

    /// What of this password the hash does not depend on, so that another password has the same hash; `None` for one that
    /// is read whole, of which there is at most one that this hash is of.
    pub fn loss(&self, password: &Password, user_name: Option<&str>) -> Option<Loss> {
        let pepper = self.pepper.as_ref().map_or(&[][..], Pepper::expose_secret);
        let secrets = Secrets {
            password: password.expose_secret().as_bytes(),
            user: user_name.unwrap_or_default().as_bytes(),
            pepper,
        };
        let Parsed { recipe, salt, .. } = &self.parsed;
        let Some(preparation) = self.format.definition().preparation() else {
            return recipe.loss(secrets, salt);
        };
        let values = Values {
            password: secrets.password,
            user: secrets.user,
            pepper,
            ..Values::default()
        };
        if let Some(loss) = preparation.loss(values) {
            return Some(loss);
        }
        let prepared = preparation.evaluate(values)?;
        if preparation.is_plain() {
            return recipe.loss(
                Secrets {
                    password: &prepared,
                    ..secrets
                },
                salt,
            );
        }
        // Of a digest alone enough is read; of what stands behind something else perhaps nothing.
        let is_cut = recipe
            .reads_at_most()
            .is_some_and(|bytes| prepared.len() > bytes);
        (is_cut && matches!(preparation, Expression::Concatenation(_))).then_some(Loss::Length)
    }

    /// A decoy of the same cost: nothing of the salt and digest is kept, and whatever is typed does not match.
    pub(crate) fn decoy(&self) -> Self {
        let blank = |bytes: &Bytes| Zeroizing::new(vec![0; bytes.len()]);
        Self {
            format: self.format,
            parsed: Parsed {
                recipe: self.parsed.recipe.clone(),
                salt: blank(&self.parsed.salt),
                digest: blank(&self.parsed.digest),
            },
            pepper: self.pepper.clone(),
            is_decoy: true,
        }
    }

    /// Whether this is a hash of the password of this user. The work is all done whatever the answer, and compared in
    /// constant time.
    pub(crate) fn verify(
        &self,
        password: &Password,
        user_name: Option<&str>,
    ) -> Result<bool, Error> {
        let definition = self.format.definition();
        let pepper = self.pepper.as_ref().map_or(&[][..], Pepper::expose_secret);
        if definition.mentions(Variable::User) && user_name.is_none() {
            return Err(Error::UserNameMissing(self.format));
        }
        let user = user_name.unwrap_or_default().as_bytes();
        let typed = password.expose_secret().as_bytes();
        let values = Values {
            password: typed,
            user,
            pepper,
            ..Values::default()
        };
        let prepared = definition
            .preparation()
            .map(|preparation| preparation.evaluate(values));
        // What cannot be prepared matches nothing, after the same work.
        let is_possible = !matches!(prepared, Some(None));
        let prepared = prepared.flatten();
        let secrets = Secrets {
            password: prepared.as_ref().map_or(typed, |prepared| prepared),
            user,
            pepper,
        };
        let parsed = &self.parsed;
        let derived = parsed
            .recipe
            .derive(secrets, &parsed.salt, parsed.digest.len())?;
        let is_equal = derived.is_some_and(|derived| derived.ct_eq(&parsed.digest).into());
        Ok(is_equal && is_possible && !self.is_decoy)
    }
}
