//! What the hashes of a column may be, told from a sample of them, and which format a known password proves.
//! Hashes come in one by one and leave as counts: no text is kept. Where several formats fit, all are said; nothing here
//! guesses, for a digest does not say what was hashed.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Format, Limits, ParsedHash, Password, Pepper, StoredHash, recipe::Recipe};

/// What crypt(3), shadow(5) and their heirs write where no password opens an account.
const MARKS: [&str; 6] = ["*", "x", "NP", "*NP*", "*0", "*1"];

/// How such marks begin where something follows: a locked account of shadow(5) or Solaris keeps its hash behind the
/// mark, and Django's is followed by random characters.
const MARKED: [&str; 2] = ["!", "*LK*"];

/// Counts what the hashes of a sample may be, and keeps none of them.
///
/// ```
/// use lychgate_password::{Format, Recogniser, StoredHash};
///
/// let mut recogniser = Recogniser::new();
/// for text in ["$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0", "5f4dcc3b5aa765d61d8327deb882cf99", "!"] {
///     recogniser.observe(&StoredHash::new(text.to_owned())?);
/// }
/// let recognition = recogniser.recognition();
/// assert_eq!((recognition.observed, recognition.blank), (3, 1));
/// let candidates = recognition.candidates().collect::<Vec<_>>();
/// assert!(candidates.iter().any(|candidate| candidate.format == Format::Phpass && candidate.is_certain));
/// // 32 hexadecimal digits are MD5, or one of several others: only a known password tells.
/// assert!(candidates.iter().any(|candidate| candidate.format == Format::Md5 && !candidate.is_certain));
/// # Ok::<(), lychgate_password::Error>(())
/// ```
#[derive(Default)]
pub struct Recogniser {
    /// Formats of config, beside those of the table.
    declared: Vec<Format>,
    observed: u64,
    blank: u64,
    unknown: u64,
    /// How many hashes fit exactly these formats.
    fits: BTreeMap<Vec<Format>, u64>,
    /// What the hashes that fit a format ask for.
    costs: BTreeMap<Format, Costs>,
}

#[derive(Default)]
struct Costs {
    parameters: Vec<CostRange>,
    over_limits: u64,
}

/// What the hashes of a sample may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recognition {
    /// How many were observed.
    pub observed: u64,
    /// How many of them are no hash: empty, or the mark of an account that no password opens.
    pub blank: u64,
    /// How many of them are like no format there is.
    pub unknown: u64,
    /// The formats that fit the others, in groups that have no hash in common, the largest first.
    pub groups: Vec<Group>,
}

/// Hashes that are alike: each fits some of these formats, and no format outside of the group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// How many hashes.
    pub hashes: u64,
    /// The formats that they may be of, those that fit most of them first, and the more common before the rarer.
    pub candidates: Vec<Candidate>,
}

/// A format that hashes may be of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The format.
    pub format: Format,
    /// How many hashes may be of it.
    pub fits: u64,
    /// Whether these can be of no other format.
    pub is_certain: bool,
    /// How many of these ask for more work than the default [`Limits`] allow, and would be refused.
    pub over_limits: u64,
    /// What these ask for, in the order that the format has it; nothing for one that always costs the same.
    pub costs: Vec<CostRange>,
}

/// A parameter that the cost of a hash depends on, over all hashes that fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CostRange {
    /// Its name: `memory_kib`, `passes`, `lanes`, `log2_rounds`, `log2_n`, `block_size`, `iterations` or `rounds`.
    pub name: &'static str,
    /// The least of them.
    pub least: u32,
    /// The most of them.
    pub most: u32,
}

impl Recogniser {
    /// One that knows the formats of the table.
    pub fn new() -> Self {
        Self::default()
    }

    /// One that knows these formats of config, too.
    pub fn with_declared(formats: &[Format]) -> Self {
        Self {
            declared: formats.to_vec(),
            ..Self::default()
        }
    }

    /// Counts a hash.
    pub fn observe(&mut self, hash: &StoredHash) {
        self.observed += 1;
        if is_blank(hash) {
            self.blank += 1;
            return;
        }
        let mut fitting = Vec::new();
        for format in Format::ALL.iter().chain(&self.declared) {
            if let Some(parsed) = format.definition().parse(hash.expose_secret()) {
                fitting.push(*format);
                self.costs
                    .entry(*format)
                    .or_default()
                    .observe(&parsed.recipe);
            }
        }
        if fitting.is_empty() {
            self.unknown += 1;
        } else {
            *self.fits.entry(fitting).or_default() += 1;
        }
    }

