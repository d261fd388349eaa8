//! What is wrong with a config, for the person who wrote it.

use std::fmt;
use std::path::{Path, PathBuf};

use super::document::{Document, Key, Place};

/// One thing that is wrong: where it stands, which key it is about, why, and the mend. Never a value.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) place: Place,
    pub(crate) key: String,
    pub(crate) reason: String,
}

/// Everything found wrong with a document so far.
pub(crate) struct Findings<'document> {
    document: &'document Document<'document>,
    list: Vec<Finding>,
}

impl<'document> Findings<'document> {
    pub(crate) fn new(document: &'document Document<'document>) -> Self {
        Self {
            document,
            list: Vec::new(),
        }
    }

    /// Adds what is wrong with the value of `key`: what, and the mend, but never the value.
    pub(crate) fn push(&mut self, key: &Key, reason: impl fmt::Display) {
        self.list.push(Finding {
            place: self.document.place(key),
            key: key.to_string(),
            reason: reason.to_string(),
        });
    }

    /// The text of `key` as it stands in the document, before its placeholders were filled.
    pub(crate) fn written(&self, key: &Key) -> Option<&'document str> {
        self.document.text(key)
    }

    /// The value of `result`, or a finding about `key` and nothing. The error must not show the value; where it has
    /// causes, it goes through [`with_causes`] first.
    pub(crate) fn keep<T, E: fmt::Display>(
        &mut self,
        key: &Key,
        result: Result<T, E>,
    ) -> Option<T> {
        result.map_err(|error| self.push(key, error)).ok()
    }

    /// Every element of a list of texts as it is parsed, or a finding about each that cannot be, and nothing.
    pub(crate) fn keep_each<T, E: fmt::Display>(
        &mut self,
        key: &Key,
        texts: &[String],
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<Vec<T>> {
        let parsed = texts.iter().enumerate();
        let parsed = parsed.map(|(index, text)| self.keep(&key.element(index), parse(text)));
        // Each is parsed, also behind a bad one: all that is wrong is shown at once.
        parsed.collect::<Vec<_>>().into_iter().collect()
    }

    /// Ends a step: what follows may rely on nothing having been found.
    pub(crate) fn none_so_far(&mut self) -> Result<(), Vec<Finding>> {
        if self.list.is_empty() {
            return Ok(());
        }
        let mut list = std::mem::take(&mut self.list);
        list.sort_by_key(|finding| finding.place);
        Err(list)
    }
}

/// An error and its causes, in one line.
pub(crate) fn with_causes(error: impl std::error::Error + Send + Sync + 'static) -> String {
    format!("{:#}", anyhow::Error::new(error))
}

/// A config that cannot be used, with all the reasons.
#[derive(Debug)]
pub(crate) struct ConfigError {
    path: PathBuf,
    cause: Cause,
}

#[derive(Debug)]
enum Cause {
    Unreadable(std::io::Error),
    Findings(Vec<Finding>),
}

impl ConfigError {
    pub(crate) fn unreadable(path: &Path, error: std::io::Error) -> Self {
        Self {
            path: path.to_owned(),
            cause: Cause::Unreadable(error),
        }
    }

    pub(crate) fn new(path: &Path, findings: Vec<Finding>) -> Self {
        Self {
            path: path.to_owned(),
            cause: Cause::Findings(findings),
        }
    }
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.cause {
            Cause::Unreadable(error) => write!(formatter, "cannot read {path}: {error}"),
            Cause::Findings(findings) => {
                let count = findings.len();
                let noun = if count == 1 { "error" } else { "errors" };
                write!(formatter, "{path} cannot be used: {count} {noun}")?;
                for Finding { place, key, reason } in findings {
                    write!(formatter, "\n  {path}:{}:{}: ", place.line, place.column)?;
                    if !key.is_empty() {
                        write!(formatter, "`{key}`: ")?;
                    }
                    write!(formatter, "{reason}")?;
                }
                Ok(())
            }
        }
    }
}
