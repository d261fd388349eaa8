//! How a config is written: which keys stand where, which texts are filled in from elsewhere and from which files.
//! For whoever judges a config that can be used; it holds no value.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::document::{Document, Key, Place};
use super::substitution;

/// How a config is written.
#[derive(Default)]
pub(crate) struct Source {
    places: BTreeMap<String, Place>,
    literals: BTreeSet<String>,
    files: Vec<(String, PathBuf)>,
}

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

    pub(super) fn see_text(&mut self, key: &Key, text: &str, folder: &Path) {
        let key = key.to_string();
        for file in substitution::files(text, folder) {
            self.files.push((key.clone(), file));
        }
        if key.ends_with("tls.key") || key == "attack.issuer_key" {
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
            _ => {}
        }
    }
}
