//! The formats that are data: a layout, an expression, and perhaps rounds of it or PBKDF2 (RFC 8018).
//! The rows of the format table and of config come in as text and leave compiled, or with what is wrong with them.

use super::{Parsed, Pbkdf2, Recipe, Secrets};
use crate::{
    expression::{Expression, Values, Variable},
    function::{Bytes, Function},
    layout::Layout,
    loss::{self, Loss},
};

/// The rounds that a config may name.
const MAX_ROUNDS: u32 = 10_000_000;

/// A format as it is written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    /// How stored hashes are laid out; several where libraries differ.
    pub(crate) layouts: Vec<String>,
    /// The expression of the digest; with PBKDF2, of its password.
    pub(crate) digest: String,
    /// What follows.
    pub(crate) stretch: Stretch,
    /// How often in all, where the hash does not say.
    pub(crate) rounds: u32,
}

/// What is done to a digest to make it dear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stretch {
    /// Nothing.
    None,
    /// Another expression over the digest before, round after round.
    Again(String),
    /// PBKDF2 by HMAC, with an expression for its salt and one for what becomes of its output.
    Pbkdf2 {
        function: Function,
        salt: String,
        finish: String,
    },
}

/// A format that is ready to be computed.
#[derive(Debug, PartialEq)]
pub(crate) struct Simple {
    layouts: Vec<Layout>,
    digest: Expression,
    stretch: CompiledStretch,
    rounds: u32,
}

#[derive(Debug, PartialEq)]
enum CompiledStretch {
    None,
    Again(Expression),
    Pbkdf2 {
        function: Function,
        salt: Expression,
        finish: Option<Expression>,
    },
}

impl Simple {
    /// Compiles a format; the error says what is wrong with which part, for the one who wrote it.
    pub(crate) fn compile(source: &Source) -> Result<Self, String> {
        let of = |part: &'static str| move |reason| format!("`{part}` {reason}");
        let digest: Expression = source.digest.parse().map_err(of("digest"))?;
        if !digest.mentions(Variable::Password) {
            return Err("`digest` must mention the password".to_owned());
        }
        if digest.mentions(Variable::Digest) {
            return Err("`digest` cannot mention itself; what rounds repeat is `again`".to_owned());
        }
        let hashed = |expression: &Expression, part: &str| {
            expression.function().map(Function::digest_bytes).ok_or_else(|| {
                format!("`{part}` must be a hash function of something, such as `sha1(salt + password)`")
            })
        };
        let (digest_bytes, stretch) = match &source.stretch {
            Stretch::None => (hashed(&digest, "digest")?, CompiledStretch::None),
            Stretch::Again(again) => {
                let again: Expression = again.parse().map_err(of("again"))?;
                if !again.mentions(Variable::Digest) {
                    return Err("`again` must mention the digest before".to_owned());
                }
                hashed(&digest, "digest")?;
                (hashed(&again, "again")?, CompiledStretch::Again(again))
            }
            Stretch::Pbkdf2 {
                function,
                salt,
                finish,
            } => {
                if !Pbkdf2::knows(*function) {
                    return Err(format!("`pbkdf2` by {function} is not known"));
                }
                let salt: Expression = salt.parse().map_err(of("salt"))?;
                let finish = match finish.as_str() {
                    "digest" => None,
                    finish => Some(finish.parse::<Expression>().map_err(of("finish"))?),
                };
                let outermost = finish.as_ref().and_then(Expression::function);
                let bytes = outermost.unwrap_or(*function).digest_bytes();
                (
                    bytes,
                    CompiledStretch::Pbkdf2 {
                        function: *function,
                        salt,
                        finish,
                    },
                )
            }
        };
        let layouts = source.layouts.iter();
        let layouts = layouts
            .map(|layout| Layout::parse(layout, digest_bytes).map_err(of("stored")))
            .collect::<Result<Vec<_>, String>>()?;
        let simple = Self {
            layouts,
            digest,
            stretch,
            rounds: source.rounds,
        };
        simple.is_consistent()?;
        Ok(simple)
    }