    /// What they may be, all that was observed until now.
    pub fn recognition(&self) -> Recognition {
        let mut groups = self.groups();
        groups.sort_by(|one, other| {
            let first = |group: &Group| group.candidates.first().map(rank);
            (other.hashes.cmp(&one.hashes)).then_with(|| first(one).cmp(&first(other)))
        });
        Recognition {
            observed: self.observed,
            blank: self.blank,
            unknown: self.unknown,
            groups,
        }
    }

    fn groups(&self) -> Vec<Group> {
        // Sets of formats that have one in common belong together; each set that comes joins all that it touches.
        let mut joined: Vec<BTreeSet<Format>> = Vec::new();
        for set in self.fits.keys() {
            let mut whole = set.iter().copied().collect::<BTreeSet<_>>();
            joined.retain(|other| {
                let is_apart = other.is_disjoint(&whole);
                if !is_apart {
                    whole.extend(other);
                }
                is_apart
            });
            joined.push(whole);
        }
        joined.iter().map(|formats| self.group(formats)).collect()
    }

    fn group(&self, formats: &BTreeSet<Format>) -> Group {
        let count = |wanted: Option<Format>| -> u64 {
            let has = |set: &[Format]| match wanted {
                Some(format) => set.contains(&format),
                None => set.iter().any(|format| formats.contains(format)),
            };
            let fits = self.fits.iter().filter(|(set, _)| has(set));
            fits.map(|(_, count)| count).sum()
        };
        let mut candidates = formats
            .iter()
            .map(|format| {
                let costs = self.costs.get(format);
                Candidate {
                    format: *format,
                    fits: count(Some(*format)),
                    is_certain: formats.len() == 1,
                    over_limits: costs.map_or(0, |costs| costs.over_limits),
                    costs: costs.map_or_else(Vec::new, |costs| costs.parameters.clone()),
                }
            })
            .collect::<Vec<_>>();
        candidates.sort_by_key(rank);
        Group {
            hashes: count(None),
            candidates,
        }
    }
}

impl Costs {
    fn observe(&mut self, recipe: &Recipe) {
        self.over_limits += u64::from(!Limits::default().allow(recipe));
        for (name, value) in recipe.parameter_names().iter().zip(recipe.parameters()) {
            match self.parameters.iter_mut().find(|cost| cost.name == *name) {
                Some(cost) => {
                    cost.least = cost.least.min(value);
                    cost.most = cost.most.max(value);
                }
                None => self.parameters.push(CostRange {
                    name,
                    least: value,
                    most: value,
                }),
            }
        }
    }
}

impl Recognition {
    /// The formats of all groups, in their order.
    pub fn candidates(&self) -> impl Iterator<Item = &Candidate> {
        self.groups.iter().flat_map(|group| &group.candidates)
    }
}

/// Those that fit more come first, then those that need nothing but the password, then the order of the table.
fn rank(candidate: &Candidate) -> (std::cmp::Reverse<u64>, bool, Format) {
    let format = candidate.format;
    let needs_more = format.needs_pepper() || format.needs_user_name();
    (std::cmp::Reverse(candidate.fits), needs_more, format)
}

/// Whether a text is no hash, but says that there is none, or that the account is locked.
fn is_blank(hash: &StoredHash) -> bool {
    let text = hash.expose_secret().trim();
    text.is_empty() || MARKS.contains(&text) || MARKED.iter().any(|mark| text.starts_with(mark))
}

/// What is known of the user of a hash.
pub struct Known<'a> {
    /// The password.
    pub password: &'a Password,
    /// The name, which some formats hash.
    pub user_name: Option<&'a str>,
    /// The secret of the application, which some formats hash; it is tried for each of them.
    pub pepper: Option<&'a Pepper>,
}

/// Of the formats that fit a hash, those that a known password proves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proof {
    /// Under these the password is the one of the hash; where there are several, they are names of one computation.
    pub proven: Vec<Format>,
    /// These fit and were not tried.
    pub untried: Vec<(Format, Untried)>,
}

/// Why a format that fits a hash was not tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Untried {
    /// It needs the pepper of the application, which was not given or is none of this format.
    NeedsPepper,
    /// It needs the name of the user, which was not given.
    NeedsUserName,
    /// The hash asks for more work than the limits allow.
    TooCostly,
}

