//! How a config is written: which keys stand where, which texts are filled in from elsewhere and from which files.
//! For whoever judges a config that can be used; it holds no value.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::Value;
use zeroize::Zeroizing;

use super::document::{Document, Key, Place};
use super::substitution;

/// How a config is written.
#[derive(Default)]
pub(crate) struct Source {
    places: BTreeMap<String, Place>,
    literals: BTreeSet<String>,
    files: Vec<(String, PathBuf)>,
    watched: BTreeSet<PathBuf>,
    digests: BTreeMap<String, [u8; 32]>,
}

/// Keys, by their ends, whose text names a file that a config is made of.
const NAMES_A_FILE: [&str; 4] = [
    "tls.certificate",
    "tls.key",
    "tls.client_ca",
    "tls.client_crl",
];

/// Keys, by their beginnings, whose files the store itself reads again when they change.
const READ_BY_THE_STORE: [&str; 2] = ["store.url", "store.credentials"];

/// The beginning of the keys that `lychgate attack` alone reads: a server in use has nothing of them.
const READ_BY_ATTACK: &str = "attack.";

impl Source {
    /// Whether the config has this key.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.places.contains_key(key)
    }

    /// Line and column of a key, or of the nearest table around it that is there.
    pub(crate) fn place(&self, key: &str) -> (usize, usize) {
        let mut key = key;
        loop {
            if let Some(place) = self.places.get(key) {
                return (place.line, place.column);
            }
            match key.rfind(['.', '[']) {
                Some(end) => key = key.get(..end).unwrap_or_default(),
                None => return (1, 1),
            }
        }
    }

    /// The keys whose text stands in the config as it is.
    pub(crate) fn literals(&self) -> impl Iterator<Item = &str> {
        self.literals.iter().map(String::as_str)
    }

    /// The files that hold what is kept out of the config, with the keys that name them.
    pub(crate) fn files(&self) -> &[(String, PathBuf)] {
        &self.files
    }

    /// The files that are a part of the config: the same config with another content of one of them is another.
    pub(crate) fn watched(&self) -> &BTreeSet<PathBuf> {
        &self.watched
    }

    /// The keys that have another value in the other config, or a file of another content, or are in one of the two alone.
    pub(crate) fn changed<'a>(&'a self, other: &'a Self) -> BTreeSet<&'a str> {
        let keys = self.digests.keys().chain(other.digests.keys());
        let differs = |key: &&String| self.digests.get(*key) != other.digests.get(*key);
        keys.filter(differs).map(String::as_str).collect()
    }

    pub(super) fn see_text(&mut self, key: &Key, text: &str, folder: &Path) {
        let key = key.to_string();
        let is_read_by_the_store = is_read_by_the_store(&key);
        if is_read_by_the_store {
            self.digests.insert(key.clone(), digest_of(text.as_bytes()));
        }
        for file in substitution::files(text, folder) {
            if !is_read_by_the_store && !key.starts_with(READ_BY_ATTACK) {
                self.watched.insert(file.clone());
            }
            self.files.push((key.clone(), file));
        }
        if names_a_file(&key) {
            // Another content is another value, also where the name is the same.
            let file = folder.join(text);
            let content = std::fs::read(&file).map(Zeroizing::new);
            let digest = digest_of(content.as_deref().map_or(&[], Vec::as_slice));
            self.digests.insert(format!("{key} (its file)"), digest);
            self.watched.insert(file);
        }
        if key.ends_with("tls.key")
            || key == "attack.issuer_key"
            || key == "attack.client_certificate.key"
        {
            self.files.push((key.clone(), folder.join(text)));
        }
        if !substitution::has_placeholder(text) {
            self.literals.insert(key);
        }
    }

    pub(super) fn see_keys(&mut self, document: &Document<'_>, key: &Key, value: &Value) {
        self.places.insert(key.to_string(), document.place(key));
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    self.see_keys(document, &key.member(name), value);
                }
            }
            Value::Array(elements) => {
                for (index, value) in elements.iter().enumerate() {
                    self.see_keys(document, &key.element(index), value);
                }
            }
            _ => {
                let key = key.to_string();
                if !is_read_by_the_store(&key) && !key.starts_with(READ_BY_ATTACK) {
                    self.digests
                        .insert(key, digest_of(value.to_string().as_bytes()));
                }
            }
        }
    }
}

fn is_read_by_the_store(key: &str) -> bool {
    READ_BY_THE_STORE.iter().any(|start| key.starts_with(start))
}

fn names_a_file(key: &str) -> bool {
    key.starts_with("gateway.allowlist.files[")
        || ["gateway.allowlist.cache", "gateway.allowlist.url_ca"].contains(&key)
        || NAMES_A_FILE.iter().any(|end| key.ends_with(end))
}

/// What tells two values apart without keeping either.
fn digest_of(bytes: &[u8]) -> [u8; 32] {
    let digest = digest(&SHA256, bytes);
    digest.as_ref().try_into().unwrap_or_default()
}
