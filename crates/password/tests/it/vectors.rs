//! Hashes that other implementations made (`tests/vectors.tsv`), verified through a pool.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    time::Duration,
};

use lychgate_password::{Format, Password, Pepper, Pool, Settings, StoredHash, Unusable};

use crate::generated::compare_or_write;

/// What opens no hash of the file.
const WRONG: &str = "wrong horse";

/// How the file marks hashes of what we know of a format, computed with the functions of another implementation.
const RECIPE: &str = "recipe: ";

/// A hash and what it was made of.
pub(crate) struct Vector {
    pub(crate) format: Format,
    pub(crate) password: &'static str,
    user_name: Option<&'static str>,
    pepper: Option<&'static str>,
    pub(crate) hash: &'static str,
    made_by: &'static str,
}

pub(crate) fn vectors() -> Vec<Vector> {
    let lines = include_str!("../vectors.tsv").lines();
    let read = |line: &'static str| {
        let fields = line.split('\t').collect::<Vec<_>>();
        let [format, password, user_name, pepper, hash, made_by] = fields.try_into().unwrap();
        let given = |field: &'static str| (field != "-").then_some(field);
        Vector {
            format: format.parse().unwrap(),
            password,
            user_name: given(user_name),
            pepper: given(pepper),
            hash,
            made_by,
        }
    };
    lines
        .filter(|line| !line.starts_with('#'))
        .map(read)
        .collect()
}

impl Vector {
    pub(crate) fn pool(&self) -> Pool {
        let pepper = |text: &str| (self.format, Pepper::new(text.to_owned()).unwrap());
        Pool::start(Settings {
            accept: vec![Format::Argon2id, self.format],
            peppers: BTreeMap::from_iter(self.pepper.map(pepper)),
            threads: 1,
            queue_wait: Duration::from_mins(5),
            ..Settings::default()
        })
        .unwrap()
    }

    /// Whether the password is the one of the hash; a hash that cannot be verified has none.
    pub(crate) async fn verifies(
        &self,
        pool: &Pool,
        password: &str,
        hash: &str,
    ) -> Result<bool, Unusable> {
        let hash = pool.parse(&StoredHash::new(hash.to_owned()).unwrap())?;
        let password = Password::new(password.to_owned()).unwrap();
        Ok(pool.verify(password, self.user_name, hash).await.unwrap())
    }
}

/// The table says what the test below holds: each of these hashes opens with its password, and not with a wrong one.
#[test]
fn the_generated_table_has_a_hash_of_another_implementation_for_every_format() {
    let vectors = vectors();
    let mut page = HEAD.to_owned();
    for format in Format::ALL {
        let of_format = vectors.iter().filter(|vector| vector.format == format);
        let (mut itself, mut recipe) = (BTreeSet::new(), BTreeSet::new());
        let hashes = of_format.clone().count();
        for vector in of_format {
            match vector.made_by.strip_prefix(RECIPE) {
                Some(made_by) => recipe.insert(made_by),
                None => itself.insert(vector.made_by),
            };
        }
        assert!(hashes > 0, "{format} has no hash of another implementation");
        let list = |made_by: BTreeSet<&str>| Vec::from_iter(made_by).join("; ");
        let (itself, recipe) = (list(itself), list(recipe));
        writeln!(page, "| `{format}` | {itself} | {recipe} | {hashes} |").unwrap();
    }
    compare_or_write("docs/reference/password-vectors.md", &page);
}

const HEAD: &str = "\
<!-- Made from code by `cargo xtask generate`. -->

# Vectors of the password formats

Every format is verified against hashes that another implementation made: a test opens each with its password, and is
refused with a wrong one. Where the software of a format made none that we have, the hash is of what is known of the
format, computed with the functions of other software; prove such a format with a password that you know before you rely
on it (`lychgate password identify --prove`).

The hashes stand in `crates/password/tests/vectors.tsv`, each with its source. Beside them, `tests/it/others.rs` asks PHP,
libcrypt, OpenSSL, OpenLDAP, MariaDB and PostgreSQL for fresh hashes of random passwords on every run.

| format | made by its own software | made by its recipe, with | verified |
| --- | --- | --- | --- |
";

#[tokio::test]
async fn hashes_of_other_implementations_verify_and_only_with_their_password() {
    let mut wrong = Vec::new();
    for vector in vectors() {
        let pool = vector.pool();
        let right = vector.verifies(&pool, vector.password, vector.hash).await;
        let other = vector.verifies(&pool, WRONG, vector.hash).await;
        if (right, other) != (Ok(true), Ok(false)) {
            wrong.push(format!(
                "{} {}: {right:?} {other:?}",
                vector.format, vector.hash
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