/// Tries a known password for each format of the table that fits a hash, and for these declared ones.
///
/// It computes at most once a format, each within the limits, on the caller's thread.
pub fn prove(hash: &StoredHash, known: &Known<'_>, declared: &[Format], limits: &Limits) -> Proof {
    let mut proof = Proof::default();
    for format in Format::ALL.iter().chain(declared) {
        match is_proven(*format, hash, known, limits) {
            Some(Ok(true)) => proof.proven.push(*format),
            Some(Err(reason)) => proof.untried.push((*format, reason)),
            Some(Ok(false)) | None => {}
        }
    }
    proof
}

/// Whether the password is the one of the hash under a format; `None` where the format does not fit.
fn is_proven(
    format: Format,
    hash: &StoredHash,
    known: &Known<'_>,
    limits: &Limits,
) -> Option<Result<bool, Untried>> {
    let parsed = format.definition().parse(hash.expose_secret())?;
    if format.needs_pepper() && known.pepper.is_none() {
        return Some(Err(Untried::NeedsPepper));
    }
    if format.needs_user_name() && known.user_name.is_none() {
        return Some(Err(Untried::NeedsUserName));
    }
    if !limits.allow(&parsed.recipe) {
        return Some(Err(Untried::TooCostly));
    }
    let parsed = ParsedHash::new(format, parsed, known.pepper.cloned());
    let verdict = parsed.verify(known.password, known.user_name);
    // A pepper that is no key of the format is the one thing that can still be wrong.
    Some(verdict.map_err(|_| Untried::NeedsPepper))
}

#[cfg(test)]
mod tests {
    use super::{Known, Proof, Recogniser, Recognition, Untried, prove};
    use crate::{Declaration, DeclaredRecipe, Format, Limits, Password, Pepper, StoredHash};

    const BCRYPT_OF_MD5: &str = "$2b$04$KDuo4fEgEBAm8mTRSfKy7uxPbTQc5opZnBO7mq5TepxacpGh95Fcq";

    fn stored(text: &str) -> StoredHash {
        StoredHash::new(text.to_owned()).unwrap()
    }

    fn recognise(texts: &[&str]) -> Recognition {
        let mut recogniser = Recogniser::new();
        for text in texts {
            recogniser.observe(&stored(text));
        }
        recogniser.recognition()
    }

    fn prove_horse(hash: &str, user_name: Option<&str>, pepper: Option<&str>) -> Proof {
        let password = Password::new("correct horse".to_owned()).unwrap();
        let pepper = pepper.map(|pepper| Pepper::new(pepper.to_owned()).unwrap());
        let known = Known {
            password: &password,
            user_name,
            pepper: pepper.as_ref(),
        };
        prove(&stored(hash), &known, &[], &Limits::default())
    }

    #[test]
    fn what_is_no_hash_is_counted_apart_from_what_is_like_none() {
        let recognition = recognise(&[
            "",
            "  ",
            "!",
            "!!",
            "*",
            "x",
            "*LK*",
            "!$6$a$b",
            "!M0tWdBEZ7yGDb1Vpx0Nq4xSjZJkD2hNnB3mT6WqE",
            "hunter2",
            "{SASL}ada@EXAMPLE.COM",
        ]);
        assert_eq!(recognition.observed, 11);
        assert_eq!((recognition.blank, recognition.unknown), (9, 2));
        assert_eq!(recognition.groups, []);
        // MySQL's begin with the mark, too.
        let mysql = recognise(&["*FCF7C1B8749CF99D88E5F34271D636178FB5D130"]);
        assert_eq!((mysql.blank, mysql.groups.len()), (0, 1));
    }

    #[test]
    fn a_mixed_column_falls_into_groups_the_largest_first() {
        let recognition = recognise(&[
            "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0",
            "{SSHA}0c0blFTXXNuAMHECS4uxrj3ZieMoWImr",
            "8743b52063cd84097a65d1633f5c74f5",
            "$P$984478476IagS59wHZvyQMArzfx58u.",
        ]);
        let groups = recognition.groups.iter();
        let groups = groups.map(|group| (group.hashes, group.candidates[0].format));
        assert!(groups.eq([(2, Format::Phpass), (1, Format::LdapSsha), (1, Format::Md5)]));
        let certain = recognition
            .candidates()
            .filter(|candidate| candidate.is_certain);
        let certain = certain.map(|candidate| candidate.format);
        assert!(certain.eq([Format::Phpass, Format::LdapSsha]));
    }

    #[test]
    fn of_formats_that_fit_alike_the_ones_that_need_nothing_come_first() {
        let recognition = recognise(&[BCRYPT_OF_MD5]);
        let formats = recognition.candidates().map(|candidate| candidate.format);
        assert!(formats.eq([
            Format::Bcrypt,
            Format::BcryptMd5,
            Format::BcryptSha1,
            Format::BcryptSha256,
            Format::BcryptSha512,
            Format::Devise,
        ]));
        assert!(
            recognition
                .candidates()
                .all(|candidate| !candidate.is_certain)
        );
    }

