//! Formats that config declares: an in-house expression, or another format over what is made of the password.
//! A declaration comes in as text and leaves as a format like any other, or with what is wrong with it.

use std::{
    cmp::Ordering,
    hash::{Hash, Hasher},
    sync::{Mutex, PoisonError},
};

use super::{
    Definition, Format,
    definition::{Kind, Over},
};
use crate::{
    Error,
    expression::{Expression, Variable},
    function::Function,
    recipe::{Simple, Source, Stretch},
};

/// The most formats that a process ever declares.
const MAX_DECLARED: usize = 256;

/// Fewer rounds of a fast function than this are none.
const STRONG_ROUNDS: u32 = 1_000;

/// Declared formats are kept for the life of the process, each of them once however often config is read.
static DECLARED: Mutex<Vec<(Declaration, &'static Definition)>> = Mutex::new(Vec::new());

/// A format that config declares. Clones are the same format, and so are two of one declaration.
#[derive(Clone, Copy, Debug)]
pub struct DeclaredFormat(&'static Definition);

/// What config says of a format of its own.
///
/// ```
/// use lychgate_password::{Declaration, DeclaredRecipe};
///
/// // A shop of 2009: `hexadecimal:salt`, SHA-1 a hundred times over salt, password and pepper.
/// let format = Declaration {
///     name: "shop-2009".to_owned(),
///     recipe: DeclaredRecipe::Expression {
///         stored: vec!["{digest:hex}:{salt}".to_owned()],
///         digest: "sha1(salt + password + pepper)".to_owned(),
///         again: Some("sha1(digest + password)".to_owned()),
///         pbkdf2: None,
///         rounds: 100,
///     },
/// };
/// assert!(format.declare()?.needs_pepper());
/// # Ok::<(), lychgate_password::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declaration {
    /// What config calls it: lower-case letters, digits and hyphens, no name of the table.
    pub name: String,
    /// How it is computed.
    pub recipe: DeclaredRecipe,
}

/// How a declared format is computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeclaredRecipe {
    /// A layout and an expression.
    Expression {
        /// How stored hashes are laid out, such as `{digest:hex}:{salt}`; several where they differ.
        stored: Vec<String>,
        /// The expression of the digest, such as `md5(hex(md5(password)) + salt)`; with `pbkdf2`, of its password.
        digest: String,
        /// What each further round makes of the `digest` before.
        again: Option<String>,
        /// The hash function of PBKDF2, such as `sha256`, which then makes the digest of `digest` and salt.
        pbkdf2: Option<String>,
        /// How many rounds, the first one included, or iterations of PBKDF2, where hashes do not say.
        rounds: u32,
    },
    /// Hashes of another format, after a prefix, over what is made of the password.
    Over {
        /// The other formats, of the table.
        like: Vec<Format>,
        /// What stands before their hashes; often nothing.
        prefix: String,
        /// What they hash, such as `password + pepper`.
        password: String,
    },
}

impl Declaration {
    /// The format that is declared; an error says what is wrong with it, and quotes nothing: a pepper may stand there.
    pub fn declare(self) -> Result<Format, Error> {
        let mut declared = DECLARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, definition)) = declared.iter().find(|(known, _)| *known == self) {
            return Ok(Format::Declared(DeclaredFormat(definition)));
        }
        let refuse = |reason: String| Error::Declaration { reason };
        if declared.len() >= MAX_DECLARED {
            return Err(refuse(format!("is one more than {MAX_DECLARED}")));
        }
        is_name(&self.name).map_err(refuse)?;
        let (kind, weak) = compile(&self.recipe).map_err(refuse)?;
        let definition: &'static Definition = Box::leak(Box::new(Definition {
            name: Box::leak(self.name.clone().into_boxed_str()),
            description: "Declared by config.",
            weak,
            kind,
        }));
        declared.push((self, definition));
        Ok(Format::Declared(DeclaredFormat(definition)))
    }
}

impl DeclaredFormat {
    /// The name in its declaration.
    pub const fn name(self) -> &'static str {
        self.0.name
    }

    pub(crate) const fn definition(self) -> &'static Definition {
        self.0
    }
}

fn is_name(name: &str) -> Result<(), String> {
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || name.len() > 64 || !name.bytes().all(legal) {
        return Err("needs a name of lower-case letters, digits and hyphens".to_owned());
    }
    if name.parse::<Format>().is_ok() {
        return Err("has the name of a format that is there already".to_owned());
    }
    Ok(())
}

/// What a declaration is made of, and whether it is weak.
fn compile(recipe: &DeclaredRecipe) -> Result<(Kind, bool), String> {
    match recipe {
        DeclaredRecipe::Expression {
            stored,
            digest,
            again,
            pbkdf2,
            rounds,
        } => {
            let source = Source {
                layouts: stored.clone(),
                digest: digest.clone(),
                stretch: stretch(again.as_deref(), pbkdf2.as_deref())?,
                rounds: *rounds,
            };
            let simple = Simple::compile(&source)?;
            let weak = *rounds < STRONG_ROUNDS;
            Ok((Kind::Simple(simple), weak))
        }
        DeclaredRecipe::Over {
            like,
            prefix,
            password,
        } => {
            let password: Expression = password
                .parse()
                .map_err(|reason| format!("`password` {reason}"))?;
            if !password.mentions(Variable::Password) {
                return Err("`password` must mention the password".to_owned());
            }
            if password.mentions(Variable::Salt) || password.mentions(Variable::Digest) {
                return Err(
                    "`password` has no salt and no digest; those are of the other format"
                        .to_owned(),
                );
            }
            let prepared = |format: &Format| {
                format.definition().preparation().is_some() || matches!(format, Format::Declared(_))
            };
            if like.is_empty() || like.iter().any(prepared) {
                return Err("`like` needs formats that hash the password as it is".to_owned());
            }
            let weak = like.iter().any(|format| format.is_weak());
            let over = Over {
                prefixes: vec![prefix.clone()],
                like: like.clone(),
                password: Some(password),
            };
            Ok((Kind::Over(over), weak))
        }
    }
}

fn stretch(again: Option<&str>, pbkdf2: Option<&str>) -> Result<Stretch, String> {
    match (again, pbkdf2) {
        (None, None) => Ok(Stretch::None),
        (Some(again), None) => Ok(Stretch::Again(again.to_owned())),
        (None, Some(name)) => {
            let function = Function::ALL
                .into_iter()
                .find(|function| function.name() == name);
            Ok(Stretch::Pbkdf2 {
                function: function.ok_or("has no hash function of that name for `pbkdf2`")?,
                salt: "salt".to_owned(),
                finish: "digest".to_owned(),
            })
        }
        (Some(_), Some(_)) => Err("has `again` and `pbkdf2`; one of them repeats".to_owned()),
    }
}

// One declaration is one definition, so that its place is its identity; names are for the order of lists.
impl PartialEq for DeclaredFormat {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

impl Eq for DeclaredFormat {}

impl Hash for DeclaredFormat {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::ptr::from_ref(self.0).hash(state);
    }
}

impl PartialOrd for DeclaredFormat {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for DeclaredFormat {
    fn cmp(&self, other: &Self) -> Ordering {
        let place = |format: &Self| std::ptr::from_ref(format.0);
        (self.0.name, place(self)).cmp(&(other.0.name, place(other)))
    }
}
