//! What a format is made of, whether it is a row of the table or declared in config: a family with code of its own, an
//! expression that is data, or another format over a prepared password.

use super::Format;
use crate::{
    expression::{Expression, Variable},
    recipe::{Parsed, Simple, Source, Stretch},
};

/// Everything that there is to know about a format.
#[derive(Debug)]
pub(crate) struct Definition {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) weak: bool,
    pub(crate) kind: Kind,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Family(Family),
    Simple(Simple),
    Over(Over),
    /// A row of the table that does not compile, which reads nothing; a test proves that there is none.
    Broken,
}

/// A family with code of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Family {
    /// How hashes of the family begin.
    pub(crate) prefixes: &'static [&'static str],
    pub(crate) parse: fn(&str) -> Option<Parsed>,
    /// A hash at a cost that says nothing.
    pub(crate) example: fn(u32) -> String,
    pub(crate) default_cost: u32,
    /// What it is computed with beside password and salt.
    pub(crate) needs: Option<Variable>,
}

/// Another format, perhaps after one of these prefixes, perhaps over something made of the password.
#[derive(Debug)]
pub(crate) struct Over {
    pub(crate) prefixes: Vec<String>,
    pub(crate) like: Vec<Format>,
    pub(crate) password: Option<Expression>,
}

impl Kind {
    /// The same family, which is computed with one value more.
    pub(super) fn needing(self, variable: Variable) -> Self {
        match self {
            Self::Family(family) => Self::Family(Family {
                needs: Some(variable),
                ..family
            }),
            other => other,
        }
    }

    pub(super) fn simple(layouts: &[&str], digest: &str) -> Self {
        Self::stretched(layouts, digest, Stretch::None, 1)
    }

    pub(super) fn stretched(layouts: &[&str], digest: &str, stretch: Stretch, rounds: u32) -> Self {
        let source = Source {
            layouts: layouts.iter().map(ToString::to_string).collect(),
            digest: digest.to_owned(),
            stretch,
            rounds,
        };
        Simple::compile(&source).map_or(Self::Broken, Self::Simple)
    }

    pub(super) fn over(prefix: &str, like: &[Format], password: &str) -> Self {
        Self::over_any(&[prefix], like, password)
    }

    pub(super) fn over_any(prefixes: &[&str], like: &[Format], password: &str) -> Self {
        let Ok(password) = password.parse::<Expression>() else {
            return Self::Broken;
        };
        Self::Over(Over {
            prefixes: prefixes.iter().map(ToString::to_string).collect(),
            like: like.to_vec(),
            password: (password != Expression::Variable(Variable::Password)).then_some(password),
        })
    }
}

impl Definition {
    /// Reads a stored hash; `None` when it is none of this format. Does no work that depends on its cost.
    pub(crate) fn parse(&'static self, text: &str) -> Option<Parsed> {
        match &self.kind {
            Kind::Family(family) => (family.parse)(text),
            Kind::Simple(simple) => simple.parse(text),
            Kind::Over(over) => {
                let mut like = over.like.iter();
                let inner = over.strip(text)?;
                like.find_map(|format| format.definition().parse(inner))
            }
            Kind::Broken => None,
        }
    }

    /// Whether a text begins as hashes of this format do and those of most others do not.
    pub(crate) fn begins(&self, text: &str) -> bool {
        match &self.kind {
            Kind::Family(family) => family
                .prefixes
                .iter()
                .any(|prefix| text.starts_with(prefix)),
            Kind::Simple(simple) => simple.begins(text),
            Kind::Over(over) => over.strip(text).is_some_and(|inner| {
                over.like
                    .iter()
                    .any(|format| format.definition().begins(inner))
            }),
            Kind::Broken => false,
        }
    }

    /// What the format makes of a password before it hashes it; `None` for nothing.
    pub(crate) fn preparation(&self) -> Option<&Expression> {
        match &self.kind {
            Kind::Over(over) => over.password.as_ref(),
            Kind::Family(_) | Kind::Simple(_) | Kind::Broken => None,
        }
    }

    pub(crate) fn mentions(&self, variable: Variable) -> bool {
        match &self.kind {
            Kind::Family(family) => family.needs == Some(variable),
            Kind::Broken => false,
            Kind::Simple(simple) => simple.mentions(variable),
            Kind::Over(over) => {
                over.password
                    .as_ref()
                    .is_some_and(|password| password.mentions(variable))
                    || over
                        .like
                        .iter()
                        .any(|format| format.definition().mentions(variable))
            }
        }
    }

    pub(crate) fn example(&self, cost: u32) -> String {
        match &self.kind {
            Kind::Family(family) => (family.example)(cost),
            Kind::Simple(simple) => simple.example(cost),
            Kind::Over(over) => {
                let inner = over
                    .like
                    .first()
                    .map(|format| format.definition().example(cost));
                let prefix = over.prefixes.first().map_or("", String::as_str);
                format!("{prefix}{}", inner.unwrap_or_default())
            }
            Kind::Broken => String::new(),
        }
    }

    pub(crate) fn default_cost(&self) -> u32 {
        match &self.kind {
            Kind::Family(family) => family.default_cost,
            Kind::Simple(simple) => simple.rounds(),
            Kind::Over(over) => over.like.first().map_or(0, |format| format.default_cost()),
            Kind::Broken => 0,
        }
    }
}

impl Over {
    /// What follows the prefix; schemes in braces are read in any case.
    fn strip<'a>(&self, text: &'a str) -> Option<&'a str> {
        let mut prefixes = self.prefixes.iter();
        prefixes.find_map(|prefix| crate::layout::strip(text, prefix))
    }
}
