//! `${env:NAME}` and `${file:PATH}` in the strings of a config, so that a secret need not stand in it.
//! `${fill:WHAT}` is what a proposed config could not know; nothing serves until all of it is filled in.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// The largest file that `${file:…}` reads, in bytes.
const MOST_BYTES: u64 = 64 * 1024;

/// Why a placeholder could not be filled. Names what was asked for, never what was found.
#[derive(Debug, Error)]
pub(crate) enum SubstitutionError {
    #[error("`${{` without its `}}`")]
    Unclosed,
    #[error("a placeholder is `${{env:NAME}}` or `${{file:PATH}}`")]
    UnknownKind,
    #[error("is still to be filled in: {0}")]
    Unfilled(String),
    #[error("the environment has no variable {0}")]
    NoVariable(String),
    #[error("cannot read {path}: {reason}")]
    UnreadableFile { path: String, reason: String },
}

/// Fills every placeholder of `text`. Relative paths start from `folder`; one trailing newline of a file is dropped.
/// What was filled in is not looked at again.
pub(crate) fn substitute(text: &str, folder: &Path) -> Result<String, SubstitutionError> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (placeholder, following) = after.split_once('}').ok_or(SubstitutionError::Unclosed)?;
        filled.push_str(before);
        filled.push_str(&value_of(placeholder, folder)?);
        rest = following;
    }
    filled.push_str(rest);
    Ok(filled)
}

/// Whether anything of a text is filled in.
pub(crate) fn has_placeholder(text: &str) -> bool {
    text.contains("${")
}

/// The files that a text is filled from.
pub(crate) fn files(text: &str, folder: &Path) -> Vec<PathBuf> {
    let placeholders = text.split("${").skip(1);
    let inside = placeholders.filter_map(|rest| rest.split_once('}'));
    let paths = inside.filter_map(|(placeholder, _)| placeholder.strip_prefix("file:"));
    paths.map(|path| folder.join(path)).collect()
}

fn value_of(placeholder: &str, folder: &Path) -> Result<String, SubstitutionError> {
    match placeholder.split_once(':') {
        Some(("env", name)) => variable(name),
        Some(("file", path)) => file(&folder.join(path)),
        Some(("fill", what)) => Err(SubstitutionError::Unfilled(what.to_owned())),
        _ => Err(SubstitutionError::UnknownKind),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is where config reads the environment"
)]
fn variable(name: &str) -> Result<String, SubstitutionError> {
    std::env::var(name).map_err(|_| SubstitutionError::NoVariable(name.to_owned()))
}

fn file(path: &Path) -> Result<String, SubstitutionError> {
    let unreadable = |reason: String| SubstitutionError::UnreadableFile {
        path: path.display().to_string(),
        reason,
    };
    let mut text = String::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MOST_BYTES + 1).read_to_string(&mut text))
        .map_err(|error| unreadable(error.to_string()))?;
    if text.len() as u64 > MOST_BYTES {
        return Err(unreadable(format!("it has more than {MOST_BYTES} bytes")));
    }
    if text.ends_with('\n') {
        text.pop();
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_filled_in_without_its_one_trailing_newline() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("key"), "secret\n\n").unwrap();
        assert_eq!(
            substitute("<${file:key}>", folder.path()).unwrap(),
            "<secret\n>"
        );
    }

    #[test]
    fn what_is_still_to_be_filled_in_says_what_it_wants() {
        let error = substitute("${fill:your issuer}", Path::new("")).unwrap_err();
        assert_eq!(error.to_string(), "is still to be filled in: your issuer");
    }

    #[test]
    fn a_file_without_an_end_is_not_read_for_ever() {
        assert!(substitute("${file:/dev/zero}", Path::new("")).is_err());
    }

    #[test]
    fn a_variable_is_filled_in() {
        let found = substitute("${env:CARGO_PKG_NAME}!", Path::new("")).unwrap();
        assert_eq!(found, "lychgate!");
    }

    #[test]
    fn what_was_filled_in_is_not_looked_at_again() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("key"), "${env:HOME}").unwrap();
        assert_eq!(
            substitute("${file:key}", folder.path()).unwrap(),
            "${env:HOME}"
        );
    }

    #[test]
    fn an_unknown_kind_an_open_end_and_a_missing_source_are_errors() {
        for text in [
            "${vault:x}",
            "${env",
            "${env:LYCHGATE_NO_SUCH_VARIABLE}",
            "${file:no/such}",
        ] {
            assert!(substitute(text, Path::new("")).is_err(), "{text}");
        }
    }
}