    fn is_consistent(&self) -> Result<(), String> {
        if self.layouts.is_empty() {
            return Err("`stored` must say how hashes are laid out".to_owned());
        }
        if !(1..=MAX_ROUNDS).contains(&self.rounds) {
            return Err(format!("`rounds` must be from 1 to {MAX_ROUNDS}"));
        }
        let salted = self.mentions(Variable::Salt);
        if self
            .layouts
            .iter()
            .any(|layout| layout.has_salt() != salted)
        {
            return Err("`stored` and `digest` must both have the salt, or neither".to_owned());
        }
        let counted = self.rounds > 1 || self.layouts.iter().any(Layout::has_rounds);
        if counted && !self.repeats() {
            return Err("rounds need `again` or `pbkdf2`, to say what is repeated".to_owned());
        }
        Ok(())
    }

    /// Reads a stored hash of one of the layouts.
    pub(crate) fn parse(&'static self, text: &str) -> Option<Parsed> {
        let reading = self.layouts.iter().find_map(|layout| layout.read(text))?;
        Some(Parsed {
            recipe: Recipe::Simple {
                simple: self,
                rounds: reading.rounds.unwrap_or(self.rounds),
            },
            salt: reading.salt,
            digest: reading.digest,
        })
    }

    pub(crate) fn begins(&self, text: &str) -> bool {
        self.layouts.iter().any(|layout| layout.begins(text))
    }

    /// A hash that says nothing, of so many rounds where hashes say them.
    pub(crate) fn example(&self, rounds: u32) -> String {
        let layout = self.layouts.first();
        layout.map_or_else(String::new, |layout| layout.example(rounds))
    }

    /// Rounds of a hash that does not say them.
    pub(crate) fn rounds(&self) -> u32 {
        self.rounds
    }

    /// Whether rounds are iterations of PBKDF2.
    pub(crate) fn is_pbkdf2(&self) -> bool {
        matches!(self.stretch, CompiledStretch::Pbkdf2 { .. })
    }

    /// Whether there are rounds at all.
    pub(crate) fn repeats(&self) -> bool {
        self.stretch != CompiledStretch::None
    }

    pub(crate) fn mentions(&self, variable: Variable) -> bool {
        self.digest.mentions(variable)
            || match &self.stretch {
                CompiledStretch::None => false,
                CompiledStretch::Again(again) => again.mentions(variable),
                CompiledStretch::Pbkdf2 { salt, .. } => salt.mentions(variable),
            }
    }

    /// What of the password is not in the digest. A key of PBKDF2 is one of HMAC.
    pub(crate) fn loss(&self, secrets: Secrets<'_>, salt: &[u8]) -> Option<Loss> {
        let values = values(secrets, salt);
        self.digest.loss(values).or_else(|| match &self.stretch {
            CompiledStretch::Pbkdf2 { function, .. } if self.digest.is_plain() => {
                loss::of_hmac_key(*function, &self.digest.evaluate(values)?)
            }
            CompiledStretch::None | CompiledStretch::Again(_) | CompiledStretch::Pbkdf2 { .. } => {
                None
            }
        })
    }

    pub(super) fn derive(
        &self,
        secrets: Secrets<'_>,
        salt: &[u8],
        rounds: u32,
        digest_bytes: usize,
    ) -> Option<Bytes> {
        let values = values(secrets, salt);
        let mut digest = self.digest.evaluate(values)?;
        match &self.stretch {
            CompiledStretch::None => {}
            CompiledStretch::Again(again) => {
                for _ in 1..rounds {
                    digest = again.evaluate(Values {
                        digest: &digest,
                        ..values
                    })?;
                }
            }
            CompiledStretch::Pbkdf2 {
                function,
                salt,
                finish,
            } => {
                let bytes = finish
                    .as_ref()
                    .map_or(digest_bytes, |_| function.digest_bytes());
                let pbkdf2 = Pbkdf2 {
                    function: *function,
                    iterations: rounds,
                };
                let key = pbkdf2.derive(&digest, &salt.evaluate(values)?, bytes)?;
                digest = match finish {
                    Some(finish) => finish.evaluate(Values {
                        digest: &key,
                        ..values
                    })?,
                    None => key,
                };
            }
        }
        Some(digest)
    }
}

fn values<'a>(secrets: Secrets<'a>, salt: &'a [u8]) -> Values<'a> {
    Values {
        password: secrets.password,
        user: secrets.user,
        pepper: secrets.pepper,
        salt,
        digest: &[],
    }
}