    #[test]
    fn a_format_that_fits_only_some_of_a_group_comes_after_those_that_fit_all() {
        let recognition = recognise(&[
            "07b1bb83af06d6f313db0d7b3d44f559:xy",
            "34902f97c08b6bea44146f3e191a0dcb:xyxyxyxyxyxyxyxyxyxyxyxyxyxyxyxy:0",
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA:é:0",
        ]);
        assert_eq!(recognition.groups.len(), 1, "{recognition:?}");
        let candidates = &recognition.groups[0].candidates;
        assert!(candidates.is_sorted_by(|one, other| one.fits >= other.fits));
        assert_eq!(recognition.groups[0].hashes, 3);
    }

    #[test]
    fn what_the_hashes_of_a_format_ask_for_is_said_as_a_range() {
        let (salt, digest) = ("A".repeat(22), "A".repeat(43));
        let recognition = recognise(&[
            &format!("$argon2id$v=19$m=4096,t=3,p=1${salt}${digest}"),
            &format!("$argon2id$v=19$m=65536,t=2,p=1${salt}${digest}"),
            &format!("$argon2id$v=19$m=4194304,t=3,p=1${salt}${digest}"),
        ]);
        let [candidate] = recognition.groups[0].candidates.as_slice() else {
            panic!("{recognition:?}");
        };
        let costs = candidate.costs.iter();
        assert!(costs.map(|cost| (cost.name, cost.least, cost.most)).eq([
            ("memory_kib", 4096, 4_194_304),
            ("passes", 2, 3),
            ("lanes", 1, 1),
        ]));
        assert_eq!(candidate.over_limits, 1);
        let md5 = recognise(&["8743b52063cd84097a65d1633f5c74f5"]);
        assert!(md5.candidates().all(|candidate| candidate.costs.is_empty()));
    }

    #[test]
    fn a_known_password_proves_the_format_that_its_looks_do_not_tell() {
        let proof = prove_horse(BCRYPT_OF_MD5, None, None);
        assert_eq!(proof.proven, [Format::BcryptMd5]);
        assert_eq!(proof.untried, [(Format::Devise, Untried::NeedsPepper)]);

        // What takes a long time is not tried.
        let dear = format!("$2b$31${}", ".".repeat(53));
        let proof = prove_horse(&dear, None, Some("pepper"));
        assert_eq!(proof.proven, []);
        assert!(
            proof
                .untried
                .iter()
                .all(|(_, why)| *why == Untried::TooCostly)
        );
    }

    #[test]
    fn a_proof_takes_the_pepper_and_the_name_where_a_format_asks_for_them() {
        let devise = "$2b$04$fMsqTEl88GuzIShoWCUpYe/js.iypPc8KnnedfiDMb5oJmup9dlpi";
        assert_eq!(prove_horse(devise, None, None).proven, []);
        assert_eq!(prove_horse(devise, None, Some("salt")).proven, []);
        assert_eq!(
            prove_horse(devise, None, Some("pepper")).proven,
            [Format::Devise]
        );
        let unnamed = prove_horse("md59edda7f7e90c873092e8fffa767f296f", None, None);
        assert_eq!(
            unnamed.untried,
            [(Format::PostgresMd5, Untried::NeedsUserName)]
        );
    }

    #[test]
    fn formats_of_config_are_recognised_and_proven_with_those_of_the_table() {
        let declaration = Declaration {
            name: "recognised-in-house".to_owned(),
            recipe: DeclaredRecipe::Expression {
                stored: vec!["house:{digest:hex}".to_owned()],
                digest: "md5(password)".to_owned(),
                again: None,
                pbkdf2: None,
                rounds: 1,
            },
        };
        let format = declaration.declare().unwrap();
        let hash = stored("house:5f4dcc3b5aa765d61d8327deb882cf99");
        let mut recogniser = Recogniser::with_declared(&[format]);
        recogniser.observe(&hash);
        let recognition = recogniser.recognition();
        assert!(
            recognition
                .candidates()
                .map(|candidate| candidate.format)
                .eq([format])
        );
        let password = Password::new("password".to_owned()).unwrap();
        let known = Known {
            password: &password,
            user_name: None,
            pepper: None,
        };
        let proof = prove(&hash, &known, &[format], &Limits::default());
        assert_eq!(proof.proven, [format]);
    }
}
