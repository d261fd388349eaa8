//! Hashes that other implementations made (`tests/vectors.tsv`), verified through a pool.

use std::{collections::BTreeMap, time::Duration};

use lychgate_password::{Format, Password, Pepper, Pool, Settings, StoredHash, Unusable};

/// A hash and what it was made of.
pub(crate) struct Vector {
    pub(crate) format: Format,
    pub(crate) password: &'static str,
    user_name: Option<&'static str>,
    pepper: Option<&'static str>,
    pub(crate) hash: &'static str,
}

pub(crate) fn vectors() -> Vec<Vector> {
    let lines = include_str!("../vectors.tsv").lines();
    let read = |line: &'static str| {
        let fields = line.split('\t').collect::<Vec<_>>();
        let [format, password, user_name, pepper, hash, _made_by] = fields.try_into().unwrap();
        let given = |field: &'static str| (field != "-").then_some(field);
        Vector {
            format: format.parse().unwrap(),
            password,
            user_name: given(user_name),
            pepper: given(pepper),
            hash,
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

#[test]
fn every_format_has_a_hash_of_another_implementation() {
    let vectors = vectors();
    for format in Format::ALL {
        assert!(
            vectors.iter().any(|vector| vector.format == format),
            "{format}"
        );
    }
}

#[tokio::test]
async fn hashes_of_other_implementations_verify_and_only_with_their_password() {
    let mut wrong = Vec::new();
    for vector in vectors() {
        let pool = vector.pool();
        let right = vector.verifies(&pool, vector.password, vector.hash).await;
        let other = vector.verifies(&pool, "wrong horse", vector.hash).await;
        if (right, other) != (Ok(true), Ok(false)) {
            wrong.push(format!(
                "{} {}: {right:?} {other:?}",
                vector.format, vector.hash
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
